//! Replay of a captured callback: gatepost sends the event to the app again. The platform receives
//! no reply.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use gatepost::{Accepted, Answer, Asked, Attempt, Gate, Question, RequestContext};
use serde::Serialize;
use serde_json::Value as Json;
use tokio::time::timeout;

use super::Numbered;
use super::answer::CapturedAnswer;
use super::callback::CapturedCallback;
use super::mask::{MASK, Mask};
use super::view::{MessageView, Viewer};
use crate::app::{self, EventMessage, Target};
use crate::clock;

/// Reason why gatepost does not send an event again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error(
        "expected a callback with its whole body, found one of which gatepost keeps only a part; \
         let the platform send the callback again"
    )]
    Cut,
    #[error(
        "expected an accepted callback, found a refused one, which has no event; choose another one"
    )]
    Refused,
    #[error(
        "expected a kind whose events the app receives, found another kind; add the kind to [template.on]"
    )]
    NoEvent,
    #[error("expected an address in the template or in `upstream`, found neither; set one of them")]
    NoAddress,
}

/// Result of a replay.
#[derive(Debug, Serialize)]
pub(crate) struct Replayed {
    /// Number of the captured callback.
    pub(crate) id: u64,
    pub(crate) event_id: String,
    pub(crate) is_edited: bool,
    pub(crate) answer: MessageView,
    /// Preview of the reply for this answer. gatepost does not send this reply.
    pub(crate) reply: MessageView,
    /// Code of this reply, such as `app` or `app_timeout`.
    pub(crate) code: &'static str,
    pub(crate) app_ms: f64,
}

/// Sends the event of a callback again. `edited` replaces the body of the event. In place of each
/// mask that the operator has left in `edited`, gatepost sends the value in the event.
pub(crate) async fn replay(
    gate: &Gate,
    numbered: &Numbered,
    edited: Option<Bytes>,
) -> Result<Replayed, ReplayError> {
    let callback = &numbered.callback;
    let accepted = match callback.permit() {
        Some(permit) => permit.unpack(),
        None if callback.is_accepted() => return Err(ReplayError::Cut),
        None => return Err(ReplayError::Refused),
    };
    let question = question(gate, callback, &accepted).ok_or(ReplayError::NoEvent)?;
    let mask: Mask<'_> = Viewer::new(gate).mask(callback);
    let edited = edited.map(|edited| with_hidden_values(edited, accepted.event().data(), &mask));
    let (target, message) = message(gate, callback, &accepted, &question, edited.clone())?;
    let started = Instant::now();
    let answer = ask(target, message, &question).await;
    let app_ms = started.elapsed().as_micros() as f64 / 1000.0;
    let conclusion = question.preview(&answer);
    let failure = conclusion.origin.failure();
    let reply = &conclusion.reply;
    Ok(Replayed {
        id: numbered.id,
        event_id: accepted.event().id().to_owned(),
        is_edited: edited.is_some(),
        answer: MessageView::answer(&CapturedAnswer::of_answer(&answer).parts(), &mask),
        reply: MessageView::new(reply.status().to_string(), reply.headers(), reply.body(), &mask),
        code: failure.map_or(conclusion.origin.as_str(), |failure| failure.kind().as_str()),
        app_ms,
    })
}

/// Returns the edited body with the original values in place of those that the mask hides.
fn with_hidden_values(edited: Bytes, original: &[u8], mask: &Mask<'_>) -> Bytes {
    let parsed = serde_json::from_slice(&edited).ok().zip(serde_json::from_slice(original).ok());
    let Some((mut body, original)) = parsed else { return edited };
    if restore(&mut body, &original, mask) { body.to_string().into() } else { edited }
}

/// Replaces each hidden value with the original value at the same place. Returns true if the
/// function has replaced a value.
fn restore(edited: &mut Json, original: &Json, mask: &Mask<'_>) -> bool {
    match (edited, original) {
        (Json::Object(edited), Json::Object(original)) => edited
            .iter_mut()
            .filter_map(|(name, value)| Some((value, original.get(name)?)))
            .fold(false, |found, (value, original)| restore(value, original, mask) || found),
        (Json::Array(edited), Json::Array(original)) => edited
            .iter_mut()
            .zip(original)
            .fold(false, |found, (value, original)| restore(value, original, mask) || found),
        (edited, original) if edited != original => {
            let shown = |shown: &str| {
                let text = original.as_str().map(|text| mask.text(text.as_bytes()));
                shown == MASK || text.is_some_and(|text| text == shown.as_bytes())
            };
            let is_hidden = edited.as_str().is_some_and(shown);
            if is_hidden {
                *edited = original.clone();
            }
            is_hidden
        }
        _ => false,
    }
}

/// Returns the question with the address in the current config. If that config does not accept the
/// callback as an event of the same type, uses the address at the time of the capture. Returns
/// `None` if the app receives no event for the callback.
fn question(gate: &Gate, callback: &CapturedCallback, accepted: &Accepted) -> Option<Question> {
    let explained = gate.explain(&callback.head().head(), accepted.raw().clone(), callback.at);
    let current = match explained.verdict {
        Some(Ok(current)) if current.event().ce_type() == accepted.event().ce_type() => current,
        _ => accepted.clone(),
    };
    current.replay().or_else(|| accepted.replay())
}

fn message(
    gate: &Gate,
    callback: &CapturedCallback,
    accepted: &Accepted,
    question: &Question,
    edited: Option<Bytes>,
) -> Result<(Target, EventMessage), ReplayError> {
    let captured = callback.head();
    let head = captured.head();
    let target = match question.addresses() {
        Some(addresses) => Target { addresses: Arc::clone(addresses), path: None },
        None => {
            let servers = question.servers().cloned().or_else(|| gate.upstream());
            let path = captured.uri.path_and_query().cloned();
            Target { addresses: servers.ok_or(ReplayError::NoAddress)?, path }
        }
    };
    let context = RequestContext::default()
        .with_scheme(callback.scheme())
        .with_host(captured.headers.get(http::header::HOST));
    let (headers, body) = accepted.replay_request(&head, &context, edited, clock::now());
    let keeps_host = question.keeps_host();
    let method = accepted.event_method(&head).clone();
    Ok((target, EventMessage { method, headers, body, keeps_host, is_repeatable: false }))
}

async fn ask(target: Target, message: EventMessage, question: &Question) -> Answer {
    let limit = question.timeout();
    // Use a new connection, because the app may close an idle connection.
    let asked = timeout(limit, app::ask(target, message, Attempt::NewConnection, limit)).await;
    match asked {
        Err(_) => Answer::Timeout,
        Ok(Asked::Answered(answer)) => answer,
        Ok(Asked::ConnectionClosed) => Answer::Unreachable(
            "expected an answer, found a closed connection; read the app's log".into(),
        ),
    }
}
