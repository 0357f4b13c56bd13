//! Tests of the shared state in the file of a store.

use std::path::Path;

use gatepost::{SharedState as _, Store as _};
use gatepost_store::SqliteStore;
use rusqlite::Connection;

use crate::contract::{T, append, event, rules};
use crate::shared_contract::{KEY, value};

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, rules(1 << 30)).unwrap()
}

#[tokio::test]
async fn values_survive_the_process() {
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
    drop(open(&path));
    let db = Connection::open(&path).unwrap();
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
    assert!((7800..7850).contains(&count), "expected 128 MiB of values, found {count} values");
    assert_eq!(first, 7900 - (count - 1) + 1);
    assert_eq!(state.get(KEY, T(2)).await, Ok(Some(value(&long, 10_000))));
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
