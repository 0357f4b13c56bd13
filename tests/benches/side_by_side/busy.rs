//! Ways of waiting for I/O events, with or without sleep.
//!
//! On the loopback device, the sender also wakes the receiver. Waking a sleeping core costs more
//! than sending. If the load and the app sleep, the CPU time of the peers includes this
//! cost, most often for slow peers. Over a network, this cost does not arise.
//!
//! While the program measures CPU time, the load and the app therefore do not sleep, but yield to
//! other threads. While the program measures latencies, the load and the app sleep, because the
//! kernel suspends a busy thread for 50 ms at a time.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

/// Time without an I/O event after which [`Wait::Awake`] also sleeps. During a measurement, events
/// follow each other faster.
const AWAKE: Duration = Duration::from_secs(1);

/// Way of waiting for I/O events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wait {
    Asleep,
    Awake,
}

impl Wait {
    /// Waits for I/O events. `timeout` limits the sleep; `None` sets no limit.
    ///
    /// # Errors
    /// Returns an error if polling fails.
    pub(super) fn poll(
        self,
        poll: &mut Poll,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let begun = Instant::now();
        while self == Self::Awake && begun.elapsed() < AWAKE {
            poll.poll(events, Some(Duration::ZERO))?;
            if !events.is_empty() {
                return Ok(());
            }
            std::thread::yield_now();
        }
        poll.poll(events, timeout)
    }
}
