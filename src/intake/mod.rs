//! Turns the head and the body of a callback into a verdict.
//!
//! [`Gate::admit`](crate::Gate::admit) checks the client and the head. If both are valid, `admit`
//! returns an [`Intake`]. The intake takes the body in chunks of any size, and judges the complete
//! body. The intake does no I/O, does not wait and does not read the clock. The rules, in the order
//! checked:
//!
//! 1. client: the address is allowed, and the client's rate limit is not exhausted;
//! 2. head: framing, upgrade, method, secret path segment, content encoding, the headers and
//!    parameters that the definition reads, declared length;
//! 3. body: the length does not exceed the limit, checked at each chunk;
//! 4. fields: encoding, syntax, no duplicate names, nesting depth, numbers of members and elements;
//! 5. tenant: the callback does not name tenants of different templates, and a template applies to
//!    the callback;
//! 6. signature: the signature is valid for the kind, and the signed time is neither too old nor
//!    too far in the future;
//! 7. kind: if the route does not set the kind, the callback names it; if the route sets the kind,
//!    the callback names no other declared kind; the method fits the kind; if the kind is a
//!    challenge, the challenge is valid;
//! 8. types: each field that identifies the callback, or on which the reply to a decision depends,
//!    has its declared type;
//! 9. reuse: no other callback had the same signature. This rule applies only with
//!    `signature_reuse = "refuse"`, and only to a signature that leaves the body or the id of the
//!    callback unsigned.
//!
//! The route's rate limit counts only accepted callbacks: [`Accepted::next`] checks this limit.

mod head_check;
mod normalise;
mod reuse;

use core::net::IpAddr;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
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
use crate::event::{Event, EventSource};
use crate::head::Head;
use crate::json::{Object, Shape};
use crate::memory::store::{SharedDomain, shared_key};
use crate::memory::{Domain, Memory, Turn};
use crate::printable::printable;
use crate::provider::challenge::Challenge;
use crate::provider::locator::{CapturedHead, Locator, Received};
use crate::provider::plan::{BodyFormat, KindFound};
use crate::provider::signature::SignatureError;
use crate::provider::{Kind, Plan};
use crate::reply::Reply;
use crate::route::{Route, RouteIndex, Routes};
use crate::template::{RequiredSignature, Template};
use crate::time::Timestamp;
use crate::verdict::{
    Accepted, AcceptedCallback, Refusal, RefusalCause, RefusalKind, Reused, Sharing,
};
use normalise::{EventIds, normalise};
use reuse::{Sighting, proof_values, refuses};

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
    /// The server could not read the body. Contains the reason, for the log.
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
    /// then returns the steps for the [`SharedState`](crate::SharedState). [`drive`](crate::drive)
    /// calls this method if the server has such a state.
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
    /// Returns a refusal ([`RefusalKind::BodyTooLarge`]) if the body exceeds `max_body_bytes`, or
    /// if it has more than `max_body_bytes` + 16 chunks.
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

    /// Returns the refusal of a callback whose body gatepost could not read completely.
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
    /// Returns a refusal if the body is missing or malformed, if no template applies, if the
    /// tenant, the signature, the kind, the method, a challenge or a field is invalid, or if the
    /// template refuses a reused signature.
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

    fn accept(
        &self,
        raw: &Bytes,
        received_type: Option<HeaderValue>,
        now: Timestamp,
    ) -> Result<GenuineCallback, Refusal> {
        let plan = &self.route().plan;
        if raw.is_empty() && !plan.permits_empty_body(self.0.captured.method()) {
            return Err(self.refuse(RefusalKind::BodyMissing));
        }
        let repaired = OnceCell::new();
        let object =
            plan.read(raw, &self.0.captured, &repaired).map_err(|defect| self.refuse(defect))?;
        let received = Received { object: &object, raw, captured: &self.0.captured, settings: &[] };
        let misfit = Cell::new(None);
        let app = self.route().application(&received);
        let names = tenants(plan, &received, |place| misfit.set(Some(place)));
        let tenant = self
            .route()
            .choose_tenant(names, app.as_deref())
            .map_err(|ambiguous| self.refuse(ambiguous))?;
        if let Some(place) = misfit.get() {
            let detail = format!("expected a string or a number at {place}, found another type");
            return Err(self.refuse(RefusalCause::with(RefusalKind::FieldInvalid, detail)));
        }
        let (template, source) = self
            .route()
            .template(tenant.as_deref(), app.as_deref())
            .map_err(|cause| self.refuse(cause).of(tenant.as_deref(), None))?;
        let received = Received { settings: &template.settings, ..received };
        let refuse =
            |cause: RefusalCause| self.refuse(cause).of(tenant.as_deref(), Some(&template.name));
        // Machines that share their state identify an event by its id.
        let are_deferred = self.0.defers_id && !self.0.is_shared;
        let ids = EventIds { memory: &self.0.memory, are_deferred };
        let judged = judge(self.route(), template, &source, &received, ids, now).map_err(refuse)?;
        let Judgement { kind, unknown_kind, proof, challenge, event } = judged;
        // In shadow mode, gatepost stores no signature, because a shadow verdict must not change a
        // later verdict.
        let proof = proof.filter(|_| !self.0.in_shadow);
        let values = proof.and_then(|proof| proof_values(template, kind, proof, &event, &received));
        let seen = values.as_ref().map(|values| values.note(&self.0.memory, now));
        let reused = seen.and_then(Sighting::reused);
        let refusal = || refuse(RefusalKind::SignatureReused.into());
        if reused.is_some_and(|reused| refuses(template, reused)) {
            return Err(refusal());
        }
        let sharing = self.0.is_shared.then(|| {
            let first = values.filter(|_| seen.is_some_and(Sighting::is_first));
            let refusal = |reused| refuses(template, reused).then(refusal);
            Box::new(Sharing { proof: first.map(|values| values.to_share(refusal, now)) })
        });
        let session_id = self.session_id(plan.kind(kind), &received);
        let format = plan.format_of(self.0.captured.method());
        let content_type = content_type(received_type, format, &object, raw);
        let template = Arc::clone(template);
        Ok(GenuineCallback {
            event,
            template,
            kind,
            content_type,
            unknown_kind,
            reused,
            sharing,
            challenge,
            session_id,
        })
    }

    /// Returns a digest of the platform's id of the session that the callback starts or ends;
    /// `None` if the callback names no session.
    fn session_id(&self, kind: &Kind, received: &Received<'_>) -> Option<u64> {
        let locators = &kind.session.as_ref()?.id;
        let texts = locators.iter().filter_map(|locator| locator.text(received));
        let mut parts = texts.filter(|text| !text.is_empty()).map(into_bytes).peekable();
        parts.peek()?;
        if !self.0.is_shared {
            return Some(self.0.memory.short_fingerprint(Domain::Session, parts));
        }
        // This digest is the same on each machine.
        let key = shared_key(SharedDomain::Session, parts);
        key.first_chunk().copied().map(u64::from_be_bytes)
    }
}

