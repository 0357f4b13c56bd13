//! Meaning of the answer to a notification: the app accepted the event, refused the event, or
//! failed.
//!
//! | answer | the app |
//! |---|---|
//! | 2xx with an empty body, with `{}`, with the members of the platform's acknowledgement, or with `{"allow":true}` | accepted the event |
//! | 2xx in which `allow` occurs more than once, or is neither `true` nor `null` | did not accept the event (`answer_contradicts`) |
//! | 2xx in which a member of the acknowledgement has another value | did not accept the event (`answer_contradicts`) |
//! | 2xx with an `error` other than `null`, `false`, 0 or an empty value, or with a number of at least 400 in `status` | did not accept the event (`answer_contradicts`) |
//! | 2xx with a fatal error of PHP | did not accept the event (`answer_fatal`) |
//! | 2xx with any other body | accepted the event; with `unclear_answer = "refused"`, did not accept the event (`answer_unclear`) |
//! | 4xx except 404, 405, 408, 425 and 429 | refused the event |
//! | any other status, or no complete answer in time | failed |
//!
//! If a reply contradicts the acknowledgement that the platform expects, the platform sends the
//! callback again. For example, a platform that expects `{"code":0}` treats `{"code":1}` as a
//! failure. gatepost reads an answer in the same way: with `{"code":1}`, the app has not accepted
//! the event.

use std::cell::OnceCell;

use http::StatusCode;
use http::header::CONTENT_ENCODING;

use super::status_detail::status_detail;
use crate::conclusion::{Unavailable, UnavailableKind};
use crate::event::Forward;
use crate::json::{BodyError, Json, Limits, Object, Shape, Value};
use crate::provider::field::parse_whole;
use crate::reply::{Answer, Reply, answer_text};
use crate::template::{Ask, UnclearAnswer};

/// Checks that the app accepted the event of a notification. `ack` is the platform's
/// acknowledgement. Returns the reason if the answer is unclear, but the event counts as accepted.
///
/// # Errors
///
/// Returns the reason why the event does not count as accepted.
pub(super) fn check_taken(
    answer: &Answer,
    ack: &Reply,
    ask: &Ask,
    forward: Forward,
) -> Result<Option<Unavailable>, Unavailable> {
    if let Answer::Response { status, .. } = answer
        && is_refusal(*status)
    {
        let detail = status_detail(answer, *status, own_path(ask, forward));
        let detail = format!("status {detail}");
        return Err(Unavailable::with_whole(UnavailableKind::EventRefused, detail));
    }
    check_status(answer, ask, forward)?;
    let taken = match answer {
        Answer::Response { body: Some(body), .. } => read(body, ack.body())?,
        Answer::Response { body: None, .. }
        | Answer::Timeout
        | Answer::Unreachable(_)
        | Answer::Unreadable(..) => Taken::Unclearly,
    };
    match (taken, ask.unclear_answer) {
        (Taken::Clearly, _) => Ok(None),
        (Taken::Unclearly, UnclearAnswer::Refused) => Err(unclear_because(answer)),
        (Taken::Unclearly, UnclearAnswer::Taken) => Ok(Some(unclear_because(answer))),
    }
}

/// Returns the reason for an unclear answer. If the app compressed the answer, the reason names the
/// coding.
#[cold]
fn unclear_because(answer: &Answer) -> Unavailable {
    let kind = UnavailableKind::AnswerUnclear;
    coding_fault(answer).map_or_else(|| kind.into(), |fault| Unavailable::with(kind, &fault))
}

/// Describes the compression of an answer, with the remedy; `None` for an answer without
/// compression. gatepost asks for no compression, and reads no compressed answer.
pub(super) fn coding_fault(answer: &Answer) -> Option<String> {
    let Answer::Response { headers, .. } = answer else { return None };
    let coding = headers.get(CONTENT_ENCODING).filter(|coding| *coding != "identity")?;
    let coding = String::from_utf8_lossy(coding.as_bytes());
    Some(format!(
        "expected no content coding, found `{coding}`; send the answer without compression"
    ))
}

/// Checks that the app answered with a 2xx status.
pub(super) fn check_status(
    answer: &Answer,
    ask: &Ask,
    forward: Forward,
) -> Result<(), Unavailable> {
    match answer {
        Answer::Response { status, .. } if status.is_success() => Ok(()),
        Answer::Response { status, .. } => {
            let detail = status_detail(answer, *status, own_path(ask, forward));
            Err(Unavailable::with_whole(UnavailableKind::AppStatus, detail))
        }
        Answer::Timeout => Err(UnavailableKind::AppTimeout.into()),
        Answer::Unreachable(reason) => {
            Err(Unavailable::with(UnavailableKind::AppUnreachable, reason))
        }
        Answer::Unreadable(fault, reason) => Err(Unavailable::with((*fault).into(), reason)),
    }
}

/// Returns the path of the app's first address; `None` if the event keeps the path of the callback.
fn own_path(ask: &Ask, forward: Forward) -> Option<&str> {
    let url = ask.url.as_ref().filter(|_| forward != Forward::Passthrough)?;
    Some(url.first().url().path())
}

