//! The driver: carries one callback from its head to its reply, through either door.
//!
//! A door implements [`ClientSide`] (the request and its connection), [`AppSide`] (sending the event)
//! and [`Runtime`] (clock and timer); [`drive`] does everything between them:
//!
//! 1. Reads the body, within [`Intake::time_limit`], and lets the gate judge it.
//! 2. Asks the accepted callback what is [next](Accepted::next): a reply, a wait, or a question.
//! 3. Waits for the outcome of another copy of the callback, and starts over if there is none.
//! 4. Sends the event to the app within [`Question::timeout`]. If the app closes a pooled
//!    connection before it answers, sends the event once more, on a new connection.
//! 5. Gives up as soon as the client disconnects. A client that only closed its sending half
//!    has [`HALF_CLOSED_GRACE`] to get its reply, because it cannot be told from one that is gone.
//!
//! The driver writes no reply, no log line and no metric: the door does, from what [`drive`] returns.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::uri::PathAndQuery;

use super::{Next, Question};
use crate::conclusion::Conclusion;
use crate::head::{Head, RequestContext};
use crate::intake::Intake;
use crate::reply::Answer;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// Time in which a client that closed its sending half still gets its reply.
const HALF_CLOSED_GRACE: Duration = Duration::from_millis(250);

/// The client's side of a callback: a request whose head was read, and its connection.
pub trait ClientSide: Send {
    /// Returns the head of the request.
    fn head(&self) -> Head<'_>;

    /// Returns what the door knows of the request beside its head.
    fn context(&self) -> RequestContext<'_>;

    /// Reads the next piece of the body; `None` after the last. The first call also answers an
    /// `Expect: 100-continue`.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Disconnected>> + Send;

    /// Waits, once the body is read, until the client does something. Never completes where the
    /// server drops the callback by itself when the client disconnects.
    fn activity(&mut self) -> impl Future<Output = ClientActivity> + Send {
        std::future::pending()
    }
}

/// The app's side of a callback.
pub trait AppSide: Send {
    /// Sends the event and reads the whole answer. The driver drops the future when the time is over.
    fn ask<'a>(
        &'a mut self,
        question: &Question,
        event: EventRequest<'_>,
        attempt: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a, Self>;
}

/// Clock and timer of a door.
pub trait Runtime: Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Completes `time` after it is first polled. Costs nothing before.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// The same for the time that an app has to answer, which may end some milliseconds late: a
    /// door can share timers between the many questions that are pending.
    fn sleep_coarsely(&self, time: Duration) -> impl Future<Output = ()> + Send {
        self.sleep(time)
    }
}

/// The client disconnected before the body was complete.
#[derive(Clone, Copy, Debug)]
pub struct Disconnected;

/// What a client did while its reply was pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientActivity {
    /// It disconnected.
    Disconnected,
    /// It closed its sending half, and may still read the reply.
    HalfClosed,
    /// It sent more bytes, so it is still connected.
    SentMore,
}

/// The request for the app. It is written when the door asks for its parts.
#[derive(Debug)]
pub struct EventRequest<'r> {
    accepted: &'r Accepted,
    head: Head<'r>,
    context: RequestContext<'r>,
    now: Timestamp,
}

impl EventRequest<'_> {
    /// Returns the path and query of the callback, for an app without an address of its own.
    #[must_use]
    pub fn callback_path(&self) -> Option<&PathAndQuery> {
        self.head.uri().path_and_query()
    }

    /// Writes the event's headers, `content-length` among them, and its body.
    #[must_use]
    pub fn into_parts(self) -> (HeaderMap, Bytes) {
        self.accepted.request(&self.head, &self.context, self.now)
    }
}

/// The connection that an event is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The first attempt: an idle connection will do.
    First,
    /// The second attempt: a new connection.
    NewConnection,
}

/// The result of sending an event.
#[derive(Debug)]
pub enum Asked {
    /// The app answered, or failed.
    Answered(Answer),
    /// The app closed an idle connection before it read the event; a new one may do.
    ConnectionClosed,
}

/// The end of a callback, which the door replies to, logs and counts.
#[derive(Debug)]
pub enum Driven {
    /// Refused; a part of the body may be unread.
    Refused(Refusal),
    /// Accepted and concluded, at this moment; the body was read.
    Concluded(Accepted, Conclusion, Timestamp),
    /// Accepted, but the client disconnected before its reply was known.
    ClientGone(Accepted),
}

