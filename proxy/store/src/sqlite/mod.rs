//! A store in a file on this machine: SQLite with a write-ahead log, synced at each commit.
//!
//! 1. One thread writes. It commits the waiting operations, at most 512, as one transaction, and
//!    returns their results after the commit. During a commit, the next operations wait, so the
//!    store needs no timer.
//! 2. Another thread reads, so that a query for a long list does not delay events.
//! 3. After a failed sync, or another failure that may have damaged the file, the store refuses all
//!    writes and all requests for its status. Only a restart, which checks the file, shows what is
//!    durable. If another program removes or replaces the file or its log, the store also refuses
//!    them: the writer compares device and inode after each commit, before it returns the results.
//! 4. gatepost checks the log before SQLite opens the file, and then all pages, tables and indexes.
//!    Each row has a checksum. A claim turns an event whose checksum differs into a dead letter.
//!    gatepost logs a shared value whose checksum differs, and treats the value as absent.
//! 5. Two processes may use the same file, for example during an upgrade. A claim is a lease in the
//!    file.
//! 6. SQLite does not sync a transaction that contains only operations of the shared state.
//!
//! The schema is in the files `schema*.sql`. Its triggers update the heads of the lines and the
//! totals, so an operator may change rows with `sqlite3`.

mod checksum;
mod entries;
mod error;
mod events;
mod file;
mod log_check;
mod shared;
mod worker;

use std::path::Path;
use std::sync::Arc;

use gatepost::{
    Appended, Claimed, Lane, LaneStatus, Lease, NewEvent, QueueEntry, QueueFilter, Settlement,
    Store, StoreFuture, StoreStatus, StoredEvent, Timestamp,
};

pub use self::error::OpenError;
use self::file::OpenFiles;
use self::shared::SharedBytes;
use self::worker::{Reader, Writer};
use crate::StoreRules;

/// A store in a file.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use gatepost_store::{SqliteStore, StoreRules};
///
/// # let folder = tempfile::tempdir()?;
/// let day = Duration::from_secs(86_400);
/// let rules = StoreRules { max_bytes: 1 << 30, delivered: day, dead: 14 * day };
/// let store = SqliteStore::open(&folder.path().join("gatepost.db"), rules)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    reader: Reader,
    rules: StoreRules,
    shared: SharedBytes,
}

impl SqliteStore {
    /// Opens a file, or creates it with the mode 0600. Checks its integrity, and migrates an older
    /// schema.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not a store of gatepost, has a newer schema, is corrupt, has
    /// a damaged log, or is not writable. The files then remain as they are.
    pub fn open(path: &Path, rules: StoreRules) -> Result<Self, OpenError> {
        Self::with_writer(path, file::open(path)?, rules)
    }

    /// Opens an existing file, for one command. Skips the integrity check.
    ///
    /// # Errors
    ///
    /// Returns an error if the file does not exist, is not a store of gatepost, has another schema,
    /// has a damaged log, or is otherwise unusable.
    pub fn attach(path: &Path, rules: StoreRules) -> Result<Self, OpenError> {
        Self::with_writer(path, file::attach(path)?, rules)
    }

    fn with_writer(
        path: &Path,
        writer: rusqlite::Connection,
        rules: StoreRules,
    ) -> Result<Self, OpenError> {
        let shared =
            SharedBytes::measure(&writer).map_err(|source| error::error_of(path, source))?;
        let files = OpenFiles::at(path)?;
        let writer = Writer::start(writer, move || files.check());
        let reader = Reader::start(file::read_only(path)?, &writer);
        Ok(Self { writer, reader, rules, shared })
    }
}

impl Store for SqliteStore {
    fn append(&self, event: NewEvent, now: Timestamp) -> StoreFuture<'_, Appended> {
        let max_bytes = self.rules.max_bytes;
        let bytes = usize::try_from(event.event.stored_bytes()).unwrap_or(usize::MAX);
        self.writer.run_with(bytes, move |db| events::append(db, &event, max_bytes, now))
    }

    fn lanes(&self) -> StoreFuture<'_, Vec<LaneStatus>> {
        self.reader.run(events::lanes)
    }

    fn claim(
        &self,
        lane: &Lane,
        owner: &str,
        max: usize,
        lease_end: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<Claimed>> {
        let (lane, owner): (_, Arc<str>) = (lane.clone(), owner.into());
        self.writer.run(move |db| events::claim(db, &lane, &owner, max, lease_end, now))
    }

    fn expire(
        &self,
        lane: &Lane,
        queued_before: Timestamp,
        reason: &str,
        now: Timestamp,
    ) -> StoreFuture<'_, u64> {
        let (lane, reason) = (lane.clone(), reason.to_owned());
        self.writer.run(move |db| events::expire(db, &lane, queued_before, &reason, now))
    }

    fn settle(&self, lease: &Lease, result: Settlement, now: Timestamp) -> StoreFuture<'_, bool> {
        let lease = lease.clone();
        self.writer.run(move |db| events::settle(db, &lease, &result, now))
    }

    fn list(&self, filter: &QueueFilter) -> StoreFuture<'_, Vec<QueueEntry>> {
        let filter = filter.clone();
        self.reader.run(move |db| entries::list(db, &filter))
    }

    fn show(&self, number: u64) -> StoreFuture<'_, Option<(QueueEntry, StoredEvent)>> {
        self.reader.run(move |db| entries::show(db, number))
    }

    fn replay(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        let filter = filter.clone();
        self.writer.run(move |db| entries::replay(db, &filter, now))
    }

    fn remove(&self, filter: &QueueFilter, now: Timestamp) -> StoreFuture<'_, u64> {
        let filter = filter.clone();
        self.writer.run(move |db| entries::remove(db, &filter, now))
    }

    fn sweep(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        let rules = self.rules;
        self.writer.run(move |db| events::sweep(db, rules, now))
    }

    fn status(&self) -> StoreFuture<'_, StoreStatus> {
        match self.writer.failure() {
            Some(failure) => Box::pin(std::future::ready(Err(failure))),
            None => self.reader.run(entries::status),
        }
    }
}
