//! A store on NATS JetStream, shared by several machines.
//!
//! 1. Five streams hold the data: the pending events, in the order of their arrival; the delivered
//!    events; the dead letters; the claims, dedupe keys and leases; and the values that machines
//!    share.
//! 2. The NATS subject of an event contains the hash of its line, and the partition of this hash.
//!    Each partition has one owner at a time, a gatepost: see `partitions.rs`.
//! 3. A claim is a record of an event's delivery, and names the claim before it: see `deliver.rs`.
//!    Order and leases therefore hold even if two machines act as owners of the same
//!    partition.
//! 4. Each gatepost follows all events in a small index, but does not read their bodies: see
//!    `index.rs`.
//! 5. The clock of NATS ends the leases of partitions; the clocks of the machines end the leases
//!    of claims. Keep the clocks of the machines within 5 s of each other, because a claim lasts
//!    5 s beyond the app's time-out.
//!
//! The comments in this folder describe the behaviour of nats-server on which the store relies. We
//! measured this behaviour with the versions 2.15.1 and 2.11.0, each as three servers on one
//! machine, with `sync_interval: always`.

mod append;
mod connect;
mod deliver;
mod entries;
mod error;
mod follow;
mod index;
mod options;
mod partitions;
mod pending;
mod reader;
mod shared;
mod streams;
mod sync_check;
mod wire;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gatepost::{
    Appended, Claimed, Lane, LaneStatus, Lease, NewEvent, QueueEntry, QueueFilter, Settlement,
    Store, StoreError, StoreFuture, StoreStatus, StoredEvent, Timestamp,
};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot};

pub use self::error::NatsError;
pub use self::options::{NatsLogin, NatsOptions};

use self::deliver::End;
use self::follow::Comparison;
use self::index::Index;
use self::partitions::Leases;
use self::pending::Partition;
use self::streams::Streams;
use crate::StoreRules;
use crate::waiting::{Waiting, ended};

/// Longest wait of a command until the store is open.
const ATTACH_PATIENCE: Duration = Duration::from_secs(3);

/// A store on NATS JetStream.
///
/// The store runs on a separate thread. Dropping the store ends the thread.
#[derive(Debug)]
pub struct NatsStore {
    shared: Arc<Shared>,
    runtime: Handle,
    waiting: Waiting,
    /// Sender whose drop ends the thread.
    _running: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    streams: Streams,
    rules: StoreRules,
    /// Name of this process in the leases.
    id: Box<str>,
    index: Mutex<Index>,
    leases: Mutex<Leases>,
    unfinished: Mutex<Vec<End>>,
    /// Partitions whose previous owner may have left ends of events incomplete.
    taken: Mutex<BTreeSet<Partition>>,
    /// Size of all events, and the time at which gatepost read the size.
    sizes: Mutex<Option<(Instant, u64)>>,
    /// Highest number of an event that this process has appended.
    appended: AtomicU64,
    /// Signal to the tasks that wait for an event in the index.
    arrived: Notify,
    /// Signal to the task that waits for a change.
    changed: Notify,
    is_stopping: AtomicBool,
    comparison: Mutex<Comparison>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn lock_index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }

    fn lock_leases(&self) -> MutexGuard<'_, Leases> {
        lock(&self.leases)
    }

    fn lock_unfinished(&self) -> MutexGuard<'_, Vec<End>> {
        lock(&self.unfinished)
    }

    fn lock_taken(&self) -> MutexGuard<'_, BTreeSet<Partition>> {
        lock(&self.taken)
    }

    fn lock_sizes(&self) -> MutexGuard<'_, Option<(Instant, u64)>> {
        lock(&self.sizes)
    }

    fn lock_comparison(&self) -> MutexGuard<'_, Comparison> {
        lock(&self.comparison)
    }

    fn appended(&self, number: u64) {
        self.appended.fetch_max(number, Ordering::Relaxed);
    }

    fn last_appended(&self) -> u64 {
        self.appended.load(Ordering::Relaxed)
    }

    fn forget_appended(&self, position: u64) {
        self.appended.fetch_min(position, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }
}

impl NatsStore {
    /// Connects, checks the servers, creates the streams, and takes partitions.
    ///
    /// # Errors
    ///
    /// Returns an error for invalid options, a failed connection, an unsuitable server or stream,
    /// and a thread that does not start.
    pub fn open(options: NatsOptions, rules: StoreRules) -> Result<Self, NatsError> {
        Self::start(options, rules, true)
    }

    /// Connects to the streams that a gatepost has created, for one command. Delivers no events.
    ///
    /// # Errors
    ///
    /// Returns an error for invalid options, a failed connection, an unsuitable server or stream, a
    /// missing stream, and a thread that does not start.
    pub fn attach(options: NatsOptions, rules: StoreRules) -> Result<Self, NatsError> {
        Self::start(options, rules, false)
    }

