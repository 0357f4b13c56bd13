//! Reloads of the config: on `SIGHUP`, and with `watch` after a change of its files.
//!
//! 1. With `watch`, gatepost compares the contents of the files every [`POLL`]. The comparison
//!    detects every change of the contents, even after a rename or the swap of a symbolic link.
//! 2. After a change, gatepost waits for [`SETTLE`], because an editor may write a file in parts.
//!    If the files have not changed again, gatepost reloads the config.
//! 3. If a reload fails, gatepost keeps the earlier config. With `watch`, gatepost tries again at
//!    each comparison, and reports successive equal errors once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatepost_editor::EditError;
use tokio::signal::unix::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::notification;
use crate::served_config::ServedConfig;
use crate::telemetry::metrics::METRICS;

/// Time between two comparisons of the files.
const POLL: Duration = Duration::from_secs(2);

/// Time for which changed files must stay the same.
const SETTLE: Duration = Duration::from_millis(500);

/// Reloads the config at each `SIGHUP`, and with `watch` after each change, until the process ends.
pub(super) async fn watch(served: Arc<ServedConfig>, mut hangup: Signal) {
    let mut reloader = Reloader { served, reported: None };
    let mut poll = interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            signal = hangup.recv() => match signal {
                Some(()) => reloader.on_signal().await,
                None => return,
            },
            _ = poll.tick() => reloader.compare().await,
        }
    }
}

struct Reloader {
    served: Arc<ServedConfig>,
    /// Error of the last reported reload. `None` after a successful reload, and after the operator
    /// has undone the faulty change.
    reported: Option<String>,
}

/// Returns the code of the first fault that has one. If no fault has a code, returns the code of
/// the error.
fn code_of(error: &EditError) -> &'static str {
    error.faults().iter().find_map(|fault| fault.code).unwrap_or_else(|| error.kind().as_str())
}

impl Reloader {
    async fn on_signal(&mut self) {
        notification::reloading();
        let served = Arc::clone(&self.served);
        // Use a blocking thread, because a reload reads files.
        let Ok(result) = spawn_blocking(move || served.reload()).await else { return };
        self.reported = self.report("SIGHUP", result);
    }

    async fn compare(&mut self) {
        if !self.served.gate().proxy_settings().watch {
            return;
        }
        let served = Arc::clone(&self.served);
        let look = move || {
            let (loaded, now) = (served.watched_files(), served.watched_files().look());
            loaded.difference(&now).is_some().then_some(now)
        };
        let Ok(seen) = spawn_blocking(look).await else { return };
        let Some(seen) = seen else {
            if self.reported.take().is_some() {
                self.served.fault_undone();
                tracing::info!("the files of the config equal the served config again");
            }
            return;
        };
        sleep(SETTLE).await;
        let served = Arc::clone(&self.served);
        let reload = spawn_blocking(move || served.reload_if_changed(&seen));
        if let Ok(Some((path, result))) = reload.await {
            self.report_change(&path, result);
        }
    }

    fn report_change(&mut self, path: &Path, result: Result<(), EditError>) {
        let error = result.as_ref().err().map(ToString::to_string);
        if error.is_some() && error == self.reported {
            return;
        }
        notification::reloading();
        self.reported = self.report(&format!("change of {}", path.display()), result);
    }

    /// Reports the result of a reload, and returns its error.
    fn report(&self, cause: &str, result: Result<(), EditError>) -> Option<String> {
        METRICS.config.reloaded(result.is_ok());
        let status = self.served.status();
        let code = result.as_ref().err().map(code_of);
        let error = result.err().map(|error| error.to_string());
        let (file, fingerprint) = (status.file.display(), &*status.fingerprint);
        let generation = status.generation;
        match &error {
            None => tracing::info!(
                cause,
                fingerprint,
                generation,
                routes = status.routes,
                templates = status.templates,
                "{file}: reloaded the config"
            ),
            Some(error) => {
                tracing::error!(
                    cause,
                    code,
                    fingerprint,
                    generation,
                    "kept the earlier config: {error}"
                );
            }
        }
        notification::reloaded(&status, error.as_deref());
        error
    }
}
