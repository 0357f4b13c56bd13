//! The streams of the store, and operations on them. gatepost repeats an operation while NATS
//! elects a leader.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::{
    DeleteMessageErrorKind, Info, LastRawMessageErrorKind, RawMessageError, Stream,
};
use async_nats::jetstream::{Context, Error as ApiError, ErrorCode};
use bytes::Bytes;
use gatepost::StoreError;
use tokio::time::sleep;

use super::pending::Partition;
use super::wire::PARTITIONS;

/// Waits between the attempts of an operation. Their sum exceeds the time of a leader election.
const WAITS_MS: [u64; 7] = [50, 100, 200, 400, 800, 1600, 3200];

/// Error codes of a write that another write preceded: NATS has stored the other write, or still
/// writes it.
const CONFLICTS: [ErrorCode; 2] = [ErrorCode::STREAM_WRONG_LAST_SEQUENCE, ErrorCode(10_164)];

/// Error code of a full stream with `discard: new`. Removals still succeed.
const FULL: ErrorCode = ErrorCode(10_077);

/// The streams.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    pub(super) context: Context,
    pub(super) names: Names,
    pub(super) events: Stream<()>,
    pub(super) delivered: Stream<()>,
    pub(super) dead: Stream<()>,
    pub(super) state: Stream<()>,
    /// Values that machines share, besides the events.
    pub(super) shared: Stream<()>,
}

/// Names of streams and subjects.
#[derive(Clone, Debug)]
pub(super) struct Names(pub(super) String);

impl Names {
    pub(super) fn stream(&self, name: &str) -> String {
        format!("{}-{name}", self.0)
    }

    pub(super) fn event(&self, address: &str) -> String {
        format!("{}.event.{address}", self.0)
    }

    pub(super) fn ended(&self, state: gatepost::EntryState, number: u64) -> String {
        format!("{}.{}.{number}", self.0, state.as_str())
    }

    pub(super) fn claim(&self, partition: Partition, number: u64) -> String {
        format!("{}.claim.{partition}.{number}", self.0)
    }

    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.key.{key}", self.0)
    }

    pub(super) fn owner(&self, partition: Partition) -> String {
        format!("{}.owner.{partition}", self.0)
    }

    pub(super) fn member(&self, id: &str) -> String {
        format!("{}.member.{id}", self.0)
    }

    pub(super) fn shared(&self, key: gatepost::SharedKey) -> String {
        format!("{}.shared.{:032x}", self.0, u128::from_be_bytes(key))
    }

    /// Returns a filter for all subjects whose second part is `kind`.
    pub(super) fn all(&self, kind: &str) -> String {
        format!("{}.{kind}.>", self.0)
    }
}

/// Returns all partitions.
pub(super) fn all_partitions() -> impl Iterator<Item = Partition> {
    0..PARTITIONS
}

/// Reason why NATS has not written a message.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The last message of the subject is not the expected message, or NATS still writes another
    /// message.
    Conflict,
    /// The stream is full.
    Full,
    /// NATS did not respond, or refused the write.
    Unavailable(StoreError),
}

/// Result of one attempt of an operation.
pub(super) enum Tried<T> {
    Done(T),
    /// A later attempt may succeed.
    Again(String),
}

impl Streams {
    /// Writes a message. Returns its sequence as soon as most replicas have stored the message
    /// durably.
    ///
    /// The message has an id, so that an attempt after a lost acknowledgement writes no second
    /// copy.
    pub(super) async fn write(
        &self,
        subject: &str,
        message: PublishMessage,
    ) -> Result<u64, WriteError> {
        let message = message.message_id(super::wire::nonce());
        let publish = || async {
            let sent = self.context.send_publish(subject.to_owned(), message.clone()).await;
            let acknowledged = match sent {
                Ok(acknowledgement) => acknowledgement.await,
                Err(error) => Err(error),
            };
            let error = match acknowledged {
                Ok(acknowledged) => return Tried::Done(Ok(acknowledged.sequence)),
                Err(error) => error,
            };
            let code = error.source().and_then(|source| source.downcast_ref::<ApiError>());
            let code = code.map(ApiError::error_code);
            if error.kind() == PublishErrorKind::WrongLastSequence
                || code.is_some_and(|code| CONFLICTS.contains(&code))
            {
                Tried::Done(Err(WriteError::Conflict))
            } else if code == Some(FULL) {
                Tried::Done(Err(WriteError::Full))
            } else if error.kind() == PublishErrorKind::MaxPayloadExceeded {
                Tried::Done(Err(WriteError::Unavailable(too_large())))
            } else {
                Tried::Again(describe(&error))
            }
        };
        retry(publish).await.unwrap_or_else(|error| Err(WriteError::Unavailable(error)))
    }

