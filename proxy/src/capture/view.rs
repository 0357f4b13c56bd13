//! Masked views of captured callbacks for the operator.

use std::borrow::Cow;

use bytes::Bytes;
use gatepost::{Capture, CodeGroup, Gate, RequestContext, code_help};
use memchr::memmem;
use serde::Serialize;

use super::answer::AnswerParts;
use super::callback::CapturedCallback;
use super::filter::{CaptureFilter, VerdictWord};
use super::mask::Mask;
use super::{CAPTURED, Numbered};

/// Maximum length of a body in a view, in bytes.
const SHOWN_BYTES: usize = 64 * 1024;

/// Gate and capture mode for masked views of captured callbacks.
pub(crate) struct Viewer<'g> {
    pub(super) gate: &'g Gate,
    pub(super) mode: Capture,
}

/// One callback in a list.
#[derive(Debug, Serialize)]
pub(crate) struct CallbackRow {
    pub(crate) id: u64,
    /// Time of the arrival, such as `2026-11-29T01:02:03.456Z`.
    pub(crate) at: String,
    pub(crate) verdict: &'static str,
    pub(crate) provider: String,
    pub(crate) template: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) code: &'static str,
    pub(crate) decision: Option<String>,
    /// Status of the reply; `None` if the client disconnected before the reply.
    pub(crate) status: Option<u16>,
    pub(crate) from: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) elapsed_ms: f64,
    pub(crate) app_ms: Option<f64>,
}

/// One callback with its request, verdict, event, answer and reply.
#[derive(Debug, Serialize)]
pub(crate) struct CallbackView {
    #[serde(flatten)]
    pub(crate) row: CallbackRow,
    /// True if gatepost has masked or cut a part of the request.
    pub(crate) is_masked: bool,
    /// True if gatepost can send the event again.
    pub(crate) can_replay: bool,
    pub(crate) request: MessageView,
    /// Steps of the verdict, as `gatepost explain` prints them; empty for a cut body.
    pub(crate) steps: Vec<StepView>,
    /// True if gatepost has loaded another config since the callback. The steps are those of the
    /// current config.
    pub(crate) is_of_earlier_config: bool,
    /// The verdict in words.
    pub(crate) explanation: String,
    pub(crate) event: Option<MessageView>,
    pub(crate) answer: Option<MessageView>,
    pub(crate) reply: Option<MessageView>,
}

/// One step of a verdict: the name of a check, and the text that states its result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct StepView {
    pub(crate) name: String,
    pub(crate) found: String,
}

/// A request or a response.
#[derive(Debug, Serialize)]
pub(crate) struct MessageView {
    /// The first line without the version, such as `POST /hook` or `200 OK`, or the reason for a
    /// missing or unreadable answer.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Length of the whole body, in bytes.
    pub(crate) body_bytes: usize,
    /// True if `body` is only the start of the whole body.
    pub(crate) is_cut: bool,
}

impl<'g> Viewer<'g> {
    /// Creates a viewer for the captured callbacks of this process.
    pub(crate) fn new(gate: &'g Gate) -> Self {
        Self { gate, mode: CAPTURED.mode() }
    }

    pub(crate) fn row(&self, numbered: &Numbered) -> CallbackRow {
        let (callback, facts) = (&numbered.callback, numbered.callback.facts());
        let head = callback.head();
        let text = |text: &str| lossy(&self.gate.redacted(text.as_bytes()));
        CallbackRow {
            id: numbered.id,
            at: date(callback.at.as_millis()),
            verdict: VerdictWord::of(callback).as_str(),
            provider: facts.provider.to_owned(),
            template: facts.template.map(ToOwned::to_owned),
            tenant: facts.tenant.map(text),
            kind: facts.kind.map(text),
            event_id: facts.id.map(text),
            code: facts.code,
            decision: facts.decision.map(ToOwned::to_owned),
            status: callback.reply().map(|reply| reply.status.as_u16()),
            from: facts.client.map(|client| client.to_string()),
            method: head.method.to_string(),
            path: lossy(&self.mask(callback).target(head.uri.path(), None)),
            elapsed_ms: millis(callback.total),
            app_ms: callback.app.map(millis),
        }
    }

