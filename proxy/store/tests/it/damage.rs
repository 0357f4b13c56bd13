//! Tests of a store whose file or log another program changes, removes or replaces. A store with a
//! changed byte refuses to open, fails, names the damaged event, or delivers all events.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gatepost::{
    EntryState, NewEvent, QueueFilter, Settlement, SharedState as _, Store as _, StoreError,
    StoredEvent,
};
use gatepost_store::{OpenError, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::contract::{T, append, event, rules};
use crate::shared_contract::value;

pub(crate) const EVENTS: u64 = 60;

/// Number of changes that a test tries, each in a new copy of the store.
const FLIPS: u64 = 150;

pub(crate) fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, rules(1 << 30))
}

pub(crate) fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

/// Returns the event with a number. Every third event has no subject. The other events form lines
/// (events with the same subject) of two or three events.
fn numbered(number: u64) -> StoredEvent {
    let subject = format!("s{}", number % 24);
    let subject = (!number.is_multiple_of(3)).then_some(&*subject);
    event(&number.to_string(), ["push", "record"][usize::from(number.is_multiple_of(2))], subject)
}

/// A store after `kill -9`: its events are in the log.
pub(crate) struct Killed {
    folder: TempDir,
    file: Vec<u8>,
    pub(crate) log: Vec<u8>,
}

impl Killed {
    pub(crate) async fn new() -> Self {
        Self::with_values(0).await
    }

    /// Stores the events, and then a number of shared values without a sync.
    pub(crate) async fn with_values(values: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("original.db");
        let store = open(&path).unwrap();
        for number in 1..=EVENTS {
            append(&store, numbered(number), 1).await;
        }
        for number in 0..values {
            store.set([number; 16], value("a", 9000), T(1)).await.unwrap();
        }
        let (file, log) = (fs::read(&path).unwrap(), fs::read(log_of(&path)).unwrap());
        Self { folder, file, log }
    }

    /// Moves the events from the log to the file, as a checkpoint does.
    fn checkpointed(self) -> Self {
        let path = self.restore();
        let db = Connection::open(&path).unwrap();
        db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(())).unwrap();
        drop(db);
        Self { file: fs::read(&path).unwrap(), log: Vec::new(), folder: self.folder }
    }

    /// Writes the files of the store into a new folder, because the threads of a store that a test
    /// has closed may still use that store's files. Returns the path of the new `gatepost.db`.
    pub(crate) fn restore(&self) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let path = folder.join("gatepost.db");
        fs::write(&path, &self.file).unwrap();
        fs::write(log_of(&path), &self.log).unwrap();
        path
    }
}

/// Delivers all events. Returns the delivered events and the numbers of the dead letters.
pub(crate) async fn deliver(
    store: &SqliteStore,
) -> Result<(BTreeMap<u64, StoredEvent>, Vec<u64>), StoreError> {
    let mut delivered = BTreeMap::new();
    let now = T(1000);
    while let lanes = store.lanes().await?
        && !lanes.is_empty()
    {
        for lane in lanes {
            assert!(lane.due <= now, "expected a lane with a due event, found {lane:?}");
            let claimed = store.claim(&lane.lane, "o", 100, T(2000), now).await?;
            let settled =
                claimed.iter().map(|c| store.settle(&c.lease, Settlement::Delivered, now));
            for settled in settled.collect::<Vec<_>>() {
                assert!(settled.await?);
            }
            delivered.extend(claimed.into_iter().map(|c| (c.lease.number, c.event)));
        }
    }
    let dead = QueueFilter { state: Some(EntryState::Dead), ..QueueFilter::default() };
    let dead = store.list(&dead).await?;
    assert!(dead.iter().all(|e| e.reason.as_ref().unwrap().starts_with("event_damaged: ")));
    Ok((delivered, dead.into_iter().map(|entry| entry.number).collect()))
}

/// Counts of the stores that refuse to open or fail, of those that name a damaged event, and of
/// those that deliver all events.
#[derive(Debug, Default)]
struct Outcomes {
    refused: u64,
    named: u64,
    complete: u64,
}

