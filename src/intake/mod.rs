//! One request in flight: bytes come in, a verdict goes out.
//!
//! The gate looks at the head first ([`Gate::admit`](crate::Gate::admit)); what passes is an
//! [`Intake`], which takes the body in chunks of any size and judges it when it is whole. It never
//! waits, reads no clock and knows no socket. The rules, in the order checked:
//!
//! 1. source: the sender's address, and its limit;
//! 2. head: framing, upgrade, method, secret path segment, content encoding, announced length;
//! 3. body: its limit, as soon as it is passed;
//! 4. fields: encoding, syntax, no name twice, not too deep;
//! 5. tenant, and the template bound to it;
//! 6. kind;
//! 7. signature, and the time that was signed;
//! 8. the fields' types;
//! 9. the route's limit, which counts genuine callbacks alone.

mod head_check;
mod normalise;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, iter};

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::body::BodyBuffer;
use crate::client::Arrival;
use crate::event::{Event, EventSource};
use crate::head::Head;
use crate::memory::{Domain, Memory};
use crate::printable::printable;
use crate::provider::Plan;
use crate::provider::locator::{CapturedHead, Received};
use crate::provider::plan::{BodyFormat, KindFound};
use crate::provider::signature::SignatureError;
use crate::route::{RouteIndex, Route, Routes};
use crate::template::{RequiredSignature, Reuse, Template};
use crate::time::Timestamp;
use crate::verdict::{Accepted, AcceptedCallback, Refusal, RefusalCause, RefusalKind};
use normalise::normalise;

pub(crate) use head_check::{CheckedHead, check_head};

/// A callback whose body is being read.
pub struct Intake(Box<IntakeState>);

/// Boxed, so that an admission and every future that holds it are small.
struct IntakeState {
    routes: Arc<Routes>,
    route: RouteIndex,
    body: BodyBuffer,
    announced: usize,
    captured: CapturedHead,
    content_type: Option<HeaderValue>,
    arrival: Arrival,
    memory: Arc<Memory>,
    in_shadow: bool,
}

/// The body is nobody's to see before it is judged, and hardly anybody's after.
impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("route", &self.route().pattern).finish_non_exhaustive()
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
        let CheckedHead { announced, captured } = checked;
        Self(Box::new(IntakeState {
            routes,
            route,
            body: BodyBuffer::default(),
            announced,
            captured,
            content_type,
            arrival,
            memory,
            in_shadow: false,
        }))
    }

    /// One that passes whatever is said of it.
    pub(crate) fn in_shadow(mut self) -> Self {
        self.0.in_shadow = true;
        self
    }

    fn route(&self) -> &Route {
        self.0.routes.at(self.0.route)
    }

    fn refuse(&self, fault: impl Into<RefusalCause>) -> Refusal {
        let refusal = Refusal::new(fault.into(), &self.route().pattern, &self.route().plan);
        refusal.sent_by(&self.0.arrival.client)
    }

    /// How long the body may take to arrive, from the first call of [`Intake::push`] or before.
    /// After it, the verdict is [`Intake::interrupted`].
    #[must_use]
    pub const fn time_limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Takes the next piece of the body.
    ///
    /// # Errors
    ///
    /// [`RefusalKind::BodyTooLarge`] as soon as the limit is passed.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), Refusal> {
        if chunk.len() > self.route().max_body_bytes.saturating_sub(self.0.body.len()) {
            return Err(self.refuse(RefusalKind::BodyTooLarge));
        }
        self.0.body.push(chunk, self.0.announced.min(ROOM_ON_ANNOUNCEMENT));
        Ok(())
    }

    /// Whether nothing of the body has come yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.body.is_none()
    }

    /// The verdict on a body that ended, or ran out of time, before it was whole.
    #[must_use]
    pub fn interrupted(self) -> Refusal {
        self.refuse(RefusalKind::BodyIncomplete)
    }

    /// The verdict on the whole body, at the moment `now`.
    ///
    /// # Errors
    ///
    /// Every [`RefusalKind`] but those of the head.
    pub fn finish(mut self, now: Timestamp) -> Result<Accepted, Refusal> {
        let raw = self.0.body.take();
        let plan = &self.route().plan;
        if raw.is_empty() && plan.body != BodyFormat::Query {
            return Err(self.refuse(RefusalKind::BodyMissing));
        }
        let object =
            plan.read(&raw, self.0.captured.query()).map_err(|defect| self.refuse(defect))?;
        let received =
            Received { object: &object, raw: &raw, captured: &self.0.captured, settings: &[] };
        let tenant = tenant(plan, &received).map_err(|kind| self.refuse(kind))?;
        let (template, source) = self
            .route()
            .template(tenant.as_deref())
            .map_err(|kind| self.refuse(kind).of(tenant.as_deref(), None))?;
        let received = Received { settings: &template.settings, ..received };
        let refuse =
            |fault: RefusalCause| self.refuse(fault).of(tenant.as_deref(), Some(&template.name));
        let judged = judge(self.route(), template, &source, &received, now).map_err(refuse)?;
        let Judgement { kind, unknown_kind, event } = judged;
        // What only passes in shadow mode is not remembered.
        let reuses_signature = !self.0.in_shadow
            && reuses_signature(&self.0.memory, template, kind, &event, &received, now);
        if reuses_signature && template.proof.reuse == Reuse::Refuse {
            return Err(refuse(RefusalKind::SignatureReused.into()));
        }
        let limit = self.route().limit.clone();
        let template = Arc::clone(template);
        drop(tenant);
        drop(object);
        let IntakeState { arrival, content_type, memory, .. } = *self.0;
        Ok(Accepted::new(AcceptedCallback {
            event,
            template,
            kind,
            raw,
            content_type,
            unknown_kind,
            arrival,
            limit,
            memory,
            reuses_signature,
        }))
    }
}

