//! JSON API for templates, captured callbacks and queued events. The API is on the admin listener.
//! With the `admin_token`, a client can read and change; with the `admin_read_token`, a client can
//! only read.
//!
//! 1. If the config has neither token, every path of the API returns 404.
//! 2. The API refuses a request whose [`host`](host) does not name the admin listener.
//! 3. After too many wrong tokens, a client must [wait](attempts).
//! 4. The API reads the body only after it has accepted the token.
//! 5. The API serves its own OpenAPI description, `/api/openapi.json`.
//! 6. An edit applies to every callback that arrives after the API has sent its response.

mod attempts;
mod body;
mod capture;
mod error;
pub(super) mod host;
mod key_proof;
#[cfg(test)]
mod page;
mod queue;
mod reply;
mod request;
mod resource;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use gatepost::{AdminToken, ProxySettings, report};
use gatepost_editor::Edit;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Response};
use pingora::http::RequestHeader;
use pingora::protocols::http::ServerSession;
use serde_json::Value as Json;

pub(crate) use self::attempts::TokenAttempts;
pub(super) use self::capture::page_query;
use self::error::ApiError;
use self::reply::ApiReply;
use self::resource::Resource;
use crate::clock;
use crate::queue::Queue;
use crate::served_config::ServedConfig;
use crate::telemetry::metrics::METRICS;

/// OpenAPI description of the API.
const OPENAPI: &str = include_str!("openapi.json");

/// Returns true if the path is a path of the API.
pub(crate) fn is_api(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Handles a request on a path of the API.
pub(crate) async fn respond(
    served: &Arc<ServedConfig>,
    attempts: &TokenAttempts,
    queue: Option<&Queue>,
    session: &mut ServerSession,
) -> Response<Vec<u8>> {
    let client = session.client_addr().and_then(|address| address.as_inet()).map(SocketAddr::ip);
    let settings = served.gate().proxy_settings();
    let admitted = admit(&settings, attempts, client, session.req_header());
    if let Err(error) = admitted {
        if let Some(refusal) = error.refusal() {
            METRICS.requests.admin_refused(refusal);
        }
        if matches!(error, ApiError::HostRefused | ApiError::Unauthorized) {
            let (_, code) = error.status_and_code();
            let message = format_args!("refused a request to the admin API: {error}");
            report::warned(code, &message, client, clock::now());
        }
        // Close the connection, because gatepost does not read the body of this request.
        session.set_keepalive(None);
        return ApiReply::error(&error).into_response();
    }
    let reply = answer(served, queue, session, client)
        .await
        .unwrap_or_else(|error| ApiReply::error(&error));
    // If a part of the body is still unread, close the connection, so that gatepost does not parse
    // that part as the next request.
    if !body::discard(session).await {
        session.set_keepalive(None);
    }
    reply.into_response()
}

/// Checks the host and the token of a request, and whether the token permits the method.
fn admit(
    settings: &ProxySettings,
    attempts: &TokenAttempts,
    client: Option<IpAddr>,
    head: &RequestHeader,
) -> Result<(), ApiError> {
    if settings.admin_token.is_none() && settings.admin_read_token.is_none() {
        return Err(ApiError::NoApi);
    }
    if !host::is_allowed(head, &settings.admin_hosts) {
        return Err(ApiError::HostRefused);
    }
    let given = given_token(&head.headers).ok_or(ApiError::Unauthorized)?;
    let now = Instant::now();
    if let Some(delay) = attempts.delay(client, now) {
        return Err(ApiError::TooManyAttempts { delay });
    }
    let Some(access) = Access::of(settings, given) else {
        attempts.fail(client, now);
        return Err(ApiError::Unauthorized);
    };
    attempts.succeed(client);
    match access {
        Access::Read if !matches!(head.method, Method::GET) => Err(ApiError::ReadOnly),
        Access::Read | Access::Change => Ok(()),
    }
}

/// Permissions of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Permission to read and to change, given by the `admin_token`.
    Change,
    /// Permission to read, given by the `admin_read_token`.
    Read,
}

