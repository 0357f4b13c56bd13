//! The outcome of a request to a route in shadow mode: the verdict on the request, combined with
//! the app's answer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};

use super::prediction::{Prediction, VendorHeaders};
use super::{Outcome, Shadowed};
use crate::reply::{Answer, MAX_ANSWER_BYTES};
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// Function that receives the prediction.
pub(super) type OnPrediction = Box<dyn FnOnce(&Prediction) + Send + Sync>;

/// A request to a route in shadow mode, and the app's answer to this request. The prediction needs
/// both, and either may be the first to end.
pub(super) struct ShadowExchange {
    pub(super) route: Arc<str>,
    pub(super) headers: VendorHeaders,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    accepted: Option<Accepted>,
    answer: Option<Ended>,
    /// `None` after the prediction, and after a verdict other than accepted.
    on_prediction: Option<OnPrediction>,
}

/// The end of an answer.
enum Ended {
    /// The answer, and the time of its end.
    Seen(Answer, Timestamp),
    /// The server did not pass the whole answer to the observer.
    Unseen,
}

impl ShadowExchange {
    pub(super) fn new(
        route: Arc<str>,
        headers: VendorHeaders,
        on_prediction: OnPrediction,
    ) -> Arc<Self> {
        let state = State { on_prediction: Some(on_prediction), ..State::default() };
        Arc::new(Self { route, headers, state: Mutex::new(state) })
    }

    /// Records the verdict. Only the answer to a genuine callback has a prediction.
    pub(super) fn judged(&self, shadowed: &Shadowed) {
        let mut state = self.state();
        match shadowed.outcome() {
            Outcome::Accepted(accepted) => state.accepted = Some(accepted.clone()),
            Outcome::Refused(_) | Outcome::Unseen => *state = State::default(),
        }
        self.predict(state);
    }

    fn answered(&self, answer: Ended) {
        let mut state = self.state();
        state.answer = Some(answer);
        self.predict(state);
    }

    /// Returns true if no prediction needs the answer.
    fn is_over(&self) -> bool {
        self.state().on_prediction.is_none()
    }

    fn predict(&self, mut state: MutexGuard<'_, State>) {
        if state.accepted.is_none() || state.answer.is_none() {
            return;
        }
        let State { accepted, answer, on_prediction } = std::mem::take(&mut *state);
        drop(state);
        let (Some(accepted), Some(answer), Some(act)) = (accepted, answer, on_prediction) else {
            return;
        };
        let route = Arc::clone(&self.route);
        act(&match answer {
            Ended::Seen(answer, now) => Prediction::of(accepted, route, &self.headers, answer, now),
            Ended::Unseen => Prediction::unseen(accepted, route),
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Ignore poisoning, because each change of the state is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Observer of the app's answer to a request on a route in shadow mode.
///
/// The observer copies a body of at most [`MAX_ANSWER_BYTES`]. It copies nothing for a request
/// whose outcome is already a refusal or `unseen` at the arrival of the answer's head. If a server
/// drops an observer before the end of the answer, the effect of the prediction is
/// [`Effect::Unseen`](super::Effect::Unseen).
/// [`Shadow::observe_exchange`](super::Shadow::observe_exchange) has an example.
pub struct AnswerObserver {
    /// `None` after the end of the observation.
    exchange: Option<Arc<ShadowExchange>>,
    head: Option<(StatusCode, HeaderMap)>,
    /// `None` if the body is too long.
    body: Option<Vec<u8>>,
}

/// `Debug` omits the answer, because an error page may repeat the callback.
impl fmt::Debug for AnswerObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_pending = self.exchange.is_some();
        f.debug_struct("AnswerObserver").field("is_pending", &is_pending).finish_non_exhaustive()
    }
}

impl AnswerObserver {
    pub(super) fn new(exchange: Arc<ShadowExchange>) -> Self {
        Self { exchange: Some(exchange), head: None, body: Some(Vec::new()) }
    }

    /// Records the head of the answer. Call this method for the final answer only, not for an
    /// interim response such as `103 Early Hints`.
    pub fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        let Some(exchange) = &self.exchange else { return };
        if exchange.is_over() {
            self.exchange = None;
            return;
        }
        // Do not collect a body that is too long for a prediction.
        let length =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > MAX_ANSWER_BYTES) {
            self.body = None;
        }
        self.head = Some((status, headers.clone()));
    }

    /// Copies the next chunk of the answer's body.
    pub fn push(&mut self, chunk: &[u8]) {
        let Some(body) = self.body.as_mut().filter(|_| self.exchange.is_some()) else { return };
        if chunk.len() > MAX_ANSWER_BYTES - body.len() {
            self.body = None;
        } else {
            body.extend_from_slice(chunk);
        }
    }

    /// Returns true if the head of the answer has arrived.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.head.is_some()
    }

    /// Returns the memory that the body of the answer occupies so far, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, Vec::capacity)
    }

    /// Ends the observation: the answer is complete at the time `now`. Later calls do nothing.
    pub fn finish(&mut self, now: Timestamp) {
        let Some((status, headers)) = self.head.take() else { return };
        let body = self.body.take().map(Bytes::from);
        self.end(Ended::Seen(Answer::Response { status, headers, body }, now));
    }

    /// Ends the observation: the app's answer is incomplete or missing. `answer` contains the
    /// reason. Later calls do nothing.
    pub fn fail(&mut self, answer: Answer, now: Timestamp) {
        self.end(Ended::Seen(answer, now));
    }

    fn end(&mut self, answer: Ended) {
        if let Some(exchange) = self.exchange.take() {
            exchange.answered(answer);
        }
    }
}

impl Drop for AnswerObserver {
    fn drop(&mut self) {
        self.end(Ended::Unseen);
    }
}
