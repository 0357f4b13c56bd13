//! Drives one callback from its head to its reply, on the HTTP/1 fast path and in Pingora sessions.
//!
//! The gate decides. The driver only carries: the body to the gate, the event to the app, the
//! answer to the gate, the reply to the client.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost::{
    Accepted, Answer, Conclusion, Gate, Head, Intake, Next, Question, Refusal, Reply, Sender,
    Timestamp, report,
};
use http::Uri;
use http::header::HOST;
use http::uri::PathAndQuery;

use crate::app::{self, AskOutcome};
use crate::telemetry::metrics::METRICS;

/// Bounds for draining a refused request. Closing a socket with unread bytes resets the connection,
/// and the client would lose the reply; a drained connection can also be kept.
pub(crate) const DRAIN_BYTES: usize = 256 * 1024;
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for the reply to a client that has closed its side. It may still read, or may be gone: the
/// two look the same.
const HALF_CLOSED_GRACE: Duration = Duration::from_millis(250);

/// A request whose head is read, and its connection.
pub(crate) trait Exchange: Send {
    fn head(&self) -> Head<'_>;

    fn uri(&self) -> &Uri;

    /// Returns true if the connection is encrypted.
    fn is_encrypted(&self) -> bool;

    /// Sends `100 Continue` if the client expects it.
    fn send_continue(&mut self) -> impl Future<Output = Result<(), ClientGone>> + Send;

    /// Reads the next piece of the body; `None` after the last.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, ClientGone>> + Send;

    /// Waits, after the body, until the client closes its side, goes away or sends more.
    fn client_activity(&mut self) -> impl Future<Output = ClientActivity> + Send;

