//! Waits for events without sleeping.
//!
//! On the loopback device, the sender also wakes the receiver, and waking a sleeping core costs
//! more than sending. A peer would pay this cost for an idle load or app, and a slow peer most.
//! Over a network, no peer pays this cost. So the load and the app do not sleep, but yield to other
//! threads, while the program measures CPU time. They sleep while the program measures latencies,
//! because the kernel preempts a thread that never sleeps for 50 ms at a time.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

/// Time without an event after which even an awake wait sleeps, because no measurement is running.
const AWAKE: Duration = Duration::from_secs(1);

/// Manner of waiting for events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wait {
    Asleep,
    Awake,
}

impl Wait {
    /// Waits for events, at most for `patience` if that is given.
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
