//! Limit on the bytes that the app sends in response to a request.
//!
//! 1. gatepost limits the body of an answer, and hyper limits the head. Neither limit covers
//!    interim responses (`103 Early Hints`). Without a limit, an app that sends interim responses
//!    without end keeps a thread busy. This module limits all bytes between two requests.
//! 2. After each [`READ_STEP`] bytes, the task yields to other tasks of the thread.
//! 3. This module also writes a short request with one system call.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use gatepost::MAX_ANSWER_BYTES;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

/// Maximum number of bytes that arrive between two requests, including heads and chunk framing.
const MAX_RESPONSE_BYTES: usize = 2 * MAX_ANSWER_BYTES;

/// Maximum number of bytes per read. After at least this number of bytes, the task yields. Most
/// answers are shorter.
const READ_STEP: usize = 8 * 1024;

/// Maximum length of a request that gatepost copies into one buffer for a single write, in bytes.
/// Most requests with an event are shorter.
const MAX_COALESCED: usize = 2048;

/// Error for more than [`MAX_RESPONSE_BYTES`] bytes between two requests.
#[derive(Debug, thiserror::Error)]
#[error("expected at most {MAX_RESPONSE_BYTES} bytes of answer, found more; shorten the answer")]
pub(crate) struct AnswerTooLong;

/// A connection that limits the bytes of a response.
pub(crate) struct LimitedConnection<S> {
    stream: S,
    /// Bytes that may still arrive before the next write.
    left: usize,
    /// Bytes read since the last write or yield.
    unbroken: usize,
}

impl<S> LimitedConnection<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, left: MAX_RESPONSE_BYTES, unbroken: 0 }
    }
}

impl<S: Read + Unpin> Read for LimitedConnection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unbroken >= READ_STEP {
            self.unbroken = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = [MaybeUninit::uninit(); READ_STEP];
        let step = READ_STEP.min(buffer.remaining());
        let mut read = ReadBuf::uninit(&mut bytes[..step]);
        ready!(Pin::new(&mut self.stream).poll_read(context, read.unfilled()))?;
        let Some(left) = self.left.checked_sub(read.filled().len()) else {
            return Poll::Ready(Err(io::Error::other(AnswerTooLong)));
        };
        self.left = left;
        self.unbroken += read.filled().len();
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for LimitedConnection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        (self.left, self.unbroken) = (MAX_RESPONSE_BYTES, 0);
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

    /// Writes the slices. If they have at most [`MAX_COALESCED`] bytes together, copies them into
    /// one buffer, because a `write` costs less than a `writev`.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut space = [0; MAX_COALESCED];
        let mut rest = &mut space[..];
        for slice in slices {
            let Some((place, behind)) = rest.split_at_mut_checked(slice.len()) else {
                (self.left, self.unbroken) = (MAX_RESPONSE_BYTES, 0);
                return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
            };
            place.copy_from_slice(slice);
            rest = behind;
        }
        let left = rest.len();
        self.poll_write(context, &space[..MAX_COALESCED - left])
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// An app that never stops sending.
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

    /// Reads until the connection fails. Returns the number of bytes and the number of yields.
    fn read_all(stream: &mut LimitedConnection<Endless>) -> (usize, usize) {
        let mut context = Context::from_waker(Waker::noop());
        let (mut bytes, mut yields) = (0, 0);
        loop {
            let mut space = [0; 3 * READ_STEP];
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut *stream).poll_read(&mut context, buffer.unfilled()) {
                Poll::Ready(Ok(())) => bytes += buffer.filled().len(),
                Poll::Ready(Err(_)) => return (bytes, yields),
                Poll::Pending => yields += 1,
            }
        }
    }

    #[test]
    fn limits_bytes_of_each_answer_and_yields_after_each_read_step() {
        let mut stream = LimitedConnection::new(Endless);
        assert_eq!(read_all(&mut stream), (MAX_RESPONSE_BYTES, MAX_RESPONSE_BYTES / READ_STEP));
        let mut context = Context::from_waker(Waker::noop());
        let written = Pin::new(&mut stream).poll_write(&mut context, b"the next request");
        assert!(written.is_ready());
        assert_eq!(read_all(&mut stream).0, MAX_RESPONSE_BYTES, "bytes of the second answer");
    }
}
