//! Implements the traits of [`drive`](crate::drive): `ClientSide` for a request, `AppSide` for an
//! inner service, and `Runtime` for tokio.

use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Extensions, Method, Request, Response, Uri, Version};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::body::RequestBody;
use crate::body::BodyBuffer;
use crate::delivery::{
    AppSide, Asked, Attempt, ClientSide, Disconnected, EventRequest, Question, Runtime,
};
use crate::head::{Head, RequestContext};
use crate::reply::{Answer, MAX_ANSWER_BYTES};
use crate::time::Timestamp;

/// The client's request. `drive` reads the body in chunks.
pub(super) struct RequestReader<'r, B> {
    pub(super) head: Head<'r>,
    /// `None` after the end of the body, to release the body's resources while the app answers.
    pub(super) body: Pin<&'r mut Option<B>>,
}

impl<B: Body<Data = Bytes> + Send> ClientSide for RequestReader<'_, B> {
    fn head(&self) -> Head<'_> {
        self.head
    }

    fn context(&self) -> RequestContext<'_> {
        RequestContext::default().with_host(self.head.headers().get(HOST))
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        while let Some(mut body) = self.body.as_mut().as_pin_mut() {
            match body.frame().await {
                None => self.body.set(None),
                Some(Err(_)) => return Err(Disconnected),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
        Ok(None)
    }
}

/// The inner service, and the values that the event's request takes from the callback.
pub(super) struct InnerService<S, B> {
    /// `None` after the call, to release the service's resources while the app answers.
    service: Option<S>,
    uri: Uri,
    version: Version,
    extensions: Extensions,
    /// The type of the client's body. The type of the event's request contains `B`, although the
    /// body of an event is always bytes.
    client_body: PhantomData<fn(B)>,
}

impl<S, B> InnerService<S, B> {
    pub(super) const fn new(
        service: S,
        uri: Uri,
        version: Version,
        extensions: Extensions,
    ) -> Self {
        Self { service: Some(service), uri, version, extensions, client_body: PhantomData }
    }

    /// Builds the event's request, and moves the URI and the extensions into it.
    ///
    /// `drive` calls `ask` again only after [`Asked::ConnectionClosed`]. The first call never
    /// returns that value, so no second call needs the URI or the extensions.
    fn event_request(
        &mut self,
        question: &Question,
        event: EventRequest<'_>,
    ) -> Request<RequestBody<B>> {
        let (headers, body) = event.into_parts();
        let mut request = Request::new(RequestBody::full(body));
        *request.method_mut() = Method::POST;
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        *request.extensions_mut() = std::mem::take(&mut self.extensions);
        request.extensions_mut().insert(question.accepted().clone());
        *request.uri_mut() = std::mem::take(&mut self.uri);
        if let Some(path) = question.url().and_then(Uri::path_and_query) {
            let mut uri = std::mem::take(request.uri_mut()).into_parts();
            uri.path_and_query = Some(path.clone());
            // This cannot fail: a scheme and an authority that are valid with one path are valid
            // with every path.
            *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        }
        request
    }
}

impl<S, B, R> AppSide for InnerService<S, B>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>, Future: Send> + Send,
    R: Body<Data = Bytes> + Send,
{
    fn ask<'a>(
        &'a mut self,
        question: &Question,
        event: EventRequest<'_>,
        _: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a, S, B, R> {
        let request = self.event_request(question, event);
        let response = self.service.take().map(|mut service| service.call(request));
        async {
            let Some(response) = response else { return Asked::ConnectionClosed };
            Asked::Answered(match response.await.ok() {
                Some(response) => read_answer(response).await,
                None => Answer::Unreachable("the inner service returned an error".into()),
            })
        }
    }
}

async fn read_answer<R: Body<Data = Bytes>>(response: Response<R>) -> Answer {
    let (parts, body) = response.into_parts();
    let status = parts.status;
    let mut body = pin!(body);
    let mut answer = BodyBuffer::default();
    while let Some(frame) = body.as_mut().frame().await {
        let Ok(frame) = frame else {
            return Answer::Unreachable("incomplete response body".into());
        };
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > MAX_ANSWER_BYTES - answer.len() {
            return Answer::Response { status, body: None };
        }
        answer.push(data, 0);
    }
    Answer::Response { status, body: Some(answer.take()) }
}

/// The layer's clock and tokio's timer.
pub(super) struct TokioRuntime(pub(super) fn() -> Timestamp);

impl Runtime for TokioRuntime {
    fn now(&self) -> Timestamp {
        (self.0)()
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        let deadline = Instant::now() + time;
        async move { sleep_until(deadline).await }
    }
}
