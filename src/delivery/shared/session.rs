//! The order of sessions in the shared state: gatepost adds a start to the sessions of its subject,
//! and looks for a newer session when a session ends.

use std::time::Duration;

use super::super::server::Runtime;
use super::carry::run;
use super::value::{self, StoredValue};
use crate::conclusion::{Conclusion, Origin};
use crate::memory::StartedSessions;
use crate::memory::store::{SharedDomain, SharedKey, SharedUse, SharedValue, shared_key};
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// Time for which the shared state keeps the sessions of a subject after the last start.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Maximum number of attempts to add a start while other machines add starts of the subject.
const ATTEMPTS: u32 = 4;

/// Carries out the step before the app receives the event. If a notification starts a session,
/// stores the start. Marks the end of a session as stale if the shared state has a newer session.
pub(super) async fn before(runtime: &impl Runtime, mut accepted: Accepted) -> Accepted {
    if accepted.notifies_of_session() {
        start(runtime, &accepted).await;
    } else if accepted.ends_session()
        && let Some(key) = accepted.shared_session_subject()
    {
        let of = SharedUse::Session;
        let found = run(runtime, &accepted, of, |state, now| state.get(key, now)).await.flatten();
        let found = found.and_then(|found| read(&found));
        if found.is_some_and(|started| started.is_newer_than(accepted.session())) {
            accepted.note_stale();
        }
    }
    accepted
}

/// Carries out the step after the conclusion. For a decision that starts a session, stores the
/// start if the conclusion permits the session.
pub(super) async fn after(runtime: &impl Runtime, accepted: &Accepted, conclusion: &Conclusion) {
    // The first copy of the callback has stored the start.
    let is_copy = matches!(conclusion.origin, Origin::Resend);
    if !is_copy && accepted.permits_session(conclusion) {
        start(runtime, accepted).await;
    }
}

async fn start(runtime: &impl Runtime, accepted: &Accepted) {
    let Some(key) = accepted.shared_session_subject() else { return };
    let Some(subject) = accepted.session_subject() else { return };
    let (session, of) = (accepted.session(), SharedUse::Session);
    let first = accepted.memory().sessions.after(subject, session);
    for _ in 0..ATTEMPTS {
        let inserted = run(runtime, accepted, of, |state, now| {
            state.insert(key, shared(&first, now.after(LIFETIME)), now)
        });
        let Some(Some(present)) = inserted.await else { return };
        let Some(started) = read(&present) else { return };
        let started = started.with(session);
        if value::sessions(&started) == present.bytes {
            return;
        }
        let replaced = run(runtime, accepted, of, |state, now| {
            state.replace(key, present.bytes, shared(&started, now.after(LIFETIME)), now)
        });
        if replaced.await != Some(false) {
            return;
        }
    }
    runtime.unshared(of, None);
}

fn shared(started: &StartedSessions, until: Timestamp) -> SharedValue {
    SharedValue { bytes: value::sessions(started), until }
}

/// Reads the sessions of a subject. Returns `None` for a value that this version cannot read as
/// sessions.
fn read(found: &SharedValue) -> Option<StartedSessions> {
    match value::read(found.bytes.clone(), None)? {
        StoredValue::Sessions(started) => Some(started),
        StoredValue::Acknowledgement
        | StoredValue::Budget(_)
        | StoredValue::Claim
        | StoredValue::LimitValues(_)
        | StoredValue::Reply(_) => None,
    }
}

impl Accepted {
    /// Returns the key of the source and the subject of the session; `None` if the event has no
    /// subject.
    fn shared_session_subject(&self) -> Option<SharedKey> {
        let event = self.event();
        Some(shared_key(SharedDomain::Session, [event.source(), event.subject()?]))
    }
}
