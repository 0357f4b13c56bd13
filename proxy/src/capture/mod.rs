//! Captured callbacks: the newest callbacks of this process, in memory, for the operator.
//!
//! 1. A ring buffer keeps at most `keep` callbacks and `max_bytes` bytes. If a new callback
//!    makes the ring exceed a bound, the ring drops the oldest callbacks.
//! 2. gatepost [packs](callback) each callback into little memory, and parses and formats it only
//!    at the request of an operator. If the body of a callback is longer than 128 KiB,
//!    gatepost keeps only the start of the body.
//! 3. The ring contains unmasked bytes. [`view`] and [`saved`] [mask] each callback that they
//!    return.
//! 4. If the config has `capture = "none"`, or no token for the admin API, gatepost captures
//!    nothing.

mod answer;
mod callback;
mod filter;
mod mask;
mod packed;
mod page;
mod recorded_verdict;
mod replay;
mod saved;
mod view;

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatepost::{Capture, InspectorSettings};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, timeout_at};

pub(crate) use self::answer::CapturedAnswer;
pub(crate) use self::callback::{CapturedCallback, CapturedRequest};
pub(crate) use self::filter::{CaptureFilter, FilterError};
pub(crate) use self::mask::{MASK, Mask, names_secret};
pub(crate) use self::page::{CallbackPage, MAX_ROWS, MAX_WAIT, PageQuery};
pub(crate) use self::recorded_verdict::{RECORDED, RecordedVerdict};
pub(crate) use self::replay::{ReplayError, Replayed, replay};
pub(crate) use self::saved::saved_request;
pub(crate) use self::view::{CallbackRow, CallbackView, MessageView, Viewer, is_failure};

/// The captured callbacks of this process.
pub(crate) static CAPTURED: CaptureRing = CaptureRing::new();

/// A bounded ring of callbacks.
pub(crate) struct CaptureRing {
    is_on: AtomicBool,
    news: Notify,
    ring: Mutex<Ring>,
}

struct Ring {
    mode: Capture,
    keep: usize,
    max_bytes: usize,
    /// Number of the oldest callback. The numbers of a process start at 1 and have no gaps.
    first: u64,
    callbacks: VecDeque<Arc<CapturedCallback>>,
    bytes: usize,
    /// Number of the first callback after gatepost loaded its current config.
    since_config: u64,
}

/// A captured callback and its number.
#[derive(Clone)]
pub(crate) struct Numbered {
    pub(crate) id: u64,
    pub(crate) callback: Arc<CapturedCallback>,
}

impl CaptureRing {
    const fn new() -> Self {
        let ring = Ring {
            mode: Capture::None,
            keep: 0,
            max_bytes: 0,
            first: 1,
            callbacks: VecDeque::new(),
            bytes: 0,
            since_config: 1,
        };
        Self { is_on: AtomicBool::new(false), news: Notify::const_new(), ring: Mutex::new(ring) }
    }

    /// Returns a ring that captures up to these bounds.
    #[cfg(test)]
    fn with_bounds(keep: usize, max_bytes: usize) -> Self {
        let ring = Self::new();
        let mut inner = ring.lock();
        (inner.keep, inner.max_bytes, inner.mode) = (keep, max_bytes, Capture::Masked);
        drop(inner);
        ring
    }

    /// Returns the count of the callbacks, the capacity of the ring, and the bytes of the
    /// callbacks.
    #[cfg(test)]
    fn sizes(&self) -> (usize, usize, usize) {
        let ring = self.lock();
        (ring.callbacks.len(), ring.callbacks.capacity(), ring.bytes)
    }

    /// Returns true if gatepost captures callbacks.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Applies the settings of a new config. Drops the callbacks that the new bounds do not permit.
    pub(crate) fn apply(&self, settings: InspectorSettings) {
        let mut ring = self.lock();
        ring.since_config = ring.first + ring.callbacks.len() as u64;
        ring.mode = settings.capture;
        let is_on = settings.capture != Capture::None;
        ring.keep = if is_on { settings.keep.get() } else { 0 };
        ring.max_bytes = settings.max_bytes.get();
        self.is_on.store(is_on, Ordering::Relaxed);
        let dropped = ring.shrink();
        drop(ring);
        drop(dropped);
    }

    /// Adds a callback.
    pub(crate) fn record(&self, callback: CapturedCallback) {
        let callback = Arc::new(callback);
        let mut ring = self.lock();
        ring.bytes += callback.bytes();
        ring.callbacks.push_back(callback);
        let dropped = ring.shrink();
        drop(ring);
        // Free the memory after the release of the lock.
        drop(dropped);
        self.news.notify_waiters();
    }

    /// Returns a future that completes when the ring records the first callback after this call.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    /// Returns the mode of the capture.
    pub(crate) fn mode(&self) -> Capture {
        self.lock().mode
    }

    /// Returns true if gatepost has loaded another config since the callback with this number.
    pub(crate) fn is_of_earlier_config(&self, id: u64) -> bool {
        id < self.lock().since_config
    }

    /// Returns the callback with this number; `None` if the ring does not contain the callback.
    pub(crate) fn get(&self, id: u64) -> Option<Numbered> {
        let ring = self.lock();
        let index = usize::try_from(id.checked_sub(ring.first)?).ok()?;
        Some(Numbered { id, callback: Arc::clone(ring.callbacks.get(index)?) })
    }

    /// Returns the callbacks with a number above `after`, oldest first, and the count of such
    /// callbacks that the ring has dropped (0 if `after` is 0). If `after` exceeds the newest
    /// number, it is a number of an earlier process, so the method returns all callbacks.
    pub(crate) fn after(&self, after: u64) -> (Vec<Numbered>, u64) {
        self.first_after(after, usize::MAX)
    }

