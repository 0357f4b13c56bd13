//! One request on a client's connection, and its reply.

use std::future::{pending, poll_fn};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use gatepost::{ClientActivity, Disconnected, FoundRoute, Head, Reply};
use pingora::server::ShutdownWatch;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::ClientConnection;
use super::reply::rendered;
use super::request::Http1Request;
use crate::inbound::callback_driver::CallbackDriver;
use crate::inbound::connections::{self, Connection, RequestInFlight};
use crate::inbound::exchange::{DRAIN_BYTES, DRAIN_TIMEOUT, Exchange};
use crate::telemetry::metrics::METRICS;

/// Maximum number of bytes per read of a body.
const BODY_BYTES: usize = 64 * 1024;

/// Time limit for a client to read a reply that does not fit into the socket's buffer. Only a
/// client that sends many requests and reads no reply fills this buffer.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// A request and its connection.
pub(super) struct Http1Exchange<'c> {
    pub(super) connection: &'c mut ClientConnection,
    pub(super) request: Http1Request,
    pub(super) stopping: &'c ShutdownWatch,
}

impl Http1Exchange<'_> {
    /// Serves a callback on this route. Returns [`ControlFlow::Break`] if the
    /// connection has ended after the reply.
    #[expect(clippy::manual_async_fn, reason = "an async fn stores each argument twice")]
    pub(super) fn serve(
        mut self,
        route: FoundRoute,
        driver: &CallbackDriver,
    ) -> impl Future<Output = ControlFlow<()>> + Send {
        async move {
            let _serving = RequestInFlight::start();
            METRICS.callbacks.fast_path(self.is_encrypted());
            let started = Instant::now();
            let admitted = driver.gate.admit_on(route, &self.head(), (driver.clock)());
            match admitted {
                Ok(intake) => driver.serve(&mut self, intake, started).await,
                Err(refusal) => driver.refuse(&mut self, &refusal, started).await,
            }
            if !self.request.is_last {
                return ControlFlow::Continue(());
            }
            // Limit the time: `shutdown` flushes the reply, and the client may never read it.
            let shut_down = timeout(DRAIN_TIMEOUT, self.connection.stream.shutdown()).await;
            if !matches!(shut_down, Ok(Ok(()))) {
                tracing::debug!("the client closed the connection, or did not read the reply");
            }
            ControlFlow::Break(())
        }
    }

    async fn read_body(&mut self) -> Result<Bytes, Disconnected> {
        poll_fn(|context| {
            // Allocate at each poll, so that a request that waits for its body needs no buffer.
            let mut chunk = BytesMut::with_capacity(self.request.missing.min(BODY_BYTES));
            let mut space = (&mut chunk).limit(self.request.missing);
            let read = pin!(self.connection.stream.read_buf(&mut space)).poll(context);
            match ready!(read) {
                Ok(0) | Err(_) => Poll::Ready(Err(Disconnected)),
                Ok(read) => {
                    self.request.missing -= read;
                    Poll::Ready(Ok(fitted(chunk)))
                }
            }
        })
        .await
    }
}

/// Returns a chunk in a buffer that is at most twice as large as the chunk.
fn fitted(chunk: BytesMut) -> Bytes {
    if chunk.len() < chunk.capacity() / 2 { Bytes::copy_from_slice(&chunk) } else { chunk.freeze() }
}

impl Exchange for Http1Exchange<'_> {
    fn head(&self) -> Head<'_> {
        self.request.head(self.connection.peer)
    }

    fn is_encrypted(&self) -> bool {
        self.connection.is_encrypted
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        if !self.request.body.is_empty() {
            return Ok(Some(std::mem::take(&mut self.request.body)));
        }
        if self.request.missing == 0 {
            return Ok(None);
        }
        self.read_body().await.map(Some)
    }

    /// Returns the length of the buffer in which the head arrived. The head keeps this buffer.
    fn head_bytes(&self) -> usize {
        self.request.head_bytes
    }

    fn connection(&self) -> Option<Arc<Connection>> {
        connections::current()
    }

    /// Waits for bytes or a close. Bytes that arrive before the reply belong to the client's next
    /// request.
    async fn client_activity(&mut self) -> ClientActivity {
        if !self.connection.ahead.is_empty() {
            return pending().await;
        }
        match self.connection.read().await {
            Ok(0) => ClientActivity::HalfClosed,
            Ok(_) => ClientActivity::SentMore,
            Err(_) => ClientActivity::Disconnected,
        }
    }

    async fn write(&mut self, reply: &Reply) {
        // Check for a stop only now, because the stop may have begun while gatepost waited for the
        // app. If the next request has already arrived, gatepost serves that request before the
        // close.
        let stops = *self.stopping.borrow() && self.connection.ahead.is_empty();
        self.request.is_last |= reply.must_close() || stops;
        let bytes = rendered(reply, self.request.is_last);
        let stream = &mut self.connection.stream;
        let mut writing = pin!(async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        });
        // Poll once without a timer, because nearly all replies fit into the socket's buffer.
        let written = poll_fn(|context| Poll::Ready(writing.as_mut().poll(context))).await;
        let written = match written {
            Poll::Ready(written) => Ok(written),
            Poll::Pending => Box::pin(timeout(WRITE_TIMEOUT, writing)).await,
        };
        if !matches!(written, Ok(Ok(()))) {
            tracing::debug!("the client did not read the reply");
            self.request.is_last = true;
        }
    }

    async fn write_unread(&mut self, reply: &Reply) {
        self.request.is_last |= self.request.missing > 0 && self.request.length > DRAIN_BYTES;
        self.write(reply).await;
        // Closing a socket with unread bytes resets the connection, and the client can lose the
        // reply.
        if self.request.missing > 0 {
            let _late = timeout(DRAIN_TIMEOUT, self.drain()).await;
            self.request.is_last |= self.request.missing > 0;
        }
    }

    fn close(&mut self) {
        self.request.is_last = true;
    }
}
