//! Checksums of stored rows: CRC-32 of the columns that never change. A checksum detects each
//! change within four successive bytes.

use crc32fast::Hasher;
use gatepost::{SharedKey, SharedValue, StoredEvent, Timestamp};
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// Computes the checksum of an event. `lane` and `headers` are the strings in the file.
pub(super) fn of_event(event: &StoredEvent, lane: &str, headers: &str) -> u32 {
    let subject = event.subject.as_ref().map(|subject| subject.as_bytes());
    let texts = [Some(event.id.as_bytes()), Some(lane.as_bytes()), Some(event.source.as_bytes())];
    compute(texts, subject, event.received.as_millis(), headers.as_bytes(), &event.body)
}

/// Checks the columns `number, id, lane, source, subject, received_ms, headers, body`, and the
/// checksum in `column`. Skips a checksum that is NULL.
///
/// # Errors
///
/// Returns a description of the fault.
pub(super) fn check(row: &Row<'_>, column: usize) -> Result<(), String> {
    let text = |column| {
        let Ok(ValueRef::Text(text)) = row.get_ref(column) else {
            return Err(format!("expected text in column {}, found none", name(row, column)));
        };
        Ok(text)
    };
    let is_null = |column| matches!(row.get_ref(column), Ok(ValueRef::Null));
    let texts = [Some(text(1)?), Some(text(2)?), Some(text(3)?)];
    let subject = if is_null(4) { None } else { Some(text(4)?) };
    let number = |column| {
        let Ok(ValueRef::Integer(number)) = row.get_ref(column) else {
            return Err(format!("expected a number in column {}, found none", name(row, column)));
        };
        Ok(number)
    };
    let (received, headers) = (number(5)?, text(6)?);
    let Ok(ValueRef::Blob(body)) = row.get_ref(7) else {
        return Err("expected a body, found none".into());
    };
    if is_null(column) {
        return Ok(());
    }
    if number(column)? == i64::from(compute(texts, subject, received, headers, body)) {
        Ok(())
    } else {
        Err("expected the bytes that gatepost stored, found others".into())
    }
}

/// Computes the checksum of a shared value.
pub(super) fn of_value(key: &SharedKey, bytes: &[u8], until: i64) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(key);
    hasher.update(&until.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Reads a shared value from the columns `key, bytes, until_ms, checksum`. Returns `None` if the
/// row differs from the row that gatepost wrote.
pub(super) fn read_value(row: &Row<'_>) -> Option<SharedValue> {
    let key: SharedKey = row.get(0).ok()?;
    let bytes = row.get_ref(1).ok()?.as_blob().ok()?;
    let (until, checksum): (i64, i64) = (row.get(2).ok()?, row.get(3).ok()?);
    let is_intact = checksum == i64::from(of_value(&key, bytes, until));
    is_intact
        .then(|| SharedValue { bytes: bytes.to_vec().into(), until: Timestamp::from_millis(until) })
}

fn name<'r>(row: &'r Row<'_>, column: usize) -> &'r str {
    row.as_ref().column_name(column).unwrap_or_default()
}

fn compute(
    texts: [Option<&[u8]>; 3],
    subject: Option<&[u8]>,
    received: i64,
    headers: &[u8],
    body: &[u8],
) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&received.to_le_bytes());
    for part in texts.into_iter().chain([subject, Some(headers), Some(body)]) {
        // The lengths separate the parts. No part has the length of an absent subject.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(part.unwrap_or_default());
    }
    hasher.finalize()
}
