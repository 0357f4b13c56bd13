//! Operations on events: append, claim, settle, expire and sweep.

use gatepost::{
    Appended, Claimed, Lane, LaneStatus, Lease, NewEvent, Settlement, StoreError, StoredEvent,
    Timestamp,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::checksum;
use super::error::failed;
use crate::StoreRules;
use crate::headers::{headers_from_json, headers_to_json};

/// Maximum number of old rows that one statement removes, so that a new event does not wait long.
const MAX_REMOVED: i64 = 1000;

/// Appends an event and its dedupe key. Returns [`Appended::Duplicate`] for a known key.
pub(super) fn append(
    db: &Connection,
    new: &NewEvent,
    max_bytes: u64,
    now: Timestamp,
) -> Result<Appended, StoreError> {
    let added = || -> rusqlite::Result<Option<Appended>> {
        let bytes = new.event.stored_bytes();
        if let Some(dedupe) = &new.dedupe {
            // An expired key that no sweep has removed counts as absent.
            let find = "SELECT 1 FROM seen WHERE key = ?1 AND until_ms > ?2";
            let known = db.prepare_cached(find)?.exists(params![dedupe.key, now.as_millis()])?;
            if known {
                return Ok(Some(Appended::Duplicate));
            }
        }
        if !has_room(db, bytes, max_bytes)? {
            return Ok(None);
        }
        if let Some(dedupe) = &new.dedupe {
            db.prepare_cached("INSERT OR REPLACE INTO seen VALUES (?1, ?2)")?
                .execute(params![dedupe.key, dedupe.until.as_millis()])?;
        }
        insert(db, &new.event, bytes, now)?;
        Ok(Some(Appended::Durable))
    };
    added().map_err(|error| failed(&error))?.ok_or(StoreError::Full { max_bytes })
}

fn insert(
    db: &Connection,
    event: &StoredEvent,
    bytes: u64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let add = "INSERT INTO event (id, lane, source, subject, received_ms, is_head, due_ms, queued_ms, bytes, checksum)
        VALUES (?1, ?2, ?3, ?4, ?5, NOT EXISTS (
            SELECT 1 FROM event WHERE source = ?3 AND subject = ?4 AND state = 'pending'
                AND subject IS NOT NULL), ?6, ?6, ?7, ?8)";
    let (lane, headers) = (event.lane.to_string(), headers_to_json(&event.headers));
    db.prepare_cached(add)?.execute(params![
        event.id,
        lane,
        event.source,
        event.subject,
        event.received.as_millis(),
        now.as_millis(),
        bytes.cast_signed(),
        checksum::of_event(event, &lane, &headers),
    ])?;
    let add = "INSERT INTO payload VALUES (?1, ?2, ?3)";
    db.prepare_cached(add)?.execute(params![db.last_insert_rowid(), headers, &*event.body])?;
    Ok(())
}

/// Removes the oldest delivered events until the new event fits into `max_bytes`.
/// Returns false if the pending events and the dead letters leave too little space.
fn has_room(db: &Connection, bytes: u64, max_bytes: u64) -> rusqlite::Result<bool> {
    let fits = || -> rusqlite::Result<bool> {
        let mut total = db.prepare_cached("SELECT sum(bytes) FROM total")?;
        let used: i64 = total.query_row([], |row| row.get(0))?;
        Ok(used.cast_unsigned().saturating_add(bytes) <= max_bytes)
    };
    let oldest = "DELETE FROM event WHERE number IN (
        SELECT number FROM event WHERE state = 'delivered' ORDER BY ended_ms LIMIT 64)";
    while !fits()? {
        if db.prepare_cached(oldest)?.execute([])? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the lanes with pending events, each with the earliest due time of its heads.
pub(super) fn lanes(db: &Connection) -> Result<Vec<LaneStatus>, StoreError> {
    // This query finds the lanes one by one in the index, instead of reading each head.
    let query = "WITH RECURSIVE found (lane) AS (
            SELECT min(lane) FROM event WHERE is_head = 1
            UNION ALL
            SELECT (SELECT min(lane) FROM event WHERE is_head = 1 AND lane > found.lane)
            FROM found WHERE found.lane IS NOT NULL)
        SELECT lane, (SELECT min(due_ms) FROM event WHERE is_head = 1 AND event.lane = found.lane)
        FROM found WHERE lane IS NOT NULL";
    let read = || -> rusqlite::Result<Vec<LaneStatus>> {
        let mut statement = db.prepare_cached(query)?;
        let rows = statement.query_map([], |row| {
            let due = Timestamp::from_millis(row.get(1)?);
            Ok(LaneStatus { lane: lane_of(&text_at(row, 0)), due })
        })?;
        rows.collect()
    };
    read().map_err(|error| failed(&error))
}

/// Claims due heads of a lane, at most `max`. Turns damaged heads into dead letters.
pub(super) fn claim(
    db: &Connection,
    lane: &Lane,
    owner: &str,
    max: usize,
    lease_end: Timestamp,
    now: Timestamp,
) -> Result<Vec<Claimed>, StoreError> {
    let find = "SELECT number, id, lane, source, subject, received_ms, headers, body,
            attempts + 1, queued_ms, is_replay, checksum
        FROM event LEFT JOIN payload USING (number)
        WHERE is_head = 1 AND lane = ?1 AND due_ms <= ?2 ORDER BY due_ms LIMIT ?3";
    let take = "UPDATE event SET owner = ?2, due_ms = ?3, attempts = ?4 WHERE number = ?1";
    let claimed = || -> rusqlite::Result<Vec<Claimed>> {
        let mut statement = db.prepare_cached(find)?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let key = params![lane.to_string(), now.as_millis(), max];
        let rows = statement.query_map(key, |row| {
            let number = number_at(row, 0)?;
            let damaged = |fault| DamagedEvent { number, id: text_at(row, 1), fault };
            Ok(checksum::check(row, 11)
                .and_then(|()| claimed_at(row, owner).map_err(|error| error.to_string()))
                .map_err(damaged))
        })?;
        let (mut claimed, mut damaged) = (Vec::new(), Vec::new());
        for row in rows {
            match row? {
                Ok(event) => claimed.push(event),
                Err(event) => damaged.push(event),
            }
        }
        give_up(db, &damaged, now)?;
        for Claimed { lease, .. } in &claimed {
            let number = lease.number.cast_signed();
            let (end, attempt) = (lease_end.as_millis(), lease.attempt);
            db.prepare_cached(take)?.execute(params![number, owner, end, attempt])?;
        }
        Ok(claimed)
    };
    claimed().map_err(|error| failed(&error))
}

/// An event whose row differs from the row that gatepost wrote.
struct DamagedEvent {
    number: u64,
    id: Box<str>,
    fault: String,
}

fn claimed_at(row: &Row<'_>, owner: &str) -> rusqlite::Result<Claimed> {
    let lease = Lease { number: number_at(row, 0)?, attempt: row.get(8)?, owner: owner.into() };
    let queued = Timestamp::from_millis(row.get(9)?);
    Ok(Claimed { lease, event: event_at(row)?, queued, is_replay: row.get(10)? })
}

/// Turns damaged events into dead letters.
fn give_up(db: &Connection, damaged: &[DamagedEvent], now: Timestamp) -> rusqlite::Result<()> {
    if damaged.is_empty() {
        return Ok(());
    }
    let end = "UPDATE event SET state = 'dead', is_head = 0, owner = NULL, ended_ms = ?2,
        reason = ?3 WHERE number = ?1";
    // The trigger finds the next event by the subject, which may be the damaged value.
    let heads = "UPDATE event SET is_head = 1 WHERE is_head = 0 AND number IN (
        SELECT min(number) FROM event WHERE state = 'pending' AND subject IS NOT NULL
        GROUP BY source, subject)";
    for DamagedEvent { number, id, fault } in damaged {
        let reason = format!("event_damaged: {fault}");
        let values = params![number.cast_signed(), now.as_millis(), reason];
        db.prepare_cached(end)?.execute(values)?;
        tracing::error!(
            code = "event_damaged",
            number,
            id = &**id,
            reason = &*reason,
            "gave up a queued event, because its stored bytes have changed"
        );
    }
    db.prepare_cached(heads)?.execute([]).map(drop)
}

