//! The steps that append an event: the check of its dedupe key, the release of space, and the
//! durable write.
//!
//! The dedupe key is a part of the event's NATS subject, and the write succeeds only if no other
//! event has the key. The event and its key therefore become durable together. At the
//! [end](super::deliver) of the event, gatepost writes a record of the key before it removes the
//! event.
//!
//! The expected sequence 0 for the subjects of a key makes NATS refuse a second message with the
//! key (error 10071; error 10164 while NATS still writes the first message). After the removal of
//! the first message, NATS accepts the key again.

use std::time::{Duration, Instant};

use async_nats::jetstream::message::PublishMessage;
use gatepost::{Appended, NewEvent, StoreError, Timestamp};

use super::Shared;
use super::streams::{WriteError, message};
use super::wire::{EventInfo, EventMessage, KeyRecord, info};

const EXPECTED_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";

/// Age of the known sizes at which an append reads the sizes of the streams again.
const SIZES_AGE: Duration = Duration::from_secs(1);

/// Number of free bytes below which each append reads the sizes again.
const NEARLY_FULL: u64 = 16 * 1024 * 1024;

/// Maximum number of delivered events that gatepost removes with one request to free space.
const REMOVED_AT_ONCE: u64 = 64;

impl Shared {
    pub(super) async fn append(
        &self,
        new: NewEvent,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        let info = EventInfo::new(&new.event, new.dedupe, now);
        if let Some((key, _)) = &info.key
            && self.is_remembered(key, now).await?
        {
            return Ok(Appended::Duplicate);
        }
        let event = EventMessage::new(&new.event, info);
        self.make_room(event.len()).await?;
        self.write_event(event, now).await
    }

    /// Writes an event. If its key is the unexpired key of another event, returns
    /// [`Appended::Duplicate`].
    pub(super) async fn write_event(
        &self,
        event: EventMessage,
        now: Timestamp,
    ) -> Result<Appended, StoreError> {
        let names = &self.streams.names;
        let subject = names.event(&event.info.address());
        let mut expected = 0;
        loop {
            let mut new = message(event.headers(), event.payload.clone());
            if let Some((key, _)) = &event.info.key {
                new = expecting(new, expected).header(EXPECTED_SUBJECT, self.key_filter(key));
            }
            match self.streams.write(&subject, new).await {
                Ok(number) => {
                    self.appended(number);
                    return Ok(Appended::Durable);
                }
                Err(WriteError::Full) => {
                    return Err(StoreError::Full { max_bytes: self.rules.max_bytes });
                }
                Err(WriteError::Unavailable(error)) => return Err(error),
                Err(WriteError::Conflict) => {}
            }
            let Some((key, _)) = &event.info.key else { return Err(super::wire::foreign()) };
            let last = self.streams.last(&self.streams.events, &self.key_filter(key)).await?;
            let known = last.as_ref().and_then(|last| Some((last.sequence, info(&last.headers)?)));
            match known {
                // An earlier attempt of this call has succeeded.
                Some((_, known)) if known.nonce == event.info.nonce => {
                    return Ok(Appended::Durable);
                }
                Some((_, known))
                    if known.key.as_ref().is_some_and(|(_, until)| *until > now.as_millis()) =>
                {
                    return Ok(Appended::Duplicate);
                }
                Some((number, _)) => expected = number,
                // The other event has ended in the meantime, or its write is incomplete.
                None if self.is_remembered(key, now).await? => return Ok(Appended::Duplicate),
                None => {
                    expected = 0;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn key_filter(&self, key: &str) -> String {
        self.streams.names.event(&format!("*.*.{key}"))
    }

    /// Returns true for the unexpired key of an event that has ended.
    async fn is_remembered(&self, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        let record = self.key_record(key).await?;
        Ok(record.is_some_and(|record| record.until_ms > now.as_millis()))
    }

    pub(super) async fn key_record(&self, key: &str) -> Result<Option<KeyRecord>, StoreError> {
        let streams = &self.streams;
        let found = streams.last(&streams.state, &streams.names.key(key)).await?;
        Ok(found.and_then(|found| serde_json::from_slice(&found.payload).ok()))
    }

    /// Writes the record of a key whose event ends.
    pub(super) async fn remember_key(
        &self,
        number: u64,
        info: &EventInfo,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some((key, until_ms)) = &info.key else { return Ok(()) };
        let left = until_ms.saturating_sub(now.as_millis());
        let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else { return Ok(()) };
        let record = KeyRecord { number, until_ms: *until_ms };
        let new = PublishMessage::build().payload(record.to_bytes());
        let new = new.ttl(Duration::from_secs(left.div_ceil(1000)));
        match self.streams.write(&self.streams.names.key(key), new).await {
            Err(WriteError::Unavailable(error)) => Err(error),
            Ok(_) | Err(WriteError::Conflict | WriteError::Full) => Ok(()),
        }
    }

    /// Removes the oldest delivered events until the new event fits into `max_bytes`.
    async fn make_room(&self, bytes: u64) -> Result<(), StoreError> {
        let max_bytes = self.rules.max_bytes;
        let used = self.used_bytes(max_bytes).await?;
        if used.saturating_add(bytes) <= max_bytes {
            self.add_used(bytes);
            return Ok(());
        }
        loop {
            let used = self.read_sizes().await?;
            if used.saturating_add(bytes) <= max_bytes {
                return Ok(());
            }
            let state = self.streams.info(&self.streams.delivered).await?.state;
            if state.messages == 0 {
                return Err(StoreError::Full { max_bytes });
            }
            let end = state.first_sequence.saturating_add(REMOVED_AT_ONCE);
            let purged = self.streams.delivered.purge().sequence(end).await;
            purged.map_err(|error| super::streams::away(&error.to_string()))?;
        }
    }

    /// Returns the size of all events. Reads the size again after [`SIZES_AGE`], and at each call
    /// while the store is nearly full.
    async fn used_bytes(&self, max_bytes: u64) -> Result<u64, StoreError> {
        let known = *self.lock_sizes();
        match known {
            Some((read, used)) if read.elapsed() < SIZES_AGE && used + NEARLY_FULL < max_bytes => {
                Ok(used)
            }
            Some(_) | None => self.read_sizes().await,
        }
    }

    async fn read_sizes(&self) -> Result<u64, StoreError> {
        let streams = &self.streams;
        let (events, delivered, dead) = tokio::try_join!(
            streams.info(&streams.events),
            streams.info(&streams.delivered),
            streams.info(&streams.dead),
        )?;
        let used = events.state.bytes + delivered.state.bytes + dead.state.bytes;
        *self.lock_sizes() = Some((Instant::now(), used));
        Ok(used)
    }

    fn add_used(&self, bytes: u64) {
        if let Some((_, used)) = self.lock_sizes().as_mut() {
            *used = used.saturating_add(bytes);
        }
    }
}

/// Adds a condition to a message: NATS writes the message only if the last message of its subject
/// has this sequence.
pub(super) fn expecting(message: PublishMessage, sequence: u64) -> PublishMessage {
    message.header(EXPECTED_SEQUENCE, sequence.to_string())
}
