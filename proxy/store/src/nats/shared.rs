//! The state that machines share, in a separate stream.
//!
//! A value is a message with a time to live. An insert requires that the last sequence of the
//! value's subject is 0, so only one of several machines can insert a value. The stream has no
//! delete markers, because delete markers count as messages.

use std::time::Duration;

use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use gatepost::{SharedKey, SharedState, SharedValue, StoreError, StoreFuture, Timestamp};
use tokio::time::sleep;

use super::append::expecting;
use super::streams::WriteError;
use super::{NatsStore, Shared};

/// Maximum number of attempts to insert while another write of the key is incomplete.
const INSERT_ATTEMPTS: u32 = 20;

/// Wait between two attempts.
const INSERT_WAIT: Duration = Duration::from_millis(10);

/// Longest time to live that gatepost requests. A wrong clock can lead to a longer time, which
/// NATS refuses.
const MAX_SECS: u64 = 366 * 24 * 3600;

impl Shared {
    async fn insert_shared(
        &self,
        key: SharedKey,
        value: &SharedValue,
        now: Timestamp,
    ) -> Result<Option<SharedValue>, StoreError> {
        let subject = self.streams.names.shared(key);
        let mut expected = 0;
        for _ in 0..INSERT_ATTEMPTS {
            let new = expecting(message(value, now), expected);
            match self.streams.write(&subject, new).await {
                Ok(_) => return Ok(None),
                Err(WriteError::Unavailable(error)) => return Err(error),
                Err(WriteError::Conflict | WriteError::Full) => {}
            }
            match self.shared_message(&subject).await? {
                Some(present) => match parse(present.payload) {
                    Some(present) if now < present.until => return Ok(Some(present)),
                    Some(_) | None => expected = present.sequence,
                },
                None => expected = 0,
            }
            sleep(INSERT_WAIT).await;
        }
        Err(super::streams::away("another write of the same key that does not end"))
    }

    async fn set_shared(
        &self,
        key: SharedKey,
        value: &SharedValue,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let subject = self.streams.names.shared(key);
        match self.streams.write(&subject, message(value, now)).await {
            Ok(_) => Ok(()),
            Err(WriteError::Unavailable(error)) => Err(error),
            Err(WriteError::Conflict | WriteError::Full) => Err(super::wire::foreign()),
        }
    }

    async fn get_shared(
        &self,
        key: SharedKey,
        now: Timestamp,
    ) -> Result<Option<SharedValue>, StoreError> {
        let found = self.shared_message(&self.streams.names.shared(key)).await?;
        Ok(found.and_then(|found| parse(found.payload)).filter(|found| now < found.until))
    }

    async fn replace_shared(
        &self,
        key: SharedKey,
        old: &[u8],
        value: &SharedValue,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let subject = self.streams.names.shared(key);
        let Some(found) = self.shared_message(&subject).await? else { return Ok(false) };
        let is_old = |present: &SharedValue| now < present.until && present.bytes == old;
        if parse(found.payload).filter(is_old).is_none() {
            return Ok(false);
        }
        match self.streams.write(&subject, expecting(message(value, now), found.sequence)).await {
            Ok(_) => Ok(true),
            Err(WriteError::Unavailable(error)) => Err(error),
            Err(WriteError::Conflict | WriteError::Full) => {
                // The other write may be incomplete.
                sleep(INSERT_WAIT).await;
                Ok(false)
            }
        }
    }

    async fn remove_shared(&self, key: SharedKey, bytes: &[u8]) -> Result<(), StoreError> {
        let Some(found) = self.shared_message(&self.streams.names.shared(key)).await? else {
            return Ok(());
        };
        if parse(found.payload).is_some_and(|present| present.bytes == bytes) {
            self.streams.delete(&self.streams.shared, found.sequence).await?;
        }
        Ok(())
    }

    async fn shared_message(&self, subject: &str) -> Result<Option<StreamMessage>, StoreError> {
        self.streams.last(&self.streams.shared, subject).await
    }
}

impl SharedState for NatsStore {
    fn insert(
        &self,
        key: SharedKey,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>> {
        self.run_waiting(value.bytes.len(), move |shared| async move {
            shared.insert_shared(key, &value, now).await
        })
    }

    fn set(&self, key: SharedKey, value: SharedValue, now: Timestamp) -> StoreFuture<'_, ()> {
        self.run_waiting(value.bytes.len(), move |shared| async move {
            shared.set_shared(key, &value, now).await
        })
    }

    fn get(&self, key: SharedKey, now: Timestamp) -> StoreFuture<'_, Option<SharedValue>> {
        self.run_waiting(0, move |shared| async move { shared.get_shared(key, now).await })
    }

    fn replace(
        &self,
        key: SharedKey,
        old: Bytes,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, bool> {
        self.run_waiting(value.bytes.len(), move |shared| async move {
            shared.replace_shared(key, &old, &value, now).await
        })
    }

    fn remove(&self, key: SharedKey, bytes: Bytes) -> StoreFuture<'_, ()> {
        self.run_waiting(bytes.len(), move |shared| async move {
            shared.remove_shared(key, &bytes).await
        })
    }
}

fn message(value: &SharedValue, now: Timestamp) -> PublishMessage {
    let mut payload = BytesMut::with_capacity(8 + value.bytes.len());
    payload.put_i64(value.until.as_millis());
    payload.put(&*value.bytes);
    let left = value.until.as_millis().saturating_sub(now.as_millis());
    let secs = u64::try_from(left).unwrap_or_default().div_ceil(1000).clamp(1, MAX_SECS);
    PublishMessage::build().payload(payload.freeze()).ttl(Duration::from_secs(secs))
}

fn parse(mut payload: Bytes) -> Option<SharedValue> {
    let until = payload.try_get_i64().ok()?;
    Some(SharedValue { bytes: payload, until: Timestamp::from_millis(until) })
}
