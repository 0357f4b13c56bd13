//! Limits: how many callbacks in which time, of a route or of one sender.
//!
//! Counted by GCRA: of each budget one moment is kept, at which it will be whole again. A callback
//! moves it on by one interval, and is over the limit if that would be further away than the burst.
//! Time is an argument; when it jumps back, a budget whose moment is out of reach starts anew.

use core::net::IpAddr;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::time::Timestamp;

/// So many in a second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Nanoseconds from one to the next.
    interval: i64,
    /// Nanoseconds until a budget that was used up is whole again.
    window: i64,
}

const SECOND: i64 = 1_000_000_000;

/// How far two workers' clocks may lie apart. A moment that is further out of reach was noted
/// before the clock was set back.
const SLACK: i64 = SECOND;

/// When a budget that nobody has used was whole.
const EVER: i64 = i64::MIN;

impl Rate {
    /// Both from 1.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = SECOND / i64::from(per_second.max(1));
        Self { interval, window: interval.saturating_mul(i64::from(burst.max(1))) }
    }

    /// When the budget will be whole again if one more is taken now, unless that is too many.
    pub(crate) fn take(self, whole_at: i64, now: Timestamp) -> Option<i64> {
        let now = now.as_millis().saturating_mul(SECOND / 1000);
        let out_of_reach = whole_at.saturating_sub(now) > self.window.saturating_add(SLACK);
        let from = if out_of_reach { now } else { whole_at.max(now) };
        let next = from.saturating_add(self.interval);
        (next.saturating_sub(now) <= self.window).then_some(next)
    }
}

/// A budget of its own, for a log line or a route.
#[derive(Debug)]
pub(crate) struct Budget(AtomicI64);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicI64::new(EVER))
    }
}

impl Budget {
    pub(crate) fn take(&self, rate: Rate, now: Timestamp) -> bool {
        let take = |whole_at| rate.take(whole_at, now);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// The limit of a route, and what is left of it.
#[derive(Clone, Debug)]
pub(crate) struct RouteLimit {
    rate: Rate,
    budget: Arc<Budget>,
}

impl RouteLimit {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, budget: Arc::default() }
    }

    pub(crate) fn take(&self, now: Timestamp) -> bool {
        self.budget.take(self.rate, now)
    }

    /// Goes on where the same route's limit stood in an earlier config.
    pub(crate) fn inherit(&mut self, earlier: &Self) {
        self.budget = Arc::clone(&earlier.budget);
    }
}

/// The budgets of senders, in a memory that does not grow: 65,536 of them in 1.1 MiB. Where there is
/// no room for one more, it gets that of whoever is the nearest to a whole budget.
pub(crate) struct ClientBudgets {
    keys: RandomState,
    buckets: Box<[Mutex<Bucket>]>,
}

type Bucket = [ClientBudget; 8];

/// How many buckets there are; each is locked on its own, for some comparisons.
const BUCKETS: u64 = 65_536 / 8;

#[derive(Clone, Copy)]
struct ClientBudget {
    key: u64,
    whole_at: i64,
}

impl Default for ClientBudgets {
    fn default() -> Self {
        let nobody = ClientBudget { key: 0, whole_at: EVER };
        let buckets = (0..BUCKETS).map(|_| Mutex::new([nobody; 8])).collect();
        Self { keys: RandomState::new(), buckets }
    }
}

impl fmt::Debug for ClientBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBudgets").finish_non_exhaustive()
    }
}

impl ClientBudgets {
    /// Takes one from the budget that a sender has on a route. All senders that the door does not
    /// know are one.
    pub(crate) fn take(
        &self,
        rate: Rate,
        route: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> bool {
        let key = self.keys.hash_one((route, address.map(subscriber)));
        let bucket = usize::try_from(key % BUCKETS).ok().and_then(|at| self.buckets.get(at));
        let Some(bucket) = bucket else { return false };
        // It is locked for a comparison and an assignment, so nobody can have panicked in it.
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let place = bucket.iter_mut().min_by_key(|place| (place.key != key, place.whole_at));
        let Some(sender) = place else { return false };
        if sender.key != key {
            *sender = ClientBudget { key, whole_at: EVER };
        }
        let taken = rate.take(sender.whole_at, now);
        sender.whole_at = taken.unwrap_or(sender.whole_at);
        taken.is_some()
    }
}

/// Whoever has an IPv6 address has the other 2^64 of its network, too.
fn subscriber(address: IpAddr) -> (bool, u64) {
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
    fn a_burst_at_once_and_then_one_in_each_interval() {
        let (budget, rate) = (Budget::default(), Rate::new(10, 3));
        let taken = |now| (0..9).filter(|_| budget.take(rate, now)).count();
        assert_eq!(taken(at(0)), 3);
        assert_eq!(taken(at(99)), 0);
        assert_eq!(taken(at(100)), 1);
        assert_eq!(taken(at(100)), 0);
        assert_eq!(taken(at(300)), 2);
        assert_eq!(taken(at(60_000)), 3, "no more than the burst is saved up");
    }

    #[test]
    fn rates_hold_for_long() {
        let (budget, rate) = (Budget::default(), Rate::new(700, 7));
        let taken = (0..10_000).filter(|millis| budget.take(rate, at(*millis))).count();
        assert!((6999..=7007).contains(&taken), "{taken} in ten seconds");
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out() {
        let (budget, rate) = (Budget::default(), Rate::new(10, 3));
        assert!((0..3).all(|_| budget.take(rate, at(0))));
        assert!(!budget.take(rate, at(0)));
        assert!(budget.take(rate, at(-3_600_000)));
    }

    #[test]
    fn clocks_that_differ_a_little_give_nothing_away() {
        let (budget, rate) = (Budget::default(), Rate::new(10, 3));
        assert!((0..3).all(|_| budget.take(rate, at(0))));
        assert!((0..100).all(|_| !budget.take(rate, at(-5))));
    }

    #[test]
    fn each_sender_has_a_budget_on_each_route() {
        let (senders, rate) = (ClientBudgets::default(), Rate::new(1, 1));
        let take = |route, address: &str| senders.take(rate, route, address.parse().ok(), at(0));
        assert!(take("/a", "192.0.2.1"));
        assert!(!take("/a", "192.0.2.1"));
        assert!(take("/a", "192.0.2.2"));
        assert!(take("/b", "192.0.2.1"));
        assert!(take("/a", "2001:db8::1"));
        assert!(!take("/a", "2001:db8::ffff:2"), "the same /64");
        assert!(take("/a", "2001:db8:0:1::1"));
        assert!(take("/a", "nobody"));
        assert!(!take("/a", "nobody"), "the unknown are one");
    }

    #[test]
    fn a_crowd_takes_no_more_room_and_no_budget_of_one_that_is_busy() {
        let (senders, rate) = (ClientBudgets::default(), Rate::new(1, 4));
        let busy = "192.0.2.1".parse().ok();
        let take = |address, now| senders.take(rate, "/a", address, now);
        assert!((0..4).all(|_| take(busy, at(0))));
        for number in 0..200_000_u32 {
            let stranger = core::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
            assert!(take(Some(stranger.into()), at(0)), "a stranger is not refused for others");
        }
        assert!(!take(busy, at(0)), "who is the nearest to a whole budget makes room");
    }
}
