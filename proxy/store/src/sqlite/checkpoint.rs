//! Checkpoints, which copy the pages of the log to the file, on a thread of their own.
//!
//! 1. SQLite itself runs a checkpoint in the commit that makes the log longer than 1,000 pages. All
//!    operations then wait for the copy and for two syncs. Under load, this happens many times in a
//!    second.
//! 2. The thread copies the same pages with a separate connection, beside the commits.
//! 3. The log starts again from its beginning only if no page is left to copy. Under load, the thread
//!    never reaches this state, because each commit adds pages. From [`MAX_LOG_PAGES`] on, each
//!    commit therefore also copies the last pages, until none is left.
//! 4. A checkpoint that fails loses nothing: the pages stay in the log, and the next checkpoint
//!    copies them again.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use rusqlite::Connection;

/// Length of the log, in pages, from which a commit also copies pages.
pub(super) const MAX_LOG_PAGES: u32 = 8_192;

/// Estimated number of new pages in the log after which the thread runs a checkpoint.
const INTERVAL_PAGES: usize = 1_000;

/// Estimated number of pages that an operation changes, in addition to those of an event's body.
const PAGES_OF_OPERATION: usize = 3;

const PAGE_BYTES: usize = 4_096;

/// Handle of the thread. The thread ends when the handle is dropped.
#[derive(Debug)]
pub(super) struct Checkpoints {
    wake: SyncSender<()>,
    /// Estimated number of pages that commits have added since the last checkpoint.
    pages: usize,
}

impl Checkpoints {
    pub(super) fn start(db: Connection) -> Self {
        let (wake, woken) = sync_channel(1);
        thread::spawn(move || {
            for () in woken {
                let copied = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
                if let Err(error) = copied {
                    tracing::debug!("the checkpoint of the store failed: {error}");
                }
            }
        });
        Self { wake, pages: 0 }
    }

    /// Counts committed operations, with events of `bytes` bytes in total. Wakes the thread if
    /// enough pages are waiting.
    pub(super) fn count(&mut self, operations: usize, bytes: usize) {
        self.pages += operations * PAGES_OF_OPERATION + bytes / PAGE_BYTES;
        // A full channel means that the thread is about to run another checkpoint.
        if self.pages >= INTERVAL_PAGES && self.wake.try_send(()).is_ok() {
            self.pages = 0;
        }
    }
}
