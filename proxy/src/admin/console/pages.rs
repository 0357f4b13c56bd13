//! Pages of the console: the values of the templates.

use askama::Template;

use super::assets::{AssetNames, NAMES};
use crate::capture::{
    CallbackPage, CallbackRow, CallbackView, CaptureFilter, MessageView, ReplayError, Replayed,
};

/// Values that the layout of each page needs.
pub(super) struct Layout {
    /// Relative path to the root of the console.
    up: String,
    assets: &'static AssetNames,
}

impl Layout {
    fn at(up: &str) -> Self {
        Self { up: up.to_owned(), assets: &NAMES }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    layout: Layout,
    /// Reason why a login failed; empty before the first.
    problem: String,
}

impl LoginPage {
    pub(super) fn new(problem: &str) -> Self {
        Self { layout: Layout::at("./"), problem: problem.to_owned() }
    }
}

#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct NoticePage {
    layout: Layout,
    text: String,
}

impl NoticePage {
    pub(super) fn new(up: &str, text: &str) -> Self {
        Self { layout: Layout::at(up), text: text.to_owned() }
    }
}

/// The list of callbacks, newest first.
#[derive(Template)]
#[template(path = "callbacks.html")]
pub(super) struct CallbacksPage {
    layout: Layout,
    rows: Vec<CallbackRow>,
    last: u64,
    is_off: bool,
    fields: Vec<FilterField>,
    verdict: &'static str,
    is_filtered: bool,
    query: String,
}

/// A text field of the filter.
struct FilterField {
    name: &'static str,
    label: &'static str,
    value: String,
}

impl CallbacksPage {
    pub(super) fn new(page: CallbackPage, filter: CaptureFilter, query: &str) -> Self {
        let CallbackPage { callbacks: mut rows, last, capture, .. } = page;
        rows.reverse();
        let is_filtered = filter != CaptureFilter::default();
        let verdict = filter.verdict.map(|verdict| verdict.as_str()).unwrap_or_default();
        let field = |name, label, value: Option<String>| FilterField {
            name,
            label,
            value: value.unwrap_or_default(),
        };
        let fields = vec![
            field("text", "Text", filter.text),
            field("provider", "Provider", filter.provider),
            field("template", "Template", filter.template),
            field("kind", "Kind", filter.kind),
            field("code", "Code", filter.code),
            field("tenant", "Tenant", filter.tenant),
        ];
        let (layout, is_off, query) = (Layout::at("./"), capture == "none", query.to_owned());
        Self { layout, rows, last, is_off, fields, verdict, is_filtered, query }
    }
}

/// One callback.
#[derive(Template)]
#[template(path = "callback.html")]
pub(super) struct CallbackPageView {
    layout: Layout,
    view: CallbackView,
    curl: String,
    can_send: bool,
}

impl CallbackPageView {
    pub(super) fn new(view: CallbackView, may_change: bool) -> Self {
        let can_send = view.can_replay && may_change;
        let curl = curl(&view.request);
        Self { layout: Layout::at("../"), view, curl, can_send }
    }

    /// Returns the messages beside the request, each with a title and an id.
    fn messages(&self) -> Vec<(&'static str, &MessageView)> {
        let view = &self.view;
        let given = [
            ("Request of the platform", Some(&view.request)),
            ("Reply to the platform", view.reply.as_ref()),
            ("Event to the app", view.event.as_ref()),
            ("Answer of the app", view.answer.as_ref()),
        ];
        given.into_iter().filter_map(|(title, message)| Some((title, message?))).collect()
    }

    fn event_body(&self) -> &str {
        self.view.event.as_ref().map(|event| &*event.body).unwrap_or_default()
    }
}

/// The result of a replay.
#[derive(Template)]
#[template(path = "replay.html")]
pub(super) struct ReplayPage {
    layout: Layout,
    id: u64,
    result: Result<Replayed, ReplayError>,
}

impl ReplayPage {
    pub(super) fn new(id: u64, result: Result<Replayed, ReplayError>) -> Self {
        Self { layout: Layout::at("../../"), id, result }
    }
}

/// Returns a command that sends the request again. Masked parts stay masked.
fn curl(request: &MessageView) -> String {
    let (method, target) = request.line.split_once(' ').unwrap_or(("POST", &*request.line));
    let mut command =
        format!("curl -X {method} {}", quoted(&format!("http://127.0.0.1:8080{target}")));
    let is_sent = |name: &str| {
        !matches!(name, "host" | "content-length" | "connection" | "transfer-encoding")
    };
    for (name, value) in request.headers.iter().filter(|(name, _)| is_sent(name)) {
        command.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
    }
    if !request.body.is_empty() {
        command.push_str(&format!(" \\\n  --data-raw {}", quoted(&request.body)));
    }
    command
}

/// Quotes a text for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_quotes_each_part_for_shell() {
        let request = MessageView {
            line: "POST /hook?a=b".into(),
            headers: vec![("host".into(), "x".into()), ("x-note".into(), "it's".into())],
            body: "{'a'}".into(),
            body_bytes: 5,
            is_cut: false,
        };
        let expected = "curl -X POST 'http://127.0.0.1:8080/hook?a=b' \\\n  -H 'x-note: it'\\''s' \\\n  --data-raw '{'\\''a'\\''}'";
        assert_eq!(curl(&request), expected);
    }
}