    pub(crate) fn view(&self, numbered: &Numbered) -> CallbackView {
        let callback = &numbered.callback;
        let mask = self.mask(callback);
        let (steps, explanation) = self.explanation(callback);
        CallbackView {
            row: self.row(numbered),
            is_masked: self.request_bytes(callback).is_masked,
            can_replay: callback.permit().is_some_and(|permit| permit.unpack().replay().is_some()),
            request: self.request(callback, &mask),
            steps,
            is_of_earlier_config: CAPTURED.is_of_earlier_config(numbered.id),
            explanation,
            event: event(callback, &mask),
            answer: callback.answer().map(|answer| MessageView::answer(&answer, &mask)),
            reply: callback.reply().map(|reply| {
                let line = reply.status.to_string();
                MessageView::new(line, reply.headers, reply.body, &mask)
            }),
        }
    }

    pub(super) fn mask(&self, callback: &CapturedCallback) -> Mask<'g> {
        Mask::new(self.gate, self.mode, callback.facts().provider)
    }

    fn request(&self, callback: &CapturedCallback, mask: &Mask<'_>) -> MessageView {
        let head = callback.head();
        let target = lossy(&mask.target(head.uri.path(), head.uri.query()));
        let (body, length) = callback.body();
        let line = format!("{} {target}", head.method);
        let view = MessageView::new(line, head.headers.iter(), body, mask);
        MessageView { body_bytes: length, is_cut: view.is_cut || length > body.len(), ..view }
    }

    /// Explains the verdict on a callback. Judges the callback again, with the time of its arrival
    /// and the current config.
    pub(super) fn explanation(&self, callback: &CapturedCallback) -> (Vec<StepView>, String) {
        let facts = callback.facts();
        let recorded = recorded_verdict(callback);
        let (body, length) = callback.body();
        if length > body.len() {
            return (Vec::new(), format!("{recorded}; the body is cut, so there are no steps"));
        }
        let explained =
            self.gate.explain(&callback.head().head(), Bytes::copy_from_slice(body), callback.at);
        let mask = self.mask(callback);
        let steps = explained.steps.iter().map(|step| StepView {
            name: step.name.to_owned(),
            found: mask.step(step.name, &with_recorded_id(step.name, &step.found, facts.id)),
        });
        let refusal = match &explained.verdict {
            Some(Err(refusal)) => Some(refusal),
            Some(Ok(_)) | None => None,
        };
        let is_same = match (callback.is_accepted(), refusal) {
            (true, refusal) => refusal.is_none(),
            (false, Some(refusal)) => refusal.kind().as_str() == facts.code,
            (false, None) => false,
        };
        let detail = match refusal.filter(|_| is_same) {
            Some(refusal) => format!("{recorded} ({refusal})"),
            None => recorded,
        };
        let steps = steps.collect();
        if is_same {
            return (steps, detail);
        }
        let note = "gatepost reaches another verdict now: the config has changed, or the verdict \
                    depended on earlier callbacks";
        (steps, format!("{detail}; {note}"))
    }

    /// Returns true if a callback meets all conditions.
    pub(crate) fn admits(&self, filter: &CaptureFilter, numbered: &Numbered) -> bool {
        let callback = &numbered.callback;
        filter.admits(callback)
            && filter.text.as_deref().is_none_or(|text| self.contains(callback, text))
    }

    /// Returns true if the callback contains `text`. Searches only the masked data, so that a
    /// search cannot reveal a masked part.
    fn contains(&self, callback: &CapturedCallback, text: &str) -> bool {
        let mask = self.mask(callback);
        let text = text.to_ascii_lowercase();
        let has =
            |bytes: &[u8]| memmem::find(&bytes.to_ascii_lowercase(), text.as_bytes()).is_some();
        let has_body = |body: &[u8]| has(body) && has(&mask.body(body));
        let head = callback.head();
        let answer = match callback.answer() {
            Some(AnswerParts::Response(_, _, body)) => body,
            Some(AnswerParts::Failed(_)) | None => None,
        };
        has_body(callback.body().0)
            || callback.facts().id.is_some_and(|id| has(id.as_bytes()))
            || callback.permit().is_some_and(|permit| has_body(permit.data()))
            || answer.is_some_and(has_body)
            || callback.reply().is_some_and(|reply| has_body(reply.body))
            || has(&mask.target(head.uri.path(), head.uri.query()))
            || head.headers.iter().any(|(name, value)| {
                has(name.as_str().as_bytes()) || has(&mask.header(name.as_str(), value.as_bytes()))
            })
    }
}

