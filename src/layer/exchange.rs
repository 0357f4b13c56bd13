//! Implementations of two traits of [`drive`](crate::drive): `ClientSide` for a request, and
//! `AppSide` for an inner service.

use std::any::Any;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::iter::successors;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::RequestBody;
use super::uri::{address_within, with_path};
use crate::address::Addresses;
use crate::body_buffer::BodyBuffer;
use crate::delivery::{
    AppSide, Asked, Attempt, CHUNKS_PER_TURN, ClientSide, Disconnected, EventRequest, Question,
    end_turn,
};
use crate::head::{Head, RequestContext};
use crate::intake::BodyFailure;
use crate::reply::{Answer, AnswerFault, MAX_ANSWER_BYTES};

/// Any error of a service or of a body.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The client's request. `drive` reads the body in chunks.
pub(super) struct RequestReader<'r, B> {
    pub(super) head: Head<'r>,
    /// `None` after the end of the body, to release the body's resources while the app answers.
    pub(super) body: Pin<&'r mut Option<B>>,
    /// Failure of the body; `None` if the body has not failed.
    pub(super) failure: Option<BodyFailure>,
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Send> ClientSide for RequestReader<'_, B> {
    fn head(&self) -> Head<'_> {
        self.head
    }

    fn context(&self) -> RequestContext<'_> {
        RequestContext::default().with_host(self.head.headers().get(HOST))
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        let Some(mut body) = self.body.as_mut().as_pin_mut() else { return Ok(None) };
        match body.frame().await {
            None => {
                self.body.set(None);
                Ok(None)
            }
            // Trailers become an empty chunk. gatepost limits the number of chunks, so that a body
            // with endless trailers fails.
            Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
            Some(Err(error)) => {
                self.failure = Some(failure_of(&*error.into()));
                Err(Disconnected)
            }
        }
    }

    fn body_failure(&mut self) -> BodyFailure {
        self.failure.take().unwrap_or(BodyFailure::Disconnected)
    }
}

fn failure_of(error: &(dyn Error + 'static)) -> BodyFailure {
    // A layer outside of the gate may limit the body. A framework may wrap that layer's error.
    if causes(error).any(|cause| cause.is::<LengthLimitError>()) {
        return BodyFailure::TooLarge;
    }
    BodyFailure::Failed(text_of(error))
}

/// Returns an error, then its causes in order.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

/// Returns the texts of an error and of its causes.
fn text_of(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The inner service, and the values that the event's request takes from the callback.
pub(super) struct InnerService<S, B> {
    /// `None` after the call, to release the service's resources while the app answers.
    service: Option<S>,
    uri: Uri,
    version: Version,
    extensions: Extensions,
    omits_headers: bool,
    /// A marker for `B`, the type of the client's body. The body of an event has the type
    /// `RequestBody<B>`, but contains bytes instead of a `B`.
    client_body: PhantomData<fn(B)>,
}

impl<S, B> InnerService<S, B> {
    pub(super) const fn new(
        service: S,
        uri: Uri,
        version: Version,
        extensions: Extensions,
        omits_headers: bool,
    ) -> Self {
        let client_body = PhantomData;
        Self { service: Some(service), uri, version, extensions, omits_headers, client_body }
    }

    /// Builds the event's request, and moves the URI and the extensions into the request.
    ///
    /// `drive` calls `ask` again only after [`Asked::ConnectionClosed`]. The first call never
    /// returns that value, so no second call follows.
    fn event_request(
        &mut self,
        question: &Question,
        event: EventRequest<'_>,
    ) -> Request<RequestBody<B>> {
        let method = event.method().clone();
        let (headers, body) =
            if self.omits_headers { event.into_parts_for_permit() } else { event.into_parts() };
        let mut request = Request::new(RequestBody::full(body));
        *request.method_mut() = method;
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        *request.extensions_mut() = std::mem::take(&mut self.extensions);
        request.extensions_mut().insert(question.accepted().clone());
        *request.uri_mut() = std::mem::take(&mut self.uri);
        let path = question.addresses().and_then(|addresses| next_path(addresses));
        if let Some(path) = path {
            let path = address_within(path, &request);
            *request.uri_mut() = with_path(std::mem::take(request.uri_mut()), path);
        }
        request
    }
}

impl<S, B, R> AppSide for InnerService<S, B>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>, Future: Send> + Send,
    S::Error: Into<BoxError>,
    B: Send,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    fn ask<'a>(
        &'a mut self,
        question: &Question,
        event: EventRequest<'_>,
        _: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a, S, B, R> {
        let request = self.event_request(question, event);
        AskFuture { answer: self.service.take().map(|service| answer(service, request)) }
    }
}

pin_project! {
    /// Future of [`AppSide::ask`]. A panic of the service counts as a missing answer.
    struct AskFuture<F> {
        // `None` if an earlier call of `ask` has taken the service.
        #[pin]
        answer: Option<F>,
    }
}

impl<F: Future<Output = Answer>> Future for AskFuture<F> {
    type Output = Asked;

    /// Polls the service, and converts a panic to a missing answer.
    ///
    /// `AssertUnwindSafe` assumes that the service remains usable after a panic. Every server that
    /// continues after a panic of a handler assumes the same, for example axum on tokio.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Asked> {
        let Some(answer) = self.project().answer.as_pin_mut() else {
            return Poll::Ready(Asked::ConnectionClosed);
        };
        catch_unwind(AssertUnwindSafe(|| answer.poll(cx)))
            .unwrap_or_else(|panic| Poll::Ready(panicked(&*panic)))
            .map(Asked::Answered)
    }
}

