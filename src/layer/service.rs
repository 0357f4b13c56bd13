//! The layer's service. It judges the head of each request; the response future reads the body.

use std::pin::pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::Peer;
use super::body::{RequestBody, ResponseBody};
use super::exchange::{InnerService, RequestReader, TokioRuntime};
use super::future::ResponseFuture;
use crate::delivery::{Driven, Runtime as _, drive};
use crate::gate::{Admission, Gate};
use crate::head::{Head, strip_reserved};
use crate::intake::Intake;
use crate::reply::{Reply, unavailable_reply};
use crate::report;
use crate::shadow::Shadow;
use crate::template::Reach;
use crate::time::Timestamp;

/// Service that puts a [`Gate`] in front of an inner service. [`GateLayer`](super::GateLayer)
/// creates this service.
#[derive(Clone, Debug)]
pub struct GateService<S> {
    gate: Gate,
    inner: S,
    clock: fn() -> Timestamp,
    peer: Peer,
}

impl<S> GateService<S> {
    pub(super) const fn new(gate: Gate, inner: S, clock: fn() -> Timestamp, peer: Peer) -> Self {
        Self { gate, inner, clock, peer }
    }
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let arrival = || {
            let head = Head::new(request.method(), request.uri(), request.headers());
            let peer = (self.peer)(request.extensions());
            (peer.map_or(head, |peer| head.with_peer(peer)), (self.clock)())
        };
        match self.gate.admit_lazily(request.uri().path(), Reach::Exact, arrival) {
            Admission::Other => {
                self.gate.strip_reserved(request.headers_mut());
                // Not `Request::map`, because it would copy the head again.
                let (parts, body) = request.into_parts();
                let request = Request::from_parts(parts, RequestBody::inner(body));
                ResponseFuture::pass(self.inner.call(request))
            }
            Admission::Refused(refusal) => {
                report::refused(&refusal, (self.clock)());
                ResponseFuture::reply(refusal.reply())
            }
            Admission::Shadow(shadow) => self.observe(shadow, request),
            Admission::Callback(intake) => self.judge(intake, request),
        }
    }
}

impl<S> GateService<S> {
    // Not inlined, to keep the code of `call` short for requests that are not callbacks.
    #[inline(never)]
    fn observe<B>(&mut self, shadow: Shadow, mut request: Request<B>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<RequestBody<B>>>,
        B: Body<Data = Bytes>,
    {
        // The platform may have sent `webhook-*`, so these headers stay.
        strip_reserved(request.headers_mut(), false);
        let clock = self.clock;
        let observer = shadow.observe(move |s| report::shadowed(s, clock()));
        let request = request.map(|body| RequestBody::observed(body, observer, clock));
        ResponseFuture::pass(self.inner.call(request))
    }

    // Not inlined, for the same reason as `observe`.
    #[inline(never)]
    fn judge<B, R>(&mut self, intake: Intake, request: Request<B>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<RequestBody<B>>, Response = Response<R>, Future: Send>
            + Clone
            + Send
            + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        R: Body<Data = Bytes> + Send + 'static,
    {
        // `poll_ready` has polled `self.inner`, but not the clone. This call therefore uses the
        // original service, and the next call uses the clone.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let runtime = TokioRuntime(self.clock);
        let (parts, body) = request.into_parts();
        let mut app = InnerService::new(ready, parts.uri.clone(), parts.version, parts.extensions);
        let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
        ResponseFuture::judge(async move {
            let head = Head::new(&method, &uri, &headers);
            let mut client = RequestReader { head, body: pin!(Some(body)) };
            reply(drive(&mut client, &mut app, &runtime, intake).await, &runtime)
        })
    }
}

/// Logs the outcome of a callback and returns the reply.
fn reply(driven: Driven, runtime: &TokioRuntime) -> Reply {
    match driven {
        Driven::Refused(refusal) => {
            report::refused(&refusal, runtime.now());
            refusal.reply()
        }
        Driven::Concluded(accepted, conclusion, now) => {
            report::concluded(&accepted, &conclusion, now);
            conclusion.reply
        }
        // Unreachable, because `RequestReader` reports no client activity. If a client disconnects,
        // the server drops the response future.
        Driven::ClientGone(_) => unavailable_reply(),
    }
}
