//! Waiting for events without going to sleep.
//!
//! On the loopback device whoever sends also wakes the receiver, and waking a core that sleeps costs a
//! peer more than sending. It would pay for the idleness of this side, the more the slower it is; with
//! a network in between nobody would. So where CPU time is measured this side stays awake, and gives
//! way to its own kind. Where latencies are, it sleeps: it would be put off for 50 ms at a time if it
//! never did.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

/// After so long without an event nobody is measured any more.
const AWAKE: Duration = Duration::from_secs(1);

/// How to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wait {
    Asleep,
    Awake,
}

impl Wait {
    /// Waits for events, for `patience` at most where there is one.
    ///
    /// # Errors
    /// When polling fails.
    pub(super) fn poll(
        self,
        poll: &mut Poll,
        events: &mut Events,
        patience: Option<Duration>,
    ) -> io::Result<()> {
        let begun = Instant::now();
        while self == Self::Awake && begun.elapsed() < AWAKE {
            poll.poll(events, Some(Duration::ZERO))?;
            if !events.is_empty() {
                return Ok(());
            }
            std::thread::yield_now();
        }
        poll.poll(events, patience)
    }
}
