//! From a callback that was proven genuine to its event.

use std::sync::Arc;

use crate::event::{Event, EventSource, identity};
use crate::json::Name;
use crate::provider::Plan;
use crate::provider::field::SentBy;
use crate::provider::locator::{Locator, Received};
use crate::provider::signature::Signature;
use crate::verdict::RefusalCause;

/// The callback as an event.
pub(super) fn normalise(
    plan: &Plan,
    index: Option<usize>,
    signature: Option<&Signature>,
    source: &Arc<EventSource>,
    received: &Received<'_>,
) -> Result<Event, RefusalCause> {
    let (kind, object) = (plan.kind(index), received.object);
    let mut data = Vec::with_capacity(TYPICAL_DATA);
    let consumed = |name: &Name<'_>| signature.is_some_and(|signature| signature.consumes(name));
    kind.fields.write_object(object, SentBy::Platform, consumed, &mut data)?;
    let time = kind.time.as_ref().and_then(|(from, unit)| {
        let text = from.iter().find_map(|pointer| pointer.text(object))?;
        unit.parse(&text)
    });
    let named: Option<Vec<_>> = plan.id.iter().map(|locator| locator.text(received)).collect();
    let id = match named.filter(|named| !named.is_empty()) {
        Some(named) => identity(source.as_str(), &kind.name, named.join("/").as_bytes()),
        None if plan.id_without.is_empty() => identity(source.as_str(), &kind.name, &data),
        None => {
            let mut said = Vec::with_capacity(data.len());
            let leave_out =
                |name: &Name<'_>| consumed(name) || plan.id_without.iter().any(|own| own == name);
            kind.fields.write_object(object, SentBy::Platform, leave_out, &mut said)?;
            identity(source.as_str(), &kind.name, &said)
        }
    };
    Ok(Event {
        id,
        source: Arc::clone(source),
        kind: Arc::clone(&kind.name),
        provider: Arc::clone(&plan.name),
        ce_type: kind.ce_type.clone(),
        subject: subject(&kind.subject, received),
        time,
        data: data.into(),
    })
}

/// What an event is about: the parts that there are.
fn subject(parts: &[Locator], received: &Received<'_>) -> Option<String> {
    const TYPICAL_PART: usize = 24;
    let mut subject = String::with_capacity(parts.len() * TYPICAL_PART);
    for part in parts.iter().filter_map(|part| part.text(received)) {
        if !subject.is_empty() && !part.is_empty() {
            subject.push('/');
        }
        subject.push_str(&part);
    }
    (1..=MAX_SUBJECT_BYTES).contains(&subject.len()).then_some(subject)
}

/// A subject is for a header; a longer one is left out, and stands in the data all the same.
const MAX_SUBJECT_BYTES: usize = 1024;

/// Holds most callbacks' data without growing.
const TYPICAL_DATA: usize = 1024;
