//! The permit: a callback that was proven genuine.

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use crate::client::Arrival;
use crate::event::Event;
use crate::limit::RouteLimit;
use crate::memory::Memory;
use crate::provider::{Kind, View};
use crate::template::{Delivery, Template};
use crate::time::Timestamp;

/// A callback that was proven genuine: the permit to forward it.
///
/// Only the gate makes one. The layer puts it into the request's extensions.
#[derive(Clone, Debug)]
pub struct Accepted(Arc<AcceptedCallback>);

pub(crate) struct AcceptedCallback {
    pub(crate) event: Event,
    pub(crate) template: Arc<Template>,
    /// In the template's plan; `None` for one that the definition does not name.
    pub(crate) kind: Option<usize>,
    pub(crate) raw: Bytes,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) unknown_kind: Option<String>,
    pub(crate) arrival: Arrival,
    pub(crate) limit: Option<RouteLimit>,
    pub(crate) memory: Arc<Memory>,
    /// Whether its signature came with another callback before.
    pub(crate) reuses_signature: bool,
}

impl fmt::Debug for AcceptedCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptedCallback")
            .field("event", &self.event)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

impl Accepted {
    pub(crate) fn new(inner: AcceptedCallback) -> Self {
        Self(Arc::new(inner))
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
        // As text, whose strings need not be looked at one by one again.
        let text = std::str::from_utf8(&event.data).unwrap_or_default();
        serde_json::from_str(text)
            .map_err(|error| ViewError::Data { line: error.line(), column: error.column() })
    }

    /// Whether its signature, which does not cover the body, came with another body before. A
    /// platform that signs a time alone does so itself for two events of one second.
    #[must_use]
    pub fn reuses_signature(&self) -> bool {
        self.0.reuses_signature
    }

    pub(crate) fn memory(&self) -> &Arc<Memory> {
        &self.0.memory
    }

    /// When its head came.
    pub(crate) fn arrived(&self) -> Timestamp {
        self.0.arrival.at
    }

    pub(crate) fn arrival(&self) -> &Arrival {
        &self.0.arrival
    }

    /// The body's type, as the platform says it.
    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        self.0.content_type.as_ref()
    }

    /// The address that it came from, if the door knows it.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.0.arrival.client.address
    }

    /// How many of its route's the app is asked about.
    pub(crate) fn limit(&self) -> Option<&RouteLimit> {
        self.0.limit.as_ref()
    }

    pub(crate) fn kind(&self) -> &Kind {
        self.0.template.plan.kind(self.0.kind)
    }

    /// Whether nobody but the platform can have given it its identifier.
    pub(crate) fn has_signed_id(&self) -> bool {
        let signed = self.0.template.proof_of(self.0.kind).filter(|demand| !demand.may_be_absent);
        let ids = &self.0.template.plan.id;
        signed.is_some_and(|demand| ids.iter().all(|id| demand.signature.covers(id)))
    }

    pub(crate) fn delivery(&self) -> &Delivery {
        self.0.template.delivery(self.0.kind)
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
