//! The app's answer, and the reply to the platform.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::head::end_to_end;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// Margin before the platform's time-out, so that the reply arrives in time.
pub(crate) const REPLY_MARGIN: Duration = Duration::from_millis(100);

/// The app's answer to an event, or the reason why there is no answer.
///
/// [`Question`](crate::Question) has an example of use.
///
/// # Examples
///
/// `Debug` prints the length of the body, not the body, because an error page may repeat the event:
///
/// ```
/// use gatepost::Answer;
/// use http::StatusCode;
///
/// let answer = Answer::response(StatusCode::OK, Some("secret".into()));
/// assert_eq!(format!("{answer:?}"), "Response { status: 200, body_bytes: Some(6) }");
/// ```
#[non_exhaustive]
pub enum Answer {
    /// The app answered.
    Response {
        /// Status of the answer.
        status: StatusCode,
        /// Headers of the answer. If the answer itself becomes the reply, gatepost passes on its
        /// end-to-end headers.
        headers: HeaderMap,
        /// The complete body; `None` if the body exceeds [`MAX_ANSWER_BYTES`].
        body: Option<Bytes>,
    },
    /// The app did not answer in time.
    Timeout,
    /// gatepost cannot reach the app, or the app closed the connection without an answer. Contains
    /// the reason.
    Unreachable(String),
    /// The app began an answer that gatepost cannot read. Contains the reason.
    Unreadable(AnswerFault, String),
}

/// Fault of an answer that gatepost cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerFault {
    /// The answer is not valid HTTP: the status line, a header or the chunks are malformed.
    Broken,
    /// The app closed the connection during the answer.
    Incomplete,
    /// The head of the answer, or the whole answer, exceeds a limit of the program that reads the
    /// answer. For the body alone, see [`Answer::Response`].
    TooLarge,
}

impl Answer {
    /// Creates an answer without headers. If the body exceeds [`MAX_ANSWER_BYTES`], pass `None`.
    #[must_use]
    pub fn response(status: StatusCode, body: Option<Bytes>) -> Self {
        Self::Response { status, headers: HeaderMap::new(), body }
    }
}

/// `Debug` omits the headers and the body, because an app's error page may repeat the event.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response { status, body, .. } => f
                .debug_struct("Response")
                .field("status", status)
                .field("body_bytes", &body.as_ref().map(Bytes::len))
                .finish(),
            Self::Timeout => f.write_str("Timeout"),
            Self::Unreachable(reason) => f.debug_tuple("Unreachable").field(reason).finish(),
            Self::Unreadable(fault, reason) => {
                f.debug_tuple("Unreadable").field(fault).field(reason).finish()
            }
        }
    }
}

/// Maximum length of an answer's body, in bytes.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Returns the text of an answer's body without surrounding white space; `None` if the body is not
/// UTF-8.
///
/// Skips a byte order mark at the start. If a PHP file starts with that mark, PHP sends the mark
/// before the answer.
pub(crate) fn answer_text(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    Some(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim())
}

/// Returns true if a body starts with a byte order mark, which platforms do not expect.
pub(crate) fn has_byte_order_mark(body: &[u8]) -> bool {
    body.starts_with(BYTE_ORDER_MARK.as_bytes())
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A complete reply to the platform.
///
/// # Examples
///
/// ```
/// use gatepost::Reply;
///
/// let response = Reply::not_found().into_response();
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers()["content-length"], "10");
/// ```
#[derive(Clone)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<HeaderValue>,
    /// Further headers: the headers that the platform requires, such as a header with a key, or the
    /// headers of the app's own answer.
    pub(crate) extra: Option<Arc<[(HeaderName, HeaderValue)]>>,
    /// Value of `access-control-allow-origin`; `None` if the reply lacks this header. Boxed,
    /// because few replies have the header.
    pub(crate) cors: Option<Box<HeaderValue>>,
    pub(crate) close: bool,
    /// `None` if the reply carries no permission.
    pub(crate) permission: Option<Permission>,
    pub(crate) body: Bytes,
}

/// The permission that a reply carries.
///
/// If a reply denies at least one of several items, its permission is [`Permission::Deny`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// The reply grants the request of the callback.
    Allow,
    /// The reply denies the request of the callback, or a part of this request.
    Deny,
}

impl Permission {
    /// Returns `allow` or `deny`: the same word in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// `Debug` omits the headers, which may contain keys, and the body, which may contain the app's
/// data.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// Creates a reply without a body.
    pub(crate) const fn empty(status: StatusCode) -> Self {
        Self {
            status,
            content_type: None,
            extra: None,
            cors: None,
            close: false,
            permission: None,
            body: Bytes::new(),
        }
    }

