//! Stop of the process after the requests and deliveries in flight.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pingora::server::{ExecutionPhase, Server};

use super::listener_handover::OfferedSockets;
use super::notification;
use super::signals::Stop;
use crate::inbound::IDLE_GRACE;
use crate::queue::Queue;
use crate::telemetry::metrics::METRICS;
use crate::telemetry::{access_log, log, traces};

/// Settings and state for a later stop.
pub(super) struct Stopping {
    /// Longest wait for the requests and deliveries in flight.
    pub(super) limit: Duration,
    pub(super) stop: Stop,
    pub(super) started: Instant,
    pub(super) queue: Option<Arc<Queue>>,
}

/// Starts a thread that ends the process after a stop signal or a handover. The thread waits until
/// no request and no delivery is in flight, for at most `limit`. Without this thread, Pingora waits
/// for the whole grace period.
pub(super) fn watch_stop(server: &Server, offer: OfferedSockets, stopping: Stopping) {
    let Stopping { limit, stop, started, queue } = stopping;
    const TICK: Duration = Duration::from_millis(20);
    let mut phases = server.watch_execution_phase();
    std::thread::spawn(move || {
        while let Ok(phase) = phases.blocking_recv() {
            if matches!(phase, ExecutionPhase::ShutdownGracePeriod) {
                break;
            }
        }
        offer.withdraw();
        queue.iter().for_each(|queue| queue.stop());
        let (reason, begun) = stop.begun().unwrap_or(("unknown", Instant::now()));
        let in_flight = METRICS.requests.in_flight.get();
        tracing::info!(code = "stopping", reason, in_flight, "stopping");
        if reason != Stop::HANDED_OVER {
            notification::stopping();
        }
        let deadline = Instant::now() + limit;
        std::thread::sleep(IDLE_GRACE.min(limit));
        let mut quiet = 0;
        // Check twice: gatepost may have read a request that the metric does not count yet.
        while quiet < 2 && Instant::now() < deadline {
            std::thread::sleep(TICK);
            let in_flight = METRICS.requests.in_flight.get() + METRICS.queue.in_flight.get();
            quiet = if in_flight == 0 { quiet + 1 } else { 0 };
        }
        access_log::finish();
        traces::finish();
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let uptime = started.elapsed().as_secs();
        let dropped = METRICS.requests.in_flight.get();
        tracing::info!(
            code = "stopped",
            reason,
            took_ms = took,
            uptime_secs = uptime,
            dropped,
            "stopped"
        );
        log::finish();
        std::process::exit(0);
    });
}
