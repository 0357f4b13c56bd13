//! A store in memory: the reference for the other backends. Dropping the store deletes its events,
//! so no config selects this store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::{
    Appended, Claimed, DedupeKey, EntryState, InMemorySharedState, Lane, LaneStatus, Lease,
    NewEvent, QueueEntry, QueueFilter, Settlement, SharedKey, SharedState, SharedValue, Store,
    StoreError, StoreFuture, StoreStatus, StoredEvent, done,
};
use crate::printable::print_only;
use crate::time::Timestamp;

/// A store in memory, for tests and simulations.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use gatepost::{Appended, InMemoryStore, Lane, NewEvent, Store, StoredEvent, Timestamp};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gatepost::StoreError> {
/// let store = InMemoryStore::new(1024 * 1024, Duration::from_secs(60), Duration::from_secs(60));
/// let (lane, now) = (Lane::new("prod-live", "push"), Timestamp::from_secs(1_700_000_000));
/// let event = StoredEvent {
///     id: "1".into(),
///     lane: lane.clone(),
///     source: "/tencent-css/push.example.com".into(),
///     subject: Some("live/stream-1".into()),
///     received: now,
///     headers: Default::default(),
///     body: "{}".into(),
/// };
/// let appended = store.append(NewEvent { event, dedupe: None }, now).await?;
/// assert_eq!(appended, Appended::Durable);
///
/// let lease_end = Timestamp::from_secs(1_700_000_010);
/// let claimed = store.claim(&lane, "owner", 10, lease_end, now).await?;
/// assert_eq!(claimed[0].lease.attempt, 1);
/// assert!(store.claim(&lane, "other", 10, lease_end, now).await?.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct InMemoryStore {
    max_bytes: u64,
    delivered: Duration,
    dead: Duration,
    state: Mutex<StoredEvents>,
    pub(super) shared: InMemorySharedState,
}

print_only! { InMemoryStore: max_bytes; }

#[derive(Default)]
struct StoredEvents {
    last: u64,
    entries: BTreeMap<u64, Record>,
    /// Numbers of the pending events of each source and subject.
    lines: HashMap<Line, BTreeSet<u64>>,
    /// Numbers of the pending events without a subject.
    single: BTreeSet<u64>,
    /// Pending events by the arrival of their callbacks.
    by_arrival: BTreeSet<(Timestamp, u64)>,
    keys: HashMap<[u8; 16], Timestamp>,
    totals: StoreStatus,
}

/// The source and the subject of events that gatepost delivers in order.
type Line = (Box<str>, Box<str>);

struct Record {
    entry: QueueEntry,
    event: StoredEvent,
    owner: Option<Box<str>>,
    queued: Timestamp,
}

impl InMemoryStore {
    /// Creates an empty store. `max_bytes` is the maximum total size of its events. `delivered` and
    /// `dead` are the times for which the store keeps a delivered event and a dead letter.
    #[must_use]
    pub fn new(max_bytes: u64, delivered: Duration, dead: Duration) -> Self {
        let (state, shared) = Default::default();
        Self { max_bytes, delivered, dead, state, shared }
    }

