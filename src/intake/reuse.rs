//! Signatures and signed ids that have already arrived with another callback.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use crate::event::{Event, Identity};
use crate::memory::store::{SharedDomain, SharedValue, shared_key};
use crate::memory::{Domain, Memory};
use crate::provider::locator::Received;
use crate::template::{RequiredSignature, Reuse, Template};
use crate::time::Timestamp;
use crate::verdict::{Refusal, Reused, SharedProof};

/// Time for which gatepost remembers a signature that covers no time, or a signed id with such a
/// signature. A signature that covers no time never expires.
const UNTIMED_PROOF_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A signature or a signed id, and the data that arrived with it.
pub(super) struct ProofValues<'v> {
    reused: Reused,
    template: &'v Template,
    proof: RequiredSignature<'v>,
    received: &'v Received<'v>,
    /// Last part of the value: the body or the id; `None` if the signature does not cover the body.
    part: Option<&'v [u8]>,
    with: [&'v [u8]; 2],
}

/// Result of [`ProofValues::note`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sighting {
    /// The value has arrived for the first time.
    First,
    /// The value has arrived with the same data: the callback is a resend.
    Again,
    /// The value has arrived with other data.
    WithOtherData(Reused),
}

impl Sighting {
    pub(super) const fn reused(self) -> Option<Reused> {
        match self {
            Self::First | Self::Again => None,
            Self::WithOtherData(reused) => Some(reused),
        }
    }

    pub(super) fn is_first(self) -> bool {
        self == Self::First
    }
}

/// Returns true if gatepost refuses a callback because of a reused value.
pub(super) fn refuses(template: &Template, reused: Reused) -> bool {
    reused == Reused::Signature && template.proof.reuse == Reuse::Refuse
}

/// Returns the callback's value (signature or id) that must not arrive with other data; `None` if
/// the callback has no such value. The values and their data:
///
/// 1. a signature that covers a time, but not the body: all data of the callback;
/// 2. a signature that covers the body, but not the id of the callback: this id;
/// 3. a signed id: the data. If a resend may change fields, this rule does not apply.
///
/// A resend of the same callback does not count as reuse.
pub(super) fn proof_values<'v>(
    template: &'v Template,
    kind: Option<usize>,
    proof: RequiredSignature<'v>,
    event: &'v Event,
    received: &'v Received<'v>,
) -> Option<ProofValues<'v>> {
    let (plan, signature) = (&template.plan, proof.signature);
    let covers_body = signature.covers_body();
    let id = &plan.kind(kind).id;
    // If the id is a digest of all data, hashing the data again adds nothing.
    let is_digest = event.identity == Identity::Content && plan.id_without.is_empty();
    let data: &[u8] = if is_digest { &[] } else { event.data() };
    let event_id: &[u8] = if event.identity == Identity::New { &[] } else { event.local_id() };
    let (reused, with, part) = if !covers_body {
        proof.window?;
        (Reused::Signature, [event_id, data], None)
    } else if !id.iter().all(|id| signature.covers(id)) {
        (Reused::Signature, [event_id, &[]], Some(received.raw))
    } else if !id.is_empty() && plan.id_without.is_empty() {
        (Reused::Id, [&[][..], data], Some(event_id))
    } else {
        return None;
    };
    Some(ProofValues { reused, template, proof, received, part, with })
}

impl ProofValues<'_> {
    /// Stores a new value with a digest of its data. Leaves a known value unchanged.
    pub(super) fn note(&self, memory: &Memory, now: Timestamp) -> Sighting {
        let domain = if self.reused == Reused::Id { Domain::Id } else { Domain::Signed };
        let key = memory.fingerprint(domain, self.parts());
        let digest = memory.short_fingerprint(Domain::Callback, self.with);
        match memory.proofs.get_or_insert(key, digest, self.until(now), now) {
            None => Sighting::First,
            Some(earlier) if earlier == digest => Sighting::Again,
            Some(_) => Sighting::WithOtherData(self.reused),
        }
    }

    /// Returns the value for the state that machines share. `refusal` returns the refusal of a
    /// callback with a reused value; `None` if gatepost accepts the reuse.
    pub(super) fn to_share(
        &self,
        refusal: impl FnOnce(Reused) -> Option<Refusal>,
        now: Timestamp,
    ) -> SharedProof {
        let domain =
            if self.reused == Reused::Id { SharedDomain::Id } else { SharedDomain::Signature };
        let digest = shared_key(SharedDomain::Callback, self.with);
        let value = SharedValue { bytes: Bytes::copy_from_slice(&digest), until: self.until(now) };
        let key = shared_key(domain, self.parts());
        SharedProof { key, value, reused: self.reused, refusal: refusal(self.reused) }
    }

    fn parts(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let is_signature = self.reused == Reused::Signature;
        let covered = self.proof.signature.covered_values(self.received);
        let name = Cow::Borrowed(self.template.name().as_bytes());
        let covered = covered.filter(move |_| is_signature);
        [name].into_iter().chain(covered).chain(self.part.map(Cow::Borrowed))
    }

    fn until(&self, now: Timestamp) -> Timestamp {
        let lifetime = self.proof.window.map_or(UNTIMED_PROOF_LIFETIME, |window| window.lifetime());
        now.after(lifetime)
    }
}
