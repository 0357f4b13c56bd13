//! The state that machines share, in the table `shared`.
//!
//! Operations on this state need no sync: after a loss of power, gatepost may ask the app again
//! about the newest callbacks. A commit that contains an event syncs the whole log.
//!
//! Each value has a checksum. gatepost therefore never uses a changed answer, and never forgets a
//! signature without a log line.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use gatepost::{SharedKey, SharedState, SharedValue, StoreFuture, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::failed;
use super::{SqliteStore, checksum};

/// Maximum size of all values, in bytes. This suffices for a million claims and acknowledgements,
/// or for 7,500 replies of the maximum length.
const MAX_BYTES: i64 = 128 * 1024 * 1024;

/// Size of a row and of the row's entry in the index, without the bytes of the value.
const OVERHEAD: i64 = 128;

/// Maximum number of expired values that one operation removes. An operation adds at most one
/// value, so expired values do not accumulate.
const MAX_REMOVED: i64 = 4;

/// Size of all values. It is exact at the start; another process may change the file later, for
/// example during an upgrade.
#[derive(Clone, Debug)]
pub(super) struct SharedBytes(Arc<AtomicI64>);

impl SharedBytes {
    /// Computes the size from the table.
    pub(super) fn measure(db: &Connection) -> rusqlite::Result<Self> {
        let query = "SELECT coalesce(sum(length(bytes) + ?1), 0) FROM shared";
        let bytes = db.query_row(query, [OVERHEAD], |row| row.get(0))?;
        Ok(Self(Arc::new(AtomicI64::new(bytes))))
    }

    /// Adds or subtracts bytes. Returns the new size.
    fn add(&self, bytes: i64) -> i64 {
        self.0.fetch_add(bytes, Ordering::Relaxed) + bytes
    }
}

impl SharedState for SqliteStore {
    fn insert(
        &self,
        key: SharedKey,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>> {
        let all = self.shared.clone();
        self.writer.run_unsynced(value.bytes.len(), move |db| {
            let inserted = || -> rusqlite::Result<Option<SharedValue>> {
                let present = find(db, key, now)?;
                if present.is_none() {
                    put(db, key, &value, &all, now)?;
                }
                Ok(present)
            };
            inserted().map_err(|error| failed(&error))
        })
    }

    fn set(&self, key: SharedKey, value: SharedValue, now: Timestamp) -> StoreFuture<'_, ()> {
        let all = self.shared.clone();
        self.writer.run_unsynced(value.bytes.len(), move |db| {
            put(db, key, &value, &all, now).map_err(|error| failed(&error))
        })
    }

    fn get(&self, key: SharedKey, now: Timestamp) -> StoreFuture<'_, Option<SharedValue>> {
        self.reader.run(move |db| find(db, key, now).map_err(|error| failed(&error)))
    }

    fn replace(
        &self,
        key: SharedKey,
        old: Bytes,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, bool> {
        let all = self.shared.clone();
        self.writer.run_unsynced(value.bytes.len(), move |db| {
            let replaced = || -> rusqlite::Result<bool> {
                let is_old = find(db, key, now)?.is_some_and(|present| present.bytes == old);
                if is_old {
                    put(db, key, &value, &all, now)?;
                }
                Ok(is_old)
            };
            replaced().map_err(|error| failed(&error))
        })
    }

    fn remove(&self, key: SharedKey, bytes: Bytes) -> StoreFuture<'_, ()> {
        let all = self.shared.clone();
        self.writer.run_unsynced(bytes.len(), move |db| {
            let query = "DELETE FROM shared WHERE key = ?1 AND bytes = ?2";
            let removed = db
                .prepare_cached(query)
                .and_then(|mut statement| statement.execute(params![key, &*bytes]))
                .map_err(|error| failed(&error))?;
            if removed > 0 {
                all.add(-size(&bytes));
            }
            Ok(())
        })
    }
}

/// Returns the unexpired value of a key.
fn find(db: &Connection, key: SharedKey, now: Timestamp) -> rusqlite::Result<Option<SharedValue>> {
    let query = "SELECT key, bytes, until_ms, checksum FROM shared WHERE key = ?1";
    let mut statement = db.prepare_cached(query)?;
    let found = statement.query_row([key], |row| Ok(checksum::read_value(row))).optional()?;
    if found == Some(None) {
        report_damage(1);
    }
    Ok(found.flatten().filter(|value| now < value.until))
}