impl Outcomes {
    /// Opens a store with a changed byte, and delivers its events.
    async fn add(&mut self, path: &Path, change: &str) {
        let Ok(store) = open(path) else {
            self.refused += 1;
            return;
        };
        let (delivered, dead) = match deliver(&store).await {
            Ok(found) => found,
            Err(StoreError::Failed(_)) => {
                assert!(store.status().await.is_err(), "{change}");
                self.refused += 1;
                return;
            }
            Err(error) => panic!("expected a failed store, found {error}; {change}"),
        };
        for (number, event) in &delivered {
            assert!(
                *event == numbered(*number),
                "expected the event as stored, found another; {change}"
            );
        }
        let lost = (1..=EVENTS).find(|n| !delivered.contains_key(n) && !dead.contains(n));
        assert_eq!(lost, None, "expected no lost event, found one; {change}");
        match dead.is_empty() {
            true => self.complete += 1,
            false => self.named += 1,
        }
    }
}

/// Changes one bit, or several bits of one byte. Returns a description of the change.
fn change(bytes: &mut [u8], seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let at = random.usize(..bytes.len());
    let by = if random.bool() { 1 << random.u8(..8) } else { random.u8(1..) };
    bytes[at] ^= by;
    format!("seed {seed}, byte {at} ^ {by:#x}")
}

#[tokio::test]
async fn changed_byte_in_the_log_loses_no_event_silently() {
    let killed = Killed::new().await;
    let mut outcomes = Outcomes::default();
    for seed in 0..FLIPS {
        let path = killed.restore();
        let mut log = killed.log.clone();
        // One change in ten is in the last frame, and one in ten is in the header of the log or of
        // the first frame.
        let change = match seed % 10 {
            0 => change(log.last_chunk_mut::<4120>().unwrap(), seed),
            1 => change(&mut log[..32 + 24], seed),
            _ => change(&mut log, seed),
        };
        fs::write(log_of(&path), log).unwrap();
        outcomes.add(&path, &change).await;
    }
    assert!(outcomes.refused > FLIPS * 9 / 10, "{outcomes:?}");
}

#[tokio::test]
async fn changed_byte_in_the_file_loses_no_event_silently() {
    let stored = Killed::new().await.checkpointed();
    let mut outcomes = Outcomes::default();
    for seed in 0..FLIPS {
        let path = stored.restore();
        let mut file = stored.file.clone();
        let change = change(&mut file, seed);
        fs::write(&path, file).unwrap();
        outcomes.add(&path, &change).await;
    }
    let Outcomes { refused, named, complete } = outcomes;
    assert!(refused > 10 && named > 5 && complete > 50, "{outcomes:?}");
}

#[tokio::test]
async fn refuses_a_damaged_log_and_leaves_it_as_it_is() {
    let killed = Killed::new().await;
    let path = killed.restore();
    let mut log = killed.log.clone();
    let middle = log.len() / 2;
    log[middle] ^= 1;
    fs::write(log_of(&path), &log).unwrap();
    let error = open(&path).unwrap_err();
    let OpenError::DamagedLog { frame, behind, .. } = error else { panic!("{error}") };
    let frames = (log.len() as u64 - 32) / 4120;
    assert_eq!(frame, (middle as u64 - 32) / 4120 + 1);
    assert_eq!(behind, frames - frame);
    let text = error.to_string();
    assert!(
        text.contains(&format!("found a damaged frame {frame}, with {behind} frames")),
        "{text}"
    );
    assert_eq!((fs::read(&path).unwrap(), fs::read(log_of(&path)).unwrap()), (killed.file, log));
}

#[tokio::test]
async fn command_does_not_open_a_damaged_log() {
    let mut killed = Killed::new().await;
    let at = killed.log.len() / 2;
    killed.log[at] ^= 1;
    let path = killed.restore();
    let refused = SqliteStore::attach(&path, rules(1 << 30)).unwrap_err();
    assert!(matches!(refused, OpenError::DamagedLog { .. }), "{refused}");
    assert!(
        fs::read(log_of(&path)).unwrap() == killed.log,
        "expected an unchanged log, found another"
    );
}

