//! The pages of the captured callbacks: the list, one callback, and the result of a replay.

use askama::Template;
use bytes::Bytes;
use gatepost::{Gate, codes};
use http::{Method, StatusCode};
use pingora::protocols::http::ServerSession;

use super::filter_form::{FilterField, FilterLink, chips, written};
use super::form::{self, Form};
use super::layout::Layout;
use super::response::ConsoleResponse;
use super::{ConsoleRequest, filters};
use crate::admin::api::page_query;
use crate::capture::{
    CAPTURED, CallbackPage, CallbackRow, CallbackView, CaptureFilter, MessageView, Numbered,
    ReplayError, Replayed, Viewer, is_failure, replay, saved_request,
};
use crate::served_config::ServedConfig;

/// Returns the page with the list of callbacks, newest first.
pub(super) async fn list(served: &ServedConfig, request: &ConsoleRequest) -> ConsoleResponse {
    let Ok(mut query) = page_query(&request.query) else { return invalid_filter(request) };
    (query.after, query.wait) = (None, std::time::Duration::ZERO);
    let filter = query.filter.clone();
    let page = CallbackPage::wait_for(served.gate(), query).await;
    ConsoleResponse::page(&CallbacksPage::new(request.layout(""), served, page, filter))
}

/// Returns the callbacks that the filter admits and whose number exceeds `after` in the query, as
/// JSON. If there are none, waits for the first such callback, at most for the time in `wait`.
pub(super) async fn feed(gate: &Gate, request: &ConsoleRequest) -> ConsoleResponse {
    match page_query(&request.query) {
        Ok(query) => ConsoleResponse::json(&CallbackPage::wait_for(gate, query).await),
        Err(_) => invalid_filter(request),
    }
}

/// Handles the paths below `callbacks/`.
pub(super) async fn one(
    gate: &Gate,
    session: &mut ServerSession,
    request: &ConsoleRequest,
    id: &str,
    rest: &[&str],
) -> ConsoleResponse {
    let Some(numbered) = id.parse().ok().and_then(|id| CAPTURED.get(id)) else {
        let text = "The inspector has no callback with this number. Newer callbacks may have replaced \
                    it, or gatepost may have restarted.";
        return request.notice(StatusCode::NOT_FOUND, "Callback not found", text);
    };
    match (&request.method, rest) {
        (&Method::GET, []) => show(gate, request, numbered).await,
        (&Method::GET, ["request"]) => save(gate, numbered).await,
        (&Method::POST, ["replay"]) if !request.may_change() => request.read_only(),
        (&Method::POST, ["replay"]) => match form::read(session).await {
            Some(form) => send_again(gate, request, &numbered, &form).await,
            None => request.bad_form(),
        },
        _ => request.no_page(),
    }
}

async fn show(gate: &Gate, request: &ConsoleRequest, numbered: Numbered) -> ConsoleResponse {
    let gate = gate.clone();
    let scheme = numbered.callback.scheme();
    // Use a blocking thread, because the view judges the callback again.
    let view = tokio::task::spawn_blocking(move || Viewer::new(&gate).view(&numbered));
    match view.await {
        Ok(view) => ConsoleResponse::page(&OneCallbackPage::new(request, view, scheme)),
        Err(_) => ConsoleResponse::failed(),
    }
}

async fn save(gate: &Gate, numbered: Numbered) -> ConsoleResponse {
    let (gate, name) = (gate.clone(), format!("callback-{}.http", numbered.id));
    let saved = tokio::task::spawn_blocking(move || saved_request(&Viewer::new(&gate), &numbered));
    match saved.await {
        Ok(saved) => ConsoleResponse::download(&name, saved),
        Err(_) => ConsoleResponse::failed(),
    }
}