/// Logs damaged values. gatepost then asks the app again, or does not recognize the reuse of a
/// signature.
fn report_damage(count: usize) {
    tracing::error!(
        code = "shared_value_damaged",
        count,
        "ignored values of the shared state whose stored bytes have changed"
    );
}

/// Adds the checksums of the values of an older schema.
pub(super) fn add_checksums(db: &Connection) -> rusqlite::Result<()> {
    let mut add = db.prepare("UPDATE shared SET checksum = ?2 WHERE key = ?1")?;
    let mut all = db.prepare("SELECT key, bytes, until_ms FROM shared")?;
    let checksums = all.query_map([], |row| {
        let (key, until): (SharedKey, i64) = (row.get(0)?, row.get(2)?);
        Ok((key, checksum::of_value(&key, row.get_ref(1)?.as_blob()?, until)))
    })?;
    for (key, checksum) in checksums.collect::<rusqlite::Result<Vec<_>>>()? {
        add.execute(params![key, checksum])?;
    }
    Ok(())
}

/// Removes the values that differ from the values that gatepost wrote. Without this
/// removal, a value with a changed key is absent without a log line.
pub(super) fn remove_damaged(db: &Connection) -> rusqlite::Result<()> {
    let mut all = db.prepare("SELECT key, bytes, until_ms, checksum FROM shared")?;
    let (mut rows, mut damaged) = (all.query([])?, Vec::<Value>::new());
    while let Some(row) = rows.next()? {
        if checksum::read_value(row).is_none() {
            damaged.push(row.get(0)?);
        }
    }
    for key in &damaged {
        db.execute("DELETE FROM shared WHERE key = ?1", [key])?;
    }
    if !damaged.is_empty() {
        report_damage(damaged.len());
    }
    Ok(())
}

/// Sets a value. Removes expired values. If the table is full, also removes the values that expire
/// first.
fn put(
    db: &Connection,
    key: SharedKey,
    value: &SharedValue,
    all: &SharedBytes,
    now: Timestamp,
) -> rusqlite::Result<()> {
    remove_until(db, now.as_millis(), all)?;
    let replaced = "DELETE FROM shared WHERE key = ?1 RETURNING length(bytes) + ?2";
    let mut replaced = db.prepare_cached(replaced)?;
    let replaced = replaced.query_row(params![key, OVERHEAD], |row| row.get::<_, i64>(0));
    let replaced = replaced.optional()?.unwrap_or_default();
    let add = "INSERT INTO shared (key, bytes, until_ms, checksum) VALUES (?1, ?2, ?3, ?4)";
    let until = value.until.as_millis();
    let checksum = checksum::of_value(&key, &value.bytes, until);
    db.prepare_cached(add)?.execute(params![key, &*value.bytes, until, checksum])?;
    let mut bytes = all.add(size(&value.bytes) - replaced);
    while bytes > MAX_BYTES {
        let removed = remove_until(db, i64::MAX, all)?;
        if removed == 0 {
            break;
        }
        bytes -= removed;
    }
    Ok(())
}

/// Removes values that expire at `until` or before, the earliest first, at most [`MAX_REMOVED`].
/// Returns their size.
fn remove_until(db: &Connection, until: i64, all: &SharedBytes) -> rusqlite::Result<i64> {
    let first = "DELETE FROM shared WHERE key IN (
        SELECT key FROM shared WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)
        RETURNING key, bytes, until_ms, checksum, length(bytes) + ?3";
    let mut statement = db.prepare_cached(first)?;
    let mut rows = statement.query(params![until, MAX_REMOVED, OVERHEAD])?;
    let (mut removed, mut damaged) = (0, 0);
    while let Some(row) = rows.next()? {
        removed += row.get::<_, i64>(4)?;
        damaged += usize::from(checksum::read_value(row).is_none());
    }
    // With a changed expiry time, this statement can remove a value early.
    if damaged > 0 {
        report_damage(damaged);
    }
    all.add(-removed);
    Ok(removed)
}

fn size(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX / 2).saturating_add(OVERHEAD)
}
