//! Details of an answer that is not a JSON object, for log lines: its status and its content type.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
use crate::printable::printable;
use crate::reply::Answer;

/// Adds the status and the content type of an answer that is not a JSON object to the reason.
pub(super) fn add_content_type(conclusion: &mut Conclusion, answer: &Answer) {
    if let Origin::Failure(reason) = &conclusion.origin
        && reason.kind() == UnavailableKind::AnswerMalformed
        && let Answer::Response { status, headers, body } = answer
    {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let is_page = body.as_deref().is_some_and(is_page);
        conclusion.origin = Origin::Failure(described(reason, *status, content_type, is_page));
    }
}

/// Returns true for an HTML page. PHP labels each answer as HTML, also JSON and its own warnings, so
/// the content type does not show a page.
#[cold]
fn is_page(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let begins =
        |tag: &[u8]| start.get(..tag.len()).is_some_and(|own| own.eq_ignore_ascii_case(tag));
    begins(b"<!doctype html") || begins(b"<html")
}

#[cold]
fn described(
    reason: &Unavailable,
    status: StatusCode,
    content_type: Option<&[u8]>,
    is_page: bool,
) -> Unavailable {
    let content_type = content_type.map(String::from_utf8_lossy);
    let found = match &content_type {
        Some(content_type) => format!("content-type {}", printable(content_type)),
        None => "no content-type".to_owned(),
    };
    let found = format!("status {}, {found}", status.as_str());
    let remedy = if is_page {
        "; this is an HTML page: if it is a login page, exempt the path of the event from the login; if \
         it is an error page, read the app's log"
    } else {
        ""
    };
    let detail = match reason.detail() {
        Some(detail) => format!("{detail} ({found}{remedy})"),
        None => format!("{found}{remedy}"),
    };
    Unavailable::with_whole(UnavailableKind::AnswerMalformed, detail)
}
