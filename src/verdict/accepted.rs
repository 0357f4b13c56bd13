//! The permit: a callback that was proven genuine.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::event::{Event, Forward};
use crate::head::{Head, Sender, forwarded_headers};
use crate::provider::{Kind, View};
use crate::template::{Delivery, Template};
use crate::time::Timestamp;

/// A callback that was proven genuine: the permit to forward it.
///
/// Only the gate makes one. The layer puts it into the request's extensions.
#[derive(Clone, Debug)]
pub struct Accepted(Arc<Inner>);

struct Inner {
    event: Event,
    template: Arc<Template>,
    /// In the template's plan; `None` for one that the definition does not name.
    kind: Option<usize>,
    raw: Bytes,
    content_type: Option<HeaderValue>,
    unknown_kind: Option<String>,
    arrived: Timestamp,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("event", &self.event)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

const GATEPOST_TEMPLATE: HeaderName = HeaderName::from_static("gatepost-template");

impl Accepted {
    pub(crate) fn new(
        event: Event,
        template: Arc<Template>,
        kind: Option<usize>,
        raw: Bytes,
        content_type: Option<HeaderValue>,
        unknown_kind: Option<String>,
        arrived: Timestamp,
    ) -> Self {
        Self(Arc::new(Inner { event, template, kind, raw, content_type, unknown_kind, arrived }))
    }

    /// What the platform wrote for a kind that the definition does not name, fit for a log line.
    #[must_use]
    pub fn unknown_kind(&self) -> Option<&str> {
        self.0.unknown_kind.as_deref()
    }

    /// The event in normal form.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.0.event
    }

    /// The template that judged it.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.0.template
    }

    /// The body as received.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.0.raw
    }

    /// The data as a Rust type.
    ///
    /// # Errors
    ///
    /// When `T` describes another kind, or does not read the data.
    pub fn view<T: View>(&self) -> Result<T, ViewError> {
        let event = self.event();
        if !T::describes(&event.provider, &event.kind) {
            let kind = format!("{}.{}", event.provider, event.kind);
            return Err(ViewError::OtherKind { kind });
        }
        serde_json::from_slice(&event.data)
            .map_err(|error| ViewError::Data { line: error.line(), column: error.column() })
    }

    /// When its head came.
    #[allow(dead_code)]
    pub(crate) fn arrived(&self) -> Timestamp {
        self.0.arrived
    }

    pub(crate) fn kind(&self) -> &Kind {
        self.0.template.plan.kind(self.0.kind)
    }

    pub(crate) fn delivery(&self) -> &Delivery {
        self.0.template.delivery(self.0.kind)
    }

    /// The headers and the body that the app gets at the moment `now`, and nothing else of the
    /// callback.
    #[must_use]
    pub fn request(
        &self,
        head: &Head<'_>,
        sender: &Sender<'_>,
        _now: Timestamp,
    ) -> (HeaderMap, Bytes) {
        let forward = match self.delivery() {
            Delivery::Ask(ask) => ask.forward,
            Delivery::Fixed(_) | Delivery::Unlisted(_) | Delivery::Unsealed => Forward::default(),
        };
        let received = self.0.content_type.as_ref();
        let (body, content_type) = self.0.event.body(forward, &self.0.raw, received);
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        self.0.event.write_headers(&mut headers);
        headers.insert(GATEPOST_TEMPLATE, self.0.template.header.clone());
        headers.extend(forwarded_headers(head, sender));
        (headers, body)
    }
}

/// Why data could not be had as a Rust type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The data does not fit the type. Its parser's own words would quote it.
    #[error("the callback's data does not fit the type at line {line}, column {column}")]
    Data {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The type describes another kind.
    #[error("the callback is a {kind}, which this type does not describe")]
    OtherKind {
        /// Which kind it is, as in `tencent-css.push`.
        kind: String,
    },
}
