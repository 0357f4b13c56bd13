//! Turns the head and the body of a callback into a verdict.
//!
//! [`Gate::admit`](crate::Gate::admit) checks the client and the head. If both are valid, `admit`
//! returns an [`Intake`]. The intake takes the body in chunks of any size, and judges the complete
//! body. The intake does no I/O, does not wait and does not read the clock. The rules, in the order
//! checked:
//!
//! 1. client: the route permits the address, and the client's rate limit is not exhausted;
//! 2. head: framing, upgrade, method, secret path segment, content encoding, the headers and
//!    parameters that the definition reads, declared length;
//! 3. body: the length does not exceed the limit, checked at each chunk;
//! 4. fields: encoding, syntax, no duplicate names, nesting depth, numbers of members and elements;
//! 5. tenant: the callback does not name tenants of different templates, and a template applies to
//!    the callback;
//! 6. signature: the signature is valid for the kind, and the signed time is neither too old nor
//!    too far in the future;
//! 7. kind: the route or the callback names the kind; on a route with a kind, the callback names no
//!    other declared kind; the method fits the kind; a challenge is valid;
//! 8. types: each field that identifies the callback, or on which the reply to a decision depends,
//!    has its declared type;
//! 9. reuse: no other callback had the same signature. This rule applies only with
//!    `signature_reuse = "refuse"`, and only to a signature that leaves the body or the id of the
//!    callback unsigned.
//!
//! The route's rate limit counts only accepted callbacks: [`Accepted::next`] checks this limit.

mod body_check;
mod head_check;
mod judgement;
mod normalise;
mod reuse;

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
#[cfg(feature = "tower")]
use http::uri::PathAndQuery;

use crate::body_buffer::BodyBuffer;
use crate::client::Arrival;
use crate::head::Head;
use crate::memory::{Memory, Turn};
use crate::printable::printable;
use crate::provider::locator::CapturedHead;
use crate::route::{Route, RouteIndex, Routes};
use crate::time::Timestamp;
use crate::verdict::{Accepted, AcceptedCallback, Refusal, RefusalCause, RefusalKind};
use body_check::GenuineCallback;

pub(crate) use body_check::tenants;
pub(crate) use head_check::{CheckedHead, check_head};

/// A callback with a valid head, and with a body that may be incomplete.
///
/// # Examples
///
/// ```
/// use gatepost::{Admission, Gate, Head, RefusalKind, Timestamp};
/// use http::{HeaderMap, Method, Uri};
///
/// let config = "max_body_bytes = 1000\n\
///               [[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
///               [[template]]\nname = 'test'\nprovider = 'tencent-css'\n\
///               insecure_unsigned = true\nbind = ['*']";
/// let gate = Gate::builder().toml(config).build()?;
/// let now = Timestamp::from_secs(1_545_030_873);
/// let admit = || match gate.admit(
///     &Head::new(&Method::POST, &Uri::from_static("/hook"), &HeaderMap::new()),
///     now,
/// ) {
///     Admission::Callback(intake) => intake,
///     other => panic!("expected a callback, found {other:?}"),
/// };
///
/// let body = r#"{"event_type":1,"app":"test.domain.com","appname":"live","stream_id":"s",
///     "channel_id":"s","event_time":1545030273,"sequence":"1","node":"10.0.0.1",
///     "user_ip":"10.0.0.2","stream_param":""}"#;
/// let (first, rest) = body.split_at(100);
/// let mut intake = admit();
/// intake.push(first.into())?;
/// intake.push(rest.into())?;
/// assert_eq!(intake.finish(now)?.event().kind(), "push");
///
/// let refusal = admit().push(vec![b' '; 1001].into()).unwrap_err();
/// assert_eq!(refusal.kind(), RefusalKind::BodyTooLarge);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Intake(Box<IntakeState>);

