//! Connections to the app that bring no more than an answer may be long.
//!
//! An answer's body has a limit of its own, and its head has one in the HTTP client. Interim responses
//! (`103 Early Hints`) have none: an app that sends them without end would keep a worker thread busy
//! with reading them, and every other request on it waiting. So the bytes themselves are counted, from
//! one request to the next, and after some of them it is the others' turn.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use gatepost::MAX_ANSWER_BYTES;
use http::Uri;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tower_service::Service;

/// An answer with its heads, and the framing of its chunks.
const LIMIT: usize = 2 * MAX_ANSWER_BYTES;

/// How much is read at a time, and before others have their turn: more than most answers.
const STEP: usize = 8 * 1024;

/// A request up to this length is sent in one piece: most events with their heads are shorter.
const SHORT: usize = 2048;

/// Makes what another connector connects bounded.
#[derive(Clone)]
pub(crate) struct BoundedConnector<C>(pub(crate) C);

impl<C> Service<Uri> for BoundedConnector<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
{
    type Response = Bounded<C::Response>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async { Ok(Bounded { stream: connecting.await?, left: LIMIT, unbroken: 0 }) })
    }
}

/// A connection.
pub(crate) struct Bounded<S> {
    stream: S,
    /// How many bytes may still come before something is written again.
    left: usize,
    /// How many have come without a break.
    unbroken: usize,
}

impl<S: Read + Unpin> Read for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unbroken >= STEP {
            self.unbroken = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = [MaybeUninit::uninit(); STEP];
        let step = STEP.min(buffer.remaining());
        let mut read = ReadBuf::uninit(&mut bytes[..step]);
        ready!(Pin::new(&mut self.stream).poll_read(context, read.unfilled()))?;
        let Some(left) = self.left.checked_sub(read.filled().len()) else {
            let message = format!("more than {LIMIT} bytes came as an answer");
            return Poll::Ready(Err(io::Error::other(message)));
        };
        self.left = left;
        self.unbroken += read.filled().len();
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        (self.left, self.unbroken) = (LIMIT, 0);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// What is short is put together here: that costs less than what the kernel does for a list.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut space = [0; SHORT];
        let mut rest = &mut space[..];
        for slice in slices {
            let Some((place, behind)) = rest.split_at_mut_checked(slice.len()) else {
                (self.left, self.unbroken) = (LIMIT, 0);
                return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
            };
            place.copy_from_slice(slice);
            rest = behind;
        }
        let left = rest.len();
        self.poll_write(context, &space[..SHORT - left])
    }
}

impl<S: Connection> Connection for Bounded<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// An app that never stops.
    struct Endless;

    impl Read for Endless {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            mut buffer: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            buffer.put_slice(&vec![b'x'; buffer.remaining()]);
            Poll::Ready(Ok(()))
        }
    }

    impl Write for Endless {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What comes until the connection fails, and how often it was the others' turn.
    fn read_all(stream: &mut Bounded<Endless>) -> (usize, usize) {
        let mut context = Context::from_waker(Waker::noop());
        let (mut bytes, mut breaks) = (0, 0);
        loop {
            let mut space = [0; 3 * STEP];
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut *stream).poll_read(&mut context, buffer.unfilled()) {
                Poll::Ready(Ok(())) => bytes += buffer.filled().len(),
                Poll::Ready(Err(_)) => return (bytes, breaks),
                Poll::Pending => breaks += 1,
            }
        }
    }

    #[test]
    fn an_answer_ends_at_the_limit_and_others_have_their_turn_at_every_step() {
        let mut stream = Bounded { stream: Endless, left: LIMIT, unbroken: 0 };
        assert_eq!(read_all(&mut stream), (LIMIT, LIMIT / STEP));
        let mut context = Context::from_waker(Waker::noop());
        let written = Pin::new(&mut stream).poll_write(&mut context, b"the next request");
        assert!(written.is_ready());
        assert_eq!(read_all(&mut stream).0, LIMIT, "each answer has its own");
    }
}
