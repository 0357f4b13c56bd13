//! The order of sessions. If the end of a session arrives after the start of the next session,
//! gatepost marks the event of the end as stale.

use crate::conclusion::{Conclusion, Origin};
use crate::memory::{Domain, Fingerprint, Session};
use crate::provider::SessionPart;
use crate::reply::Permission;
use crate::verdict::Accepted;

impl Accepted {
    /// Returns true if the callback ends an older session than the newest of its subject.
    pub(super) fn is_stale(&self) -> bool {
        self.ends_session()
            && (self.is_noted_stale()
                || self.session_subject().is_some_and(|subject| {
                    self.memory().sessions.is_stale(subject, self.session())
                }))
    }

    /// Returns true if the callback ends a session.
    pub(super) fn ends_session(&self) -> bool {
        self.is_part(SessionPart::End)
    }

    /// Returns true if the callback is a notification of the start of a session.
    pub(super) fn notifies_of_session(&self) -> bool {
        self.is_part(SessionPart::Start) && self.kind().decision.is_none()
    }

    /// Returns true if the conclusion permits a session to start.
    pub(super) fn permits_session(&self, conclusion: &Conclusion) -> bool {
        let is_allowed = match conclusion.permission() {
            Some(Permission::Allow) => true,
            Some(Permission::Deny) => false,
            // The reply is the app's own answer, which gatepost has not judged.
            None => matches!(conclusion.origin, Origin::App),
        };
        self.kind().decision.is_some() && is_allowed && self.is_part(SessionPart::Start)
    }

    /// Remembers a session whose start is a notification: the session has started, whatever the app
    /// answers.
    pub(super) fn note_notified_session(&self) {
        if self.notifies_of_session() {
            self.start_session();
        }
    }

    /// Remembers a session that the conclusion of a decision permits.
    pub(super) fn note_decided_session(&self, conclusion: &Conclusion) {
        if self.permits_session(conclusion) {
            self.start_session();
        }
    }

    /// Returns true if the callback is this part of a session whose end the app can receive: the
    /// app receives the events of at least one kind that ends sessions.
    fn is_part(&self, part: SessionPart) -> bool {
        let is_part = self.kind().session.as_ref().is_some_and(|rule| rule.part == part);
        let template = self.template();
        let is_asked = |end: &usize| template.delivery(Some(*end)).as_ask().is_some();
        is_part && template.plan.session_ends.iter().any(is_asked)
    }

    fn start_session(&self) {
        if let Some(subject) = self.session_subject() {
            self.memory().sessions.start(subject, self.session());
        }
    }

    pub(super) fn session(&self) -> Session {
        Session { id: self.session_id(), time: self.event().time() }
    }

    /// Returns a fingerprint of the source and the subject of the session; `None` if the event has
    /// no subject.
    pub(super) fn session_subject(&self) -> Option<Fingerprint> {
        let event = self.event();
        let parts = [event.source(), event.subject()?];
        Some(self.memory().fingerprint(Domain::Session, parts))
    }
}
