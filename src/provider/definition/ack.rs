//! Reads `[reply.ack]` and `[kinds.NAME.reply.ack]`: the reply to a notification.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::DefinitionReader;
use crate::reply::Reply;
use crate::toml_reader::Table;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

impl<'f> DefinitionReader<'f> {
    /// Reads the acknowledgement in the table `reply`.
    pub(super) fn ack(&self, reply: &Table<'f>) -> Option<Reply> {
        let ack = self.require_table(reply, "ack")?;
        let status = self.status(&ack, "status", 200..=299).unwrap_or(StatusCode::OK);
        let json = ack.table("json").and_then(|json| json.to_json());
        let text = ack.string("text").map(|text| text.value.to_owned());
        ack.finish();
        reply.finish();
        if ack.has("json") && ack.has("text") {
            let problem = "expected json or text in the acknowledgement, found both";
            self.faults.add(
                &ack.place_of("text"),
                problem,
                "keep the body that the platform expects",
            );
        }
        let has_body = ack.has("json") || ack.has("text");
        if has_body && matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
            let problem =
                format!("expected no body beside status = {}, found one", status.as_u16());
            self.faults.add(
                &ack.place_of("status"),
                problem,
                "remove the body, or write status = 200",
            );
        }
        Some(match (json, text) {
            (Some(json), _) => Reply::new(status, JSON, Bytes::from(json)),
            (None, Some(text)) => Reply::new(status, TEXT, Bytes::from(text)),
            (None, None) => Reply::empty(status),
        })
    }
}