    fn start(options: NatsOptions, rules: StoreRules, delivers: bool) -> Result<Self, NatsError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(NatsError::Thread)?;
        let handle = runtime.handle().clone();
        let servers = options.servers.clone();
        let (running, stopped) = oneshot::channel::<()>();
        let (opened, opening) = std::sync::mpsc::channel();
        let thread = thread::Builder::new().name("nats".into()).spawn(move || {
            runtime.block_on(async {
                let shared = Shared::open(&options, rules, delivers).await;
                let is_open = shared.is_ok();
                // `send` fails only if the caller no longer waits.
                drop(opened.send(shared));
                if is_open {
                    drop(stopped.await);
                }
            });
        });
        thread.map_err(NatsError::Thread)?;
        let patience = if delivers { Duration::MAX } else { ATTACH_PATIENCE };
        let shared = opening.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                NatsError::NoResponse { servers: servers.join(", "), patience }
            }
            RecvTimeoutError::Disconnected => NatsError::Unavailable(ended()),
        })??;
        Ok(Self { shared, runtime: handle, waiting: Waiting::default(), _running: running })
    }

    /// Runs an operation on the thread of the store, even if the caller drops the future.
    fn run<T: Send + 'static, F>(&self, work: impl FnOnce(Arc<Shared>) -> F) -> StoreFuture<'_, T>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let task = self.runtime.spawn(work(Arc::clone(&self.shared)));
        Box::pin(async move { task.await.unwrap_or_else(|_| Err(ended())) })
    }

    /// Runs an operation with an event or a value of `bytes` bytes. Returns an error if too many
    /// operations or bytes wait.
    fn run_waiting<T: Send + 'static, F>(
        &self,
        bytes: usize,
        work: impl FnOnce(Arc<Shared>) -> F,
    ) -> StoreFuture<'_, T>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let waiting = match self.waiting.enter(bytes) {
            Ok(waiting) => waiting,
            Err(busy) => return Box::pin(std::future::ready(Err(busy))),
        };
        self.run(move |shared| {
            let work = work(shared);
            async move {
                let result = work.await;
                drop(waiting);
                result
            }
        })
    }
}

impl Shared {
    async fn open(
        options: &NatsOptions,
        rules: StoreRules,
        delivers: bool,
    ) -> Result<Arc<Self>, NatsError> {
        let shared = Arc::new(Self {
            streams: connect::open(options, rules, delivers).await?,
            rules,
            id: wire::nonce(),
            index: Mutex::default(),
            leases: Mutex::default(),
            unfinished: Mutex::default(),
            taken: Mutex::default(),
            sizes: Mutex::default(),
            appended: AtomicU64::new(0),
            arrived: Notify::new(),
            changed: Notify::new(),
            is_stopping: AtomicBool::new(false),
            comparison: Mutex::default(),
        });
        if delivers {
            shared.start_following().await?;
            shared.partition_round().await?;
            let keeping = Arc::clone(&shared);
            tokio::spawn(async move { keeping.keep_leases().await });
            let keeping = Arc::clone(&shared);
            tokio::spawn(async move { keeping.keep_partitions().await });
        }
        Ok(shared)
    }
}

impl Store for NatsStore {
    fn append(&self, event: NewEvent, now: Timestamp) -> StoreFuture<'_, Appended> {
        let bytes = usize::try_from(event.event.stored_bytes()).unwrap_or(usize::MAX);
        self.run_waiting(bytes, move |shared| async move { shared.append(event, now).await })
    }

    fn lanes(&self) -> StoreFuture<'_, Vec<LaneStatus>> {
        self.run(|shared| async move {
            shared.caught_up().await;
            let partitions = shared.owned();
            Ok(shared.lock_index().lanes(&partitions))
        })
    }

    fn claim(
        &self,
        lane: &Lane,
        owner: &str,
        max: usize,
        lease_end: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<Claimed>> {
        let (lane, owner): (_, Box<str>) = (lane.clone(), owner.into());
        self.run(
            move |shared| async move { shared.claim(&lane, &owner, max, lease_end, now).await },
        )
    }

    fn expire(
        &self,
        lane: &Lane,
        queued_before: Timestamp,
        reason: &str,
        now: Timestamp,
    ) -> StoreFuture<'_, u64> {
        let (lane, reason): (_, Box<str>) = (lane.clone(), reason.into());
        self.run(
            move |shared| async move { shared.expire(&lane, queued_before, &reason, now).await },
        )
    }

    fn settle(&self, lease: &Lease, result: Settlement, now: Timestamp) -> StoreFuture<'_, bool> {
        let lease = lease.clone();
        self.run(move |shared| async move { shared.settle(&lease, &result, now).await })
    }

    fn list(&self, filter: &QueueFilter) -> StoreFuture<'_, Vec<QueueEntry>> {
        let filter = filter.clone();
        self.run(move |shared| async move { shared.list(&filter).await })
    }

    fn show(&self, number: u64) -> StoreFuture<'_, Option<(QueueEntry, StoredEvent)>> {
        self.run(move |shared| async move { shared.show(number).await })
    }

    fn replay(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        let filter = filter.clone();
        self.run(move |shared| async move { shared.replay(&filter, now).await })
    }

    fn remove(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        let filter = filter.clone();
        self.run(move |shared| async move { shared.remove(&filter, now).await })
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        self.run(move |shared| async move { shared.sweep(now).await })
    }

    fn status(&self) -> StoreFuture<'_, StoreStatus> {
        self.run(|shared| async move { shared.status().await })
    }

    fn changed(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.shared.changed.notified().await;
            Ok(())
        })
    }

    fn leave(&self) -> StoreFuture<'_, ()> {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        self.run(|shared| async move {
            shared.leave().await;
            Ok(())
        })
    }
}
