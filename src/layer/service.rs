//! The layer's service. The service judges the heads of requests; the response future reads the
//! body of a callback.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::{AnswerTap, RequestBody, ResponseBody};
use super::exchange::{BoxError, InnerService, RequestReader};
use super::future::ResponseFuture;
use super::gate_layer::{GateLayer, OtherRequests, Stopwatch};
use super::runtime::TokioRuntime;
use super::uri::{self, hide_token};
use crate::config::LogCallbacks;
use crate::delivery::{Driven, drive};
use crate::gate::{Admission, Gate};
use crate::head::Head;
use crate::intake::Intake;
use crate::reply::{Reply, unavailable_reply};
use crate::report;
use crate::shadow::Shadow;
use crate::template::Reach;
use crate::verdict::Accepted;

/// Service that puts a [`Gate`](crate::Gate) in front of an inner service. [`GateLayer`] creates
/// this service.
///
/// The service is always ready, because a callback and another request must not wait for each
/// other. Only the response future waits until the inner service is ready:
///
/// - for an event: after the verdict, within the time that the app has for its answer;
/// - for any other request: before the call of the inner service.
#[derive(Clone, Debug)]
pub struct GateService<S> {
    layer: Arc<GateLayer>,
    inner: S,
}

impl<S> GateService<S> {
    pub(super) const fn new(layer: Arc<GateLayer>, inner: S) -> Self {
        Self { layer, inner }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(Arc::new(self.clone()), inner)
    }
}

impl GateLayer {
    /// Judges the head of a request. Returns `None` if a gate has already accepted the request.
    ///
    /// If a router has changed the path, judges the path that the client sent. If the layer passes
    /// on requests with this path, also judges the changed path, and returns the stricter
    /// admission.
    #[inline]
    fn admit<B>(&self, request: &Request<B>) -> Option<Admission> {
        let (extensions, uri) = (request.extensions(), request.uri());
        if extensions.get::<Accepted>().is_some() {
            return None;
        }
        Some(match uri::original(extensions) {
            Some(original) if original.path() != uri.path() => self.admit_both(original, request),
            Some(_) | None => self.admit_as(uri, request),
        })
    }

    #[inline(never)]
    fn admit_both<B>(&self, original: &Uri, request: &Request<B>) -> Admission {
        let admission = self.admit_as(original, request);
        if matches!(admission, Admission::Callback(_) | Admission::Refused(_) | Admission::Reply(_))
        {
            return admission;
        }
        match self.admit_as(request.uri(), request) {
            Admission::Other => admission,
            stricter @ (Admission::Callback(_)
            | Admission::Refused(_)
            | Admission::Reply(_)
            | Admission::Shadow(_)) => stricter,
        }
    }

    #[inline]
    fn admit_as<B>(&self, uri: &Uri, request: &Request<B>) -> Admission {
        self.gate.admit_lazily(uri, Reach::Exact, || {
            let head = Head::new(request.method(), uri, request.headers());
            let peer = (self.peer)(request.extensions());
            (peer.map_or(head, |peer| head.with_peer(peer)), self.now())
        })
    }
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>, Future: Send>
        + Clone
        + Send
        + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let since = self.layer.stopwatch();
        match self.layer.admit(&request) {
            None => self.pass(request),
            Some(Admission::Other) => match self.layer.others {
                OtherRequests::Pass => {
                    self.layer.gate.strip_reserved(request.headers_mut());
                    self.pass(request)
                }
                OtherRequests::Refuse => {
                    report::not_a_callback(self.layer.now());
                    ResponseFuture::reply(Reply::not_a_callback())
                }
            },
            Some(Admission::Refused(refusal)) => {
                self.layer.refused(&refusal, since);
                ResponseFuture::reply(refusal.reply())
            }
            Some(Admission::Reply(reply)) => ResponseFuture::reply(reply),
            Some(Admission::Shadow(shadow)) => self.observe(shadow, request),
            Some(Admission::Callback(intake)) => self.judge(intake, request, since),
        }
    }
}

