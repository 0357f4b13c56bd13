//! Limit on the number of open connections: `max_connections`.
//!
//! An HTTP/2 stream counts as a further connection, because it needs as much memory. If a new
//! connection exceeds the limit, gatepost closes the connection that comes first by these rules. A
//! rule decides only between connections that are equal by the rules before it:
//!
//! 1. A connection that is idle or has an unfinished request comes before a working connection: one
//!    with a request that gatepost judges or serves. A request that passes to the upstream counts
//!    as work while its source has at most `max(max_connections / 8, 16)` passing requests. If a
//!    source has more passing requests, none of them counts as work, because a client without a key
//!    can prolong them.
//! 2. A connection of the source with the most connections comes first. gatepost counts only the
//!    connections that are equal by rule 1.
//! 3. An idle connection comes first, then a connection with an unfinished request, then a
//!    connection with a request that passes.
//! 4. The connection that has been in its state for the longest time comes first.
//!
//! A request changes only the atomic state of its own connection. A task locks the table to open a
//! connection, to close a connection, and to search. A search reads the whole table, and finds
//! several connections at once, because a client can connect thousands of times a second.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::close_signal::{CloseSignal, Closed};
use super::source::Source;
use crate::telemetry::metrics::METRICS;

tokio::task_local! {
    /// The connection that this task serves.
    pub(crate) static CONNECTION: Arc<Connection>;
}

/// State of a connection, or of an HTTP/2 stream.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum ConnectionState {
    /// No byte of a request has arrived since the last reply.
    Idle,
    /// gatepost waits for more bytes of a request.
    Unfinished,
    /// A request that is not a callback passes to the upstream.
    Passing,
    /// gatepost judges or serves a request.
    Working,
}

/// A state and its start time, in one number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Since(u64);

/// Time from which [`Since`] counts nanoseconds.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Since {
    fn now(state: ConnectionState) -> Self {
        let nanos = u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Self(nanos << 2 | state as u64)
    }

    const fn state(self) -> ConnectionState {
        match self.0 & 3 {
            0 => ConnectionState::Idle,
            1 => ConnectionState::Unfinished,
            2 => ConnectionState::Passing,
            _ => ConnectionState::Working,
        }
    }

    fn begin(self) -> Instant {
        *START + Duration::from_nanos(self.0 >> 2)
    }
}

/// State of a connection, and the signal to close it.
#[derive(Debug)]
pub(crate) struct Connection {
    since: AtomicU64,
    signal: Arc<CloseSignal>,
    /// Connection of an HTTP/2 stream; `None` for a connection itself.
    parent: Option<Arc<Self>>,
    /// Number of open streams of an HTTP/2 connection.
    streams: AtomicUsize,
}

impl Connection {
    fn new(state: ConnectionState, signal: Arc<CloseSignal>, parent: Option<Arc<Self>>) -> Self {
        let since = AtomicU64::new(Since::now(state).0);
        Self { since, signal, parent, streams: AtomicUsize::new(0) }
    }

    fn stream_of(parent: &Arc<Self>) -> Self {
        parent.streams.fetch_add(1, Ordering::Relaxed);
        parent.set(ConnectionState::Working);
        Self::new(ConnectionState::Working, Arc::clone(&parent.signal), Some(Arc::clone(parent)))
    }

    pub(crate) fn set(&self, state: ConnectionState) {
        self.since.store(Since::now(state).0, Ordering::Relaxed);
    }

    /// Sets the state to [`ConnectionState::Working`]. Keeps the start time of the earlier state,
    /// because the order of working connections does not justify a clock read for each request.
    pub(crate) fn work(&self) {
        let earlier = self.since.load(Ordering::Relaxed);
        self.since.store(earlier | ConnectionState::Working as u64, Ordering::Relaxed);
    }

    pub(crate) fn since(&self) -> Since {
        Since(self.since.load(Ordering::Relaxed))
    }

    /// Completes if the connection has been idle, or has had an unfinished request, for `limit`.
    /// Wakes at most once per `limit`, instead of resetting a timer for each request.
    pub(crate) async fn overdue(&self, limit: Duration) {
        loop {
            let since = self.since();
            let waits =
                matches!(since.state(), ConnectionState::Idle | ConnectionState::Unfinished);
            sleep_until(if waits { since.begin() } else { Instant::now() } + limit).await;
            if waits && since == self.since() {
                return;
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(parent) = &self.parent
            && parent.streams.fetch_sub(1, Ordering::Relaxed) == 1
        {
            parent.set(ConnectionState::Idle);
        }
    }
}

/// Returns the connection that this task serves; `None` for an HTTP/2 stream.
pub(crate) fn current() -> Option<Arc<Connection>> {
    CONNECTION.try_with(Arc::clone).ok()
}

/// A request in flight, from the end of its head to the end of the response. While this value
/// exists, the metrics count the request as in flight, and its connection is not idle.
pub(crate) struct RequestInFlight(());

impl RequestInFlight {
    pub(crate) fn start() -> Self {
        METRICS.requests.in_flight.inc();
        // Ignore the error for an HTTP/2 request, because its task has no connection.
        let _http_2 = CONNECTION.try_with(|connection| connection.work());
        Self(())
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        METRICS.requests.in_flight.dec();
        let _http_2 = CONNECTION.try_with(|connection| connection.set(ConnectionState::Idle));
    }
}

/// Lower bound of a source's limit on passing requests that count as work.
const MIN_SHARE: usize = 16;

/// All open connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections(Arc<LimitedTable>);

struct LimitedTable {
    limit: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, (Source, Arc<Connection>)>,
    /// Connections that the last search found. The last entry is the next to close.
    found: Vec<(u64, Since)>,
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(LimitedTable { limit, table: Mutex::default() }))
    }

