//! Rate limits: for the callbacks of a route, and for the requests of a client.
//!
//! A *budget* is the number of requests that a limit still permits. Each permitted request reduces
//! the budget by one. The budget refills at a fixed rate.
//!
//! The algorithm is GCRA. A token bucket stores the level of the budget and the time of the last
//! change. GCRA stores only `full_at`, the time at which the budget is full again. Each permitted
//! request moves `full_at` forward by one interval. A request that moves `full_at` past the time at
//! which an empty budget is full again exceeds the limit. The state is a single integer, so
//! gatepost updates the budget of a route atomically, without a lock.
//!
//! Time is an argument. If the clock jumps back, `full_at` may be too far in the future. gatepost
//! then treats the budget as full.

mod comparison;
mod shared;

use core::net::IpAddr;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) use comparison::Comparison;
pub use comparison::LimitValues;
pub(crate) use shared::{SharedBudget, Spent, Taking};

use crate::printable::print_only;
use crate::time::Timestamp;

/// Permitted number of requests per second, and in one burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Nanoseconds in which a budget regains one request.
    interval: i64,
    /// Nanoseconds in which an empty budget becomes full.
    window: i64,
}

const SECOND: i64 = 1_000_000_000;

/// Tolerated difference between the `now` arguments of concurrent calls, in nanoseconds.
///
/// If `full_at` is more than `window` plus this value in the future, the clock has moved back.
const CLOCK_SKEW: i64 = SECOND;

/// `full_at` of an unused budget: earlier than every other time.
const ALWAYS_FULL: i64 = i64::MIN;

impl Rate {
    /// Creates a rate of `per_second` requests, with up to `burst` at once. Treats 0 as 1.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = SECOND / i64::from(per_second.max(1));
        Self { interval, window: interval.saturating_mul(i64::from(burst.max(1))) }
    }

    /// Returns bytes that differ for different rates.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        (i128::from(self.interval) << 64 | i128::from(self.window)).to_be_bytes()
    }

    /// Returns the number of requests per second, and in one burst.
    pub(crate) const fn numbers(self) -> (i64, i64) {
        (SECOND / self.interval, self.window / self.interval)
    }

    /// Takes one request from a budget that is full at the time `full_at`, in Unix nanoseconds.
    ///
    /// Returns the new `full_at`, or `None` if the request exceeds the limit.
    pub(crate) fn take(self, full_at: i64, now: Timestamp) -> Option<i64> {
        let now = nanos(now);
        let next = self.full_from(full_at, now).saturating_add(self.interval);
        (next.saturating_sub(now) <= self.window).then_some(next)
    }

    /// Takes up to `count` requests from a budget that is full at the time `full_at`. Returns the
    /// number of requests taken and the new `full_at`.
    fn take_up_to(self, count: u32, full_at: i64, now: Timestamp) -> (u32, i64) {
        let now = nanos(now);
        let from = self.full_from(full_at, now);
        let left = self.window.saturating_sub(from.saturating_sub(now)) / self.interval;
        let taken = count.min(u32::try_from(left).unwrap_or_default());
        (taken, from.saturating_add(self.interval.saturating_mul(taken.into())))
    }

    /// Returns the time at which a budget that is full at the time `full_at` contains one request.
    fn regains_at(self, full_at: i64) -> Timestamp {
        let nanos = full_at.saturating_add(self.interval).saturating_sub(self.window);
        Timestamp::from_millis(nanos.saturating_add(SECOND / 1000 - 1) / (SECOND / 1000))
    }

    /// Returns the time from which the budget is full, `now` or later.
    fn full_from(self, full_at: i64, now: i64) -> i64 {
        let clock_went_back = full_at.saturating_sub(now) > self.window.saturating_add(CLOCK_SKEW);
        if clock_went_back { now } else { full_at.max(now) }
    }
}

fn nanos(time: Timestamp) -> i64 {
    time.as_millis().saturating_mul(SECOND / 1000)
}

/// Budget of a route, or of a code in the log, in an atomic integer.
#[derive(Debug)]
pub(crate) struct Budget(AtomicI64);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicI64::new(ALWAYS_FULL))
    }
}

