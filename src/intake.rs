//! One request in flight: bytes come in, a verdict goes out.
//!
//! The gate looks at the head first ([`Gate::admit`](crate::Gate::admit)); what passes is an
//! [`Intake`], which takes the body in chunks of any size and judges it when it is whole. It never
//! waits, reads no clock and knows no socket. The rules, in the order checked:
//!
//! 1. head: framing, upgrade, method, secret path segment, content encoding, announced length;
//! 2. body: its limit, as soon as it is passed;
//! 3. fields: encoding, syntax, no name twice, not too deep;
//! 4. tenant, and the template bound to it;
//! 5. signature, and the time that was signed;
//! 6. kind, and its fields' types.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

use crate::event::{Event, identity};
use crate::head::Head;
use crate::json::Object;
use crate::provider::Plan;
use crate::route::{Found, Route, Routes};
use crate::template::{Proof, Template, source};
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal, RefusalKind, RequestFault, printable};

/// The gate's first word on a request, from its head alone.
#[derive(Debug)]
pub enum Admission {
    /// A callback: give it the body.
    Callback(Intake),
    /// Nobody's path: pass it on, after [`strip_reserved`](crate::strip_reserved).
    Other,
    /// Refused already; the body need not be read.
    Refused(Refusal),
}

/// Checks what the head alone tells; gives the announced length.
pub(crate) fn check_head(
    head: &Head<'_>,
    route: &Route,
    token: Option<&str>,
) -> Result<usize, RequestFault> {
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
    match usize::try_from(length) {
        Ok(length) if length <= route.max_body_bytes => Ok(length),
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
    body: Body,
    announced: usize,
    content_type: Option<HeaderValue>,
}

enum Body {
    Empty,
    /// As it came, without a copy.
    One(Bytes),
    Many(BytesMut),
}

/// The body is nobody's to see before it is judged, and hardly anybody's after.
impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("route", &self.route().pattern).finish_non_exhaustive()
    }
}

impl Intake {
    pub(crate) fn new(
        routes: Arc<Routes>,
        route: Found,
        announced: usize,
        head: &Head<'_>,
    ) -> Self {
        let content_type = head.headers().get(CONTENT_TYPE).cloned();
        Self { routes, route, body: Body::Empty, announced, content_type }
    }

    fn route(&self) -> &Route {
        self.routes.at(self.route)
    }

    fn refuse(&self, fault: impl Into<RequestFault>) -> Refusal {
        Refusal::new(fault.into(), &self.route().pattern, &self.route().plan)
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
        let received = match &self.body {
            Body::Empty => 0,
            Body::One(bytes) => bytes.len(),
            Body::Many(bytes) => bytes.len(),
        };
        if chunk.len() > self.route().max_body_bytes.saturating_sub(received) {
            return Err(self.refuse(RefusalKind::BodyTooLarge));
        }
        self.body = match std::mem::replace(&mut self.body, Body::Empty) {
            Body::Empty => Body::One(chunk),
            Body::One(first) => {
                let received = first.len() + chunk.len();
                let room = self.announced.min(ROOM_ON_ANNOUNCEMENT).max(received);
                let mut bytes = BytesMut::with_capacity(room);
                bytes.extend_from_slice(&first);
                bytes.extend_from_slice(&chunk);
                Body::Many(bytes)
            }
            Body::Many(mut bytes) => {
                bytes.extend_from_slice(&chunk);
                Body::Many(bytes)
            }
        };
        Ok(())
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
        let raw = match std::mem::replace(&mut self.body, Body::Empty) {
            Body::Empty => return Err(self.refuse(RefusalKind::BodyMissing)),
            Body::One(bytes) if bytes.is_empty() => {
                return Err(self.refuse(RefusalKind::BodyMissing));
            }
            Body::One(bytes) => bytes,
            Body::Many(bytes) => bytes.freeze(),
        };
        let object = self.route().plan.read(&raw).map_err(|defect| self.refuse(defect))?;
        let tenant = tenant(&self.route().plan, &object).map_err(|kind| self.refuse(kind))?;
        let (template, source) = self
            .template(tenant.as_deref())
            .map_err(|kind| self.refuse(kind).of(tenant.as_deref(), None))?;
        let (kind, event) = judge(self.route(), template, &source, &object, now)
            .map_err(|fault| self.refuse(fault).of(tenant.as_deref(), Some(&template.name)))?;
        let template = Arc::clone(template);
        let unknown = match kind {
            Some(_) => None,
            None => self.route().plan.kind_from.text(&object).map(|kind| printable(&kind)),
        };
        drop(tenant);
        drop(object);
        Ok(Accepted::new(event, template, kind, raw, self.content_type, unknown))
    }

