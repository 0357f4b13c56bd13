//! Forms that the console receives.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST, ORIGIN};
use http::uri::Authority;
use pingora::http::RequestHeader;
use pingora::protocols::http::ServerSession;

/// Maximum length of a form, in bytes. The longest body of an event has 128 KiB, and a form may
/// need three bytes for each byte of the body.
const MAX_FORM_BYTES: usize = 512 * 1024;

/// Time limit for reading a form.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Name and value of each field.
pub(super) type Form = Vec<(String, String)>;

/// A text field with its fault.
#[derive(Default)]
pub(super) struct FormField {
    pub(super) value: String,
    pub(super) problem: String,
}

impl FormField {
    pub(super) fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), problem: String::new() }
    }
}

/// Reads a form. Returns `None` for a form that exceeds [`MAX_FORM_BYTES`] or [`FORM_TIMEOUT`],
/// for a client that disconnects, and for a request without a valid `content-length`.
pub(super) async fn read(session: &mut ServerSession) -> Option<Form> {
    let length = session.req_header().headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    if length.parse::<usize>().ok()? > MAX_FORM_BYTES {
        return None;
    }
    let read = async {
        let mut body = Vec::new();
        while let Some(chunk) = session.read_request_body().await.ok()? {
            if body.len() + chunk.len() > MAX_FORM_BYTES {
                return None;
            }
            body.extend_from_slice(&chunk);
        }
        Some(body)
    };
    let body = tokio::time::timeout(FORM_TIMEOUT, read).await.ok()??;
    Some(form_urlencoded::parse(&body).into_owned().collect())
}

pub(super) fn value<'f>(form: &'f Form, name: &str) -> Option<&'f str> {
    form.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
}

/// Returns true if a page of the console has sent the request. A page cannot change
/// `sec-fetch-site` and `origin`, because the browser sets them. If a proxy in front of the console
/// changes `host`, the host of `origin` must be one of the `admin_hosts`.
pub(super) fn is_from_console(head: &RequestHeader, names: &[String]) -> bool {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if header("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    let (Some(origin), Some(host)) = (header(ORIGIN.as_str()), header(HOST.as_str())) else {
        return false;
    };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let authority = authority.and_then(|text| text.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        authority.as_str().eq_ignore_ascii_case(host)
            || names.iter().any(|name| authority.host().eq_ignore_ascii_case(name))
    })
}
