//! The proxy's side of gatepost's driver: the client's connection, the app, clock and timers.
//!
//! [`Exchange`] has two implementations, one for each way in: HTTP/1 connections that gatepost
//! reads itself, and Pingora's sessions.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost::{
    Answer, AppSide, Asked, Attempt, ClientActivity, ClientSide, Disconnected, Driven,
    EventRequest, Gate, Head, Intake, Question, Refusal, Reply, RequestContext, Runtime, Timestamp,
    drive, report,
};
use http::Uri;
use http::header::HOST;
use http::uri::PathAndQuery;
use pingora::prelude::fast_timeout::fast_sleep;

use crate::app;
use crate::telemetry::metrics::METRICS;

/// Bounds for draining a refused request. Closing a socket with unread bytes resets the connection,
/// and the client would lose the reply; a drained connection can also be kept.
pub(crate) const DRAIN_BYTES: usize = 256 * 1024;
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A request whose head was read, and its connection.
pub(crate) trait Exchange: Send {
    fn head(&self) -> Head<'_>;

    /// Reports a TLS connection.
    fn is_encrypted(&self) -> bool;

    /// Sends `100 Continue` if the client expects it.
    fn send_continue(&mut self) -> impl Future<Output = Result<(), Disconnected>> + Send {
        async { Ok(()) }
    }

    /// Reads the next piece of the body; `None` after the last.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Disconnected>> + Send;

    /// Reads and drops what is left of the body, up to [`DRAIN_BYTES`].
    fn drain(&mut self) -> impl Future<Output = ()> + Send {
        async {
            let mut left = DRAIN_BYTES;
            while let Ok(Some(chunk)) = self.next_chunk().await {
                let Some(rest) = left.checked_sub(chunk.len()) else { return };
                left = rest;
            }
        }
    }

    /// Waits, once the body is read, until the client does something.
    fn client_activity(&mut self) -> impl Future<Output = ClientActivity> + Send;

    /// Writes a reply, once the body is read. Does nothing if the client disconnected.
    fn write(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Writes a reply to a request whose body may not be read.
    fn write_unread(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Ends the connection after this request.
    fn close(&mut self);
}

/// Serves the callbacks of one gate.
#[derive(Clone, Debug)]
pub(crate) struct CallbackDriver {
    pub(crate) gate: Gate,
    /// Origin of events without an address of their own.
    pub(crate) upstream: Option<Uri>,
    pub(crate) clock: fn() -> Timestamp,
}

impl CallbackDriver {
    /// Reads a callback that was admitted, and replies to it.
    pub(crate) async fn serve(
        &self,
        exchange: &mut impl Exchange,
        intake: Intake,
        started: Instant,
    ) {
        let mut trace = [0; 24];
        fastrand::fill(&mut trace);
        let mut client = Client { exchange, trace, sent_continue: false };
        let driven = drive(&mut client, &mut App(self), self, intake).await;
        match driven {
            Driven::Refused(refusal) => self.refuse(exchange, &refusal).await,
            Driven::Concluded(accepted, conclusion, now) => {
                METRICS.concluded(&accepted, &conclusion, started.elapsed());
                report::concluded(&accepted, &conclusion, now);
                exchange.write(&conclusion.reply).await;
            }
            Driven::ClientGone(accepted) => {
                METRICS.client_gone(&accepted);
                tracing::debug!("the client disconnected before its reply");
                exchange.close();
            }
        }
    }

    pub(crate) async fn refuse(&self, exchange: &mut impl Exchange, refusal: &Refusal) {
        METRICS.refused(refusal);
        report::refused(refusal, (self.clock)());
        exchange.write_unread(&refusal.reply()).await;
    }

    fn upstream_at(&self, path: Option<&PathAndQuery>) -> Option<Uri> {
        let mut parts = self.upstream.clone()?.into_parts();
        parts.path_and_query = path.cloned();
        Uri::from_parts(parts).ok()
    }
}

impl Runtime for CallbackDriver {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    // Both count from the first poll: nothing blocks between the call and that.
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Uses Pingora's shared timers: a timer of tokio's that is the next one due costs a system
    /// call.
    async fn sleep_coarsely(&self, time: Duration) {
        fast_sleep(time).await;
    }
}

/// The client's side of a callback.
struct Client<'e, E> {
    exchange: &'e mut E,
    /// Random bytes for a trace of its own.
    trace: [u8; 24],
    sent_continue: bool,
}

impl<E: Exchange> ClientSide for Client<'_, E> {
    fn head(&self) -> Head<'_> {
        self.exchange.head()
    }

    fn context(&self) -> RequestContext<'_> {
        // The connection pool replaces the host by that of the address.
        let host = self.exchange.head().headers().get(HOST);
        let context = RequestContext::default().with_scheme(scheme(self.exchange.is_encrypted()));
        context.with_trace(self.trace).with_host(host)
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        if !std::mem::replace(&mut self.sent_continue, true) {
            self.exchange.send_continue().await?;
        }
        self.exchange.next_chunk().await
    }

    async fn activity(&mut self) -> ClientActivity {
        let activity = self.exchange.client_activity().await;
        if activity == ClientActivity::HalfClosed {
            self.exchange.close();
        }
        activity
    }
}

/// The app's side of a callback.
struct App<'s>(&'s CallbackDriver);

impl<'s> AppSide for App<'s> {
    fn ask<'a>(
        &'a mut self,
        question: &Question,
        event: EventRequest<'_>,
        attempt: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a, 's> {
        let at_path = || self.0.upstream_at(event.callback_path());
        let url = question.url().cloned().or_else(at_path);
        let event = event.into_parts();
        async move {
            let Some(url) = url else {
                let why = "the template gives no address, and the config no upstream";
                return Asked::Answered(Answer::Unreachable(why.into()));
            };
            app::ask(&url, event, attempt).await
        }
    }
}

/// Returns gatepost's word for the protocol of a connection.
pub(crate) const fn scheme(is_encrypted: bool) -> &'static str {
    if is_encrypted { "https" } else { "http" }
}
