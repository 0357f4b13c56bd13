//! The scenario that gatepost plays for the operator, or the last scenario that it played.
//!
//! 1. gatepost plays one scenario at a time. A playback does not need the operator's browser. A
//!    playback ends after its last callback, and after a stop by the operator. A playback also ends
//!    after a callback that gatepost cannot send, and after a callback without a reply.
//! 2. gatepost sends each callback only to its own listener.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Gate, Timestamp};
use http::Request;
use serde::Serialize;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::super::own_listener;
use crate::clock;
use crate::scenario::{Due, Scenario, Speed, schedule};
use crate::served_config::ServedConfig;

/// The current or the last playback.
#[derive(Default)]
pub(in super::super) struct Playbacks(Mutex<Option<Arc<Playback>>>);

/// Route and template whose callbacks a scenario sends.
#[derive(Clone, Debug)]
pub(super) struct ScenarioTarget {
    pub(super) route: String,
    pub(super) template: String,
}

/// The target and the callbacks of a scenario, and the replies so far.
pub(super) struct Playback {
    pub(super) target: ScenarioTarget,
    pub(super) planned: Vec<PlannedCallback>,
    progress: Mutex<Progress>,
}

/// A planned callback of a scenario.
pub(super) struct PlannedCallback {
    /// Time from the start of the scenario.
    pub(super) at: Duration,
    pub(super) stream: String,
    pub(super) kind: String,
}

/// State of a playback, and the replies so far in the order of the planned callbacks.
#[derive(Clone)]
pub(super) struct Progress {
    pub(super) state: PlaybackState,
    pub(super) sent: Vec<SentCallback>,
    task: Option<AbortHandle>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlaybackState {
    Playing,
    Ended,
    Stopped,
    Failed,
}

impl PlaybackState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Playing => "playing",
            Self::Ended => "ended",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// The result of sending a planned callback.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SentCallback {
    /// Status of the reply, or the reason why there is no reply.
    pub(super) reply: String,
    /// True if the reply has the status that the scenario expects.
    pub(super) is_expected: bool,
    /// Number of the captured callback; `None` if gatepost did not capture the callback.
    pub(super) id: Option<u64>,
}

impl Playbacks {
    /// Returns the current or the last playback.
    pub(super) fn last(&self) -> Option<Arc<Playback>> {
        lock(&self.0).clone()
    }

    /// Starts a playback. If another scenario still plays, starts none and returns false.
    pub(super) fn start(
        &self,
        served: &Arc<ServedConfig>,
        scenario: Scenario,
        target: ScenarioTarget,
        speed: Speed,
    ) -> bool {
        let mut last = lock(&self.0);
        if last.as_ref().is_some_and(|last| last.progress().state == PlaybackState::Playing) {
            return false;
        }
        let playback = Arc::new(Playback::new(&scenario, target));
        let task = play(Arc::clone(served), Arc::clone(&playback), scenario, speed);
        let task = tokio::spawn(task).abort_handle();
        lock(&playback.progress).task = Some(task);
        *last = Some(playback);
        true
    }
}

impl Playback {
    fn new(scenario: &Scenario, target: ScenarioTarget) -> Self {
        let planned = schedule(scenario).into_iter().map(|due| PlannedCallback {
            at: due.at,
            stream: due.stream.name.clone(),
            kind: due.step.kind.clone(),
        });
        let progress = Progress { state: PlaybackState::Playing, sent: Vec::new(), task: None };
        Self { target, planned: planned.collect(), progress: Mutex::new(progress) }
    }

    pub(super) fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    pub(super) fn stop(&self) {
        self.end(PlaybackState::Stopped);
        if let Some(task) = &lock(&self.progress).task {
            task.abort();
        }
    }

    /// Ends the playback. If the playback has already ended, does nothing.
    fn end(&self, state: PlaybackState) {
        let mut progress = lock(&self.progress);
        if progress.state == PlaybackState::Playing {
            progress.state = state;
        }
    }
}

async fn play(
    served: Arc<ServedConfig>,
    playback: Arc<Playback>,
    scenario: Scenario,
    speed: Speed,
) {
    let (start, started) = (clock::now(), Instant::now());
    let mut wait = own_listener::CAPTURE_WAIT;
    for due in &schedule(&scenario) {
        speed.wait(started, due.at).await;
        let callback = playback.target.callback(served.gate(), &scenario, due, start);
        let sent = match callback {
            Ok(callback) => send(callback, due, wait).await,
            Err(problem) => Err(problem),
        };
        let mut progress = lock(&playback.progress);
        match sent {
            Ok(sent) => {
                if sent.id.is_none() {
                    // gatepost did not capture this callback in time, so do not wait for the
                    // capture of later callbacks.
                    wait = Duration::ZERO;
                }
                progress.sent.push(sent);
            }
            Err(reply) => {
                progress.sent.push(SentCallback { reply, is_expected: false, id: None });
                drop(progress);
                return playback.end(PlaybackState::Failed);
            }
        }
    }
    playback.end(PlaybackState::Ended);
}

async fn send(
    callback: Request<Bytes>,
    due: &Due<'_>,
    wait: Duration,
) -> Result<SentCallback, String> {
    let received = own_listener::send(callback, wait).await;
    let (head, _) = received.reply.map_err(|error| error.to_string())?;
    let is_expected = due.step.is_expected(head.status);
    Ok(SentCallback { reply: head.status.as_u16().to_string(), is_expected, id: received.id })
}

impl ScenarioTarget {
    /// Builds a callback, and signs it with the current time. `start` is the time at which the
    /// scenario started.
    pub(super) fn callback(
        &self,
        gate: &Gate,
        scenario: &Scenario,
        due: &Due<'_>,
        start: Timestamp,
    ) -> Result<Request<Bytes>, String> {
        let Self { route, template } = self;
        let (stream, kind) = (&due.stream.name, &due.step.kind);
        let source = gate.template_sample(route, template, kind).ok_or_else(|| {
            format!(
                "stream {stream}: expected a kind of {template} on {route}, found {kind}; choose one \
                 from the Send page"
            )
        })?;
        let url = source.url(&own_listener::address(&gate.proxy_settings())?);
        let url =
            url.ok_or("expected a path that is valid in a URL, found another; correct the route")?;
        let mut sample = source.sample();
        let at_place = |error: gatepost::SampleError| format!("stream {stream}, {kind}: {error}");
        for (field, value) in due.fields(&scenario.fields, start.as_secs()) {
            sample.set(&field, &value).map_err(at_place)?;
        }
        source.sign(sample, clock::now()).request(&url).map_err(at_place)
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
