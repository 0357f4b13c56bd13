//! The two threads of a store: one writes, the other reads.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use futures_channel::oneshot::channel;
use gatepost::{StoreError, StoreFuture};
use rusqlite::Connection;

use super::error::{at_file, failed};
use crate::waiting::{MAX_WAITING, Waiting, WaitingOperation, ended};

/// Maximum number of operations in one transaction.
const BATCH: usize = 512;

/// An operation. It receives the connection, or the error that prevents the operation.
type Work = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Executed + Send>;

struct Job {
    work: Work,
    durability: Durability,
    /// Value that counts the operation until it has run.
    waiting: WaitingOperation,
}

/// The failure that a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Durability {
    /// The end of the process.
    Process,
    /// A loss of power.
    Power,
}

impl Durability {
    /// Sets the durability of the next transaction. Does nothing if the last transaction had the
    /// same durability.
    fn apply(self, db: &Connection, last: &mut Option<Self>) -> rusqlite::Result<()> {
        if last.replace(self) == Some(self) {
            return Ok(());
        }
        let level = match self {
            Self::Process => "normal",
            Self::Power => "full",
        };
        // If this fails, the next transaction sets it again.
        db.pragma_update(None, "synchronous", level).inspect_err(|_| *last = None)
    }
}

/// The result of an operation whose transaction is open. `reply` sends the result after the commit.
struct Executed {
    error: Option<StoreError>,
    reply: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// Handle of the thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: JobSender,
    failure: Arc<OnceLock<StoreError>>,
}

/// Handle of the thread that reads.
#[derive(Debug)]
pub(super) struct Reader(JobSender);

struct JobSender {
    sender: SyncSender<Job>,
    waiting: Waiting,
}

impl std::fmt::Debug for JobSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobSender").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread. It ends after the drop of the handle. `check` returns an error if the
    /// commits do not survive the end of the process.
    pub(super) fn start(
        db: Connection,
        check: impl Fn() -> Result<(), StoreError> + Send + 'static,
    ) -> Self {
        let (jobs, receiver) = JobSender::new();
        let failure = Arc::<OnceLock<StoreError>>::default();
        let seen = Arc::clone(&failure);
        thread::spawn(move || write(&db, &check, &receiver, &seen));
        Self { jobs, failure }
    }

    /// Runs an operation. Resolves after its transaction is durable.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.run_with(0, work)
    }

    /// Runs an operation with an event of `bytes` bytes. Resolves after its transaction is durable.
    pub(super) fn run_with<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.jobs.run(Durability::Power, bytes, work)
    }

    /// Runs an operation with a value of `bytes` bytes. Resolves after the commit of its
    /// transaction, which a loss of power may undo.
    pub(super) fn run_unsynced<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.jobs.run(Durability::Process, bytes, work)
    }

    /// Returns the failure after which the store refuses all writes; `None` if there is none.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.failure.get().cloned()
    }
}

impl Reader {
    /// Starts the thread. It ends after the drop of the handle. If the thread finds a damaged
    /// file, the writer refuses all writes.
    pub(super) fn start(db: Connection, writer: &Writer) -> Self {
        let (jobs, receiver) = JobSender::new();
        let failure = Arc::clone(&writer.failure);
        thread::spawn(move || {
            for job in receiver {
                let executed = (job.work)(Ok(&db));
                if let Some(error) = &executed.error {
                    keep(&failure, error);
                }
                (executed.reply)(Ok(()));
            }
        });
        Self(jobs)
    }

    /// Runs a query.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.0.run(Durability::Process, 0, work)
    }
}

impl JobSender {
    fn new() -> (Self, Receiver<Job>) {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        (Self { sender, waiting: Waiting::default() }, receiver)
    }