    fn lock(&self) -> MutexGuard<'_, StoredEvents> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for InMemoryStore {
    fn append(&self, event: NewEvent, now: Timestamp) -> StoreFuture<'_, Appended> {
        done(self.lock().append(event, self.max_bytes, now))
    }

    fn lanes(&self) -> StoreFuture<'_, Vec<LaneStatus>> {
        done(Ok(self.lock().lanes()))
    }

    fn claim(
        &self,
        lane: &Lane,
        owner: &str,
        max: usize,
        lease_end: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<Claimed>> {
        let mut state = self.lock();
        let is_due = |head: &&QueueEntry| head.lane == *lane && head.due <= now;
        let mut due: Vec<_> = state.heads().filter(is_due).collect();
        due.sort_unstable_by_key(|head| (head.due, head.number));
        let numbers: Vec<_> = due.iter().take(max).map(|head| head.number).collect();
        let claim = |number| state.claim(number, owner, lease_end);
        done(Ok(numbers.into_iter().filter_map(claim).collect()))
    }

    fn expire(
        &self,
        lane: &Lane,
        queued_before: Timestamp,
        reason: &str,
        now: Timestamp,
    ) -> StoreFuture<'_, u64> {
        let mut state = self.lock();
        let is_over = |record: &&Record| {
            let entry = &record.entry;
            let is_free = !entry.is_claimed || entry.due <= now;
            entry.state == EntryState::Pending
                && entry.lane == *lane
                && is_free
                && record.queued < queued_before
        };
        let over = state.entries.values().filter(is_over);
        let over: Vec<_> = over.map(|record| record.entry.number).collect();
        over.iter().for_each(|number| state.end(*number, EntryState::Dead, Some(reason), now));
        done(Ok(over.len() as u64))
    }

    fn settle(&self, lease: &Lease, result: Settlement, now: Timestamp) -> StoreFuture<'_, bool> {
        done(Ok(self.lock().settle(lease, result, now)))
    }

    fn list(&self, filter: &QueueFilter) -> StoreFuture<'_, Vec<QueueEntry>> {
        let state = self.lock();
        done(Ok(state.matching(filter).cloned().collect()))
    }

    fn show(&self, number: u64) -> StoreFuture<'_, Option<(QueueEntry, StoredEvent)>> {
        let state = self.lock();
        let found = state.entries.get(&number);
        done(Ok(found.map(|record| (record.entry.clone(), record.event.clone()))))
    }

    fn replay(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        let mut state = self.lock();
        let all = QueueFilter { limit: None, ..filter.clone() };
        let ended = state.matching(&all).filter(|entry| entry.state != EntryState::Pending);
        let ended = ended.take(filter.limit.unwrap_or(usize::MAX));
        let numbers: Vec<_> = ended.map(|entry| entry.number).collect();
        let replayed = numbers.iter().filter_map(|number| state.take(*number));
        let replayed: Vec<_> = replayed.collect();
        let count = replayed.len() as u64;
        replayed.into_iter().for_each(|record| state.add(record.event, true, now));
        done(Ok(count))
    }

    fn remove(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        let mut state = self.lock();
        let all = QueueFilter { limit: None, ..filter.clone() };
        let free = state.matching(&all).filter(|entry| !entry.is_claimed || entry.due <= now);
        let free = free.take(filter.limit.unwrap_or(usize::MAX));
        let numbers: Vec<_> = free.map(|entry| entry.number).collect();
        let removed = numbers.into_iter().filter_map(|number| state.take(number)).count();
        done(Ok(removed as u64))
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        let mut state = self.lock();
        state.keys.retain(|_, until| *until > now);
        let is_over = |entry: &&QueueEntry| {
            let retention = match entry.state {
                EntryState::Pending => return false,
                EntryState::Delivered => self.delivered,
                EntryState::Dead => self.dead,
            };
            entry.ended.is_some_and(|ended| ended.after(retention) <= now)
        };
        let all = QueueFilter::default();
        let over: Vec<_> = state.matching(&all).filter(is_over).map(|entry| entry.number).collect();
        let removed = over.into_iter().filter_map(|number| state.take(number));
        done(Ok(removed.filter(|record| record.entry.state == EntryState::Dead).count() as u64))
    }

    fn status(&self) -> StoreFuture<'_, StoreStatus> {
        let state = self.lock();
        let oldest_pending = state.by_arrival.first().map(|(received, _)| *received);
        done(Ok(StoreStatus { oldest_pending, ..state.totals }))
    }
}

impl SharedState for InMemoryStore {
    fn insert(
        &self,
        key: SharedKey,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>> {
        self.shared.insert(key, value, now)
    }

    fn set(&self, key: SharedKey, value: SharedValue, now: Timestamp) -> StoreFuture<'_, ()> {
        self.shared.set(key, value, now)
    }

    fn get(&self, key: SharedKey, now: Timestamp) -> StoreFuture<'_, Option<SharedValue>> {
        self.shared.get(key, now)
    }

    fn replace(
        &self,
        key: SharedKey,
        old: Bytes,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, bool> {
        self.shared.replace(key, old, value, now)
    }

    fn remove(&self, key: SharedKey, bytes: Bytes) -> StoreFuture<'_, ()> {
        self.shared.remove(key, bytes)
    }
}

impl StoredEvents {
    fn append(
        &mut self,
        new: NewEvent,
        max_bytes: u64,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        if let Some(DedupeKey { key, .. }) = &new.dedupe
            && self.keys.get(key).is_some_and(|until| *until > now)
        {
            return Ok(Appended::Duplicate);
        }
        if !self.has_room(new.event.stored_bytes(), max_bytes) {
            return Err(StoreError::Full { max_bytes });
        }
        self.keys.extend(new.dedupe.map(|dedupe| (dedupe.key, dedupe.until)));
        self.add(new.event, false, now);
        Ok(Appended::Durable)
    }

    /// Removes the oldest delivered events until a new event of `bytes` bytes fits. Returns false
    /// if the event does not fit.
    fn has_room(&mut self, bytes: u64, max_bytes: u64) -> bool {
        let needed = |totals: &StoreStatus| {
            EntryState::ALL.iter().map(|state| totals.of(*state).bytes).sum::<u64>() + bytes
        };
        let all = QueueFilter { state: Some(EntryState::Delivered), ..QueueFilter::default() };
        while needed(&self.totals) > max_bytes {
            let oldest = self.matching(&all).min_by_key(|entry| entry.ended);
            let Some(number) = oldest.map(|entry| entry.number) else { return false };
            self.take(number);
        }
        true
    }

