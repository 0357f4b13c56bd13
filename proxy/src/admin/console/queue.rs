//! The pages of the queue: the stored events, one event, and the changes that an operator makes.
//!
//! A change applies only to the events that the operator has seen: the page that asks for
//! confirmation contains their numbers. At the time of the change, the filter may select other
//! events.

use askama::Template;
use gatepost::{
    EntryState, Gate, QueueEntry, QueueFilter, StateTotal, Store as _, StoreError, StoreStatus,
};
use http::{Method, StatusCode};
use pingora::protocols::http::ServerSession;
use serde_json::Value as Json;

use super::confirm::ConfirmPage;
use super::filter_form::{FilterField, FilterLink, chips, written};
use super::form;
use super::layout::Layout;
use super::response::ConsoleResponse;
use super::{ConsoleRequest, filters};
use crate::clock;
use crate::queue::{Queue, event_json, masked, set_condition, within_limit};

/// Maximum number of events on a page, and in a change.
const MAX_EVENTS: usize = 200;

/// Handles `queue` and the paths below `queue/`.
pub(super) async fn answer(
    queue: Option<&Queue>,
    gate: &Gate,
    session: &mut ServerSession,
    request: &ConsoleRequest,
    path: &[&str],
) -> ConsoleResponse {
    let Some(queue) = queue else {
        return ConsoleResponse::page(&NoStorePage { layout: request.layout("queue") });
    };
    let answered = match (&request.method, path) {
        (&Method::GET, []) => list(queue, gate, request).await,
        (_, ["replay"]) => change(queue, gate, session, request, Operation::Replay).await,
        (_, ["drop"]) => change(queue, gate, session, request, Operation::Drop).await,
        (&Method::GET, [number]) => show(queue, gate, request, number).await,
        _ => Ok(request.no_page()),
    };
    answered.unwrap_or_else(|error| unavailable(request, error))
}

fn unavailable(request: &ConsoleRequest, error: StoreError) -> ConsoleResponse {
    let page = StoreFailedPage { layout: request.layout("queue"), error };
    ConsoleResponse::page(&page).with_status(StatusCode::SERVICE_UNAVAILABLE)
}

async fn list(
    queue: &Queue,
    gate: &Gate,
    request: &ConsoleRequest,
) -> Result<ConsoleResponse, StoreError> {
    let Some(filter) = filter(request) else { return Ok(invalid_filter(request)) };
    // Request one event more than the page shows. If this event exists, another page follows.
    let wanted = QueueFilter { limit: Some(MAX_EVENTS + 1), ..filter.clone() };
    let read = async { Ok((queue.list(&wanted).await?, queue.status().await?)) };
    let (mut entries, status) = within_limit(read).await?;
    let has_more = entries.len() > MAX_EVENTS;
    entries.truncate(MAX_EVENTS);
    let entries: Vec<_> = entries.into_iter().map(|entry| masked(gate, entry)).collect();
    let conditions = conditions(&filter);
    Ok(ConsoleResponse::page(&QueuePage {
        layout: request.layout("queue"),
        done: done(request),
        status,
        next: has_more.then(|| entries.last().map_or(0, |entry| entry.number)),
        segments: segments(&filter),
        fields: fields(&filter),
        chips: chips("queue", &conditions),
        query: written(&conditions),
        after: filter.after,
        can_change: request.may_change() && !conditions.is_empty() && !entries.is_empty(),
        entries,
        filter,
    }))
}

async fn show(
    queue: &Queue,
    gate: &Gate,
    request: &ConsoleRequest,
    number: &str,
) -> Result<ConsoleResponse, StoreError> {
    let found = match number.parse() {
        Ok(number) => within_limit(queue.show(number)).await?,
        Err(_) => None,
    };
    let Some((entry, event)) = found else {
        let text = "The queue has no event with this number. An operator may have dropped or replayed \
                    it, or gatepost may have removed it from the store.";
        return Ok(request.notice(StatusCode::NOT_FOUND, "Event not found", text));
    };
    let entry = masked(gate, entry);
    let json = event_json(gate, &entry, &event);
    Ok(ConsoleResponse::page(&QueuedEventPage {
        layout: request.layout("queue"),
        headers: headers(&json["headers"]),
        body: json["body"].as_str().map_or_else(|| json["body"].to_string(), ToOwned::to_owned),
        can_replay: request.may_change() && entry.state != EntryState::Pending,
        can_drop: request.may_change() && !entry.is_claimed,
        entry,
    }))
}

fn headers(json: &Json) -> Vec<(String, String)> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    json.as_array().into_iter().flatten().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

