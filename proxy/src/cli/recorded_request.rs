//! Recorded requests: a head, an empty line and a body.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::capture::{RECORDED, RecordedVerdict};

/// A request, parsed from a recording in wire format.
pub(super) struct RecordedRequest {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The recorded verdict; `None` if the file does not come from `gatepost capture save`.
    pub(super) recorded: Option<RecordedVerdict>,
}

/// Reason why gatepost cannot read a recorded request.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordingError {
    #[error("expected {announced} bytes as in content-length, found {found}; save the whole body")]
    BodyTooShort { announced: usize, found: usize },
    #[error(
        "expected content-length, found transfer-encoding; save the decoded body, and remove \
         transfer-encoding"
    )]
    Chunked,
    #[error("expected an empty line after the head, found none; add an empty line before the body")]
    HeadOpen,
    #[error("expected an HTTP/1.1 request, found a malformed head: {0}; save the head as received")]
    Malformed(String),
}

const MAX_HEADERS: usize = 128;

impl RecordedRequest {
    /// Parses an HTTP/1.1 request. Accepts lines without a carriage return, as editors save them.
    pub(super) fn parse(wire: &[u8]) -> Result<Self, RecordingError> {
        let malformed = |why: &dyn ToString| RecordingError::Malformed(why.to_string());
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut lines);
        let head_length = match request.parse(wire).map_err(|error| malformed(&error))? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => return Err(RecordingError::HeadOpen),
        };
        let method = request.method.and_then(|method| method.parse().ok());
        let uri = request.path.and_then(|path| path.parse().ok());
        let (Some(method), Some(uri)) = (method, uri) else {
            return Err(malformed(&"the first line has no valid method and path"));
        };
        let mut headers = HeaderMap::new();
        let mut recorded = None;
        for header in request.headers {
            if header.name.eq_ignore_ascii_case(RECORDED) {
                recorded = serde_json::from_slice(header.value).ok();
                continue;
            }
            let name = HeaderName::try_from(header.name).map_err(|error| malformed(&error))?;
            let value = HeaderValue::from_bytes(header.value).map_err(|error| malformed(&error))?;
            headers.append(name, value);
        }
        if headers.contains_key(TRANSFER_ENCODING) {
            return Err(RecordingError::Chunked);
        }
        let mut body = wire.get(head_length..).unwrap_or_default();
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if let Some(announced) = announced.and_then(|length| length.parse::<usize>().ok()) {
            // Cut the body to this length: editors add a newline at the end of a file.
            let found = body.len();
            let too_short = RecordingError::BodyTooShort { announced, found };
            body = body.get(..announced).ok_or(too_short)?;
        }
        Ok(Self { method, uri, headers, body: Bytes::copy_from_slice(body), recorded })
    }
}