async fn send_again(
    gate: &Gate,
    request: &ConsoleRequest,
    numbered: &Numbered,
    form: &Form,
) -> ConsoleResponse {
    // A browser sends the line ends of a form as CR LF.
    let edited = form::value(form, "body").map(|body| body.replace("\r\n", "\n"));
    let result = replay(gate, numbered, edited.map(Bytes::from)).await;
    if let Ok(sent) = &result {
        let (id, edited) = (sent.id, sent.is_edited);
        tracing::info!(id, event_id = sent.event_id, edited, "sent an event again");
    }
    let status = if result.is_ok() { StatusCode::OK } else { StatusCode::CONFLICT };
    let page = ReplayPage { layout: request.layout(""), id: numbered.id, result };
    ConsoleResponse::page(&page).with_status(status)
}

fn invalid_filter(request: &ConsoleRequest) -> ConsoleResponse {
    let text = "Choose the values of the filter in the form, each of at most 256 bytes.";
    request.notice(StatusCode::BAD_REQUEST, "Invalid filter", text)
}

#[derive(Template)]
#[template(path = "callbacks.html")]
struct CallbacksPage {
    layout: Layout,
    rows: Vec<CallbackRow>,
    last: u64,
    is_off: bool,
    filter: CaptureFilter,
    fields: Vec<FilterField>,
    segments: Vec<FilterLink>,
    chips: Vec<FilterLink>,
    query: String,
    /// Query of the links to callbacks. With this query, the page of a callback has a link back to
    /// the list with the same filter.
    suffix: String,
}

impl CallbacksPage {
    fn new(
        layout: Layout,
        served: &ServedConfig,
        page: CallbackPage,
        filter: CaptureFilter,
    ) -> Self {
        let CallbackPage { callbacks: mut rows, last, capture, .. } = page;
        rows.reverse();
        let query = written(&filter.pairs());
        let suffix = if query.is_empty() { String::new() } else { format!("?{query}") };
        Self {
            layout,
            rows,
            last,
            is_off: capture == "none",
            fields: fields(served, &filter),
            segments: segments(&filter),
            chips: chips("./", &filter.pairs()),
            filter,
            query,
            suffix,
        }
    }

    /// Returns the codes of [failures](is_failure), separated by spaces.
    fn failures() -> String {
        let failed = codes().filter(|help| is_failure(help.group));
        failed.map(|help| help.code).collect::<Vec<_>>().join(" ")
    }
}

impl CallbackRow {
    /// Returns the CSS class of the badge with the verdict.
    fn badge(&self) -> &'static str {
        if self.is_failed() { "warn" } else { self.verdict }
    }
}

fn fields(served: &ServedConfig, filter: &CaptureFilter) -> Vec<FilterField> {
    let templates = served.templates();
    let field = |name, label, value: &Option<String>, options| {
        FilterField::new(name, label, value.as_deref(), options)
    };
    let providers = templates.iter().map(|template| template.provider.clone()).collect();
    let names = templates.iter().map(|template| template.name.clone()).collect();
    let kinds = templates.iter().flat_map(|template| &template.on).map(|(kind, _)| kind.clone());
    let kinds = kinds.filter(|kind| kind != "*").collect();
    let tenants = templates.iter().flat_map(|template| template.bind.clone());
    let tenants = tenants.filter(|tenant| tenant != "*").collect();
    let codes = codes().map(|help| help.code.to_owned()).collect();
    vec![
        field("provider", "Provider", &filter.provider, providers),
        field("template", "Template", &filter.template, names),
        field("kind", "Kind", &filter.kind, kinds),
        field("tenant", "Tenant", &filter.tenant, tenants),
        field("code", "Code", &filter.code, codes),
    ]
}

/// Returns the links that select a verdict.
fn segments(filter: &CaptureFilter) -> Vec<FilterLink> {
    let current = filter.verdict.map(|verdict| verdict.as_str()).unwrap_or_default();
    let link = |(value, label): (&str, &'static str)| {
        let mut pairs = filter.pairs();
        pairs.retain(|(name, _)| *name != "verdict");
        if !value.is_empty() {
            pairs.push(("verdict", value));
        }
        let href = format!("./?{}", written(&pairs));
        FilterLink { label, value: value.to_owned(), href, is_current: value == current }
    };
    [("", "All"), ("accepted", "Accepted"), ("refused", "Refused")].map(link).into()
}

