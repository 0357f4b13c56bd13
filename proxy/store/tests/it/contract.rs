//! The contract of [`Store`]: one suite of tests that runs against each backend.
//!
//! A line consists of the events with the same source and subject. The head of a line is its
//! pending event with the lowest number.

use std::time::Duration;

use gatepost::{
    Appended, Claimed, DedupeKey, EntryState, InMemoryStore, Lane, NewEvent, QueueFilter,
    Settlement, Store, StoreError, StoredEvent, Timestamp,
};
use gatepost_store::StoreRules;
use http::{HeaderMap, HeaderValue};

pub(crate) const T: fn(i64) -> Timestamp = Timestamp::from_secs;

/// Retention of delivered events; the retention of dead letters is ten times as long.
const RETENTION: Duration = Duration::from_secs(100);

pub(crate) fn rules(max_bytes: u64) -> StoreRules {
    StoreRules { max_bytes, delivered: RETENTION, dead: 10 * RETENTION }
}

pub(crate) fn event(id: &str, kind: &str, subject: Option<&str>) -> StoredEvent {
    let mut headers = HeaderMap::new();
    headers.append("ce-id", id.parse().unwrap());
    headers.append("x-twice", "1".parse().unwrap());
    headers.append("x-twice", HeaderValue::from_bytes(b"\xff").unwrap());
    StoredEvent {
        id: id.into(),
        lane: Lane::new("live", kind),
        source: "/tencent-css/push.example.com".into(),
        subject: subject.map(Into::into),
        received: T(1),
        headers,
        body: format!("{{\"id\":\"{id}\"}}").into(),
    }
}

pub(crate) async fn append(store: &dyn Store, event: StoredEvent, now: i64) {
    let appended = store.append(NewEvent { event, dedupe: None }, T(now)).await;
    assert_eq!(appended, Ok(Appended::Durable));
}

async fn claim(store: &dyn Store, kind: &str, owner: &str, now: i64) -> Vec<Claimed> {
    store.claim(&Lane::new("live", kind), owner, 10, T(now + 10), T(now)).await.unwrap()
}

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| &*claimed.event.id).collect()
}

async fn deliver(store: &dyn Store, claimed: &Claimed, now: i64) -> bool {
    store.settle(&claimed.lease, Settlement::Delivered, T(now)).await.unwrap()
}

fn later(at: i64) -> Settlement {
    Settlement::Later { at: T(at), reason: "app_status".into() }
}

fn in_state(state: EntryState) -> QueueFilter {
    QueueFilter { state: Some(state), ..QueueFilter::default() }
}

async fn returns_the_event_unchanged(store: &dyn Store) {
    let (first, second) = (event("1", "push", Some("live/s")), event("2", "push", None));
    append(store, first.clone(), 1).await;
    append(store, second.clone(), 2).await;
    let claimed = claim(store, "push", "a", 5).await;
    assert_eq!(claimed[0].event, first);
    assert_eq!(claimed[1].event, second);
    assert_eq!((claimed[0].lease.attempt, claimed[0].queued), (1, T(1)));
    let (entry, shown) = store.show(claimed[0].lease.number).await.unwrap().unwrap();
    assert_eq!(shown, first);
    assert_eq!((entry.state, entry.attempts, entry.is_claimed), (EntryState::Pending, 1, true));
    assert!(store.show(999).await.unwrap().is_none());
}

async fn claims_only_the_head_of_a_line(store: &dyn Store) {
    for (id, kind, subject) in
        [("1", "push", "a"), ("2", "end", "a"), ("3", "push", "b"), ("4", "push", "a")]
    {
        append(store, event(id, kind, Some(subject)), 1).await;
    }
    let other_source =
        StoredEvent { source: "/tencent-css/other".into(), ..event("5", "push", Some("a")) };
    append(store, other_source, 1).await;
    assert_eq!(ids(&claim(store, "end", "o", 2).await), [""; 0]);
    let claimed = claim(store, "push", "o", 2).await;
    assert_eq!(ids(&claimed), ["1", "3", "5"]);
    assert!(deliver(store, &claimed[0], 3).await);
    assert_eq!(ids(&claim(store, "push", "o", 3).await), [""; 0]);
    let claimed = claim(store, "end", "o", 3).await;
    assert_eq!(ids(&claimed), ["2"]);
    assert!(deliver(store, &claimed[0], 3).await);
    assert_eq!(ids(&claim(store, "push", "o", 3).await), ["4"]);
}