/// State of an intake. [`Intake`] boxes this state to keep `Admission` and futures small.
struct IntakeState {
    routes: Arc<Routes>,
    route: RouteIndex,
    body: BodyBuffer,
    /// Number of chunks so far, empty chunks included.
    chunks: usize,
    declared_length: usize,
    captured: CapturedHead,
    content_type: Option<HeaderValue>,
    arrival: Arrival,
    /// Value of `access-control-allow-origin` for the reply; `None` if the reply omits this header.
    cors: Option<HeaderValue>,
    memory: Arc<Memory>,
    in_shadow: bool,
    /// True if the machine shares its state with other machines. Always false in shadow mode.
    is_shared: bool,
    /// True if gatepost computes the id of the event only at the first use of the id.
    defers_id: bool,
}

/// Reason why gatepost has no complete body.
///
/// ```
/// use gatepost::BodyFailure;
///
/// let failure = BodyFailure::Failed("connection reset".into());
/// assert_ne!(failure, BodyFailure::Disconnected);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyFailure {
    /// The client disconnected.
    Disconnected,
    /// The body exceeds a limit of the server, which may be below `max_body_bytes`.
    TooLarge,
    /// The server failed to read the body. Contains the reason, for the log.
    Failed(String),
}

// `Debug` omits the head and the body, because both may contain personal data and secrets.
impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("route", &self.route().label).finish_non_exhaustive()
    }
}

impl Intake {
    pub(crate) fn new(
        memory: Arc<Memory>,
        routes: Arc<Routes>,
        route: RouteIndex,
        checked: CheckedHead,
        head: &Head<'_>,
        arrival: Arrival,
    ) -> Self {
        let content_type = head.headers().get(CONTENT_TYPE).cloned();
        let CheckedHead { declared_length, captured } = checked;
        let cors = routes.at(route).cors.allowed(head);
        Self(Box::new(IntakeState {
            routes,
            route,
            body: BodyBuffer::default(),
            chunks: 0,
            declared_length,
            captured,
            content_type,
            arrival,
            cors,
            memory,
            in_shadow: false,
            is_shared: false,
            defers_id: false,
        }))
    }

    /// Marks a callback whose verdict has no effect, because the route is in shadow mode or because
    /// `gatepost explain` judges a saved request.
    pub(crate) fn in_shadow(mut self) -> Self {
        self.0.in_shadow = true;
        self
    }

