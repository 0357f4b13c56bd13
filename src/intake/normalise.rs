//! Converts a verified callback to an event.

use std::sync::Arc;

use crate::event::{Event, EventSource, event_id};
use crate::json::Name;
use crate::provider::Plan;
use crate::provider::field::Conversion;
use crate::provider::locator::{Locator, Received};
use crate::provider::pointer::Pointer;
use crate::provider::signature::Signature;
use crate::verdict::RefusalCause;

/// Converts a callback to an event.
///
/// `index` is the position of the kind in `plan.kinds`, or `None` if the kind is unknown. The
/// event's data omits the fields that belong to `signature`.
///
/// A misfit, which is a field that is missing or has the wrong type, does not refuse the callback
/// unless the field is essential. The event lists its misfits. It has no subject and no time if
/// gatepost would read them from a misfit, because the headers of an event must be reliable.
///
/// # Errors
///
/// Returns the cause of the refusal if an essential field is a misfit.
pub(super) fn normalise(
    plan: &Plan,
    index: Option<usize>,
    signature: Option<&Signature>,
    source: &Arc<EventSource>,
    received: &Received<'_>,
) -> Result<Event, RefusalCause> {
    let (kind, object) = (plan.kind(index), received.object);
    let mut data = Vec::with_capacity(TYPICAL_DATA_BYTES);
    let consumed = |name: &Name<'_>| signature.is_some_and(|signature| signature.consumes(name));
    let mut conversion = Conversion::of_callback();
    kind.fields.write_message(object, &mut conversion, consumed, &mut data)?;
    let mut misfits = conversion.noted;
    if object.is_absent {
        misfits.clear();
        data = received.raw.to_vec();
    }
    let is_misfit = |pointer: &Pointer| kind.fields.lists(&misfits, pointer);
    let time = kind.time.as_ref().and_then(|(from, unit)| {
        let (from, text) = from.iter().find_map(|from| Some((from, from.text(object)?)))?;
        unit.parse(&text).filter(|_| !is_misfit(from))
    });
    let subject = if kind.subject.iter().filter_map(Locator::pointer).any(is_misfit) {
        None
    } else {
        subject(&kind.subject, received)
    };
    let id_fields: Option<Vec<_>> = plan.id.iter().map(|locator| locator.text(received)).collect();
    let id = match id_fields.filter(|fields| !fields.is_empty()) {
        Some(fields) => event_id(source.as_str(), &kind.name, fields.join("/").as_bytes()),
        None if plan.id_without.is_empty() => event_id(source.as_str(), &kind.name, &data),
        None => {
            // A callback and its resend may differ in the fields of `id_without`, so the id must
            // not depend on these fields.
            let mut stable = Vec::with_capacity(data.len());
            let leave_out = |name: &Name<'_>| {
                consumed(name) || plan.id_without.iter().any(|left_out| left_out == name)
            };
            let mut conversion = Conversion::of_callback();
            kind.fields.write_message(object, &mut conversion, leave_out, &mut stable)?;
            event_id(source.as_str(), &kind.name, &stable)
        }
    };
    Ok(Event {
        id,
        source: Arc::clone(source),
        kind: Arc::clone(&kind.name),
        provider: Arc::clone(&plan.name),
        ce_type: kind.ce_type.clone(),
        subject,
        time,
        data: data.into(),
        misfits,
        is_raw: object.is_absent,
    })
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

/// Maximum length of a subject in bytes, because gatepost sends the subject as a header.
///
/// gatepost omits a longer subject. The values of the subject remain in the data.
const MAX_SUBJECT_BYTES: usize = 1024;

/// Initial capacity for an event's data, enough for most callbacks.
const TYPICAL_DATA_BYTES: usize = 1024;
