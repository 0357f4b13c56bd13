//! Events: accepted callbacks, as the app receives them.
//!
//! An event has CloudEvents 1.0 attributes and typed data. gatepost sends an event in one of five
//! forms ([HTTP protocol binding], read 2026-11):
//!
//! - `json`, the default: binary mode, with the data as body and the attributes as `ce-` headers;
//! - `cloudevents`: structured mode, with data and attributes in one JSON body;
//! - `common`: binary mode, with names and fields that are the same for each platform;
//! - `raw`: binary mode, with the unchanged body and end-to-end headers of the callback;
//! - `passthrough`: the unchanged callback, with its method, path and host. The app's answer is the
//!   reply.
//!
//! [HTTP protocol binding]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md

mod header;
mod id;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use http::HeaderValue;
use serde_json::value::RawValue;

use crate::json;
use crate::time::Timestamp;

pub(crate) use self::header::{
    CE_ID, CE_SOURCE, CE_SPECVERSION, CE_SUBJECT, CE_TIME, CE_TYPE, JSON, SPECVERSION,
    decimal_header, encoded_header, take_header,
};
use self::header::{OCTETS, STRUCTURED};
pub(crate) use self::id::{EventId, Id, Identity, event_id, new_event_id};

/// An accepted callback, as the app receives it: CloudEvents attributes and typed data.
///
/// # Examples
///
/// ```
/// # use gatepost::{Admission, Event, Gate, Head, Refusal, Timestamp};
/// # use http::{HeaderMap, Method, Uri};
/// # fn judge(body: &'static str) -> Result<Event, Refusal> {
/// #     let config = "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
/// #                   [[template]]\nname = 'test'\nprovider = 'tencent-css'\n\
/// #                   insecure_unsigned = true\nbind = ['*']";
/// #     let gate = Gate::builder().toml(config).build().unwrap();
/// #     let (uri, headers) = (Uri::from_static("/hook"), HeaderMap::new());
/// #     let now = Timestamp::from_secs(1_545_030_873);
/// #     let head = Head::new(&Method::POST, &uri, &headers);
/// #     let Admission::Callback(mut intake) = gate.admit(&head, now) else { panic!() };
/// #     intake.push(body.into())?;
/// #     intake.finish(now).map(|accepted| accepted.event().clone())
/// # }
/// // `judge` passes the body of a callback through a gate.
/// let event = judge(
///     r#"{"event_type":1,"app":"test.domain.com","appname":"live","stream_id":"stream-1",
///         "channel_id":"stream-1","event_time":1545030273,"sequence":"1","node":"10.0.0.1",
///         "user_ip":"10.0.0.2","stream_param":""}"#,
/// )?;
/// assert_eq!(event.source(), "/tencent-css/test.domain.com");
/// assert_eq!(event.tenant(), Some("test.domain.com"));
/// assert_eq!(event.ce_type(), "com.tencentcloud.css.push");
/// assert_eq!(event.subject(), Some("live/stream-1"));
/// assert_eq!(event.time(), Some(Timestamp::from_secs(1_545_030_273)));
///
/// let refusal = judge(r#"{"event_type":1,"event_type":0}"#).unwrap_err();
/// assert_eq!(refusal.kind().as_str(), "field_duplicate");
/// # Ok::<(), gatepost::Refusal>(())
/// ```
#[derive(Clone)]
pub struct Event {
    pub(crate) id: EventId,
    pub(crate) identity: Identity,
    pub(crate) source: Arc<EventSource>,
    pub(crate) kind: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) ce_type: HeaderValue,
    pub(crate) subject: Option<String>,
    pub(crate) time: Option<Timestamp>,
    pub(crate) data: Bytes,
    /// The data for the app, with the fields that serve only the signature; `None` unless the app
    /// receives these fields.
    pub(crate) data_with_proof: Option<Bytes>,
    /// Paths of the misfits: the fields that are missing, or that do not have their declared type.
    pub(crate) misfits: Vec<Box<str>>,
    /// True if `data` is the body as received, because the body is not an object.
    pub(crate) is_raw: bool,
}

/// Source of an event: provider and tenant, as text and as a header value.
#[derive(Debug)]
pub(crate) struct EventSource {
    text: Box<str>,
    header: HeaderValue,
}

impl EventSource {
    /// Creates the source `/provider/tenant`, or `/provider` for a callback without a tenant.
    pub(crate) fn new(provider: &str, tenant: Option<&str>) -> Self {
        let text = match tenant {
            Some(tenant) => format!("/{provider}/{tenant}"),
            None => format!("/{provider}"),
        };
        Self { header: encoded_header(&text), text: text.into() }
    }

    pub(crate) const fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the value of `ce-source`.
    pub(crate) const fn header(&self) -> &HeaderValue {
        &self.header
    }
}

/// Form in which gatepost sends an event to the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Forward {
    CloudEvents,
    /// The common event of the kind; typed JSON if the kind has none.
    Common,
    #[default]
    Json,
    Passthrough,
    Raw,
}

