//! The service: looks at the head, and hands the rest to the future.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::Peer;
use super::body::{RequestBody, ResponseBody};
use super::future::ResponseFuture;
use crate::gate::{Admission, Gate};
use crate::head::{Head, strip_reserved};
use crate::intake::Intake;
use crate::report;
use crate::shadow::Shadow;
use crate::time::Timestamp;

/// A service with a [`Gate`] in front.
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
    S: Service<Request<RequestBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes>,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, R>;

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
        match self.gate.admit_lazily(request.uri().path(), arrival) {
            Admission::Other => {
                strip_reserved(request.headers_mut());
                // In parts, as `map` would copy the head once more.
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
    /// Apart from the rest, which has less to carry for it.
    #[inline(never)]
    fn observe<B, R>(&mut self, shadow: Shadow, mut request: Request<B>) -> ResponseFuture<S, B, R>
    where
        S: Service<Request<RequestBody<B>>, Response = Response<R>>,
        B: Body<Data = Bytes>,
    {
        strip_reserved(request.headers_mut());
        let clock = self.clock;
        let observer = shadow.observe(move |s| report::shadowed(s, clock()));
        let request = request.map(|body| RequestBody::observed(body, observer, clock));
        ResponseFuture::pass(self.inner.call(request))
    }

    #[inline(never)]
    fn judge<B, R>(&mut self, intake: Intake, request: Request<B>) -> ResponseFuture<S, B, R>
    where
        S: Service<Request<RequestBody<B>>, Response = Response<R>> + Clone,
    {
        // The clone is not ready yet; the one that is ready takes this call.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::judge(ready, request, intake, self.clock)
    }
}
