//! The interface to a store, for events that must remain after the end of the process, and for
//! state that machines share.
//!
//! The core does no I/O. A store is a type that implements [`Store`]; the server passes it to the
//! driver with [`Runtime::store`](crate::Runtime::store). Each backend follows these rules, and one
//! suite of tests runs against all backends:
//!
//! 1. [`Store::append`] resolves only after the event is durable. While the store keeps a dedupe
//!    key, another event with this key is a duplicate. The event and its key become durable
//!    together.
//! 2. The pending events of one source and subject form a *line*, in the order in which gatepost
//!    queued them. An owner can claim only the head of a line, its first event. An event without a
//!    subject is a line of its own.
//! 3. A claim is a lease. If its owner does not settle the event before the lease ends, another
//!    owner may claim the event. After the second claim, the store ignores a settlement by the first
//!    owner.
//! 4. After a failed delivery, an event stays the head of its line until the app accepts the event,
//!    or until the event becomes a dead letter. The event delays no other line.
//! 5. A full store refuses new events. It drops neither a pending event nor a dead letter whose
//!    retention has not ended.
//!
//! [`SharedState`] is the interface to the other state that machines share.
//!
//! # Values and calls
//!
//! Some operations are values: the server takes an operation from
//! [`Next::Store`](crate::Next::Store), carries it out, and returns the result. The others are
//! calls of the two traits.
//!
//! | operation | form | reason |
//! |---|---|---|
//! | append an event; claim a callback; take a permit of a shared limit | value ([`StoreStep`](crate::StoreStep)) | the result determines whether gatepost replies or asks the app, and the wait counts towards the platform's time limit; your own server can carry out the operation, or continue without a store |
//! | look up a signature or id; look up or note a session; keep or find the last reply; finish or release a claim | call by [`drive`](crate::drive), through [`Runtime`](crate::Runtime) | before or after the steps: the result changes a mark, the verdict or the reply, but not the next step; without a result, the driver continues as without shared state |
//! | claim, settle and expire events; sweep | call by the dispatcher of the queue | no callback waits for the result; the core determines only the settlement ([`QueuedApp::settle`](crate::QueuedApp::settle)), from the app's answer |
//! | list, show, replay and remove events; status | call by the commands and the admin API | an operator, not a callback, needs the result |
//!
//! No other module of the core calls a store, so the core decides without I/O, and its tests need
//! no store.

mod entry;
mod in_memory;
mod in_memory_shared;
mod shared;

use std::future::Future;
use std::pin::Pin;

pub use entry::{
    Appended, Claimed, DedupeKey, EntryState, Lane, LaneStatus, Lease, NewEvent, QueueEntry,
    QueueFilter, Settlement, StateTotal, StoreStatus, StoredEvent,
};
pub use in_memory::InMemoryStore;
pub use in_memory_shared::InMemorySharedState;
pub(crate) use shared::{SharedDomain, shared_key};
pub use shared::{SharedKey, SharedState, SharedUse, SharedValue};

use crate::time::Timestamp;

/// Future of a store operation.
pub type StoreFuture<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// A store for queued events. [`InMemoryStore`] has an example.
pub trait Store: Send + Sync {
    /// Appends an event. Resolves after the event is durable.
    fn append(&self, event: NewEvent, now: Timestamp) -> StoreFuture<'_, Appended>;

    /// Returns each lane that has pending events, with the time at which its next event is due.
    fn lanes(&self) -> StoreFuture<'_, Vec<LaneStatus>>;

    /// Claims at most `max` due events of a lane until `lease_end`, in the order of their due
    /// times. An owner can claim only the first pending event of each source and subject. Counts an
    /// attempt for each claimed event. `owner` is unique for each process.
    fn claim(
        &self,
        lane: &Lane,
        owner: &str,
        max: usize,
        lease_end: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<Claimed>>;

    /// Turns each pending event of a lane that has no claim, and that gatepost queued before
    /// `queued_before`, into a dead letter. Returns the number of these events. A store may limit
    /// one call to about a thousand events, so the caller repeats the call until the call returns
    /// 0.
    fn expire(
        &self,
        lane: &Lane,
        queued_before: Timestamp,
        reason: &str,
        now: Timestamp,
    ) -> StoreFuture<'_, u64>;

    /// Ends a claim, and returns true. If the owner no longer has the claim, for example because
    /// another owner has claimed the event after the end of the lease, returns false and does not
    /// change the event.
    fn settle(&self, lease: &Lease, result: Settlement, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Returns the events that match the filter, in the order of their numbers, without headers and
    /// bodies.
    fn list(&self, filter: &QueueFilter) -> StoreFuture<'_, Vec<QueueEntry>>;

    /// Returns an event with its body; `None` if the store has no such event.
    fn show(&self, number: u64) -> StoreFuture<'_, Option<(QueueEntry, StoredEvent)>>;

    /// Queues again each delivered or dead event that matches the filter. The queued event is a
    /// replay, and has a new number. Returns the number of replays.
    fn replay(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64>;

    /// Removes the events that match the filter, except for claimed events. Returns the number of
    /// removed events.
    fn remove(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64>;

    /// Removes the delivered and dead events and the dedupe keys whose retention has ended. Returns
    /// the number of removed dead events.
    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, u64>;

    /// Returns the count and the total size of the events in each state, or an error if the store
    /// cannot accept new events.
    fn status(&self) -> StoreFuture<'_, StoreStatus>;

    /// Completes after another process may have changed the store.
    ///
    /// The default implementation never completes. It is sufficient for a caller that also looks
    /// for due events at intervals.
    fn changed(&self) -> StoreFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Releases the events that only this process may claim. Afterwards, the process claims no more
    /// events, but may settle its existing claims.
    ///
    /// The default implementation does nothing. It is sufficient for a store without owners.
    fn leave(&self) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Reason why a store cannot carry out an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too many operations wait for the store.
    #[error(
        "expected a store that completes operations in time, found {waiting} waiting operations; end a \
         process that locks the store, or use a faster disk or network"
    )]
    Busy {
        /// Number of operations that wait.
        waiting: usize,
    },
    /// A write failed, or the file is damaged, so the store accepts no more events.
    #[error(
        "expected a store whose file gatepost can write and read, found a failure: {0}; repair the disk, then restart gatepost, which checks the file"
    )]
    Failed(String),
    /// With the new event, the pending and dead events exceed `max_bytes`.
    #[error(
        "expected fewer than {max_bytes} stored bytes, found a full store; correct the app so that it takes the events, remove events with `gatepost queue drop`, or raise max_bytes"
    )]
    Full {
        /// The value of `max_bytes`.
        max_bytes: u64,
    },
    /// A person or a program removed or replaced the file of the store, or its log, while the store
    /// was open. Contains the path.
    #[error(
        "expected {0} as gatepost opened it, found another file or none; stop gatepost, put the file and its log back, then start gatepost"
    )]
    Removed(String),
    /// The operation failed, but a later operation may succeed.
    #[error("{0}")]
    Unavailable(String),
}

/// Returns a future that is ready with `result`.
fn done<'s, T: Send + 's>(result: Result<T, StoreError>) -> StoreFuture<'s, T> {
    Box::pin(std::future::ready(result))
}
