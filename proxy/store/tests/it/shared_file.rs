//! Tests of the shared state in the file of a store.

use std::path::Path;

use gatepost::{SharedState as _, Store as _};
use gatepost_store::SqliteStore;
use rusqlite::{Connection, params};

use crate::contract::{T, append, event, rules};
use crate::shared_contract::{KEY, value};

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, rules(1 << 30)).unwrap()
}

#[tokio::test]
async fn store_reads_values_of_earlier_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    assert_eq!(open(&path).insert(KEY, value("a", 10), T(1)).await, Ok(None));
    assert_eq!(open(&path).insert(KEY, value("b", 10), T(2)).await, Ok(Some(value("a", 10))));
}

#[tokio::test]
async fn two_processes_share_the_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let (old, new) = (open(&path), open(&path));
    assert_eq!(old.insert(KEY, value("a", 10), T(1)).await, Ok(None));
    assert_eq!(new.insert(KEY, value("b", 10), T(1)).await, Ok(Some(value("a", 10))));
    assert_eq!(new.set(KEY, value("c", 10), T(1)).await, Ok(()));
    assert_eq!(old.get(KEY, T(2)).await, Ok(Some(value("c", 10))));
}

#[tokio::test]
async fn full_table_drops_the_values_that_expire_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let db = with_schema_4(&path);
    db.execute_batch(
        "WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < 7900)
         INSERT INTO shared SELECT CAST(printf('%016d', n) AS BLOB), zeroblob(17000), 1000000 + n
         FROM more",
    )
    .unwrap();
    let state = open(&path);
    let long = "x".repeat(17_000);
    assert_eq!(state.insert(KEY, value(&long, 10_000), T(1)).await, Ok(None));
    let left = "SELECT count(*), min(until_ms) - 1000000 FROM shared";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (count, first): (i64, i64) = db.query_row(left, [], read).unwrap();
    assert!((7800..7850).contains(&count), "expected 7800 to 7849 values, found {count}");
    assert_eq!(first, 7900 - (count - 1) + 1);
    assert_eq!(state.get(KEY, T(2)).await, Ok(Some(value(&long, 10_000))));
}

/// Creates a store as a gatepost with schema 4 did.
fn with_schema_4(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    for migration in [
        include_str!("../../src/sqlite/schema.sql"),
        include_str!("../../src/sqlite/schema_2.sql"),
        include_str!("../../src/sqlite/schema_3.sql"),
        include_str!("../../src/sqlite/schema_4.sql"),
        "PRAGMA application_id = 0x67707374; PRAGMA user_version = 4",
    ] {
        db.execute_batch(migration).unwrap();
    }
    db
}

#[tokio::test]
async fn values_of_schema_4_get_a_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let db = with_schema_4(&path);
    let until = T(10).as_millis();
    db.execute("INSERT INTO shared VALUES (?1, ?2, ?3)", params![KEY, b"a", until]).unwrap();
    let error = SqliteStore::attach(&path, rules(1)).unwrap_err().to_string();
    assert!(error.ends_with("schema 6, found schema 4; start gatepost once"), "{error}");
    let state = open(&path);
    assert_eq!(state.get(KEY, T(2)).await, Ok(Some(value("a", 10))));
    db.execute("UPDATE shared SET bytes = x'62'", []).unwrap();
    assert_eq!(state.get(KEY, T(2)).await, Ok(None));
}

#[tokio::test]
async fn changed_value_is_absent() {
    for change in ["bytes = x'62'", "until_ms = until_ms + 1", "checksum = 0"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatepost.db");
        let state = open(&path);
        assert_eq!(state.insert(KEY, value("a", 10), T(1)).await, Ok(None));
        let db = Connection::open(&path).unwrap();
        db.execute(&format!("UPDATE shared SET {change}"), []).unwrap();
        assert_eq!(state.get(KEY, T(2)).await, Ok(None), "{change}");
        assert_eq!(state.insert(KEY, value("b", 10), T(2)).await, Ok(None), "{change}");
        assert_eq!(state.get(KEY, T(2)).await, Ok(Some(value("b", 10))), "{change}");
    }
}

#[tokio::test]
async fn start_removes_changed_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let state = open(&path);
    for key in [KEY, [8; 16]] {
        assert_eq!(state.insert(key, value("a", 10), T(1)).await, Ok(None));
    }
    drop(state);
    let db = Connection::open(&path).unwrap();
    db.execute("UPDATE shared SET key = x'00' WHERE key = ?1", params![KEY]).unwrap();
    let state = open(&path);
    let left: i64 = db.query_row("SELECT count(*) FROM shared", [], |row| row.get(0)).unwrap();
    assert_eq!((left, state.get([8; 16], T(2)).await), (1, Ok(Some(value("a", 10)))));
}

#[tokio::test]
async fn values_take_no_space_from_the_events() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let store = SqliteStore::open(&path, rules(event("1", "push", None).stored_bytes())).unwrap();
    store.set(KEY, value(&"x".repeat(10_000), 10), T(1)).await.unwrap();
    append(&store, event("1", "push", None), 1).await;
    assert_eq!(store.status().await.unwrap().pending.count, 1);
}
