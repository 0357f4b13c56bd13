//! The Send page: a sample callback of any kind, signed with a key of the template, to gatepost's own
//! listener.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use askama::Template;
use bytes::Bytes;
use gatepost::{Gate, ProxySettings, RouteInfo};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use pingora::protocols::http::ServerSession;
use serde_json::{Map, Value as Json};

use super::form::{self, Form};
use super::layout::Layout;
use super::response::ConsoleResponse;
use super::{ConsoleRequest, filters};
use crate::capture::{CAPTURED, CapturedCallback};
use crate::served_config::ServedConfig;
use crate::{app, clock};

/// Time for which the page waits for the captured callback after the reply.
const CAPTURE_WAIT: Duration = Duration::from_secs(2);

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

/// Sends the callback, and leads to the captured one.
async fn deliver(page: SamplePage, callback: Request<Bytes>) -> ConsoleResponse {
    let (method, uri) = (callback.method().clone(), callback.uri().clone());
    let (body, newest) = (callback.body().clone(), CAPTURED.newest());
    let kind = &page.kind;
    let reply = app::fetch(callback.map(Full::new)).await;
    tracing::info!(kind, template = page.template, "sent a sample callback in the console");
    let is_sent = |own: &CapturedCallback| {
        own.head.method == method
            && own.head.uri.path_and_query() == uri.path_and_query()
            && own.body().0 == &body
    };
    if CAPTURED.is_on()
        && let Some(numbered) = CAPTURED.wait_for(newest, CAPTURE_WAIT, is_sent).await
    {
        return ConsoleResponse::redirect(&format!("callbacks/{}?done=sent", numbered.id));
    }
    let result = reply.map_err(|error| error.to_string()).map(|(head, body)| SampleReply {
        status: head.status.to_string(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let status = if result.is_ok() { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
    let page = SentPage { layout: page.layout, is_off: !CAPTURED.is_on(), result };
    ConsoleResponse::page(&page).with_status(status)
}

/// Returns the address of a listener for callbacks that this process can reach.
fn listener(settings: &ProxySettings) -> Result<String, String> {
    if settings.proxy_protocol {
        let problem = "gatepost expects the PROXY protocol on its listeners, which this page does not \
                       send. Use gatepost send with the address of the load balancer.";
        return Err(problem.into());
    }
    let Some(address) = settings.listen.first() else {
        let problem =
            "The config has no listen without TLS. Use gatepost send with the public address.";
        return Err(problem.into());
    };
    Ok(format!("http://{}", reachable(*address)))
}

/// Replaces the unspecified address, `0.0.0.0` or `::`, with the loopback address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Kinds that a platform sends for a template on a route.
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
    /// Creates the page of the kind that the query names; `None` if it names none.
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
        let source = source.ok_or("The config has no such template on this route any more.")?;
        let server = listener(&gate.proxy_settings())?;
        let url = source.url(&server).ok_or("The path of the route is no valid URL.")?;
        let mut sample = source.sample();
        sample.set_fields(fields);
        source.sign(sample, clock::now()).request(&url).map_err(|error| error.to_string())
    }
}

struct SampleReply {
    status: String,
    body: String,
}

/// The reply to a sample that the ring has not captured.
#[derive(Template)]
#[template(path = "sent.html")]
struct SentPage {
    layout: Layout,
    is_off: bool,
    result: Result<SampleReply, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_listener_of_all_addresses_over_loopback() {
        for (listen, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:8080", "192.0.2.1:8080"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), expected);
        }
    }
}