    /// Sends an operation to the thread at once, so that the operation runs even if the caller
    /// drops the future.
    fn run<T: Send + 'static>(
        &self,
        durability: Durability,
        bytes: usize,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let waiting = match self.waiting.enter(bytes) {
            Ok(waiting) => waiting,
            Err(busy) => return Box::pin(std::future::ready(Err(busy))),
        };
        let (sender, receiver) = channel();
        let work = move |db: Result<&Connection, StoreError>| {
            let result = db.and_then(|db| work(db).map_err(|error| at_file(error, db)));
            let error = result.as_ref().err().cloned();
            // `send` fails only if the caller no longer waits.
            let reply = move |done: Result<(), StoreError>| drop(sender.send(done.and(result)));
            Executed { error, reply: Box::new(reply) }
        };
        let sent = self.sender.try_send(Job { work: Box::new(work), durability, waiting });
        if let Err(error) = sent {
            let error = match error {
                TrySendError::Full(_) => StoreError::Busy { waiting: MAX_WAITING },
                TrySendError::Disconnected(_) => ended(),
            };
            return Box::pin(std::future::ready(Err(error)));
        }
        Box::pin(async move { receiver.await.unwrap_or_else(|_| Err(ended())) })
    }
}

/// Runs all waiting operations, at most [`BATCH`], as one transaction. Repeats this until the
/// drop of the handle.
fn write(
    db: &Connection,
    check: &impl Fn() -> Result<(), StoreError>,
    jobs: &Receiver<Job>,
    failure: &OnceLock<StoreError>,
) {
    let mut durability = None;
    while let Ok(first) = jobs.recv() {
        let batch: Vec<_> = [first].into_iter().chain(jobs.try_iter().take(BATCH - 1)).collect();
        let (replies, result) = match failure.get() {
            Some(failed) => refuse(batch, failed),
            None => commit(db, batch, &mut durability),
        };
        // Check after the commit, so that no acknowledgement follows a removal that precedes the
        // commit.
        let result = result.and_then(|()| check());
        if let Err(error) = &result {
            keep(failure, error);
        }
        replies.into_iter().for_each(|executed| (executed.reply)(result.clone()));
    }
}

/// Keeps the first failure after which the store refuses all writes.
fn keep(failure: &OnceLock<StoreError>, error: &StoreError) {
    if matches!(error, StoreError::Failed(_) | StoreError::Removed(_)) {
        // `set` fails only if there is an earlier failure, which stays.
        drop(failure.set(error.clone()));
    }
}

/// Runs a batch as one transaction, with the highest durability that its operations require.
fn commit(
    db: &Connection,
    batch: Vec<Job>,
    last: &mut Option<Durability>,
) -> (Vec<Executed>, Result<(), StoreError>) {
    let durability = batch.iter().map(|job| job.durability).max().unwrap_or(Durability::Power);
    let begun = durability.apply(db, last).and_then(|()| db.execute_batch("BEGIN IMMEDIATE"));
    if let Err(error) = begun {
        return refuse(batch, &at_file(failed(&error), db));
    }
    let mut replies = Vec::with_capacity(batch.len());
    let mut broken = None;
    for Job { work, waiting, .. } in batch {
        let executed = work(Ok(db));
        drop(waiting);
        // A full store affects only one operation. After any other error, an operation may be half
        // done, so the whole transaction fails.
        let is_broken =
            executed.error.as_ref().is_some_and(|e| !matches!(e, StoreError::Full { .. }));
        broken = broken.or_else(|| executed.error.clone().filter(|_| is_broken));
        replies.push(executed);
    }
    let result = match broken {
        None => db.execute_batch("COMMIT").map_err(|error| at_file(failed(&error), db)),
        Some(error) => Err(error),
    };
    if result.is_err() && !db.is_autocommit() {
        // If this fails too, the next `BEGIN` fails.
        drop(db.execute_batch("ROLLBACK"));
    }
    (replies, result)
}

