//! The proxy's implementation of the traits that `gatepost::drive` needs: the client's connection,
//! the clock and the timers. The module `app_side` has the app.
//!
//! [`Exchange`] has two implementations: one for HTTP/1 connections that gatepost reads itself, and
//! one for Pingora's sessions.

use std::fmt;
use std::future::{pending, poll_fn};
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost::{
    Accepted, BodyFailure, ClientActivity, ClientSide, Conclusion, Disconnected, Driven, Gate,
    Head, Intake, LogCallbacks, MetricsHook, Origin, Refusal, Reply, RequestContext, Runtime,
    SharedState, SharedUse, Store, StoreError, Timestamp, drive, report,
};
use http::header::HOST;
use pingora::prelude::fast_timeout::fast_sleep;

use super::app_side::App;
use super::callback_record::{CallbackArrival, CallbackClock};
use super::exchange::Exchange;
use super::mirror;
use super::source::Source;
use super::unfinished::{Bound, Unfinished};
use super::unjudged::{HeldBytes, UnjudgedBytes};
use crate::capture::{CAPTURED, CapturedAnswer, CapturedCallback, CapturedVerdict};
use crate::queue::Queue;
use crate::telemetry::log;
use crate::telemetry::metrics::METRICS;
use crate::telemetry::traces::{AppCall, CallbackTrace};

/// Driver of the callbacks of one gate.
#[derive(Clone)]
pub(crate) struct CallbackDriver {
    pub(crate) gate: Gate,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) unjudged: UnjudgedBytes,
    pub(crate) hook: Option<Arc<dyn MetricsHook>>,
    pub(crate) queue: Option<Arc<Queue>>,
    /// Use of the host proxy's upstream as the app, instead of gatepost's own client.
    pub(crate) asks_host: bool,
}

impl fmt::Debug for CallbackDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackDriver").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl CallbackDriver {
    /// Reads a callback that the gate has admitted, and writes the reply.
    pub(crate) async fn serve(
        &self,
        exchange: &mut impl Exchange,
        intake: Intake,
        started: Instant,
    ) {
        let from = intake.client();
        let arrival = CallbackArrival::new(exchange, started);
        let host = if self.asks_host { exchange.host_upstream() } else { None };
        let mut client = Client::new(exchange, self, from, &arrival);
        let mut app = App::new(&self.gate, host);
        let driven = drive(&mut client, &mut app, self, intake).await;
        let (exceeded, is_half_closed) = (client.exceeded, client.is_half_closed);
        let clock = CallbackClock { body: client.waited, app: app.call() };
        let answer = app.answer.take();
        drop(client);
        match driven {
            Driven::Refused(_) if exceeded == Some(Bound::UnjudgedBytes) => {
                Bound::UnjudgedBytes.report(from);
                exchange.write_unread(&Reply::overloaded()).await;
            }
            Driven::Refused(refusal) => self.reply_refusal(exchange, &refusal, &arrival).await,
            Driven::Concluded(accepted, conclusion, now) => {
                let times = clock.times(started, &conclusion);
                METRICS.callbacks.concluded(&accepted, &conclusion, &times);
                if let Some(hook) = &self.hook {
                    hook.concluded(&accepted, &conclusion, times.total);
                }
                if is_half_closed {
                    METRICS.callbacks.client_gone(&accepted);
                }
                report::concluded(&accepted, &conclusion, log::callbacks(), now);
                exchange.write(&conclusion.reply).await;
                mirror_event(exchange, &accepted, &conclusion, now);
                if let Some(recorder) = arrival.recorder() {
                    let conclusion = Some(&conclusion);
                    recorder.accepted(&self.gate, exchange, &accepted, conclusion, clock.app);
                }
                if CAPTURED.is_on() {
                    let verdict =
                        CapturedVerdict::Accepted(accepted.clone(), Some(conclusion.clone()));
                    capture(exchange, verdict, (now, times.total), (answer, clock.app));
                }
                exchange.concluded(accepted, conclusion);
            }
            Driven::ClientGone(accepted) => {
                METRICS.callbacks.client_gone(&accepted);
                tracing::debug!("the client disconnected before the reply");
                exchange.close();
                if let Some(recorder) = arrival.recorder() {
                    recorder.accepted(&self.gate, exchange, &accepted, None, clock.app);
                }
                if CAPTURED.is_on() {
                    let verdict = CapturedVerdict::Accepted(accepted, None);
                    let end = ((self.clock)(), started.elapsed());
                    capture(exchange, verdict, end, (answer, clock.app));
                }
            }
        }
    }

    /// Counts the bytes of a request without a verdict.
    pub(crate) fn hold(&self, client: Option<IpAddr>, bytes: usize) -> HeldBytes {
        self.unjudged.hold(Source::of(client, &self.gate), bytes)
    }

    /// Refuses a callback because of its head.
    pub(crate) async fn refuse(
        &self,
        exchange: &mut impl Exchange,
        refusal: &Refusal,
        started: Instant,
    ) {
        let arrival = CallbackArrival::new(exchange, started);
        self.reply_refusal(exchange, refusal, &arrival).await;
    }

    async fn reply_refusal(
        &self,
        exchange: &mut impl Exchange,
        refusal: &Refusal,
        arrival: &CallbackArrival,
    ) {
        METRICS.callbacks.refused(refusal);
        if let Some(hook) = &self.hook {
            hook.refused(refusal, arrival.started.elapsed());
        }
        if log::callbacks() != LogCallbacks::None {
            report::refused(refusal, (self.clock)());
        }
        let reply = refusal.reply();
        exchange.write_unread(&reply).await;
        if let Some(recorder) = arrival.recorder() {
            recorder.refused(&self.gate, exchange, refusal, &reply);
        }
        if CAPTURED.is_on() {
            let verdict = CapturedVerdict::Refused(refusal.clone(), reply);
            let end = ((self.clock)(), arrival.started.elapsed());
            capture(exchange, verdict, end, (None, None));
        }
    }
}

