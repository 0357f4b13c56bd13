//! Signals that the operator sends. `src/manual/service.md` lists them for the operator.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::start_error::StartError;
use crate::telemetry::log;

/// Exit status after the signal that drops the requests in flight.
const DROPPED: i32 = 1;

/// Signals that this process handles. By default, each of these signals ends a process at once.
pub(crate) struct WatchedSignals {
    /// Runtime that receives the signals. No task may block this runtime.
    pub(super) runtime: Runtime,
    pub(super) stop: StopSignals,
    pub(super) hangup: Signal,
    pub(super) user: Signal,
}

impl WatchedSignals {
    /// Watches the signals. Call this function before all other work, because the operator may send
    /// a signal as soon as this process exists. The server handles a signal as soon as the server
    /// runs.
    pub(crate) fn watch() -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(StartError::Signals)?;
        let watched = runtime.block_on(async { watch_signals() });
        let (stop, hangup, user) = watched.map_err(StartError::Signals)?;
        Ok(Self { runtime, stop, hangup, user })
    }
}

fn watch_signals() -> io::Result<(StopSignals, Signal, Signal)> {
    // With a handler but no receiver, `SIGUSR2` has no effect.
    drop(signal(SignalKind::user_defined2())?);
    let term = signal(SignalKind::terminate())?;
    let (quit, interrupt) = (signal(SignalKind::quit())?, signal(SignalKind::interrupt())?);
    let stop = StopSignals { term, quit, interrupt };
    Ok((stop, signal(SignalKind::hangup())?, signal(SignalKind::user_defined1())?))
}

/// Signals that stop the process.
pub(super) struct StopSignals {
    term: Signal,
    quit: Signal,
    interrupt: Signal,
}

impl StopSignals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.quit.recv() => "SIGQUIT",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Begins a stop at the first signal or handover. After a signal, ends the process at the
    /// next signal. After a handover, ends the process at the second signal.
    pub(super) async fn watch(mut self, stop: Stop, handed_over: Arc<Notify>) {
        let reason = tokio::select! {
            name = self.next() => name,
            () = handed_over.notified() => Stop::HANDED_OVER,
        };
        stop.begin(reason);
        if reason == Stop::HANDED_OVER {
            // Ignore one signal, because the supervisor stops both processes of an upgrade.
            self.next().await;
        }
        let name = self.next().await;
        tracing::warn!(reason = name, "stopped immediately; dropped the requests in flight");
        log::finish();
        std::process::exit(DROPPED);
    }
}

/// A stop of the proxy: its reason, and the moment at which it began.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<(OnceLock<(&'static str, Instant)>, Notify)>);

impl Stop {
    /// Reason of a stop after a successor has taken over the listeners.
    pub(super) const HANDED_OVER: &str = "upgrade";

    fn begin(&self, reason: &'static str) {
        let _only = self.0.0.set((reason, Instant::now()));
        self.0.1.notify_one();
    }

    /// Returns the reason of the stop and the moment at which it began; `None` before the stop.
    pub(super) fn begun(&self) -> Option<(&'static str, Instant)> {
        self.0.0.get().copied()
    }
}

#[async_trait]
impl ShutdownSignalWatch for Stop {
    /// Waits for the stop. In Pingora's own implementation, `SIGQUIT` starts Pingora's handover,
    /// and `SIGINT` drops the requests in flight.
    async fn recv(&self) -> ShutdownSignal {
        self.0.1.notified().await;
        ShutdownSignal::GracefulTerminate
    }
}