#[derive(Template)]
#[template(path = "callback.html")]
struct OneCallbackPage {
    layout: Layout,
    done: &'static str,
    view: CallbackView,
    curl: String,
    can_send: bool,
    /// Query of the link back to the list, with the filter of the list.
    query: String,
}

impl OneCallbackPage {
    fn new(request: &ConsoleRequest, view: CallbackView, scheme: &str) -> Self {
        let can_send = view.can_replay && request.may_change();
        let curl = curl(scheme, &view.request);
        let query = match page_query(&request.query) {
            Ok(query) => format!("?{}", written(&query.filter.pairs())),
            Err(_) => String::new(),
        };
        Self { layout: request.layout(""), done: request.done(), view, curl, can_send, query }
    }

    /// Returns the kind. gatepost has verified a recorded kind. A refused callback has no recorded
    /// kind, but its steps may contain the kind that the client named.
    fn title(&self) -> String {
        if let Some(kind) = &self.view.row.kind {
            return kind.clone();
        }
        let step = self.view.steps.iter().find(|step| step.name == "kind");
        let named = step.map(|step| step.found.split(", of the route").next().unwrap_or_default());
        // A text about a missing or undeclared kind contains spaces; the name of a kind does not.
        match named.filter(|named| !named.contains(' ')) {
            Some(named) => format!("{named}, not verified"),
            None => "unknown kind".to_owned(),
        }
    }

    fn event_title(&self) -> &'static str {
        match self.view.row.code {
            "queued" => "Event for the app (in the queue)",
            // The store may have stored the event after the time limit.
            "store_unavailable" => "Event for the app (possibly in the queue)",
            "client_gone" => "Event to the app",
            _ if self.is_event_unsent() => "Event for the app (not sent)",
            _ => "Event to the app",
        }
    }

    /// Returns true if gatepost has not sent the event. After a time-out, gatepost has sent the
    /// event, but has no answer.
    const fn is_event_unsent(&self) -> bool {
        self.view.event.is_some() && self.view.answer.is_none() && self.view.row.app_ms.is_none()
    }

    fn answer_missing(&self) -> &'static str {
        match self.view.row.code {
            "queued" | "store_unavailable" => {
                "gatepost replied without asking the app: it delivers the events of this kind from the queue."
            }
            "client_gone" => "The client disconnected before the app answered.",
            _ if self.view.row.app_ms.is_some() => "The app did not answer in time.",
            _ => "gatepost did not ask the app.",
        }
    }

    /// Returns true if the verdict is a refusal because of this step. The code of the refusal
    /// begins with the name of the step, except for `signature_mismatch`, whose step is `key`.
    fn is_cause(&self, step: &str) -> bool {
        let row = &self.view.row;
        let cause = if row.code == "signature_mismatch" { "key" } else { row.code };
        row.verdict == "refused" && cause.starts_with(step)
    }

    const fn request(&self) -> Option<&MessageView> {
        Some(&self.view.request)
    }

    fn event_body(&self) -> &str {
        self.view.event.as_ref().map(|event| &*event.body).unwrap_or_default()
    }
}

/// The result of a replay.
#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayPage {
    layout: Layout,
    id: u64,
    result: Result<Replayed, ReplayError>,
}

/// Returns a `curl` command that sends the request again. Masked parts remain masked.
fn curl(scheme: &str, request: &MessageView) -> String {
    let (method, target) = request.line.split_once(' ').unwrap_or(("POST", &*request.line));
    let host = request.headers.iter().find(|(name, _)| name == "host");
    let host = host.map_or("127.0.0.1:8080", |(_, host)| host);
    let mut command = format!("curl -X {method} {}", quoted(&format!("{scheme}://{host}{target}")));
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

/// Quotes a string for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_quotes_each_part_for_shell() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = MessageView {
            line: "POST /hook?a=b".into(),
            headers: vec![header("host", "live.example"), header("x-note", "it's")],
            body: "{'a'}".into(),
            body_bytes: 5,
            is_cut: false,
        };
        let expected = "curl -X POST 'https://live.example/hook?a=b' \\\n  \
                        -H 'x-note: it'\\''s' \\\n  --data-raw '{'\\''a'\\''}'";
        assert_eq!(curl("https", &request), expected);
    }
}
