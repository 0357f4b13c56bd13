//! The proxy of the program `gatepost`. Passes callbacks to the gate, and other requests to the
//! upstream.

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use gatepost::{Gate, Reply};
use http::header::{CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING};
use http::{Method, StatusCode, Version};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use pingora::ErrorSource;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::prelude::{Error, ErrorType, HttpPeer, ProxyHttp, Session};
use pingora::protocols::Digest;
use pingora::proxy::FailToProxy;

use super::gate_module::{Filtered, GateModule};
use super::passed_headers::{
    accepts_trailers, asks_to_close, is_last_recipient, settle_reply, settle_request,
    settle_upgrade,
};
use super::session::{open_stream, peer, write_unread};
use super::upstream::{Attempts, Upstream};
use crate::inbound::callback_driver::CallbackDriver;
use crate::inbound::connections::{ConnectionState, OpenConnection, RequestInFlight};
use crate::inbound::exchange::{DRAIN_TIMEOUT, Exchange as _};
use crate::inbound::http1::MalformedChunks;
use crate::inbound::unreadable;
use crate::inbound::upstream_fault::{UpstreamEnd, is_close};
use crate::queue::Queue;
use crate::telemetry::access_log::{self, LoggedRequest};
use crate::telemetry::metrics::{METRICS, PassedBytes};

/// The proxy of the program `gatepost`. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ProxyService {
    module: GateModule,
    upstream: Option<Arc<Upstream>>,
}

impl ProxyService {
    pub(crate) fn new(gate: Gate, upstream: Option<Upstream>, queue: Option<Arc<Queue>>) -> Self {
        Self { module: GateModule::new(gate).with_queue(queue), upstream: upstream.map(Arc::new) }
    }

    pub(crate) const fn driver(&self) -> &CallbackDriver {
        self.module.driver()
    }
}

/// State of one request.
pub(crate) struct RequestState {
    attempts: Attempts,
    /// True if the pooled connection had ended before gatepost used it.
    found_dead_connection: bool,
    /// True if the upstream closed a new connection after the TLS handshake, without a response.
    is_closed_after_handshake: bool,
    started: Instant,
    /// Result of the module's work; `None` before the module has filtered the request.
    filtered: Option<Filtered>,
    /// True if gatepost passes the request to the upstream.
    is_passed: bool,
    /// True if the upstream has sent a final response head.
    has_response: bool,
    _serving: RequestInFlight,
    /// The open HTTP/2 stream; `None` on HTTP/1.
    stream: Option<OpenConnection>,
}

#[async_trait]
impl ProxyHttp for ProxyService {
    type CTX = RequestState;