/// Sends a copy of the event to the mirror, if the config names one. A resend has no event.
fn mirror_event(
    exchange: &mut impl Exchange,
    accepted: &Accepted,
    conclusion: &Conclusion,
    now: Timestamp,
) {
    if let Some(mirror) = accepted.mirror()
        && !matches!(conclusion.origin, Origin::Resend)
    {
        let scheme = scheme(exchange.is_encrypted());
        mirror::send(exchange, accepted, mirror, scheme, now);
    }
}

/// Captures a callback for the operator. `now` is the time of the conclusion, and `took` the time
/// from the arrival to the conclusion.
#[inline(never)]
fn capture(
    exchange: &mut impl Exchange,
    verdict: CapturedVerdict,
    (now, took): (Timestamp, Duration),
    (answer, app): (Option<CapturedAnswer>, Option<AppCall>),
) {
    let took_millis = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    let at = Timestamp::from_millis(now.as_millis().saturating_sub(took_millis));
    let mut callback = CapturedCallback::new(at, exchange.take_head(), verdict, took);
    (callback.answer, callback.app) = (answer, app.map(|app| app.took));
    CAPTURED.record(callback);
}

impl Runtime for CallbackDriver {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn store(&self) -> Option<&dyn Store> {
        self.queue.as_deref().map(|queue| queue as &dyn Store)
    }

    fn shared_state(&self) -> Option<&dyn SharedState> {
        self.queue.as_deref().map(Queue::shared_state)
    }

    fn unshared(&self, of: SharedUse, outage: Option<&StoreError>) {
        METRICS.shared.missed(of);
        if let Some(reason) = outage {
            METRICS.shared.up.set(0);
            report::shared_state_lost(reason, (self.clock)());
        }
        if let Some(hook) = &self.hook {
            hook.unshared(of);
        }
    }

    fn shared_again(&self, missed: u64) {
        METRICS.shared.up.set(1);
        report::shared_state_back(missed, (self.clock)());
    }

    // Both timers start at the first poll, not at the call: the driver polls right after the call.
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Uses Pingora's shared timers. A tokio timer costs a system call if no other timer is due
    /// earlier.
    async fn sleep_coarsely(&self, time: Duration) {
        fast_sleep(time).await;
    }

    /// Uses a thread for blocking work, because a worker thread serves many connections.
    async fn run_long<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime stops, and drops this future.
            Err(_) => pending().await,
        }
    }
}

/// Maximum length of a body that counts only while gatepost waits for more bytes. The driver reads
/// a longer body in several turns, between which other tasks run.
const MAX_UNCOUNTED_BYTES: usize = 32 * 1024;

/// The client's side of a callback.
struct Client<'e, E> {
    exchange: &'e mut E,
    driver: &'e CallbackDriver,
    from: Option<IpAddr>,
    arrival: &'e CallbackArrival,
    sent_continue: bool,
    /// True if the client has closed its sending half, or perhaps the whole connection.
    is_half_closed: bool,
    /// Time for which gatepost waited for the body.
    waited: Duration,
    /// Bytes of the body that have arrived.
    received: usize,
    /// Memory of the received bytes.
    held: usize,
    /// Bounds on an unfinished request; `None` until gatepost waits for the body. Most bodies
    /// arrive with their head.
    unfinished: Option<Unfinished>,
    /// Bound that the request has exceeded.
    exceeded: Option<Bound>,
}

impl<'e, E: Exchange> Client<'e, E> {
    const fn new(
        exchange: &'e mut E,
        driver: &'e CallbackDriver,
        from: Option<IpAddr>,
        arrival: &'e CallbackArrival,
    ) -> Self {
        Self {
            exchange,
            driver,
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

    /// Counts the request, beginning with the first call.
    #[cold]
    fn count(&mut self) -> &Unfinished {
        self.unfinished.get_or_insert_with(|| {
            let bytes = self.exchange.head_bytes().saturating_add(self.held);
            Unfinished::start(self.driver.hold(self.from, bytes), self.exchange.connection())
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
            // The verdict is next.
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

    /// Counts a request that waits for its turn. Completes if gatepost must close the request.
    async fn evicted(&mut self) {
        let bytes = self.exchange.head_bytes().saturating_add(self.held);
        self.driver.hold(self.from, bytes).closed().await;
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

/// Returns the URL scheme of a connection.
pub(crate) const fn scheme(is_encrypted: bool) -> &'static str {
    if is_encrypted { "https" } else { "http" }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::inbound::pingora::GateModule;

    // Uses one thread. On this thread, the work would wait forever for the other task.
    #[tokio::test]
    async fn other_tasks_run_during_long_work() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let driver = GateModule::new(gate).driver().clone();
        let (sender, receiver) = mpsc::channel();
        let work = driver.run_long(move || receiver.recv());
        let (received, sent) = tokio::join!(work, async move { sender.send(17) });
        assert_eq!((received, sent), (Ok(17), Ok(())));
    }

    #[tokio::test]
    #[should_panic(expected = "in the work")]
    async fn panic_of_long_work_is_a_panic_of_the_task() {
        let gate = Gate::from_toml_file("configs/quickstart.toml").unwrap();
        let driver = GateModule::new(gate).driver().clone();
        driver.run_long(|| panic!("in the work")).await
    }
}
