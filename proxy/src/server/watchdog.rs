//! Periodic reports to systemd's watchdog. If a worker thread hangs, the reports end.

use std::time::Duration;

use pingora_runtime::current_handle;
use tokio::time::{MissedTickBehavior, interval};

use super::notification;

/// The watchdog of this process; inactive without `WatchdogSec` in the unit.
pub(super) struct Watchdog(Option<Duration>);

impl Watchdog {
    pub(super) fn new(is_successor: bool) -> Self {
        Self(notification::watchdog_interval(is_successor))
    }

    /// Starts the reports. Call this method on a worker thread of the service to watch.
    pub(super) fn start(&self) {
        if let Some(limit) = self.0 {
            tokio::spawn(report(limit / 2));
        }
    }
}

/// Starts an empty task once per `period`, and reports after a worker thread has run the task.
///
/// The runtime chooses the thread of each task. If the chosen thread hangs, the reports end.
async fn report(period: Duration) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if current_handle().spawn(async {}).await.is_ok() {
            notification::alive();
        }
    }
}
