//! The messages of the store: events, their claims, and records of dedupe keys.

use async_nats::HeaderMap as NatsHeaders;
use bytes::{BufMut as _, Bytes, BytesMut};
use gatepost::{
    DedupeKey, EntryState, Lane, QueueEntry, Settlement, StoreError, StoredEvent, Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::pending::{LineId, Partition, Pending};
use crate::headers::{headers_from_json, headers_to_json};

/// Number of partitions. All machines that share a store must use the same number.
pub(super) const PARTITIONS: Partition = 16;

/// Header with the data of an event, as JSON.
const EVENT: &str = "Gatepost-Event";

/// Header with the last claim of an ended event, as JSON.
const END: &str = "Gatepost-End";

/// The data of an event, besides its headers and body.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct EventInfo {
    pub(super) id: Box<str>,
    pub(super) lane: Box<str>,
    pub(super) source: Box<str>,
    pub(super) subject: Option<Box<str>>,
    pub(super) received_ms: i64,
    pub(super) queued_ms: i64,
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) replay: bool,
    /// Dedupe key in hexadecimal, and the time at which the key expires, in Unix milliseconds.
    #[serde(default)]
    pub(super) key: Option<(Box<str>, i64)>,
    /// Random string by which a repeated write recognizes its first copy.
    pub(super) nonce: Box<str>,
}

impl EventInfo {
    pub(super) fn new(event: &StoredEvent, dedupe: Option<DedupeKey>, now: Timestamp) -> Self {
        Self {
            id: event.id.clone(),
            lane: event.lane.to_string().into(),
            source: event.source.clone(),
            subject: event.subject.clone(),
            received_ms: event.received.as_millis(),
            queued_ms: now.as_millis(),
            bytes: event.stored_bytes(),
            replay: false,
            key: dedupe.map(|dedupe| (hex(&dedupe.key).into(), dedupe.until.as_millis())),
            nonce: nonce(),
        }
    }

    pub(super) fn lane(&self) -> Lane {
        Lane::parse(&self.lane).unwrap_or_else(|| Lane::new(&*self.lane, ""))
    }

    /// Returns the line of the event. An event without a subject is the only event of its line.
    pub(super) fn line(&self) -> LineId {
        let mut hash = Sha256::new();
        hash.update((self.source.len() as u64).to_be_bytes());
        hash.update(&*self.source);
        hash.update(self.subject.as_deref().unwrap_or(&self.nonce));
        hash.update([u8::from(self.subject.is_some())]);
        hash.finalize().first_chunk().copied().map_or(0, LineId::from_be_bytes)
    }

    /// Returns the part of a NATS subject that names the event: partition, line and key.
    pub(super) fn address(&self) -> String {
        let line = self.line();
        let key = self.key.as_ref().map_or("none", |(key, _)| key);
        format!("{}.{line:032x}.{key}", partition_of(line))
    }

    pub(super) fn pending(&self) -> Pending {
        let line = self.line();
        Pending {
            partition: partition_of(line),
            line,
            lane: self.lane(),
            received: Timestamp::from_millis(self.received_ms),
            queued: Timestamp::from_millis(self.queued_ms),
        }
    }
}

/// Returns the partition of a line.
const fn partition_of(line: LineId) -> Partition {
    (line % PARTITIONS as LineId) as Partition
}

/// Record of the state of an event's delivery, in the stream of claims.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Claim {
    state: ClaimState,
    pub(super) owner: Option<Box<str>>,
    pub(super) attempts: u32,
    due_ms: i64,
    pub(super) reason: Option<Box<str>>,
    nonce: Box<str>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum ClaimState {
    Claimed,
    Later,
    Delivered,
    Dead,
    Dropped,
}

impl Claim {
    pub(super) fn claimed(owner: &str, attempts: u32, due: Timestamp) -> Self {
        Self {
            state: ClaimState::Claimed,
            owner: Some(owner.into()),
            attempts,
            due_ms: due.as_millis(),
            reason: None,
            nonce: nonce(),
        }
    }

    /// Returns the record that follows an event's first claim after an attempt with this result.
    #[cfg(test)]
    pub(super) fn ended(result: &Settlement, now: Timestamp) -> Self {
        Self::claimed("", 1, now).settled(result, now)
    }

    /// Returns the claim of an event that gatepost gives up without another attempt.
    pub(super) fn given_up(earlier: Option<&Self>, reason: &str, now: Timestamp) -> Self {
        let attempts = earlier.map_or(0, |claim| claim.attempts);
        let dead = Settlement::Dead { reason: reason.into() };
        Self::claimed("", attempts, now).settled(&dead, now)
    }

    /// Returns the claim of an event that gatepost removes without keeping a copy.
    pub(super) fn dropped(earlier: Option<&Self>, now: Timestamp) -> Self {
        Self { state: ClaimState::Dropped, reason: None, ..Self::given_up(earlier, "", now) }
    }

    /// Returns the record that follows a claim after an attempt with this result.
    pub(super) fn settled(&self, result: &Settlement, now: Timestamp) -> Self {
        let (state, due, reason) = match result {
            Settlement::Later { at, reason } => (ClaimState::Later, *at, Some(reason.clone())),
            Settlement::Delivered => (ClaimState::Delivered, now, self.reason.clone()),
            Settlement::Dead { reason } => (ClaimState::Dead, now, Some(reason.clone())),
        };
        let due_ms = due.as_millis();
        Self { state, owner: None, due_ms, reason, nonce: nonce(), ..self.clone() }
    }

