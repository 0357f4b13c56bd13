//! The response: the inner service's own, or what the gate replies.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::{RequestBody, ResponseBody};
use super::callback::Callback;
use crate::intake::Intake;
use crate::reply::{Reply, unavailable_reply};
use crate::time::Timestamp;

pin_project! {
    /// The response of a [`GateService`](super::GateService).
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        #[pin]
        state: State<S, S::Future, B, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B, R> {
        // Another path: the inner service's own future.
        Passing { #[pin] future: F },
        // The reply is known.
        Replying { reply: Option<Reply> },
        // In a box, so that what other paths carry is no larger for it.
        Judging { callback: Pin<Box<Callback<S, F, B, R>>> },
    }
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<RequestBody<B>>>,
{
    pub(super) const fn pass(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    pub(super) const fn reply(reply: Reply) -> Self {
        Self { state: State::Replying { reply: Some(reply) } }
    }

    pub(super) fn judge(
        inner: S,
        request: Request<B>,
        intake: Intake,
        clock: fn() -> Timestamp,
    ) -> Self {
        let callback = Box::pin(Callback::new(inner, request, intake, clock));
        Self { state: State::Judging { callback } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B, R>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let reply = match state.as_mut().project() {
            StateProj::Passing { future } => {
                return Poll::Ready(Ok(ready!(future.poll(cx))?.map(ResponseBody::inner)));
            }
            // Polled again after its end, it has nothing to give but this.
            StateProj::Replying { reply } => reply.take().unwrap_or_else(unavailable_reply),
            StateProj::Judging { callback } => ready!(callback.as_mut().poll(cx)),
        };
        state.set(State::Replying { reply: None });
        Poll::Ready(Ok(reply.into_response().map(ResponseBody::ours)))
    }
}
