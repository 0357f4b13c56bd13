//! State that the gate keeps between callbacks.
//!
//! 1. [`Seen`]: notifications whose event the app has taken. gatepost replies to a resend without
//!    asking the app.
//! 2. [`Seen`]: signatures and signed ids. gatepost detects a callback with the same signature
//!    or id, but with different data.
//! 3. [`Flights`]: callbacks in flight to the app. Copies that arrive before the answer share the
//!    conclusion.
//! 4. [`Replies`]: replies from usable answers of the app. gatepost repeats the reply to a resend.
//!    If the app fails, gatepost may repeat the last reply about the same viewer.
//! 5. [`Sessions`]: the newest sessions of each subject. If the end of a session arrives after the
//!    start of the next session, gatepost marks the event of the end as stale.
//! 6. [`Turns`]: large bodies that wait until gatepost judges them.
//!
//! [`Seen`], [`Replies`] and [`Sessions`] have a maximum size. All of this state remains after a
//! config reload. A restart deletes the state, so gatepost may then ask the app about a resend.
//! State that machines share may remain after a restart: see [`store::SharedState`].

mod flights;
pub(crate) mod outage;
mod replies;
mod seen;
mod sessions;
pub(crate) mod store;
mod turns;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip128::{Hasher128 as _, SipHasher13};

pub(crate) use flights::{Claim, Flights, Joined, SharedConclusion};
pub(crate) use outage::Outage;
pub(crate) use replies::Replies;
pub(crate) use seen::Seen;
pub(crate) use sessions::{OLDER, Session, Sessions, StartedSessions};
pub(crate) use turns::{Turn, Turns};

use crate::printable::print_only;

/// State that the gate keeps between callbacks.
pub(crate) struct Memory {
    /// Hasher with random keys and without input. Each fingerprint starts with a copy of it.
    hasher: SipHasher13,
    /// Number of ids that [`Memory::new_id`] has returned.
    new_ids: AtomicU64,
    pub(crate) seen: Seen,
    /// Signatures and signed ids. This table is separate, because some of its entries last for a
    /// day. In a common table, such entries replace the notifications.
    pub(crate) proofs: Seen,
    pub(crate) flights: Flights,
    pub(crate) replies: Replies,
    pub(crate) sessions: Sessions,
    pub(crate) turns: Turns,
    /// Availability of the state that machines share.
    pub(crate) outage: Outage,
}

/// Purpose of a fingerprint. The same input has a different fingerprint for each purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Domain {
    /// Identifies a callback by its contents.
    Callback,
    /// Identifies an event by its source, kind and data.
    Content,
    /// Generates ids for events that have no identity.
    NewId,
    /// Identifies a signed id.
    Id,
    /// Identifies a process.
    Process,
    /// Identifies a session, or the subject of sessions.
    Session,
    /// Identifies a signature by the values that it covers.
    Signed,
    /// Identifies a viewer and the content that they watch.
    Viewer,
}

/// Keyed 128-bit hash. The keys are random for each [`Memory`], so a client cannot produce a
/// collision.
pub(crate) type Fingerprint = u128;