    /// Adds no module, because gatepost does not change the bodies of responses. Pingora's default
    /// is an inactive compression module, which costs time for every request.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    fn new_ctx(&self) -> RequestState {
        RequestState {
            attempts: Attempts::default(),
            found_dead_connection: false,
            is_closed_after_handshake: false,
            started: Instant::now(),
            filtered: None,
            is_passed: false,
            has_response: false,
            _serving: RequestInFlight::start(),
            stream: None,
        }
    }

    async fn request_filter(
        &self,
        session: &mut Session,
        context: &mut RequestState,
    ) -> pingora::Result<bool> {
        if session.req_header().version == Version::HTTP_2 {
            context.stream = open_stream(session);
        }
        // Pingora reads only the first `connection` line.
        if asks_to_close(session.req_header()) {
            session.set_keepalive(None);
        }
        let filtered = self.module.filter(session).await;
        context.filtered = Some(filtered);
        if filtered != Filtered::Passes {
            return Ok(true);
        }
        if self.upstream.is_none() {
            self.module.route_not_found(session);
            Box::pin(write_unread(session, &Reply::not_found())).await;
            return Ok(true);
        }
        if is_last_recipient(session.req_header()) {
            answer_as_last_recipient(session).await?;
            return Ok(true);
        }
        settle_upgrade(session.req_header_mut());
        // RFC 9110, section 15.2: HTTP/1.0 has no status 1xx.
        let is_old = session.req_header().version == Version::HTTP_10;
        session.downstream_session.set_ignore_info_resp(is_old);
        if let Some(connection) = session.connection() {
            connection.set(ConnectionState::Passing);
        }
        context.is_passed = true;
        Ok(false)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        _context: &mut RequestState,
    ) -> pingora::Result<()> {
        self.module.request_body_filter(session, body.as_ref(), end_of_stream);
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        answer: &mut ResponseHeader,
        context: &mut RequestState,
    ) -> pingora::Result<()> {
        context.has_response |= !answer.status.is_informational();
        self.module.upstream_response_filter(session, answer);
        Ok(())
    }

    fn upstream_response_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        _context: &mut RequestState,
    ) -> pingora::Result<Option<Duration>> {
        self.module.upstream_response_body_filter(session, body.as_ref(), end_of_stream);
        Ok(None)
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        context: &mut RequestState,
    ) -> pingora::Result<Box<HttpPeer>> {
        let peer = match &self.upstream {
            Some(upstream) => upstream.peer(&mut context.attempts).await,
            None => None,
        };
        peer.map(Box::new).ok_or_else(|| {
            Error::explain(ErrorType::ConnectNoRoute, "no upstream address").into_up()
        })
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut RequestState,
        mut error: Box<Error>,
    ) -> Box<Error> {
        if let Some(upstream) = &self.upstream {
            error.set_retry(upstream.failed_to_connect(&mut context.attempts));
        }
        error
    }

    /// Checks that a pooled connection is still open. The pool may not have detected a close yet.
    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        reused: bool,
        _peer: &HttpPeer,
        socket: RawFd,
        _digest: Option<&Digest>,
        context: &mut RequestState,
    ) -> pingora::Result<()> {
        context.found_dead_connection = reused && has_ended(socket);
        if context.found_dead_connection {
            let why = "the upstream closed an idle connection";
            return Err(Error::explain(ErrorType::ConnectionClosed, why).into_up());
        }
        Ok(())
    }

    /// If gatepost has not sent the request, allows another attempt. For a sent request with an
    /// idempotent method, whose whole body Pingora still has, lets Pingora choose. For any other
    /// sent request, forbids another attempt.
    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        context: &mut RequestState,
        reused: bool,
    ) -> Box<Error> {
        let mut error = error.more_context(format!("peer: {peer}"));
        context.is_closed_after_handshake =
            peer.is_tls() && !reused && !context.has_response && is_close(&error);
        let is_repeatable = session.req_header().method.is_idempotent()
            && !session.downstream_session.retry_buffer_truncated();
        if context.found_dead_connection {
            error.set_retry(true);
        } else if is_repeatable {
            error.retry.decide_reuse(reused);
        } else {
            error.set_retry(false);
        }
        error
    }

    /// Writes an error response. Skips a client that can no longer receive a response.
    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        _context: &mut RequestState,
    ) -> FailToProxy {
        let error_code = match (error.etype(), error.esource()) {
            _ if is_malformed(error) => {
                unreadable(&MalformedChunks.into(), peer(session));
                400
            }
            (ErrorType::HTTPStatus(status), _) => *status,
            (_, ErrorSource::Upstream) => 502,
            (
                ErrorType::WriteError | ErrorType::ReadError | ErrorType::ConnectionClosed,
                ErrorSource::Downstream,
            ) => 0,
            (_, ErrorSource::Downstream) => 400,
            _ => 500,
        };
        match error_code {
            _ if session
                .response_written()
                .is_some_and(|reply| !reply.status.is_informational()) => {}
            0 => {}
            400 => Box::pin(write_unread(session, &Reply::bad_request())).await,
            status => drop(session.respond_error(status).await),
        }
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    /// Records the request, and ends its observation in shadow mode. Before gatepost closes an
    /// HTTP/1 connection, reads and drops the rest of the body. Closing a socket with unread bytes
    /// resets the connection, and the client can lose the response.
    async fn logging(
        &self,
        session: &mut Session,
        error: Option<&Error>,
        context: &mut RequestState,
    ) {
        if let Some(upstream) = &self.upstream {
            let is_upstreams = |error: &Error| *error.esource() == ErrorSource::Upstream;
            upstream.ended(&context.attempts, !error.is_some_and(is_upstreams));
        }
        self.record(session, context);
        self.module.logging(session, error);
        let is_gone = error.is_some_and(|error| *error.esource() == ErrorSource::Downstream);
        let is_http_1 = session.as_http1().is_some();
        if is_http_1 && !is_gone && session.get_keepalive().is_none() && !session.is_body_done() {
            session.downstream_session.shutdown().await;
            let _late = tokio::time::timeout(DRAIN_TIMEOUT, session.drain()).await;
        }
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        reply: &mut ResponseHeader,
        _context: &mut RequestState,
    ) -> pingora::Result<()> {
        settle_reply(reply)?;
        // RFC 9112, section 6.1: only HTTP/1.1 has transfer codings. The close of the connection
        // ends the response instead.
        let is_old = session.req_header().version == Version::HTTP_10;
        if is_old && reply.remove_header(&TRANSFER_ENCODING).is_some() {
            session.set_keepalive(None);
        }
        Ok(())
    }

    fn request_summary(&self, session: &Session, _context: &RequestState) -> String {
        self.module.request_summary(session)
    }

    /// Replaces Pingora's line about a failed request with a rate-limited line that has a code.
    /// Writes no line about an error of the client's connection, for example after a disconnect.
    fn suppress_error_log(&self, session: &Session, state: &RequestState, error: &Error) -> bool {
        if *error.esource() != ErrorSource::Downstream {
            let end = match state {
                RequestState { has_response: true, .. } => UpstreamEnd::InResponse,
                RequestState { is_closed_after_handshake: true, .. } => UpstreamEnd::AfterHandshake,
                RequestState { .. } => UpstreamEnd::BeforeResponse,
            };
            self.module.upstream_failed(session, error, end);
        }
        true
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _context: &mut RequestState,
    ) -> pingora::Result<()> {
        self.module.upstream_request_filter(session, request)?;
        settle_request(request, session.req_header().version)?;
        // gRPC servers in C++ and Python refuse calls without `te: trailers`. Pingora removes `te`.
        let is_grpc = accepts_trailers(session.req_header());
        if is_grpc && self.upstream.as_ref().is_some_and(|upstream| upstream.is_http_2()) {
            request.insert_header(TE, "trailers")?;
        }
        // A request to the upstream needs a `host`, which HTTP/1.0 clients may omit.
        if let Some(upstream) = &self.upstream
            && !request.headers.contains_key(HOST)
        {
            request.insert_header(HOST, upstream.authority())?;
        }
        Ok(())
    }
}

