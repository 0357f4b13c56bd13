//! Bodies: ours, or whatever the service around us uses, without a box.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;

use crate::shadow::Observer;
use crate::time::Timestamp;

pin_project! {
    /// The body of a request to the inner service: an event, or the request's own.
    #[derive(Debug)]
    pub struct RequestBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    /// The body of a response: a reply of the gate, or the inner service's own.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProj]
    enum Kind<B> {
        Ours { #[pin] body: Full<Bytes> },
        Inner { #[pin] body: B },
        // Somebody else's, which the gate looks at while it passes.
        Observed { #[pin] body: B, observer: Box<Observer>, clock: fn() -> Timestamp },
    }
}

macro_rules! delegate {
    ($name:ident) => {
        impl<B> $name<B> {
            pub(super) fn ours(bytes: Bytes) -> Self {
                Self { kind: Kind::Ours { body: Full::new(bytes) } }
            }

            pub(super) const fn inner(body: B) -> Self {
                Self { kind: Kind::Inner { body } }
            }
        }

        /// Empty, as services that answer by themselves expect to be able to make one.
        impl<B> Default for $name<B> {
            fn default() -> Self {
                Self::ours(Bytes::new())
            }
        }

        impl<B: Body<Data = Bytes>> Body for $name<B> {
            type Data = Bytes;
            type Error = B::Error;

            fn poll_frame(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
                match self.project().kind.project() {
                    KindProj::Inner { body } => body.poll_frame(cx),
                    KindProj::Observed { mut body, observer, clock } => {
                        let frame = ready!(body.as_mut().poll_frame(cx)).transpose()?;
                        observe(frame.as_ref(), body.is_end_stream(), observer, *clock);
                        Poll::Ready(frame.map(Ok))
                    }
                    KindProj::Ours { body } => {
                        let frame = ready!(body.poll_frame(cx));
                        Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
                    }
                }
            }

            fn is_end_stream(&self) -> bool {
                match &self.kind {
                    Kind::Inner { body } | Kind::Observed { body, .. } => body.is_end_stream(),
                    Kind::Ours { body } => body.is_end_stream(),
                }
            }

            fn size_hint(&self) -> SizeHint {
                match &self.kind {
                    Kind::Inner { body } | Kind::Observed { body, .. } => body.size_hint(),
                    Kind::Ours { body } => body.size_hint(),
                }
            }
        }
    };
}

impl<B: Body<Data = Bytes>> RequestBody<B> {
    /// The body of a request in shadow mode.
    pub(super) fn observed(body: B, observer: Observer, clock: fn() -> Timestamp) -> Self {
        let mut observer = Box::new(observer);
        // One that has ended already is not read.
        if body.is_end_stream() {
            observer.finish(clock());
        }
        Self { kind: Kind::Observed { body, observer, clock } }
    }
}

/// Shows the observer a frame, and the end, behind which some do not ask for more.
fn observe(
    frame: Option<&Frame<Bytes>>,
    ended: bool,
    observer: &mut Observer,
    clock: fn() -> Timestamp,
) {
    if let Some(data) = frame.and_then(Frame::data_ref) {
        observer.push(data.clone());
    }
    if ended || frame.is_none() {
        observer.finish(clock());
    }
}

delegate!(RequestBody);
delegate!(ResponseBody);