/// Carries an admitted callback to its end.
pub async fn drive(
    client: &mut impl ClientSide,
    app: &mut impl AppSide,
    runtime: &impl Runtime,
    intake: Intake,
) -> Driven {
    let (accepted, now) = match read(client, runtime, intake).await {
        Ok(read) => read,
        Err(refusal) => return Driven::Refused(refusal),
    };
    match conclude(client, app, runtime, &accepted, now).await {
        Some((conclusion, now)) => Driven::Concluded(accepted, conclusion, now),
        None => Driven::ClientGone(accepted),
    }
}

/// Reads the whole body and judges it.
async fn read(
    client: &mut impl ClientSide,
    runtime: &impl Runtime,
    mut intake: Intake,
) -> Result<(Accepted, Timestamp), Refusal> {
    let time_limit = intake.time_limit();
    let read = {
        let body = pin!(async {
            loop {
                match client.next_chunk().await {
                    Ok(Some(chunk)) => intake.push(chunk)?,
                    Ok(None) => return Ok(true),
                    Err(Disconnected) => return Ok(false),
                }
            }
        });
        in_time(body, pin!(runtime.sleep(time_limit))).await
    };
    match read {
        Some(Ok(true)) => {
            let now = runtime.now();
            intake.finish(now).map(|accepted| (accepted, now))
        }
        Some(Ok(false)) | None => Err(intake.interrupted()),
        Some(Err(refusal)) => Err(refusal),
    }
}

/// Finds the conclusion and its moment; `None` if the client disconnects before.
async fn conclude(
    client: &mut impl ClientSide,
    app: &mut impl AppSide,
    runtime: &impl Runtime,
    accepted: &Accepted,
    mut now: Timestamp,
) -> Option<(Conclusion, Timestamp)> {
    loop {
        match accepted.next(now) {
            Next::Reply(conclusion) => return Some((conclusion, now)),
            Next::Ask(question) => return ask(client, app, runtime, question, now).await,
            Next::Wait(mut wait) => {
                let timer = pin!(runtime.sleep(wait.timeout()));
                let shared = Pin::new(&mut wait);
                let shared = while_connected(client, runtime, shared, timer).await?;
                now = runtime.now();
                match shared {
                    Some(Some(conclusion)) => return Some((conclusion, now)),
                    // The other copy ended without an outcome.
                    Some(None) => {}
                    None => return Some((wait.give_up(now), now)),
                }
            }
        }
    }
}

/// Asks the app, at most twice, within the question's time.
async fn ask(
    client: &mut impl ClientSide,
    app: &mut impl AppSide,
    runtime: &impl Runtime,
    question: Question,
    mut now: Timestamp,
) -> Option<(Conclusion, Timestamp)> {
    let mut timer = pin!(runtime.sleep_coarsely(question.timeout()));
    let mut attempt = Attempt::First;
    let answer = loop {
        let (accepted, head, context) = (question.accepted(), client.head(), client.context());
        let event = EventRequest { accepted, head, context, now };
        let asked = pin!(app.ask(&question, event, attempt));
        let asked = while_connected(client, runtime, asked, timer.as_mut()).await?;
        now = runtime.now();
        match asked {
            None => break Answer::Timeout,
            Some(Asked::Answered(answer)) => break answer,
            Some(Asked::ConnectionClosed) => attempt = Attempt::NewConnection,
        }
    };
    Some((question.conclude(&answer, now), now))
}

/// Runs `work` until the timer ends; `None` if it takes longer. Work that completes at once starts
/// no timer.
async fn in_time<T>(
    mut work: Pin<&mut (impl Future<Output = T> + Send)>,
    mut timer: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Option<T> {
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// Runs [`in_time`] while the client is connected; `None` if it disconnects.
async fn while_connected<T: Send>(
    client: &mut impl ClientSide,
    runtime: &impl Runtime,
    mut work: Pin<&mut (impl Future<Output = T> + Send)>,
    mut timer: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Option<Option<T>> {
    let mut activity = pin!(client.activity());
    let ended = poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(Some(done)));
        }
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(None));
        }
        activity.as_mut().poll(cx).map(Err)
    });
    match ended.await {
        Ok(ended) => Some(ended),
        Err(ClientActivity::Disconnected) => None,
        Err(ClientActivity::SentMore) => Some(in_time(work, timer).await),
        Err(ClientActivity::HalfClosed) => {
            let grace = pin!(runtime.sleep(HALF_CLOSED_GRACE));
            in_time(pin!(in_time(work, timer)), grace).await
        }
    }
}