    /// Counts a connection until the caller drops the returned value. If there are too many
    /// connections, closes another connection.
    pub(crate) fn open(&self, source: Source) -> OpenConnection {
        self.add(source, Connection::new(ConnectionState::Idle, Arc::default(), None))
    }

    fn add(&self, source: Source, connection: Connection) -> OpenConnection {
        let connection = Arc::new(connection);
        let mut closed = Vec::new();
        let mut table = self.0.table();
        while table.open.len() >= self.0.limit
            && let Some(other) = table.take_next(self.0.limit)
        {
            closed.push(other);
        }
        let number = table.next;
        table.next += 1;
        table.open.insert(number, (source, Arc::clone(&connection)));
        // Release the lock before the signals, because each closed connection needs the lock.
        drop(table);
        closed.iter().for_each(|connection| connection.signal.close());
        OpenConnection(ConnectionHandle { all: self.clone(), number, connection })
    }
}

impl LimitedTable {
    fn table(&self) -> MutexGuard<'_, Table> {
        // Ignore poisoning, because no method of the table panics.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Removes the next connection to close.
    fn take_next(&mut self, limit: usize) -> Option<Arc<Connection>> {
        loop {
            let is_new = self.found.is_empty();
            if is_new {
                self.search(limit);
            }
            let (number, found) = self.found.pop()?;
            // Skip a connection that has ended, or whose state has changed since the search.
            let is_same = |(_, other): &(_, Arc<Connection>)| is_new || other.since() == found;
            if self.open.get(&number).is_some_and(is_same) {
                return self.open.remove(&number).map(|(_, connection)| connection);
            }
        }
    }

    /// Finds the next connections to close, in the order of this module's rules.
    fn search(&mut self, limit: usize) {
        let (count, share) = (1 + limit / 64, (limit / 8).max(MIN_SHARE));
        let mut all: Vec<_> = (self.open.iter())
            .map(|(number, (source, connection))| (*number, *source, connection.since()))
            .collect();
        let mut passing = HashMap::<_, usize>::new();
        for (_, source, _) in
            all.iter().filter(|(.., since)| since.state() == ConnectionState::Passing)
        {
            *passing.entry(*source).or_default() += 1;
        }
        let works = |source: Source, since: Since| match since.state() {
            ConnectionState::Idle | ConnectionState::Unfinished => false,
            ConnectionState::Passing => {
                passing.get(&source).is_none_or(|passing| *passing <= share)
            }
            ConnectionState::Working => true,
        };
        let mut counts = HashMap::<_, usize>::new();
        for (_, source, since) in &all {
            *counts.entry((*source, works(*source, *since))).or_default() += 1;
        }
        let rank = |(_, source, since): &(u64, Source, Since)| {
            let works = works(*source, *since);
            let of_source = counts.get(&(*source, works)).copied().unwrap_or_default();
            (works, Reverse(of_source), since.state(), since.begin())
        };
        if count < all.len() {
            all.select_nth_unstable_by_key(count, rank);
            all.truncate(count);
        }
        all.sort_unstable_by_key(|entry| Reverse(rank(entry)));
        self.found = all.into_iter().map(|(number, _, since)| (number, since)).collect();
    }
}

/// A connection in the table of all open connections.
#[derive(Clone)]
pub(crate) struct ConnectionHandle {
    all: Connections,
    number: u64,
    connection: Arc<Connection>,
}

impl ConnectionHandle {
    /// Counts a stream of this connection until the caller drops the returned value. The signal to
    /// close the stream closes the connection.
    pub(crate) fn open_stream(&self) -> OpenConnection {
        let source = self.all.0.table().open.get(&self.number).map(|(source, _)| *source);
        // If the table has no entry, gatepost is already closing the connection.
        self.all.add(source.unwrap_or(Source::UNKNOWN), Connection::stream_of(&self.connection))
    }
}

/// An open connection, which counts until its owner drops this value.
pub(crate) struct OpenConnection(ConnectionHandle);

