//! The console: pages for the operator under `/console/` on the admin listener.
//!
//! 1. If the config has no token for the admin API, every path returns 404.
//! 2. A request must name a host of the admin listener, as for the API.
//! 3. The operator logs in with a token once, and receives a cookie. After too many wrong tokens, a
//!    client must wait, as for the API.
//! 4. A POST request must come from a page of the console. gatepost checks `sec-fetch-site` and
//!    `origin`.
//! 5. With the `admin_read_token`, the operator can only read.
//! 6. No page needs JavaScript. Each URL is relative, so that a proxy can serve the console under a
//!    path prefix.

mod account;
mod assets;
mod callbacks;
mod confirm;
mod domains;
mod edits;
mod filter_form;
#[expect(unreachable_pub, reason = "the macro of a filter makes it public")]
mod filters;
mod form;
mod layout;
mod own_listener;
mod queue;
mod response;
mod scenario;
mod send;
mod sessions;
mod status;
mod template_form;
mod templates;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use gatepost::report;
use http::{Method, Response, StatusCode};
use pingora::protocols::http::ServerSession;

use self::layout::{Layout, LoginPage, NoticePage};
use self::response::ConsoleResponse;
use self::scenario::Playbacks;
use self::sessions::Sessions;
use super::api::{Access, TokenAttempts, host};
use crate::clock;
use crate::queue::Queue;
use crate::served_config::ServedConfig;
use crate::telemetry::metrics::{AdminRefusal, METRICS};

/// Returns true if the path is a path of the console.
pub(crate) fn is_console(path: &str) -> bool {
    path.strip_prefix("/console").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The console: the sessions of the operators who have logged in, and the scenario that gatepost
/// plays for them.
#[derive(Default)]
pub(crate) struct Console {
    sessions: Sessions,
    playbacks: Playbacks,
}

impl Console {
    /// Handles a request on a path of the console.
    pub(crate) async fn respond(
        &self,
        served: &Arc<ServedConfig>,
        attempts: &TokenAttempts,
        queue: Option<&Queue>,
        session: &mut ServerSession,
    ) -> Response<Vec<u8>> {
        let mut request = ConsoleRequest::of(session);
        let response = self.answer(served, attempts, queue, session, &mut request).await;
        if request.method == Method::POST {
            // Close the connection, because a part of the body may be unread.
            session.set_keepalive(None);
        }
        response.into_response()
    }

    async fn answer(
        &self,
        served: &Arc<ServedConfig>,
        attempts: &TokenAttempts,
        queue: Option<&Queue>,
        session: &mut ServerSession,
        request: &mut ConsoleRequest,
    ) -> ConsoleResponse {
        let settings = served.gate().proxy_settings();
        if settings.admin_token.is_none() && settings.admin_read_token.is_none() {
            let text = "expected a token in the config, found none; set admin_token\n";
            return ConsoleResponse::text(StatusCode::NOT_FOUND, text);
        }
        if !host::is_allowed(session.req_header(), &settings.admin_hosts) {
            METRICS.requests.admin_refused(AdminRefusal::HostRefused);
            let text = "expected a host of the admin listener, found another name; use an IP address or \
                        localhost, or add the name to admin_hosts\n";
            return ConsoleResponse::text(StatusCode::MISDIRECTED_REQUEST, text);
        }
        let is_own = form::is_from_console(session.req_header(), &settings.admin_hosts);
        if request.method == Method::POST && !is_own {
            METRICS.requests.admin_refused(AdminRefusal::OriginRefused);
            let text = "expected a form from the console, found a request from another page; open the \
                        page in the console, and submit its form\n";
            return ConsoleResponse::text(StatusCode::FORBIDDEN, text);
        }
        let access = self.sessions.access(session.req_header(), &settings, Instant::now());
        let path = request.path.clone();
        let path: Vec<_> = path.split('/').skip(2).collect();
        match (&request.method, &*path) {
            (&Method::GET, []) => ConsoleResponse::redirect("console/"),
            (&Method::GET, ["assets", name]) => assets::find(name),
            (&Method::GET, ["login"]) => ConsoleResponse::page(&LoginPage::new("")),
            (&Method::POST, ["login"]) => self.log_in(served, attempts, session, request).await,
            (&Method::POST, ["logout"]) => {
                self.sessions.end(session.req_header());
                ConsoleResponse::redirect("login").with_cookie(&sessions::expired())
            }
            (&Method::GET | &Method::POST, path) => match access {
                Some(access) => {
                    request.access = access;
                    self.page(served, queue, session, request, path).await
                }
                // A script needs a status, because it cannot show the login page.
                None if path.last() == Some(&"feed") => {
                    let text = "expected a session, found none; log in again\n";
                    ConsoleResponse::text(StatusCode::UNAUTHORIZED, text)
                }
                None => ConsoleResponse::redirect(&format!("{}login", request.up())),
            },
            _ => {
                let text = "expected GET or POST, found another method; use one of the two\n";
                ConsoleResponse::text(StatusCode::METHOD_NOT_ALLOWED, text)
            }
        }
    }

    /// Returns a page for an operator who has logged in.
    async fn page(
        &self,
        served: &Arc<ServedConfig>,
        queue: Option<&Queue>,
        session: &mut ServerSession,
        request: &ConsoleRequest,
        path: &[&str],
    ) -> ConsoleResponse {
        let gate = served.gate();
        match (&request.method, path) {
            (&Method::GET, [""]) => callbacks::list(served, request).await,
            (&Method::GET, ["feed"]) => callbacks::feed(gate, request).await,
            (_, ["callbacks", id, rest @ ..]) => {
                callbacks::one(gate, session, request, id, rest).await
            }
            (&Method::GET, ["templates"]) => templates::list(served, request),
            (_, ["templates", name, rest @ ..]) => {
                templates::one(served, session, request, name, rest).await
            }
            (_, ["new-template"]) => templates::create(served, session, request).await,
            (_, ["queue", rest @ ..]) => queue::answer(queue, gate, session, request, rest).await,
            (_, ["account"]) => account::answer(served, session, request).await,
            (_, ["scenario", rest @ ..]) => {
                scenario::answer(&self.playbacks, served, session, request, rest).await
            }
            (_, ["send"]) => send::answer(served, session, request).await,
            (&Method::GET, ["status"]) => status::show(served, request),
            (_, ["domains"]) => domains::list(served, session, request).await,
            _ => request.no_page(),
        }
    }

    /// Checks the token of a login. If the token is correct, begins a session.
    async fn log_in(
        &self,
        served: &Arc<ServedConfig>,
        attempts: &TokenAttempts,
        session: &mut ServerSession,
        request: &ConsoleRequest,
    ) -> ConsoleResponse {
        let client = request.client;
        let refused = |status, problem: &str| {
            ConsoleResponse::page(&LoginPage::new(problem)).with_status(status)
        };
        let now = Instant::now();
        if attempts.delay(client, now).is_some() {
            METRICS.requests.admin_refused(AdminRefusal::TooManyAttempts);
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
            METRICS.requests.admin_refused(AdminRefusal::Unauthorized);
            let message = format_args!("refused a login to the console");
            report::warned(AdminRefusal::Unauthorized.as_str(), &message, client, clock::now());
            return refused(
                StatusCode::UNAUTHORIZED,
                "Wrong token: enter the admin_token or the admin_read_token.",
            );
        }
        attempts.succeed(client);
        let is_encrypted = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
        match self.sessions.begin(&settings, token.trim().as_bytes(), now) {
            Some(id) => {
                ConsoleResponse::redirect("./").with_cookie(&sessions::cookie(&id, is_encrypted))
            }
            None => refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                "gatepost cannot create a session: try again.",
            ),
        }
    }
}

