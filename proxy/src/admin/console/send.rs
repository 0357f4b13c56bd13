//! The Send page: sends a sample callback of any kind, signed with a key of the template, to
//! gatepost's own listener.

use askama::Template;
use bytes::Bytes;
use gatepost::{Gate, RouteInfo};
use http::{Method, Request, StatusCode};
use pingora::protocols::http::ServerSession;
use serde_json::{Map, Value as Json};

use super::form::{self, Form};
use super::layout::Layout;
use super::response::ConsoleResponse;
use super::{ConsoleRequest, filters, own_listener};
use crate::capture::CAPTURED;
use crate::clock;
use crate::served_config::ServedConfig;

/// Handles `send`: the choice of a kind, the sample, and the request.
pub(super) async fn answer(
    served: &ServedConfig,
    session: &mut ServerSession,
    request: &ConsoleRequest,
) -> ConsoleResponse {
    let gate = served.gate();
    let Some(mut page) = SamplePage::of(gate, request) else {
        let routes = served.routes();
        let targets = routes.iter().flat_map(SendTarget::of_route).collect();
        return ConsoleResponse::page(&SendPage { layout: request.layout("send"), targets });
    };
    if request.method == Method::GET {
        return ConsoleResponse::page(&page);
    }
    if !request.may_change() {
        return request.read_only();
    }
    let Some(sent) = form::read(session).await else { return request.bad_form() };
    page.fill(&sent);
    match page.request(gate) {
        Err(problem) => {
            page.problem = problem;
            ConsoleResponse::page(&page).with_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Ok(callback) => deliver(page, callback).await,
    }
}

/// Sends the callback, and redirects to the page of the captured callback. If gatepost has not
/// captured the callback, shows the reply.
async fn deliver(page: SamplePage, callback: Request<Bytes>) -> ConsoleResponse {
    let kind = &page.kind;
    let received = own_listener::send(callback, own_listener::CAPTURE_WAIT).await;
    tracing::info!(
        kind,
        template = page.template,
        "sent a sample callback from gatepost's console"
    );
    if let Some(id) = received.id {
        return ConsoleResponse::redirect(&format!("callbacks/{id}?done=sent"));
    }
    let result = received.reply.map_err(|error| error.to_string());
    let result = result.map(|(head, body)| SampleReply {
        status: head.status.to_string(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let status = if result.is_ok() { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
    let page = SentPage { layout: page.layout, is_off: !CAPTURED.is_on(), result };
    ConsoleResponse::page(&page).with_status(status)
}

/// Kinds of the callbacks that a platform sends for a template on a route.
struct SendTarget {
    route: String,
    is_shadow: bool,
    provider: String,
    template: String,
    kinds: Vec<String>,
}

impl SendTarget {
    fn of_route(route: &RouteInfo) -> impl Iterator<Item = Self> {
        route.templates.iter().map(|template| {
            let kinds = template.kinds.iter().map(|kind| kind.name.to_string());
            Self {
                route: route.label.to_string(),
                is_shadow: route.is_shadow,
                provider: route.provider.to_string(),
                template: template.name.to_string(),
                kinds: kinds.filter(|kind| kind != "unknown").collect(),
            }
        })
    }
}

#[derive(Template)]
#[template(path = "send.html")]
struct SendPage {
    layout: Layout,
    targets: Vec<SendTarget>,
}

/// The sample, with the operator's fields and the fault of the last attempt.
#[derive(Template)]
#[template(path = "sample.html")]
struct SamplePage {
    layout: Layout,
    route: String,
    template: String,
    kind: String,
    /// Meaning of the kind.
    about: String,
    /// Fields of the callback as a JSON object.
    fields: String,
    lacks_key: bool,
    problem: String,
}

impl SamplePage {
    /// Creates the page of the kind that the query names; `None` if the config has no such kind.
    fn of(gate: &Gate, request: &ConsoleRequest) -> Option<Self> {
        let [route, template, kind] =
            ["route", "template", "kind"].map(|name| request.parameter(name).unwrap_or_default());
        let source = gate.template_sample(&route, &template, &kind)?;
        let fields = source.sample().fields().clone();
        Some(Self {
            layout: request.layout("send"),
            about: source.about().unwrap_or_default().to_owned(),
            fields: Json::from(fields).to_string(),
            lacks_key: source.lacks_key(),
            problem: String::new(),
            route,
            template,
            kind,
        })
    }

    fn fill(&mut self, sent: &Form) {
        if let Some(fields) = form::value(sent, "fields") {
            fields.trim().clone_into(&mut self.fields);
        }
    }

    /// Builds the signed callback.
    fn request(&self, gate: &Gate) -> Result<Request<Bytes>, String> {
        let fields = serde_json::from_str::<Map<String, Json>>(&self.fields).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!(
                "expected a JSON object, found a fault in line {line}, column {column}; correct it"
            )
        })?;
        let source = gate.template_sample(&self.route, &self.template, &self.kind);
        let source = source.ok_or("expected this kind of the template on this route, found none in the config; open the Send page again")?;
        let server = own_listener::address(&gate.proxy_settings())?;
        let url = source
            .url(&server)
            .ok_or("expected a path that is valid in a URL, found another; correct the route")?;
        let mut sample = source.sample();
        sample.set_fields(fields);
        source.sign(sample, clock::now()).request(&url).map_err(|error| error.to_string())
    }
}

struct SampleReply {
    status: String,
    body: String,
}

/// The reply to a sample that gatepost has not captured.
#[derive(Template)]
#[template(path = "sent.html")]
struct SentPage {
    layout: Layout,
    is_off: bool,
    result: Result<SampleReply, String>,
}