impl Forward {
    pub(crate) const WORDS: [(&'static str, Self); 5] = [
        ("cloudevents", Self::CloudEvents),
        ("common", Self::Common),
        ("json", Self::Json),
        ("passthrough", Self::Passthrough),
        ("raw", Self::Raw),
    ];

    /// Returns true if the app receives the headers of the callback.
    pub(crate) const fn keeps_headers(self) -> bool {
        matches!(self, Self::Passthrough | Self::Raw)
    }
}

impl Event {
    /// Returns the id: 32 hex digits.
    ///
    /// In two cases, a resend of a callback has the same id: the definition names the fields that
    /// identify the callback, or the callback contains a time or a sequence. In all other cases,
    /// the id is new for each callback. [`KindInfo::identity`](crate::KindInfo::identity) returns
    /// the rule for one kind.
    #[must_use]
    pub fn id(&self) -> &str {
        // Never fails: the id consists of hex digits.
        std::str::from_utf8(self.id_digits()).unwrap_or_default()
    }

    pub(crate) fn id_digits(&self) -> &Id {
        match &self.id {
            EventId::Known(id) => id,
            EventId::Deferred(deferred) => {
                deferred.id.get_or_init(|| event_id(self.source(), &self.kind, &self.data))
            }
        }
    }

    /// Returns a value that identifies the event within this process: the local key, else the id.
    pub(crate) fn local_id(&self) -> &[u8] {
        match &self.id {
            EventId::Known(id) => id,
            EventId::Deferred(deferred) => &deferred.local_key,
        }
    }

    /// Returns the source: provider and tenant, for example `/tencent-css/push.example.com`.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.as_str()
    }

    /// Returns the tenant, for example `push.example.com`; `None` for a callback without a tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.source().strip_prefix('/')?.strip_prefix(self.provider())?.strip_prefix('/')
    }

    /// Returns the provider's name, for example `tencent-css`.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the kind, for example `push`, or `unknown` if the provider does not define the kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the CloudEvents type, for example `com.tencentcloud.css.push`.
    #[must_use]
    pub fn ce_type(&self) -> &str {
        // Never fails: definitions permit only printable ASCII in a type.
        self.ce_type.to_str().unwrap_or_default()
    }

    /// Returns the subject, for example `live/stream-1`; `None` if the subject is missing, empty or
    /// too long.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Returns the platform's time of the callback; `None` if the callback contains no valid time.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// Returns the typed data: one JSON object, or the body as received if the body is not an
    /// object.
    ///
    /// The data never contains the fields that serve only the signature. With `keep_proof = true`,
    /// the body that the app receives contains these fields.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// Returns the body in the given form, and its `content-type`.
    ///
    /// `raw` and `received` are the body and the `content-type` of the callback.
    pub(crate) fn body(
        &self,
        forward: Forward,
        raw: &Bytes,
        received: Option<&HeaderValue>,
    ) -> (Bytes, HeaderValue) {
        match forward {
            Forward::CloudEvents => (self.structured(received), STRUCTURED),
            Forward::Common | Forward::Json if !self.is_raw => (self.data_for_app().clone(), JSON),
            Forward::Common | Forward::Json | Forward::Passthrough | Forward::Raw => {
                (raw.clone(), received.cloned().unwrap_or(OCTETS))
            }
        }
    }

    pub(crate) fn data_for_app(&self) -> &Bytes {
        self.data_with_proof.as_ref().unwrap_or(&self.data)
    }

    fn structured(&self, received: Option<&HeaderValue>) -> Bytes {
        let data = self.data_for_app();
        let is_json = !self.is_raw || serde_json::from_slice::<&RawValue>(&self.data).is_ok();
        let received = received.and_then(|value| value.to_str().ok());
        let content_type = match received {
            _ if is_json => "application/json",
            Some(received) => received,
            None => "application/octet-stream",
        };
        let time = self.time.and_then(Timestamp::to_rfc3339);
        let attributes = [
            ("specversion", Some("1.0")),
            ("id", Some(self.id())),
            ("source", Some(self.source())),
            ("type", Some(self.ce_type())),
            ("subject", self.subject()),
            ("time", time.as_deref()),
            ("datacontenttype", Some(content_type)),
        ];
        // The attributes take up to 320 bytes in most events.
        let mut out = Vec::with_capacity(data.len() + 320);
        out.push(b'{');
        for (name, value) in attributes {
            let Some(value) = value else { continue };
            json::write_string(name, &mut out);
            out.push(b':');
            json::write_string(value, &mut out);
            out.push(b',');
        }
        if is_json {
            out.extend_from_slice(b"\"data\":");
            out.extend_from_slice(data);
        } else {
            out.extend_from_slice(b"\"data_base64\":\"");
            out.extend_from_slice(BASE64.encode(data).as_bytes());
            out.push(b'"');
        }
        out.push(b'}');
        out.into()
    }
}

// `Debug` omits the data, because the data may be personal.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_structured_mode_as_one_json_object() {
        let event = Event {
            id: EventId::Known([b'0'; 32]),
            identity: Identity::Content,
            source: EventSource::new("p", Some("t")).into(),
            kind: "push".into(),
            provider: "p".into(),
            ce_type: HeaderValue::from_static("com.p.push"),
            subject: Some("a\"b".into()),
            time: Some(Timestamp::from_secs(0)),
            data: Bytes::from_static(b"{\"x\":1}"),
            data_with_proof: None,
            misfits: Vec::new(),
            is_raw: false,
        };
        assert_eq!(
            event.structured(None),
            "{\"specversion\":\"1.0\",\"id\":\"00000000000000000000000000000000\",\"source\":\"/p/t\",\"type\":\"com.p.push\",\
             \"subject\":\"a\\\"b\",\"time\":\"1970-01-01T00:00:00Z\",\
             \"datacontenttype\":\"application/json\",\"data\":{\"x\":1}}"
        );
    }
}