/// Returns true for a status with which the app refuses an event. The other 4xx statuses mean that
/// the address is wrong, or that a later attempt may succeed.
fn is_refusal(status: StatusCode) -> bool {
    let is_failure = matches!(
        status,
        StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS
    );
    status.is_client_error() && !is_failure
}

/// The certainty with which an answer says that the app accepted an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Clearly,
    /// The answer neither repeats nor contradicts the acknowledgement. An app may write anything
    /// that the platform ignores.
    Unclearly,
}

/// Reads the body of an answer. `ack` is the body of the platform's acknowledgement.
fn read(body: &[u8], ack: &[u8]) -> Result<Taken, Unavailable> {
    if contains_fatal_error(body) {
        return Err(UnavailableKind::AnswerFatal.into());
    }
    let Some(text) = answer_text(body) else { return Ok(Taken::Unclearly) };
    if text.is_empty() || text.as_bytes() == ack {
        return Ok(Taken::Clearly);
    }
    let repaired = OnceCell::new();
    let answer = match Object::from_json_repaired(text, Limits::NONE, &repaired) {
        Ok(answer) => answer,
        Err(BodyError::Duplicate(name)) if name == "allow" => return Err(contradiction("allow")),
        Err(_) => return Ok(Taken::Unclearly),
    };
    let allow = match answer.get("allow") {
        Some(Value::Json(Json { text: "true", .. })) => true,
        Some(Value::Json(Json { text: "null", .. })) | None => false,
        Some(Value::Json(_) | Value::Text(_)) => return Err(contradiction("allow")),
    };
    let ack = std::str::from_utf8(ack).ok().and_then(|ack| Object::from_json(ack).ok());
    let ack = ack.unwrap_or_default();
    let repeats = repeats(&answer, &ack)?;
    if !repeats {
        check_reports_no_error(&answer)?;
    }
    Ok(if allow || repeats || answer.len() == 0 { Taken::Clearly } else { Taken::Unclearly })
}

/// Returns true if the body contains a fatal error of PHP. By default, PHP prints such an error,
/// and sends the status 200.
pub(super) fn contains_fatal_error(body: &[u8]) -> bool {
    // PHP's text with `html_errors` on and off, and the text of PHP's log, which some servers
    // print.
    const MARKERS: [&str; 6] = [
        "<b>Fatal error</b>:",
        "<b>Parse error</b>:",
        "\nFatal error: ",
        "\nParse error: ",
        "PHP Fatal error:",
        "PHP Parse error:",
    ];
    memchr::memmem::find(body, b"error").is_some()
        && MARKERS.iter().any(|marker| memchr::memmem::find(body, marker.as_bytes()).is_some())
}

/// Checks the members by which many apps report an error with the status 200.
///
/// # Errors
///
/// Returns an error if the answer has an `error` other than `null`, `false`, 0 or an empty value,
/// or a number of at least 400 in `status`.
fn check_reports_no_error(answer: &Object<'_>) -> Result<(), Unavailable> {
    let has_error = answer.get("error").is_some_and(|error| {
        !matches!(
            error,
            Value::Json(Json { text: "null" | "false" | "0" | "\"\"" | "[]" | "{}", .. })
        )
    });
    if has_error {
        return Err(contradiction("error"));
    }
    let status = answer.get("status").and_then(Value::scalar);
    match status.and_then(|status| parse_whole(&status)) {
        Some(400..) => Err(contradiction("status")),
        Some(_) | None => Ok(()),
    }
}

/// Returns true if the answer has every member of the acknowledgement with the same value.
///
/// # Errors
///
/// Returns an error if a member of the acknowledgement has another value of the same type in the
/// answer: see [`comparable`].
fn repeats(answer: &Object<'_>, ack: &Object<'_>) -> Result<bool, Unavailable> {
    let mut repeated = 0;
    for (name, expected) in ack.iter() {
        match answer.get(name).and_then(comparable).zip(comparable(expected)) {
            Some((found, expected)) if found == expected => repeated += 1,
            Some((found, expected)) if found.0 == expected.0 => return Err(contradiction(name)),
            Some(_) | None => {}
        }
    }
    Ok(repeated > 0 && repeated == ack.len())
}

/// Returns two values to compare: true for a boolean, and the text of the value. `0`, `0.0` and
/// `"0"` have the same text. Returns `None` for a value that is not a string, a number or a
/// boolean.
fn comparable(value: &Value<'_>) -> Option<(bool, String)> {
    if let Value::Json(Json { text, shape: Shape::Boolean, .. }) = value {
        return Some((true, (*text).to_owned()));
    }
    let text = value.scalar()?;
    Some((false, parse_whole(&text).map_or_else(|| text.into_owned(), |number| number.to_string())))
}

fn contradiction(field: &str) -> Unavailable {
    let detail = format!("expected the acknowledgement, found another value of `{field}`");
    Unavailable::with(UnavailableKind::AnswerContradicts, &detail)
}
