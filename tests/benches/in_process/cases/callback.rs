//! Callbacks, as the proxy or the layer passes them to a [`Gate`].

use std::net::IpAddr;

use axum::body::Body;
use bytes::Bytes;
use gatepost::{Accepted, Admission, Gate, Head, Refusal, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::vectors::Vector;

/// Arrival time of the callbacks. The callbacks of vectors have their own times.
pub const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);

/// A request, with the address of its peer and its arrival time.
#[derive(Clone, Debug)]
pub struct Callback {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub peer: IpAddr,
    pub now: Timestamp,
}

impl Callback {
    /// Creates a `POST` request with the headers that every platform sends.
    pub fn post(path: &str, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("gate.test"));
        headers.insert("content-type", HeaderValue::from_static(content_type));
        headers.insert("content-length", HeaderValue::from(body.len()));
        let peer = IpAddr::from([192, 0, 2, 1]);
        Self { method: Method::POST, uri: path.parse().unwrap(), headers, body, peer, now: NOW }
    }

    pub fn of(vector: &Vector) -> Self {
        let request = &vector.case.request;
        let mut headers = HeaderMap::new();
        for (name, value) in request.all_headers() {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        Self {
            method: request.method.parse().unwrap(),
            uri: request.path.parse().unwrap(),
            headers,
            body: vector.body.clone().into(),
            peer: IpAddr::from([192, 0, 2, 1]),
            now: Timestamp::from_secs(vector.case.now),
        }
    }

    pub fn head(&self) -> Head<'_> {
        Head::new(&self.method, &self.uri, &self.headers).with_peer(self.peer)
    }

    /// Returns the verdict; `None` if the gate does not admit the request as a callback.
    pub fn judge(&self, gate: &Gate) -> Option<Result<Accepted, Refusal>> {
        let mut intake = match gate.admit(&self.head(), self.now) {
            Admission::Callback(intake) => intake,
            Admission::Refused(refusal) => return Some(Err(refusal)),
            Admission::Other | Admission::Reply(_) | Admission::Shadow(_) => return None,
        };
        if !self.body.is_empty()
            && let Err(refusal) = intake.push(self.body.clone())
        {
            return Some(Err(refusal));
        }
        Some(intake.finish(self.now))
    }
}

impl From<Callback> for Request<Body> {
    fn from(callback: Callback) -> Self {
        let Callback { method, uri, headers, body, .. } = callback;
        let mut request = Self::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request
    }
}