    /// Writes a reply after the body was read. A client that is gone is no error.
    fn write(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Writes a reply while parts of the body may still arrive.
    fn write_unread(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Closes the connection after this request.
    fn close(&mut self);
}

/// The client is gone.
pub(crate) struct ClientGone;

/// Client activity while its reply is pending.
pub(crate) enum ClientActivity {
    Gone,
    /// It closed its side, and may still read.
    HalfClosed,
    /// It sent bytes of its next request, so it is there.
    SentMore,
}

/// Everything that the callbacks of a proxy share.
#[derive(Clone, Debug)]
pub(crate) struct CallbackDriver {
    pub(crate) gate: Gate,
    /// Destination of events without an address.
    pub(crate) upstream: Option<Uri>,
    pub(crate) clock: fn() -> Timestamp,
}

impl CallbackDriver {
    /// Reads the body of an admitted callback, and answers it.
    pub(crate) async fn answer(
        &self,
        exchange: &mut impl Exchange,
        intake: Intake,
        started: Instant,
    ) {
        match self.read(exchange, intake).await {
            Ok((accepted, now)) => self.serve(exchange, &accepted, started, now).await,
            Err(refusal) => self.refuse(exchange, &refusal).await,
        }
    }

    /// Writes the reply to a refused request, and reports it.
    pub(crate) async fn refuse(&self, exchange: &mut impl Exchange, refusal: &Refusal) {
        METRICS.refused(refusal);
        report::refused(refusal, (self.clock)());
        exchange.write_unread(&refusal.reply()).await;
    }

    /// Reads the body and lets the gate judge it. Returns the moment of the verdict too.
    async fn read(
        &self,
        exchange: &mut impl Exchange,
        mut intake: Intake,
    ) -> Result<(Accepted, Timestamp), Refusal> {
        let time_limit = intake.time_limit();
        let whole = time_limited(time_limit, async {
            if exchange.send_continue().await.is_err() {
                return Ok(false);
            }
            loop {
                match exchange.next_chunk().await {
                    Ok(Some(chunk)) => intake.push(chunk)?,
                    Ok(None) => return Ok(true),
                    Err(ClientGone) => return Ok(false),
                }
            }
        });
        match whole.await {
            Some(Ok(true)) => {
                let now = (self.clock)();
                intake.finish(now).map(|accepted| (accepted, now))
            }
            Some(Ok(false)) | None => Err(intake.interrupted()),
            Some(Err(refusal)) => Err(refusal),
        }
    }

    async fn serve(
        &self,
        exchange: &mut impl Exchange,
        accepted: &Accepted,
        started: Instant,
        now: Timestamp,
    ) {
        let Some((conclusion, now)) = self.conclude(exchange, accepted, now).await else {
            METRICS.client_gone(accepted);
            tracing::debug!("the client did not wait for its reply");
            return exchange.close();
        };
        METRICS.concluded(accepted, &conclusion, started.elapsed());
        report::concluded(accepted, &conclusion, now);
        exchange.write(&conclusion.reply).await;
    }

    /// Returns the reply and its moment, or `None` if the client goes away before.
    async fn conclude(
        &self,
        exchange: &mut impl Exchange,
        accepted: &Accepted,
        mut now: Timestamp,
    ) -> Option<(Conclusion, Timestamp)> {
        loop {
            match accepted.next(now) {
                Next::Reply(conclusion) => return Some((conclusion, now)),
                Next::Ask(question) => return self.ask(exchange, question, now).await,
                Next::Wait(mut wait) => {
                    let shared = tokio::time::timeout(wait.timeout(), &mut wait);
                    let shared = while_connected(exchange, shared).await?;
                    now = (self.clock)();
                    match shared {
                        Ok(Some(conclusion)) => return Some((conclusion, now)),
                        // The request that asked the app for all was cut off: try again.
                        Ok(None) => {}
                        Err(_) => return Some((wait.give_up(now), now)),
                    }
                }
            }
        }
    }

    /// Asks the app. Stops asking if the client goes away.
    async fn ask(
        &self,
        exchange: &mut impl Exchange,
        question: Question,
        now: Timestamp,
    ) -> Option<(Conclusion, Timestamp)> {
        let at_path = || self.upstream_at(exchange.uri().path_and_query());
        let Some(url) = question.url().cloned().or_else(at_path) else {
            let why = "the template gives no address, and the config no upstream";
            return Some((question.conclude(&Answer::Unreachable(why.into()), now), now));
        };
        let mut trace = [0; 24];
        fastrand::fill(&mut trace);
        let accepted = question.accepted();
        let (limit, asked_at) = (question.timeout(), Instant::now());
        let event = accepted.request(&exchange.head(), &request_context(exchange, trace), now);
        let asked = app::ask(&url, limit, event);
        let answer = match while_connected(exchange, asked).await? {
            AskOutcome::Answered(answer) => answer,
            AskOutcome::HungUp => {
                let now = (self.clock)();
                let event =
                    accepted.request(&exchange.head(), &request_context(exchange, trace), now);
                let left = limit.saturating_sub(asked_at.elapsed());
                let asked = Box::pin(app::ask_on_new_connection(&url, left, event));
                while_connected(exchange, asked).await?
            }
        };
        let now = (self.clock)();
        Some((question.conclude(&answer, now), now))
    }

    fn upstream_at(&self, path: Option<&PathAndQuery>) -> Option<Uri> {
        let mut parts = self.upstream.clone()?.into_parts();
        parts.path_and_query = path.cloned();
        Uri::from_parts(parts).ok()
    }
}

/// Returns the context of a request. Its host is a placeholder for the app's, which the connection
/// pool sets.
fn request_context(exchange: &impl Exchange, trace: [u8; 24]) -> Sender<'_> {
    let scheme = scheme(exchange.is_encrypted());
    Sender { scheme: Some(scheme), trace: Some(trace), host: exchange.head().headers().get(HOST) }
}

/// Returns the scheme that the request came by.
pub(crate) const fn scheme(is_encrypted: bool) -> &'static str {
    if is_encrypted { "https" } else { "http" }
}

/// Limits the time of some work; `None` if it takes longer. The work is polled once before a timer
/// is made: most of it is done at once, and a timer would cost more than the work.
pub(crate) async fn time_limited<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let at_once = std::future::poll_fn(|context| {
        use std::task::Poll;
        Poll::Ready(match work.as_mut().poll(context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    });
    match at_once.await {
        Some(done) => Some(done),
        None => tokio::time::timeout(limit, work).await.ok(),
    }
}

/// Works until the client goes away.
async fn while_connected<T>(
    exchange: &mut impl Exchange,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let heard = tokio::select! {
        biased;
        done = &mut work => return Some(done),
        heard = exchange.client_activity() => heard,
    };
    match heard {
        ClientActivity::SentMore => Some(work.await),
        ClientActivity::HalfClosed => {
            exchange.close();
            tokio::time::timeout(HALF_CLOSED_GRACE, work).await.ok()
        }
        ClientActivity::Gone => None,
    }
}