/// Parts of an accepted callback that depend on its body.
struct GenuineCallback {
    event: Event,
    template: Arc<Template>,
    kind: Option<usize>,
    content_type: Option<HeaderValue>,
    unknown_kind: Option<String>,
    reused: Option<Reused>,
    /// `None` in shadow mode, or if the machine does not share its state with other machines.
    sharing: Option<Box<Sharing>>,
    /// Reply to a challenge; `None` for any other callback.
    challenge: Option<Box<Reply>>,
    session_id: Option<u64>,
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

/// Returns the tenants that the callback names, in the order of the definition's `Locator`s.
///
/// Calls `note_misfit` with the place of a tenant that is an array, a boolean or an object.
/// gatepost cannot read such a tenant, but an app may read it: JavaScript reads `["a"]` as `a`.
pub(crate) fn tenants<'r>(
    plan: &'r Plan,
    received: &Received<'r>,
    note_misfit: impl Fn(&'r Locator),
) -> impl Iterator<Item = Cow<'r, str>> {
    let texts = plan.tenant.iter().filter_map(move |locator| {
        let text = locator.text(received);
        if text.is_none() && is_misfit(locator, received) {
            note_misfit(locator);
        }
        text
    });
    texts.filter(|text| !text.is_empty()).map(|text| plan.tenant_case.fold(text))
}

fn is_misfit(locator: &Locator, received: &Received<'_>) -> bool {
    let mut values = locator.pointers().filter_map(|pointer| pointer.find(received.object));
    values.any(|value| matches!(value.shape(), Shape::Array | Shape::Boolean | Shape::Object))
}

