//! The way of one request through the layer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, Uri, request};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::body::{RequestBody, ResponseBody};
use crate::head::{Head, Sender};
use crate::intake::Intake;
use crate::question::{Next, Question, Wait};
use crate::reply::{Answer, Conclusion, MAX_ANSWER_BYTES, Reply, unavailable_reply};
use crate::report;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

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
        // A callback whose body is being read.
        Reading { #[pin] body: B, #[pin] deadline: Sleep, callback: Option<Callback<S>> },
        // An accepted one, another copy of which the inner service was told of.
        Waiting { #[pin] deadline: Sleep, waiting: Option<Waiting<S>> },
        // An accepted one, of which the inner service was told.
        Asking { #[pin] future: F, #[pin] deadline: Sleep, asked: Option<Asked> },
        // Its answer is being read.
        Answering {
            #[pin] body: R,
            #[pin] deadline: Sleep,
            asked: Option<Asked>,
            status: StatusCode,
            answer: BytesMut,
        },
    }
}

/// An accepted callback without its body, and what would serve it.
struct Verified<S> {
    inner: S,
    parts: request::Parts,
    accepted: Accepted,
    clock: fn() -> Timestamp,
}

/// One that waits for what comes of another copy.
struct Waiting<S> {
    wait: Wait,
    verified: Verified<S>,
}

/// A question that the inner service was asked.
struct Asked {
    question: Question,
    clock: fn() -> Timestamp,
}

/// A request without its body, and what will judge and serve it.
struct Callback<S> {
    inner: S,
    parts: request::Parts,
    intake: Intake,
    clock: fn() -> Timestamp,
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
        let (parts, body) = request.into_parts();
        let deadline = sleep(intake.time_limit());
        let callback = Some(Callback { inner, parts, intake, clock });
        Self { state: State::Reading { body, deadline, callback } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B, R>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Passing { future } => {
                    let response = ready!(future.poll(cx))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProj::Replying { reply } => {
                    // Polled again after its end, it has nothing to give but this.
                    let reply = reply.take().unwrap_or_else(unavailable_reply);
                    let response = reply.into_response();
                    return Poll::Ready(Ok(response.map(ResponseBody::ours)));
                }
                StateProj::Reading { body, deadline, callback } => {
                    let judged = poll_verdict(body, callback, cx);
                    let late = || interrupt(callback);
                    Judged::or_nothing(ready!(in_time(judged, deadline, cx, late)))
                }
                StateProj::Waiting { deadline, waiting } => {
                    let judged = poll_wait(waiting, cx);
                    let late = || give_up(waiting);
                    Judged::or_nothing(ready!(in_time(judged, deadline, cx, late)))
                }
                StateProj::Asking { future, mut deadline, asked } => {
                    match future.poll(cx) {
                        Poll::Ready(Ok(response)) => {
                            let (parts, body) = response.into_parts();
                            // What is left of the time is the time for the body.
                            let left = deadline.deadline();
                            State::Answering {
                                body,
                                deadline: tokio::time::sleep_until(left),
                                asked: asked.take(),
                                status: parts.status,
                                answer: BytesMut::new(),
                            }
                        }
                        Poll::Ready(Err(_)) => {
                            conclude(asked, &Answer::Unreachable("the service failed".into()))
                        }
                        Poll::Pending => {
                            ready!(deadline.as_mut().poll(cx));
                            conclude(asked, &Answer::Timeout)
                        }
                    }
                }
                StateProj::Answering { body, deadline, asked, status, answer } => {
                    let answer = poll_answer(body, *status, answer, cx);
                    conclude(asked, &ready!(in_time(answer, deadline, cx, || Answer::Timeout)))
                }
            };
            state.set(next);
        }
    }
}

/// What there is, or what follows when the time is over.
fn in_time<T>(
    polled: Poll<T>,
    deadline: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
    late: impl FnOnce() -> T,
) -> Poll<T> {
    if polled.is_ready() { polled } else { deadline.poll(cx).map(|()| late()) }
}

/// What became of a callback once its body was read.
enum Judged<S, B>
where
    S: Service<Request<RequestBody<B>>>,
{
    Asked { future: S::Future, deadline: Sleep, asked: Asked },
    Waits { deadline: Sleep, waiting: Waiting<S> },
    Settled(Reply),
}

impl<S, B> Judged<S, B>
where
    S: Service<Request<RequestBody<B>>>,
{
    /// Polled again after its end, it has nothing to give.
    fn or_nothing<R>(judged: Option<Self>) -> State<S, S::Future, B, R> {
        judged.map_or(State::Replying { reply: None }, Self::into_state)
    }

    fn into_state<R>(self) -> State<S, S::Future, B, R> {
        match self {
            Self::Asked { future, deadline, asked } => {
                State::Asking { future, deadline, asked: Some(asked) }
            }
            Self::Waits { deadline, waiting } => {
                State::Waiting { deadline, waiting: Some(waiting) }
            }
            Self::Settled(reply) => State::Replying { reply: Some(reply) },
        }
    }
}

