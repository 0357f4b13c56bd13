//! Callbacks in flight to the app. A later copy of such a callback waits for the conclusion of the
//! first copy, so gatepost does not ask the app again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot::{Receiver, Sender, channel};

use super::{Fingerprint, Memory};
use crate::conclusion::Conclusion;
use crate::printable::print_only;

/// Callbacks in flight, each with the copies that wait for its conclusion.
#[derive(Default)]
pub(crate) struct Flights(Mutex<Waiting>);

type Waiting = HashMap<Fingerprint, Vec<Sender<Conclusion>>, BuildHasherDefault<TruncatingHasher>>;

/// Hasher that returns the low half of a fingerprint.
///
/// A fingerprint is itself a keyed hash, so a client cannot choose keys that collide. A second hash
/// adds nothing.
#[derive(Default)]
struct TruncatingHasher(u64);

impl Hasher for TruncatingHasher {
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    // The trait requires this method. A fingerprint uses only `write_u128`.
    fn write(&mut self, bytes: &[u8]) {
        let bytes = bytes.iter().map(|byte| u64::from(*byte));
        self.0 = bytes.fold(self.0, |hash, byte| hash.rotate_left(8) ^ byte);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Result of [`Flights::join`].
pub(crate) enum Joined {
    /// The callback is not in flight. The caller now has the claim, and asks the app.
    First(Claim),
    /// A copy of the callback is in flight. The caller waits for the conclusion of that copy.
    ///
    /// If the channel closes without a conclusion, the caller joins again.
    Waiting(SharedConclusion),
}

/// Receiver for the conclusion of the copy in flight.
pub(crate) type SharedConclusion = Receiver<Conclusion>;

/// Right to ask the app about a callback. Dropping this value ends the right.
pub(crate) struct Claim {
    /// `None` once the claim has ended, so that dropping this value does not end a later claim with
    /// the same key.
    memory: Option<Arc<Memory>>,
    key: Fingerprint,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the copies that wait for the conclusion of a callback. If the callback is not in
    /// flight, claims it.
    ///
    /// `earlier_reply` looks up the reply to a concluded callback, and runs under the lock. If
    /// gatepost stores the reply, gatepost stores it before the claim ends. Every copy therefore
    /// finds the claim or the stored reply, so gatepost does not ask the app again.
    ///
    /// # Errors
    ///
    /// Returns the earlier reply if there is one.
    pub(crate) fn join<T>(
        memory: &Arc<Memory>,
        key: Fingerprint,
        earlier_reply: impl FnOnce() -> Option<T>,
    ) -> Result<Joined, T> {
        let mut flights = memory.flights.lock();
        if let Some(waiting) = flights.get_mut(&key) {
            let (sender, receiver) = channel();
            waiting.retain(|sender: &Sender<_>| !sender.is_canceled());
            waiting.push(sender);
            return Ok(Joined::Waiting(receiver));
        }
        if let Some(reply) = earlier_reply() {
            return Err(reply);
        }
        flights.insert(key, Vec::new());
        Ok(Joined::First(Claim { memory: Some(Arc::clone(memory)), key }))
    }
}

impl Claim {
    pub(crate) const fn key(&self) -> Fingerprint {
        self.key
    }

    /// Ends the claim and sends the conclusion to all copies that wait.
    pub(crate) fn share(mut self, conclusion: &Conclusion) {
        for sender in self.end() {
            // `send` fails only if the copy no longer waits.
            drop(sender.send(conclusion.clone()));
        }
    }

    /// Ends the claim and returns the channels of the copies that wait.
    fn end(&mut self) -> Vec<Sender<Conclusion>> {
        let Some(memory) = self.memory.take() else { return Vec::new() };
        // The caller uses or drops the channels after this method has released the lock, because
        // both actions wake tasks.
        let waiting = memory.flights.lock().remove(&self.key);
        waiting.unwrap_or_default()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Closes the channels, so that gatepost asks the app about a waiting copy instead.
        drop(self.end());
    }
}

print_only! { Claim:; }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conclusion::Origin;

    fn begin(memory: &Arc<Memory>) -> Claim {
        match Flights::join(memory, 1, || None::<()>) {
            Ok(Joined::First(claim)) => claim,
            Ok(Joined::Waiting(_)) => panic!("expected a claim, found a copy in flight"),
            Err(()) => panic!("expected a claim, found an earlier reply"),
        }
    }

    #[test]
    fn dropping_ended_claim_keeps_later_claim_with_same_key() {
        let memory: Arc<Memory> = Arc::default();
        let mut first = begin(&memory);
        drop(first.end());
        let second = begin(&memory);
        drop(first);
        let joined = Flights::join(&memory, 1, || None::<()>);
        let Ok(Joined::Waiting(mut shared)) = joined else {
            panic!("expected the second claim in flight, found no claim")
        };
        let reply = crate::reply::unavailable_reply();
        second.share(&Conclusion::new(reply, Origin::Resend));
        assert!(matches!(shared.try_recv(), Ok(Some(_))));
    }
}