async fn events_without_subject_are_independent(store: &dyn Store) {
    append(store, event("1", "push", None), 1).await;
    append(store, event("2", "push", None), 1).await;
    assert_eq!(ids(&claim(store, "push", "o", 1).await), ["1", "2"]);
}

async fn event_is_due_again_after_its_lease(store: &dyn Store) {
    append(store, event("1", "push", Some("s")), 1).await;
    let first = claim(store, "push", "a", 1).await;
    assert!(
        claim(store, "push", "b", 10).await.is_empty(),
        "expected no event before the lease ends, found one"
    );
    let second = claim(store, "push", "b", 11).await;
    assert_eq!(second[0].lease.attempt, 2);
    assert!(
        !deliver(store, &first[0], 12).await,
        "expected false for a late settlement, found true"
    );
    assert!(deliver(store, &second[0], 12).await);
    assert!(
        !deliver(store, &second[0], 12).await,
        "expected false for a second settlement, found true"
    );
}

async fn second_claim_of_an_owner_ends_the_first(store: &dyn Store) {
    append(store, event("1", "push", Some("s")), 1).await;
    let first = claim(store, "push", "a", 1).await;
    let second = claim(store, "push", "a", 20).await;
    assert!(!deliver(store, &first[0], 21).await);
    assert!(deliver(store, &second[0], 21).await);
}

async fn store_loses_no_event_if_the_clock_moves_back(store: &dyn Store) {
    for id in ["1", "2"] {
        append(store, event(id, "push", Some(id)), 1000).await;
    }
    let lane = Lane::new("live", "push");
    let claimed = store.claim(&lane, "a", 1, T(1010), T(1000)).await.unwrap();
    assert!(
        claim(store, "push", "b", 500).await.is_empty(),
        "expected no event before its due time, found one"
    );
    assert!(
        deliver(store, &claimed[0], 501).await,
        "expected an active lease, found an ended lease"
    );
    store.sweep(T(502)).await.unwrap();
    append(store, event("3", "push", Some("3")), 503).await;
    assert_eq!(ids(&claim(store, "push", "b", 503).await), ["3"]);
    assert_eq!(store.lanes().await.unwrap()[0].due, T(513));
    let due = claim(store, "push", "b", 1000).await;
    let mut due = ids(&due);
    due.sort_unstable();
    assert_eq!(due.last(), Some(&"3"), "expected an ended lease, found an active lease");
    assert_eq!(due.len(), 2);
}

async fn failing_head_delays_only_its_line(store: &dyn Store) {
    for (id, subject) in [("1", "a"), ("2", "a"), ("3", "b")] {
        append(store, event(id, "push", Some(subject)), 1).await;
    }
    let claimed = claim(store, "push", "o", 1).await;
    assert!(store.settle(&claimed[0].lease, later(50), T(2)).await.unwrap());
    assert!(deliver(store, &claimed[1], 2).await);
    let lanes = store.lanes().await.unwrap();
    assert_eq!((lanes.len(), lanes[0].due), (1, T(50)));
    assert!(claim(store, "push", "o", 49).await.is_empty());
    let claimed = claim(store, "push", "o", 50).await;
    assert_eq!(ids(&claimed), ["1"]);
    assert_eq!(claimed[0].lease.attempt, 2);
    let dead = Settlement::Dead { reason: "gave up".into() };
    assert!(store.settle(&claimed[0].lease, dead, T(51)).await.unwrap());
    assert_eq!(ids(&claim(store, "push", "o", 51).await), ["2"]);
    let entries = store.list(&in_state(EntryState::Dead)).await.unwrap();
    assert_eq!(entries[0].reason.as_deref(), Some("gave up"));
    assert_eq!(entries[0].ended, Some(T(51)));
}