/// Waits for what comes of the other copy; if nothing does, sees what is next again.
fn poll_wait<S, B>(
    slot: &mut Option<Waiting<S>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Judged<S, B>>>
where
    S: Service<Request<RequestBody<B>>>,
{
    let Some(waiting) = slot else { return Poll::Ready(None) };
    let shared = ready!(Pin::new(&mut waiting.wait).poll(cx));
    Poll::Ready(slot.take().map(|Waiting { verified, .. }| match shared {
        Some(conclusion) => {
            let now = (verified.clock)();
            Judged::Settled(report_of(&verified.accepted, conclusion, now))
        }
        None => verified.serve(),
    }))
}

fn give_up<S, B>(slot: &mut Option<Waiting<S>>) -> Option<Judged<S, B>>
where
    S: Service<Request<RequestBody<B>>>,
{
    slot.take().map(|Waiting { wait, verified }| {
        let now = (verified.clock)();
        Judged::Settled(report_of(&verified.accepted, wait.give_up(now), now))
    })
}

/// Reads the body to its end, or until it is refused.
fn poll_verdict<S, B>(
    mut body: Pin<&mut B>,
    slot: &mut Option<Callback<S>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Judged<S, B>>>
where
    S: Service<Request<RequestBody<B>>>,
    B: Body<Data = Bytes>,
{
    while let Some(callback) = slot.as_mut() {
        let refused = match ready!(body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data().map(|data| callback.intake.push(data)) {
                Ok(Err(refusal)) => Some(refusal),
                Ok(Ok(())) | Err(_) => continue,
            },
            Some(Err(_)) => None,
            None => return Poll::Ready(slot.take().map(Callback::finish)),
        };
        let now = (callback.clock)();
        return Poll::Ready(match refused {
            Some(refusal) => Some(refuse(&refusal, now)),
            None => interrupt(slot),
        });
    }
    Poll::Ready(None)
}

/// The verdict on a body that will not be whole.
fn interrupt<S, B>(slot: &mut Option<Callback<S>>) -> Option<Judged<S, B>>
where
    S: Service<Request<RequestBody<B>>>,
{
    slot.take().map(|callback| {
        let now = (callback.clock)();
        refuse(&callback.intake.interrupted(), now)
    })
}

fn refuse<S, B>(refusal: &Refusal, now: Timestamp) -> Judged<S, B>
where
    S: Service<Request<RequestBody<B>>>,
{
    report::refused(refusal, now);
    Judged::Settled(refusal.reply())
}

impl<S> Callback<S> {
    /// The verdict, and the call that follows from it.
    fn finish<B>(self) -> Judged<S, B>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        let Self { inner, parts, intake, clock } = self;
        let now = clock();
        match intake.finish(now) {
            Ok(accepted) => Verified { inner, parts, accepted, clock }.serve(),
            Err(refusal) => refuse(&refusal, now),
        }
    }
}

impl<S> Verified<S> {
    fn serve<B>(self) -> Judged<S, B>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        let now = (self.clock)();
        match self.accepted.next(now) {
            Next::Ask(question) => {
                let Self { mut inner, parts, clock, .. } = self;
                let deadline = sleep(question.timeout());
                let request = event_request(parts, &question, now);
                let asked = Asked { question, clock };
                Judged::Asked { future: inner.call(request), deadline, asked }
            }
            Next::Reply(conclusion) => Judged::Settled(report_of(&self.accepted, conclusion, now)),
            Next::Wait(wait) => {
                let deadline = sleep(wait.timeout());
                Judged::Waits { deadline, waiting: Waiting { wait, verified: self } }
            }
        }
    }
}

/// The request that the inner service gets.
fn event_request<B>(
    mut parts: request::Parts,
    question: &Question,
    now: Timestamp,
) -> Request<RequestBody<B>> {
    let head = Head::new(&parts.method, &parts.uri, &parts.headers);
    let accepted = question.accepted();
    let (mut headers, body) = accepted.request(&head, &Sender::default(), now);
    if let Some(host) = parts.headers.remove(http::header::HOST) {
        headers.insert(http::header::HOST, host);
    }
    if let Some(path) = question.url().and_then(Uri::path_and_query) {
        let mut uri = parts.uri.into_parts();
        uri.path_and_query = Some(path.clone());
        // A scheme and authority that stood with one path stand with another.
        parts.uri = Uri::from_parts(uri).unwrap_or_default();
    }
    parts.method = Method::POST;
    parts.headers = headers;
    parts.extensions.insert(accepted.clone());
    Request::from_parts(parts, RequestBody::ours(body))
}

fn poll_answer<R: Body<Data = Bytes>>(
    mut body: Pin<&mut R>,
    status: StatusCode,
    answer: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<Answer> {
    loop {
        match ready!(body.as_mut().poll_frame(cx)) {
            None => {
                let body = Some(std::mem::take(answer).freeze());
                return Poll::Ready(Answer::Response { status, body });
            }
            Some(Err(_)) => {
                return Poll::Ready(Answer::Unreachable("its answer broke off".into()));
            }
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                if data.len() > MAX_ANSWER_BYTES - answer.len() {
                    return Poll::Ready(Answer::Response { status, body: None });
                }
                answer.extend_from_slice(&data);
            }
        }
    }
}

fn conclude<S, F, B, R>(asked: &mut Option<Asked>, answer: &Answer) -> State<S, F, B, R> {
    let reply = asked.take().map(|Asked { question, clock }| {
        let accepted = question.accepted().clone();
        let now = clock();
        report_of(&accepted, question.conclude(answer, now), now)
    });
    State::Replying { reply }
}

fn report_of(accepted: &Accepted, conclusion: Conclusion, now: Timestamp) -> Reply {
    report::concluded(accepted, &conclusion, now);
    conclusion.reply
}
