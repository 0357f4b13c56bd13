//! The templates over the admin listener: a JSON API, for whoever knows `admin_token`.
//!
//! 1. Without `admin_token` in the config there is nothing here: 404, whatever is asked.
//! 2. Nothing is said, and no body read, before the token is right.
//! 3. What the API is: `openapi.json`, which it serves itself.
//! 4. An edit holds for all callbacks that come after its answer.

mod body;
mod reply;
mod request;
mod resource;

use std::sync::Arc;

use gatepost::AdminToken;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Response};
use pingora::protocols::http::ServerSession;
use serde_json::Value as Json;

use self::reply::Reply;
use self::resource::Resource;
use crate::served_config::Served;
use crate::templates::edit::Edit;
use crate::templates::problem::{Code, Problem};

/// What the API is, for machines.
const OPENAPI: &str = include_str!("openapi.json");

/// Whether a path is the API's.
pub(crate) fn is_api(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request on a path of the API.
pub(crate) async fn respond(
    served: &Arc<Served>,
    session: &mut ServerSession,
) -> Response<Vec<u8>> {
    let token = served.gate().proxy_settings().admin_token;
    if let Err(problem) = check_token(token.as_ref(), &session.req_header().headers) {
        if problem.code == Code::Unauthorized {
            let from = session.client_addr().map(ToString::to_string);
            tracing::warn!(from, "the admin API was refused: {}", problem.message);
        }
        // Nothing is read for somebody without the token.
        session.set_keepalive(None);
        return Reply::problem(&problem).into_response();
    }
    let reply = answer(served, session).await.unwrap_or_else(|problem| Reply::problem(&problem));
    // What nobody has read would be taken for the next request.
    if !body::discard(session).await {
        session.set_keepalive(None);
    }
    reply.into_response()
}

async fn answer(served: &Arc<Served>, session: &mut ServerSession) -> Result<Reply, Problem> {
    let head = session.req_header();
    let resource = Resource::find(head.uri.path())?;
    let method = head.method.clone();
    if !resource.methods().contains(&method) {
        return Ok(Reply::method_not_allowed(&resource));
    }
    let body = match method {
        Method::PATCH | Method::POST => body::json(session).await?,
        _ => Json::Null,
    };
    let served = Arc::clone(served);
    let done = tokio::task::spawn_blocking(move || carry_out(&served, resource, &method, &body));
    done.await
        .unwrap_or_else(|_| Err(Problem::new(Code::Internal, "the edit broke off; see the log")))
}

fn check_token(token: Option<&AdminToken>, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = token else {
        return Err(Problem::new(
            Code::NotFound,
            "there is no API without admin_token in the config",
        ));
    };
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let given = given.next().filter(|_| given.next().is_none());
    let given = given.and_then(|value| bearer(value.as_bytes()));
    if given.is_some_and(|given| token.matches(given)) {
        return Ok(());
    }
    let message = "the token is missing or wrong; send authorization: Bearer and the admin_token";
    Err(Problem::new(Code::Unauthorized, message))
}

/// The token of a header such as `Bearer s3cret`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}

fn carry_out(
    served: &Served,
    resource: Resource,
    method: &Method,
    body: &Json,
) -> Result<Reply, Problem> {
    match (resource, method) {
        (Resource::OpenApi, _) => Ok(Reply::text(OPENAPI)),
        (Resource::Templates, &Method::POST) => {
            let draft = request::draft(body)?;
            let name = draft.name.clone();
            served.edit(&Edit::Create(draft))?;
            served.view(&name).map(|view| Reply::created(&view))
        }
        (Resource::Templates, _) => Ok(Reply::templates(&served.views())),
        (Resource::Template(name), &Method::DELETE) => {
            served.edit(&Edit::Delete { name })?;
            Ok(Reply::empty())
        }
        (Resource::Template(name), &Method::PATCH) => {
            let change = request::change(body)?;
            let new = change.rename.clone().unwrap_or_else(|| name.clone());
            served.edit(&Edit::Modify { name, change })?;
            served.view(&new).map(|view| Reply::template(&view))
        }
        (Resource::Template(name), _) => served.view(&name).map(|view| Reply::template(&view)),
        (Resource::Binding(name, tenant), &Method::DELETE) => {
            served.edit(&Edit::Unbind { name: name.clone(), tenants: vec![tenant] })?;
            served.view(&name).map(|view| Reply::template(&view))
        }
        (Resource::Binding(name, tenant), _) => {
            served.edit(&Edit::Bind { name: name.clone(), tenants: vec![tenant] })?;
            served.view(&name).map(|view| Reply::template(&view))
        }
    }
}
