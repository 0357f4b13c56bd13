//! Memory of requests without a verdict: `max_unjudged_bytes`.
//!
//! A request counts as soon as gatepost waits for more of its bytes, or holds more than 32 KiB of
//! its body. A short request that arrives in one read takes no lock. At each change of a request's
//! size, gatepost applies these rules:
//!
//! 1. The requests of a [`Source`] use at most an eighth of the limit, the source's share. Beyond
//!    the share, gatepost closes the source's oldest requests one by one. If a source has only one
//!    request, this request may exceed the share, because `max_body_bytes` may be larger. This rule
//!    does not apply to trusted proxies or to clients without a known address.
//! 2. The requests of all sources use at most the limit. Beyond the limit, gatepost repeatedly
//!    closes the oldest request of the source with the most bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::close_signal::{CloseSignal, Closed};
use super::source::Source;

/// Number of sources that can use their whole share at the same time.
const SHARES: usize = 8;

/// Bytes that gatepost counts for each request in addition to its size, for the request's entries
/// in the tables of this module.
const ENTRY_BYTES: usize = 512;

/// Bytes of all requests without a verdict. Cheap to clone; all clones share one count.
#[derive(Clone, Debug)]
pub(crate) struct UnjudgedBytes(Arc<Account>);

/// The limit, and the requests that count.
#[derive(Debug)]
struct Account {
    limit: usize,
    ledger: Mutex<Ledger>,
}

/// The requests of each source. The last entry of `by_bytes` is the source with the most bytes. An
/// attacker can use many sources, so gatepost does not search all of them.
#[derive(Debug, Default)]
struct Ledger {
    total: usize,
    next: u64,
    sources: HashMap<Source, Holdings>,
    by_bytes: BTreeSet<(usize, Source)>,
}

/// Requests of a source, the oldest first.
#[derive(Debug, Default)]
struct Holdings {
    bytes: usize,
    requests: BTreeMap<u64, (usize, Arc<CloseSignal>)>,
}

impl UnjudgedBytes {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(Account { limit, ledger: Mutex::default() }))
    }

    /// Counts a request of `bytes` bytes until the drop of the returned value, or until gatepost
    /// closes the request.
    pub(crate) fn hold(&self, source: Source, bytes: usize) -> HeldBytes {
        let signal = Arc::new(CloseSignal::default());
        let bytes = bytes.saturating_add(ENTRY_BYTES);
        let number = self.0.change(|ledger| {
            let number = ledger.next;
            ledger.next += 1;
            ledger.add(source, number, bytes, Arc::clone(&signal));
            (source, number)
        });
        HeldBytes { account: Arc::clone(&self.0), source, number, signal }
    }
}

impl Account {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Ignore poisoning, because no method of the ledger panics.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the entry of a request. Then closes requests until the others meet both rules of
    /// this module.
    fn change(&self, change: impl FnOnce(&mut Ledger) -> (Source, u64)) -> u64 {
        let mut closed = Vec::new();
        let mut ledger = self.ledger();
        let (source, number) = change(&mut ledger);
        while source.has_share() && ledger.exceeds_share(source, self.limit / SHARES) {
            closed.extend(ledger.remove_oldest(source));
        }
        while ledger.total > self.limit
            && let Some(source) = ledger.holds_most()
        {
            closed.extend(ledger.remove_oldest(source));
        }
        // Wake the closed requests only after the release of the lock, because each needs the lock.
        drop(ledger);
        closed.iter().for_each(|signal| signal.close());
        number
    }
}

impl Ledger {
    fn add(&mut self, source: Source, number: u64, bytes: usize, signal: Arc<CloseSignal>) {
        self.holdings(source, |holdings| {
            holdings.bytes += bytes;
            holdings.requests.insert(number, (bytes, signal));
        });
        self.total += bytes;
    }

    /// Removes a request. Returns `None` if the ledger does not contain the request any more.
    fn remove(&mut self, source: Source, number: u64) -> Option<Arc<CloseSignal>> {
        let (bytes, signal) = self.holdings(source, |holdings| {
            let removed = holdings.requests.remove(&number)?;
            holdings.bytes -= removed.0;
            Some(removed)
        })?;
        self.total -= bytes;
        Some(signal)
    }

    fn remove_oldest(&mut self, source: Source) -> Option<Arc<CloseSignal>> {
        let (oldest, _) = self.sources.get(&source)?.requests.first_key_value()?;
        self.remove(source, *oldest)
    }

    /// Changes the requests of a source, and updates the source's entry in `by_bytes`.
    fn holdings<T>(&mut self, source: Source, change: impl FnOnce(&mut Holdings) -> T) -> T {
        let holdings = self.sources.entry(source).or_default();
        self.by_bytes.remove(&(holdings.bytes, source));
        let changed = change(holdings);
        if holdings.requests.is_empty() {
            self.sources.remove(&source);
        } else {
            self.by_bytes.insert((holdings.bytes, source));
        }
        changed
    }

