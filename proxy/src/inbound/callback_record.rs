//! Records of a callback: its times for the metrics, its line of the access log, and its spans.

use std::time::{Duration, Instant};

use gatepost::{Accepted, Conclusion, Gate, Origin, Refusal, Reply};

use super::exchange::Exchange;
use crate::telemetry::access_log::{self, AccessLog, LoggedCallback, LoggedRequest};
use crate::telemetry::metrics::Times;
use crate::telemetry::traces::{self, AppCall, CallbackTrace};

/// Arrival of a callback.
#[derive(Debug)]
pub(super) struct CallbackArrival {
    pub(super) started: Instant,
    /// Random bytes for a new trace.
    pub(super) random: [u8; 24],
    /// Trace of the callback; `None` if gatepost sends no span for this callback.
    pub(super) trace: Option<CallbackTrace>,
}

impl CallbackArrival {
    pub(super) fn new(exchange: &impl Exchange, started: Instant) -> Self {
        let mut random = [0; 24];
        fastrand::fill(&mut random);
        let trace = traces::begin(exchange.head().headers(), random);
        Self { started, random, trace }
    }

    /// Returns the recorder of the callback; `None` if gatepost writes neither a line of the access
    /// log nor a span for this callback.
    pub(super) fn recorder(&self) -> Option<CallbackRecorder<'_>> {
        let log = access_log::sampled();
        (log.is_some() || self.trace.is_some()).then_some(CallbackRecorder { arrival: self, log })
    }
}

/// Times that the client's side and the app's side of a callback have measured.
#[derive(Debug)]
pub(super) struct CallbackClock {
    /// Time for which gatepost waited for the body.
    pub(super) body: Duration,
    /// Times and status of the request to the app; `None` if gatepost did not ask the app.
    pub(super) app: Option<AppCall>,
}

impl CallbackClock {
    pub(super) fn times(&self, started: Instant, conclusion: &Conclusion) -> Times {
        let (total, app) = (started.elapsed(), self.app.map(|app| app.took));
        let waits = self.body + app.unwrap_or_default();
        let never_asks =
            matches!(conclusion.origin, Origin::Challenge | Origin::Fixed | Origin::Unlisted);
        let gate = (app.is_some() || never_asks).then(|| total.saturating_sub(waits));
        Times { total, app, gate }
    }
}

/// Writer of the access-log line and the spans of a callback.
#[derive(Debug)]
pub(super) struct CallbackRecorder<'a> {
    arrival: &'a CallbackArrival,
    log: Option<&'static AccessLog>,
}

impl CallbackRecorder<'_> {
    #[cold]
    pub(super) fn refused(
        &self,
        gate: &Gate,
        exchange: &impl Exchange,
        refusal: &Refusal,
        reply: &Reply,
    ) {
        self.record(gate, exchange, Some(reply), 0, LoggedCallback::refused(refusal), None);
    }

    /// Records an accepted callback; `conclusion` is `None` if the client has disconnected before
    /// the reply.
    #[cold]
    pub(super) fn accepted(
        &self,
        gate: &Gate,
        exchange: &impl Exchange,
        accepted: &Accepted,
        conclusion: Option<&Conclusion>,
        app: Option<AppCall>,
    ) {
        let callback = LoggedCallback::accepted(accepted, conclusion, app.map(|app| app.took));
        let reply = conclusion.map(|conclusion| &conclusion.reply);
        self.record(gate, exchange, reply, accepted.raw().len(), callback, app);
    }

    fn record(
        &self,
        gate: &Gate,
        exchange: &impl Exchange,
        reply: Option<&Reply>,
        received: usize,
        callback: LoggedCallback<'_>,
        app: Option<AppCall>,
    ) {
        let (head, started) = (exchange.head(), self.arrival.started);
        let request = LoggedRequest {
            from: callback.client,
            method: head.method().as_str(),
            path: &gate.printable_path(head.uri().path()),
            status: reply.map(|reply| reply.status().as_u16()),
            elapsed: started.elapsed(),
            received_bytes: received as u64,
            sent_bytes: reply.map_or(0, |reply| reply.body().len() as u64),
        };
        if let Some(trace) = &self.arrival.trace {
            trace.end(started, &request, &callback, app);
        }
        if let Some(log) = self.log {
            log.write(&request, Some(callback));
        }
    }
}