/// Gives each operation of a batch the error instead of the connection.
fn refuse(batch: Vec<Job>, error: &StoreError) -> (Vec<Executed>, Result<(), StoreError>) {
    let refused = batch.into_iter().map(|job| (job.work)(Err(error.clone()))).collect();
    (refused, Err(error.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiting::MAX_WAITING_BYTES;

    fn writer() -> Writer {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (x UNIQUE)").unwrap();
        Writer::start(db, || Ok(()))
    }

    fn insert(db: &Connection) -> Result<usize, StoreError> {
        db.execute("INSERT INTO t VALUES (1)", []).map_err(|error| failed(&error))
    }

    fn count(db: &Connection) -> Result<i64, StoreError> {
        let count = db.query_row("SELECT count(*) FROM t", [], |row| row.get(0));
        count.map_err(|error| failed(&error))
    }

    #[tokio::test]
    async fn refuses_operations_after_a_failed_sync() {
        let writer = writer();
        let synced = |_: &Connection| Err::<(), _>(StoreError::Failed("fsync".into()));
        assert!(writer.run(synced).await.is_err());
        assert_eq!(writer.failure(), Some(StoreError::Failed("fsync".into())));
        assert_eq!(writer.run(insert).await, Err(StoreError::Failed("fsync".into())));
    }

    #[tokio::test]
    async fn failed_operation_changes_nothing() {
        let writer = writer();
        let half = |db: &Connection| {
            insert(db)?;
            Err::<(), _>(StoreError::Unavailable("locked".into()))
        };
        assert!(matches!(writer.run(half).await, Err(StoreError::Unavailable(_))));
        assert_eq!(writer.run(count).await, Ok(0));
        assert_eq!(writer.run(insert).await, Ok(1));
        assert_eq!(writer.run(count).await, Ok(1));
    }

    #[tokio::test]
    async fn refuses_events_on_a_full_disk_until_there_is_space() {
        let writer = writer();
        let pages = |count: u32| {
            move |db: &Connection| {
                let set = db.pragma_update_and_check(None, "max_page_count", count, |_| Ok(()));
                set.map_err(|error| failed(&error))
            }
        };
        let long = |db: &Connection| {
            let added = db.execute("INSERT INTO t VALUES (zeroblob(100000))", []);
            added.map_err(|error| failed(&error))
        };
        assert_eq!(writer.run(pages(8)).await, Ok(()));
        let full = writer.run(long).await.unwrap_err();
        assert!(full.to_string().contains("expected free space for the store"), "{full}");
        assert_eq!((writer.failure(), writer.run(count).await), (None, Ok(0)));
        assert_eq!(writer.run(pages(1000)).await, Ok(()));
        assert_eq!((writer.run(long).await, writer.run(count).await), (Ok(1), Ok(1)));
    }

    #[tokio::test]
    async fn each_error_of_the_file_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatepost.db");
        let db = Connection::open(&path).unwrap();
        db.busy_timeout(std::time::Duration::ZERO).unwrap();
        db.execute_batch("CREATE TABLE t (x); PRAGMA max_page_count = 2").unwrap();
        let writer = Writer::start(db, || Ok(()));
        let long = |db: &Connection| {
            let added = db.execute("INSERT INTO t VALUES (zeroblob(100000))", []);
            added.map_err(|error| failed(&error))
        };
        let full = writer.run(long).await.unwrap_err().to_string();
        let expected = format!("{}: expected free space for the store, found none", path.display());
        assert!(full.starts_with(&expected), "expected {expected}, found {full}");
        // Another process holds a lock, so the transaction does not begin.
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let locked = writer.run(count).await.unwrap_err().to_string();
        assert!(locked.starts_with(&path.display().to_string()), "{locked}");
        drop(other);
        let failed = |_: &Connection| Err::<(), _>(StoreError::Failed("disk I/O error".into()));
        let failed = writer.run(failed).await.unwrap_err().to_string();
        assert!(failed.contains(&format!("{}: disk I/O error", path.display())), "{failed}");
    }

    #[tokio::test]
    async fn refuses_events_beyond_the_bytes_that_may_wait() {
        let writer = writer();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let blocked = writer.run_with(MAX_WAITING_BYTES, move |_| Ok(wait.recv().is_ok()));
        let refused = writer.run_with(1, |_| Ok(()));
        let without_event = writer.run(|_| Ok(()));
        release.send(()).unwrap();
        assert_eq!(refused.await, Err(StoreError::Busy { waiting: 1 }));
        assert_eq!((blocked.await, without_event.await), (Ok(true), Ok(())));
        assert_eq!(writer.run_with(1, |_| Ok(())).await, Ok(()));
    }

    #[tokio::test]
    async fn full_store_does_not_fail_the_other_operations_of_a_batch() {
        let writer = writer();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let blocked = writer.run(move |_| Ok(wait.recv().is_ok()));
        let full = writer.run(|_| Err::<(), _>(StoreError::Full { max_bytes: 1 }));
        let added = writer.run(insert);
        release.send(()).unwrap();
        assert_eq!(blocked.await, Ok(true));
        assert_eq!((full.await, added.await), (Err(StoreError::Full { max_bytes: 1 }), Ok(1)));
    }
}
