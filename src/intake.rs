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

mod normal;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, iter};

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

use crate::chunks::Chunks;
use crate::event::{Event, Source};
use crate::head::Head;
use crate::memory::{Memory, Of};
use crate::provider::Plan;
use crate::provider::locator::{Kept, Received};
use crate::provider::plan::{BodyFormat, KindFound};
use crate::provider::signature::SignatureFault;
use crate::route::{Found, Route, Routes};
use crate::shadow::{Mode, Shadow};
use crate::source::Arrival;
use crate::template::{Demand, Reuse, Template};
use crate::time::Timestamp;
use crate::verdict::{Accepted, Inner, Refusal, RefusalKind, RequestFault, printable};
use normal::normalise;

/// The gate's first word on a request, from its head alone.
#[derive(Debug)]
pub enum Admission {
    /// A callback: give it the body.
    Callback(Intake),
    /// Nobody's path: pass it on, after [`strip_reserved`](crate::strip_reserved).
    Other,
    /// Refused already; the body need not be read.
    Refused(Refusal),
    /// A request on a route in shadow mode: pass it on like [`Admission::Other`], and have its body
    /// [observed](Shadow::observe).
    Shadow(Shadow),
}

impl Admission {
    /// What the route's mode makes of it.
    pub(crate) fn on(self, route: &Route) -> Self {
        let judged = match (self, route.mode) {
            (Self::Callback(intake), Mode::Shadow) => Ok(intake.in_shadow()),
            (Self::Refused(refusal), Mode::Shadow) => Err(refusal),
            (admission, _) => return admission,
        };
        let (pattern, provider) = (Arc::clone(&route.pattern), Arc::clone(&route.plan.name));
        Self::Shadow(Shadow::new(judged, pattern, provider))
    }
}

/// What is known from the head of a callback.
#[derive(Debug)]
pub(crate) struct CheckedHead {
    announced: usize,
    kept: Kept,
}

/// Checks what the head alone tells.
pub(crate) fn check_head(
    head: &Head<'_>,
    route: &Route,
    token: Option<&str>,
) -> Result<CheckedHead, RequestFault> {
    let headers = head.headers();
    let length = announced_length(head)?;
    if headers.contains_key(UPGRADE) || asks_for_upgrade(headers) {
        return Err(RefusalKind::UpgradeNotAllowed.into());
    }
    if !route.plan.methods.contains(head.method()) {
        return Err(RefusalKind::MethodNotAllowed.into());
    }
    if let Some(secret) = &route.token
        && !token.is_some_and(|token| secret.matches(token.as_bytes()))
    {
        return Err(RefusalKind::TokenMismatch.into());
    }
    let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_identity) {
        return Err(RefusalKind::ContentEncodingUnsupported.into());
    }
    let kept = Kept::of(head, &route.plan.headers, route.plan.looks_at_query)?;
    match usize::try_from(length) {
        Ok(announced) if announced <= route.max_body_bytes => Ok(CheckedHead { announced, kept }),
        Ok(_) | Err(_) => Err(RefusalKind::BodyTooLarge.into()),
    }
}

/// RFC 9112, section 6: a length, or chunks, and nothing that could be read as the other.
fn announced_length(head: &Head<'_>) -> Result<u64, RefusalKind> {
    let unclear = RefusalKind::FramingAmbiguous;
    let mut lengths = head.headers().get_all(CONTENT_LENGTH).iter();
    let mut encodings = head.headers().get_all(TRANSFER_ENCODING).iter();
    let (length, encoding) = (lengths.next(), encodings.next());
    let twice = lengths.next().is_some() || encodings.next().is_some();
    if head.has_unclear_framing() || twice || (length.is_some() && encoding.is_some()) {
        return Err(unclear);
    }
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(unclear);
    }
    let digits = |value: &HeaderValue| {
        let text = value.to_str().ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
        text.parse().ok()
    };
    length.map_or(Ok(0), |value| digits(value).ok_or(unclear))
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    })
}

