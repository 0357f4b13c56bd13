//! Converts a verified callback to an event.

use std::sync::Arc;

use bytes::Bytes;

use crate::event::{Event, EventId, EventSource, Identity, event_id, new_event_id};
use crate::json::{Name, Object};
use crate::memory::{Domain, Memory};
use crate::provider::field::{Conversion, FieldError};
use crate::provider::locator::{Locator, Received};
use crate::provider::pointer::Pointer;
use crate::provider::signature::Signature;
use crate::provider::{Kind, Plan};
use crate::time::Timestamp;
use crate::verdict::RefusalCause;

/// Inputs for the id of an event, in addition to the callback.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventIds<'m> {
    pub(super) memory: &'m Memory,
    /// True if an id that is a digest of all data stays empty until the first use of the id.
    pub(super) are_deferred: bool,
}

/// Converts a callback to an event.
///
/// `index` is the position of the kind in `plan.kinds`, or `None` if the kind is unknown. The
/// event's data omits the fields that belong to `signature`. If `keeps_proof` is true, the app
/// receives these fields too. The id of the event does not depend on them.
///
/// A misfit is a field that is missing or has the wrong type. If no essential field is a misfit,
/// the event lists the misfits. If a misfit is the source of the subject or the time, the event
/// omits this value, because the headers of an event must be reliable.
///
/// # Errors
///
/// Returns the cause of the refusal for a misfit in an essential field, or for a missing value that
/// identifies the callback.
pub(super) fn normalise(
    plan: &Plan,
    index: Option<usize>,
    (signature, keeps_proof): (Option<&Signature>, bool),
    source: &Arc<EventSource>,
    received: &Received<'_>,
    ids: EventIds<'_>,
) -> Result<Event, RefusalCause> {
    let (kind, object) = (plan.kind(index), received.object);
    let mut data = Vec::with_capacity(TYPICAL_DATA_BYTES);
    let consumed = |name: &Name<'_>| signature.is_some_and(|signature| signature.consumes(name));
    let mut conversion = Conversion::of_callback();
    kind.fields.write_message(object, &mut conversion, consumed, &mut data)?;
    let mut misfits = conversion.noted;
    let data_with_proof = (keeps_proof && !object.is_absent).then(|| with_proof(kind, object));
    if object.is_absent {
        misfits.clear();
        data = received.raw.to_vec();
    }
    let is_misfit = |pointer: &Pointer| kind.fields.lists(&misfits, pointer);
    let time = kind.time.as_ref().and_then(|(from, unit)| {
        let (from, text) = from.iter().find_map(|from| Some((from, from.text(object)?)))?;
        unit.parse(&text).filter(|_| !is_misfit(from))
    });
    let subject = if kind.subject.iter().flat_map(Locator::pointers).any(is_misfit) {
        None
    } else {
        subject(&kind.subject, received)
    };
    let (identity, id) = match identity(kind, time, received) {
        Identity::Declared => {
            let declared = declared_identity(kind, received)?;
            let id = event_id(source.as_str(), &kind.name, declared.as_bytes());
            (Identity::Declared, EventId::Known(id))
        }
        Identity::Content if plan.id_without.is_empty() && ids.are_deferred => {
            let parts = [source.as_str().as_bytes(), kind.name.as_bytes(), &data];
            let local_key = ids.memory.fingerprint(Domain::Content, parts).to_ne_bytes();
            (Identity::Content, EventId::deferred(local_key))
        }
        Identity::Content if plan.id_without.is_empty() => {
            (Identity::Content, EventId::Known(event_id(source.as_str(), &kind.name, &data)))
        }
        Identity::Content => {
            // A callback and its resend may differ in the fields of `id_without`, so the id must
            // not depend on these fields.
            let mut stable = Vec::with_capacity(data.len());
            let leave_out = |name: &Name<'_>| {
                consumed(name) || plan.id_without.iter().any(|left_out| left_out == name)
            };
            let mut conversion = Conversion::of_callback();
            kind.fields.write_message(object, &mut conversion, leave_out, &mut stable)?;
            (Identity::Content, EventId::Known(event_id(source.as_str(), &kind.name, &stable)))
        }
        Identity::New => (Identity::New, EventId::Known(new_event_id(ids.memory.new_id()))),
    };
    Ok(Event {
        id,
        identity,
        source: Arc::clone(source),
        kind: Arc::clone(&kind.name),
        provider: Arc::clone(&plan.name),
        ce_type: kind.ce_type.clone(),
        subject,
        time,
        data: data.into(),
        data_with_proof: data_with_proof.transpose()?,
        misfits,
        is_raw: object.is_absent,
    })
}

/// Returns the data, including the fields that belong to the signature.
#[cold]
fn with_proof(kind: &Kind, object: &Object<'_>) -> Result<Bytes, FieldError> {
    let mut data = Vec::with_capacity(TYPICAL_DATA_BYTES);
    kind.fields.write_message(object, &mut Conversion::of_callback(), |_| false, &mut data)?;
    Ok(data.into())
}

/// Determines the origin of the event's id.
fn identity(kind: &Kind, time: Option<Timestamp>, received: &Received<'_>) -> Identity {
    if !kind.id.is_empty() {
        return Identity::Declared;
    }
    // Some platforms write 0 for an unset time.
    let has_time = time.is_some_and(|time| time.as_millis() != 0);
    let has_text = |pointer: &Pointer| {
        pointer.text(received.object).is_some_and(|text| !text.trim().is_empty())
    };
    if has_time || kind.sequence.iter().any(has_text) { Identity::Content } else { Identity::New }
}

/// Returns the values that the definition names in `id`, separated by zero bytes.
///
/// # Errors
///
/// Returns an error if a value is missing or empty.
fn declared_identity(kind: &Kind, received: &Received<'_>) -> Result<String, FieldError> {
    let mut identity = String::new();
    for (index, locator) in kind.id.iter().enumerate() {
        let value = locator.text(received).filter(|value| !value.trim().is_empty());
        let missing = || FieldError::Missing { field: locator.to_string().into() };
        if index > 0 {
            identity.push('\0');
        }
        identity.push_str(&value.ok_or_else(missing)?);
    }
    Ok(identity)
}

/// Returns the subject of an event: the non-empty values at `parts`, joined with `/`.
///
/// Returns `None` if the subject is empty or longer than [`MAX_SUBJECT_BYTES`].
fn subject(parts: &[Locator], received: &Received<'_>) -> Option<String> {
    const TYPICAL_PART_BYTES: usize = 24;
    let mut subject = String::with_capacity(parts.len() * TYPICAL_PART_BYTES);
    for part in parts.iter().filter_map(|part| part.text(received)) {
        if !subject.is_empty() && !part.is_empty() {
            subject.push('/');
        }
        subject.push_str(&part);
    }
    (1..=MAX_SUBJECT_BYTES).contains(&subject.len()).then_some(subject)
}

/// Maximum length of a subject in bytes.
///
/// gatepost sends the subject in a header. If the subject is longer, the event has no subject. The
/// values of the subject remain in the data.
const MAX_SUBJECT_BYTES: usize = 1024;

/// Initial capacity for an event's data, enough for most callbacks.
const TYPICAL_DATA_BYTES: usize = 1024;
