//! The way of one callback through the layer, up to the platform's reply.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, request};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use super::body::RequestBody;
use crate::body::BodyBuffer;
use crate::conclusion::Conclusion;
use crate::delivery::{Next, Question, Wait};
use crate::head::{Head, RequestContext};
use crate::intake::Intake;
use crate::reply::{Answer, MAX_ANSWER_BYTES, Reply, unavailable_reply};
use crate::report;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

pin_project! {
    /// How far it has come.
    #[project = CallbackProj]
    pub(super) enum Callback<S, F, B, R> {
        // Its body is being read.
        Reading { #[pin] body: B, #[pin] deadline: Deadline, unjudged: Option<Unjudged<S>> },
        // Accepted; the inner service was told of another copy of it.
        Waiting { #[pin] deadline: Deadline, waiting: Option<Waiting<S>> },
        // Accepted; the inner service was told of it.
        Asking { #[pin] future: F, #[pin] deadline: Deadline, asked: Option<Asked> },
        // The inner service's answer is being read.
        Answering {
            #[pin] body: R,
            #[pin] deadline: Deadline,
            asked: Option<Asked>,
            status: StatusCode,
            answer: BodyBuffer,
        },
    }
}

pin_project! {
    /// When something must be over. What is over at once starts no timer.
    pub(super) struct Deadline {
        at: Instant,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl Deadline {
    fn after(time: Duration) -> Self {
        Self::at(Instant::now() + time)
    }

    const fn at(at: Instant) -> Self {
        Self { at, timer: None }
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(*this.at)));
        }
        this.timer.as_pin_mut().map_or(Poll::Ready(()), |timer| timer.poll(cx))
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
pub(super) struct Waiting<S> {
    wait: Wait,
    verified: Verified<S>,
}

/// A question that the inner service was asked.
pub(super) struct Asked {
    question: Question,
    clock: fn() -> Timestamp,
}

/// A request without its body, and what will judge and serve it.
pub(super) struct Unjudged<S> {
    inner: S,
    parts: request::Parts,
    intake: Intake,
    clock: fn() -> Timestamp,
}

impl<S, B, R> Callback<S, S::Future, B, R>
where
    S: Service<Request<RequestBody<B>>>,
{
    pub(super) fn new(
        inner: S,
        request: Request<B>,
        intake: Intake,
        clock: fn() -> Timestamp,
    ) -> Self {
        let (parts, body) = request.into_parts();
        let deadline = Deadline::after(intake.time_limit());
        let unjudged = Some(Unjudged { inner, parts, intake, clock });
        Self::Reading { body, deadline, unjudged }
    }
}

impl<S, B, R> Callback<S, S::Future, B, R>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes>,
    R: Body<Data = Bytes>,
{
    /// The platform's reply.
    pub(super) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        loop {
            let judged = match self.as_mut().project() {
                CallbackProj::Reading { body, deadline, unjudged } => {
                    let read = poll_body(body, unjudged, cx);
                    let read = ready!(in_time(read, deadline, cx, || Read::Broken));
                    unjudged.take().map(|callback| callback.judge(read))
                }
                CallbackProj::Waiting { deadline, waiting } => {
                    let judged = poll_wait(waiting, cx);
                    ready!(in_time(judged, deadline, cx, || give_up(waiting)))
                }
                CallbackProj::Asking { future, deadline, asked } => {
                    let polled = future.poll(cx).map(Some);
                    // What is left of the time is the time for the body.
                    let at = deadline.at;
                    match ready!(in_time(polled, deadline, cx, || None)) {
                        None => return conclude(asked, &Answer::Timeout),
                        Some(Err(_)) => {
                            let why = "the service failed".into();
                            return conclude(asked, &Answer::Unreachable(why));
                        }
                        Some(Ok(response)) => {
                            let (parts, body) = response.into_parts();
                            let (status, deadline) = (parts.status, Deadline::at(at));
                            let (asked, answer) = (asked.take(), BodyBuffer::default());
                            self.set(Self::Answering { body, deadline, asked, status, answer });
                            continue;
                        }
                    }
                }
                CallbackProj::Answering { body, deadline, asked, status, answer } => {
                    let answer = poll_answer(body, *status, answer, cx);
                    let answer = ready!(in_time(answer, deadline, cx, || Answer::Timeout));
                    return conclude(asked, &answer);
                }
            };
            match judged {
                Some(Judged::Asked { future, deadline, asked }) => {
                    self.set(Self::Asking { future, deadline, asked: Some(asked) });
                }
                Some(Judged::Waits { deadline, waiting }) => {
                    self.set(Self::Waiting { deadline, waiting: Some(waiting) });
                }
                Some(Judged::Settled(reply)) => return Poll::Ready(reply),
                // It is not polled again after its end.
                None => return Poll::Ready(unavailable_reply()),
            }
        }
    }
}

/// What there is, or what follows when the time is over.
fn in_time<T>(
    polled: Poll<T>,
    deadline: Pin<&mut Deadline>,
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
    Asked { future: S::Future, deadline: Deadline, asked: Asked },
    Waits { deadline: Deadline, waiting: Waiting<S> },
    Settled(Reply),
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
    Poll::Ready(slot.take().map(|Waiting { verified, .. }| {
        let now = (verified.clock)();
        match shared {
            Some(conclusion) => Judged::Settled(report_of(&verified.accepted, conclusion, now)),
            None => verified.serve(now),
        }
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

/// What came of reading a body.
enum Read {
    /// It will not be whole.
    Broken,
    Refused(Refusal),
    Whole,
}

/// Reads the body to its end, or until it is refused.
fn poll_body<S, B>(
    mut body: Pin<&mut B>,
    slot: &mut Option<Unjudged<S>>,
    cx: &mut Context<'_>,
) -> Poll<Read>
where
    B: Body<Data = Bytes>,
{
    while let Some(callback) = slot {
        match ready!(body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                if let Err(refusal) = callback.intake.push(data) {
                    return Poll::Ready(Read::Refused(refusal));
                }
            }
            Some(Err(_)) => break,
            None => return Poll::Ready(Read::Whole),
        }
    }
    Poll::Ready(Read::Broken)
}

impl<S> Unjudged<S> {
    /// The verdict, and the call that follows from it.
    fn judge<B>(self, read: Read) -> Judged<S, B>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        let Self { inner, parts, intake, clock } = self;
        let now = clock();
        let verdict = match read {
            Read::Broken => Err(intake.interrupted()),
            Read::Refused(refusal) => Err(refusal),
            Read::Whole => intake.finish(now),
        };
        match verdict {
            Ok(accepted) => Verified { inner, parts, accepted, clock }.serve(now),
            Err(refusal) => {
                report::refused(&refusal, now);
                Judged::Settled(refusal.reply())
            }
        }
    }
}

impl<S> Verified<S> {
    fn serve<B>(self, now: Timestamp) -> Judged<S, B>
    where
        S: Service<Request<RequestBody<B>>>,
    {
        match self.accepted.next(now) {
            Next::Ask(question) => {
                let Self { mut inner, parts, clock, .. } = self;
                let deadline = Deadline::after(question.timeout());
                let request = event_request(parts, &question, now);
                let asked = Asked { question, clock };
                Judged::Asked { future: inner.call(request), deadline, asked }
            }
            Next::Reply(conclusion) => Judged::Settled(report_of(&self.accepted, conclusion, now)),
            Next::Wait(wait) => {
                let deadline = Deadline::after(wait.timeout());
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
    let sender =
        RequestContext { host: parts.headers.get(http::header::HOST), ..RequestContext::default() };
    let (headers, body) = accepted.request(&head, &sender, now);
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
    answer: &mut BodyBuffer,
    cx: &mut Context<'_>,
) -> Poll<Answer> {
    loop {
        match ready!(body.as_mut().poll_frame(cx)) {
            None => {
                let body = Some(answer.take());
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
                answer.push(data, 0);
            }
        }
    }
}

fn conclude(asked: &mut Option<Asked>, answer: &Answer) -> Poll<Reply> {
    let reply = asked.take().map(|Asked { question, clock }| {
        let accepted = question.accepted().clone();
        let now = clock();
        report_of(&accepted, question.conclude(answer, now), now)
    });
    // It is not polled again after its end.
    Poll::Ready(reply.unwrap_or_else(unavailable_reply))
}

fn report_of(accepted: &Accepted, conclusion: Conclusion, now: Timestamp) -> Reply {
    report::concluded(accepted, &conclusion, now);
    conclusion.reply
}
