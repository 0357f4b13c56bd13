//! Delay after wrong tokens, so that a client cannot try many tokens in a short time.
//!
//! 1. A source is an IPv4 address or an IPv6 /64. A source may send ten wrong tokens without a
//!    delay.
//! 2. Each further wrong token doubles the delay, from one second up to one minute.
//! 3. After 100 wrong tokens of all sources together within a period of one minute, each further
//!    wrong token in this period causes the longest delay for its source.
//! 4. During the delay, gatepost does not check tokens of the source.
//! 5. A wrong token delays only its own source, so that another source cannot lock the operator
//!    out.
//! 6. A correct token, or ten minutes without a wrong token, resets the count of a source.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Number of wrong tokens that a source may send without a delay.
const FREE_FAILURES: u32 = 10;

/// Longest time for which gatepost does not check tokens of a source.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// Number of wrong tokens that all sources together may send in a period. Each further wrong token
/// of the period causes [`MAX_DELAY`].
const MAX_TOTAL: u32 = 100;

/// Length of a period. A period starts at the first wrong token after the previous period.
const TOTAL_PERIOD: Duration = Duration::from_secs(60);

/// Duration from the last wrong token of a source to the reset of the source's count.
const MEMORY: Duration = Duration::from_secs(600);

/// Maximum number of sources for which gatepost counts wrong tokens.
const MAX_SOURCES: usize = 1024;

/// Counts of wrong tokens, by source.
#[derive(Debug, Default)]
pub(crate) struct TokenAttempts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sources: Vec<Failures>,
    /// Start of the current period, and the number of wrong tokens in the period.
    total: Option<(Instant, u32)>,
}

/// Count of the wrong tokens of one source.
#[derive(Debug)]
struct Failures {
    source: Option<IpAddr>,
    count: u32,
    last: Instant,
    /// End of the delay. From this time, gatepost checks tokens of the source again.
    until: Instant,
}

impl TokenAttempts {
    /// Returns the remaining delay of a client; `None` if the client has no delay.
    pub(in crate::admin) fn delay(&self, client: Option<IpAddr>, now: Instant) -> Option<Duration> {
        let source = client.map(network);
        self.with(|state| {
            let failures = state.sources.iter().find(|known| known.source == source)?;
            failures.until.checked_duration_since(now).filter(|rest| !rest.is_zero())
        })
    }

    /// Counts a wrong token.
    pub(in crate::admin) fn fail(&self, client: Option<IpAddr>, now: Instant) {
        let source = client.map(network);
        self.with(|state| {
            let total = state.count_total(now);
            let failures = state.failures_of(source, now);
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
            failures.until = now + delay_after(failures.count, total);
        });
    }