    /// Marks a callback on a machine that shares its state with other machines. [`Accepted::next`]
    /// then returns the steps for the [`SharedState`](crate::SharedState). If the server has such a
    /// state, [`drive`](crate::drive) calls this method.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.0.is_shared = !self.0.in_shadow;
        self
    }

    /// Defers the computation of the event's id to the first use of the id, for a server whose app
    /// may never read the id. Within the process, another digest then identifies the event. Use
    /// this method for all callbacks of a gate or for none, because gatepost compares these digests
    /// with those of earlier callbacks.
    #[cfg(feature = "tower")]
    pub(crate) fn defer_id(mut self) -> Self {
        self.0.defers_id = true;
        self
    }

    fn route(&self) -> &Route {
        self.0.routes.at(self.0.route)
    }

    fn refuse(&self, cause: impl Into<RefusalCause>) -> Refusal {
        let refusal = Refusal::new(cause.into(), &self.route().label, &self.route().plan);
        refusal.sent_by(&self.0.arrival.client).readable_by(self.0.cors.clone())
    }

    /// Returns the time within which the complete body must arrive.
    ///
    /// Start the timer no later than at the first call of [`Intake::push`]. If the time limit
    /// passes, call [`Intake::interrupted`].
    #[must_use]
    pub const fn time_limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Takes the next chunk of the body.
    ///
    /// # Errors
    ///
    /// Returns a refusal ([`RefusalKind::BodyTooLarge`]) for a body of more than `max_body_bytes`
    /// bytes, or of more than `max_body_bytes` + 16 chunks.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), Refusal> {
        let limit = self.route().max_body_bytes;
        self.0.chunks += 1;
        let max_chunks = limit.saturating_add(EMPTY_CHUNKS);
        let is_too_long = chunk.len() > limit.saturating_sub(self.0.body.len());
        if is_too_long || self.0.chunks > max_chunks {
            let (max, unit) = if is_too_long { (limit, "bytes") } else { (max_chunks, "chunks") };
            let detail = format!("expected at most {max} {unit}, found more");
            return Err(self.refuse(RefusalCause::with(RefusalKind::BodyTooLarge, detail)));
        }
        self.0.body.push(chunk, self.0.declared_length.min(MAX_UPFRONT_BYTES));
        Ok(())
    }

    /// Returns the address of the client that sent the callback; `None` if the server did not set
    /// the peer of the connection.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.0.arrival.client.address
    }

    /// Returns the memory that the body occupies so far, in bytes. For a body that arrives in
    /// several chunks, this is the capacity of the buffer.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.0.body.capacity()
    }

    /// Returns true until the first chunk arrives.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.body.is_none()
    }

    /// Returns true if the judgement of the body may take 0.4 ms or longer.
    pub(crate) fn is_large(&self) -> bool {
        self.0.body.len() > LARGE_BODY_BYTES
    }

    /// Waits for the turn of this callback. gatepost judges one large body at a time.
    pub(crate) async fn turn(&self) -> Turn {
        Turn::wait(&self.0.memory, self.0.arrival.client.address).await
    }

    /// Returns the refusal of a callback whose body ended early or exceeded the time limit.
    #[must_use]
    pub fn interrupted(mut self) -> Refusal {
        let body = self.0.body.take();
        self.refuse(RefusalKind::BodyIncomplete).with_body(body)
    }

    /// Returns the refusal of a callback whose body the server failed to read completely.
    pub(crate) fn failed(self, failure: BodyFailure) -> Refusal {
        match failure {
            BodyFailure::Disconnected => self.interrupted(),
            BodyFailure::TooLarge => self.refuse(RefusalKind::BodyTooLarge),
            BodyFailure::Failed(why) => {
                self.refuse(RefusalCause::with(RefusalKind::BodyIncomplete, printable(&why)))
            }
        }
    }

    /// Returns the path of the route with `{token}` in place of the secret segment; `None` if the
    /// path has no secret segment.
    #[cfg(feature = "tower")]
    pub(crate) fn masked_path(&self) -> Option<&PathAndQuery> {
        self.route().masked.as_ref()
    }

    /// Judges the complete body at the time `now`.
    ///
    /// # Errors
    ///
    /// Returns a refusal in each of these cases:
    ///
    /// - The body is missing or malformed.
    /// - No template applies.
    /// - The tenant, the signature, the kind, the method, a challenge or a field is invalid.
    /// - The template refuses a reused signature.
    pub fn finish(mut self, now: Timestamp) -> Result<Accepted, Refusal> {
        let (raw, received_type) = (self.0.body.take(), self.0.content_type.take());
        let genuine = match self.accept(&raw, received_type, now) {
            Ok(genuine) => genuine,
            Err(refusal) => return Err(refusal.with_body(raw)),
        };
        let GenuineCallback {
            event,
            template,
            kind,
            content_type,
            unknown_kind,
            reused,
            sharing,
            challenge,
            session_id,
        } = genuine;
        let (forward, limit) = (self.route().forward, self.route().limit.clone());
        let IntakeState { arrival, cors, memory, .. } = *self.0;
        Ok(Accepted::new(AcceptedCallback {
            event,
            template,
            kind,
            raw,
            content_type,
            unknown_kind,
            arrival,
            cors,
            forward,
            limit,
            memory,
            reused,
            sharing,
            challenge,
            session_id,
            is_stale: false,
        }))
    }
}

/// Number of chunks that a body may have in addition to one chunk for each permitted byte.
///
/// With this limit, gatepost refuses an endless body of empty chunks.
const EMPTY_CHUNKS: usize = 16;

/// Maximum number of bytes that gatepost reserves because of `content-length` alone.
///
/// A client can declare a large body and not send it, so this limit bounds the memory per request.
const MAX_UPFRONT_BYTES: usize = 64 * 1024;

/// Maximum length, in bytes, of a body that gatepost judges at once. Longer bodies wait for a
/// [`Turn`]. The judgement of a body of at most this length takes less than 0.4 ms. The largest
/// known callback has 28,000 bytes.
const LARGE_BODY_BYTES: usize = 64 * 1024;
