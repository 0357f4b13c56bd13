//! The event: an accepted callback in normal form.
//!
//! CloudEvents 1.0 attributes plus the typed data, and the three ways of writing them
//! ([HTTP protocol binding], read 2026-11):
//!
//! - `json`, the default: binary mode, the data as the body and the attributes as `ce-` headers;
//! - `cloudevents`: structured mode, both in one JSON body;
//! - `raw`: binary mode with the body as the platform sent it.
//!
//! [HTTP protocol binding]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use data_encoding::HEXLOWER;
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::json;
use crate::time::Timestamp;

/// An accepted callback in normal form.
#[derive(Clone)]
pub struct Event {
    pub(crate) id: Id,
    pub(crate) source: Arc<EventSource>,
    pub(crate) kind: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) ce_type: HeaderValue,
    pub(crate) subject: Option<String>,
    pub(crate) time: Option<Timestamp>,
    pub(crate) data: Bytes,
}

/// The identity of a callback: 32 hex digits.
pub(crate) type Id = [u8; 32];

/// Whose callbacks an event is made of, and the same as a header holds it.
#[derive(Debug)]
pub(crate) struct EventSource {
    text: Box<str>,
    header: HeaderValue,
}

impl EventSource {
    /// `/provider/tenant`, or `/provider` for a callback without a tenant.
    pub(crate) fn new(provider: &str, tenant: Option<&str>) -> Self {
        let text = match tenant {
            Some(tenant) => format!("/{provider}/{tenant}"),
            None => format!("/{provider}"),
        };
        Self { header: encoded(&text), text: text.into() }
    }

    pub(crate) const fn as_str(&self) -> &str {
        &self.text
    }

    /// As a header holds it.
    pub(crate) const fn header(&self) -> &HeaderValue {
        &self.header
    }
}

/// How an event is written for the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Forward {
    CloudEvents,
    #[default]
    Json,
    Raw,
}

/// What CloudEvents asks to encode in a header: all but printable ASCII, and of that the space,
/// the double quote and the percent sign.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const STRUCTURED: HeaderValue =
    HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

pub(crate) const CE_ID: HeaderName = HeaderName::from_static("ce-id");
pub(crate) const CE_SOURCE: HeaderName = HeaderName::from_static("ce-source");
pub(crate) const CE_SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
pub(crate) const CE_SUBJECT: HeaderName = HeaderName::from_static("ce-subject");
pub(crate) const CE_TIME: HeaderName = HeaderName::from_static("ce-time");
pub(crate) const CE_TYPE: HeaderName = HeaderName::from_static("ce-type");

/// What `ce-specversion` holds.
pub(crate) const SPECVERSION: HeaderValue = HeaderValue::from_static("1.0");

impl Event {
    /// The same for a resend of the same callback: 32 hex digits.
    #[must_use]
    pub fn id(&self) -> &str {
        // Hex digits alone.
        std::str::from_utf8(&self.id).unwrap_or_default()
    }