    /// Reads a message by its sequence from the leader, because a replica may lag behind: it may
    /// lack a message that the leader has acknowledged, or still have a removed message. A new
    /// leader may also lack a message for a moment.
    pub(super) async fn get(
        &self,
        stream: &Stream<()>,
        sequence: u64,
    ) -> Result<Option<StreamMessage>, StoreError> {
        retry(|| async { tried(stream.get_raw_message(sequence).await) }).await
    }

    /// Reads the last message of a subject from the leader.
    pub(super) async fn last(
        &self,
        stream: &Stream<()>,
        subject: &str,
    ) -> Result<Option<StreamMessage>, StoreError> {
        retry(|| async { tried(stream.get_last_raw_message_by_subject(subject).await) }).await
    }

    /// Removes a message. Removing an absent message is not an error.
    pub(super) async fn delete(
        &self,
        stream: &Stream<()>,
        sequence: u64,
    ) -> Result<(), StoreError> {
        let delete = || async {
            let Err(error) = stream.delete_message(sequence).await else { return Tried::Done(()) };
            if let DeleteMessageErrorKind::JetStream(refused) = error.kind()
                && is_absent(&refused)
            {
                return Tried::Done(());
            }
            Tried::Again(describe(&error))
        };
        retry(delete).await
    }

    /// Reads the config and the state of a stream.
    pub(super) async fn info(&self, stream: &Stream<()>) -> Result<Info, StoreError> {
        let info = || async {
            match stream.get_info().await {
                Ok(info) => Tried::Done(info),
                Err(error) => Tried::Again(describe(&error)),
            }
        };
        retry(info).await
    }
}

pub(super) fn tried(
    result: Result<StreamMessage, RawMessageError>,
) -> Tried<Option<StreamMessage>> {
    match result {
        Ok(message) => Tried::Done(Some(message)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Tried::Done(None),
        Err(error) => Tried::Again(describe(&error)),
    }
}

/// Returns true if the error says that the leader does not have the message. The error "stream not
/// found" is no evidence, because a server that has just started may report this error.
fn is_absent(error: &ApiError) -> bool {
    match error.error_code() {
        ErrorCode::NO_MESSAGE_FOUND | ErrorCode::SEQUENCE_NOT_FOUND => true,
        ErrorCode::STREAM_MESSAGE_DELETE_FAILED => {
            let text = error.to_string();
            text.contains("no message found") || text.contains("deleted message")
        }
        _ => false,
    }
}

/// Repeats an operation after any error, until it succeeds or the waits end.
pub(super) async fn retry_always<T, F: Future<Output = Result<T, String>>>(
    mut operation: impl FnMut() -> F,
) -> Result<T, StoreError> {
    retry(|| {
        let tried = operation();
        async { tried.await.map_or_else(Tried::Again, Tried::Done) }
    })
    .await
}

/// Repeats an operation until it succeeds or the waits end.
pub(super) async fn retry<T, F: Future<Output = Tried<T>>>(
    mut operation: impl FnMut() -> F,
) -> Result<T, StoreError> {
    for wait in WAITS_MS {
        match operation().await {
            Tried::Done(done) => return Ok(done),
            Tried::Again(_) => sleep(Duration::from_millis(wait)).await,
        }
    }
    match operation().await {
        Tried::Done(done) => Ok(done),
        Tried::Again(error) => Err(away(&error)),
    }
}

pub(super) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

pub(super) fn away(problem: &str) -> StoreError {
    StoreError::Unavailable(format!(
        "expected a response from NATS JetStream, found {problem}; check the servers and their leaders \
         with `nats server report jetstream`"
    ))
}

fn too_large() -> StoreError {
    StoreError::Unavailable(
        "expected an event of at most max_payload, found a larger one; raise max_payload of NATS, or \
         lower max_body_bytes"
            .into(),
    )
}

/// Returns a message with headers.
pub(super) fn message(headers: async_nats::HeaderMap, payload: Bytes) -> PublishMessage {
    PublishMessage::build().headers(headers).payload(payload)
}