async fn lanes_are_independent(store: &dyn Store) {
    assert_eq!(store.lanes().await.unwrap(), []);
    append(store, event("1", "push", None), 3).await;
    append(store, event("2", "end", None), 2).await;
    append(store, event("3", "end", None), 1).await;
    let lanes = store.lanes().await.unwrap();
    let lanes: Vec<_> = lanes.iter().map(|lane| (lane.lane.kind(), lane.due)).collect();
    assert_eq!(lanes, [("end", T(1)), ("push", T(3))]);
    let one = store.claim(&Lane::new("live", "end"), "o", 1, T(20), T(5)).await.unwrap();
    assert_eq!(ids(&one), ["3"]);
}

async fn dedupe_key_makes_a_duplicate_until_it_expires(store: &dyn Store) {
    let new = |key, until| NewEvent {
        event: event("1", "push", None),
        dedupe: Some(DedupeKey { key: [key; 16], until: T(until) }),
    };
    assert_eq!(store.append(new(1, 10), T(1)).await, Ok(Appended::Durable));
    assert_eq!(store.append(new(1, 10), T(2)).await, Ok(Appended::Duplicate));
    assert_eq!(store.append(new(2, 10), T(2)).await, Ok(Appended::Durable));
    assert_eq!(store.append(new(1, 20), T(10)).await, Ok(Appended::Durable));
    store.sweep(T(11)).await.unwrap();
    assert_eq!(store.append(new(1, 30), T(12)).await, Ok(Appended::Duplicate));
    assert_eq!(store.status().await.unwrap().pending.count, 3);
}

async fn replay_queues_ended_events_again(store: &dyn Store) {
    for id in ["1", "2", "3"] {
        append(store, event(id, "push", Some(id)), 1).await;
    }
    let claimed = claim(store, "push", "o", 1).await;
    assert!(deliver(store, &claimed[0], 2).await);
    let dead = Settlement::Dead { reason: "gave up".into() };
    store.settle(&claimed[1].lease, dead, T(2)).await.unwrap();
    let number = claimed[1].lease.number;
    let one = QueueFilter { numbers: vec![number], ..QueueFilter::default() };
    assert_eq!(store.replay(&one, T(3)).await, Ok(1));
    assert_eq!(
        store.replay(&one, T(3)).await,
        Ok(0),
        "expected no event with the old number, found one"
    );
    let claimed = claim(store, "push", "o", 3).await;
    assert_eq!(ids(&claimed), ["2"]);
    assert!(claimed[0].is_replay && claimed[0].lease.attempt == 1);
    assert_eq!((claimed[0].queued, claimed[0].event.received), (T(3), T(1)));
    assert!(claimed[0].lease.number > number);
    assert_eq!(store.replay(&QueueFilter::default(), T(4)).await, Ok(1));
    assert_eq!(ids(&claim(store, "push", "o", 4).await), ["1"]);
}

async fn replayed_event_joins_the_end_of_its_line(store: &dyn Store) {
    append(store, event("1", "push", Some("s")), 1).await;
    let claimed = claim(store, "push", "o", 1).await;
    append(store, event("2", "push", Some("s")), 1).await;
    assert!(deliver(store, &claimed[0], 2).await);
    assert_eq!(store.replay(&in_state(EntryState::Delivered), T(3)).await, Ok(1));
    assert_eq!(ids(&claim(store, "push", "o", 3).await), ["2"]);
}