    /// Whose callback it is, as in `/tencent-css/push.example.com`.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.as_str()
    }

    /// The provider's name, as in `tencent-css`.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Which event it is, as in `push`; `unknown` for one that the definition does not name.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The CloudEvents type, as in `com.tencentcloud.css.push`.
    #[must_use]
    pub fn ce_type(&self) -> &str {
        // Made of a definition's printable ASCII.
        self.ce_type.to_str().unwrap_or_default()
    }

    /// What it is about, as in `live/stream-1`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it happened, where the platform says so.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The typed data: one JSON object.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// What `ce-id` holds; written, like the two that follow, to the end of the text.
    pub(crate) fn header_of_id(&self, text: &mut BytesMut) -> HeaderValue {
        text.extend_from_slice(&self.id);
        header_of(text)
    }

    /// What `ce-subject` holds.
    pub(crate) fn header_of_subject(&self, text: &mut BytesMut) -> Option<HeaderValue> {
        write_encoded(self.subject.as_deref()?, text);
        Some(header_of(text))
    }

    /// What `ce-time` holds.
    pub(crate) fn header_of_time(&self, text: &mut BytesMut) -> Option<HeaderValue> {
        self.time?.write_rfc3339(text).then(|| header_of(text))
    }

    /// The body in the given form and its `content-type`.
    pub(crate) fn body(
        &self,
        forward: Forward,
        raw: &Bytes,
        received: Option<&HeaderValue>,
    ) -> (Bytes, HeaderValue) {
        match forward {
            Forward::CloudEvents => (self.structured(), STRUCTURED),
            Forward::Json => (self.data.clone(), JSON),
            Forward::Raw => (raw.clone(), received.cloned().unwrap_or(OCTETS)),
        }
    }

    fn structured(&self) -> Bytes {
        let time = self.time.and_then(Timestamp::to_rfc3339);
        let attributes = [
            ("specversion", Some("1.0")),
            ("id", Some(self.id())),
            ("source", Some(self.source())),
            ("type", Some(self.ce_type())),
            ("subject", self.subject()),
            ("time", time.as_deref()),
            ("datacontenttype", Some("application/json")),
        ];
        let mut out = Vec::with_capacity(self.data.len() + 320);
        out.push(b'{');
        for (name, value) in attributes {
            let Some(value) = value else { continue };
            json::write_string(name, &mut out);
            out.push(b':');
            json::write_string(value, &mut out);
            out.push(b',');
        }
        out.extend_from_slice(b"\"data\":");
        out.extend_from_slice(&self.data);
        out.push(b'}');
        out.into()
    }
}

/// The data is the viewer's and the streamer's business, so it is not printed.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id())
            .field("source", &self.source())
            .field("type", &self.ce_type)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// The identity of a callback: of what it says, without what a resend may change.
pub(crate) fn event_id(source: &str, kind: &str, data: &[u8]) -> Id {
    let mut hash = Sha256::new();
    for part in [source.as_bytes(), kind.as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(data);
    let mut id = [0; 32];
    if let Some((half, _)) = hash.finalize().split_first_chunk::<16>() {
        HEXLOWER.encode_mut(half, &mut id);
    }
    id
}

/// Text as a header value in CloudEvents' encoding.
pub(crate) fn encoded(text: &str) -> HeaderValue {
    let mut written = BytesMut::with_capacity(text.len());
    write_encoded(text, &mut written);
    header_of(&mut written)
}

fn write_encoded(text: &str, out: &mut BytesMut) {
    for piece in utf8_percent_encode(text, ENCODED) {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// A number as a header value.
pub(crate) fn decimal(number: usize, text: &mut BytesMut) -> HeaderValue {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    header_of(text)
}

/// What was written since the last one, which is printable ASCII or what a header held before, as a
/// header value: several share one piece of memory.
pub(crate) fn header_of(text: &mut BytesMut) -> HeaderValue {
    let written = HeaderValue::from_maybe_shared(text.split().freeze());
    written.unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_hold_any_text() {
        assert_eq!(encoded("prod-live"), "prod-live");
        assert_eq!(encoded("直播 \"100%\"\n"), "%E7%9B%B4%E6%92%AD%20%22100%25%22%0A");
    }

    #[test]
    fn identity_keeps_its_parts_apart() {
        let one = event_id("/a", "bc", b"{}");
        assert_eq!(one.len(), 32);
        assert_eq!(one, event_id("/a", "bc", b"{}"));
        assert_ne!(one, event_id("/ab", "c", b"{}"));
        assert_ne!(one, event_id("/a", "bc", b"{ }"));
    }

    #[test]
    fn structured_mode_is_one_json_object() {
        let event = Event {
            id: [b'0'; 32],
            source: EventSource::new("p", Some("t")).into(),
            kind: "push".into(),
            provider: "p".into(),
            ce_type: HeaderValue::from_static("com.p.push"),
            subject: Some("a\"b".into()),
            time: Some(Timestamp::from_secs(0)),
            data: Bytes::from_static(b"{\"x\":1}"),
        };
        assert_eq!(
            event.structured(),
            "{\"specversion\":\"1.0\",\"id\":\"00000000000000000000000000000000\",\"source\":\"/p/t\",\"type\":\"com.p.push\",\
             \"subject\":\"a\\\"b\",\"time\":\"1970-01-01T00:00:00Z\",\
             \"datacontenttype\":\"application/json\",\"data\":{\"x\":1}}"
        );
    }
}
