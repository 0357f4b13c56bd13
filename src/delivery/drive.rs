//! The driver, which processes an admitted callback and returns the outcome, [`Driven`].
//!
//! A server, such as the tower layer or the proxy, implements [`ClientSide`] (the request and its
//! connection), [`AppSide`] (sending the event) and [`Runtime`] (clock and timer). [`drive`] does
//! the rest:
//!
//! 1. Reads the body within [`Intake::time_limit`], then gets the verdict from [`Intake::finish`].
//!    [`Runtime::run_long`] runs the judgements of bodies of more than 64 KiB, one at a time.
//! 2. For an accepted callback, calls [`Accepted::next`]. The result is [`Next::Reply`],
//!    [`Next::Wait`], [`Next::Store`] or [`Next::Ask`].
//! 3. For [`Next::Reply`]: returns the reply.
//! 4. For [`Next::Wait`]: awaits the conclusion of an earlier copy, because the platform has sent
//!    the callback more than once. If the earlier copy ends without a conclusion, calls
//!    [`Accepted::next`] again. After [`Wait::timeout`](super::Wait::timeout), applies the failure
//!    policy.
//! 5. For [`Next::Store`] with [`StoreStep::Append`]: appends the event to [`Runtime::store`],
//!    within [`Enqueue::timeout`]. Without a store, continues as for a kind that the config does
//!    not queue. With [`StoreStep::Claim`]: claims the callback in [`Runtime::shared_state`], and
//!    waits while another machine has the claim. With [`StoreStep::Limit`]: counts the callback
//!    towards a rate limit in [`Runtime::shared_state`].
//! 6. For [`Next::Ask`]: sends the event, and awaits the answer within [`Question::timeout`]. If
//!    the first attempt ends with [`Asked::ConnectionClosed`], sends the event again on a new
//!    connection.
//!
//! The driver stops as soon as the client disconnects. If the client closes only its sending half,
//! the driver continues, because such a client may still read the reply.
//!
//! The driver writes no reply, no log line and no metric. The server writes all three from the
//! result of [`drive`].

use std::future::Future;
use std::pin::{Pin, pin};

use super::app_side::{AppSide, Asked, Attempt, EventRequest};
use super::body_reader::read;
use super::server::{ClientSide, Runtime, while_connected};
use super::shared::{self, HeldClaim};
use super::{Enqueue, Next, Question, StoreStep};
use crate::conclusion::Conclusion;
use crate::intake::Intake;
use crate::memory::store::Store;
use crate::reply::Answer;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// The outcome of a callback. The server sends the reply, and logs and counts the outcome.
#[derive(Debug)]
pub enum Driven {
    /// A refused callback. A part of the body may be unread.
    Refused(Refusal),
    /// An accepted callback, its conclusion, and the time of the conclusion. The driver has read
    /// the whole body.
    Concluded(Accepted, Conclusion, Timestamp),
    /// An accepted callback whose client disconnected before the conclusion.
    ClientGone(Accepted),
}

