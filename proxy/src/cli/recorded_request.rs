//! A recorded request: head, empty line, body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// A request as it stood on the wire.
pub(crate) struct Recorded {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

const MAX_HEADERS: usize = 128;

impl Recorded {
    /// Reads a request of HTTP/1.1. Lines may end without a carriage return, as editors save them.
    pub(crate) fn parse(wire: &[u8]) -> Result<Self, String> {
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut lines);
        let length = match request.parse(wire) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => {
                return Err("the head does not end: put an empty line before the body".into());
            }
            Err(error) => return Err(format!("this is no HTTP/1.1 request: {error}")),
        };
        let method = request.method.and_then(|method| method.parse().ok());
        let uri = request.path.and_then(|path| path.parse().ok());
        let (Some(method), Some(uri)) = (method, uri) else {
            return Err(
                "this is no HTTP/1.1 request: its first line says no method and path".into()
            );
        };
        let mut headers = HeaderMap::new();
        for header in request.headers {
            let name = HeaderName::try_from(header.name).map_err(|error| error.to_string())?;
            let value = HeaderValue::from_bytes(header.value).map_err(|error| error.to_string())?;
            headers.append(name, value);
        }
        if headers.contains_key(http::header::TRANSFER_ENCODING) {
            let remedy = "save it decoded, with a content-length instead";
            return Err(format!("the body is recorded in chunks: {remedy}"));
        }
        let mut body = wire.get(length..).unwrap_or_default();
        let announced = headers.get(http::header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
        if let Some(length) = announced.and_then(|length| length.parse::<usize>().ok()) {
            // An editor may have put a newline at the end.
            body = body.get(..length).ok_or_else(|| {
                format!("the body has {} bytes of the {length} that the head announces", body.len())
            })?;
        }
        Ok(Self { method, uri, headers, body: Bytes::copy_from_slice(body) })
    }
}
