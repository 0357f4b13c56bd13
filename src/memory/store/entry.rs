//! The data of a store: events, claims, filters and sizes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::printable::print_only;
use crate::time::Timestamp;

/// The template and the kind of an event. They determine the app that receives the event.
///
/// ```
/// use gatepost::Lane;
///
/// let lane = Lane::new("prod-live", "push");
/// assert_eq!(lane.to_string(), "prod-live/push");
/// assert_eq!(Lane::parse("prod-live/push"), Some(lane));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    template: Arc<str>,
    kind: Arc<str>,
}

impl Lane {
    /// Creates a lane.
    #[must_use]
    pub fn new(template: impl Into<Arc<str>>, kind: impl Into<Arc<str>>) -> Self {
        Self { template: template.into(), kind: kind.into() }
    }

    /// Parses `TEMPLATE/KIND`. The name of a template contains no slash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split_once('/').map(|(template, kind)| Self::new(template, kind))
    }

    /// Returns the name of the template.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Returns the name of the kind, or `unknown`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.template, self.kind)
    }
}

/// An event in a store: the request to the app, without the address and before event signing.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Value of `ce-id`.
    pub id: Box<str>,
    /// Template and kind.
    pub lane: Lane,
    /// Value of `ce-source`, for example `/tencent-css/push.example.com`.
    pub source: Box<str>,
    /// Subject, for example `live/stream-1`. gatepost delivers events with the same source and
    /// subject in the order in which it queued them.
    pub subject: Option<Box<str>>,
    /// Time at which the callback arrived.
    pub received: Timestamp,
    /// Headers of the event, without `host`, `content-length` and the headers of event signing.
    pub headers: HeaderMap,
    /// Body of the event.
    pub body: Bytes,
}

// `Debug` omits the headers and the body, which may contain personal data and secrets.
print_only! { StoredEvent: id lane source subject received; }

impl StoredEvent {
    /// Returns the size of the event in a store, in bytes.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let texts = self.source.len() + self.subject.as_ref().map_or(0, |subject| subject.len());
        (Self::OVERHEAD + texts + headers.sum::<usize>() + self.body.len()) as u64
    }

    /// Size of an event without texts, headers and body, with its entries in the indexes.
    const OVERHEAD: usize = 512;
}

/// An event to append.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event.
    pub event: StoredEvent,
    /// Key that all resends of the callback share; `None` if the store accepts each resend.
    pub dedupe: Option<DedupeKey>,
}

/// A key that all resends of a callback share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DedupeKey {
    /// Digest that is the same on each machine.
    pub key: [u8; 16],
    /// Time until which the store remembers the key.
    pub until: Timestamp,
}

/// Result of [`Store::append`](super::Store::append).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The event is durable.
    Durable,
    /// The store already has the dedupe key, so it ignores the new event.
    Duplicate,
}

/// A lane with pending events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStatus {
    /// The lane.
    pub lane: Lane,
    /// Time at which the next event of the lane is due. An event that waits behind an earlier event
    /// of its source and subject does not count. A claimed event is due at the end of its claim.
    pub due: Timestamp,
}

/// The claim of an owner on an event. Until the claim ends, no other owner delivers the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Number of the event.
    pub number: u64,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Owner of the claim.
    pub owner: Box<str>,
}

/// A claimed event.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The claim.
    pub lease: Lease,
    /// The event.
    pub event: StoredEvent,
    /// Time at which gatepost appended the event, or an operator queued the event again.
    pub queued: Timestamp,
    /// True if an operator has queued the event again.
    pub is_replay: bool,
}

/// The result of a delivery attempt, which ends the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The app accepted the event.
    Delivered,
    /// The app did not accept the event. gatepost makes another attempt.
    Later {
        /// Time of the next attempt.
        at: Timestamp,
        /// Reason for the failure.
        reason: Box<str>,
    },
    /// The app did not accept the event, or the config has no address for it. gatepost makes no
    /// further attempt.
    Dead {
        /// Reason for the last failure.
        reason: Box<str>,
    },
}

/// State of a stored event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryState {
    /// The event waits for its delivery.
    Pending,
    /// The app accepted the event.
    Delivered,
    /// gatepost makes no further attempt. The event is a dead letter.
    Dead,
}

