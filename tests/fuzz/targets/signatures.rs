//! Checks that the gate accepts the same lists and encodings of signatures as a second
//! implementation, which follows the platforms' documentation.
//!
//! Input: lines. The first line is the end of a path; each other line is a header. The target
//! replaces `@` in a header with the correct digest in the platform's encoding.

#![no_main]

use std::sync::LazyLock;

use gatepost::RefusalKind;
use gatepost_fuzz::proof::Scheme;
use gatepost_fuzz::{GATE, Request};
use http::{HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const BODY: &[u8] = br#"{"type":"video.asset.ready","request":{"direction":"incoming","status":"closing","url":"rtmp://ome.example.com/app"},"EventType":1,"x":1}"#;

const PATHS: [&str; 5] = [
    "/callbacks/github",
    "/callbacks/mux",
    "/callbacks/ome",
    "/callbacks/standard-webhooks",
    "/callbacks/trtc",
];

/// Headers that gatepost ignores unless their values are visible ASCII.
const SIGNATURE_HEADERS: [&str; 7] = [
    "mux-signature",
    "sign",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-hub-signature-256",
    "x-ome-signature",
];

// Without `init`, the time of the first input includes the time to read every definition.
fuzz_target!(init: { LazyLock::force(&GATE); }, |data: &[u8]| {
    let mut lines = data.split(|b| *b == b'\n');
    let first = lines.next().unwrap_or_default();
    let Some(path) = PATHS.into_iter().find(|path| path.as_bytes().ends_with(first)) else {
        return;
    };
    let scheme = Scheme::of(path).expect("expected a scheme for each path, found none");
    let mut request = Request::post(path, BODY);
    let digest = correct_digest(scheme, &request);
    for line in lines {
        let Some(colon) = line.iter().position(|b| *b == b':') else { return };
        let Ok(name) = HeaderName::from_bytes(&line[..colon]) else { return };
        let mut value = Vec::new();
        for byte in line[colon + 1..].trim_ascii() {
            match byte {
                b'@' => value.extend_from_slice(digest.as_bytes()),
                byte => value.push(*byte),
            }
        }
        let Ok(value) = HeaderValue::from_bytes(&value) else { return };
        // gatepost refuses a duplicate header before it checks the signature.
        if request.headers.insert(name, value).is_some() {
            return;
        }
    }
    let verdict = request.judge(&GATE, usize::MAX).expect("expected a callback path, found none");
    let refusal = verdict.as_ref().err().map(gatepost::Refusal::kind);
    let is_about_signature = refusal.is_some_and(|kind| {
        use RefusalKind::{
            SignatureMalformed, SignatureMismatch, SignatureMissing, TimestampExpired,
            TimestampInvalid, TimestampTooFarAhead,
        };
        matches!(
            kind,
            SignatureMalformed
                | SignatureMismatch
                | SignatureMissing
                | TimestampExpired
                | TimestampInvalid
                | TimestampTooFarAhead
        )
    });
    let has_other_refusal = refusal.is_some() && !is_about_signature;
    if has_other_refusal {
        return;
    }
    let mut values = SIGNATURE_HEADERS.iter().filter_map(|name| request.headers.get(*name));
    let visible = values.all(|value| value.to_str().is_ok());
    if !scheme.holds(&request) {
        assert!(is_about_signature, "expected a valid signature, found none");
    } else if visible {
        // gatepost reads a limited number of signatures, and refuses a time with a `+`.
        let text = String::from_utf8_lossy(data);
        let is_long = text.matches("v1").count() > 16;
        let may_refuse = is_long || text.contains('+');
        assert!(!is_about_signature || may_refuse, "expected acceptance, found {refusal:?}");
    }
});

/// Returns the correct digest of the body at the time [`NOW`](gatepost_fuzz::NOW).
fn correct_digest(scheme: Scheme, request: &Request) -> String {
    let mut signed = Request::post("/", &request.body);
    scheme.sign(&mut signed);
    let mut values = signed.headers.iter();
    let is_signature = |name: &HeaderName| name.as_str().contains("sign");
    let (_, value) =
        values.find(|(name, _)| is_signature(name)).expect("expected a signature, found none");
    let text = value.to_str().expect("expected ASCII, found an error");
    let prefixes = ["sha256=", "v1,", "v1="];
    let digest = prefixes.iter().find_map(|prefix| Some(text.rsplit_once(prefix)?.1));
    digest.unwrap_or(text).to_owned()
}
