//! What the gate remembers between callbacks. All of it is bounded, survives a change of the
//! config, and is forgotten at a restart, which asks an app twice at worst.
//!
//! 1. Which callbacks the app has taken, so that a resend is answered without it.
//! 2. Which ones it is being asked about, so that two at once share one answer.
//! 3. What came with a signature that does not cover it.
//! 4. Replies: the last good one for a viewer, and those to decisions that may be resent.

mod flights;
mod replies;
mod seen;

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};

use siphasher::sip128::{Hasher128 as _, SipHasher13};

pub(crate) use flights::{Claim, Flights, Joined, SharedConclusion};
pub(crate) use replies::Replies;
pub(crate) use seen::Seen;

/// Everything that is remembered.
pub(crate) struct Memory {
    /// With the keys, and nothing hashed yet.
    hasher: SipHasher13,
    pub(crate) seen: Seen,
    pub(crate) flights: Flights,
    pub(crate) replies: Replies,
}

/// What a fingerprint is of, so that no two of them meet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Domain {
    /// A callback's contents.
    Callback,
    /// What a signature covers.
    Signed,
    /// A viewer, and what they watch.
    Viewer,
}

/// 128 bits that nobody outside can aim at: they are keyed, and the keys are this process' own.
pub(crate) type Fingerprint = u128;

impl Memory {
    pub(crate) fn fingerprint(
        &self,
        of: Domain,
        parts: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Fingerprint {
        let mut hasher = self.hasher;
        hasher.write(HashInput::of(of, parts).bytes());
        hasher.finish128().as_u128()
    }

    /// Half of a fingerprint, which is enough to tell two things apart that came with one key.
    pub(crate) fn note(
        &self,
        of: Domain,
        parts: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> u64 {
        self.fingerprint(of, parts) as u64
    }
}

impl Default for Memory {
    fn default() -> Self {
        // The standard library has them from the system.
        let [one, other] = [0, 1].map(|number: u8| RandomState::new().hash_one(number));
        Self {
            hasher: SipHasher13::new_with_keys(one, other),
            seen: Seen::default(),
            flights: Flights::default(),
            replies: Replies::default(),
        }
    }
}

/// Parts in one piece, which is hashed faster than many, so that none can be taken for the end of the
/// one before.
struct HashInput {
    /// All of it, if it is short.
    near: [u8; Self::SHORT],
    near_len: usize,
    /// All of it, if it is not.
    far: Vec<u8>,
}

impl HashInput {
    const SHORT: usize = 128;

    fn of(of: Domain, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut message = Self { near: [0; Self::SHORT], near_len: 0, far: Vec::new() };
        message.add(&[of as u8]);
        for part in parts {
            let part = part.as_ref();
            message.add(&part.len().to_ne_bytes());
            message.add(part);
        }
        message
    }

    #[inline]
    fn add(&mut self, bytes: &[u8]) {
        let end = self.near_len + bytes.len();
        match self.near.get_mut(self.near_len..end) {
            Some(room) if self.far.is_empty() => {
                room.copy_from_slice(bytes);
                self.near_len = end;
            }
            _ => self.add_far(bytes),
        }
    }

    #[cold]
    fn add_far(&mut self, bytes: &[u8]) {
        if self.far.is_empty() {
            self.far.extend_from_slice(self.near.get(..self.near_len).unwrap_or_default());
        }
        self.far.extend_from_slice(bytes);
    }

    fn bytes(&self) -> &[u8] {
        if self.far.is_empty() {
            self.near.get(..self.near_len).unwrap_or_default()
        } else {
            &self.far
        }
    }
}

/// It holds replies and what viewers do.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_parts_and_kinds_apart() {
        let memory = Memory::default();
        let one = memory.fingerprint(Domain::Viewer, [&b"ab"[..], b"c"]);
        assert_eq!(one, memory.fingerprint(Domain::Viewer, [&b"ab"[..], b"c"]));
        assert_ne!(one, memory.fingerprint(Domain::Viewer, [&b"a"[..], b"bc"]));
        assert_ne!(one, memory.fingerprint(Domain::Callback, [&b"ab"[..], b"c"]));
        assert_ne!(one, Memory::default().fingerprint(Domain::Viewer, [&b"ab"[..], b"c"]));
        assert_ne!(one >> 64, one & u128::from(u64::MAX));
    }

    #[test]
    fn a_message_is_its_parts_and_their_lengths_however_long_they_are() {
        for lengths in [[0, 0], [1, 110], [1, 111], [1, 112], [111, 1], [112, 1], [500, 3]] {
            let parts = lengths.map(|length| vec![b'x'; length]);
            let mut expected = vec![Domain::Viewer as u8];
            for part in &parts {
                expected.extend(part.len().to_ne_bytes());
                expected.extend(part);
            }
            assert_eq!(HashInput::of(Domain::Viewer, &parts).bytes(), expected, "{lengths:?}");
        }
    }
}