    /// Returns the first callbacks of [`Self::after`], at most `limit`. During the call, no other
    /// thread can record a callback, so a small limit delays replies less.
    pub(crate) fn first_after(&self, after: u64, limit: usize) -> (Vec<Numbered>, u64) {
        let ring = self.lock();
        let next = ring.first + ring.callbacks.len() as u64;
        let after = if after < next { after } else { 0 };
        let missed = if after == 0 { 0 } else { ring.first.saturating_sub(after + 1) };
        let skipped = (after + 1).saturating_sub(ring.first);
        let newer = ring.callbacks.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX));
        let numbered = (ring.first + skipped..).zip(newer).take(limit);
        let numbered =
            numbered.map(|(id, callback)| Numbered { id, callback: Arc::clone(callback) });
        (numbered.collect(), missed)
    }

    /// Returns the first callback with a number above `after` for which `is_wanted` returns true;
    /// `None` if no such callback arrives within `wait`.
    pub(crate) async fn wait_for(
        &self,
        after: u64,
        wait: Duration,
        is_wanted: impl Fn(&CapturedCallback) -> bool,
    ) -> Option<Numbered> {
        let deadline = Instant::now() + wait;
        loop {
            let news = self.news();
            let (callbacks, _) = self.after(after);
            let found = callbacks.into_iter().find(|numbered| is_wanted(&numbered.callback));
            if found.is_some() || timeout_at(deadline, news).await.is_err() {
                return found;
            }
        }
    }

    /// Returns the number of the newest callback; 0 before the first callback.
    pub(crate) fn newest(&self) -> u64 {
        let ring = self.lock();
        ring.first + ring.callbacks.len() as u64 - 1
    }

    /// Locks the ring. Ignores poisoning, because no panic can leave the ring inconsistent.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Removes the oldest callbacks until the ring is within its bounds.
    fn shrink(&mut self) -> Dropped {
        let mut dropped = Dropped::None;
        while self.callbacks.len() > self.keep || self.bytes > self.max_bytes {
            let Some(oldest) = self.callbacks.pop_front() else { break };
            self.first += 1;
            self.bytes -= oldest.bytes();
            dropped.add(oldest);
        }
        dropped
    }
}

/// Callbacks to drop after the release of the lock. A single callback, the usual case, needs no
/// allocation.
enum Dropped {
    None,
    One(Arc<CapturedCallback>),
    Many(Vec<Arc<CapturedCallback>>),
}

impl Dropped {
    fn add(&mut self, callback: Arc<CapturedCallback>) {
        *self = match mem::replace(self, Self::None) {
            Self::None => Self::One(callback),
            Self::One(first) => Self::Many(vec![first, callback]),
            Self::Many(mut all) => {
                all.push(callback);
                Self::Many(all)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::callback::tests::refused;
    use super::*;

    fn ids(ring: &CaptureRing, after: u64) -> (Vec<u64>, u64) {
        let (callbacks, missed) = ring.after(after);
        (callbacks.iter().map(|numbered| numbered.id).collect(), missed)
    }

    #[test]
    fn ring_keeps_newest_callbacks_up_to_count() {
        let ring = CaptureRing::with_bounds(2, usize::MAX);
        assert_eq!(ids(&ring, 0), (vec![], 0));
        for _ in 0..5 {
            ring.record(refused("{}"));
        }
        assert_eq!(ids(&ring, 0), (vec![4, 5], 0));
        assert_eq!(ids(&ring, 4), (vec![5], 0));
        assert_eq!(ids(&ring, 1), (vec![4, 5], 2));
        assert_eq!(ids(&ring, 5), (vec![], 0));
        assert_eq!(
            ids(&ring, 99),
            (vec![4, 5], 0),
            "callbacks after a number of an earlier process"
        );
        let first: Vec<_> = ring.first_after(3, 1).0.iter().map(|numbered| numbered.id).collect();
        assert_eq!(first, [4]);
        assert!(ring.get(3).is_none() && ring.get(4).is_some() && ring.get(6).is_none());
    }

    #[test]
    fn ring_keeps_newest_callbacks_up_to_bytes() {
        let body = "x".repeat(10_000);
        let one = refused(&body).bytes();
        let ring = CaptureRing::with_bounds(100, 3 * one);
        for _ in 0..5 {
            ring.record(refused(&body));
        }
        assert_eq!(ids(&ring, 0).0, [3, 4, 5]);
        assert!(ring.lock().bytes <= 3 * one);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_wanted_callback_up_to_the_given_time() {
        let (ring, wait) = (CaptureRing::with_bounds(5, usize::MAX), Duration::from_secs(1));
        assert_eq!(ring.newest(), 0);
        ring.record(refused("old"));
        assert_eq!(ring.newest(), 1);
        let is_new = |callback: &CapturedCallback| callback.body().0 == b"new";
        assert!(ring.wait_for(1, wait, is_new).await.is_none());
        let arrive = async {
            ring.record(refused("other"));
            tokio::time::sleep(wait / 2).await;
            ring.record(refused("new"));
        };
        let (found, ()) = tokio::join!(ring.wait_for(1, wait, is_new), arrive);
        assert_eq!(found.map(|numbered| numbered.id), Some(3));
    }

    #[tokio::test]
    async fn news_completes_for_callback_recorded_before_the_wait() {
        let ring = CaptureRing::with_bounds(2, usize::MAX);
        let news = ring.news();
        ring.record(refused("{}"));
        news.await;
    }
}
