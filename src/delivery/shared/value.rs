//! The format of the values in the shared state. The format must not change, because machines with
//! different versions of gatepost share the values.
//!
//! | first byte | value |
//! |---|---|
//! | 1 | claim: the process that asks the app, 8 bytes |
//! | 2 | acknowledgement of a notification |
//! | 3 | reply to a decision: flags, status, headers and body |
//! | 4 | sessions of a subject: flags, 1 byte; time and id of the newest session, ids of the others, 8 bytes each |
//! | 5 | budget of a rate limit: the time at which the budget is full, in Unix nanoseconds, 8 bytes |
//! | 6 | rate and burst of a rate limit: callbacks per second, and callbacks at once, 8 bytes each |
//!
//! If a process does not know the first byte of a value, the process ignores the value.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::limit::LimitValues;
use crate::memory::{OLDER, Session, StartedSessions};
use crate::provider::decision::Policy;
use crate::reply::{Permission, Reply};
use crate::time::Timestamp;

const CLAIM: u8 = 1;
const ACKNOWLEDGEMENT: u8 = 2;
const REPLY: u8 = 3;
const SESSIONS: u8 = 4;
const BUDGET: u8 = 5;
const LIMIT_VALUES: u8 = 6;

/// Flags of a reply.
const ALLOWS: u8 = 1;
const DENIES: u8 = 2;
const HAS_TYPE: u8 = 4;
const HAS_SIGNING_HEADERS: u8 = 8;

/// Flags of sessions.
const HAS_TIME: u8 = 1;
const HAS_ID: u8 = 2;

/// Maximum length of a shared reply in bytes: the body, and the headers that the value contains.
const MAX_REPLY_BYTES: usize = 16 * 1024;

/// A value of the shared state.
#[derive(Debug)]
pub(super) enum StoredValue {
    /// Claim of a process that asks the app.
    Claim,
    /// Acknowledgement of a notification whose event the app accepted.
    Acknowledgement,
    /// Reply to a decision, from the app's answer.
    Reply(Box<Reply>),
    /// The started sessions of a subject.
    Sessions(StartedSessions),
    /// The time at which the budget of a rate limit is full, in Unix nanoseconds.
    Budget(i64),
    /// The rate and burst of a rate limit on one of the machines.
    LimitValues(LimitValues),
}

/// Encodes the claim of a process.
pub(super) fn claim(process: u64) -> Bytes {
    let mut bytes = BytesMut::with_capacity(9);
    bytes.put_u8(CLAIM);
    bytes.put_u64(process);
    bytes.freeze()
}

/// Encodes the budget of a rate limit.
pub(super) fn budget(full_at: i64) -> Bytes {
    let mut bytes = BytesMut::with_capacity(9);
    bytes.put_u8(BUDGET);
    bytes.put_i64(full_at);
    bytes.freeze()
}

/// Encodes the rate and burst of a rate limit.
pub(super) fn limit_values(values: LimitValues) -> Bytes {
    let mut bytes = BytesMut::with_capacity(17);
    bytes.put_u8(LIMIT_VALUES);
    bytes.put_i64(values.per_second);
    bytes.put_i64(values.burst);
    bytes.freeze()
}

pub(super) const fn acknowledgement() -> Bytes {
    Bytes::from_static(&[ACKNOWLEDGEMENT])
}

/// Encodes a reply. Omits the headers that every signed reply of the policy has, because they
/// contain a key. Returns `None` for a reply that is too long.
pub(super) fn reply(reply: &Reply, policy: &Policy) -> Option<Bytes> {
    let of_signing = policy.reply_signing.with_headers(Reply::empty(StatusCode::OK)).extra;
    let of_signing = of_signing.unwrap_or_default();
    let all = reply.extra.iter().flat_map(|extra| extra.iter());
    let (signing, own): (Vec<_>, Vec<_>) = all.partition(|header| of_signing.contains(header));
    let own_bytes: usize = own.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if reply.body.len() + own_bytes > MAX_REPLY_BYTES {
        return None;
    }
    let mut flags = match reply.permission {
        Some(Permission::Allow) => ALLOWS,
        Some(Permission::Deny) => DENIES,
        None => 0,
    };
    if !signing.is_empty() {
        flags |= HAS_SIGNING_HEADERS;
    }
    let content_type = reply.content_type.as_ref();
    if content_type.is_some() {
        flags |= HAS_TYPE;
    }
    let mut bytes = BytesMut::with_capacity(64 + own_bytes + reply.body.len());
    bytes.put_slice(&[REPLY, flags]);
    bytes.put_u16(reply.status.as_u16());
    content_type.iter().for_each(|value| put_text(&mut bytes, value.as_bytes()));
    bytes.put_u16(u16::try_from(own.len()).ok()?);
    for (name, value) in own {
        put_text(&mut bytes, name.as_str().as_bytes());
        put_text(&mut bytes, value.as_bytes());
    }
    bytes.put_slice(&reply.body);
    Some(bytes.freeze())
}