/// Processes an admitted callback, and returns the outcome.
///
/// # Examples
///
/// ```
/// use std::future::{Future, ready};
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use gatepost::{
///     Admission, Answer, AppSide, Asked, Attempt, ClientSide, Disconnected, Driven, EventRequest,
///     Gate, Head, Question, RequestContext, Runtime, Timestamp, drive,
/// };
/// use http::{HeaderMap, Method, StatusCode, Uri};
///
/// struct Client<'r>(Head<'r>, Option<Bytes>);
///
/// impl ClientSide for Client<'_> {
///     fn head(&self) -> Head<'_> {
///         self.0
///     }
///
///     fn context(&self) -> RequestContext<'_> {
///         RequestContext::default()
///     }
///
///     async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
///         Ok(self.1.take())
///     }
/// }
///
/// struct App;
///
/// impl AppSide for App {
///     fn ask<'a>(
///         &'a mut self,
///         _: &Question,
///         event: EventRequest<'_>,
///         _: Attempt,
///     ) -> impl Future<Output = Asked> + Send + use<'a> {
///         let (_headers, _body) = event.into_parts();
///         let body = Some(r#"{"allow":true}"#.into());
///         ready(Asked::Answered(Answer::response(StatusCode::OK, body)))
///     }
/// }
///
/// struct Tokio;
///
/// impl Runtime for Tokio {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_secs(1_703_731_478)
///     }
///
///     fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
///         tokio::time::sleep(time)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gatepost::ConfigError> {
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
/// #     )
/// #     .build()?;
/// let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// let head = Head::new(&Method::POST, &uri, &headers);
/// for (form, status) in [
///     ("kind=100&client_user_id=u&media_content_key=m&channel_key=c", StatusCode::OK),
///     ("kind=100", StatusCode::BAD_REQUEST),
/// ] {
///     let Admission::Callback(intake) = gate.admit(&head, Tokio.now()) else {
///         panic!("expected a callback, found another admission")
///     };
///     let mut client = Client(head, Some(form.into()));
///     let reply = match drive(&mut client, &mut App, &Tokio, intake).await {
///         Driven::Refused(refusal) => refusal.reply(),
///         Driven::Concluded(_, conclusion, _) => conclusion.reply,
///         Driven::ClientGone(_) => continue,
///     };
///     assert_eq!(reply.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
pub async fn drive(
    client: &mut impl ClientSide,
    app: &mut impl AppSide,
    runtime: &impl Runtime,
    intake: Intake,
) -> Driven {
    let is_shared = runtime.shared_state().is_some();
    let intake = if is_shared { intake.shared() } else { intake };
    let (mut accepted, now) = match read(client, runtime, intake).await {
        Ok(read) => read,
        Err(refusal) => return Driven::Refused(refusal),
    };
    // Box the steps in the shared state, so that the future of a usual callback stays small.
    if is_shared {
        accepted = match Box::pin(shared::before(runtime, accepted)).await {
            Ok(accepted) => accepted,
            Err(refusal) => return Driven::Refused(refusal),
        };
    }
    match conclude(client, app, runtime, &accepted, now).await {
        Some((mut conclusion, now)) => {
            if is_shared {
                conclusion = Box::pin(shared::after(runtime, &accepted, conclusion, now)).await;
            }
            // Sets the CORS headers last: copies of the callback share a conclusion, but each copy
            // may come from another web origin.
            conclusion.reply.cors = accepted.cors().cloned().map(Box::new);
            Driven::Concluded(accepted, conclusion, now)
        }
        None => Driven::ClientGone(accepted),
    }
}

/// Returns the conclusion and its time; `None` if the client disconnects before the conclusion.
async fn conclude(
    client: &mut impl ClientSide,
    app: &mut impl AppSide,
    runtime: &impl Runtime,
    accepted: &Accepted,
    mut now: Timestamp,
) -> Option<(Conclusion, Timestamp)> {
    let asking = pin!({
        let mut next = accepted.next(now);
        loop {
            match next {
                Next::Reply(conclusion) => return Some((conclusion, now)),
                Next::Ask(mut question) => {
                    let Some(held) = question.shared.take() else {
                        break ask(client, app, runtime, question, now);
                    };
                    // Box this step, so that the future stays small without shared state.
                    return Box::pin(ask_for_all(client, app, runtime, question, *held, now)).await;
                }
                // Box the steps of the queue, so that the future of any other event stays small.
                Next::Store(step) => match (*step, runtime.store()) {
                    (StoreStep::Append(enqueue), Some(store)) => {
                        return Box::pin(append(client, runtime, store, enqueue)).await;
                    }
                    (StoreStep::Append(enqueue), None) => next = enqueue.without_store(now),
                    (StoreStep::Claim(claim), _) => {
                        next = Box::pin(shared::claim(client, runtime, claim)).await?;
                        now = runtime.now();
                    }
                    (StoreStep::Limit(step), _) => {
                        next = Box::pin(shared::limit(runtime, step)).await;
                        now = runtime.now();
                    }
                },
                Next::Wait(mut wait) => {
                    let timer = pin!(runtime.sleep(wait.timeout()));
                    let shared = Pin::new(&mut wait);
                    let shared = while_connected(client, shared, timer).await?;
                    now = runtime.now();
                    match shared {
                        Some(Some(conclusion)) => return Some((conclusion, now)),
                        // The earlier copy ended without a conclusion: call `next` again.
                        Some(None) => next = accepted.next(now),
                        None => return Some((wait.give_up(now), now)),
                    }
                }
            }
        }
    });
    asking.await
}

/// Appends the event to the store, within [`Enqueue::timeout`].
async fn append(
    client: &mut impl ClientSide,
    runtime: &impl Runtime,
    store: &dyn Store,
    enqueue: Enqueue,
) -> Option<(Conclusion, Timestamp)> {
    let event = enqueue.event(&client.head(), &client.context());
    let appending = store.append(event, runtime.now());
    let timer = pin!(runtime.sleep_coarsely(enqueue.timeout()));
    // After a time-out, the store may still make the event durable. A resend is then a duplicate.
    let appended = while_connected(client, pin!(appending), timer).await?;
    Some((enqueue.conclude(appended), runtime.now()))
}

/// Asks the app, then finishes or releases this machine's claim on the callback.
async fn ask_for_all(
    client: &mut impl ClientSide,
    app: &mut impl AppSide,
    runtime: &impl Runtime,
    question: Question,
    held: HeldClaim,
    now: Timestamp,
) -> Option<(Conclusion, Timestamp)> {
    let accepted = question.accepted().clone();
    let concluded = ask(client, app, runtime, question, now).await;
    match &concluded {
        Some((conclusion, now)) => {
            shared::finish(runtime, &accepted, held, conclusion, *now).await;
        }
        None => shared::release(runtime, &accepted, held).await,
    }
    concluded
}

/// Asks the app within the question's time-out. If the first attempt ends with
/// [`Asked::ConnectionClosed`], asks once more on a new connection.
#[expect(clippy::manual_async_fn, reason = "an async fn stores each argument twice")]
fn ask(
    client: &mut impl ClientSide,
    app: &mut impl AppSide,
    runtime: &impl Runtime,
    question: Question,
    mut now: Timestamp,
) -> impl Future<Output = Option<(Conclusion, Timestamp)>> + Send {
    async move {
        let mut timer = pin!(runtime.sleep_coarsely(question.timeout()));
        let mut attempt = Attempt::First;
        let answer = loop {
            let (accepted, head, context) = (question.accepted(), client.head(), client.context());
            let event = EventRequest { accepted, head, context, now };
            let asked = pin!(app.ask(&question, event, attempt));
            let asked = while_connected(client, asked, timer.as_mut()).await?;
            now = runtime.now();
            match asked {
                None => break Answer::Timeout,
                Some(Asked::Answered(answer)) => break answer,
                Some(Asked::ConnectionClosed) if attempt == Attempt::First => {
                    attempt = Attempt::NewConnection;
                }
                Some(Asked::ConnectionClosed) => break Answer::Unreachable(CLOSED.into()),
            }
        };
        Some((question.conclude(&answer, now), now))
    }
}

const CLOSED: &str = "expected an answer, found a closed connection; read the app's log";
