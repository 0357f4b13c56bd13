//! Checks that need the template: the signature, the kind, the method, the challenge and the types.

use std::sync::Arc;

use super::normalise::{EventIds, normalise};
use crate::event::{Event, EventSource};
use crate::printable::printable;
use crate::provider::Plan;
use crate::provider::challenge::Challenge;
use crate::provider::locator::Received;
use crate::provider::plan::KindFound;
use crate::provider::signature::SignatureError;
use crate::reply::Reply;
use crate::route::Route;
use crate::template::{RequiredSignature, Template};
use crate::time::Timestamp;
use crate::verdict::{RefusalCause, RefusalKind};

/// Result of [`judge`] for a callback that passes all checks of this function.
pub(super) struct Judgement<'t> {
    /// Index in `plan.kinds`; `None` for an unknown kind.
    pub(super) kind: Option<usize>,
    /// The callback's name for a kind that the provider does not define; `None` for a known kind.
    pub(super) unknown_kind: Option<String>,
    /// Rule of the valid signature; `None` if gatepost has verified no signature.
    pub(super) proof: Option<RequiredSignature<'t>>,
    /// Reply to a challenge; `None` for any other callback.
    pub(super) challenge: Option<Box<Reply>>,
    pub(super) event: Event,
}

/// Checks the signature, the kind, the method, the challenge and the fields.
pub(super) fn judge<'t>(
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