/// Returns the recorded verdict in words.
fn recorded_verdict(callback: &CapturedCallback) -> String {
    let (word, code) = (VerdictWord::of(callback).as_str(), callback.facts().code);
    let status = callback.reply().map(|reply| reply.status.as_u16());
    let help = code_help(code).filter(|_| callback.is_accepted());
    match (help, status) {
        (Some(help), Some(status)) if is_failure(help.group) => {
            let meaning = help.meaning.replace('`', "");
            format!("{word}, but {meaning}: replied {status} ({code})")
        }
        (Some(help), _) => format!("{word}: {code} ({})", help.meaning.replace('`', "")),
        (None, Some(status)) if !callback.is_accepted() => format!("{word} with {status}: {code}"),
        (None, _) => format!("{word}: {code}"),
    }
}

/// Returns true if the codes of a group mean that the app gave no usable answer to the event of an
/// accepted callback, or that gatepost did not store the event.
pub(crate) const fn is_failure(group: CodeGroup) -> bool {
    matches!(group, CodeGroup::AppFailure | CodeGroup::StoreFailure)
}

impl CallbackRow {
    /// Returns true if gatepost accepted the callback, but [failed](is_failure) to pass it on.
    pub(crate) fn is_failed(&self) -> bool {
        self.verdict == VerdictWord::Accepted.as_str()
            && code_help(self.code).is_some_and(|help| is_failure(help.group))
    }
}

/// Returns the event as the app received it, except for the trace id; `None` for a callback without
/// an event.
fn event(callback: &CapturedCallback, mask: &Mask<'_>) -> Option<MessageView> {
    let accepted = callback.permit()?.unpack();
    let question = accepted.replay()?;
    let captured = callback.head();
    let head = captured.head();
    let context = RequestContext::default().with_scheme(callback.scheme());
    let (headers, body) = accepted.request(&head, &context, callback.at);
    let line = match question.url() {
        // The query may contain a secret.
        Some(url) => format!("POST {}", url.to_string().split('?').next().unwrap_or_default()),
        None => lossy(&mask.target(head.uri().path(), None)),
    };
    Some(MessageView::new(line, headers.iter(), &body, mask))
}

impl MessageView {
    pub(super) fn new(
        line: String,
        headers: impl Iterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
        body: &[u8],
        mask: &Mask<'_>,
    ) -> Self {
        let headers = headers.map(|(name, value)| {
            let value = mask.header(name.as_ref(), value.as_ref());
            (name.as_ref().to_owned(), lossy(&value))
        });
        let shown = &body[..body.len().min(SHOWN_BYTES)];
        Self {
            line,
            headers: headers.collect(),
            body: lossy(&mask.body(shown)),
            body_bytes: body.len(),
            is_cut: shown.len() < body.len(),
        }
    }

    pub(super) fn answer(answer: &AnswerParts<'_>, mask: &Mask<'_>) -> Self {
        match answer {
            AnswerParts::Response(status, headers, body) => {
                let shown = body.unwrap_or_default();
                let view = Self::new(status.to_string(), *headers, shown, mask);
                Self { is_cut: view.is_cut || body.is_none(), ..view }
            }
            AnswerParts::Failed(why) => {
                let line = lossy(&mask.body(why));
                Self {
                    line,
                    headers: Vec::new(),
                    body: String::new(),
                    body_bytes: 0,
                    is_cut: false,
                }
            }
        }
    }
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn date(millis: i64) -> String {
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(date) => format!("{date:.3}"),
        Err(_) => millis.to_string(),
    }
}

fn millis(time: std::time::Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
/// Returns the text that states the result of a check. The text of the check `event` starts with
/// the id of the event. If gatepost generates a new id for each callback, the explanation has
/// another id than the captured callback, so the recorded id replaces the id of the explanation.
fn with_recorded_id<'f>(step: &str, found: &'f str, recorded: Option<&str>) -> Cow<'f, str> {
    match (recorded, found.split_once(' ')) {
        (Some(id), Some((_, rest))) if step == "event" => format!("{id} {rest}").into(),
        _ => found.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_about_event_shows_recorded_id() {
        let event = "new-id /kollus/channel -";
        let shown = with_recorded_id("event", event, Some("recorded-id"));
        assert_eq!(shown, "recorded-id /kollus/channel -");
        assert_eq!(with_recorded_id("event", event, None), event);
        assert_eq!(with_recorded_id("tenant", "a b", Some("recorded-id")), "a b");
    }
}
