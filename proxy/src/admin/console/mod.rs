//! The console: pages for the operator below `/console/` on the admin listener.
//!
//! 1. If the config has no token for the admin API, every path returns 404.
//! 2. A request must name a host of the admin listener, as for the API.
//! 3. The operator logs in with a token once, and gets a cookie. After wrong tokens, a client must
//!    wait, as for the API.
//! 4. A request that changes something must come from a page of the console: `sec-fetch-site` or
//!    `origin` says so.
//! 5. With the `admin_read_token`, the operator can only read.
//! 6. Each page works without JavaScript, and each URL is relative, so that the console works below
//!    a path prefix of a proxy.

mod assets;
mod form;
mod pages;
mod response;
mod sessions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use gatepost::report;
use http::{Method, Response, StatusCode};
use pingora::protocols::http::ServerSession;

use self::pages::{CallbackPageView, CallbacksPage, LoginPage, NoticePage, ReplayPage};
use self::response::ConsoleResponse;
use self::sessions::Sessions;
use super::api::{Access, TokenAttempts, host, page_query};
use crate::capture::{CAPTURED, CallbackPage, Viewer, replay, saved_request};
use crate::clock;
use crate::served_config::ServedConfig;
use crate::telemetry::metrics::METRICS;

/// Returns true if the path is a path of the console.
pub(crate) fn is_console(path: &str) -> bool {
    path.strip_prefix("/console").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The console and the operators that have logged in.
#[derive(Default)]
pub(crate) struct Console {
    sessions: Sessions,
}

impl Console {
    /// Handles a request on a path of the console.
    pub(crate) async fn respond(
        &self,
        served: &Arc<ServedConfig>,
        attempts: &TokenAttempts,
        session: &mut ServerSession,
    ) -> Response<Vec<u8>> {
        let request = ConsoleRequest::of(session);
        let response = self.answer(served, attempts, session, &request).await;
        if request.method == Method::POST {
            // A part of the body may be unread.
            session.set_keepalive(None);
        }
        response.into_response()
    }

    async fn answer(
        &self,
        served: &Arc<ServedConfig>,
        attempts: &TokenAttempts,
        session: &mut ServerSession,
        request: &ConsoleRequest,
    ) -> ConsoleResponse {
        let settings = served.gate().proxy_settings();
        if settings.admin_token.is_none() && settings.admin_read_token.is_none() {
            return ConsoleResponse::text(StatusCode::NOT_FOUND, "set admin_token in the config\n");
        }
        if !host::is_allowed(session.req_header(), &settings.admin_hosts) {
            METRICS.requests.admin_refused("host_refused");
            let text = "use an IP address or localhost, or add the name to admin_hosts\n";
            return ConsoleResponse::text(StatusCode::MISDIRECTED_REQUEST, text);
        }
        if request.method == Method::POST && !form::is_from_console(session.req_header()) {
            METRICS.requests.admin_refused("origin_refused");
            return ConsoleResponse::text(StatusCode::FORBIDDEN, "send the form of the console\n");
        }
        let access = self.sessions.access(session.req_header(), &settings, Instant::now());
        let path: Vec<_> = request.path.split('/').skip(2).collect();
        match (&request.method, &*path) {
            (&Method::GET, []) => ConsoleResponse::redirect("console/"),
            (&Method::GET, ["assets", name]) => assets::find(name),
            (&Method::GET, ["login"]) => ConsoleResponse::page(&LoginPage::new("")),
            (&Method::POST, ["login"]) => self.log_in(served, attempts, session).await,
            (&Method::POST, ["logout"]) => {
                self.sessions.end(session.req_header());
                ConsoleResponse::redirect("login").with_cookie(&sessions::expired())
            }
            (_, path) => match access {
                None => ConsoleResponse::redirect(&format!("{}login", request.up())),
                Some(access) => page(served, session, request, path, access).await,
            },
        }
    }

    /// Checks the token of a login.
    async fn log_in(
        &self,
        served: &Arc<ServedConfig>,
        attempts: &TokenAttempts,
        session: &mut ServerSession,
    ) -> ConsoleResponse {
        let client = session.client_addr().and_then(|address| address.as_inet());
        let client = client.map(SocketAddr::ip);
        let refused = |status, problem: &str| {
            ConsoleResponse::page(&LoginPage::new(problem)).with_status(status)
        };
        let now = Instant::now();
        if attempts.delay(client, now).is_some() {
            let problem = "Too many wrong tokens: wait a minute, then try again.";
            return refused(StatusCode::TOO_MANY_REQUESTS, problem);
        }
        let Some(form) = form::read(session).await else {
            return refused(StatusCode::BAD_REQUEST, "The form did not arrive: send it again.");
        };
        let settings = served.gate().proxy_settings();
        let token = form::value(&form, "token").unwrap_or_default();
        if Access::of(&settings, token.trim().as_bytes()).is_none() {
            attempts.fail(client, now);
            METRICS.requests.admin_refused("unauthorized");
            let message = format_args!("refused a login to the console");
            report::warned("unauthorized", &message, client, clock::now());
            return refused(StatusCode::UNAUTHORIZED, "Wrong token: enter the admin_token.");
        }
        attempts.succeed(client);
        let is_encrypted = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
        match self.sessions.begin(&settings, token.trim().as_bytes(), now) {
            Some(id) => {
                ConsoleResponse::redirect("./").with_cookie(&sessions::cookie(&id, is_encrypted))
            }
            None => refused(StatusCode::INTERNAL_SERVER_ERROR, "No random bytes: try again."),
        }
    }
}

/// Facts of a request.
struct ConsoleRequest {
    method: Method,
    path: String,
    query: String,
}

impl ConsoleRequest {
    fn of(session: &ServerSession) -> Self {
        let head = session.req_header();
        let method = if head.method == Method::HEAD { Method::GET } else { head.method.clone() };
        let query = head.uri.query().unwrap_or_default().to_owned();
        Self { method, path: head.uri.path().to_owned(), query }
    }

    /// Returns the relative path from this request to the root of the console.
    fn up(&self) -> String {
        "../".repeat(self.path.split('/').count().saturating_sub(3))
    }
}

/// Returns a page for an operator who has logged in.
async fn page(
    served: &Arc<ServedConfig>,
    session: &mut ServerSession,
    request: &ConsoleRequest,
    path: &[&str],
    access: Access,
) -> ConsoleResponse {
    let gate = served.gate();
    match (&request.method, path) {
        (&Method::GET, [""]) => {
            let Ok(query) = page_query(&request.query) else { return invalid_filter() };
            let filter = query.filter.clone();
            let page = CallbackPage::wait_for(gate, query).await;
            ConsoleResponse::page(&CallbacksPage::new(page, filter, &request.query))
        }
        (&Method::GET, ["feed"]) => match page_query(&request.query) {
            Ok(query) => ConsoleResponse::json(&CallbackPage::wait_for(gate, query).await),
            Err(_) => invalid_filter(),
        },
        (&Method::GET, ["callbacks", id]) => match find(id) {
            Some(numbered) => {
                let view = Viewer::new(gate).view(&numbered);
                ConsoleResponse::page(&CallbackPageView::new(view, access == Access::Change))
            }
            None => gone(),
        },
        (&Method::GET, ["callbacks", id, "request"]) => match find(id) {
            Some(numbered) => {
                let name = format!("callback-{}.http", numbered.id);
                ConsoleResponse::download(&name, saved_request(&Viewer::new(gate), &numbered))
            }
            None => gone(),
        },
        (&Method::POST, ["callbacks", _, "replay"]) if access == Access::Read => {
            let notice = NoticePage::new(
                "../../",
                "The read token cannot send: log in with the admin_token.",
            );
            ConsoleResponse::page(&notice).with_status(StatusCode::FORBIDDEN)
        }
        (&Method::POST, ["callbacks", id, "replay"]) => match find(id) {
            Some(numbered) => {
                let Some(form) = form::read(session).await else {
                    return ConsoleResponse::text(StatusCode::BAD_REQUEST, "send the form again\n");
                };
                // A form sends line ends as CR LF.
                let edited = form::value(&form, "body").map(|body| body.replace("\r\n", "\n"));
                let result = replay(gate, &numbered, edited.map(Bytes::from)).await;
                ConsoleResponse::page(&ReplayPage::new(numbered.id, result))
            }
            None => gone(),
        },
        _ => {
            let up = request.up();
            let notice = NoticePage::new(&up, "There is no such page.");
            ConsoleResponse::page(&notice).with_status(StatusCode::NOT_FOUND)
        }
    }
}

fn find(id: &str) -> Option<crate::capture::Numbered> {
    CAPTURED.get(id.parse().ok()?)
}

fn gone() -> ConsoleResponse {
    let notice = NoticePage::new(
        "../",
        "gatepost holds this callback no more: newer ones have replaced it.",
    );
    ConsoleResponse::page(&notice).with_status(StatusCode::NOT_FOUND)
}

fn invalid_filter() -> ConsoleResponse {
    let notice = NoticePage::new("./", "A filter is invalid: choose the values in the form.");
    ConsoleResponse::page(&notice).with_status(StatusCode::BAD_REQUEST)
}
