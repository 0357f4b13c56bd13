//! Callbacks that the app is being asked about: whoever brings the same one waits for its answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot::{Receiver, Sender, channel};

use super::{Fingerprint, Memory};
use crate::reply::Conclusion;

/// Those that wait, for each callback that is asked about.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<Fingerprint, Vec<Sender<Conclusion>>>>);

/// What comes of joining.
pub(crate) enum Joined {
    /// Nobody is asking: this one is to.
    First(Claim),
    /// Somebody is, and will say what came of it. A sender that goes away without a word was cut
    /// off itself, and the one who waits is to join again.
    Waiting(Shared),
}

/// What somebody else hears from the app.
pub(crate) type Shared = Receiver<Conclusion>;

/// The right to ask the app about a callback, which ends when this is dropped.
pub(crate) struct Claim {
    memory: Arc<Memory>,
    key: Fingerprint,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, Vec<Sender<Conclusion>>>> {
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
            waiting.push(sender);
            return Ok(Joined::Waiting(receiver));
        }
        if let Some(done) = done() {
            return Err(done);
        }
        flights.insert(key, Vec::new());
        Ok(Joined::First(Claim { memory: Arc::clone(memory), key }))
    }
}

impl Claim {
    pub(crate) const fn key(&self) -> Fingerprint {
        self.key
    }

    /// Tells everybody who waits.
    pub(crate) fn share(self, conclusion: &Conclusion) {
        let waiting = self.memory.flights.lock().remove(&self.key);
        for sender in waiting.into_iter().flatten() {
            // Whoever is gone needs no answer.
            drop(sender.send(conclusion.clone()));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // After `share` there is nothing left. Those who wait find their sender gone.
        drop(self.memory.flights.lock().remove(&self.key));
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}