/// How much is allocated on the sender's word alone.
const ROOM_ON_ANNOUNCEMENT: usize = 64 * 1024;

/// A domain name is at most this long, and so is every other tenant.
const MAX_TENANT_BYTES: usize = 253;

/// Whose callback it is: the same, wherever the callback says it.
pub(crate) fn tenant<'r>(
    plan: &Plan,
    received: &Received<'r>,
) -> Result<Option<Cow<'r, str>>, RefusalKind> {
    let said = plan.tenant.iter().filter_map(|locator| locator.text(received));
    let mut said = said.filter(|text| !text.is_empty()).map(|t| plan.tenant_case.fold(t));
    let first = said.next();
    if said.any(|other| Some(&other) != first.as_ref()) {
        return Err(RefusalKind::TenantAmbiguous);
    }
    match first {
        Some(tenant) if tenant.len() > MAX_TENANT_BYTES => Err(RefusalKind::TenantUnknown),
        tenant => Ok(tenant),
    }
}

/// What a callback was judged to be.
struct Judgement {
    kind: Option<usize>,
    /// What the platform wrote for a kind that the definition does not know.
    unknown_kind: Option<String>,
    event: Event,
}

/// Kind, signature and fields.
fn judge(
    route: &Route,
    template: &Template,
    source: &Arc<EventSource>,
    received: &Received<'_>,
    now: Timestamp,
) -> Result<Judgement, RefusalCause> {
    let plan = &route.plan;
    let found = route.kind.map_or_else(|| plan.kind_of(received), KindFound::Known);
    let (kind, unknown_kind) = match &found {
        KindFound::Known(kind) => (Some(*kind), None),
        KindFound::Unknown(written) => (None, Some(printable(written))),
        KindFound::Missing => (None, None),
    };
    let demand = template.required_signature(kind);
    if let Some(demand) = demand {
        match demand.signature.verify(received, demand.keys, demand.window, now) {
            Err(SignatureError::Absent { .. })
                if demand.is_optional && says_no_other(plan, kind, received) => {}
            verified => verified?,
        }
    }
    // A signature of the kind's own that nobody looks at is left to the app.
    let signature = demand.map(|demand| demand.signature).or(plan.signature.as_ref());
    if found == KindFound::Missing {
        return Err(RefusalKind::KindMissing.into());
    }
    let event = normalise(plan, kind, signature, source, received)?;
    Ok(Judgement { kind, unknown_kind, event })
}

/// Whether a signature that does not cover the body came with another one before; if not, it is
/// known from now on, for as long as it can be taken.
fn reuses_signature(
    memory: &Memory,
    template: &Template,
    kind: Option<usize>,
    event: &Event,
    received: &Received<'_>,
    now: Timestamp,
) -> bool {
    let demand = template.required_signature(kind).filter(|demand| !demand.signature.covers_body());
    let Some(RequiredSignature { signature, window: Some(window), .. }) = demand else { return false };
    let name = Cow::Borrowed(template.name().as_bytes());
    let key =
        memory.fingerprint(Domain::Signed, iter::once(name).chain(signature.covered_values(received)));
    // What the event's id tells apart, by more bits than the note has, need not be noted again.
    let told: &[u8] = if template.plan.id_covers_all_data() { &[] } else { event.data() };
    let note = memory.note(Domain::Callback, [&event.id, told]);
    let before = memory.seen.note_first(key, note, now.after(window.lifetime()), now);
    before.is_some_and(|before| before != note)
}

/// Whether the callback itself names the kind that its route pins, or none.
fn says_no_other(plan: &Plan, kind: Option<usize>, received: &Received<'_>) -> bool {
    match plan.kind_of(received) {
        KindFound::Known(said) => Some(said) == kind,
        KindFound::Missing => true,
        KindFound::Unknown(_) => false,
    }
}