    fn exceeds_share(&self, source: Source, share: usize) -> bool {
        let holdings = self.sources.get(&source);
        holdings.is_some_and(|held| held.bytes > share && held.requests.len() > 1)
    }

    fn holds_most(&self) -> Option<Source> {
        self.by_bytes.last().map(|(_, source)| *source)
    }
}

/// The bytes of a request without a verdict. They count until the drop of this value, or until
/// gatepost closes the request.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    account: Arc<Account>,
    source: Source,
    number: u64,
    signal: Arc<CloseSignal>,
}

impl HeldBytes {
    /// Sets the size of the request, in bytes.
    pub(crate) fn set(&self, bytes: usize) {
        let bytes = bytes.saturating_add(ENTRY_BYTES);
        self.account.change(|ledger| {
            if let Some(signal) = ledger.remove(self.source, self.number) {
                ledger.add(self.source, self.number, bytes, signal);
            }
            (self.source, self.number)
        });
    }

    /// Returns true after the signal to close the request.
    pub(crate) fn is_closed(&self) -> bool {
        self.signal.is_closed()
    }

    /// Completes at the signal to close the request.
    pub(crate) fn closed(&self) -> Closed<'_> {
        self.signal.closed()
    }

    /// Wakes `waker` at the signal to close the request.
    pub(crate) fn wake_at_close(&self, waker: Waker) {
        self.signal.wake_at_close(waker);
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.account.ledger().remove(self.source, self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::super::source::tests::{source, trusted_proxy};
    use super::*;

    const LIMIT: usize = 800 * ENTRY_BYTES;
    const SHARE: usize = LIMIT / SHARES;

    fn is_closed(held: &HeldBytes) -> bool {
        pin!(held.closed()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn closed(held: &[HeldBytes]) -> Vec<bool> {
        held.iter().map(is_closed).collect()
    }

    fn total(bytes: &UnjudgedBytes) -> usize {
        bytes.0.ledger().total
    }

    #[test]
    fn closes_oldest_request_of_source_beyond_share() {
        let bytes = UnjudgedBytes::new(LIMIT);
        let other = bytes.hold(source(2), SHARE / 2);
        let mut held: Vec<_> = (0..4).map(|_| bytes.hold(source(1), SHARE / 5)).collect();
        assert_eq!(closed(&held), [false; 4]);
        held.push(bytes.hold(source(1), SHARE / 5));
        assert_eq!(closed(&held), [true, false, false, false, false]);
        held[4].set(SHARE * 2 / 5);
        assert_eq!(closed(&held), [true, true, false, false, false]);
        assert!(!is_closed(&other));
        drop((held, other));
        assert_eq!(total(&bytes), 0);
        assert!(bytes.0.ledger().sources.is_empty() && bytes.0.ledger().by_bytes.is_empty());
    }

    #[test]
    fn closes_oldest_request_of_source_with_most_bytes_beyond_limit() {
        let bytes = UnjudgedBytes::new(LIMIT);
        let held: Vec<_> = (0..15).map(|last| bytes.hold(source(last), LIMIT / 16)).collect();
        let larger = [bytes.hold(source(99), LIMIT / 64), bytes.hold(source(99), LIMIT / 16)];
        assert_eq!(closed(&held), [false; 15]);
        assert_eq!(
            closed(&larger),
            [true, true],
            "expected both requests closed, because the first frees too few bytes"
        );
        let newcomer = bytes.hold(source(50), LIMIT / 32);
        assert!(!is_closed(&newcomer));
        assert!(total(&bytes) <= LIMIT);
    }

    #[test]
    fn sole_request_of_source_may_exceed_share() {
        let bytes = UnjudgedBytes::new(LIMIT);
        let large = bytes.hold(source(1), SHARE * 3);
        assert!(!is_closed(&large));
        let next = bytes.hold(source(1), 1);
        assert!(is_closed(&large) && !is_closed(&next));
    }

    #[test]
    fn trusted_proxy_may_exceed_share() {
        let bytes = UnjudgedBytes::new(LIMIT);
        let held: Vec<_> = (0..7).map(|_| bytes.hold(trusted_proxy(), SHARE)).collect();
        assert_eq!(closed(&held), [false; 7]);
        let newcomer = bytes.hold(source(1), SHARE);
        assert!(is_closed(&held[0]) && !is_closed(&newcomer));
    }

    #[test]
    fn does_not_count_bytes_of_closed_request() {
        let bytes = UnjudgedBytes::new(LIMIT);
        let first = bytes.hold(source(1), SHARE);
        let second = bytes.hold(source(1), SHARE);
        assert!(is_closed(&first));
        let before = total(&bytes);
        first.set(LIMIT * 2);
        drop(first);
        assert_eq!(total(&bytes), before);
        assert!(!is_closed(&second));
    }
}