    fn add(&mut self, event: StoredEvent, is_replay: bool, now: Timestamp) {
        self.last += 1;
        let entry = QueueEntry { is_replay, ..QueueEntry::new(self.last, &event, now) };
        match line(&entry) {
            Some(line) => self.lines.entry(line).or_default().insert(self.last),
            None => self.single.insert(self.last),
        };
        self.by_arrival.insert((entry.received, entry.number));
        count(&mut self.totals, &entry, 1);
        let record = Record { entry, event, owner: None, queued: now };
        self.entries.insert(self.last, record);
    }

    fn take(&mut self, number: u64) -> Option<Record> {
        let record = self.entries.remove(&number)?;
        self.leave_line(&record.entry);
        count(&mut self.totals, &record.entry, -1);
        Some(record)
    }

    fn leave_line(&mut self, entry: &QueueEntry) {
        self.single.remove(&entry.number);
        self.by_arrival.remove(&(entry.received, entry.number));
        let Some(line) = line(entry) else { return };
        let Some(numbers) = self.lines.get_mut(&line) else { return };
        numbers.remove(&entry.number);
        if numbers.is_empty() {
            self.lines.remove(&line);
        }
    }

    fn matching<'s>(&'s self, filter: &'s QueueFilter) -> impl Iterator<Item = &'s QueueEntry> {
        let entries = self.entries.values().map(|record| &record.entry);
        entries.filter(|entry| filter.matches(entry)).take(filter.limit.unwrap_or(usize::MAX))
    }

    fn heads(&self) -> impl Iterator<Item = &QueueEntry> {
        let first = self.lines.values().filter_map(|numbers| numbers.first());
        let numbers = first.chain(&self.single);
        numbers.filter_map(|number| self.entries.get(number)).map(|record| &record.entry)
    }

    fn lanes(&self) -> Vec<LaneStatus> {
        let mut lanes = BTreeMap::<Lane, Timestamp>::new();
        for head in self.heads() {
            let due = lanes.entry(head.lane.clone()).or_insert(head.due);
            *due = head.due.min(*due);
        }
        lanes.into_iter().map(|(lane, due)| LaneStatus { lane, due }).collect()
    }

    fn claim(&mut self, number: u64, owner: &str, lease_end: Timestamp) -> Option<Claimed> {
        let record = self.entries.get_mut(&number)?;
        let entry = &mut record.entry;
        entry.attempts += 1;
        (entry.due, entry.is_claimed) = (lease_end, true);
        record.owner = Some(owner.into());
        let lease = Lease { number, attempt: entry.attempts, owner: owner.into() };
        let (event, is_replay) = (record.event.clone(), entry.is_replay);
        Some(Claimed { lease, event, queued: record.queued, is_replay })
    }

    fn settle(&mut self, lease: &Lease, result: Settlement, now: Timestamp) -> bool {
        let Some(record) = self.entries.get_mut(&lease.number) else { return false };
        let holds = record.owner.as_ref() == Some(&lease.owner)
            && record.entry.attempts == lease.attempt
            && record.entry.state == EntryState::Pending;
        if !holds {
            return false;
        }
        record.owner = None;
        record.entry.is_claimed = false;
        match result {
            Settlement::Later { at, reason } => {
                (record.entry.due, record.entry.reason) = (at, Some(reason));
            }
            Settlement::Delivered => self.end(lease.number, EntryState::Delivered, None, now),
            Settlement::Dead { reason } => {
                self.end(lease.number, EntryState::Dead, Some(&reason), now);
            }
        }
        true
    }

    /// Turns a pending event into a delivered event or a dead letter.
    fn end(&mut self, number: u64, state: EntryState, reason: Option<&str>, now: Timestamp) {
        let Some(record) = self.entries.get_mut(&number) else { return };
        record.owner = None;
        let entry = &mut record.entry;
        count(&mut self.totals, entry, -1);
        (entry.state, entry.ended, entry.is_claimed) = (state, Some(now), false);
        entry.reason = reason.map(Into::into).or(entry.reason.take());
        let entry = entry.clone();
        count(&mut self.totals, &entry, 1);
        self.leave_line(&QueueEntry { state: EntryState::Pending, ..entry });
    }
}

/// Returns the line of a pending event; `None` for any other event, and for an event without a
/// subject.
fn line(entry: &QueueEntry) -> Option<Line> {
    if entry.state != EntryState::Pending {
        return None;
    }
    entry.subject.clone().map(|subject| (entry.source.clone(), subject))
}

fn count(totals: &mut StoreStatus, entry: &QueueEntry, by: i64) {
    let total = totals.of_mut(entry.state);
    total.count = total.count.saturating_add_signed(by);
    let bytes = i64::try_from(entry.bytes).unwrap_or(i64::MAX);
    total.bytes = total.bytes.saturating_add_signed(by * bytes);
}
