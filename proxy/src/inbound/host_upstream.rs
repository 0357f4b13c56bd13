//! Requests to the app through the upstream of the host proxy. The host proxy is the Pingora proxy
//! that contains the gate.
//!
//! The event is a subrequest, for which Pingora calls the methods of the host's `ProxyHttp` with a
//! new context. gatepost reads the whole response of the upstream before the reply, because the
//! status of the reply depends on the body of the response.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use gatepost::{Accepted, Answer, MAX_ANSWER_BYTES, Question};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, StatusCode};
use pingora::http::ResponseHeader;
use pingora::prelude::{Error, Session};
use pingora::protocols::http::subrequest::server::SubrequestHandle;
use pingora::protocols::http::{HttpTask, ServerSession};
use pingora::proxy::SubrequestSpawner;
use pingora::proxy::subrequest::{BodyMode, Ctx};
use tokio::io::AsyncWriteExt as _;

use super::upstream_fault::upstream_fault;
use crate::app::{self, EventMessage};

/// The callback of an event, in the context of the subrequest.
struct HandedOver(Accepted);

/// Returns the callback of a subrequest for an event; `None` for a request of a client.
pub(super) fn handed_over(session: &Session) -> Option<&Accepted> {
    let context = session.subrequest_ctx.as_ref()?.user_ctx()?;
    Some(&context.downcast_ref::<HandedOver>()?.0)
}

/// The upstream of the host proxy.
pub(crate) struct HostUpstream(Option<SubrequestSpawner>);

/// Path, host and callback of an event.
pub(crate) struct EventTarget {
    accepted: Accepted,
    path: Option<PathAndQuery>,
    /// Host of the app's address; `None` if the event keeps its `host`.
    host: Option<HeaderValue>,
}

impl EventTarget {
    /// Creates the target of an event. An event without an address keeps the path of the callback.
    pub(crate) fn new(question: &Question, callback_path: Option<&PathAndQuery>) -> Self {
        let url = question.url();
        let path = url.map_or(callback_path, |url| url.path_and_query()).cloned();
        let authority = url.filter(|_| !question.keeps_host()).and_then(|url| url.authority());
        let host = authority.and_then(|name| HeaderValue::from_str(name.as_str()).ok());
        Self { accepted: question.accepted().clone(), path, host }
    }
}

impl HostUpstream {
    /// Takes a session's right to create subrequests.
    pub(super) fn take(session: &mut Session) -> Self {
        Self(session.subrequest_spawner.take())
    }

    /// Sends an event, and reads the answer, whose body may have at most [`MAX_ANSWER_BYTES`].
    pub(crate) async fn ask(&self, target: EventTarget, event: EventMessage) -> Answer {
        let Some(spawner) = &self.0 else {
            let why = "expected the right to create subrequests, found none; return true from \
                       `ProxyHttp::allow_spawning_subrequest`";
            return Answer::Unreachable(why.into());
        };
        let session = match event_session(&target, &event).await {
            Ok(session) => session,
            Err(error) => return failed(&error, false),
        };
        let mode = if event.body.is_empty() { BodyMode::NoBody } else { BodyMode::ExpectBody };
        let context = Ctx::builder().user_ctx(Box::new(HandedOver(target.accepted)));
        let (subrequest, mut handle) =
            spawner.create_subrequest(&session, context.body_mode(mode).build());
        if mode == BodyMode::ExpectBody {
            // The channel is empty, and has room for several tasks.
            let _sent = handle.tx.try_send(HttpTask::Body(Some(event.body), true));
        }
        let answer = {
            let (mut run, mut read) = (pin!(subrequest.run()), pin!(read_answer(&mut handle)));
            let (mut has_run, mut answer) = (false, None);
            // Poll the subrequest after the answer, too, so that Pingora keeps the connection and
            // writes its log.
            poll_fn(|cx| {
                if !has_run {
                    has_run = run.as_mut().poll(cx).is_ready();
                }
                if answer.is_none()
                    && let Poll::Ready(read) = read.as_mut().poll(cx)
                {
                    answer = Some(read);
                }
                if has_run && answer.is_some() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            answer
        };
        match handle.subreq_proxy_error.try_recv() {
            Ok(error) if !matches!(answer, Some(Answer::Response { body: None, .. })) => {
                failed(&error, false)
            }
            Ok(_) | Err(_) => answer.unwrap_or(Answer::Timeout),
        }
    }
}

/// Returns a session whose request is the event without its body.
async fn event_session(
    target: &EventTarget,
    event: &EventMessage,
) -> pingora::Result<ServerSession> {
    let head = head(target, event);
    let (mut client, server) = tokio::io::duplex(head.len());
    // The pipe has room for the whole head.
    let _written = client.write_all(&head).await;
    let mut session = ServerSession::new_http1(Box::new(server));
    session.read_request().await?;
    Ok(session)
}

/// Returns the head of the event as HTTP/1.1.
fn head(target: &EventTarget, event: &EventMessage) -> Bytes {
    let path = target.path.as_ref().map_or("/", PathAndQuery::as_str);
    let mut head = BytesMut::new();
    for part in [event.method.as_str(), " ", path, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    let kept = |name| target.host.is_none() || name != HOST;
    let headers = event.headers.iter().filter(|(name, _)| kept(*name));
    for (name, value) in headers.chain(target.host.iter().map(|host| (&HOST, host))) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head.freeze()
}

/// Reads the response of the upstream.
async fn read_answer(handle: &mut SubrequestHandle) -> Answer {
    let mut response: Option<(StatusCode, HeaderMap)> = None;
    let mut body = BytesMut::new();
    while let Some(task) = handle.rx.recv().await {
        let is_end = task.is_end();
        match task {
            HttpTask::Header(header, _) if header.status.is_informational() => continue,
            HttpTask::Header(header, _) => response = Some(parts(&header)),
            HttpTask::Body(chunk, _) | HttpTask::UpgradedBody(chunk, _) => {
                body.extend_from_slice(chunk.as_deref().unwrap_or_default());
            }
            HttpTask::Failed(error) => return failed(&error, response.is_some()),
            HttpTask::Trailer(_) | HttpTask::Done => {}
        }
        if body.len() > MAX_ANSWER_BYTES {
            // Closing the receiver ends the subrequest.
            handle.rx.close();
            let (status, headers) = response.unwrap_or_default();
            return Answer::Response { status, headers, body: None };
        }
        if is_end {
            break;
        }
    }
    match response {
        Some((status, headers)) => Answer::Response { status, headers, body: Some(body.freeze()) },
        None => Answer::Unreachable(
            "expected a response from the upstream, found none; read the upstream's log".into(),
        ),
    }
}

fn parts(header: &ResponseHeader) -> (StatusCode, HeaderMap) {
    (header.status, header.headers.clone())
}

/// Converts an error of the upstream to an [`Answer`]. `has_begun` is true if the head of the
/// response has arrived.
fn failed(error: &Error, has_begun: bool) -> Answer {
    let explained = app::tls_fault::explain_pingora(error);
    let reason = explained.unwrap_or_else(|| error.etype().as_str().into()).into_owned();
    match upstream_fault(error, has_begun) {
        Some(fault) => Answer::Unreadable(fault, reason),
        None => Answer::Unreachable(reason),
    }
}
