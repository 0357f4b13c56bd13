//! Implements the trait `Runtime` of [`drive`](crate::drive) for tokio.

use std::future::{Future, pending};
use std::panic::{catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::gate_layer::GateLayer;
use crate::delivery::Runtime;
use crate::limit::LimitValues;
use crate::memory::store::{SharedState, SharedUse, StoreError};
use crate::report;
use crate::time::Timestamp;

/// The layer's clock and tokio's timer.
pub(super) struct TokioRuntime(pub(super) Arc<GateLayer>);

impl Runtime for TokioRuntime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Completes after `time`. If the current thread has no tokio timer, logs this fault and
    /// completes at once, because gatepost must not wait without a time limit. `drive` then acts as
    /// after a time-out.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        let deadline = Instant::now() + time;
        async move {
            let Ok(timer) = catch_unwind(|| sleep_until(deadline)) else {
                return report::timer_missing(self.now());
            };
            pin!(timer).await;
        }
    }

    fn shared_state(&self) -> Option<&dyn SharedState> {
        self.0.shared.as_deref()
    }

    fn unshared(&self, of: SharedUse, outage: Option<&StoreError>) {
        if let Some(reason) = outage {
            report::shared_state_lost(reason, self.now());
        }
        if let Some(hook) = &self.0.hook {
            hook.unshared(of);
        }
    }

    fn limit_differs(&self, route: &str, own: LimitValues, other: LimitValues) {
        report::limit_differs(route, own, other, self.now());
    }

    fn shared_again(&self, missed: u64) {
        report::shared_state_back(missed, self.now());
    }

    /// Runs the work on a tokio thread for blocking work. Without a tokio runtime, runs the work at
    /// once on the current thread.
    async fn run_long<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let Ok(runtime) = Handle::try_current() else { return work() };
        match runtime.spawn_blocking(work).await {
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
    use crate::gate::Gate;

    fn runtime() -> TokioRuntime {
        let config = "[[route]]\npath = '/hook'\nprovider = 'kollus'\n\
                      [[template]]\nname = 'a'\nprovider = 'kollus'\nbind = '*'";
        TokioRuntime(Arc::new(GateLayer::new(Gate::builder().toml(config).build().unwrap())))
    }

    // The runtime has one thread. Work on this thread waits forever for the other task.
    #[tokio::test]
    async fn other_tasks_run_during_long_work() {
        let (sender, receiver) = mpsc::channel();
        let work = runtime();
        let work = work.run_long(move || receiver.recv());
        let (received, sent) = tokio::join!(work, async move { sender.send(17) });
        assert_eq!((received, sent), (Ok(17), Ok(())));
    }

    #[test]
    fn long_work_needs_no_tokio_runtime() {
        use std::pin::pin;
        use std::task::{Context, Poll, Waker};

        let runtime = runtime();
        let work = pin!(runtime.run_long(|| 17));
        assert_eq!(work.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(17));
    }
}