impl EntryState {
    /// All states. A pending event becomes delivered or dead.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// Returns the stable word: `pending`, `delivered` or `dead`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// Parses the stable word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A stored event without its headers and body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueEntry {
    /// Number of the event in the store. An event that gatepost queues later has a higher number.
    pub number: u64,
    /// Value of `ce-id`.
    pub id: Box<str>,
    /// Template and kind.
    pub lane: Lane,
    /// Value of `ce-source`.
    pub source: Box<str>,
    /// Subject of the event.
    pub subject: Option<Box<str>>,
    /// Time at which the callback arrived.
    pub received: Timestamp,
    /// State of the event.
    pub state: EntryState,
    /// Number of attempts to deliver the event.
    pub attempts: u32,
    /// Time of the next attempt, or of the end of the claim. Valid only for a pending event.
    pub due: Timestamp,
    /// True if a process has claimed the event.
    pub is_claimed: bool,
    /// Time at which the event became delivered or dead.
    pub ended: Option<Timestamp>,
    /// Reason for the last failure.
    pub reason: Option<Box<str>>,
    /// True if an operator has queued the event again.
    pub is_replay: bool,
    /// Size of the event in the store, in bytes.
    pub bytes: u64,
}

impl QueueEntry {
    /// Creates the entry of a new event.
    #[must_use]
    pub fn new(number: u64, event: &StoredEvent, now: Timestamp) -> Self {
        Self {
            number,
            id: event.id.clone(),
            lane: event.lane.clone(),
            source: event.source.clone(),
            subject: event.subject.clone(),
            received: event.received,
            state: EntryState::Pending,
            attempts: 0,
            due: now,
            is_claimed: false,
            ended: None,
            reason: None,
            is_replay: false,
            bytes: event.stored_bytes(),
        }
    }

    /// Returns true if the event waits for another attempt after a failed attempt.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.state == EntryState::Pending && self.reason.is_some()
    }
}

/// Conditions that select events of a store. The default selects all events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// Numbers of the events to select; empty to select events with any number.
    pub numbers: Vec<u64>,
    /// State of the events.
    pub state: Option<EntryState>,
    /// Name of the template.
    pub template: Option<Box<str>>,
    /// Name of the kind.
    pub kind: Option<Box<str>>,
    /// Value of `ce-id`.
    pub id: Option<Box<str>>,
    /// Subject of the events.
    pub subject: Option<Box<str>>,
    /// True to select only pending events whose last attempt failed.
    pub is_failing: bool,
    /// Time before which the callback arrived.
    pub received_before: Option<Timestamp>,
    /// Number of an event. The filter selects only events with a higher number.
    pub after: u64,
    /// Maximum number of events; `None` for all.
    pub limit: Option<usize>,
}

impl QueueFilter {
    /// Returns true if the filter selects the entry, without regard to `limit`.
    #[must_use]
    pub fn matches(&self, entry: &QueueEntry) -> bool {
        fn fits<T: PartialEq + ?Sized>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        (self.numbers.is_empty() || self.numbers.contains(&entry.number))
            && entry.number > self.after
            && fits(self.state.as_ref(), Some(&entry.state))
            && fits(self.template.as_deref(), Some(entry.lane.template()))
            && fits(self.kind.as_deref(), Some(entry.lane.kind()))
            && fits(self.id.as_deref(), Some(&*entry.id))
            && fits(self.subject.as_deref(), entry.subject.as_deref())
            && (!self.is_failing || entry.is_failing())
            && self.received_before.is_none_or(|before| entry.received < before)
    }
}

/// Count and total size of the events in one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateTotal {
    /// Number of events.
    pub count: u64,
    /// Size of the events in bytes.
    pub bytes: u64,
}

/// Count and total size of the events in a store, for each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Pending events.
    pub pending: StateTotal,
    /// Delivered events.
    pub delivered: StateTotal,
    /// Dead letters.
    pub dead: StateTotal,
    /// Time at which the callback of the oldest pending event arrived; `None` if no event is
    /// pending.
    pub oldest_pending: Option<Timestamp>,
}

impl StoreStatus {
    /// Returns the total of a state.
    #[must_use]
    pub const fn of(&self, state: EntryState) -> StateTotal {
        match state {
            EntryState::Pending => self.pending,
            EntryState::Delivered => self.delivered,
            EntryState::Dead => self.dead,
        }
    }

    /// Returns a mutable reference to the total of a state, with which a store changes the total.
    pub const fn of_mut(&mut self, state: EntryState) -> &mut StateTotal {
        match state {
            EntryState::Pending => &mut self.pending,
            EntryState::Delivered => &mut self.delivered,
            EntryState::Dead => &mut self.dead,
        }
    }

    /// Returns the age of the oldest pending event.
    #[must_use]
    pub fn oldest_age(&self, now: Timestamp) -> Option<Duration> {
        let millis = now.as_millis().saturating_sub(self.oldest_pending?.as_millis());
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
    }
}
