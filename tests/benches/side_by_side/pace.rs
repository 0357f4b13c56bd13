//! Pace of the requests, and the timer of a schedule.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::busy::Wait;

pub(super) const TIMER: Token = Token(usize::MAX);

/// Pace of the requests.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// One request on each connection.
    Once,
    /// The next request as soon as a reply has arrived.
    Saturating { time: Duration },
    /// `rate` requests per second, independent of the replies.
    Scheduled { rate: f64, time: Duration },
}

impl Pace {
    /// Returns the way in which the load and the app wait for I/O events at this pace.
    pub(super) fn wait(self) -> Wait {
        match self {
            Self::Once | Self::Scheduled { .. } => Wait::Asleep,
            Self::Saturating { .. } => Wait::Awake,
        }
    }

    /// Returns the time from which the latency of request `index` counts. `now` is the time at
    /// which the load sends the request.
    pub(super) fn moment(self, index: u64, started: Instant, now: Instant) -> Instant {
        match self {
            Self::Once | Self::Saturating { .. } => now,
            Self::Scheduled { rate, .. } => {
                started + Duration::from_secs_f64((index + 1) as f64 / rate)
            }
        }
    }
}

/// Timer that ticks at a fixed rate.
#[derive(Debug)]
pub(super) struct Timer(OwnedFd);

impl Timer {
    pub(super) fn start(rate: f64, poll: &Poll) -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let interval = Timespec::try_from(interval(rate)).map_err(io::Error::other)?;
        let times = Itimerspec { it_interval: interval, it_value: interval };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
        let fd = timer.as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), TIMER, Interest::READABLE)?;
        Ok(Self(timer))
    }

    /// Returns the number of ticks since the last call.
    pub(super) fn ticks(&self) -> u64 {
        let mut ticks = [0; 8];
        rustix::io::read(&self.0, &mut ticks).map_or(0, |_| u64::from_ne_bytes(ticks))
    }
}

fn interval(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_of_scheduled_request_counts_from_scheduled_time() {
        let started = Instant::now();
        let late = started + Duration::from_secs(1);
        let scheduled = Pace::Scheduled { rate: 100.0, time: Duration::from_secs(1) };
        assert_eq!(scheduled.moment(4, started, late), started + Duration::from_millis(50));
        let saturating = Pace::Saturating { time: Duration::from_secs(1) };
        assert_eq!(saturating.moment(4, started, late), late);
    }
}