/// Change to stored events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Replay,
    Drop,
}

/// Shows the page that asks for confirmation of a change (GET), or makes the change (POST).
async fn change(
    queue: &Queue,
    gate: &Gate,
    session: &mut ServerSession,
    request: &ConsoleRequest,
    operation: Operation,
) -> Result<ConsoleResponse, StoreError> {
    if !request.may_change() {
        return Ok(request.read_only());
    }
    let Some(mut filter) = filter(request) else { return Ok(invalid_filter(request)) };
    let back = format!("../queue?{}", written(&conditions(&filter)));
    if request.method == Method::GET {
        filter.numbers.extend(number(request, "number"));
        if filter == QueueFilter::default() {
            return Ok(invalid_filter(request));
        }
        filter.limit = Some(MAX_EVENTS);
        let entries = within_limit(queue.list(&filter)).await?;
        let entries: Vec<_> = entries.into_iter().map(|entry| masked(gate, entry)).collect();
        return Ok(ConsoleResponse::page(&question(request, operation, &entries, back)));
    }
    let Some(sent) = form::read(session).await else { return Ok(request.bad_form()) };
    let numbers = form::value(&sent, "numbers").unwrap_or_default().split(',');
    let numbers: Vec<_> = numbers.filter_map(|number| number.parse().ok()).collect();
    if numbers.is_empty() || numbers.len() > MAX_EVENTS {
        return Ok(request.bad_form());
    }
    let (all, chosen) = (numbers.len(), QueueFilter { numbers, ..QueueFilter::default() });
    let (word, count) = match operation {
        Operation::Replay => ("replayed", queue.replay(&chosen, clock::now()).await?),
        Operation::Drop => ("dropped", queue.remove(&chosen, clock::now()).await?),
    };
    tracing::warn!(count, "{word} queued events from gatepost's console");
    Ok(ConsoleResponse::redirect(&format!("{back}&{word}={count}&of={all}")))
}

/// Returns the page that asks for confirmation. Omits the events that `operation` cannot change.
fn question(
    request: &ConsoleRequest,
    operation: Operation,
    entries: &[QueueEntry],
    back: String,
) -> ConfirmPage {
    let can_change = |entry: &&QueueEntry| match operation {
        Operation::Replay => entry.state != EntryState::Pending,
        Operation::Drop => !entry.is_claimed,
    };
    let changed: Vec<_> = entries.iter().filter(can_change).collect();
    let numbers: Vec<_> = changed.iter().map(|entry| entry.number.to_string()).collect();
    let (verb, action, text, problem) = match operation {
        Operation::Replay => (
            "Deliver",
            "Deliver again",
            "The app receives each event again, with gatepost-replay: 1, after the pending events of \
             the same subject.",
            "gatepost can deliver no event of this selection again: each event is still pending, \
             or no longer exists.",
        ),
        Operation::Drop => (
            "Drop",
            "Drop",
            "gatepost cannot restore a dropped event. The app does not receive it.",
            "gatepost can drop no event of this selection: gatepost is delivering each event, or the \
             event no longer exists.",
        ),
    };
    let can_go_on = !numbers.is_empty();
    let again = if operation == Operation::Replay { " again" } else { "" };
    ConfirmPage {
        layout: request.layout("queue"),
        title: match &*numbers {
            [] => format!("No event to {}{again}", verb.to_lowercase()),
            [number] => format!("{verb} event {number}{again}?"),
            all => format!("{verb} {} events{again}?", all.len()),
        },
        text: text.into(),
        action,
        is_final: operation == Operation::Drop,
        problem: if can_go_on { String::new() } else { problem.to_owned() },
        can_go_on,
        names: names(&changed),
        back,
        numbers: numbers.join(","),
        version: String::new(),
    }
}

/// Returns the number, the template, the kind and the subject of each event, for at most ten events.
fn names(entries: &[&QueueEntry]) -> Vec<String> {
    const MAX_NAMES: usize = 10;
    let name = |entry: &&QueueEntry| match &entry.subject {
        Some(subject) => format!("#{}: {}, {subject}", entry.number, entry.lane),
        None => format!("#{}: {}", entry.number, entry.lane),
    };
    let others = entries.len().saturating_sub(MAX_NAMES);
    let others = (others > 0).then(|| format!("and {others} more"));
    entries.iter().take(MAX_NAMES).map(name).chain(others).collect()
}

