//! The two messages that decide a callback: the app's answer and the reply to the platform.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

/// Time between the latest reply of gatepost and the platform's own time-out.
pub(crate) const REPLY_MARGIN: Duration = Duration::from_millis(100);

/// What the app said.
#[non_exhaustive]
pub enum Answer {
    /// It answered; `body` is `None` when it was over [`MAX_ANSWER_BYTES`].
    Response {
        /// The status.
        status: StatusCode,
        /// The whole body.
        body: Option<Bytes>,
    },
    /// It did not answer in time.
    Timeout,
    /// It could not be reached, or hung up; with the reason.
    Unreachable(String),
}

/// Without the body: an app's error page may repeat what it was sent.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response { status, body } => f
                .debug_struct("Response")
                .field("status", status)
                .field("body_bytes", &body.as_ref().map(Bytes::len))
                .finish(),
            Self::Timeout => f.write_str("Timeout"),
            Self::Unreachable(why) => f.debug_tuple("Unreachable").field(why).finish(),
        }
    }
}

/// The longest answer that is read.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A finished reply: what the platform gets.
#[derive(Clone)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) allow: Option<HeaderValue>,
    /// Headers that the platform itself asks for.
    pub(crate) extra: Option<Arc<[(HeaderName, HeaderValue)]>>,
    pub(crate) close: bool,
    pub(crate) body: Bytes,
}

/// Without what the platform's own headers and the body hold: keys, and the app's words.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// Without a body.
    pub(crate) const fn empty(status: StatusCode) -> Self {
        Self {
            status,
            content_type: None,
            allow: None,
            extra: None,
            close: false,
            body: Bytes::new(),
        }
    }

    pub(crate) const fn new(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Self {
        let content_type = Some(content_type);
        Self { status, content_type, allow: None, extra: None, close: false, body }
    }

    /// In plain words.
    pub(crate) const fn text(status: StatusCode, text: &'static [u8]) -> Self {
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        Self::new(status, content_type, Bytes::from_static(text))
    }

    /// For a request target that is no path.
    #[must_use]
    pub fn bad_request() -> Self {
        Self { close: true, ..Self::text(StatusCode::BAD_REQUEST, b"refused\n") }
    }

    /// For a path that is nobody's.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, b"not found\n")
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body, complete.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether the connection must not carry another request, because where this one ends is not
    /// known or not waited for.
    #[must_use]
    pub const fn must_close(&self) -> bool {
        self.close
    }

    /// Every header, `content-length` among them.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let length = HeaderValue::from(self.body.len());
        let close = self.close.then_some((CONNECTION, HeaderValue::from_static("close")));
        (self.content_type.clone().map(|value| (CONTENT_TYPE, value)).into_iter())
            .chain([(CONTENT_LENGTH, length)])
            .chain(self.allow.clone().map(|value| (ALLOW, value)))
            .chain(self.extra.iter().flat_map(|extra| extra.iter().cloned()))
            .chain(close)
    }

    /// As a response of the `http` crate.
    #[must_use]
    pub fn into_response(self) -> http::Response<Bytes> {
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers());
        *response.body_mut() = self.body;
        response
    }
}

/// What a platform gets for a notification that nobody took: it will send it again.
pub(crate) fn unavailable_reply() -> Reply {
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, b"unavailable\n")
}