    /// The template that judges, and the event source.
    fn template(&self, tenant: Option<&str>) -> Result<(&Arc<Template>, Arc<str>), RefusalKind> {
        let route = self.route();
        let name = &route.plan.name;
        if let Some(template) = &route.template {
            return Ok((template, source(name, tenant)));
        }
        if let Some(binding) = tenant.and_then(|tenant| route.bindings.find(tenant)) {
            return Ok((&binding.template, Arc::clone(&binding.source)));
        }
        match (route.bindings.everyone_else(), tenant) {
            (Some(template), tenant) => Ok((template, source(name, tenant))),
            (None, Some(_)) => Err(RefusalKind::TenantUnknown),
            (None, None) => Err(RefusalKind::TenantMissing),
        }
    }
}

/// How much is allocated on the sender's word alone.
const ROOM_ON_ANNOUNCEMENT: usize = 64 * 1024;

/// A domain name is at most this long, and so is every other tenant.
const MAX_TENANT_BYTES: usize = 253;

/// Whose callback it is: the same, wherever the callback says it.
fn tenant<'o>(plan: &Plan, object: &'o Object<'_>) -> Result<Option<Cow<'o, str>>, RefusalKind> {
    let mut said = plan.tenant.iter().filter_map(|pointer| pointer.text(object));
    let mut said = said.by_ref().filter(|text| !text.is_empty()).map(|t| plan.tenant_case.fold(t));
    let first = said.next();
    if said.any(|other| Some(&other) != first.as_ref()) {
        return Err(RefusalKind::TenantAmbiguous);
    }
    match first {
        Some(tenant) if tenant.len() > MAX_TENANT_BYTES => Err(RefusalKind::TenantUnknown),
        tenant => Ok(tenant),
    }
}

/// Signature, kind and fields.
fn judge(
    route: &Route,
    template: &Template,
    source: &Arc<str>,
    object: &Object<'_>,
    now: Timestamp,
) -> Result<(Option<usize>, Event), RequestFault> {
    let plan = &route.plan;
    if let (Some(signature), Proof::Signed { keys, window }) = (&plan.signature, &template.proof) {
        signature.verify(object, keys, *window, now)?;
    }
    let kind = match route.kind {
        Some(kind) => Some(kind),
        None => {
            let written = plan.kind_from.text(object).ok_or(RefusalKind::KindMissing)?;
            plan.kind_written(&written)
        }
    };
    Ok((kind, normalise(plan, kind, source, object)?))
}

/// The callback as an event.
fn normalise(
    plan: &Plan,
    index: Option<usize>,
    source: &Arc<str>,
    object: &Object<'_>,
) -> Result<Event, RequestFault> {
    let kind = plan.kind(index);
    let mut data = Vec::with_capacity(TYPICAL_DATA);
    let consumed = |name: &str| plan.signature.as_ref().is_some_and(|s| s.consumes(name));
    kind.fields.write_event(object, consumed, &mut data)?;
    let time = kind.time.as_ref().and_then(|(from, unit)| {
        let text = from.iter().find_map(|pointer| pointer.text(object))?;
        unit.parse(&text)
    });
    let parts: Vec<_> = kind.subject.iter().filter_map(|p| p.text(object)).collect();
    let subject = Some(parts.join("/")).filter(|s| !s.is_empty() && s.len() <= MAX_SUBJECT_BYTES);
    Ok(Event {
        id: identity(source, &kind.name, &data),
        source: Arc::clone(source),
        kind: Arc::clone(&kind.name),
        provider: Arc::clone(&plan.name),
        ce_type: kind.ce_type.clone(),
        subject,
        time,
        data: data.into(),
    })
}

/// A subject is for a header; a longer one is left out, and stands in the data all the same.
const MAX_SUBJECT_BYTES: usize = 1024;

/// Holds most callbacks' data without growing.
const TYPICAL_DATA: usize = 1024;