impl Budget {
    /// Takes one request. Returns false if the request exceeds the limit.
    pub(crate) fn take(&self, rate: Rate, now: Timestamp) -> bool {
        let take = |full_at| rate.take(full_at, now);
        // Relaxed is enough: the integer is the whole state, and no other memory depends on the
        // state.
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// Rate limit of a route, with its budget.
#[derive(Clone, Debug)]
pub(crate) struct RouteLimit {
    rate: Rate,
    own: Arc<OwnBudget>,
    /// The budget that machines share; `None` if each machine has its own budget.
    shared: Option<Arc<SharedBudget>>,
}

/// The budget of a route on this machine.
#[derive(Debug)]
struct OwnBudget {
    /// Label of the route, for log lines.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "only log lines name it"))]
    route: Arc<str>,
    budget: Budget,
}

impl RouteLimit {
    /// Creates the limit of the route with the label `route`, with a full budget. `shared` contains
    /// the key of the budget that machines share, and the comparison of the rates and bursts of the
    /// machines.
    pub(crate) fn new(route: Arc<str>, rate: Rate, shared: Option<([u8; 16], Comparison)>) -> Self {
        let shared =
            shared.map(|(key, comparison)| Arc::new(SharedBudget::new(key, rate, comparison)));
        Self { rate, own: Arc::new(OwnBudget { route, budget: Budget::default() }), shared }
    }

    /// Returns the label of the route.
    #[cfg(feature = "tracing")]
    pub(crate) fn route(&self) -> &str {
        &self.own.route
    }

    /// Returns the budget that machines share; `None` if each machine has its own budget.
    pub(crate) fn shared(&self) -> Option<&Arc<SharedBudget>> {
        self.shared.as_ref()
    }

    pub(crate) const fn rate(&self) -> Rate {
        self.rate
    }

    pub(crate) fn take(&self, now: Timestamp) -> bool {
        self.own.budget.take(self.rate, now)
    }

    /// Takes over the budget of the same route in an earlier config.
    pub(crate) fn inherit(&mut self, earlier: &Self) {
        self.own = Arc::clone(&earlier.own);
        let key = |limit: &Self| limit.shared.as_ref().map(|shared| shared.key);
        if key(self) == key(earlier) {
            self.shared.clone_from(&earlier.shared);
        }
    }
}

/// Returns true if `now` is less than `time` after `since`. Returns false if the clock has moved
/// back.
fn is_within(time: Duration, since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| since <= now && now < since.after(time))
}

/// Budgets of clients, in a hash table of fixed size: 65,536 budgets in 1.1 MiB.
///
/// A client's budget may be in any entry of one bucket. In a full bucket, a new client replaces the
/// client whose budget is nearest to full. The replaced client later restarts with a full budget.
/// Any other client in the bucket gains at least as many requests from a restart. A map instead
/// grows with every address that sends a request.
pub(crate) struct ClientBudgets {
    /// Hasher with a random key, so that a client cannot choose addresses that share a bucket.
    hasher: RandomState,
    buckets: Box<[Mutex<Bucket>]>,
}

type Bucket = [ClientBudget; 8];

/// Number of buckets. Each bucket has its own lock, so clients seldom wait for one another.
const BUCKETS: u64 = 65_536 / 8;

#[derive(Clone, Copy)]
struct ClientBudget {
    /// Hash of the route and the client.
    key: u64,
    full_at: i64,
}

impl Default for ClientBudgets {
    fn default() -> Self {
        let unused = ClientBudget { key: 0, full_at: ALWAYS_FULL };
        let buckets = (0..BUCKETS).map(|_| Mutex::new([unused; 8])).collect();
        Self { hasher: RandomState::new(), buckets }
    }
}

print_only! { ClientBudgets:; }

impl ClientBudgets {
    /// Takes one request from a client's budget on a route. Returns false if the request exceeds
    /// the limit.
    ///
    /// All clients without a known address share one budget.
    pub(crate) fn take(
        &self,
        rate: Rate,
        route: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> bool {
        let key = self.hasher.hash_one((route, address.map(client_network)));
        let bucket = usize::try_from(key % BUCKETS).ok().and_then(|index| self.buckets.get(index));
        let Some(bucket) = bucket else { return false };
        // A poisoned lock is safe to use, because no code panics between two changes of the bucket.
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        // Finds the client's own entry, or else the entry whose budget is nearest to full.
        let entry = bucket.iter_mut().min_by_key(|entry| (entry.key != key, entry.full_at));
        let Some(budget) = entry else { return false };
        if budget.key != key {
            *budget = ClientBudget { key, full_at: ALWAYS_FULL };
        }
        let taken = rate.take(budget.full_at, now);
        budget.full_at = taken.unwrap_or(budget.full_at);
        taken.is_some()
    }
}

/// The network that counts as one client: an IPv4 address (`false`), or an IPv6 /64 (`true`).
pub(crate) type ClientNetwork = (bool, u64);

/// Returns the network of a client.
///
/// A subscriber of an access network usually has at least a /64, and can use all addresses in it.
pub(crate) fn client_network(address: IpAddr) -> ClientNetwork {
    match address {
        IpAddr::V4(address) => (false, u64::from(address.to_bits())),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments().map(u64::from);
            (true, (a << 48) | (b << 32) | (c << 16) | d)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    #[test]
    fn permits_a_burst_and_then_one_request_per_interval() {
        let (budget, rate) = (Budget::default(), Rate::new(10, 3));
        let taken = |now| (0..9).filter(|_| budget.take(rate, now)).count();
        assert_eq!(taken(at(0)), 3);
        assert_eq!(taken(at(99)), 0);
        assert_eq!(taken(at(100)), 1);
        assert_eq!(taken(at(100)), 0);
        assert_eq!(taken(at(300)), 2);
        assert_eq!(taken(at(60_000)), 3, "expected a whole burst, found another number");
    }

    #[test]
    fn keeps_the_rate_over_ten_seconds() {
        let (budget, rate) = (Budget::default(), Rate::new(700, 7));
        let taken = (0..10_000).filter(|millis| budget.take(rate, at(*millis))).count();
        assert!((6999..=7007).contains(&taken), "expected 6999 to 7007 requests, found {taken}");
    }

    #[test]
    fn starts_full_after_the_clock_jumps_back() {
        let (budget, rate) = (Budget::default(), Rate::new(10, 3));
        assert!((0..3).all(|_| budget.take(rate, at(0))));
        assert!(!budget.take(rate, at(0)));
        assert!(budget.take(rate, at(-3_600_000)));
    }

    #[test]
    fn clock_skew_does_not_refill_a_budget() {
        let (budget, rate) = (Budget::default(), Rate::new(10, 3));
        assert!((0..3).all(|_| budget.take(rate, at(0))));
        assert!((0..100).all(|_| !budget.take(rate, at(-5))));
    }

    #[test]
    fn each_client_has_a_budget_on_each_route() {
        let (budgets, rate) = (ClientBudgets::default(), Rate::new(1, 1));
        let take = |route, address: &str| budgets.take(rate, route, address.parse().ok(), at(0));
        assert!(take("/a", "192.0.2.1"));
        assert!(!take("/a", "192.0.2.1"));
        assert!(take("/a", "192.0.2.2"));
        assert!(take("/b", "192.0.2.1"));
        assert!(take("/a", "2001:db8::1"));
        assert!(!take("/a", "2001:db8::ffff:2"), "expected one budget for a /64, found two");
        assert!(take("/a", "2001:db8:0:1::1"));
        assert!(take("/a", "unknown"));
        assert!(!take("/a", "unknown"), "expected one budget for unknown clients, found two");
    }

    #[test]
    fn full_bucket_replaces_the_budget_nearest_to_full() {
        let (budgets, rate) = (ClientBudgets::default(), Rate::new(1, 4));
        let busy = "192.0.2.1".parse().ok();
        let take = |address, now| budgets.take(rate, "/a", address, now);
        assert!((0..4).all(|_| take(busy, at(0))));
        for number in 0..200_000_u32 {
            let other = core::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
            assert!(
                take(Some(other.into()), at(0)),
                "expected a full budget for {other}, found none"
            );
        }
        assert!(!take(busy, at(0)), "expected the client's empty budget, found a new budget");
    }
}