async fn remove_keeps_claimed_events(store: &dyn Store) {
    for id in ["1", "2", "3"] {
        append(store, event(id, "push", Some("s")), 1).await;
    }
    let claimed = claim(store, "push", "o", 1).await;
    let filter = QueueFilter { subject: Some("s".into()), limit: Some(1), ..Default::default() };
    assert_eq!(store.remove(&filter, T(2)).await, Ok(1));
    let left = store.list(&QueueFilter::default()).await.unwrap();
    let left: Vec<_> = left.iter().map(|entry| &*entry.id).collect();
    assert_eq!(left, ["1", "3"]);
    assert!(deliver(store, &claimed[0], 2).await);
    assert_eq!(ids(&claim(store, "push", "o", 2).await), ["3"]);
    assert_eq!(
        store.remove(&QueueFilter::default(), T(20)).await,
        Ok(2),
        "expected an ended lease, found a lease that holds"
    );
    assert_eq!(store.lanes().await.unwrap(), []);
}

async fn filters_select_events(store: &dyn Store) {
    for (id, kind, subject) in
        [("1", "push", Some("a")), ("2", "end", Some("a")), ("3", "end", None)]
    {
        append(store, event(id, kind, subject), 1).await;
    }
    let claimed = claim(store, "end", "a", 5).await;
    store.settle(&claimed[0].lease, later(9), T(5)).await.unwrap();
    let all = QueueFilter::default;
    for (filter, expected) in [
        (all(), vec!["1", "2", "3"]),
        (QueueFilter { template: Some("live".into()), limit: Some(2), ..all() }, vec!["1", "2"]),
        (QueueFilter { template: Some("liv".into()), ..all() }, vec![]),
        (QueueFilter { kind: Some("end".into()), ..all() }, vec!["2", "3"]),
        (QueueFilter { subject: Some("a".into()), after: 1, ..all() }, vec!["2"]),
        (QueueFilter { id: Some("3".into()), ..all() }, vec!["3"]),
        (QueueFilter { numbers: vec![3, 1], ..all() }, vec!["1", "3"]),
        (QueueFilter { is_failing: true, ..all() }, vec!["3"]),
        (QueueFilter { received_before: Some(T(1)), ..all() }, vec![]),
        (QueueFilter { received_before: Some(T(2)), ..in_state(EntryState::Dead) }, vec![]),
    ] {
        let found = store.list(&filter).await.unwrap();
        let found: Vec<_> = found.iter().map(|entry| &*entry.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

async fn removes_events_after_their_retention(store: &dyn Store) {
    for id in ["1", "2", "3"] {
        append(store, event(id, "push", None), 1).await;
    }
    let claimed = claim(store, "push", "o", 1).await;
    assert!(deliver(store, &claimed[0], 10).await);
    let dead = Settlement::Dead { reason: "gave up".into() };
    store.settle(&claimed[1].lease, dead, T(10)).await.unwrap();
    store.settle(&claimed[2].lease, later(20), T(10)).await.unwrap();
    let count = async || {
        let status = store.status().await.unwrap();
        EntryState::ALL.map(|state| status.of(state).count)
    };
    assert_eq!(store.sweep(T(109)).await, Ok(0));
    assert_eq!(count().await, [1, 1, 1]);
    assert_eq!(store.sweep(T(110)).await, Ok(0));
    assert_eq!(count().await, [1, 0, 1]);
    assert_eq!(
        store.sweep(T(1010)).await,
        Ok(1),
        "expected one removed dead letter, found none or several"
    );
    assert_eq!(count().await, [1, 0, 0]);
    store.sweep(T(1_000_000)).await.unwrap();
    assert_eq!(count().await, [1, 0, 0], "expected only the pending event, found other counts");
}

async fn overdue_events_expire_unless_claimed(store: &dyn Store) {
    for (id, kind, subject, now) in [
        ("1", "push", Some("a"), 1),
        ("2", "push", Some("a"), 2),
        ("3", "end", Some("a"), 3),
        ("4", "push", Some("a"), 9),
        ("5", "push", None, 4),
        ("6", "push", Some("b"), 4),
    ] {
        append(store, event(id, kind, subject), now).await;
    }
    let one = QueueFilter { id: Some("6".into()), ..QueueFilter::default() };
    let lane = Lane::new("live", "push");
    let claimed = store.claim(&lane, "o", 10, T(20), T(4)).await.unwrap();
    assert_eq!(ids(&claimed), ["1", "5", "6"]);
    store.settle(&claimed[0].lease, later(50), T(5)).await.unwrap();
    store.settle(&claimed[1].lease, later(50), T(5)).await.unwrap();
    assert_eq!(store.expire(&lane, T(1), "gave up", T(10)).await, Ok(0));
    assert_eq!(store.expire(&lane, T(9), "gave up", T(10)).await, Ok(3));
    assert_eq!(store.expire(&lane, T(9), "gave up", T(10)).await, Ok(0));
    assert_eq!(store.list(&one).await.unwrap()[0].state, EntryState::Pending);
    let dead = store.list(&in_state(EntryState::Dead)).await.unwrap();
    assert!(dead.iter().all(|entry| entry.reason.as_deref() == Some("gave up")));
    let dead: Vec<_> = dead.iter().map(|entry| &*entry.id).collect();
    assert_eq!(dead, ["1", "2", "5"]);
    assert_eq!(
        ids(&claim(store, "end", "o", 10).await),
        ["3"],
        "expected the next head, found others"
    );
    let expired = store.expire(&lane, T(9), "gave up", T(21)).await;
    assert_eq!(expired, Ok(1), "expected an ended lease, found a lease that holds");
    assert_eq!(store.status().await.unwrap().dead.count, 4);
}

async fn status_has_count_bytes_and_age(store: &dyn Store) {
    assert_eq!(store.status().await.unwrap().oldest_age(T(5)), None);
    append(store, event("2", "push", Some("s")), 4).await;
    let one = store.status().await.unwrap().pending.bytes;
    let old = StoredEvent { received: T(3), ..event("1", "push", None) };
    append(store, old, 4).await;
    let status = store.status().await.unwrap();
    assert_eq!(status.oldest_age(T(5)), Some(Duration::from_secs(4)));
    assert_eq!(status.pending.count, 2);
    let both = status.pending.bytes;
    assert_eq!(
        store.remove(&QueueFilter { id: Some("2".into()), ..Default::default() }, T(5)).await,
        Ok(1)
    );
    let status = store.status().await.unwrap();
    assert_eq!((status.pending.count, status.pending.bytes), (1, both - one));
    assert_eq!(status.oldest_age(T(5)), Some(Duration::from_secs(2)));
}

async fn oldest_pending_event_may_be_behind_newer_events(store: &dyn Store) {
    let received = |id: &str, at: i64| {
        let received = T(at);
        StoredEvent { received, ..event(id, "push", Some("s")) }
    };
    let oldest = async || store.status().await.unwrap().oldest_pending;
    append(store, received("1", 1), 1).await;
    let claimed = claim(store, "push", "o", 1).await;
    assert!(deliver(store, &claimed[0], 2).await);
    append(store, received("2", 6), 6).await;
    // The callback of event 3 arrived before that of event 2, but the store receives event 3 last.
    append(store, received("3", 5), 7).await;
    assert_eq!(
        oldest().await,
        Some(T(5)),
        "expected the arrival of the event behind the head, found another time"
    );
    assert_eq!(store.replay(&in_state(EntryState::Delivered), T(8)).await, Ok(1));
    assert_eq!(
        oldest().await,
        Some(T(1)),
        "expected the arrival of the replayed event, found another time"
    );
    for (id, next) in [("2", Some(T(1))), ("3", Some(T(1))), ("1", None)] {
        let claimed = claim(store, "push", "o", 9).await;
        assert_eq!(ids(&claimed), [id]);
        assert!(deliver(store, &claimed[0], 9).await);
        assert_eq!(oldest().await, next, "after {id}");
    }
}

/// Requires a store with room for three events.
async fn full_store_removes_only_delivered_events(store: &dyn Store) {
    for id in ["1", "2", "3"] {
        append(store, event(id, "push", None), 1).await;
    }
    let new = || NewEvent { event: event("4", "push", None), dedupe: None };
    assert!(matches!(store.append(new(), T(2)).await, Err(StoreError::Full { .. })));
    let claimed = claim(store, "push", "o", 2).await;
    let dead = Settlement::Dead { reason: "gave up".into() };
    store.settle(&claimed[0].lease, dead, T(3)).await.unwrap();
    assert!(matches!(store.append(new(), T(3)).await, Err(StoreError::Full { .. })));
    assert!(deliver(store, &claimed[1], 3).await);
    assert_eq!(store.append(new(), T(3)).await, Ok(Appended::Durable));
    let left = store.list(&QueueFilter::default()).await.unwrap();
    let left: Vec<_> = left.iter().map(|entry| &*entry.id).collect();
    assert_eq!(left, ["1", "3", "4"], "expected the dead and the pending events, found others");
}

/// Runs each test of a suite against each backend. The function `$in_memory` creates the in-memory
/// backend with a maximum number of bytes.
macro_rules! on_each_backend {
    ($in_memory:ident; $($test:ident: $max_bytes:expr;)*) => {
        mod in_memory {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                super::$test(&super::$in_memory($max_bytes)).await;
            })*
        }

        #[cfg(feature = "nats")]
        mod nats {
            use super::*;
            use crate::nats_server::NatsServer;

            $(#[tokio::test]
            #[ignore = "needs tests/peers/install"]
            async fn $test() {
                let server = NatsServer::start();
                let bytes = crate::contract::in_bytes_of_server(&server, $max_bytes).await;
                let rules = crate::contract::rules(bytes);
                let store = gatepost_store::NatsStore::open(server.options(), rules).unwrap();
                super::$test(&store).await;
            })*
        }

        mod sqlite {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("gatepost.db");
                let rules = crate::contract::rules($max_bytes);
                let store = gatepost_store::SqliteStore::open(&path, rules).unwrap();
                super::$test(&store).await;
            })*
        }
    };
}