/// Turns overdue events of a lane into dead letters. Returns the count of these events.
pub(super) fn expire(
    db: &Connection,
    lane: &Lane,
    queued_before: Timestamp,
    reason: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let end = "UPDATE event SET state = 'dead', is_head = 0, owner = NULL, ended_ms = ?2,
            reason = ?3 WHERE number = ?1";
    let expired = || -> rusqlite::Result<u64> {
        let mut ended = 0;
        for number in overdue(db, lane, queued_before, now)? {
            ended += db.prepare_cached(end)?.execute(params![number, now.as_millis(), reason])?;
        }
        Ok(ended as u64)
    };
    expired().map_err(|error| failed(&error))
}

/// Returns the row numbers of overdue heads of a lane, and of the overdue events of the lane behind
/// these heads.
fn overdue(
    db: &Connection,
    lane: &Lane,
    queued_before: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<i64>> {
    let heads = "SELECT number, source, subject FROM event
        WHERE is_head = 1 AND lane = ?1 AND queued_ms < ?2 AND (owner IS NULL OR due_ms <= ?3)
        LIMIT 100";
    let behind = "SELECT number FROM event
        WHERE source = ?1 AND subject = ?2 AND state = 'pending' AND subject IS NOT NULL
            AND lane = ?3 AND queued_ms < ?4 AND is_head = 0 ORDER BY number LIMIT 1000";
    let (lane, before) = (lane.to_string(), queued_before.as_millis());
    let mut heads = db.prepare_cached(heads)?;
    let mut behind = db.prepare_cached(behind)?;
    let mut heads = heads.query(params![lane, before, now.as_millis()])?;
    let mut numbers = Vec::new();
    while let Some(head) = heads.next()?
        && numbers.len() < 1000
    {
        numbers.push(head.get(0)?);
        let (source, subject): (String, Option<String>) = (head.get(1)?, head.get(2)?);
        let line = behind.query_map(params![source, subject, lane, before], |row| row.get(0))?;
        numbers.extend(line.collect::<rusqlite::Result<Vec<i64>>>()?);
    }
    Ok(numbers)
}

/// Records the result of an attempt. Returns false if the lease no longer holds.
pub(super) fn settle(
    db: &Connection,
    lease: &Lease,
    result: &Settlement,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const HELD: &str = "WHERE number = ?1 AND owner = ?2 AND attempts = ?3 AND state = 'pending'";
    let held = (lease.number.cast_signed(), &*lease.owner, lease.attempt);
    let end = |state: &str, reason: Option<&str>| {
        let query = format!(
            "UPDATE event SET state = ?4, is_head = 0, owner = NULL, ended_ms = ?5,
                reason = coalesce(?6, reason) {HELD}"
        );
        let (number, owner, attempt) = held;
        let values = params![number, owner, attempt, state, now.as_millis(), reason];
        db.prepare_cached(&query)?.execute(values)
    };
    let changed = match result {
        Settlement::Delivered => end("delivered", None),
        Settlement::Dead { reason } => end("dead", Some(reason)),
        Settlement::Later { at, reason } => {
            let query = format!("UPDATE event SET owner = NULL, due_ms = ?4, reason = ?5 {HELD}");
            let (number, owner, attempt) = held;
            let values = params![number, owner, attempt, at.as_millis(), reason];
            db.prepare_cached(&query).and_then(|mut statement| statement.execute(values))
        }
    };
    changed.map(|changed| changed > 0).map_err(|error| failed(&error))
}

/// Removes delivered events, dead letters and keys whose retention has ended, at most
/// [`MAX_REMOVED`] of each. Returns the number of removed dead letters.
pub(super) fn sweep(db: &Connection, rules: StoreRules, now: Timestamp) -> Result<u64, StoreError> {
    let ended = "DELETE FROM event WHERE number IN (
        SELECT number FROM event WHERE state = ?1 AND state <> 'pending' AND ended_ms <= ?2
        ORDER BY ended_ms LIMIT ?3)";
    let keys = "DELETE FROM seen WHERE key IN (
        SELECT key FROM seen WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)";
    let now = now.as_millis();
    let before = |retention: std::time::Duration| {
        now.saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX))
    };
    let swept = || -> rusqlite::Result<usize> {
        let mut remove = db.prepare_cached(ended)?;
        remove.execute(params!["delivered", before(rules.delivered), MAX_REMOVED])?;
        let dead = remove.execute(params!["dead", before(rules.dead), MAX_REMOVED])?;
        db.prepare_cached(keys)?.execute(params![now, MAX_REMOVED])?;
        Ok(dead)
    };
    swept().map(|dead| dead as u64).map_err(|error| failed(&error))
}

/// Reads an event from the columns `number, id, lane, source, subject, received_ms, headers, body`.
/// Replaces a damaged string, so that an operator can inspect the event.
pub(super) fn event_at(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        id: text_at(row, 1),
        lane: lane_of(&text_at(row, 2)),
        source: text_at(row, 3),
        subject: (row.get_ref(4)? != ValueRef::Null).then(|| text_at(row, 4)),
        received: Timestamp::from_millis(row.get(5)?),
        headers: headers_from_json(&text_at(row, 6)),
        body: row.get_ref(7)?.as_bytes().unwrap_or_default().to_vec().into(),
    })
}

/// Reads a string. Replaces bytes that are not UTF-8. Returns an empty string for a value that is
/// neither text nor a blob.
pub(super) fn text_at(row: &Row<'_>, column: usize) -> Box<str> {
    let bytes = row.get_ref(column).ok().and_then(|value| value.as_bytes().ok());
    String::from_utf8_lossy(bytes.unwrap_or_default()).into()
}

pub(super) fn number_at(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

fn lane_of(text: &str) -> Lane {
    Lane::parse(text).unwrap_or_else(|| Lane::new(text, ""))
}