/// Parses the filter of a request; `None` if a value is invalid.
fn filter(request: &ConsoleRequest) -> Option<QueueFilter> {
    let mut filter = QueueFilter::default();
    for (name, value) in form_urlencoded::parse(request.query.as_bytes()) {
        match &*name {
            "after" => filter.after = value.parse().ok()?,
            _ => drop(set_condition(&mut filter, &name, &value).ok()?),
        }
    }
    Some(filter)
}

fn invalid_filter(request: &ConsoleRequest) -> ConsoleResponse {
    let text = "Choose the values of the filter on the page of the queue.";
    request.notice(StatusCode::BAD_REQUEST, "Invalid filter", text)
}

/// Returns the name and the value of each condition that has a value.
fn conditions(filter: &QueueFilter) -> Vec<(&'static str, &str)> {
    let all = [
        ("state", filter.state.map(EntryState::as_str)),
        ("failing", filter.is_failing.then_some("true")),
        ("template", filter.template.as_deref()),
        ("kind", filter.kind.as_deref()),
        ("subject", filter.subject.as_deref()),
        ("id", filter.id.as_deref()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Returns the links that select a state or the failing events.
fn segments(filter: &QueueFilter) -> Vec<FilterLink> {
    let current = if filter.is_failing {
        Some(("failing", "true"))
    } else {
        filter.state.map(|state| ("state", state.as_str()))
    };
    let link = |(label, condition): (&'static str, Option<(&'static str, &'static str)>)| {
        let mut others = conditions(filter);
        others.retain(|(name, _)| !matches!(*name, "state" | "failing"));
        others.extend(condition);
        let href = format!("queue?{}", written(&others));
        FilterLink { label, value: String::new(), href, is_current: condition == current }
    };
    let state = |state: EntryState| Some(("state", state.as_str()));
    [
        ("All", None),
        ("Pending", state(EntryState::Pending)),
        ("Failing", Some(("failing", "true"))),
        ("Delivered", state(EntryState::Delivered)),
        ("Dead", state(EntryState::Dead)),
    ]
    .map(link)
    .into()
}

fn fields(filter: &QueueFilter) -> Vec<FilterField> {
    let field = |name, label, value: &Option<Box<str>>| {
        FilterField::new(name, label, value.as_deref(), Vec::new())
    };
    vec![
        field("template", "Template", &filter.template),
        field("kind", "Kind", &filter.kind),
        field("subject", "Subject", &filter.subject),
        field("id", "ce-id", &filter.id),
    ]
}

/// Returns a sentence about the change that the operator made; an empty string without a change.
fn done(request: &ConsoleRequest) -> String {
    let all = number(request, "of").unwrap_or_default();
    match (number(request, "replayed"), number(request, "dropped")) {
        (Some(count), _) if count < all => {
            format!(
                "{count} of {all} events queued again. The others are pending, or no longer in the queue."
            )
        }
        (Some(count), _) => format!("{} queued again.", counted(count)),
        (None, Some(count)) if count < all => {
            format!(
                "{count} of {all} events dropped. gatepost is delivering the others, or they no longer exist."
            )
        }
        (None, Some(count)) => format!("{} dropped.", counted(count)),
        (None, None) => String::new(),
    }
}

fn number(request: &ConsoleRequest, name: &str) -> Option<u64> {
    request.parameter(name)?.parse().ok()
}

fn counted(count: u64) -> String {
    format!("{count} event{}", if count == 1 { "" } else { "s" })
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    layout: Layout,
    done: String,
    status: StoreStatus,
    entries: Vec<QueueEntry>,
    filter: QueueFilter,
    segments: Vec<FilterLink>,
    fields: Vec<FilterField>,
    chips: Vec<FilterLink>,
    /// Conditions of the filter, as a query string.
    query: String,
    /// Number of the last event before this page.
    after: u64,
    /// Number of the last event on this page; `None` on the last page.
    next: Option<u64>,
    can_change: bool,
}

impl QueuePage {
    /// Returns the name and the total of each state.
    fn totals(&self) -> [(&'static str, StateTotal); 3] {
        let StoreStatus { pending, delivered, dead, .. } = self.status;
        [("Pending", pending), ("Delivered", delivered), ("Dead letters", dead)]
    }
}

#[derive(Template)]
#[template(path = "queued_event.html")]
struct QueuedEventPage {
    layout: Layout,
    entry: QueueEntry,
    headers: Vec<(String, String)>,
    body: String,
    can_replay: bool,
    can_drop: bool,
}

#[derive(Template)]
#[template(path = "no_store.html")]
struct NoStorePage {
    layout: Layout,
}

#[derive(Template)]
#[template(path = "store_failed.html")]
struct StoreFailedPage {
    layout: Layout,
    error: StoreError,
}
