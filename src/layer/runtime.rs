//! Implements the trait `Runtime` of [`drive`](crate::drive) for tokio.

use std::future::{Future, pending};
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::GateLayer;
use crate::delivery::Runtime;
use crate::report;
use crate::time::Timestamp;

/// The layer's clock and tokio's timer.
pub(super) struct TokioRuntime(pub(super) Arc<GateLayer>);

impl Runtime for TokioRuntime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Without a tokio timer, logs the reason and completes at once, because gatepost must not wait
    /// without a time limit. gatepost then applies the failure policy.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        let deadline = Instant::now() + time;
        async move {
            match catch_unwind(|| sleep_until(deadline)) {
                Ok(timer) => timer.await,
                Err(_) => report::timer_missing(self.now()),
            }
        }
    }

    /// Uses a thread for blocking work. Without a tokio runtime, runs the work at once.
    async fn run_long<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let Ok(runtime) = Handle::try_current() else { return work() };
        match runtime.spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime stops, and drops this future.
            Err(_) => pending().await,
        }
    }
}
