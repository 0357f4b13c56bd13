//! The interface to the state that machines share: replies to resends, signatures, last replies,
//! sessions and rate limits.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::StoreFuture;
use crate::printable::print_only;
use crate::time::Timestamp;

/// A key of the shared state: a digest that is the same on each machine and in each version.
pub type SharedKey = [u8; 16];

/// A value of the shared state.
///
/// `Debug` omits the bytes, because a reply may contain personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedValue {
    /// The bytes, at most 17 KiB. A backend must not depend on their format.
    pub bytes: Bytes,
    /// Time from which the value is absent.
    pub until: Timestamp,
}

print_only! { SharedValue: until; }

/// State that machines share: a table of values by key, each with an expiry.
///
/// The server passes the state to the driver with
/// [`Runtime::shared_state`](crate::Runtime::shared_state). Each backend follows these rules, and
/// one suite of tests runs against all backends:
///
/// 1. All machines observe the operations on one key in the same order. Of simultaneous calls of
///    [`SharedState::insert`] with the same key, exactly one inserts its value. Of simultaneous calls
///    of [`SharedState::replace`] with the same key and the same old bytes, at most one sets its
///    value.
/// 2. A value is present while the caller's `now` is before the value's `until`, and absent
///    afterwards.
/// 3. Except in memory, a value remains after the end of the process. A power failure may delete
///    the newest values.
/// 4. The backend removes expired values itself, and limits the size of the table. In a full table,
///    a new value replaces another value: the value that expires first or, with NATS, the oldest
///    value.
/// 5. If the caller drops a future, the operation may or may not take effect.
///
/// The driver waits at most half a second for an operation. After a failure, the driver does not
/// use the shared state for a second. A backend therefore needs no time limit of its own, but must
/// not block the thread.
pub trait SharedState: Send + Sync {
    /// Inserts a value for a key that has none, and returns `None`. For every other key, returns
    /// the existing value.
    fn insert(
        &self,
        key: SharedKey,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>>;

    /// Sets the value of a key. Replaces an existing value.
    fn set(&self, key: SharedKey, value: SharedValue, now: Timestamp) -> StoreFuture<'_, ()>;

    /// Returns the value of a key.
    fn get(&self, key: SharedKey, now: Timestamp) -> StoreFuture<'_, Option<SharedValue>>;

    /// If the bytes of the key's present value are `old`, sets the value and returns true.
    /// Otherwise does nothing, and returns false.
    fn replace(
        &self,
        key: SharedKey,
        old: Bytes,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, bool>;

    /// Removes the value of a key if its bytes are `bytes`. Otherwise does nothing.
    fn remove(&self, key: SharedKey, bytes: Bytes) -> StoreFuture<'_, ()>;
}

/// Use of the shared state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedUse {
    /// The last reply about a viewer, which gatepost repeats if the app fails.
    LastAnswer,
    /// Rate limits of routes.
    Limit,
    /// Replies to resends.
    Resend,
    /// Sessions that have started, to detect ends that arrive late.
    Session,
    /// Signatures and ids, to detect their reuse.
    Signature,
}

impl SharedUse {
    /// All uses.
    pub const ALL: [Self; 5] =
        [Self::LastAnswer, Self::Limit, Self::Resend, Self::Session, Self::Signature];

    /// Returns the stable word: `last_answer`, `limit`, `resend`, `session` or `signature`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LastAnswer => "last_answer",
            Self::Limit => "limit",
            Self::Resend => "resend",
            Self::Session => "session",
            Self::Signature => "signature",
        }
    }
}

impl fmt::Display for SharedUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Purpose of a key. The same parts have a different key for each purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SharedDomain {
    /// Identifies a callback, so that gatepost recognizes its resends.
    Callback,
    /// Identifies a signed id.
    Id,
    /// Identifies the rate limit of a route.
    Limit,
    /// Identifies a session, or the subject of sessions.
    Session,
    /// Identifies a signature by the values that it covers.
    Signature,
    /// Identifies a viewer and the content that they watch.
    Viewer,
}

impl SharedDomain {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::Id => "id",
            Self::Limit => "limit",
            Self::Session => "session",
            Self::Signature => "signature",
            Self::Viewer => "viewer",
        }
    }
}

/// Returns the key of the parts. The algorithm must not change, because machines with different
/// versions of gatepost must compute the same key.
pub(crate) fn shared_key(
    domain: SharedDomain,
    parts: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> SharedKey {
    let mut hash = Sha256::new();
    hash.update(domain.as_str());
    for part in parts {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_the_same_in_every_version() {
        let key = shared_key(SharedDomain::Callback, [&b"live"[..], b"1"]);
        // printf 'callback\0\0\0\0\0\0\0\4live\0\0\0\0\0\0\0\0011' | sha256sum
        assert_eq!(u128::from_be_bytes(key), 0xd601_e9ad_b3d3_a4a0_ecdd_4eeb_1454_d881);
        assert_ne!(key, shared_key(SharedDomain::Viewer, [&b"live"[..], b"1"]));
        assert_ne!(key, shared_key(SharedDomain::Callback, [&b"live1"[..], b""]));
    }
}
