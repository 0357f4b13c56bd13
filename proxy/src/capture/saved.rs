//! Recorded requests: a captured callback as a file that `gatepost explain` reads.
//!
//! The file contains the request in wire format, with an additional header, [`RECORDED`]. The
//! header contains the verdict and its checks. If a part of the request is masked or cut, gatepost
//! cannot judge the request again.

use gatepost::Timestamp;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::callback::CapturedCallback;
use super::recorded_verdict::{RECORDED, RecordedVerdict};
use super::view::{StepView, Viewer};
use super::{CAPTURED, Numbered};

/// A masked request in wire format, without [`RECORDED`].
pub(super) struct RequestBytes {
    pub(super) is_masked: bool,
    line: Vec<u8>,
    headers: Vec<u8>,
    body: Vec<u8>,
}

/// Returns the content of the file for a callback.
pub(crate) fn saved_request(viewer: &Viewer<'_>, numbered: &Numbered) -> Vec<u8> {
    let callback = &numbered.callback;
    let request = viewer.request_bytes(callback);
    let (steps, explanation) = viewer.explanation(callback);
    let recorded = RecordedVerdict {
        at: Timestamp::as_secs(callback.at),
        is_masked: request.is_masked,
        verdict: if callback.is_accepted() { "accepted" } else { "refused" }.into(),
        explanation,
        is_of_earlier_config: CAPTURED.is_of_earlier_config(numbered.id),
        steps: steps.into_iter().map(|StepView { name, found }| (name, found)).collect(),
    };
    let recorded = ascii(&serde_json::to_string(&recorded).unwrap_or_default());
    let length = request.body.len();
    let own = format!("{RECORDED}: {recorded}\r\ncontent-length: {length}\r\n\r\n");
    [request.line, request.headers, own.into_bytes(), request.body].concat()
}

impl Viewer<'_> {
    pub(super) fn request_bytes(&self, callback: &CapturedCallback) -> RequestBytes {
        let (head, mask) = (callback.head(), self.mask(callback));
        let target = mask.target(head.uri.path(), head.uri.query());
        let written = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let (body, length) = callback.body();
        let masked = mask.body(body);
        let mut is_masked = target != written.as_bytes() || masked != body || length > body.len();
        let line = [head.method.as_str().as_bytes(), b" ", &target, b" HTTP/1.1\r\n"].concat();
        let mut headers = Vec::new();
        for (name, value) in &head.headers {
            if *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING || name.as_str() == RECORDED {
                continue;
            }
            let masked = mask.header(name.as_str(), value.as_bytes());
            is_masked |= masked != value.as_bytes();
            headers.extend([name.as_str().as_bytes(), b": ", &masked, b"\r\n"].concat());
        }
        RequestBytes { is_masked, line, headers, body: masked }
    }
}

/// Escapes the characters of JSON that a header must not contain.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii_graphic() || c == ' ' {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gatepost::Capture;

    use super::super::callback::tests::{gate, refused};
    use super::*;

    fn saved(body: &str, mode: Capture) -> String {
        let (gate, callback) = (gate(), Arc::new(refused(body)));
        let viewer = Viewer { gate: &gate, mode };
        String::from_utf8(saved_request(&viewer, &Numbered { id: 7, callback })).unwrap()
    }

    fn recorded(text: &str) -> RecordedVerdict {
        let line = text.lines().find_map(|line| line.strip_prefix("gatepost-recorded: "));
        serde_json::from_str(line.unwrap()).unwrap()
    }

    #[test]
    fn masked_request_has_verdict_and_length_of_masked_body() {
        let text =
            saved("{\"event_type\":1,\"app\":\"直播\",\"t\":5,\"sign\":\"abc\"}", Capture::Masked);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook HTTP/1.1\r\ncontent-type: application/json\r\n"));
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(body, "{\"event_type\":1,\"app\":\"直播\",\"t\":5,\"sign\":\"***\"}");
        let recorded = recorded(&text);
        assert_eq!((recorded.is_masked, &*recorded.verdict), (true, "refused"));
        assert!(recorded.explanation.starts_with("refused with 401: "), "{recorded:?}");
        assert!(!text.contains("abc") && head.is_ascii());
    }

    #[test]
    fn unmasked_request_is_as_received() {
        let text = saved("{\"event_type\":1,\"t\":5,\"sign\":\"abc\"}", Capture::Full);
        assert!(text.ends_with("\"sign\":\"abc\"}"));
        assert!(!recorded(&text).is_masked);
    }

    #[test]
    fn escapes_characters_other_than_printable_ascii() {
        assert_eq!(ascii("a直\u{1f600} \u{7f}"), "a\\u76f4\\ud83d\\ude00 \\u007f");
    }
}