    /// Resets the count of the source of a client that has sent a correct token.
    pub(in crate::admin) fn succeed(&self, client: Option<IpAddr>) {
        let source = client.map(network);
        self.with(|state| state.sources.retain(|known| known.source != source));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // Ignore poisoning, because no panic can leave the state inconsistent.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Counts a wrong token in the current period, and returns the number of wrong tokens in this
    /// period.
    fn count_total(&mut self, now: Instant) -> u32 {
        let period = self.total.filter(|(start, _)| now.duration_since(*start) < TOTAL_PERIOD);
        let (start, count) = period.unwrap_or((now, 0));
        let count = count.saturating_add(1);
        self.total = Some((start, count));
        count
    }

    /// Returns the entry of a source. If the list is full, a new source replaces the source with
    /// the fewest wrong tokens. If several sources have the fewest wrong tokens, gatepost replaces
    /// the source whose last wrong token is the oldest.
    fn failures_of(&mut self, source: Option<IpAddr>, now: Instant) -> &mut Failures {
        self.sources.retain(|known| now.duration_since(known.last) < MEMORY);
        let found = self.sources.iter().position(|known| known.source == source);
        let index = found.unwrap_or_else(|| {
            if self.sources.len() >= MAX_SOURCES {
                let known = self.sources.iter().enumerate();
                let weakest = known.min_by_key(|(_, known)| (known.count, known.last));
                weakest.map(|(index, _)| index).map(|index| self.sources.swap_remove(index));
            }
            self.sources.push(Failures { source, count: 0, last: now, until: now });
            self.sources.len() - 1
        });
        &mut self.sources[index]
    }
}

fn delay_after(count: u32, total: u32) -> Duration {
    if total > MAX_TOTAL {
        return MAX_DELAY;
    }
    match count.checked_sub(FREE_FAILURES) {
        None | Some(0) => Duration::ZERO,
        Some(over) => Duration::from_secs(1).saturating_mul(1 << (over - 1).min(6)).min(MAX_DELAY),
    }
}

/// Returns the address of an IPv4 client, or the /64 of an IPv6 client.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn client(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn delay_doubles_up_to_one_minute() {
        let (attempts, mut now) = (TokenAttempts::default(), Instant::now());
        let guesser = client("192.0.2.1");
        for _ in 0..FREE_FAILURES {
            attempts.fail(guesser, now);
            assert_eq!(attempts.delay(guesser, now), None);
        }
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            attempts.fail(guesser, now);
            assert_eq!(attempts.delay(guesser, now), Some(secs(expected)));
            assert_eq!(attempts.delay(client("192.0.2.2"), now), None);
            now += secs(expected);
            assert_eq!(attempts.delay(guesser, now), None);
        }
    }

    #[test]
    fn correct_token_or_ten_minutes_without_wrong_token_resets_the_count() {
        let (attempts, now) = (TokenAttempts::default(), Instant::now());
        let guesser = client("192.0.2.1");
        let fail = |now| (0..20).for_each(|_| attempts.fail(guesser, now));
        fail(now);
        attempts.succeed(guesser);
        assert_eq!(attempts.delay(guesser, now), None);
        fail(now);
        attempts.fail(guesser, now + MEMORY);
        assert_eq!(attempts.delay(guesser, now + MEMORY), None);
    }

    #[test]
    fn causes_longest_delay_after_100_wrong_tokens_of_all_sources() {
        let (attempts, now) = (TokenAttempts::default(), Instant::now());
        let source = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        for number in 0..=MAX_TOTAL {
            attempts.fail(source(number), now);
        }
        assert_eq!(attempts.delay(source(0), now), None);
        assert_eq!(attempts.delay(source(MAX_TOTAL), now), Some(MAX_DELAY));
        assert_eq!(attempts.delay(source(MAX_TOTAL + 1), now), None);
        attempts.fail(source(0), now + TOTAL_PERIOD);
        assert_eq!(attempts.delay(source(0), now + TOTAL_PERIOD), None);
    }

    #[test]
    fn counts_wrong_tokens_of_at_most_1024_sources() {
        let (attempts, now) = (TokenAttempts::default(), Instant::now());
        let guesser = client("192.0.2.1");
        (0..20).for_each(|_| attempts.fail(guesser, now));
        for number in 0..5_000_u32 {
            attempts.fail(Some(IpAddr::from(number.to_be_bytes())), now);
        }
        assert_eq!(attempts.with(|state| state.sources.len()), MAX_SOURCES);
        assert!(
            attempts.delay(guesser, now).is_some(),
            "expected a delay for the guesser, found none"
        );
    }

    #[test]
    fn network_of_ipv6_client_is_one_source() {
        let (attempts, now) = (TokenAttempts::default(), Instant::now());
        (0..20).for_each(|_| attempts.fail(client("2001:db8::1"), now));
        assert!(attempts.delay(client("2001:db8::2:3"), now).is_some());
        assert_eq!(attempts.delay(client("2001:db8:0:1::1"), now), None);
        (0..20).for_each(|_| attempts.fail(client("::ffff:192.0.2.1"), now));
        assert!(attempts.delay(client("192.0.2.1"), now).is_some());
    }
}