#[tokio::test]
async fn refuses_events_after_removal_or_replacement_of_file_or_log() {
    for (removed, is_replaced) in [("db", false), ("db", true), ("db-wal", false), ("db-wal", true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatepost.db");
        let store = open(&path).unwrap();
        append(&store, numbered(1), 1).await;
        let removed = path.with_extension(removed);
        if is_replaced {
            let copy = folder.path().join("copy");
            fs::copy(&removed, &copy).unwrap();
            fs::rename(copy, &removed).unwrap();
        } else {
            fs::remove_file(&removed).unwrap();
        }
        let named = StoreError::Removed(removed.display().to_string());
        for number in 2..4 {
            let event = NewEvent { event: numbered(number), dedupe: None };
            assert_eq!(store.append(event, T(1)).await, Err(named.clone()));
        }
        assert_eq!(store.status().await, Err(named));
    }
}

#[tokio::test]
async fn checkpoints_and_other_connections_leave_the_store_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    for number in 1..4 {
        append(&store, numbered(number), 1).await;
        let db = Connection::open(&path).unwrap();
        db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(())).unwrap();
        drop(SqliteStore::attach(&path, rules(1 << 30)).unwrap());
    }
    assert_eq!(store.status().await.unwrap().pending.count, 3);
}

#[tokio::test]
async fn damaged_event_becomes_dead_letter_and_delays_no_other_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    for number in ["1", "2", "3", "4"] {
        append(&store, event(number, "push", Some("s")), 1).await;
    }
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "UPDATE payload SET body = x'00' WHERE number = 1;
         UPDATE event SET subject = 'other' WHERE number = 2;
         DELETE FROM payload WHERE number = 3",
    )
    .unwrap();
    let (delivered, dead) = deliver(&store).await.unwrap();
    assert_eq!((delivered.into_keys().collect::<Vec<_>>(), dead), (vec![4], vec![1, 2, 3]));
    let reason = store.show(3).await.unwrap().unwrap().0.reason.unwrap();
    assert_eq!(&*reason, "event_damaged: expected text in column headers, found none");
    // A damaged event still counts as damaged after a replay, until the operator removes its
    // checksum.
    assert_eq!(store.replay(&QueueFilter::default(), T(3)).await, Ok(4));
    let accept = "UPDATE event SET checksum = NULL WHERE id = '1'";
    db.execute(accept, []).unwrap();
    let (delivered, dead) = deliver(&store).await.unwrap();
    assert_eq!((delivered.len(), dead.len()), (2, 2));
}

#[tokio::test]
async fn start_corrects_heads_due_times_and_totals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    for number in 1..=EVENTS {
        append(&store, numbered(number), 1).await;
    }
    drop(store);
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "UPDATE event SET is_head = 0 WHERE number IN (1, 3);
         UPDATE event SET is_head = 1 WHERE number = 25;
         UPDATE event SET due_ms = 9000000000000 WHERE number = 26;
         UPDATE total SET count = 7, bytes = -1 WHERE state = 'pending'",
    )
    .unwrap();
    let store = open(&path).unwrap();
    assert_eq!(store.status().await.unwrap().pending.count, EVENTS);
    let (delivered, dead) = deliver(&store).await.unwrap();
    assert_eq!((delivered.len() as u64, dead.len()), (EVENTS, 0));
}

#[tokio::test]
async fn changed_trigger_prevents_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    append(&open(&path).unwrap(), event("1", "push", Some("s")), 1).await;
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'min(number)', 'max(number)')
            WHERE name = 'head_ended';
         PRAGMA writable_schema = RESET",
    )
    .unwrap();
    drop(db);
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("the trigger or index head_ended differs"), "{error}");
}

#[tokio::test]
async fn running_store_refuses_writes_after_it_reads_a_damaged_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    append(&store, event("1", "push", Some("s")), 1).await;
    let db = Connection::open(&path).unwrap();
    // The column `due_ms` then accepts a string, which the store reads as a damaged value.
    db.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER NOT NULL,           -- next', 'TEXT,  -- next')
            WHERE name = 'event';
         PRAGMA writable_schema = RESET",
    )
    .unwrap();
    db.execute("UPDATE event SET due_ms = 'x'", []).unwrap();
    assert!(matches!(store.lanes().await, Err(StoreError::Failed(_))));
    assert!(
        store.status().await.is_err(),
        "expected an error from a failed store, found its status"
    );
    let refused = store.append(NewEvent { event: numbered(2), dedupe: None }, T(1));
    assert!(matches!(refused.await, Err(StoreError::Failed(_))));
}