impl Memory {
    /// Hashes the parts and their lengths, so `ab, c` and `a, bc` have different fingerprints.
    pub(crate) fn fingerprint(
        &self,
        domain: Domain,
        parts: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Fingerprint {
        let mut input = HashInput::new(self.hasher);
        input.add(&[domain as u8]);
        for part in parts {
            let part = part.as_ref();
            input.add(&part.len().to_ne_bytes());
            input.add(part);
        }
        input.finish()
    }

    /// Returns a value that no earlier call has returned, on this machine or on another.
    ///
    /// The value is a keyed hash of a counter. The keys are random for each [`Memory`], so the core
    /// needs no source of randomness for each callback.
    pub(crate) fn new_id(&self) -> u128 {
        let number = self.new_ids.fetch_add(1, Ordering::Relaxed);
        self.fingerprint(Domain::NewId, [number.to_ne_bytes()])
    }

    /// Returns a number that identifies this process among the processes that share a state.
    pub(crate) fn process(&self) -> u64 {
        self.short_fingerprint(Domain::Process, [[]; 0])
    }

    /// Returns the low half of a fingerprint.
    ///
    /// 64 bits are enough to compare values that gatepost stores under the same full fingerprint.
    pub(crate) fn short_fingerprint(
        &self,
        domain: Domain,
        parts: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> u64 {
        self.fingerprint(domain, parts) as u64
    }
}

impl Default for Memory {
    fn default() -> Self {
        // `RandomState` takes random keys from the system, so gatepost needs no crate for them.
        let [key0, key1] = [0, 1].map(|number: u8| RandomState::new().hash_one(number));
        Self {
            hasher: SipHasher13::new_with_keys(key0, key1),
            new_ids: AtomicU64::new(0),
            seen: Seen::default(),
            proofs: Seen::default(),
            flights: Flights::default(),
            replies: Replies::default(),
            sessions: Sessions::default(),
            turns: Turns::default(),
            outage: Outage::default(),
        }
    }
}

/// Input of a fingerprint: the domain, then the length and the bytes of each part.
///
/// SipHash is faster over one slice than over many small slices, so a buffer collects short parts.
/// Hashing the parts in one write cut a `push` callback from 52,070 to 51,016 instructions
/// (callgrind).
struct HashInput {
    hasher: SipHasher13,
    buffer: [u8; Self::BUFFER_BYTES],
    /// Number of bytes in the buffer.
    len: usize,
}

impl HashInput {
    const BUFFER_BYTES: usize = 128;

    const fn new(hasher: SipHasher13) -> Self {
        Self { hasher, buffer: [0; Self::BUFFER_BYTES], len: 0 }
    }

    #[inline]
    fn add(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        match self.buffer.get_mut(self.len..end) {
            Some(slot) => {
                slot.copy_from_slice(bytes);
                self.len = end;
            }
            None => self.hash(bytes),
        }
    }

    /// Hashes the buffer, then a part that does not fit into the buffer.
    #[inline(never)]
    fn hash(&mut self, bytes: &[u8]) {
        self.hasher.write(self.buffer.get(..self.len).unwrap_or_default());
        self.len = 0;
        self.hasher.write(bytes);
    }

    fn finish(mut self) -> Fingerprint {
        self.hasher.write(self.buffer.get(..self.len).unwrap_or_default());
        self.hasher.finish128().as_u128()
    }
}

// `Debug` omits the contents, because replies may contain personal data.
print_only! { Memory:; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_depends_on_domain_parts_and_memory() {
        let memory = Memory::default();
        let one = memory.fingerprint(Domain::Viewer, [&b"ab"[..], b"c"]);
        assert_eq!(one, memory.fingerprint(Domain::Viewer, [&b"ab"[..], b"c"]));
        assert_ne!(one, memory.fingerprint(Domain::Viewer, [&b"a"[..], b"bc"]));
        assert_ne!(one, memory.fingerprint(Domain::Callback, [&b"ab"[..], b"c"]));
        assert_ne!(one, Memory::default().fingerprint(Domain::Viewer, [&b"ab"[..], b"c"]));
        assert_ne!(one >> 64, one & u128::from(u64::MAX));
    }

    #[test]
    fn new_ids_differ_within_and_between_memories() {
        let memories = [Memory::default(), Memory::default()];
        let ids: std::collections::HashSet<_> =
            memories.iter().flat_map(|memory| (0..1000).map(|_| memory.new_id())).collect();
        assert_eq!(ids.len(), 2000);
    }

    #[test]
    fn fingerprint_does_not_depend_on_the_buffer() {
        let memory = Memory::default();
        for lengths in [[0, 0], [1, 110], [1, 111], [1, 112], [111, 1], [112, 1], [500, 3]] {
            let parts = lengths.map(|length| vec![b'x'; length]);
            let mut input = vec![Domain::Viewer as u8];
            for part in &parts {
                input.extend(part.len().to_ne_bytes());
                input.extend(part);
            }
            let mut hasher = memory.hasher;
            hasher.write(&input);
            let expected = hasher.finish128().as_u128();
            assert_eq!(memory.fingerprint(Domain::Viewer, &parts), expected, "{lengths:?}");
        }
    }
}