impl ProxyService {
    /// Counts a passed request. Writes the access-log line of a request that is not a callback.
    fn record(&self, session: &Session, context: &RequestState) {
        if context.filtered == Some(Filtered::Callback) {
            return;
        }
        let (elapsed, status) = (context.started.elapsed(), session.response_written());
        let status = status.map(|response| response.status);
        let (received, sent) = (session.body_bytes_read(), session.body_bytes_sent());
        let (received, sent) = (received as u64, sent as u64);
        if context.is_passed {
            METRICS.requests.passed(status, elapsed, PassedBytes { received, sent });
        }
        if let Some(log) = access_log::sampled() {
            let request = LoggedRequest {
                from: peer(session),
                method: session.req_header().method.as_str(),
                path: &self.module.printable_path(session),
                status: status.map(|status| status.as_u16()),
                elapsed,
                received_bytes: received,
                sent_bytes: sent,
            };
            log.write(&request, None);
        }
    }
}

/// Responds to an `OPTIONS` or `TRACE` request whose `max-forwards` is 0.
async fn answer_as_last_recipient(session: &mut Session) -> pingora::Result<()> {
    if session.req_header().method == Method::TRACE {
        return session.respond_error(405).await;
    }
    let mut reply = ResponseHeader::build(StatusCode::OK, Some(1))?;
    reply.insert_header(CONTENT_LENGTH, 0)?;
    session.write_response_header(Box::new(reply), true).await
}

/// Returns true if the upstream has closed the connection of this idle socket.
fn has_ended(socket: RawFd) -> bool {
    let mut byte = [0];
    let peeked = recv(socket, &mut byte, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT);
    !matches!(peeked, Ok(1..) | Err(Errno::EAGAIN | Errno::EINTR))
}

/// Returns true for an error that [`MalformedChunks`] has caused.
fn is_malformed(error: &Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.and_then(io::Error::get_ref).is_some_and(|cause| cause.is::<MalformedChunks>())
}
