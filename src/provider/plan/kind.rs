//! The compiled kinds of a platform's callbacks.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};

use crate::json::{Object, Value};
use crate::provider::challenge::Challenge;
use crate::provider::common::CommonRule;
use crate::provider::decision::Decision;
use crate::provider::field::Fields;
use crate::provider::locator::Locator;
use crate::provider::pointer::Pointer;
use crate::provider::signature::Signature;
use crate::reply::Reply;
use crate::time::Unit;

/// A compiled kind of callbacks.
pub(crate) struct Kind {
    pub(crate) name: Arc<str>,
    /// The CloudEvents type of events of this kind.
    pub(crate) ce_type: HeaderValue,
    /// The platform's own name of the kind.
    pub(crate) title: Option<Box<str>>,
    /// The meaning of callbacks of this kind, for documentation.
    pub(crate) about: Option<Box<str>>,
    /// The documentation URL of this kind; `None` means the URL of the plan.
    pub(crate) docs: Option<Box<str>>,
    /// The group whose address gatepost uses if the config sets no address for the kind.
    pub(crate) group: Option<Box<str>>,
    /// The only method of callbacks of this kind; `None` if each method of the plan is valid.
    pub(crate) method: Option<Method>,
    /// Pointers to values that must be present in a callback of this kind. The values distinguish
    /// kinds for which the platform uses the same name.
    pub(crate) when: Vec<Pointer>,
    /// The signature rule of this kind; `None` means the rule of the plan.
    pub(crate) signature: Option<Signature>,
    /// The locators of the texts that together form the event's subject.
    pub(crate) subject: Vec<Locator>,
    /// The pointers to the event's time, and the unit of that time. gatepost uses the first pointer
    /// whose value is present.
    pub(crate) time: Option<(Vec<Pointer>, Unit)>,
    pub(crate) fields: Fields,
    /// The rules for the reply to a decision; `None` for any other kind.
    pub(crate) decision: Option<Decision>,
    /// The rule for the reply to a challenge; `None` for any other kind. The app does not receive a
    /// challenge.
    pub(crate) challenge: Option<Challenge>,
    /// The rule for the common event of this kind: an event in the same form for every platform.
    /// `None` if the kind has no common event.
    pub(crate) common: Option<CommonRule>,
    /// True if the platform does not sign callbacks of this kind, although the plan has a signature
    /// rule.
    pub(crate) is_unsigned: bool,
    /// The reply to a notification of this kind; `None` means the reply of the plan.
    pub(crate) ack: Option<Reply>,
    /// A sample body without a signature: a JSON object, or any text if the platform sends raw
    /// bodies.
    pub(crate) sample: Option<Box<str>>,
    pub(crate) times: Times,
    /// The locators of the values that identify an event. Without a locator, data with a time or
    /// with a value of `sequence` identifies the event.
    pub(crate) id: Vec<Locator>,
    /// Pointers to values that differ between two events with otherwise equal data, such as a
    /// counter. gatepost uses the first pointer whose value is present.
    pub(crate) sequence: Vec<Pointer>,
    pub(crate) viewer: ViewerKey,
    /// The rule for a kind that starts or ends a session; `None` for any other kind.
    pub(crate) session: Option<SessionRule>,
}

impl Kind {
    /// Returns `true` if the callbacks of this kind can have an identity, by which gatepost
    /// recognizes a resend.
    pub(crate) const fn can_identify(&self) -> bool {
        !self.id.is_empty() || self.time.is_some() || !self.sequence.is_empty()
    }

    /// Marks as essential the fields on which a decision, or the identity of a callback, depends.
    ///
    /// A decision depends on the viewer, the subject and the tenant, with its application. It also
    /// depends on the fields that identify an item, and on the fields that determine the contents
    /// of the reply.
    pub(crate) fn mark_essential<'l>(&mut self, tenant: impl Iterator<Item = &'l Locator>) {
        let Self { fields, decision, subject, viewer, id, .. } = self;
        let mut mark = |pointer: &Pointer| fields.mark_essential(pointer.segments());
        id.iter().flat_map(Locator::pointers).for_each(&mut mark);
        let Some(decision) = decision else { return };
        tenant.flat_map(Locator::pointers).for_each(&mut mark);
        subject.iter().flat_map(Locator::pointers).for_each(&mut mark);
        viewer.0.iter().for_each(&mut mark);
        let list = decision.item_list.as_ref().map(|items| &*items.list);
        for name in decision.callback_fields() {
            fields.mark_essential(list.into_iter().chain([name]));
        }
    }
}

/// The rule for a kind that starts or ends a session of its subject.
#[derive(Clone, Debug)]
pub(crate) struct SessionRule {
    pub(crate) part: SessionPart,
    /// The locators of the values that identify the session. The values are equal at its start and
    /// its end. If the list is empty, the times of the events order the sessions.
    pub(crate) id: Vec<Locator>,
}

/// Start or end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionPart {
    End,
    Start,
}

impl SessionPart {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("end", Self::End), ("start", Self::Start)];
}

/// The time limits of a callback. A template can replace these limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The time limit for the app's answer.
    pub(crate) timeout: Duration,
    /// The time that the platform waits, from the start of the callback to the end of the reply.
    pub(crate) budget: Duration,
}

/// Pointers to the values that identify a viewer and the video that the viewer watches.
///
/// The first pointer identifies the viewer. The list is empty for a kind without a viewer.
#[derive(Clone, Debug, Default)]
pub(crate) struct ViewerKey(pub(crate) Vec<Pointer>);

impl ViewerKey {
    /// Reads the values from an event's data; `None` if the first value is missing, `null` or
    /// empty.
    pub(crate) fn read(&self, data: &[u8]) -> Option<Vec<String>> {
        let object = Object::from_json(std::str::from_utf8(data).ok()?).ok()?;
        let text = |pointer: &Pointer| match pointer.find(&object) {
            Some(Value::Json(json)) => json.text.to_owned(),
            Some(Value::Text(text)) => text.into_owned(),
            None => String::new(),
        };
        let parts: Vec<_> = self.0.iter().map(text).collect();
        let has_value = |first: &String| !matches!(first.as_str(), "" | "null" | "\"\"");
        parts.first().is_some_and(has_value).then_some(parts)
    }
}