pub(crate) const LARGE: u64 = 1 << 30;

/// Converts the size of events with the ids "1" to "9" to the size that a NATS server counts for
/// them.
#[cfg(feature = "nats")]
pub(crate) async fn in_bytes_of_server(server: &crate::nats_server::NatsServer, bytes: u64) -> u64 {
    if bytes == LARGE {
        return bytes;
    }
    // The prefix has the same length as the prefix in `options`.
    let options = gatepost_store::NatsOptions { prefix: "measures".into(), ..server.options() };
    let store = gatepost_store::NatsStore::open(options, rules(LARGE)).unwrap();
    append(&store, event("1", "push", None), 1).await;
    let one = store.status().await.unwrap().pending.bytes;
    // The server refuses a message with which the stream reaches its maximum size, so the
    // result has room for half an event more.
    bytes / event("1", "push", None).stored_bytes() * one + one / 2
}

fn new_in_memory(max_bytes: u64) -> InMemoryStore {
    InMemoryStore::new(max_bytes, RETENTION, 10 * RETENTION)
}

on_each_backend! {
    new_in_memory;
    returns_the_event_unchanged: LARGE;
    claims_only_the_head_of_a_line: LARGE;
    events_without_subject_are_independent: LARGE;
    event_is_due_again_after_its_lease: LARGE;
    second_claim_of_an_owner_ends_the_first: LARGE;
    store_loses_no_event_if_the_clock_moves_back: LARGE;
    failing_head_delays_only_its_line: LARGE;
    lanes_are_independent: LARGE;
    dedupe_key_makes_a_duplicate_until_it_expires: LARGE;
    replay_queues_ended_events_again: LARGE;
    replayed_event_joins_the_end_of_its_line: LARGE;
    remove_keeps_claimed_events: LARGE;
    filters_select_events: LARGE;
    removes_events_after_their_retention: LARGE;
    overdue_events_expire_unless_claimed: LARGE;
    status_has_count_bytes_and_age: LARGE;
    oldest_pending_event_may_be_behind_newer_events: LARGE;
    full_store_removes_only_delivered_events: 3 * event("1", "push", None).stored_bytes();
}