/// Returns the `content-type` for an app that receives the body unchanged.
///
/// Most platforms do not sign this header. A client could send a captured callback again with
/// another type. The app and gatepost would then read different fields. If the type names a format
/// in which gatepost has not read the body, the app receives the type of the format that gatepost
/// has read.
fn content_type(
    received: Option<HeaderValue>,
    format: BodyFormat,
    object: &Object<'_>,
    raw: &[u8],
) -> Option<HeaderValue> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
    let received = received?;
    if object.is_absent || raw.is_empty() {
        return Some(received);
    }
    let is_json = format == BodyFormat::Json && raw.trim_ascii_start().starts_with(b"{");
    let essence = received.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii();
    let starts_with = |prefix: &[u8]| {
        essence.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let is_form = essence.eq_ignore_ascii_case(FORM.as_bytes());
    let is_misleading = || {
        starts_with(b"multipart/")
            || starts_with(b"application/cloudevents")
            || essence.contains(&b',')
    };
    Some(match is_json {
        true if essence == JSON.as_bytes() => received,
        true if is_form || is_misleading() => JSON,
        false if !is_form => FORM,
        true | false => received,
    })
}

/// Result of [`judge`] for a callback that passes all checks of this function.
struct Judgement<'t> {
    /// Index in `plan.kinds`; `None` for an unknown kind.
    kind: Option<usize>,
    /// The callback's name for a kind that the provider does not define; `None` for a known kind.
    unknown_kind: Option<String>,
    /// Rule of the valid signature; `None` if gatepost has verified no signature.
    proof: Option<RequiredSignature<'t>>,
    /// Reply to a challenge; `None` for any other callback.
    challenge: Option<Box<Reply>>,
    event: Event,
}

/// Checks the signature, the kind, the method, the challenge and the fields.
fn judge<'t>(
    route: &Route,
    template: &'t Template,
    source: &Arc<EventSource>,
    received: &Received<'_>,
    ids: EventIds<'_>,
    now: Timestamp,
) -> Result<Judgement<'t>, RefusalCause> {
    let plan = &route.plan;
    let found = route.kind.map_or_else(|| plan.kind_of(received), KindFound::Known);
    let (kind, unknown_kind) = match &found {
        KindFound::Known(kind) => (Some(*kind), None),
        KindFound::Unknown(written) => (None, Some(printable(written))),
        KindFound::Missing => (None, None),
    };
    let demand = template.required_signature(kind);
    if plan.depends_on_repair(kind, demand.map(|demand| demand.signature), received) {
        return Err(RefusalKind::JsonMalformed.into());
    }
    let mut proof = demand;
    if let Some(demand) = demand {
        match demand.signature.verify(received, demand.keys, demand.window, now) {
            Err(SignatureError::Absent { .. })
                if demand.is_optional && names_no_other_kind(plan, kind, received) =>
            {
                proof = None;
            }
            verified => verified?,
        }
    }
    // `normalise` removes the fields of this signature from the data. If the template does not
    // require a kind's own signature, the fields of that signature remain in the data.
    let signature = demand.map(|demand| demand.signature).or(plan.signature.as_ref());
    if found == KindFound::Missing {
        return Err(RefusalKind::KindMissing.into());
    }
    if let Some(kind) = route.kind
        && let Some(named) = plan.other_kind_named(kind, received)
    {
        let own = &plan.kind(Some(kind)).name;
        let detail = format!("expected `{own}`, the kind of the route, found the kind `{named}`");
        return Err(RefusalCause::with(RefusalKind::FieldInvalid, detail));
    }
    if plan.kind(kind).method.as_ref().is_some_and(|method| method != received.captured.method()) {
        return Err(RefusalKind::MethodNotAllowed.into());
    }
    let challenge = match &plan.kind(kind).challenge {
        Some(rule) => Some(challenge_reply(rule, proof, received)?),
        None => None,
    };
    let keeps_proof = template.delivery(kind).as_ask().is_some_and(|ask| ask.keeps_proof);
    let event = normalise(plan, kind, (signature, keeps_proof), source, received, ids)?;
    Ok(Judgement { kind, unknown_kind, proof, challenge, event })
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// Returns the reply to a challenge.
///
/// # Errors
///
/// Returns the cause of the refusal if the challenge is not valid.
fn challenge_reply(
    rule: &Challenge,
    proof: Option<RequiredSignature<'_>>,
    received: &Received<'_>,
) -> Result<Box<Reply>, RefusalCause> {
    let key = proof.and_then(|proof| {
        let index = proof.signature.matching_key(received, proof.keys);
        proof.keys.get(index?)
    });
    rule.reply(received, key).map(Box::new).map_err(RefusalCause::from)
}

/// Returns true if the callback names `kind` or no kind.
fn names_no_other_kind(plan: &Plan, kind: Option<usize>, received: &Received<'_>) -> bool {
    match plan.kind_of(received) {
        KindFound::Known(named) => Some(named) == kind,
        KindFound::Missing => true,
        KindFound::Unknown(_) => false,
    }
}
