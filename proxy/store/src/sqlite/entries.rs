//! Operations for an operator: list, show, replay, remove and status.

use gatepost::{
    EntryState, QueueEntry, QueueFilter, StateTotal, StoreError, StoreStatus, StoredEvent,
    Timestamp,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, named_params};

use super::error::failed;
use super::events::{event_at, number_at, text_at};

/// SQL condition of a filter. [`with_filter`] sets its parameters.
const MATCHES: &str = "
    number > :after
    AND (:numbers IS NULL OR number IN (SELECT value FROM json_each(:numbers)))
    AND (:state IS NULL OR state = :state)
    AND (:template IS NULL OR substr(lane, 1, instr(lane, '/') - 1) = :template)
    AND (:kind IS NULL OR substr(lane, instr(lane, '/') + 1) = :kind)
    AND (:id IS NULL OR id = :id)
    AND (:subject IS NULL OR subject = :subject)
    AND (NOT :failing OR (state = 'pending' AND reason IS NOT NULL))
    AND (:before IS NULL OR received_ms < :before)";

/// Columns that [`entry_at`] reads after those of [`event_at`].
const ENTRY: &str = "state, attempts, due_ms, owner, ended_ms, reason, is_replay, bytes";

/// Returns the entries that match the filter.
pub(super) fn list(db: &Connection, filter: &QueueFilter) -> Result<Vec<QueueEntry>, StoreError> {
    let query = format!(
        "SELECT number, id, lane, source, subject, received_ms, '[]', x'', {ENTRY} FROM event
         WHERE {MATCHES} ORDER BY number LIMIT :limit"
    );
    with_filter(db, &query, filter, entry_at).map_err(|error| failed(&error))
}

/// Returns an entry with its event.
pub(super) fn show(
    db: &Connection,
    number: u64,
) -> Result<Option<(QueueEntry, StoredEvent)>, StoreError> {
    let query = format!(
        "SELECT number, id, lane, source, subject, received_ms, headers, body, {ENTRY}
         FROM event LEFT JOIN payload USING (number) WHERE {MATCHES} LIMIT :limit"
    );
    let filter = QueueFilter { numbers: vec![number], ..QueueFilter::default() };
    let found = with_filter(db, &query, &filter, |row| Ok((entry_at(row)?, event_at(row)?)));
    found.map(|found| found.into_iter().next()).map_err(|error| failed(&error))
}

/// Replays the ended events that match the filter: queues each event as a new row at the end of its
/// line. Returns the number of replayed events.
pub(super) fn replay(
    db: &Connection,
    filter: &QueueFilter,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let numbers = format!(
        "SELECT number FROM event WHERE {MATCHES} AND state <> 'pending' ORDER BY number LIMIT :limit"
    );
    let copy = "INSERT INTO event (id, lane, source, subject, received_ms, is_head, due_ms, queued_ms, bytes, is_replay, checksum)
        SELECT id, lane, source, subject, received_ms, subject IS NULL OR NOT EXISTS (
            SELECT 1 FROM event AS other WHERE other.source = event.source
                AND other.subject = event.subject AND other.state = 'pending'
                AND other.subject IS NOT NULL), ?2, ?2, bytes, 1, checksum
        FROM event WHERE number = ?1";
    let copy_payload =
        "INSERT INTO payload SELECT ?2, headers, body FROM payload WHERE number = ?1";
    let replayed = || -> rusqlite::Result<u64> {
        let numbers = with_filter(db, &numbers, filter, |row| row.get::<_, i64>(0))?;
        for number in &numbers {
            db.prepare_cached(copy)?.execute([*number, now.as_millis()])?;
            db.prepare_cached(copy_payload)?.execute([*number, db.last_insert_rowid()])?;
            db.prepare_cached("DELETE FROM event WHERE number = ?1")?.execute([number])?;
        }
        Ok(numbers.len() as u64)
    };
    replayed().map_err(|error| failed(&error))
}

/// Removes the events that match the filter and have no current claim. Returns the number of
/// removed events.
pub(super) fn remove(
    db: &Connection,
    filter: &QueueFilter,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let now = now.as_millis();
    let query = format!(
        "DELETE FROM event WHERE number IN (
            SELECT number FROM event WHERE {MATCHES} AND (owner IS NULL OR due_ms <= {now})
            ORDER BY number LIMIT :limit) RETURNING number"
    );
    let removed = with_filter(db, &query, filter, |_| Ok(()));
    removed.map(|removed| removed.len() as u64).map_err(|error| failed(&error))
}

/// Returns the number and the size of the events in each state, and the arrival time of the oldest
/// callback whose event is pending.
pub(super) fn status(db: &Connection) -> Result<StoreStatus, StoreError> {
    let read = || -> rusqlite::Result<StoreStatus> {
        let mut status = StoreStatus::default();
        let mut totals = db.prepare_cached("SELECT state, count, bytes FROM total")?;
        let mut rows = totals.query([])?;
        while let Some(row) = rows.next()? {
            let total = StateTotal { count: number_at(row, 1)?, bytes: number_at(row, 2)? };
            if let Some(state) = EntryState::parse(&row.get::<_, String>(0)?) {
                *status.of_mut(state) = total;
            }
        }
        let oldest = "SELECT min(received_ms) FROM event WHERE state = 'pending'";
        let oldest: Option<i64> = db.prepare_cached(oldest)?.query_row([], |row| row.get(0))?;
        status.oldest_pending = oldest.map(Timestamp::from_millis);
        Ok(status)
    };
    read().map_err(|error| failed(&error))
}

/// Runs a query with the values of a filter. Returns the rows.
fn with_filter<T>(
    db: &Connection,
    query: &str,
    filter: &QueueFilter,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let numbers = serde_json::Value::from(filter.numbers.clone()).to_string();
    let numbers = (!filter.numbers.is_empty()).then_some(numbers);
    let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let values = named_params! {
        ":after": filter.after.cast_signed(),
        ":numbers": numbers,
        ":state": filter.state.map(EntryState::as_str),
        ":template": filter.template,
        ":kind": filter.kind,
        ":id": filter.id,
        ":subject": filter.subject,
        ":failing": filter.is_failing,
        ":before": filter.received_before.map(Timestamp::as_millis),
        ":limit": limit,
    };
    db.prepare_cached(query)?.query_map(values, read)?.collect()
}

/// Reads an entry from the columns of [`event_at`] and [`ENTRY`].
fn entry_at(row: &Row<'_>) -> rusqlite::Result<QueueEntry> {
    let event = event_at(row)?;
    let mut entry = QueueEntry::new(number_at(row, 0)?, &event, event.received);
    entry.state = EntryState::parse(&text_at(row, 8)).unwrap_or(EntryState::Dead);
    entry.attempts = row.get(9)?;
    entry.due = Timestamp::from_millis(row.get(10)?);
    entry.is_claimed = row.get_ref(11)? != ValueRef::Null;
    entry.ended = row.get::<_, Option<i64>>(12)?.map(Timestamp::from_millis);
    entry.reason = (row.get_ref(13)? != ValueRef::Null).then(|| text_at(row, 13));
    entry.is_replay = row.get(14)?;
    entry.bytes = number_at(row, 15)?;
    Ok(entry)
}