impl<S> GateService<S> {
    /// Passes a request on with its body.
    #[inline]
    fn pass<B>(&mut self, request: Request<B>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<RequestBody<B>>, Future: Send, Error: Send> + Clone + Send + 'static,
        S::Error: 'static,
        B: Send + 'static,
    {
        // Not `Request::map`, because `map` copies the head again.
        let (parts, body) = request.into_parts();
        self.forward(Request::from_parts(parts, RequestBody::inner(body)))
    }

    /// Calls the inner service as soon as it is ready.
    #[inline]
    fn forward<B>(&mut self, request: Request<B>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<B>, Future: Send, Error: Send> + Clone + Send + 'static,
        S::Error: 'static,
        B: Send + 'static,
    {
        // Most services are ready. For others, the response future polls again, with a real waker.
        match self.inner.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => ResponseFuture::pass(self.inner.call(request)),
            Poll::Ready(Err(error)) => {
                drop(self.take_inner());
                ResponseFuture::wait(async { Err(error) })
            }
            Poll::Pending => self.wait(request),
        }
    }

    #[inline(never)]
    fn wait<B>(&mut self, request: Request<B>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<B>, Future: Send, Error: Send> + Clone + Send + 'static,
        B: Send + 'static,
    {
        ResponseFuture::wait(self.call_when_ready(request))
    }

    fn call_when_ready<B>(
        &mut self,
        request: Request<B>,
    ) -> impl Future<Output = Result<S::Response, S::Error>> + Send + 'static + use<S, B>
    where
        S: Service<Request<B>, Future: Send, Error: Send> + Clone + Send + 'static,
        B: Send + 'static,
    {
        let mut service = self.take_inner();
        async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        }
    }

    /// Takes the inner service, and leaves a clone. If `poll_ready` has reserved a permit, the
    /// taken service holds it.
    fn take_inner(&mut self) -> S
    where
        S: Clone,
    {
        let clone = self.inner.clone();
        std::mem::replace(&mut self.inner, clone)
    }

    // Not inlined, to keep the code of `call` short for requests that are not callbacks.
    #[inline(never)]
    fn observe<B>(&mut self, shadow: Shadow, mut request: Request<B>) -> ResponseFuture<S::Future>
    where
        S: Service<Request<RequestBody<B>>, Future: Send, Error: Send> + Clone + Send + 'static,
        S::Error: 'static,
        B: Body<Data = Bytes> + Send + 'static,
    {
        Gate::strip_in_shadow(request.headers_mut());
        let head = Head::new(request.method(), request.uri(), request.headers());
        let [for_verdict, for_prediction] = [(); 2].map(|()| Arc::clone(&self.layer));
        let (observer, answer) = shadow.observe_exchange(
            &head,
            move |shadowed| for_verdict.shadowed(shadowed),
            move |prediction| report::predicted(prediction, for_prediction.now()),
        );
        let layer = Arc::clone(&self.layer);
        let request = request.map(|body| RequestBody::observed(body, observer, layer));
        let tap = AnswerTap::new(answer, Arc::clone(&self.layer));
        ResponseFuture::observe(self.call_when_ready(request), tap)
    }

    // Not inlined, for the same reason as `observe`.
    #[inline(never)]
    fn judge<B, R>(
        &self,
        intake: Intake,
        mut request: Request<B>,
        since: Stopwatch,
    ) -> ResponseFuture<S::Future>
    where
        S: Service<Request<RequestBody<B>>, Response = Response<R>, Future: Send>
            + Clone
            + Send
            + 'static,
        S::Error: Into<BoxError>,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
        R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if !self.layer.shows_token {
            hide_token(&intake, &mut request);
        }
        let omits_headers = self.layer.omits_headers;
        let intake = if omits_headers { intake.defer_id() } else { intake };
        let runtime = TokioRuntime(Arc::clone(&self.layer));
        let (parts, body) = request.into_parts();
        // A clone, because `self.inner` may hold a permit from an earlier poll.
        let inner = self.inner.clone();
        let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
        let mut app =
            InnerService::new(inner, uri.clone(), parts.version, parts.extensions, omits_headers);
        ResponseFuture::judge(async move {
            let head = Head::new(&method, &uri, &headers);
            let mut client = RequestReader { head, body: pin!(Some(body)), failure: None };
            reply(drive(&mut client, &mut app, &runtime, intake).await, &runtime.0, since)
        })
    }
}

/// Logs and counts the outcome of a callback, and returns the reply.
fn reply(driven: Driven, layer: &GateLayer, since: Stopwatch) -> Reply {
    match driven {
        Driven::Refused(refusal) => {
            layer.refused(&refusal, since);
            refusal.reply()
        }
        Driven::Concluded(accepted, conclusion, now) => {
            report::concluded(&accepted, &conclusion, LogCallbacks::Refused, now);
            if let Some(hook) = &layer.hook {
                hook.concluded(&accepted, &conclusion, since.elapsed());
            }
            conclusion.reply
        }
        // Unreachable, because `RequestReader` reports no client activity. If a client disconnects,
        // the server drops the response future.
        Driven::ClientGone(_) => unavailable_reply(),
    }
}