/// A callback whose body is being read.
pub struct Intake {
    routes: Arc<Routes>,
    route: Found,
    body: Chunks,
    announced: usize,
    kept: Kept,
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
        route: Found,
        checked: CheckedHead,
        head: &Head<'_>,
        arrival: Arrival,
    ) -> Self {
        let content_type = head.headers().get(CONTENT_TYPE).cloned();
        let CheckedHead { announced, kept } = checked;
        Self {
            routes,
            route,
            body: Chunks::default(),
            announced,
            kept,
            content_type,
            arrival,
            memory,
            in_shadow: false,
        }
    }

    /// One that passes whatever is said of it.
    pub(crate) const fn in_shadow(mut self) -> Self {
        self.in_shadow = true;
        self
    }

    fn route(&self) -> &Route {
        self.routes.at(self.route)
    }

    fn refuse(&self, fault: impl Into<RequestFault>) -> Refusal {
        let refusal = Refusal::new(fault.into(), &self.route().pattern, &self.route().plan);
        refusal.sent_by(&self.arrival.client)
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
        if chunk.len() > self.route().max_body_bytes.saturating_sub(self.body.len()) {
            return Err(self.refuse(RefusalKind::BodyTooLarge));
        }
        self.body.push(chunk, self.announced.min(ROOM_ON_ANNOUNCEMENT));
        Ok(())
    }

    /// Whether nothing of the body has come yet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.body.is_none()
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
        let raw = self.body.take();
        let plan = &self.route().plan;
        if raw.is_empty() && plan.body != BodyFormat::Query {
            return Err(self.refuse(RefusalKind::BodyMissing));
        }
        let object = plan.read(&raw, self.kept.query()).map_err(|defect| self.refuse(defect))?;
        let received = Received { object: &object, raw: &raw, kept: &self.kept, settings: &[] };
        let tenant = tenant(plan, &received).map_err(|kind| self.refuse(kind))?;
        let (template, source) = self
            .route()
            .template(tenant.as_deref())
            .map_err(|kind| self.refuse(kind).of(tenant.as_deref(), None))?;
        let received = Received { settings: &template.settings, ..received };
        let refuse =
            |fault: RequestFault| self.refuse(fault).of(tenant.as_deref(), Some(&template.name));
        let judged = judge(self.route(), template, &source, &received, now).map_err(refuse)?;
        let Judged { kind, unknown_kind, event } = judged;
        // What only passes in shadow mode is not remembered.
        let reuses_signature = !self.in_shadow
            && reuses_signature(&self.memory, template, kind, &event, &received, now);
        if reuses_signature && template.proof.reuse == Reuse::Refuse {
            return Err(refuse(RefusalKind::SignatureReused.into()));
        }
        let limit = self.route().limit.clone();
        let template = Arc::clone(template);
        drop(tenant);
        drop(object);
        let Self { arrival, content_type, memory, .. } = self;
        Ok(Accepted::new(Inner {
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
struct Judged {
    kind: Option<usize>,
    /// What the platform wrote for a kind that the definition does not know.
    unknown_kind: Option<String>,
    event: Event,
}

/// Kind, signature and fields.
fn judge(
    route: &Route,
    template: &Template,
    source: &Arc<Source>,
    received: &Received<'_>,
    now: Timestamp,
) -> Result<Judged, RequestFault> {
    let plan = &route.plan;
    let found = route.kind.map_or_else(|| plan.kind_of(received), KindFound::Known);
    let (kind, unknown_kind) = match &found {
        KindFound::Known(kind) => (Some(*kind), None),
        KindFound::Unknown(written) => (None, Some(printable(written))),
        KindFound::Missing => (None, None),
    };
    let demand = template.proof_of(kind);
    if let Some(demand) = demand {
        match demand.signature.verify(received, demand.keys, demand.window, now) {
            Err(SignatureFault::Absent { .. })
                if demand.may_be_absent && says_no_other(plan, kind, received) => {}
            verified => verified?,
        }
    }
    // A signature of the kind's own that nobody looks at is left to the app.
    let signature = demand.map(|demand| demand.signature).or(plan.signature.as_ref());
    if found == KindFound::Missing {
        return Err(RefusalKind::KindMissing.into());
    }
    let event = normalise(plan, kind, signature, source, received)?;
    Ok(Judged { kind, unknown_kind, event })
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
    let demand = template.proof_of(kind).filter(|demand| !demand.signature.covers_body());
    let Some(Demand { signature, window: Some(window), .. }) = demand else { return false };
    let name = Cow::Borrowed(template.name().as_bytes());
    let key = memory.fingerprint(Of::Signed, iter::once(name).chain(signature.covered(received)));
    // What the event's id tells apart, by more bits than the note has, need not be noted again.
    let told: &[u8] = if template.plan.id_tells_all() { &[] } else { event.data() };
    let note = memory.note(Of::Callback, [&event.id, told]);
    let before = memory.seen.note_first(key, note, now.after(window.life()), now);
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
