//! The permit to forward a callback.

use core::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use super::refusal::Refusal;
use crate::address::Addresses;
use crate::client::Arrival;
use crate::event::{Event, Forward};
use crate::json::{Name, quote_large_numbers};
use crate::limit::{RouteLimit, SharedBudget};
use crate::memory::Memory;
use crate::memory::store::{SharedKey, SharedValue};
use crate::printable::print_only;
use crate::provider::{Kind, View};
use crate::reply::Reply;
use crate::template::{Delivery, Template};
use crate::time::Timestamp;

/// The permit to forward a genuine callback. Clones are cheap.
///
/// Only [`Gate`](crate::Gate) creates this permit. The layer puts the permit into the extensions of
/// the request that carries the event.
///
/// # Examples
///
/// ```
/// use gatepost::kollus::LivePlay;
/// use gatepost::tencent_css::Push;
/// # use gatepost::{Admission, Gate, Head, Timestamp};
/// # use http::{HeaderMap, Method, Uri};
/// # let now = Timestamp::from_secs(1_703_731_478);
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
/// #     )
/// #     .build()?;
/// # let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// # let head = Head::new(&Method::POST, &uri, &headers);
/// # let Admission::Callback(mut intake) = gate.admit(&head, now) else { unreachable!() };
///
/// intake.push("kind=100&client_user_id=user01&media_content_key=m&channel_key=c".into())?;
/// let accepted = intake.finish(now)?;
/// assert_eq!(accepted.event().kind(), "live_play");
/// assert_eq!(accepted.template().name(), "paid");
///
/// let viewer: LivePlay = accepted.view()?;
/// assert_eq!(viewer.client_user_id, "user01");
/// assert!(accepted.view::<Push>().is_err(), "expected an error, found a view");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Accepted(pub(super) Arc<AcceptedCallback>);

#[derive(Clone)]
pub(crate) struct AcceptedCallback {
    pub(crate) event: Event,
    pub(crate) template: Arc<Template>,
    /// Index of the kind in `plan.kinds`; `None` if the plan does not contain the kind.
    pub(crate) kind: Option<usize>,
    pub(crate) raw: Bytes,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) unknown_kind: Option<String>,
    pub(crate) arrival: Arrival,
    /// Value of `access-control-allow-origin` for the reply; `None` if the reply lacks this header.
    pub(crate) cors: Option<HeaderValue>,
    /// Form of the event; `None` if the settings of the kind determine the form.
    pub(crate) forward: Option<Forward>,
    pub(crate) limit: Option<RouteLimit>,
    pub(crate) memory: Arc<Memory>,
    /// The value that has already arrived with another callback; `None` if both the id and the
    /// signature are new.
    pub(crate) reused: Option<Reused>,
    /// Values for the state that machines share; `None` if this machine shares no state.
    pub(crate) sharing: Option<Box<Sharing>>,
    /// Reply to a challenge; `None` for any other callback. The app does not receive a challenge.
    pub(crate) challenge: Option<Box<Reply>>,
    /// Digest of the platform's id of the session that the callback starts or ends; `None` if the
    /// callback names no session.
    pub(crate) session_id: Option<u64>,
    /// True if the callback ends an older session than the newest of its subject in the shared
    /// state.
    pub(crate) is_stale: bool,
}

/// Value that has already arrived with another callback: the signed id or the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reused {
    /// The signed id. The other callback had different data.
    Id,
    /// The signature. The other callback had a different body, or a different unsigned id.
    Signature,
}

/// The values of a callback for the state that machines share.
#[derive(Clone, Default)]
pub(crate) struct Sharing {
    /// `None` for a signature or id that this machine has received before, or that no other
    /// callback can reuse.
    pub(crate) proof: Option<SharedProof>,
}

/// A signature or id that this machine receives for the first time.
#[derive(Clone)]
pub(crate) struct SharedProof {
    pub(crate) key: SharedKey,
    /// Digest of the data that arrived with the signature or id.
    pub(crate) value: SharedValue,
    pub(crate) reused: Reused,
    /// Refusal of a callback whose signature or id another machine has received with other data;
    /// `None` if gatepost accepts such a callback.
    pub(crate) refusal: Option<Refusal>,
}

