//! The apps that receive queued events.

use std::sync::Arc;
use std::time::Duration;

use gatepost::{Answer, Asked, Attempt, Claimed, Gate, Lane, QueuedApp, Timestamp};
use http::Method;

use crate::app::{self, EventMessage, Target};
use crate::clock;

/// The apps of a dispatcher, and its clock.
pub(super) trait Apps: Send + Sync + 'static {
    /// Returns the app of a lane, or the reason why the lane has no app.
    fn app(&self, lane: &Lane) -> Result<QueuedApp, String>;

    /// Sends an event, and returns the app's answer.
    fn ask(
        &self,
        app: &QueuedApp,
        claimed: &Claimed,
        limit: Duration,
    ) -> impl Future<Output = Answer> + Send;

    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The apps of the config that gatepost serves.
pub(super) struct ConfiguredApps(pub(super) Gate);

impl Apps for ConfiguredApps {
    fn app(&self, lane: &Lane) -> Result<QueuedApp, String> {
        self.0.queued_app(lane)
    }

    /// Sends the event. If the app has closed an idle connection, sends the event again on a new
    /// connection.
    async fn ask(&self, app: &QueuedApp, claimed: &Claimed, limit: Duration) -> Answer {
        for attempt in [Attempt::First, Attempt::NewConnection] {
            let (headers, body) = app.request(claimed, clock::now());
            let target = Target { addresses: Arc::clone(app.addresses()), path: None };
            let message = EventMessage {
                method: Method::POST,
                headers,
                body,
                keeps_host: app.keeps_host(),
                is_repeatable: true,
            };
            if let Asked::Answered(answer) = app::ask(target, message, attempt, limit).await {
                return answer;
            }
        }
        Answer::Unreachable(
            "expected an answer, found a closed connection; read the app's log".into(),
        )
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}
