//! Reader of the messages of a stream, in order.
//!
//! A consumer exists in the memory of one server. If that server stops or no longer responds, the
//! reader creates another consumer, which begins after the last message that the reader has read.
//! The ordered consumer of `async-nats` does the same, but in version 0.51, it neither reports the
//! first missed heartbeat nor wakes its task then, and it waits up to 10 s between its attempts.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::{Config, Stream as Pull};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt as _;
use gatepost::StoreError;
use tokio::time::{sleep, timeout};

use super::streams::{Streams, describe, retry, retry_always, tried};

/// Longest time for which the server holds a request for messages.
const PULL: Duration = Duration::from_secs(4);

/// Interval of a consumer's heartbeats. After two missed heartbeats, the reader replaces the
/// consumer.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Time after which a server removes a consumer without requests.
const FORGOTTEN: Duration = Duration::from_secs(20);

/// Maximum number of messages that a request asks for.
const BATCH: usize = 500;

/// Wait for a server that lags behind.
const LAG: Duration = Duration::from_millis(100);

/// A reader of the messages of a stream.
pub(super) struct StreamReader {
    stream: Stream<()>,
    filter: String,
    headers_only: bool,
    /// Sequence from which the next consumer begins.
    next: u64,
    consumer: Option<OpenConsumer>,
}

struct OpenConsumer {
    messages: Pull,
    /// Number of messages that the consumer has sent.
    sent: u64,
    /// Number of messages that the consumer has not sent yet.
    pending: u64,
}

/// A message, and its sequence in the stream.
pub(super) struct ReadMessage {
    pub(super) sequence: u64,
    pub(super) message: Message,
}

impl StreamReader {
    /// Returns a reader that begins at a sequence.
    pub(super) const fn new(
        stream: Stream<()>,
        filter: String,
        from: u64,
        headers_only: bool,
    ) -> Self {
        Self { stream, filter, headers_only, next: from, consumer: None }
    }

    /// Returns the sequence after the last message that the reader has read.
    pub(super) const fn next_sequence(&self) -> u64 {
        self.next
    }

    pub(super) const fn stream(&self) -> &Stream<()> {
        &self.stream
    }

    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    /// Continues with a new consumer.
    pub(super) fn begin_again(&mut self) {
        self.consumer = None;
    }

    /// Waits for the next message, without a time limit.
    pub(super) async fn next(&mut self) -> ReadMessage {
        loop {
            match self.consumer().await {
                Ok(consumer) => {
                    if let Some(read) = self.read(consumer).await {
                        return read;
                    }
                }
                Err(error) => tracing::debug!("cannot read a stream: {error}"),
            }
        }
    }

    /// Returns the next message that the stream has now; `None` if the server of the consumer has
    /// no further message.
    pub(super) async fn next_now(&mut self) -> Result<Option<ReadMessage>, StoreError> {
        loop {
            let consumer = self.consumer().await?;
            if consumer.pending == 0 {
                self.consumer = Some(consumer);
                return Ok(None);
            }
            // Another machine may have removed the pending messages. A new consumer does not count
            // them.
            match timeout(HEARTBEAT, self.read(consumer)).await {
                Ok(Some(read)) => return Ok(Some(read)),
                Ok(None) | Err(_) => self.consumer = None,
            }
        }
    }

    /// Takes the consumer, or creates one.
    async fn consumer(&mut self) -> Result<OpenConsumer, StoreError> {
        match self.consumer.take() {
            Some(consumer) => Ok(consumer),
            None => self.create().await,
        }
    }

    /// Reads a message. Keeps the consumer unless it has failed.
    async fn read(&mut self, mut consumer: OpenConsumer) -> Option<ReadMessage> {
        loop {
            // Without the time limit, a wake-up that `async-nats` misses blocks the reader.
            let message = match timeout(PULL, consumer.messages.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => {
                    tracing::debug!("cannot read {}: {}", self.filter, describe(&error));
                    return None;
                }
                Ok(None) => return None,
                Err(_) => continue,
            };
            let (sequence, sent) = {
                let info = message.info().ok()?;
                consumer.pending = info.pending;
                (info.stream_sequence, info.consumer_sequence)
            };
            consumer.sent += 1;
            if sent != consumer.sent {
                tracing::debug!("missed a message of {}", self.filter);
                return None;
            }
            // A server that lags behind begins with messages that the reader has already read.
            if sequence >= self.next {
                self.next = sequence + 1;
                self.consumer = Some(consumer);
                return Some(ReadMessage { sequence, message });
            }
        }
    }

    async fn create(&self) -> Result<OpenConsumer, StoreError> {
        let deliver_policy = match self.next {
            0 | 1 => DeliverPolicy::All,
            start_sequence => DeliverPolicy::ByStartSequence { start_sequence },
        };
        let config = Config {
            deliver_policy,
            ack_policy: AckPolicy::None,
            filter_subject: self.filter.clone(),
            headers_only: self.headers_only,
            inactive_threshold: FORGOTTEN,
            num_replicas: 1,
            memory_storage: true,
            ..Config::default()
        };
        retry_always(|| async {
            let consumer = self.stream.create_consumer(config.clone()).await;
            let consumer = consumer.map_err(|error| describe(&error))?;
            let pending = consumer.cached_info().num_pending;
            let pull = consumer.stream().max_messages_per_batch(BATCH).expires(PULL);
            let messages = pull.heartbeat(HEARTBEAT).messages().await;
            let messages = messages.map_err(|error| describe(&error))?;
            Ok(OpenConsumer { messages, sent: 0, pending })
        })
        .await
    }
}

impl Streams {
    /// Reads the messages that a stream holds now, the oldest first.
    pub(super) async fn scan(
        &self,
        reader: StreamReader,
        mut visit: impl FnMut(ReadMessage),
    ) -> Result<(), StoreError> {
        self.scan_while(reader, |read| {
            visit(read);
            true
        })
        .await
    }

    /// Reads the messages that a stream holds now, the oldest first, until `visit` returns false.
    pub(super) async fn scan_while(
        &self,
        mut reader: StreamReader,
        mut visit: impl FnMut(ReadMessage) -> bool,
    ) -> Result<(), StoreError> {
        let last = self.info(reader.stream()).await?.state.last_sequence;
        while reader.next_sequence() <= last {
            let Some(read) = reader.next_now().await? else {
                if self.is_after_all(&reader, last).await? {
                    break;
                }
                // The server of the consumer lags behind.
                reader.begin_again();
                sleep(LAG).await;
                continue;
            };
            if !visit(read) {
                break;
            }
        }
        Ok(())
    }

    /// Returns true if the leader has no message from the position of a reader up to `last`.
    async fn is_after_all(&self, reader: &StreamReader, last: u64) -> Result<bool, StoreError> {
        let (filter, from) = (reader.filter(), reader.next_sequence().max(1));
        let next = retry(|| async {
            tried(reader.stream().get_first_raw_message_by_subject(filter, from).await)
        });
        Ok(next.await?.is_none_or(|next| next.sequence > last))
    }
}
