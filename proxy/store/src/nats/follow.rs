//! The tasks that follow the events and the claims of all machines, and update the index.
//!
//! A reader may replace its consumer. The new consumer does not deliver a message that NATS wrote
//! and removed in the meantime. gatepost therefore compares the index with the stream in each round
//! of repairs.

use std::sync::Arc;
use std::time::Duration;

use gatepost::StoreError;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::reader::{ReadMessage, StreamReader};
use super::wire::{Claim, info};

/// Longest wait until the index contains an event that this process has appended.
const CATCH_UP: Duration = Duration::from_millis(500);

/// Number of successive rounds with a difference that make gatepost read all events again.
const DIFFERENT_ROUNDS: u32 = 5;

/// Minimum time between two reads of all events, as a multiple of the duration of the earlier read.
const PART_OF_TIME: u32 = 20;

/// A stream that gatepost follows.
#[derive(Clone, Copy, Debug)]
enum Followed {
    Events,
    Claims,
}

/// Comparison of the index with the stream of events.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Number of successive rounds in which the index and the stream differed.
    rounds: u32,
    /// Earliest time at which gatepost reads all events again.
    next: Option<Instant>,
}

impl Shared {
    /// Reads the pending events and their claims, then follows their changes.
    pub(super) async fn start_following(self: &Arc<Self>) -> Result<(), StoreError> {
        // Read the claims first, so that no ended event looks pending.
        for followed in [Followed::Claims, Followed::Events] {
            let mut reader = self.reader(followed, 0);
            while let Some(read) = reader.next_now().await? {
                self.take_read(followed, &read);
            }
            let following = Arc::clone(self);
            tokio::spawn(async move {
                loop {
                    let read = reader.next().await;
                    following.take_read(followed, &read);
                    following.changed.notify_one();
                }
            });
        }
        Ok(())
    }

    fn reader(&self, followed: Followed, from: u64) -> StreamReader {
        let streams = &self.streams;
        match followed {
            Followed::Events => {
                StreamReader::new(streams.events.clone(), streams.names.all("event"), from, true)
            }
            Followed::Claims => {
                StreamReader::new(streams.state.clone(), streams.names.all("claim"), from, false)
            }
        }
    }

    /// Reads all claims and events again if the index differs from the stream for several rounds.
    ///
    /// Compares the number of events in the index with the number in the stream. The two numbers
    /// differ briefly when an event arrives or ends.
    pub(super) async fn check_index(&self) -> Result<(), StoreError> {
        let events = self.streams.info(&self.streams.events).await?.state.messages;
        let known = self.lock_index().len() as u64;
        let started = Instant::now();
        if self.lock_comparison().is_due(events == known, started) {
            tracing::debug!(events, known, "reading all events again");
            self.read_again().await?;
            self.lock_comparison().done(started);
        }
        Ok(())
    }

    async fn read_again(&self) -> Result<(), StoreError> {
        let claims = self.reader(Followed::Claims, 0);
        self.streams.scan(claims, |read| self.take_read(Followed::Claims, &read)).await?;
        let position = self.lock_index().position();
        let mut absent = self.lock_index().numbers(position);
        let take_event = |read: ReadMessage| {
            absent.remove(&read.sequence);
            self.take_read(Followed::Events, &read);
        };
        self.streams.scan(self.reader(Followed::Events, 0), take_event).await?;
        for number in absent {
            if self.streams.get(&self.streams.events, number).await?.is_none() {
                self.lock_index().end(number);
            }
        }
        self.changed.notify_one();
        Ok(())
    }

    fn take_read(&self, followed: Followed, ReadMessage { sequence, message }: &ReadMessage) {
        match followed {
            Followed::Events => {
                if let Some(info) = message.headers.as_ref().and_then(info) {
                    self.lock_index().add(*sequence, info.pending());
                }
                self.arrived.notify_waiters();
            }
            Followed::Claims => {
                let number = message.subject.rsplit('.').next().and_then(|last| last.parse().ok());
                if let Some((number, claim)) = number.zip(Claim::parse(&message.payload)) {
                    self.lock_index().claim(number, *sequence, claim);
                }
            }
        }
    }

    /// Waits until the index has the events that this process has appended, at most [`CATCH_UP`].
    pub(super) async fn caught_up(&self) {
        let reached = async {
            loop {
                let arrived = self.arrived.notified();
                if self.lock_index().position() >= self.last_appended() {
                    return;
                }
                arrived.await;
            }
        };
        if timeout(CATCH_UP, reached).await.is_err() {
            // Another gatepost may have removed the event before this process received it.
            let position = self.lock_index().position();
            self.forget_appended(position);
        }
    }
}

impl Comparison {
    /// Counts a round. Returns true if gatepost must read all events again.
    fn is_due(&mut self, is_same: bool, now: Instant) -> bool {
        self.rounds = if is_same { 0 } else { self.rounds + 1 };
        self.rounds >= DIFFERENT_ROUNDS && self.next.is_none_or(|next| next <= now)
    }

    fn done(&mut self, started: Instant) {
        self.rounds = 0;
        self.next = Some(Instant::now() + started.elapsed() * PART_OF_TIME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_again_only_after_a_lasting_difference() {
        let (mut comparison, now) = (Comparison::default(), Instant::now());
        for _ in 1..DIFFERENT_ROUNDS {
            assert!(!comparison.is_due(false, now));
        }
        assert!(!comparison.is_due(true, now));
        for _ in 1..DIFFERENT_ROUNDS {
            assert!(!comparison.is_due(false, now));
        }
        assert!(comparison.is_due(false, now));
        comparison.done(now);
        assert!(!comparison.is_due(false, now));
    }
}