/// Returns the path of the next address in turn. The inner service serves all addresses.
fn next_path(addresses: &Addresses) -> Option<&PathAndQuery> {
    let next = addresses.only().unwrap_or_else(|| addresses.in_turn(addresses.turn())[0]);
    next.url().path_and_query()
}

/// Waits until the service is ready, calls it, and reads its response.
#[expect(clippy::manual_async_fn, reason = "an async fn stores each argument twice")]
fn answer<S, B, R>(mut service: S, request: Request<B>) -> impl Future<Output = Answer>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    async move {
        if let Err(error) = poll_fn(|cx| service.poll_ready(cx)).await {
            return unreachable("expected a ready service, found an error", &*error.into());
        }
        let response = service.call(request);
        drop(service);
        let (parts, body) = match response.await {
            Ok(response) => response.into_parts(),
            Err(error) => {
                return unreachable("expected a response, found an error", &*error.into());
            }
        };
        read_answer(parts.status, parts.headers, body).await
    }
}

fn unreachable(what: &str, error: &(dyn Error + 'static)) -> Answer {
    Answer::Unreachable(format!("{what}: {}", text_of(error)))
}

/// Reads the body of the answer, up to `MAX_ANSWER_BYTES` and `MAX_ANSWER_FRAMES`. An endless body
/// of empty frames exceeds the second limit.
async fn read_answer<R: Body<Data = Bytes, Error: Into<BoxError>>>(
    status: StatusCode,
    headers: HeaderMap,
    body: R,
) -> Answer {
    let mut body = pin!(body);
    let mut answer = BodyBuffer::default();
    for number in 1..=MAX_ANSWER_FRAMES {
        match body.as_mut().frame().await {
            None => return Answer::Response { status, headers, body: Some(answer.take()) },
            Some(Err(error)) => {
                return Answer::Unreadable(AnswerFault::Incomplete, text_of(&*error.into()));
            }
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                if data.len() > MAX_ANSWER_BYTES - answer.len() {
                    break;
                }
                answer.push(data, 0);
            }
        }
        if number % CHUNKS_PER_TURN == 0 {
            end_turn().await;
        }
    }
    Answer::Response { status, headers, body: None }
}

/// Maximum number of frames in the body of an answer, including the end of the body: one for each
/// byte, and 16 without data.
const MAX_ANSWER_FRAMES: u32 = MAX_ANSWER_BYTES as u32 + 16;

fn panicked(panic: &(dyn Any + Send)) -> Answer {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Answer::Unreachable(format!(
        "expected an answer, found a panic: {}",
        text.unwrap_or("no message")
    ))
}
