//! The newest sessions of each subject. gatepost compares the end of a session with them, because
//! the end may arrive late.
//!
//! 1. The newest start is the start with the latest time. Of two starts with the same time, the
//!    start that arrived later is newer. If one of two starts has no time, the start that arrived
//!    later is newer. A start with a known id changes nothing, because it may be a resend.
//! 2. If a newer session has started, the end of the older session is stale. gatepost compares the
//!    ids. If the end has no id, or an unknown id, gatepost compares the times.
//! 3. gatepost remembers at most [`SUBJECTS`] subjects, each with [`OLDER`] sessions before the
//!    newest.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use quick_cache::sync::Cache;

use super::Fingerprint;
use crate::time::Timestamp;

/// Maximum number of subjects. The full table takes about 1.5 MiB.
const SUBJECTS: usize = 16_384;

/// Number of sessions that gatepost remembers for each subject, in addition to the newest session.
pub(crate) const OLDER: usize = 3;

/// A session of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Digest of the platform's id; `None` if the platform sends no id.
    pub(crate) id: Option<u64>,
    /// Time of the start or of the end; `None` if the platform sends no time.
    pub(crate) time: Option<Timestamp>,
}

/// The sessions that have started for one subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartedSessions {
    pub(crate) newest: Session,
    /// Ids of the sessions before the newest, the last added first.
    pub(crate) older: [Option<u64>; OLDER],
}

/// Sessions by subject. gatepost allocates the table when the first session starts.
#[derive(Default)]
pub(crate) struct Sessions {
    started: OnceLock<Cache<Fingerprint, StartedSessions>>,
    /// Lock that permits one change at a time.
    changes: Mutex<()>,
}

impl Sessions {
    /// Remembers a start.
    pub(crate) fn start(&self, subject: Fingerprint, session: Session) {
        let started = self.started.get_or_init(|| Cache::new(SUBJECTS));
        let _ordered = self.lock();
        started.insert(subject, self.after(subject, session));
    }

    /// Returns the sessions of the subject after a start, without remembering the start.
    pub(crate) fn after(&self, subject: Fingerprint, session: Session) -> StartedSessions {
        let known = self.started.get().and_then(|started| started.get(&subject));
        let first = StartedSessions { newest: session, older: [None; OLDER] };
        known.map_or(first, |known| known.with(session))
    }

    /// Returns true if a session of the subject that is newer than the ended session has started.
    pub(crate) fn is_stale(&self, subject: Fingerprint, end: Session) -> bool {
        let started = self.started.get().and_then(|started| started.get(&subject));
        started.is_some_and(|started| started.is_newer_than(end))
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StartedSessions {
    /// Returns the sessions after another start.
    pub(crate) fn with(mut self, session: Session) -> Self {
        let is_known = session.id.is_some()
            && (session.id == self.newest.id || self.older.contains(&session.id));
        if is_known {
            return self;
        }
        let is_late = is_before(session.time, self.newest.time);
        let (newest, older) = if is_late { (self.newest, session) } else { (session, self.newest) };
        self.newest = newest;
        self.older.rotate_right(1);
        if let Some(last) = self.older.first_mut() {
            *last = older.id;
        }
        self
    }

    /// Returns true if a session that is newer than the ended session has started.
    pub(crate) fn is_newer_than(&self, end: Session) -> bool {
        match end.id {
            Some(_) if end.id == self.newest.id => false,
            Some(_) if self.older.contains(&end.id) => true,
            Some(_) | None => is_before(end.time, self.newest.time),
        }
    }
}

fn is_before(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: u64, secs: i64) -> Session {
        Session { id: (id > 0).then_some(id), time: Some(Timestamp::from_secs(secs)) }
    }

    fn after(starts: &[Session]) -> Sessions {
        let sessions = Sessions::default();
        starts.iter().for_each(|start| sessions.start(1, *start));
        sessions
    }

    #[test]
    fn end_of_an_older_session_is_stale() {
        let sessions = after(&[session(1, 10), session(2, 20)]);
        assert!(sessions.is_stale(1, session(1, 25)), "expected a stale end, found a current end");
        assert!(!sessions.is_stale(1, session(2, 25)));
        assert!(
            !sessions.is_stale(2, session(1, 25)),
            "expected a current end of another subject, found a stale end"
        );
    }

    #[test]
    fn start_that_arrives_late_or_again_is_not_the_newest() {
        let late = after(&[session(2, 20), session(1, 10)]);
        let again = after(&[session(1, 10), session(2, 10), session(1, 10)]);
        for sessions in [late, again] {
            assert!(sessions.is_stale(1, session(1, 30)));
            assert!(!sessions.is_stale(1, session(2, 30)));
        }
    }

    #[test]
    fn compares_times_if_id_is_unknown() {
        let sessions = after(&[session(5, 20)]);
        assert!(
            sessions.is_stale(1, session(4, 19)),
            "expected a stale end before the start, found a current end"
        );
        assert!(
            !sessions.is_stale(1, session(6, 21)),
            "expected a current end after the start, found a stale end"
        );
        let sessions = after(&[session(0, 20)]);
        assert!(sessions.is_stale(1, session(0, 19)));
        assert!(!sessions.is_stale(1, session(0, 20)) && !sessions.is_stale(1, session(0, 21)));
        let unknown = Session { id: None, time: None };
        assert!(!sessions.is_stale(1, unknown));
    }

    #[test]
    fn remembers_four_sessions_of_a_subject() {
        let starts: Vec<_> = (1..=5).map(|id| session(id, 10)).collect();
        let sessions = after(&starts);
        assert!((2..=4).all(|id| sessions.is_stale(1, session(id, 10))));
        assert!(!sessions.is_stale(1, session(1, 10)));
    }
}
