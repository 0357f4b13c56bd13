//! Waiting for events without sleeping.
//!
//! On the loopback device a sender also wakes the receiver, and waking a sleeping core costs more
//! than sending. A peer would pay for the idleness of this side, and a slow peer most; over a
//! network it would not. So this side stays awake while CPU time is measured, and yields to its own
//! threads. While latencies are measured it sleeps: the kernel preempts a thread that never sleeps
//! for 50 ms at a time.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

/// Time without an event after which no measurement is running.
const AWAKE: Duration = Duration::from_secs(1);

/// Way to wait for events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wait {
    Asleep,
    Awake,
}

impl Wait {
    /// Waits for events, for `patience` at most if it is given.
    ///
    /// # Errors
    /// If polling fails.
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
