//! Checks of a complete body, from the fields to the reuse of the signature.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use super::Intake;
use super::judgement::{Judgement, judge};
use super::normalise::EventIds;
use super::reuse::{Sighting, proof_values, refuses};
use crate::event::Event;
use crate::json::{Object, Shape};
use crate::memory::Domain;
use crate::memory::store::{SharedDomain, shared_key};
use crate::provider::locator::{Locator, Received};
use crate::provider::plan::BodyFormat;
use crate::provider::{Kind, Plan};
use crate::reply::Reply;
use crate::template::Template;
use crate::time::Timestamp;
use crate::verdict::{Refusal, RefusalCause, RefusalKind, Reused, Sharing};

impl Intake {
    pub(super) fn accept(
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
pub(super) struct GenuineCallback {
    pub(super) event: Event,
    pub(super) template: Arc<Template>,
    pub(super) kind: Option<usize>,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) unknown_kind: Option<String>,
    pub(super) reused: Option<Reused>,
    /// `None` in shadow mode, or if the machine does not share its state with other machines.
    pub(super) sharing: Option<Box<Sharing>>,
    /// Reply to a challenge; `None` for any other callback.
    pub(super) challenge: Option<Box<Reply>>,
    pub(super) session_id: Option<u64>,
}

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
/// Most platforms do not sign this header, so a client can send a captured callback again with
/// another type, by which the app reads other fields than gatepost. Therefore, if the type names a
/// format in which gatepost has not read the body, the app receives the type of the format that
/// gatepost has read.
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

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}