impl Access {
    /// Returns the permissions of a token; `None` for a wrong token.
    pub(crate) fn of(settings: &ProxySettings, given: &[u8]) -> Option<Self> {
        let is =
            |token: &Option<AdminToken>| token.as_ref().is_some_and(|token| token.matches(given));
        if is(&settings.admin_token) {
            return Some(Self::Change);
        }
        is(&settings.admin_read_token).then_some(Self::Read)
    }
}

async fn answer(
    served: &Arc<ServedConfig>,
    queue: Option<&Queue>,
    session: &mut ServerSession,
    client: Option<IpAddr>,
) -> Result<ApiReply, ApiError> {
    let head = session.req_header();
    let resource = Resource::find(head.uri.path())?;
    let method = head.method.clone();
    if !resource.methods().contains(&method) {
        return Ok(ApiReply::method_not_allowed(&resource));
    }
    let body = match method {
        Method::PATCH | Method::POST => body::json(session).await?,
        _ => Json::Null,
    };
    let query = session.req_header().uri.query();
    let gate = served.gate();
    if let Resource::AcceptedKey(name) = &resource {
        return key_proof::answer(gate, name, query.unwrap_or_default());
    }
    if let Resource::Capture(resource) = resource {
        return capture::answer(gate, resource, query, &body).await;
    }
    if let Resource::Queue(resource) = resource {
        let queue = queue.ok_or(ApiError::NoStore)?;
        return queue::answer(queue, gate, resource, query, &body).await;
    }
    let served = Arc::clone(served);
    // Use a blocking thread, because an edit reads and writes files.
    let done =
        tokio::task::spawn_blocking(move || carry_out(&served, resource, &method, &body, client));
    done.await.unwrap_or(Err(ApiError::Panicked))
}

/// Returns the bearer token of a request; `None` for a missing or repeated `authorization`
/// header, and for another scheme.
fn given_token(headers: &HeaderMap) -> Option<&[u8]> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let value = given.next().filter(|_| given.next().is_none())?;
    bearer(value.as_bytes())
}

/// Returns the token of a header value such as `Bearer s3cret`; `None` for any other scheme.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}

fn carry_out(
    served: &ServedConfig,
    resource: Resource,
    method: &Method,
    body: &Json,
    client: Option<IpAddr>,
) -> Result<ApiReply, ApiError> {
    let edit = |edit: &Edit| served.edit(edit, client);
    match (resource, method) {
        // `answer` handles these resources.
        (Resource::AcceptedKey(_) | Resource::Capture(_) | Resource::Queue(_), _) => {
            Err(ApiError::NotFound)
        }
        (Resource::OpenApi, _) => Ok(ApiReply::text(OPENAPI)),
        (Resource::Templates, &Method::POST) => {
            let template = request::new_template(body)?;
            let name = template.name.clone();
            edit(&Edit::Create(template))?;
            Ok(ApiReply::created(&served.template(&name)?))
        }
        (Resource::Templates, _) => Ok(ApiReply::templates(&served.templates())),
        (Resource::Template(name), &Method::DELETE) => {
            edit(&Edit::Delete { name })?;
            Ok(ApiReply::empty())
        }
        (Resource::Template(name), &Method::PATCH) => {
            let change = request::change(body)?;
            let new = change.rename.clone().unwrap_or_else(|| name.clone());
            edit(&Edit::Modify { name, change })?;
            Ok(ApiReply::template(&served.template(&new)?))
        }
        (Resource::Template(name), _) => Ok(ApiReply::template(&served.template(&name)?)),
        (Resource::Binding(name, tenant), &Method::DELETE) => {
            edit(&Edit::Unbind { name: name.clone(), tenants: vec![tenant] })?;
            Ok(ApiReply::template(&served.template(&name)?))
        }
        (Resource::Binding(name, tenant), _) => {
            edit(&Edit::Bind { name: name.clone(), tenants: vec![tenant] })?;
            Ok(ApiReply::template(&served.template(&name)?))
        }
    }
}