/// Facts about a request, and the operator's permissions.
struct ConsoleRequest {
    method: Method,
    path: String,
    query: String,
    access: Access,
    client: Option<IpAddr>,
}

impl ConsoleRequest {
    fn of(session: &ServerSession) -> Self {
        let head = session.req_header();
        Self {
            method: if head.method == Method::HEAD { Method::GET } else { head.method.clone() },
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            access: Access::Read,
            client: session.client_addr().and_then(|address| address.as_inet()).map(SocketAddr::ip),
        }
    }

    /// Returns the relative path from this request to the root of the console.
    fn up(&self) -> String {
        "../".repeat(self.path.split('/').count().saturating_sub(3))
    }

    fn may_change(&self) -> bool {
        self.access == Access::Change
    }

    /// Returns the value of a parameter of the query.
    fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    }

    /// Returns a sentence about the change or the sample that has led to this page; an empty string
    /// if there is none.
    fn done(&self) -> &'static str {
        match self.parameter("done").as_deref() {
            Some("bound") => "Bound. The binding applies to every callback from now on.",
            Some("created") => {
                "Template created. Now bind the template to its domains or channels."
            }
            Some("deleted") => "Template deleted.",
            Some("sent") => "Sample sent. gatepost received the sample as this callback.",
            Some("saved") => "Saved. The change applies to every callback from now on.",
            Some("unbound") => "Unbound. The change applies to every callback from now on.",
            Some("unchanged") => "Nothing to save: the form and the config have the same values.",
            Some(_) | None => "",
        }
    }

    fn layout(&self, page: &'static str) -> Layout {
        Layout::new(&self.up(), page, self.access)
    }

    fn notice(
        &self,
        status: StatusCode,
        title: &'static str,
        text: &'static str,
    ) -> ConsoleResponse {
        let page = NoticePage::new(self.layout("notice"), title, text);
        ConsoleResponse::page(&page).with_status(status)
    }

    fn no_page(&self) -> ConsoleResponse {
        self.notice(StatusCode::NOT_FOUND, "Page not found", "The console has no such page.")
    }

    fn read_only(&self) -> ConsoleResponse {
        METRICS.requests.admin_refused(AdminRefusal::ReadOnly);
        let text = "You have logged in with the admin_read_token. Log in with the admin_token.";
        self.notice(StatusCode::FORBIDDEN, "You may read, but not change", text)
    }

    fn bad_form(&self) -> ConsoleResponse {
        let text = "The form is incomplete, invalid or longer than 512 KiB. Correct it, and send it again.";
        self.notice(StatusCode::BAD_REQUEST, "Unusable form", text)
    }
}
