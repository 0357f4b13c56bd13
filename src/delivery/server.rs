//! The parts of a server that [`drive`](crate::drive) uses: the client's connection, the clock and
//! the timers.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use crate::head::{Head, RequestContext};
use crate::intake::BodyFailure;
use crate::limit::LimitValues;
use crate::memory::store::{SharedState, SharedUse, Store, StoreError};
use crate::time::Timestamp;

/// The client's side of a callback: a request whose head the server has read, and the connection
/// of the request. See [`drive`](crate::drive) for an example.
pub trait ClientSide: Send {
    /// Returns the head of the request.
    fn head(&self) -> Head<'_>;

    /// Returns facts about the request that its head does not contain, such as the URL scheme.
    fn context(&self) -> RequestContext<'_>;

    /// Reads the next chunk of the body. Returns `None` after the last chunk. If the client expects
    /// `100 Continue`, the first call also sends `100 Continue`.
    ///
    /// May return empty chunks. The driver counts each chunk, and yields to other tasks after every
    /// 64 chunks, so a client cannot block a thread.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Disconnected>> + Send;

    /// Records the memory that the chunks so far occupy, in bytes. The driver calls this method
    /// after each chunk.
    ///
    /// The default implementation does nothing. A server that limits the memory for all unfinished
    /// requests uses this number.
    fn holds(&mut self, _bytes: usize) {}

    /// Returns the reason why [`next_chunk`](Self::next_chunk) returned [`Disconnected`], or why
    /// [`evicted`](Self::evicted) completed.
    ///
    /// The default implementation returns [`BodyFailure::Disconnected`].
    fn body_failure(&mut self) -> BodyFailure {
        BodyFailure::Disconnected
    }

    /// Completes as soon as the server needs the memory of the body. The driver polls this future
    /// while a large body waits for its judgement. If the future completes first, the driver
    /// refuses the callback with the reason that [`body_failure`](Self::body_failure) returns.
    ///
    /// The default implementation never completes.
    fn evicted(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Waits for activity of the client after the end of the body.
    ///
    /// The default implementation never completes. It is sufficient for a server that drops the
    /// future of [`drive`](crate::drive) when the client disconnects.
    fn activity(&mut self) -> impl Future<Output = ClientActivity> + Send {
        std::future::pending()
    }
}

/// Clock and timer of a server. See [`drive`](crate::drive) for an example.
pub trait Runtime: Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns a future that completes as soon as `time` has passed since this call.
    ///
    /// Register the timer with the runtime at the first poll, not at the call: for most callbacks,
    /// the driver never polls this future.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Returns a future like [`Runtime::sleep`], but the future may complete milliseconds late.
    ///
    /// The driver uses this method for the time-outs of the app and of stores. A server can
    /// therefore share one timer between many callbacks.
    fn sleep_coarsely(&self, time: Duration) -> impl Future<Output = ()> + Send {
        self.sleep(time)
    }

    /// Returns the store for queued events.
    ///
    /// The default implementation returns `None`: the driver then sends each event to the app at
    /// once.
    fn store(&self) -> Option<&dyn Store> {
        None
    }

    /// Returns the state that machines share.
    ///
    /// The default implementation returns `None`: the gate then remembers callbacks in memory only.
    fn shared_state(&self) -> Option<&dyn SharedState> {
        None
    }

    /// Records an operation of the shared state that had no result. The driver continues without
    /// the result. `of` is the purpose of the operation. If an outage begins with this operation,
    /// `outage` is the reason.
    ///
    /// The default implementation does nothing. A server counts the operations, and logs the
    /// outage.
    fn unshared(&self, _of: SharedUse, _outage: Option<&StoreError>) {}

    /// Records that another machine has a different rate or burst for the shared limit of a route,
    /// once for each route and config.
    ///
    /// The default implementation does nothing. A server logs both rates and bursts.
    fn limit_differs(&self, _route: &str, _own: LimitValues, _other: LimitValues) {}

    /// Records the end of an outage. `missed` is the number of operations without a result.
    fn shared_again(&self, _missed: u64) {}

    /// Runs work that may take many milliseconds: the judgement of a large body.
    ///
    /// The default implementation runs the work on the calling thread. In a server that serves
    /// several connections on a thread, run the work on another thread, for example with
    /// `tokio::task::spawn_blocking`, so that a large body does not delay other requests. All
    /// servers that share a gate together run at most one such judgement at a time.
    fn run_long<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        async { work() }
    }
}

/// Error of [`ClientSide::next_chunk`]: the client disconnected before the body was complete, or
/// the body failed. [`ClientSide::body_failure`] returns the reason.
#[derive(Clone, Copy, Debug)]
pub struct Disconnected;

/// Client activity while the reply is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientActivity {
    /// The client disconnected.
    Disconnected,
    /// The client closed its sending half, and may still read the reply.
    HalfClosed,
    /// The client sent more bytes, so it is still connected.
    SentMore,
}

/// Runs `work`. Returns `None` if the timer completes first.
///
/// Polls `work` before the timer. If `work` completes at once, the timer never starts.
pub(super) async fn in_time<T>(
    mut work: Pin<&mut (impl Future<Output = T> + Send)>,
    mut timer: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Option<T> {
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// Runs `work` as [`in_time`] does, while the client is connected.
///
/// Returns `Some(None)` if the timer completes first. Returns `None` if the client disconnects.
pub(super) async fn while_connected<T: Send>(
    client: &mut impl ClientSide,
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
        Ok(ended) => return Some(ended),
        Err(ClientActivity::Disconnected) => return None,
        // The client may still be connected. The driver ignores further activity.
        Err(ClientActivity::SentMore | ClientActivity::HalfClosed) => {}
    }
    Some(in_time(work, timer).await)
}
