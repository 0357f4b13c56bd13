//! Pages of captured callbacks for the API, `gatepost tap` and the console.

use std::time::Duration;

use gatepost::{Capture, Gate};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::CAPTURED;
use super::filter::CaptureFilter;
use super::view::{CallbackRow, Viewer};

/// Maximum number of callbacks on a page.
pub(crate) const MAX_ROWS: usize = 200;

/// Maximum time for which a request waits for a callback.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(25);

/// Time for which gatepost collects further callbacks after the first, so that a waiting client
/// sends at most ten requests per second.
const GATHER: Duration = Duration::from_millis(100);

/// Query for a page.
#[derive(Clone, Debug)]
pub(crate) struct PageQuery {
    pub(crate) filter: CaptureFilter,
    /// Number of the last callback that the client has received; `None` for the newest callbacks.
    pub(crate) after: Option<u64>,
    pub(crate) limit: usize,
    pub(crate) wait: Duration,
}

impl Default for PageQuery {
    fn default() -> Self {
        let filter = CaptureFilter::default();
        Self { filter, after: None, limit: MAX_ROWS, wait: Duration::ZERO }
    }
}

/// A page of callbacks, oldest first.
#[derive(Debug, Serialize)]
pub(crate) struct CallbackPage {
    pub(crate) callbacks: Vec<CallbackRow>,
    /// Value of `after` for the next page.
    pub(crate) last: u64,
    /// Count of the callbacks with a number above `after` that the ring has dropped; 0 if the query
    /// has no `after`.
    pub(crate) missed: u64,
    /// Mode of the capture: `none`, `masked` or `full`.
    pub(crate) capture: &'static str,
}

impl CallbackPage {
    /// Returns the page. If the page is empty, waits at most `query.wait` for the first callback
    /// that the filter admits.
    pub(crate) async fn wait_for(gate: &Gate, mut query: PageQuery) -> Self {
        let deadline = Instant::now() + query.wait.min(MAX_WAIT);
        let mut missed = 0;
        loop {
            let news = CAPTURED.news();
            let mut page = Self::read(gate.clone(), query.clone()).await;
            missed += page.missed;
            page.missed = missed;
            if !page.callbacks.is_empty() || timeout_at(deadline, news).await.is_err() {
                return page;
            }
            sleep(GATHER).await;
            query.after = Some(page.last);
        }
    }

    /// Reads the page on a blocking thread, because a search may read the bytes of all callbacks.
    async fn read(gate: Gate, query: PageQuery) -> Self {
        let read = tokio::task::spawn_blocking(move || Self::now(&gate, &query));
        read.await.unwrap_or(Self { callbacks: Vec::new(), last: 0, missed: 0, capture: "none" })
    }

    fn now(gate: &Gate, query: &PageQuery) -> Self {
        let viewer = Viewer::new(gate);
        let limit = query.limit.clamp(1, MAX_ROWS);
        let (callbacks, missed) = match query.after {
            Some(after) if query.filter == CaptureFilter::default() => {
                CAPTURED.first_after(after, limit)
            }
            after => CAPTURED.after(after.unwrap_or_default()),
        };
        let newest = callbacks.last().map_or(query.after.unwrap_or_default(), |newest| newest.id);
        let is_admitted = |numbered: &&_| viewer.admits(&query.filter, numbered);
        let rows: Vec<_> = match query.after {
            Some(_) => callbacks.iter().filter(is_admitted).take(limit).collect(),
            None => {
                let newest = callbacks.iter().rev().filter(is_admitted).take(limit);
                let mut rows: Vec<_> = newest.collect();
                rows.reverse();
                rows
            }
        };
        let is_full = query.after.is_some() && rows.len() == limit;
        let last = rows.last().filter(|_| is_full).map_or(newest, |last| last.id);
        let callbacks = rows.into_iter().map(|numbered| viewer.row(numbered)).collect();
        Self { callbacks, last, missed, capture: word(viewer.mode) }
    }
}

const fn word(mode: Capture) -> &'static str {
    match mode {
        Capture::Full => "full",
        Capture::Masked => "masked",
        Capture::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use gatepost::Timestamp;

    use super::super::CaptureRing;
    use super::super::callback::tests::{captured, gate, refusal};
    use super::*;

    /// Reads the page once per second for a day, with one callback per second.
    #[test]
    fn memory_stays_within_bounds_while_page_is_open_for_a_day() {
        const KEEP: usize = 2000;
        const MAX_BYTES: usize = 8 * 1024 * 1024;
        let (gate, ring) = (gate(), CaptureRing::with_bounds(KEEP, MAX_BYTES));
        let refusal = refusal("{\"a\":1}");
        let (mut last, mut seen) = (0, 0);
        let viewer = Viewer::new(&gate);
        for second in 0..24 * 3600 {
            ring.record(captured(&refusal, Timestamp::from_secs(second)));
            let (callbacks, missed) = ring.after(last);
            let rows = callbacks.iter().take(MAX_ROWS).map(|numbered| viewer.row(numbered).id);
            last = rows.max().unwrap_or(last);
            seen += callbacks.len();
            assert_eq!(missed, 0, "expected no missed callbacks, found {missed}");
            let (count, capacity, bytes) = ring.sizes();
            assert!(count <= KEEP && capacity <= 2 * KEEP && bytes <= MAX_BYTES);
        }
        assert_eq!((seen, last), (86_400, 86_400));
    }
}