print_only! { AcceptedCallback: event template; }

impl Accepted {
    pub(crate) fn new(inner: AcceptedCallback) -> Self {
        Self(Arc::new(inner))
    }

    /// Returns the platform's name for a kind that the provider does not define; `None` for any
    /// other kind. The name is safe to log.
    #[must_use]
    pub fn unknown_kind(&self) -> Option<&str> {
        self.0.unknown_kind.as_deref()
    }

    /// Returns the event: the callback as the app receives it.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.0.event
    }

    /// Returns the paths of the callback's misfits: fields that are missing, or that do not have
    /// their declared type. A path has the form `a.b` or `a[].b`.
    ///
    /// If a field has another type, the data of the event contains the field as received. The app
    /// also receives the paths, in the header `gatepost-misfits`.
    pub fn misfits(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.event.misfits.iter().map(|path| &**path)
    }

    /// Returns the template of the route, or else of the callback's tenant.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.0.template
    }

    /// Returns the index of the kind in [`Template::kinds`]; `None` if the provider does not define
    /// the kind.
    #[must_use]
    pub fn kind_index(&self) -> Option<usize> {
        self.0.kind
    }

    /// Returns the body as received.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.0.raw
    }

    /// Returns true if `T` describes the kind of the callback.
    #[cfg(feature = "axum")]
    pub(crate) fn is<T: View>(&self) -> bool {
        T::describes(&self.event().provider, &self.event().kind)
    }

    /// Deserializes the data of the event.
    ///
    /// A view of this crate reads any data: a misfit is `None`, and [`Self::misfits`] lists the
    /// path of the misfit. A number beyond the range of an `f64` becomes a string of its digits.
    ///
    /// # Errors
    ///
    /// Returns an error if `T` does not describe the kind, or does not match the data.
    pub fn view<T: View>(&self) -> Result<T, ViewError> {
        let event = self.event();
        if !T::describes(&event.provider, &event.kind) {
            let kind = format!("{}.{}", event.provider, event.kind);
            return Err(ViewError::OtherKind { kind });
        }
        // Parse a `str`: in a byte slice, `serde_json` checks each string for UTF-8.
        let text = std::str::from_utf8(&event.data).unwrap_or_default();
        let read = |text: &str| T::read(&event.kind, text);
        read(text)
            .or_else(|error| read(&quote_large_numbers(text)).map_err(|_| error))
            .map_err(|error| ViewError::Data { line: error.line(), column: error.column() })
    }

    /// Returns true if an earlier callback with another body or another id had the same signature.
    ///
    /// Reuse is possible only if the signature leaves the body or the id of the callback unsigned.
    /// Reuse does not prove an attack. If a platform signs only the time, all callbacks of one
    /// second have the same signature. If a platform signs only the body, two callbacks with equal
    /// bodies have the same signature.
    #[must_use]
    pub fn reuses_signature(&self) -> bool {
        self.0.reused == Some(Reused::Signature)
    }

    /// Returns true if an earlier callback with other data had the same id. Compares only ids that
    /// the platform has signed.
    ///
    /// gatepost delivers both events. Both events have the same `ce-id`.
    #[must_use]
    pub fn reuses_id(&self) -> bool {
        self.0.reused == Some(Reused::Id)
    }

    /// Returns true if the machine shares its state with other machines.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.sharing.is_some()
    }

    /// Returns the signature or id to share with other machines; `None` if there is none.
    pub(crate) fn shared_proof(&self) -> Option<&SharedProof> {
        self.0.sharing.as_ref()?.proof.as_ref()
    }

    /// Marks a callback whose signature or id has arrived at another machine with other data. Does
    /// nothing if there are clones of the permit.
    pub(crate) fn note_reuse(&mut self, reused: Reused) {
        if let Some(callback) = Arc::get_mut(&mut self.0) {
            callback.reused = Some(reused);
        }
    }

    /// Marks a callback that ends a session, because the shared state contains a newer session of
    /// the same subject. Does nothing if there are clones of the permit.
    pub(crate) fn note_stale(&mut self) {
        if let Some(callback) = Arc::get_mut(&mut self.0) {
            callback.is_stale = true;
        }
    }

    /// Returns true if [`Self::note_stale`] has marked the callback.
    pub(crate) fn is_noted_stale(&self) -> bool {
        self.0.is_stale
    }

    /// Returns a digest of the platform's id of the session; `None` if the callback names no
    /// session.
    pub(crate) fn session_id(&self) -> Option<u64> {
        self.0.session_id
    }

    /// Returns the reply to a challenge; `None` for any other callback.
    pub(crate) fn challenge(&self) -> Option<&Reply> {
        self.0.challenge.as_deref()
    }

    pub(crate) fn memory(&self) -> &Arc<Memory> {
        &self.0.memory
    }

    /// Returns the time at which the head arrived.
    pub(crate) fn arrived(&self) -> Timestamp {
        self.0.arrival.at
    }

    pub(crate) fn arrival(&self) -> &Arrival {
        &self.0.arrival
    }

    /// Returns the `content-type` of the callback.
    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        self.0.content_type.as_ref()
    }

    /// Returns the address of the client; `None` if the server set no peer in the head.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.0.arrival.client.address
    }

    /// Returns the value of `access-control-allow-origin` for the reply.
    pub(crate) fn cors(&self) -> Option<&HeaderValue> {
        self.0.cors.as_ref()
    }

    /// Returns the budget that machines share for the route; `None` if only the limit of this
    /// machine applies.
    pub(crate) fn shared_budget(&self) -> Option<&Arc<SharedBudget>> {
        self.0.limit.as_ref()?.shared().filter(|_| self.is_shared())
    }

    /// Returns the rate limit of the route, for log lines.
    #[cfg(feature = "tracing")]
    pub(crate) fn route_limit(&self) -> Option<&RouteLimit> {
        self.0.limit.as_ref()
    }

    /// Counts the callback towards the rate limit of its route on this machine. Returns false if
    /// the callback exceeds the limit.
    pub(crate) fn is_within_limit(&self, now: Timestamp) -> bool {
        self.0.limit.as_ref().is_none_or(|limit| limit.take(now))
    }

    /// Returns the form of the event.
    pub(crate) fn forward(&self) -> Forward {
        let of_address = || self.delivery().as_ask().map(|ask| ask.forward);
        self.0.forward.or_else(of_address).unwrap_or_default()
    }

    pub(crate) fn kind(&self) -> &Kind {
        self.0.template.plan.kind(self.0.kind)
    }

    /// Returns true if the template requires a signature that covers every field of the id. In this
    /// case, only the platform can have chosen the id.
    pub(crate) fn has_signed_id(&self) -> bool {
        let template = &self.0.template;
        let required = template.required_signature(self.0.kind).filter(|one| !one.is_optional);
        required.is_some_and(|one| self.kind().id.iter().all(|id| one.signature.covers(id)))
    }

    /// Returns the names of the fields that serve only the signature.
    pub(crate) fn proof_fields(&self) -> impl Iterator<Item = &str> {
        let signature = self.0.template.plan.signature_of(self.0.kind);
        signature.into_iter().flat_map(|signature| signature.consumed.iter().map(Name::text))
    }

    /// Returns the addresses that receive a copy of the event, for a server that sends copies;
    /// `None` for a decision, or if the config names no address for copies.
    #[must_use]
    pub fn mirror(&self) -> Option<&Arc<Addresses>> {
        self.delivery().as_ask().and_then(|ask| ask.mirror.as_ref())
    }

    pub(crate) fn delivery(&self) -> &Delivery {
        self.0.template.delivery(self.0.kind)
    }
}

/// Error of [`Accepted::view`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The data does not match the type. The error omits the parser's message, because that message
    /// quotes the data.
    #[error(
        "expected data that matches the type, found a mismatch at line {line}, column {column}; \
         correct the type"
    )]
    Data {
        /// Line in the JSON, counted from 1.
        line: usize,
        /// Column in the line, counted from 1.
        column: usize,
    },
    /// The type describes another kind.
    #[error("expected a kind that the type describes, found {kind}; use another type")]
    OtherKind {
        /// Provider and kind of the callback, such as `tencent-css.push`.
        kind: String,
    },
}
