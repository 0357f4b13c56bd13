//! The response future, which resolves to the inner service's response or to gatepost's reply.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::{AnswerTap, ResponseBody};
use crate::reply::{Reply, unavailable_reply};

pin_project! {
    /// Response future of [`GateService`](super::GateService). `F` is the future of the inner
    /// service.
    pub struct ResponseFuture<F: Future> {
        #[pin]
        state: ResponseState<F>,
    }
}

type ObservedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pin_project! {
    #[project = ResponseStateProj]
    enum ResponseState<F: Future> {
        // The layer passes the request on without a verdict.
        Passing { #[pin] future: F },
        // Like `Passing`, but the inner service was not ready, or its `poll_ready` failed. The box
        // keeps the enum small.
        Waiting { future: Pin<Box<dyn Future<Output = F::Output> + Send>> },
        // The route is in shadow mode.
        Observing { future: ObservedFuture<F::Output>, tap: Option<Box<AnswerTap>> },
        // The head alone determines the reply. After completion, `reply` is `None`.
        Replying { reply: Option<Reply> },
        // The gate judges a callback. The box keeps the enum small for all other requests.
        Judging { callback: Pin<Box<dyn Future<Output = Reply> + Send>> },
    }
}

impl<F: Future> ResponseFuture<F> {
    pub(super) const fn pass(future: F) -> Self {
        Self { state: ResponseState::Passing { future } }
    }

    pub(super) fn wait(future: impl Future<Output = F::Output> + Send + 'static) -> Self {
        Self { state: ResponseState::Waiting { future: Box::pin(future) } }
    }

    /// Observes the response of the inner service.
    pub(super) fn observe(
        future: impl Future<Output = F::Output> + Send + 'static,
        tap: Box<AnswerTap>,
    ) -> Self {
        Self { state: ResponseState::Observing { future: Box::pin(future), tap: Some(tap) } }
    }

    pub(super) const fn reply(reply: Reply) -> Self {
        Self { state: ResponseState::Replying { reply: Some(reply) } }
    }

    pub(super) fn judge(callback: impl Future<Output = Reply> + Send + 'static) -> Self {
        Self { state: ResponseState::Judging { callback: Box::pin(callback) } }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let reply = match state.as_mut().project() {
            ResponseStateProj::Passing { future } => {
                return Poll::Ready(Ok(ready!(future.poll(cx))?.map(ResponseBody::inner)));
            }
            ResponseStateProj::Waiting { future } => {
                return Poll::Ready(Ok(ready!(future.as_mut().poll(cx))?.map(ResponseBody::inner)));
            }
            ResponseStateProj::Observing { future, tap } => {
                let response = ready!(future.as_mut().poll(cx));
                return Poll::Ready(observed(response, tap.take()));
            }
            // `reply` is `None` only if a caller polls the future again after completion.
            ResponseStateProj::Replying { reply } => reply.take().unwrap_or_else(unavailable_reply),
            ResponseStateProj::Judging { callback } => ready!(callback.as_mut().poll(cx)),
        };
        state.set(ResponseState::Replying { reply: None });
        Poll::Ready(Ok(reply.into_response().map(ResponseBody::full)))
    }
}

/// Wraps the response, so that the observer `tap` receives the head and the body. `tap` is `None`
/// only if a caller polls the future again after completion.
fn observed<R: Body<Data = Bytes>, E>(
    response: Result<Response<R>, E>,
    tap: Option<Box<AnswerTap>>,
) -> Result<Response<ResponseBody<R>>, E> {
    match (response, tap) {
        (Ok(response), Some(mut tap)) => {
            let (head, body) = response.into_parts();
            tap.head(&head);
            Ok(Response::from_parts(head, ResponseBody::observed(body, tap)))
        }
        (Err(error), Some(mut tap)) => {
            tap.service_failed();
            Err(error)
        }
        (response, None) => response.map(|response| response.map(ResponseBody::inner)),
    }
}