    pub(crate) const fn new(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Self {
        let content_type = Some(content_type);
        Self { status, content_type, extra: None, cors: None, close: false, permission: None, body }
    }

    /// Returns the app's answer as the reply, with the end-to-end headers other than `date`.
    /// Returns `None` for an answer without a complete body, and for the status 1xx.
    pub(crate) fn of_app(answer: &Answer) -> Option<Self> {
        let Answer::Response { status, headers, body: Some(body) } = answer else { return None };
        if status.is_informational() {
            return None;
        }
        // Every server writes its own `date`.
        let passed = end_to_end(headers).filter(|(name, _)| **name != DATE);
        let extra = passed.map(|(name, value)| (name.clone(), value.clone())).collect();
        Some(Self { extra: Some(extra), body: body.clone(), ..Self::empty(*status) })
    }

    /// Creates a plain-text reply.
    pub(crate) const fn text(status: StatusCode, text: &'static [u8]) -> Self {
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        Self::new(status, content_type, Bytes::from_static(text))
    }

    /// Returns the reply to a request with a [`HeadFault`](crate::HeadFault).
    #[must_use]
    pub fn bad_request() -> Self {
        Self { close: true, ..Self::text(StatusCode::BAD_REQUEST, b"refused\n") }
    }

    /// Returns the reply to a request in plain HTTP on a port that serves TLS.
    #[must_use]
    pub fn https_expected() -> Self {
        let body = b"expected TLS, found plain HTTP; use https://\n";
        Self { close: true, ..Self::text(StatusCode::BAD_REQUEST, body) }
    }

    /// Returns the reply to a request whose head exceeds a limit of the server.
    #[must_use]
    pub fn head_too_large() -> Self {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self { close: true, ..Self::text(status, b"refused\n") }
    }

    /// Returns the reply to an unfinished request that a server ends because the memory for
    /// requests is full. The status 503 makes the platform send the callback again.
    #[must_use]
    pub fn overloaded() -> Self {
        Self { close: true, ..unavailable_reply() }
    }

    /// Returns the reply to a request for a path that neither gatepost nor an app serves.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, b"not found\n")
    }

    /// Returns the reply to a request that is not a callback, for a server that serves only
    /// callbacks.
    #[cfg(feature = "tower")]
    pub(crate) const fn not_a_callback() -> Self {
        Self::text(StatusCode::FORBIDDEN, b"refused\n")
    }

    /// Permits the pages of an origin to read the reply; `None` permits none.
    pub(crate) fn readable_by(self, origin: Option<HeaderValue>) -> Self {
        Self { cors: origin.map(Box::new), ..self }
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the body.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns true if the server must close the connection after the reply, because the server
    /// cannot find the end of the request, or does not read the rest of the request.
    #[must_use]
    pub const fn must_close(&self) -> bool {
        self.close
    }

    /// Returns all headers, including `content-length` if the status is not 204.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        // RFC 9110, 8.6: a reply with the status 204 has no `content-length`.
        let length = || (CONTENT_LENGTH, decimal(self.body.len()));
        let length = (self.status != StatusCode::NO_CONTENT).then(length);
        let close = self.close.then_some((CONNECTION, HeaderValue::from_static("close")));
        (self.content_type.clone().map(|value| (CONTENT_TYPE, value)).into_iter())
            .chain(length)
            .chain(self.extra.iter().flat_map(|extra| extra.iter().cloned()))
            .chain(self.cors.iter().flat_map(|origin| cors_headers(origin)))
            .chain(close)
    }

    /// Converts the reply into a response of the `http` crate.
    #[must_use]
    pub fn into_response(self) -> http::Response<Bytes> {
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = self.status;
        for (name, value) in self.headers() {
            response.headers_mut().append(name, value);
        }
        *response.body_mut() = self.body;
        response
    }
}

/// Converts a number into a header value. `HeaderValue::from` allocates twice.
fn decimal(number: usize) -> HeaderValue {
    let digits = HeaderValue::from_str(itoa::Buffer::new().format(number));
    digits.unwrap_or_else(|_| HeaderValue::from(number))
}

/// Returns the headers that permit the pages of `origin` to read a reply.
fn cors_headers(origin: &HeaderValue) -> [(HeaderName, HeaderValue); 2] {
    [
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        // The reply to another origin has other headers, so a cache must not use this reply for
        // another origin.
        (VARY, HeaderValue::from_static("origin")),
    ]
}

/// Returns a reply with the status 503, which makes the platform send the callback again.
pub(crate) fn unavailable_reply() -> Reply {
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, b"unavailable\n")
}
