//! The app's side of a callback: the address for the event, and the app's answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatepost::{Answer, AppSide, Asked, Attempt, EventRequest, Gate, Question};

use super::host_upstream::{EventTarget, HostUpstream};
use crate::app::{self, EventMessage, Target};
use crate::capture::{CAPTURED, CapturedAnswer};
use crate::telemetry::traces::AppCall;

/// The app's side of a callback.
pub(super) struct App<'s> {
    gate: &'s Gate,
    /// Upstream of the host proxy; `None` if gatepost itself connects to the app.
    host: Option<HostUpstream>,
    /// Time of the first attempt; `None` if gatepost has not asked the app.
    asked: Option<Instant>,
    /// Time from the start of the first attempt to the end of the last attempt; `None` until an
    /// attempt has ended.
    took: Option<Duration>,
    /// Status of the answer; `None` if there is no answer.
    status: Option<u16>,
    /// The answer that gatepost captures with the callback, or the reason why there is no answer;
    /// `None` before the result of an attempt, and if gatepost captures no callbacks.
    pub(super) answer: Option<CapturedAnswer>,
}

impl<'s> App<'s> {
    /// Returns the app's side of a callback before the first attempt.
    pub(super) const fn new(gate: &'s Gate, host: Option<HostUpstream>) -> Self {
        Self { gate, host, asked: None, took: None, status: None, answer: None }
    }

    /// Returns the start and the duration of the request to the app, and the status of the answer;
    /// `None` if gatepost has not asked the app.
    pub(super) fn call(&self) -> Option<AppCall> {
        let asked = self.asked?;
        let took = self.took.unwrap_or_else(|| asked.elapsed());
        Some(AppCall { asked, took, status: self.status })
    }
}

impl<'s> AppSide for App<'s> {
    fn ask<'a>(
        &'a mut self,
        question: &Question,
        event: EventRequest<'_>,
        attempt: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a, 's> {
        let host_target = self
            .host
            .is_some()
            .then(|| Box::new(EventTarget::new(question, event.callback_path())));
        let target = match question.addresses() {
            Some(addresses) => Some(Target { addresses: Arc::clone(addresses), path: None }),
            None => {
                let servers = question.servers().cloned().or_else(|| self.gate.upstream());
                let path = event.callback_path().cloned();
                servers.map(|addresses| Target { addresses, path })
            }
        };
        let limit = question.timeout();
        let (keeps_host, is_repeatable) = (question.keeps_host(), question.is_repeatable());
        let method = event.method().clone();
        let (headers, body) = event.into_parts();
        let asked = *self.asked.get_or_insert_with(Instant::now);
        async move {
            let message = EventMessage { method, headers, body, keeps_host, is_repeatable };
            let answer = match (&self.host, host_target, target) {
                (Some(host), Some(target), _) => {
                    Asked::Answered(Box::pin(host.ask(*target, message)).await)
                }
                (_, _, Some(target)) => app::ask(target, message, attempt, limit).await,
                (_, _, None) => {
                    let why = "expected an address in the template or in `upstream`, found neither; set one of them";
                    return Asked::Answered(Answer::Unreachable(why.into()));
                }
            };
            self.took = Some(asked.elapsed());
            self.status = status_of(&answer);
            if CAPTURED.is_on() {
                self.answer = CapturedAnswer::of(&answer);
            }
            answer
        }
    }
}

fn status_of(asked: &Asked) -> Option<u16> {
    match asked {
        Asked::Answered(Answer::Response { status, .. }) => Some(status.as_u16()),
        Asked::Answered(_) | Asked::ConnectionClosed => None,
    }
}
