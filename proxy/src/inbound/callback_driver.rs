//! The proxy's driver of callbacks, with the clock and the timers that `gatepost::drive` needs. The
//! modules `client_side` and `app_side` connect the driver to the client and the app.
//!
//! [`Exchange`] has two implementations: one for HTTP/1 connections that gatepost reads itself, and
//! one for Pingora's sessions.

use std::fmt;
use std::future::pending;
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatepost::{
    Accepted, Conclusion, Driven, Gate, Intake, LimitValues, LogCallbacks, MetricsHook, Origin,
    Refusal, Reply, Runtime, SharedState, SharedUse, Store, StoreError, Timestamp, drive, report,
};
use pingora::prelude::fast_timeout::fast_sleep;

use super::app_side::App;
use super::callback_record::{CallbackArrival, CallbackClock};
use super::client_side::Client;
use super::exchange::{Exchange, scheme};
use super::mirror;
use super::source::Source;
use super::unfinished::Bound;
use super::unjudged::{HeldBytes, UnjudgedBytes};
use crate::capture::{CAPTURED, CapturedAnswer, CapturedCallback, CapturedRequest};
use crate::queue::Queue;
use crate::telemetry::log;
use crate::telemetry::metrics::METRICS;
use crate::telemetry::traces::AppCall;

/// Driver of the callbacks of one gate.
#[derive(Clone)]
pub(crate) struct CallbackDriver {
    pub(crate) gate: Gate,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) unjudged: UnjudgedBytes,
    pub(crate) hook: Option<Arc<dyn MetricsHook>>,
    pub(crate) queue: Option<Arc<Queue>>,
    /// True to send events through the upstream of the host proxy, false to send them through
    /// gatepost's own connections.
    pub(crate) asks_host: bool,
}

impl fmt::Debug for CallbackDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackDriver").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl CallbackDriver {
    /// Reads a callback whose head the gate has admitted, asks the app, and writes the reply.
    pub(crate) async fn serve(
        &self,
        exchange: &mut impl Exchange,
        intake: Intake,
        started: Instant,
    ) {
        let from = intake.client();
        let arrival = CallbackArrival::new(exchange, started);
        let host = if self.asks_host { exchange.host_upstream() } else { None };
        let mut client = Client::new(exchange, (&self.gate, &self.unjudged), from, &arrival);
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
                exchange.concluded(&accepted, &conclusion);
                if CAPTURED.is_on() {
                    let end = (now, times.total);
                    let request = captured_request(exchange, end, (answer.as_ref(), clock.app));
                    capture_accepted(&request, accepted, Some(&conclusion));
                }
            }
            Driven::ClientGone(accepted) => {
                METRICS.callbacks.client_gone(&accepted);
                tracing::debug!("the client disconnected before the reply");
                exchange.close();
                if let Some(recorder) = arrival.recorder() {
                    recorder.accepted(&self.gate, exchange, &accepted, None, clock.app);
                }
                if CAPTURED.is_on() {
                    let end = ((self.clock)(), started.elapsed());
                    let request = captured_request(exchange, end, (answer.as_ref(), clock.app));
                    capture_accepted(&request, accepted, None);
                }
            }
        }
    }

    /// Counts a request of `bytes` bytes that waits for its verdict. The count ends when the
    /// caller drops the returned value.
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
            let end = ((self.clock)(), arrival.started.elapsed());
            let request = captured_request(exchange, end, (None, None));
            CAPTURED.record(CapturedCallback::refused(&request, refusal, &reply));
        }
    }
}

/// If the config names a mirror, sends the mirror a copy of the event. A resend causes no copy.
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

/// Captures an accepted callback for the operator.
#[inline(never)]
fn capture_accepted(
    request: &CapturedRequest<'_>,
    accepted: Accepted,
    conclusion: Option<&Conclusion>,
) {
    CAPTURED.record(CapturedCallback::accepted(request, accepted, conclusion));
}

/// Returns the request of a capture. `took` is the time from the arrival of the callback to `now`.
fn captured_request<'r>(
    exchange: &'r impl Exchange,
    (now, took): (Timestamp, Duration),
    (answer, app): (Option<&'r CapturedAnswer>, Option<AppCall>),
) -> CapturedRequest<'r> {
    let took_millis = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    CapturedRequest {
        at: Timestamp::from_millis(now.as_millis().saturating_sub(took_millis)),
        head: exchange.head(),
        is_encrypted: exchange.is_encrypted(),
        total: took,
        app: app.map(|app| app.took),
        answer,
    }
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

    fn limit_differs(&self, route: &str, own: LimitValues, other: LimitValues) {
        report::limit_differs(route, own, other, (self.clock)());
    }

    fn shared_again(&self, missed: u64) {
        METRICS.shared.up.set(1);
        report::shared_state_back(missed, (self.clock)());
    }

    // Both timers start at the first poll, not at the call. `drive` polls right after the call.
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Uses Pingora's shared timers. If no other timer is due earlier, a tokio timer costs a system
    /// call.
    async fn sleep_coarsely(&self, time: Duration) {
        fast_sleep(time).await;
    }

    /// Uses a thread for blocking work, because a worker thread serves many connections.
    async fn run_long<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime is stopping, and drops this future.
            Err(_) => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::inbound::pingora::GateModule;

    // The runtime has one thread. The test ends only if the work runs on another thread.
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
