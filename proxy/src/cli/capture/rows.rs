//! Lines of a list of captured callbacks.

use serde::Deserialize;
use serde_json::Value as Json;

use super::CaptureFormat;
use crate::table::{aligned, plain};

/// A page of callbacks, as the API returns it.
#[derive(Debug, Deserialize)]
pub(super) struct CapturedPage {
    pub(super) callbacks: Vec<Json>,
    pub(super) last: u64,
    pub(super) missed: u64,
    pub(super) capture: String,
}

pub(super) fn lines(page: &CapturedPage, format: CaptureFormat) -> Vec<String> {
    match format {
        CaptureFormat::Json => page.callbacks.iter().map(Json::to_string).collect(),
        CaptureFormat::Human => aligned(&page.callbacks.iter().map(row).collect::<Vec<_>>()),
    }
}

fn row(callback: &Json) -> [String; 9] {
    let text = |name: &str| plain(callback[name].as_str().unwrap_or("-"));
    let at = text("at");
    let time = at.split_once('T').map_or(&*at, |(_, time)| time.trim_end_matches('Z'));
    let verdict = match callback["decision"].as_str() {
        Some(decision) => format!("{} ({}, {decision})", text("verdict"), text("code")),
        None => format!("{} ({})", text("verdict"), text("code")),
    };
    let status = callback["status"].as_u64().map_or("-".into(), |status| status.to_string());
    [
        callback["id"].to_string(),
        time.to_owned(),
        text("provider"),
        text("kind"),
        text("tenant"),
        text("template"),
        status,
        verdict,
        millis(callback, "elapsed_ms"),
    ]
}

/// Formats the member `name`, a time in milliseconds, with one decimal; `-` if it is absent.
pub(super) fn millis(json: &Json, name: &str) -> String {
    json[name].as_f64().map_or("-".into(), |millis| format!("{millis:.1} ms"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn line_has_no_control_characters() {
        let callback = json!({
            "id": 12, "at": "2026-11-29T01:02:03.456Z", "verdict": "refused", "provider": "mux",
            "tenant": "a\u{1b}[31mb", "code": "signature_mismatch", "status": 401,
            "elapsed_ms": 3.12,
        });
        let page = CapturedPage {
            callbacks: vec![callback],
            last: 12,
            missed: 0,
            capture: "masked".into(),
        };
        let lines = lines(&page, CaptureFormat::Human);
        assert_eq!(
            lines[0],
            "12  01:02:03.456  mux  -  a\u{fffd}[31mb  -  401  refused (signature_mismatch)  3.1 ms"
        );
    }
}
