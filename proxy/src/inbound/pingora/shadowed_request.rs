//! A request on a route in shadow mode: its observers, and their memory.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use bytes::Bytes;
use gatepost::{Answer, AnswerObserver, Observer, Timestamp};
use http::StatusCode;
use pingora::ErrorSource;
use pingora::http::ResponseHeader;
use pingora::prelude::{Error, Session};

use crate::inbound::callback_driver::CallbackDriver;
use crate::inbound::unjudged::HeldBytes;
use crate::inbound::upstream_fault::upstream_fault;

/// A request on a route in shadow mode, stored in the extensions of its head.
#[derive(Clone)]
pub(super) struct ShadowedRequest(Arc<Parts>);

struct Parts {
    route: Arc<str>,
    client: Option<IpAddr>,
    observers: Arc<Observers>,
    /// Counted bytes of the observer that has last received a chunk; `None` if this observer holds
    /// no bytes.
    held: Mutex<Option<HeldBytes>>,
}

impl ShadowedRequest {
    pub(super) fn new(route: Arc<str>, (request, answer): (Observer, AnswerObserver)) -> Self {
        let client = request.client();
        let (request, answer) = (Mutex::new(Some(request)), Mutex::new(Some(answer)));
        let observers = Arc::new(Observers { request, answer });
        Self(Arc::new(Parts { route, client, observers, held: Mutex::default() }))
    }

    /// Returns the request in shadow mode; `None` for any other request.
    pub(super) fn of(session: &Session) -> Option<&Self> {
        session.req_header().extensions.get()
    }

    /// Returns the path and the query parameters of the route, as written in the config.
    pub(super) fn route(&self) -> &str {
        &self.0.route
    }

    /// Passes a chunk of the request to its observer. At the end of a large body, spawns a task
    /// that judges the body.
    pub(super) fn observe_request(&self, driver: &CallbackDriver, body: Option<&Bytes>, end: bool) {
        let bytes = {
            let mut observer = lock(&self.0.observers.request);
            let Some(observer) = observer.as_mut() else { return };
            if let Some(chunk) = body.filter(|chunk| !chunk.is_empty()) {
                observer.push(chunk.clone());
            }
            if end && let Some(judgement) = judgement(observer, driver.clone()) {
                drop(tokio::spawn(judgement));
            }
            observer.held_bytes()
        };
        self.hold(driver, if end { 0 } else { bytes });
    }

    /// Passes the final head of the answer to its observer.
    pub(super) fn observe_head(&self, answer: &ResponseHeader) {
        let is_final =
            !answer.status.is_informational() || answer.status == StatusCode::SWITCHING_PROTOCOLS;
        if is_final && let Some(observer) = lock(&self.0.observers.answer).as_mut() {
            observer.head(answer.status, &answer.headers);
        }
    }

    /// Passes a chunk of the answer to its observer.
    pub(super) fn observe_answer(&self, driver: &CallbackDriver, body: Option<&Bytes>, end: bool) {
        let bytes = {
            let mut observer = lock(&self.0.observers.answer);
            let Some(observer) = observer.as_mut() else { return };
            if let Some(chunk) = body {
                observer.push(chunk);
            }
            if end {
                observer.finish((driver.clock)());
            }
            observer.held_bytes()
        };
        self.hold(driver, if end { 0 } else { bytes });
    }

    /// Ends the observation of the answer. For an answer without a body, no other method
    /// ends the observation.
    pub(super) fn end(&self, error: Option<&Error>, now: Timestamp) {
        let Some(mut observer) = lock(&self.0.observers.answer).take() else { return };
        match error {
            None => observer.finish(now),
            // The client did not wait for the answer.
            Some(error) if *error.esource() == ErrorSource::Downstream => {}
            Some(error) => {
                let answer = failed_answer(error, observer.has_begun());
                observer.fail(answer, now);
            }
        }
    }

    /// Counts the bytes that an observer holds. If the bytes exceed a bound, gatepost ends the
    /// observation. The request still passes to the upstream.
    ///
    /// The caller must not hold the lock of an observer, because this method may drop both
    /// observers.
    fn hold(&self, driver: &CallbackDriver, bytes: usize) {
        let mut held = lock(&self.0.held);
        match &*held {
            _ if bytes == 0 => *held = None,
            Some(held) => held.set(bytes),
            None => {
                let new = driver.hold(self.0.client, bytes);
                new.wake_at_close(Arc::clone(&self.0.observers).into());
                *held = Some(new);
            }
        }
    }
}

/// Returns a future that judges a large body. The bytes of the body count while the judgement
/// waits.
fn judgement(
    observer: &mut Observer,
    driver: CallbackDriver,
) -> Option<impl Future<Output = ()> + Send + use<>> {
    let (client, bytes, holder) = (observer.client(), observer.held_bytes(), driver.clone());
    let evicted = async move { holder.hold(client, bytes).closed().await };
    observer.finish_in(driver, evicted)
}

fn failed_answer(error: &Error, has_begun: bool) -> Answer {
    let reason = error.etype().as_str().to_owned();
    match upstream_fault(error, has_begun) {
        Some(fault) => Answer::Unreadable(fault, reason),
        None => Answer::Unreachable(reason),
    }
}

/// The observers of a request and of its answer; `None` after the end of an observation. To end an
/// observation, gatepost wakes this value, which then drops both observers. gatepost does not wake
/// the request, because the request may wait for its client.
struct Observers {
    request: Mutex<Option<Observer>>,
    answer: Mutex<Option<AnswerObserver>>,
}

impl Wake for Observers {
    fn wake(self: Arc<Self>) {
        let observers = (lock(&self.request).take(), lock(&self.answer).take());
        drop(observers);
    }
}

/// Locks a mutex. Ignores poisoning, because the observers do not panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