    /// Returns the time of the next attempt, of the end of the lease, or of the end of the event,
    /// depending on the state.
    pub(super) const fn due(&self) -> Timestamp {
        Timestamp::from_millis(self.due_ms)
    }

    pub(super) const fn is_claimed(&self) -> bool {
        matches!(self.state, ClaimState::Claimed)
    }

    /// Returns true if no gatepost is delivering the event.
    pub(super) fn is_free(&self, now: Timestamp) -> bool {
        !self.is_claimed() || self.due() <= now
    }

    /// Returns true for the record of an event that is no longer pending.
    pub(super) const fn is_end(&self) -> bool {
        self.end().is_some() || matches!(self.state, ClaimState::Dropped)
    }

    /// Returns the state in which the event ended; `None` if it is pending or dropped.
    pub(super) const fn end(&self) -> Option<EntryState> {
        match self.state {
            ClaimState::Delivered => Some(EntryState::Delivered),
            ClaimState::Dead => Some(EntryState::Dead),
            ClaimState::Claimed | ClaimState::Later | ClaimState::Dropped => None,
        }
    }

    /// Returns true if both claims come from the same write.
    pub(super) fn is_same_write(&self, other: &Self) -> bool {
        self.nonce == other.nonce
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        to_json(self).into()
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Record of a dedupe key whose event has ended.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct KeyRecord {
    pub(super) number: u64,
    pub(super) until_ms: i64,
}

impl KeyRecord {
    pub(super) fn to_bytes(self) -> Bytes {
        to_json(&self).into()
    }
}

/// An event as a NATS message.
#[derive(Clone, Debug)]
pub(super) struct EventMessage {
    pub(super) info: EventInfo,
    pub(super) payload: Bytes,
}

impl EventMessage {
    pub(super) fn new(event: &StoredEvent, info: EventInfo) -> Self {
        let headers = headers_to_json(&event.headers);
        let mut payload = BytesMut::with_capacity(headers.len() + 1 + event.body.len());
        payload.put(headers.as_bytes());
        payload.put_u8(b'\n');
        payload.put(&*event.body);
        Self { info, payload: payload.freeze() }
    }

    pub(super) fn headers(&self) -> NatsHeaders {
        let mut headers = NatsHeaders::new();
        headers.insert(EVENT, to_json(&self.info));
        headers
    }

    /// Returns the size of the event's data and payload, in bytes.
    pub(super) fn len(&self) -> u64 {
        (to_json(&self.info).len() + self.payload.len()) as u64
    }

    /// Returns the headers of the copy that the store has after the end of the event.
    pub(super) fn ended_headers(&self, claim: &Claim) -> NatsHeaders {
        let mut headers = self.headers();
        headers.insert(END, to_json(claim));
        headers
    }

    pub(super) fn parse(headers: &NatsHeaders, payload: Bytes) -> Result<Self, StoreError> {
        Ok(Self { info: info(headers).ok_or_else(foreign)?, payload })
    }

    pub(super) fn event(&self) -> StoredEvent {
        let end = self.payload.iter().position(|byte| *byte == b'\n');
        let end = end.unwrap_or(self.payload.len());
        let headers = std::str::from_utf8(self.payload.get(..end).unwrap_or_default());
        let info = &self.info;
        StoredEvent {
            id: info.id.clone(),
            lane: info.lane(),
            source: info.source.clone(),
            subject: info.subject.clone(),
            received: Timestamp::from_millis(info.received_ms),
            headers: headers_from_json(headers.unwrap_or_default()),
            body: self.payload.slice((end + 1).min(self.payload.len())..),
        }
    }
}

/// Parses the data of an event. Returns `None` if the data is absent or malformed.
pub(super) fn info(headers: &NatsHeaders) -> Option<EventInfo> {
    serde_json::from_str(headers.get(EVENT)?.as_str()).ok()
}

/// Parses the last claim of an ended event. Returns `None` if the claim is absent or malformed.
pub(super) fn end(headers: &NatsHeaders) -> Option<Claim> {
    serde_json::from_str(headers.get(END)?.as_str()).ok()
}

/// Returns the entry of an event with its last claim.
pub(super) fn entry(number: u64, info: &EventInfo, claim: Option<&Claim>) -> QueueEntry {
    let event = StoredEvent {
        id: info.id.clone(),
        lane: info.lane(),
        source: info.source.clone(),
        subject: info.subject.clone(),
        received: Timestamp::from_millis(info.received_ms),
        headers: http::HeaderMap::new(),
        body: Bytes::new(),
    };
    let mut entry = QueueEntry::new(number, &event, Timestamp::from_millis(info.queued_ms));
    entry.bytes = info.bytes;
    entry.is_replay = info.replay;
    let Some(claim) = claim else { return entry };
    entry.state = claim.end().unwrap_or(EntryState::Pending);
    entry.attempts = claim.attempts;
    entry.due = claim.due();
    entry.is_claimed = claim.is_claimed();
    entry.ended = claim.end().map(|_| claim.due());
    entry.reason.clone_from(&claim.reason);
    entry
}

pub(super) fn foreign() -> StoreError {
    StoreError::Unavailable(
        "expected messages of gatepost in its streams, found others; set another prefix in [store]"
            .into(),
    )
}

fn to_json(value: &impl Serialize) -> String {
    // Serialization fails only for maps with keys that are not strings.
    serde_json::to_string(value).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns 128 random bits in hexadecimal.
pub(super) fn nonce() -> Box<str> {
    format!("{:032x}", fastrand::u128(..)).into()
}
