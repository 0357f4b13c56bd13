//! Table of captured callbacks.

use serde::Deserialize;
use serde_json::Value as Json;

use super::CaptureFormat;
use crate::table::{Columns, plain};

/// A page of callbacks, as the API returns it.
#[derive(Debug, Deserialize)]
pub(super) struct CapturedPage {
    pub(super) callbacks: Vec<Json>,
    pub(super) last: u64,
    pub(super) missed: u64,
    pub(super) capture: String,
}

const COLUMNS: usize = 9;

const HEADER: [&str; COLUMNS] =
    ["ID", "TIME", "PROVIDER", "KIND", "TENANT", "TEMPLATE", "STATUS", "VERDICT", "DURATION"];

/// A table of callbacks that grows page by page.
pub(super) struct CallbackTable {
    format: CaptureFormat,
    columns: Columns<COLUMNS>,
    has_header: bool,
}

impl CallbackTable {
    pub(super) const fn new(format: CaptureFormat) -> Self {
        Self { format, columns: Columns::new(), has_header: false }
    }

    /// Returns the lines of a page: for a person, the first page begins with a header.
    pub(super) fn lines(&mut self, page: &CapturedPage) -> Vec<String> {
        if self.format == CaptureFormat::Json {
            return page.callbacks.iter().map(Json::to_string).collect();
        }
        let mut rows: Vec<_> = page.callbacks.iter().map(row).collect();
        if !self.has_header {
            rows.insert(0, HEADER.map(str::to_owned));
            self.has_header = true;
        }
        self.columns.aligned(&rows)
    }
}

fn row(callback: &Json) -> [String; COLUMNS] {
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

    fn page(callback: Json) -> CapturedPage {
        CapturedPage { callbacks: vec![callback], last: 12, missed: 0, capture: "masked".into() }
    }

    #[test]
    fn only_the_first_page_has_a_header_and_no_line_has_control_characters() {
        let callback = json!({
            "id": 12, "at": "2026-11-29T01:02:03.456Z", "verdict": "refused", "provider": "mux",
            "tenant": "a\u{1b}[31mb", "code": "signature_mismatch", "status": 401,
            "elapsed_ms": 3.12,
        });
        let mut table = CallbackTable::new(CaptureFormat::Human);
        let row = "12  01:02:03.456  mux       -     a\u{fffd}[31mb  -         401     refused \
                   (signature_mismatch)  3.1 ms";
        let header = "ID  TIME          PROVIDER  KIND  TENANT    TEMPLATE  STATUS  VERDICT";
        let header = format!("{header}{}DURATION", " ".repeat(23));
        assert_eq!(table.lines(&page(callback.clone())), [&*header, row]);
        assert_eq!(table.lines(&page(callback)), [row]);
    }

    #[test]
    fn json_has_no_header() {
        let mut table = CallbackTable::new(CaptureFormat::Json);
        assert_eq!(table.lines(&page(json!({ "id": 1 }))), ["{\"id\":1}"]);
    }
}
