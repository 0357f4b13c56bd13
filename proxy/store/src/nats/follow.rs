//! Follows the events and the claims of all machines, and keeps the index.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::Ordered;
use futures_util::StreamExt as _;
use gatepost::StoreError;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::streams::position;
use super::wire::{Claim, info};

/// Longest wait for an own append to arrive in the index.
const CATCH_UP: Duration = Duration::from_millis(500);

/// Number of rounds after which the index must have the oldest event.
const MISSING_ROUNDS: u32 = 3;

/// Wait before gatepost follows again after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// A stream that is followed.
#[derive(Clone, Copy, Debug)]
enum Followed {
    Events,
    Claims,
}

impl Shared {
    /// Reads the pending events and their claims, then follows their changes.
    pub(super) async fn start_following(self: &Arc<Self>) -> Result<(), StoreError> {
        // Claims first, so that no ended event looks pending.
        for followed in [Followed::Claims, Followed::Events] {
            let (messages, waiting) = self.open_followed(followed, 0).await?;
            let mut following = Following { shared: Arc::clone(self), followed, last: 0 };
            let messages = following.load(messages, waiting).await?;
            tokio::spawn(following.run(messages));
        }
        Ok(())
    }

    async fn open_followed(
        &self,
        followed: Followed,
        from: u64,
    ) -> Result<(Ordered, u64), StoreError> {
        let streams = &self.streams;
        match followed {
            Followed::Events => {
                let filter = streams.names.all("event");
                streams.follow(&streams.events, filter, from, true).await
            }
            Followed::Claims => {
                let filter = streams.names.all("claim");
                streams.follow(&streams.state, filter, from, false).await
            }
        }
    }

    /// Reads the claims and the events again if the index lacks the oldest event for long.
    pub(super) async fn check_index(&self) -> Result<(), StoreError> {
        let state = self.streams.info(&self.streams.events).await?.state;
        let oldest = state.first_sequence;
        let is_known = state.messages == 0 || self.lock_index().contains(oldest);
        if is_known || self.missing.swap(oldest, Ordering::Relaxed) != oldest {
            self.missing_rounds.store(0, Ordering::Relaxed);
            return Ok(());
        }
        if self.missing_rounds.fetch_add(1, Ordering::Relaxed) < MISSING_ROUNDS {
            return Ok(());
        }
        self.missing_rounds.store(0, Ordering::Relaxed);
        let streams = &self.streams;
        let take_claim = |sequence, message: Message| {
            self.take_claim(sequence, &message);
            true
        };
        streams.scan(&streams.state, streams.names.all("claim"), 0, false, take_claim).await?;
        let take_event = |sequence, message: Message| {
            self.take_event(sequence, &message);
            true
        };
        streams.scan(&streams.events, streams.names.all("event"), 0, true, take_event).await?;
        self.changed.notify_one();
        Ok(())
    }

    fn take_event(&self, sequence: u64, message: &Message) {
        if let Some(info) = message.headers.as_ref().and_then(info) {
            self.lock_index().add(sequence, info.pending());
        }
        self.arrived.notify_waiters();
    }

    fn take_claim(&self, sequence: u64, message: &Message) {
        let number = message.subject.rsplit('.').next().and_then(|last| last.parse().ok());
        if let Some((number, claim)) = number.zip(Claim::parse(&message.payload)) {
            self.lock_index().claim(number, sequence, claim);
        }
    }

    /// Waits until the index has the events that this process has appended.
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
            // Another gatepost has removed the event before it arrived here.
            let position = self.lock_index().position();
            self.forget_appended(position);
        }
    }
}

struct Following {
    shared: Arc<Shared>,
    followed: Followed,
    /// Sequence of the last message.
    last: u64,
}

impl Following {
    /// Reads the messages that the stream has.
    async fn load(
        &mut self,
        mut messages: Ordered,
        mut waiting: u64,
    ) -> Result<Ordered, StoreError> {
        while waiting > 0 {
            let Some(message) = messages.next().await else { break };
            let message = message.map_err(|error| super::streams::away(&error.to_string()))?;
            waiting = position(&message)?.1;
            self.take(&message);
        }
        Ok(messages)
    }

    async fn run(mut self, mut messages: Ordered) {
        loop {
            match messages.next().await {
                Some(Ok(message)) => self.take(&message),
                Some(Err(error)) => {
                    tracing::debug!("cannot follow {:?}: {error}", self.followed);
                    messages = self.again().await;
                }
                None => messages = self.again().await,
            }
        }
    }

    async fn again(&self) -> Ordered {
        loop {
            sleep(PAUSE).await;
            if let Ok((messages, _)) = self.shared.open_followed(self.followed, self.last + 1).await
            {
                return messages;
            }
        }
    }

    fn take(&mut self, message: &Message) {
        let Ok((sequence, _)) = position(message) else { return };
        self.last = sequence;
        match self.followed {
            Followed::Events => self.shared.take_event(sequence, message),
            Followed::Claims => self.shared.take_claim(sequence, message),
        }
        self.shared.changed.notify_one();
    }
}