impl OpenConnection {
    pub(crate) const fn handle(&self) -> &ConnectionHandle {
        &self.0
    }

    pub(crate) const fn connection(&self) -> &Arc<Connection> {
        &self.0.connection
    }

    /// Sets the source, after a PROXY header has named the client.
    pub(crate) fn set_source(&self, source: Source) {
        if let Some((own, _)) = self.0.all.0.table().open.get_mut(&self.0.number) {
            *own = source;
        }
    }

    /// Completes at the signal to close the connection.
    pub(crate) fn closed(&self) -> Closed<'_> {
        self.0.connection.signal.closed()
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.all.0.table().open.remove(&self.0.number);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use tokio::time::timeout;

    use super::super::source::tests::source;
    use super::*;

    fn is_closed(open: &OpenConnection) -> bool {
        pin!(open.closed()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn closed(all: &[OpenConnection]) -> Vec<bool> {
        all.iter().map(is_closed).collect()
    }

    /// Opens connections of these sources, one after the other.
    fn open(connections: &Connections, sources: &[u8]) -> Vec<OpenConnection> {
        sources.iter().map(|last| connections.open(source(*last))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn working_connection_is_never_overdue() {
        let connections = Connections::new(1);
        let open = connections.open(source(1));
        let limit = Duration::from_secs(90);
        open.connection().set(ConnectionState::Working);
        assert!(timeout(limit * 40, open.connection().overdue(limit)).await.is_err());
        open.connection().set(ConnectionState::Idle);
        assert!(timeout(limit * 2, open.connection().overdue(limit)).await.is_ok());
    }

    #[test]
    fn closes_longest_idle_connection_of_source_with_most_connections() {
        let connections = Connections::new(4);
        let all = open(&connections, &[2, 1, 1, 1]);
        all[1].connection().set(ConnectionState::Idle);
        let newcomer = connections.open(source(3));
        assert_eq!(closed(&all), [false, false, true, false]);
        assert!(!is_closed(&newcomer));
        drop(newcomer);
        let _fits = connections.open(source(3));
        assert_eq!(closed(&all), [false, false, true, false]);
    }

    #[test]
    fn closes_idle_then_unfinished_then_working_connections() {
        let connections = Connections::new(3);
        let all = open(&connections, &[1, 1, 1]);
        all[0].connection().set(ConnectionState::Working);
        all[1].connection().set(ConnectionState::Unfinished);
        let mut newcomers = Vec::new();
        for expected in [[false, false, true], [false, true, true], [true, true, true]] {
            let newcomer = connections.open(source(2 + newcomers.len() as u8));
            newcomer.connection().set(ConnectionState::Working);
            newcomers.push(newcomer);
            assert_eq!(closed(&all), expected);
        }
    }

    #[test]
    fn closes_idle_connection_before_working_ones_of_source_with_most_connections() {
        let connections = Connections::new(4);
        let all = open(&connections, &[1, 1, 1, 2]);
        all.iter().take(3).for_each(|open| open.connection().set(ConnectionState::Working));
        let _newcomer = connections.open(source(3));
        assert_eq!(closed(&all), [false, false, false, true]);
    }

    #[test]
    fn closes_connection_with_passing_request_if_source_exceeds_its_limit() {
        for (passing, expected) in [(16, [false, true]), (17, [true, false])] {
            let connections = Connections::new(passing + 1);
            let all = open(&connections, &vec![1; passing]);
            all.iter().for_each(|open| open.connection().set(ConnectionState::Passing));
            let idle = connections.open(source(2));
            let _newcomer = connections.open(source(3));
            assert_eq!([is_closed(&all[0]), is_closed(&idle)], expected);
        }
    }

    #[test]
    fn keeps_connection_that_served_a_request_since_the_search() {
        let connections = Connections::new(128);
        let all = open(&connections, &[1; 128]);
        let first = connections.open(source(2));
        assert_eq!(closed(&all[..2]), [true, false]);
        all[1].connection().set(ConnectionState::Working);
        all[1].connection().set(ConnectionState::Idle);
        let second = connections.open(source(2));
        assert!(!is_closed(&all[1]) && is_closed(&all[2]));
        drop((first, second));
    }

    #[test]
    fn stream_counts_as_connection_and_keeps_its_connection_from_being_idle() {
        let connections = Connections::new(3);
        let all = open(&connections, &[1, 1]);
        let stream = all[0].handle().open_stream();
        let _third = connections.open(source(2));
        assert_eq!(closed(&all), [false, true]);
        drop(stream);
        assert_eq!(all[0].connection().since().state(), ConnectionState::Idle);
        let unfinished = [all[0].handle().open_stream(), all[0].handle().open_stream()];
        unfinished[0].connection().set(ConnectionState::Unfinished);
        let _fourth = connections.open(source(3));
        assert_eq!(closed(&all), [true, true]);
    }
}
