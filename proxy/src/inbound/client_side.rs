//! The client's side of a callback: its head, the chunks of its body, and its disconnect.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost::{BodyFailure, ClientActivity, ClientSide, Disconnected, Gate, Head, RequestContext};
use http::header::HOST;

use super::callback_record::CallbackArrival;
use super::exchange::{Exchange, scheme};
use super::source::Source;
use super::unfinished::{Bound, Unfinished};
use super::unjudged::UnjudgedBytes;
use crate::telemetry::traces::CallbackTrace;

/// Maximum length of a body that counts towards `max_unjudged_bytes` only while gatepost waits for
/// more bytes. `gatepost::drive` reads a longer body in several turns, between which other tasks
/// run.
const MAX_UNCOUNTED_BYTES: usize = 32 * 1024;

/// The client's side of a callback.
pub(super) struct Client<'e, E> {
    exchange: &'e mut E,
    gate: &'e Gate,
    unjudged: &'e UnjudgedBytes,
    from: Option<IpAddr>,
    arrival: &'e CallbackArrival,
    sent_continue: bool,
    /// True if the client has closed its sending half, or perhaps the whole connection.
    pub(super) is_half_closed: bool,
    /// Time for which gatepost waited for the body.
    pub(super) waited: Duration,
    /// Number of body bytes that have arrived.
    received: usize,
    /// Memory that the received bytes occupy.
    held: usize,
    /// Bounds on an unfinished request; `None` while gatepost does not count the request. gatepost
    /// does not count a request whose body of at most [`MAX_UNCOUNTED_BYTES`] arrives with the
    /// head, as most bodies do.
    unfinished: Option<Unfinished>,
    /// Bound that the request has exceeded.
    pub(super) exceeded: Option<Bound>,
}

impl<'e, E: Exchange> Client<'e, E> {
    pub(super) const fn new(
        exchange: &'e mut E,
        (gate, unjudged): (&'e Gate, &'e UnjudgedBytes),
        from: Option<IpAddr>,
        arrival: &'e CallbackArrival,
    ) -> Self {
        Self {
            exchange,
            gate,
            unjudged,
            from,
            arrival,
            sent_continue: false,
            is_half_closed: false,
            waited: Duration::ZERO,
            received: 0,
            held: 0,
            unfinished: None,
            exceeded: None,
        }
    }

    /// Counts the memory of the request, from the first call on.
    #[cold]
    fn count(&mut self) -> &Unfinished {
        self.unfinished.get_or_insert_with(|| {
            let bytes = self.exchange.head_bytes().saturating_add(self.held);
            Unfinished::start(
                self.unjudged.hold(Source::of(self.from, self.gate), bytes),
                self.exchange.connection(),
            )
        })
    }

    /// Waits for a chunk that has not arrived.
    #[cold]
    async fn wait_for_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        self.count();
        let Some(unfinished) = &self.unfinished else { return Err(Disconnected) };
        let started = Instant::now();
        let waited = unfinished.wait(self.received, self.exchange.next_chunk()).await;
        self.waited += started.elapsed();
        match waited {
            Ok(chunk) => chunk,
            Err(bound) => {
                self.exceeded = Some(bound);
                Err(Disconnected)
            }
        }
    }
}

impl<E: Exchange> ClientSide for Client<'_, E> {
    fn head(&self) -> Head<'_> {
        self.exchange.head()
    }

    fn context(&self) -> RequestContext<'_> {
        // If `Question::keeps_host` is false, the connection pool replaces this value with the host
        // of the app's address.
        let host = self.exchange.head().headers().get(HOST);
        let context = RequestContext::default().with_scheme(scheme(self.exchange.is_encrypted()));
        let span = self.arrival.trace.as_ref().map(CallbackTrace::app_span);
        context.with_trace(self.arrival.random).with_span(span).with_host(host)
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        if !std::mem::replace(&mut self.sent_continue, true) {
            self.exchange.send_continue().await?;
        }
        if self.unfinished.as_ref().is_some_and(Unfinished::is_closed) {
            self.exceeded = Some(Bound::UnjudgedBytes);
            return Err(Disconnected);
        }
        // A poll that finds no chunk takes nothing from the connection, so a second future can
        // continue the read.
        let arrived = poll_fn(|cx| match pin!(self.exchange.next_chunk()).poll(cx) {
            Poll::Ready(chunk) => Poll::Ready(Some(chunk)),
            Poll::Pending => Poll::Ready(None),
        });
        let chunk = match arrived.await {
            Some(chunk) => chunk,
            None => Box::pin(self.wait_for_chunk()).await,
        };
        match &chunk {
            Ok(Some(chunk)) => self.received += chunk.len(),
            // The body is complete, so the gate now reaches its verdict.
            Ok(None) => self.unfinished = None,
            Err(Disconnected) => {}
        }
        chunk
    }

    fn holds(&mut self, bytes: usize) {
        self.held = bytes;
        if let Some(unfinished) = &self.unfinished {
            unfinished.set(self.exchange.head_bytes().saturating_add(bytes));
        } else if bytes > MAX_UNCOUNTED_BYTES {
            self.count();
        }
    }

    fn body_failure(&mut self) -> BodyFailure {
        match self.exceeded {
            Some(bound) => BodyFailure::Failed(bound.to_string()),
            None => BodyFailure::Disconnected,
        }
    }

    /// Counts a request whose large body waits for its judgement. Completes if gatepost must close
    /// the request.
    async fn evicted(&mut self) {
        let bytes = self.exchange.head_bytes().saturating_add(self.held);
        self.unjudged.hold(Source::of(self.from, self.gate), bytes).closed().await;
        self.exceeded = Some(Bound::UnjudgedBytes);
    }

    async fn activity(&mut self) -> ClientActivity {
        let activity = self.exchange.client_activity().await;
        if activity == ClientActivity::HalfClosed {
            self.is_half_closed = true;
            self.exchange.close();
        }
        activity
    }
}
