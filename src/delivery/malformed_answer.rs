//! Details of an answer that is not a JSON object, for log lines: its status and its content type.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::printable::printable;
use crate::reply::Answer;

/// Adds the status and the content type of the answer to the reason, if the reason is an answer
/// that is not a JSON object.
pub(super) fn add_content_type(conclusion: &mut Conclusion, answer: &Answer) {
    if let Origin::Failure(reason) = &conclusion.origin
        && reason.kind() == UnavailableKind::AnswerMalformed
        && let Answer::Response { status, headers, .. } = answer
    {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        conclusion.origin = Origin::Failure(described(reason, *status, content_type));
    }
}

#[cold]
fn described(reason: &Unavailable, status: StatusCode, content_type: Option<&[u8]>) -> Unavailable {
    let content_type = content_type.map(String::from_utf8_lossy);
    let found = match &content_type {
        Some(content_type) => format!("content-type {}", printable(content_type)),
        None => "no content-type".to_owned(),
    };
    let found = format!("status {}, {found}", status.as_str());
    let is_page = content_type.is_some_and(|text| text.to_ascii_lowercase().contains("html"));
    let remedy = if is_page {
        "; HTML is usually a login page: exempt the path of the event from the login; otherwise it is an \
         error page: read the app's log"
    } else {
        ""
    };
    let detail = match reason.detail() {
        Some(detail) => format!("{detail} ({found}{remedy})"),
        None => format!("{found}{remedy}"),
    };
    Unavailable::with_whole(UnavailableKind::AnswerMalformed, detail)
}
