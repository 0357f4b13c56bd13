//! Callbacks that the app is being asked about: whoever brings the same one waits for its answer.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot::{Receiver, Sender, channel};

use super::{Fingerprint, Memory};
use crate::conclusion::Conclusion;

/// Those that wait, for each callback that is asked about.
#[derive(Default)]
pub(crate) struct Flights(Mutex<Waiting>);

type Waiting = HashMap<Fingerprint, Vec<Sender<Conclusion>>, BuildHasherDefault<AsItIs>>;

/// The hash of a fingerprint, which is random already and nobody can aim at: half of it.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    /// Nothing else is hashed.
    fn write(&mut self, bytes: &[u8]) {
        let more = bytes.iter().map(|byte| u64::from(*byte));
        self.0 = more.fold(self.0, |hash, byte| hash.rotate_left(8) ^ byte);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What comes of joining.
pub(crate) enum Joined {
    /// Nobody is asking: this one is to.
    First(Claim),
    /// Somebody is, and will say what came of it. A sender that goes away without a word was cut
    /// off itself, and the one who waits is to join again.
    Waiting(SharedConclusion),
}

/// What somebody else hears from the app.
pub(crate) type SharedConclusion = Receiver<Conclusion>;

/// The right to ask the app about a callback, which ends when this is dropped.
pub(crate) struct Claim {
    /// None once everybody was told: another may have begun since.
    memory: Option<Arc<Memory>>,
    key: Fingerprint,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, or begins unless `done` knows that it was asked already: what ends is remembered
    /// before it leaves here, so nothing falls between the two.
    pub(crate) fn join<T>(
        memory: &Arc<Memory>,
        key: Fingerprint,
        done: impl FnOnce() -> Option<T>,
    ) -> Result<Joined, T> {
        let mut flights = memory.flights.lock();
        if let Some(waiting) = flights.get_mut(&key) {
            let (sender, receiver) = channel();
            waiting.retain(|sender: &Sender<_>| !sender.is_canceled());
            waiting.push(sender);
            return Ok(Joined::Waiting(receiver));
        }
        if let Some(done) = done() {
            return Err(done);
        }
        flights.insert(key, Vec::new());
        Ok(Joined::First(Claim { memory: Some(Arc::clone(memory)), key }))
    }
}

impl Claim {
    pub(crate) const fn key(&self) -> Fingerprint {
        self.key
    }

    /// Tells everybody who waits.
    pub(crate) fn share(mut self, conclusion: &Conclusion) {
        for sender in self.end() {
            // Whoever is gone needs no answer.
            drop(sender.send(conclusion.clone()));
        }
    }

    /// Those who wait, of whom there will be no more.
    fn end(&mut self) -> Vec<Sender<Conclusion>> {
        let Some(memory) = self.memory.take() else { return Vec::new() };
        // Dropped or told when the lock is free again: either may wake somebody.
        let waiting = memory.flights.lock().remove(&self.key);
        waiting.unwrap_or_default()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Those who wait find their sender gone.
        drop(self.end());
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conclusion::Origin;

    fn begin(memory: &Arc<Memory>) -> Claim {
        match Flights::join(memory, 1, || None::<()>) {
            Ok(Joined::First(claim)) => claim,
            Ok(Joined::Waiting(_)) | Err(()) => panic!("somebody else is asking"),
        }
    }

    #[test]
    fn one_that_has_ended_takes_no_later_one_along() {
        let memory: Arc<Memory> = Arc::default();
        let mut first = begin(&memory);
        drop(first.end());
        let second = begin(&memory);
        drop(first);
        let joined = Flights::join(&memory, 1, || None::<()>);
        let Ok(Joined::Waiting(mut shared)) = joined else { panic!("the second was taken along") };
        let reply = crate::reply::unavailable_reply();
        second.share(&Conclusion { reply, origin: Origin::Resend });
        assert!(matches!(shared.try_recv(), Ok(Some(_))));
    }
}
