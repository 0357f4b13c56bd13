//! Notifications for systemd, and for other supervisors that set `NOTIFY_SOCKET`.
//!
//! | moment | sent |
//! |---|---|
//! | the proxy begins to serve | `READY=1`, `STATUS`; after `--upgrade` also `MAINPID` |
//! | a reload begins | `RELOADING=1`, `MONOTONIC_USEC` |
//! | a reload ends, with or without a fault | `READY=1`, `STATUS` |
//! | a stop begins, except after a handover | `STOPPING=1`, `STATUS` |
//! | a worker thread has run the watchdog's task, twice per `WATCHDOG_USEC` | `WATCHDOG=1` |
//!
//! After a handover, the predecessor does not report its stop, because the successor is the main
//! process.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::platform::counted;
use crate::served_config::ConfigStatus;

/// Reports that the proxy serves. If `is_successor` is true, names this process as the new main
/// process.
pub(super) fn ready(status: &ConfigStatus, is_successor: bool) {
    let status = serving(status);
    let pid = is_successor.then(|| NotifyState::MainPid(std::process::id()));
    let states = [NotifyState::Ready, NotifyState::Status(&status)];
    send(&pid.into_iter().chain(states).collect::<Vec<_>>());
}

/// Reports that a reload begins.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(_) => send(&[NotifyState::Reloading]),
    }
}

/// Reports that a reload has ended, with `fault` if gatepost has kept the earlier config.
pub(super) fn reloaded(status: &ConfigStatus, fault: Option<&str>) {
    let serving = serving(status);
    let status = match fault {
        // A status is one line.
        Some(fault) => {
            let fault = fault.lines().next().unwrap_or_default();
            format!("{serving}; the last reload failed: {fault}")
        }
        None => serving,
    };
    send(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Reports that the proxy stops.
pub(super) fn stopping() {
    send(&[NotifyState::Stopping, NotifyState::Status("finishing the requests in flight")]);
}

/// Reports to the watchdog that a worker thread has run a task.
pub(super) fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// Returns the time after which systemd restarts a process that does not report; `None` without a
/// watchdog.
///
/// A successor inherits `WATCHDOG_PID` from the process that it replaces, so a successor does not
/// compare this number with its own process id.
pub(super) fn watchdog_interval(is_successor: bool) -> Option<Duration> {
    if !is_successor {
        return sd_notify::watchdog_enabled();
    }
    let micros = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    Some(Duration::from_micros(micros))
}

fn serving(status: &ConfigStatus) -> String {
    let ConfigStatus { routes, templates, fingerprint, generation, .. } = status;
    let (routes, templates) = (counted(*routes, "route"), counted(*templates, "template"));
    format!("serving {routes}, {templates}; config {fingerprint}, generation {generation}")
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(
            "expected a supervisor at NOTIFY_SOCKET, found an error: {error}; check the service unit"
        );
    }
}
