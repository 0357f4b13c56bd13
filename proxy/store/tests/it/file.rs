//! Tests of the file of a store: mode, schema, faults, and two processes.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use gatepost::{Lane, QueueFilter, Settlement, Store as _};
use gatepost_store::{OpenError, SqliteStore};
use rusqlite::Connection;

use crate::contract::{T, append, event, rules};

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, rules(1 << 30))
}

#[tokio::test]
async fn events_survive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    append(&open(&path).unwrap(), event("1", "push", Some("s")), 1).await;
    let store = open(&path).unwrap();
    let claimed = store.claim(&Lane::new("live", "push"), "o", 1, T(9), T(2)).await.unwrap();
    assert_eq!(claimed[0].event, event("1", "push", Some("s")));
}

#[tokio::test]
async fn other_users_cannot_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    File::create(&path).unwrap().set_permissions(fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(&path).unwrap();
    append(&store, event("1", "push", None), 1).await;
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3);
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn refuses_newer_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    drop(open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    for error in [open(&path).unwrap_err(), SqliteStore::attach(&path, rules(1)).unwrap_err()] {
        let expected = "gatepost.db: expected a store with schema 6 or older, found schema 7; run \
                        the newer gatepost that wrote it";
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}

#[tokio::test]
async fn migrates_an_older_schema_with_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(include_str!("schema_1.sql")).unwrap();
    drop(db);
    let error = SqliteStore::attach(&path, rules(1)).unwrap_err().to_string();
    assert!(error.ends_with("found schema 1; start gatepost once"), "{error}");
    let store = open(&path).unwrap();
    let claimed = store.claim(&Lane::new("live", "push"), "o", 9, T(99), T(9)).await.unwrap();
    let ids: Vec<_> = claimed.iter().map(|claimed| (&*claimed.event.id, claimed.queued)).collect();
    assert_eq!(ids, [("1", T(1)), ("3", T(3))]);
    assert_eq!(claimed[0].event.body, "{}");
    assert_eq!(store.status().await.unwrap().pending.count, 3);
}

#[test]
fn refuses_the_database_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE own (x)").unwrap();
    assert!(matches!(open(&path), Err(OpenError::Foreign { .. })));
    fs::write(&path, "no database ".repeat(100)).unwrap();
    assert!(matches!(open(&path), Err(OpenError::Foreign { .. })));
}

#[test]
fn attach_needs_an_existing_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    assert!(SqliteStore::attach(&path, rules(1)).is_err());
    fs::write(&path, "").unwrap();
    let error = SqliteStore::attach(&path, rules(1)).unwrap_err().to_string();
    assert!(error.ends_with("found schema 0; start gatepost once"), "{error}");
}

#[tokio::test]
async fn refuses_torn_pages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    for number in 0..200 {
        append(&store, event(&number.to_string(), "push", None), 1).await;
    }
    drop(store);
    let db = Connection::open(&path).unwrap();
    db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(())).unwrap();
    drop(db);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    for page in 3..20 {
        file.write_all_at(&[0xA5; 2048], page * 4096).unwrap();
    }
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("REINDEX"), "{error}");
}

#[tokio::test]
async fn two_processes_share_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let (old, new) = (open(&path).unwrap(), open(&path).unwrap());
    append(&old, event("1", "push", Some("s")), 1).await;
    append(&new, event("2", "push", Some("s")), 1).await;
    let lane = Lane::new("live", "push");
    let claimed = old.claim(&lane, "old", 10, T(9), T(1)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert!(new.claim(&lane, "new", 10, T(9), T(1)).await.unwrap().is_empty());
    assert!(old.settle(&claimed[0].lease, Settlement::Delivered, T(2)).await.unwrap());
    assert_eq!(new.claim(&lane, "new", 10, T(9), T(2)).await.unwrap()[0].event.id, "2".into());
}

#[tokio::test]
async fn many_appends_at_once_are_all_durable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    let new = |number: usize| gatepost::NewEvent {
        event: event(&number.to_string(), "push", Some(&(number % 7).to_string())),
        dedupe: None,
    };
    let pending: Vec<_> = (0..2000).map(|number| store.append(new(number), T(1))).collect();
    for appended in pending {
        appended.await.unwrap();
    }
    drop(store);
    let store = open(&path).unwrap();
    let entries = store.list(&QueueFilter::default()).await.unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(ids, (0..2000).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn operator_may_remove_rows_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    append(&store, event("1", "push", Some("s")), 1).await;
    append(&store, event("2", "push", Some("s")), 1).await;
    let db = Connection::open(&path).unwrap();
    db.execute("DELETE FROM event WHERE id = '1'", []).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM payload", [], |r| r.get(0)), Ok(1));
    let claimed = store.claim(&Lane::new("live", "push"), "o", 1, T(9), T(2)).await.unwrap();
    assert_eq!(claimed[0].event.id, "2".into());
    assert_eq!(store.status().await.unwrap().pending.count, 1);
}

#[tokio::test]
async fn stores_the_largest_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("gatepost.db")).unwrap();
    let body: Vec<u8> = (0..16 << 20).map(|index: u32| index.to_le_bytes()[1]).collect();
    let long = gatepost::StoredEvent { body: body.into(), ..event("1", "push", Some("s")) };
    append(&store, long.clone(), 1).await;
    let claimed = store.claim(&Lane::new("live", "push"), "o", 1, T(9), T(2)).await.unwrap();
    assert!(claimed[0].event == long);
    assert!(store.status().await.unwrap().pending.bytes > 16 << 20);
}

#[tokio::test]
async fn delivers_many_events_of_one_subject_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = open(&path).unwrap();
    append(&store, event("1", "push", Some("s")), 1).await;
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "BEGIN;
         WITH RECURSIVE more (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n < 100000)
         INSERT INTO event (id, lane, source, subject, received_ms, due_ms, queued_ms, bytes)
            SELECT n, lane, source, subject, n, n, n, bytes FROM event, more WHERE number = 1;
         INSERT INTO payload SELECT event.number, headers, body FROM event, payload AS p
            WHERE p.number = 1 AND event.number > 1;
         COMMIT",
    )
    .unwrap();
    let lane = Lane::new("live", "push");
    let deliver = async |number: u64| {
        let claimed = store.claim(&lane, "o", 9, T(900), T(200)).await.unwrap();
        assert_eq!((claimed.len(), claimed[0].lease.number), (1, number));
        assert!(store.settle(&claimed[0].lease, Settlement::Delivered, T(201)).await.unwrap());
    };
    for number in 1..=20 {
        deliver(number).await;
    }
    assert_eq!(store.expire(&lane, T(50), "late", T(202)).await, Ok(1001));
    assert_eq!(store.status().await.unwrap().pending.count, 100_000 - 20 - 1001);
}