/// Encodes the sessions of a subject. Omits older sessions without an id.
pub(super) fn sessions(started: &StartedSessions) -> Bytes {
    let StartedSessions { newest: Session { id, time }, older } = started;
    let has_time = if time.is_some() { HAS_TIME } else { 0 };
    let has_id = if id.is_some() { HAS_ID } else { 0 };
    let mut bytes = BytesMut::with_capacity(18 + 8 * OLDER);
    bytes.put_slice(&[SESSIONS, has_time | has_id]);
    time.iter().for_each(|time| bytes.put_i64(time.as_millis()));
    id.iter().chain(older.iter().flatten()).for_each(|id| bytes.put_u64(*id));
    bytes.freeze()
}

/// Reads a value. Returns `None` for a value that this version cannot read, and for a reply to a
/// decision if there is no `policy`.
pub(super) fn read(mut bytes: Bytes, policy: Option<&Policy>) -> Option<StoredValue> {
    match bytes.try_get_u8().ok()? {
        CLAIM => Some(StoredValue::Claim),
        ACKNOWLEDGEMENT => Some(StoredValue::Acknowledgement),
        SESSIONS => read_sessions(bytes).map(StoredValue::Sessions),
        BUDGET => bytes.try_get_i64().ok().map(StoredValue::Budget),
        LIMIT_VALUES => read_limit_values(bytes).map(StoredValue::LimitValues),
        REPLY => read_reply(bytes, policy?).map(|reply| StoredValue::Reply(Box::new(reply))),
        _ => None,
    }
}

fn read_sessions(mut bytes: Bytes) -> Option<StartedSessions> {
    let flags = bytes.try_get_u8().ok()?;
    let time = match flags & HAS_TIME {
        0 => None,
        _ => Some(Timestamp::from_millis(bytes.try_get_i64().ok()?)),
    };
    let id = match flags & HAS_ID {
        0 => None,
        _ => Some(bytes.try_get_u64().ok()?),
    };
    let older = [(); OLDER].map(|()| bytes.try_get_u64().ok());
    Some(StartedSessions { newest: Session { id, time }, older })
}

fn read_limit_values(mut bytes: Bytes) -> Option<LimitValues> {
    let per_second = bytes.try_get_i64().ok()?;
    Some(LimitValues { per_second, burst: bytes.try_get_i64().ok()? })
}

fn read_reply(mut bytes: Bytes, policy: &Policy) -> Option<Reply> {
    let flags = bytes.try_get_u8().ok()?;
    let status = StatusCode::from_u16(bytes.try_get_u16().ok()?).ok()?;
    let content_type = match flags & HAS_TYPE {
        0 => None,
        _ => Some(HeaderValue::from_maybe_shared(take_text(&mut bytes)?).ok()?),
    };
    let mut extra = Vec::new();
    for _ in 0..bytes.try_get_u16().ok()? {
        let name = HeaderName::from_bytes(&take_text(&mut bytes)?).ok()?;
        extra.push((name, HeaderValue::from_maybe_shared(take_text(&mut bytes)?).ok()?));
    }
    let permission = match flags & (ALLOWS | DENIES) {
        ALLOWS => Some(Permission::Allow),
        DENIES => Some(Permission::Deny),
        _ => None,
    };
    let extra = (!extra.is_empty()).then(|| extra.into());
    let reply = Reply { content_type, extra, permission, body: bytes, ..Reply::empty(status) };
    Some(match flags & HAS_SIGNING_HEADERS {
        0 => reply,
        _ => policy.reply_signing.with_headers(reply),
    })
}

/// Appends the length of `text`, then `text`. A header is shorter than 64 KiB.
fn put_text(bytes: &mut BytesMut, text: &[u8]) {
    bytes.put_u16(u16::try_from(text.len()).unwrap_or_default());
    bytes.put_slice(text);
}

fn take_text(bytes: &mut Bytes) -> Option<Bytes> {
    let length = usize::from(bytes.try_get_u16().ok()?);
    (length <= bytes.len()).then(|| bytes.split_to(length))
}
