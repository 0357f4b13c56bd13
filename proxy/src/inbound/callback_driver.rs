//! The way of one callback, from its head to its reply, whichever way its bytes came.
//!
//! The gate decides; what is here only carries: the body to the gate, the event to the app, the
//! answer to the gate, the reply to the sender.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost::{
    Accepted, Answer, Conclusion, Gate, Head, Intake, Next, Question, Refusal, Reply,
    RequestContext, Timestamp, report,
};
use http::Uri;
use http::header::HOST;
use http::uri::PathAndQuery;

use crate::app::{self, Asked};
use crate::telemetry::metrics::METRICS;

/// How much of a refused request is read and thrown away, and for how long, so that its sender
/// sees the reply and, where it is safe, keeps its connection.
pub(crate) const DRAIN_BYTES: usize = 256 * 1024;
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a sender is still answered that has closed its side: nobody can tell it from one that is
/// gone.
const HALF_CLOSED: Duration = Duration::from_millis(250);

/// A request whose head is read, and its connection.
pub(crate) trait Exchange: Send {
    fn head(&self) -> Head<'_>;

    fn uri(&self) -> &Uri;

    /// Whether the connection is encrypted.
    fn is_encrypted(&self) -> bool;

    /// Has a sender go on that waits for a word before it sends the body.
    fn invite_body(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// The next piece of the body; `None` after the last.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Gone>> + Send;

    /// Waits, when the body is read, until the sender does something.
    fn heard(&mut self) -> impl Future<Output = Heard> + Send;

    /// Writes a reply, once the body is read. If the sender is gone, nobody misses it.
    fn write(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Writes a reply, whatever of the body is still to come.
    fn write_unread(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Ends the connection with this request.
    fn close(&mut self);
}

/// The sender is gone.
pub(crate) struct Gone;

/// What a sender does that is to wait for its reply.
pub(crate) enum Heard {
    /// It closed its side, and may still read.
    Closed,
    /// It is gone.
    Gone,
    /// It said more, and is there.
    More,
}

/// What every callback needs.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) gate: Gate,
    /// Where events without an address go.
    pub(crate) upstream: Option<Uri>,
    pub(crate) clock: fn() -> Timestamp,
}

impl Way {
    /// Reads a callback that was admitted, and answers it.
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

    pub(crate) async fn refuse(&self, exchange: &mut impl Exchange, refusal: &Refusal) {
        METRICS.refused(refusal);
        report::refused(refusal, (self.clock)());
        exchange.write_unread(&refusal.reply()).await;
    }

    /// Reads the whole body and has it judged, at the moment that comes back.
    async fn read(
        &self,
        exchange: &mut impl Exchange,
        mut intake: Intake,
    ) -> Result<(Accepted, Timestamp), Refusal> {
        let time_limit = intake.time_limit();
        let whole = unhurried(time_limit, async {
            if exchange.invite_body().await.is_err() {
                return Ok(false);
            }
            loop {
                match exchange.next_chunk().await {
                    Ok(Some(chunk)) => intake.push(chunk)?,
                    Ok(None) => return Ok(true),
                    Err(Gone) => return Ok(false),
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
            METRICS.gone(accepted);
            tracing::debug!("the sender did not wait for its reply");
            return exchange.close();
        };
        METRICS.concluded(accepted, &conclusion, started.elapsed());
        report::concluded(accepted, &conclusion, now);
        exchange.write(&conclusion.reply).await;
    }

    /// The reply and the moment of it, unless the sender goes away before.
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
                    let shared = unless_gone(exchange, shared).await?;
                    now = (self.clock)();
                    match shared {
                        Ok(Some(conclusion)) => return Some((conclusion, now)),
                        // Whoever asked was cut off.
                        Ok(None) => {}
                        Err(_) => return Some((wait.give_up(now), now)),
                    }
                }
            }
        }
    }

    /// Asks the app; if the sender goes away meanwhile, nobody is asked any more.
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
        let event = accepted.request(&exchange.head(), &sender(exchange, trace), now);
        let asked = app::ask(&url, limit, event);
        let answer = match unless_gone(exchange, asked).await? {
            Asked::Answered(answer) => answer,
            Asked::HungUp => {
                let now = (self.clock)();
                let event = accepted.request(&exchange.head(), &sender(exchange, trace), now);
                let left = limit.saturating_sub(asked_at.elapsed());
                let asked = Box::pin(app::ask_afresh(&url, left, event));
                unless_gone(exchange, asked).await?
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

/// What is known of a sender. The host stands in the place of the app's, which is known later.
fn sender(exchange: &impl Exchange, trace: [u8; 24]) -> RequestContext<'_> {
    let scheme = scheme(exchange.is_encrypted());
    let host = exchange.head().headers().get(HOST);
    RequestContext::default().with_scheme(scheme).with_trace(trace).with_host(host)
}

/// How the gate calls the protocol that a request came by.
pub(crate) const fn scheme(is_encrypted: bool) -> &'static str {
    if is_encrypted { "https" } else { "http" }
}

/// `None` if it takes longer. What is done at once needs no timer.
pub(crate) async fn unhurried<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
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

/// Works until the sender goes away.
async fn unless_gone<T>(exchange: &mut impl Exchange, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let heard = tokio::select! {
        biased;
        done = &mut work => return Some(done),
        heard = exchange.heard() => heard,
    };
    match heard {
        Heard::More => Some(work.await),
        Heard::Closed => {
            exchange.close();
            tokio::time::timeout(HALF_CLOSED, work).await.ok()
        }
        Heard::Gone => None,
    }
}
