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
        source: BodySource<RequestOwnBody<B>>,
    }
}

pin_project! {
    /// The body of a response: a reply of the gate, or the inner service's own.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        source: BodySource<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = SourceProj]
    enum BodySource<B> {
        Inner { #[pin] body: B },
        Ours { #[pin] body: Full<Bytes> },
    }
}

pin_project! {
    /// A request's own body, and who looks at it while it passes.
    #[derive(Debug)]
    struct RequestOwnBody<B> {
        #[pin]
        body: B,
        watch: Option<Box<ShadowTap>>,
    }
}

#[derive(Debug)]
struct ShadowTap {
    observer: Observer,
    clock: fn() -> Timestamp,
}

macro_rules! delegate {
    ($name:ident) => {
        impl<B> $name<B> {
            pub(super) fn ours(bytes: Bytes) -> Self {
                Self { source: BodySource::Ours { body: Full::new(bytes) } }
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
                match self.project().source.project() {
                    SourceProj::Inner { body } => body.poll_frame(cx),
                    SourceProj::Ours { body } => {
                        let frame = ready!(body.poll_frame(cx));
                        Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
                    }
                }
            }

            fn is_end_stream(&self) -> bool {
                match &self.source {
                    BodySource::Inner { body } => body.is_end_stream(),
                    BodySource::Ours { body } => body.is_end_stream(),
                }
            }

            fn size_hint(&self) -> SizeHint {
                match &self.source {
                    BodySource::Inner { body } => body.size_hint(),
                    BodySource::Ours { body } => body.size_hint(),
                }
            }
        }
    };
}

delegate!(RequestBody);
delegate!(ResponseBody);

impl<B> ResponseBody<B> {
    pub(super) const fn inner(body: B) -> Self {
        Self { source: BodySource::Inner { body } }
    }
}

impl<B> RequestBody<B> {
    pub(super) const fn inner(body: B) -> Self {
        Self { source: BodySource::Inner { body: RequestOwnBody { body, watch: None } } }
    }
}

impl<B: Body<Data = Bytes>> RequestBody<B> {
    /// The body of a request in shadow mode.
    pub(super) fn observed(body: B, observer: Observer, clock: fn() -> Timestamp) -> Self {
        let mut watch = Box::new(ShadowTap { observer, clock });
        // One that has ended already is not read.
        if body.is_end_stream() {
            watch.finish();
        }
        Self { source: BodySource::Inner { body: RequestOwnBody { body, watch: Some(watch) } } }
    }
}

impl<B: Body<Data = Bytes>> Body for RequestOwnBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let Some(watch) = this.watch else { return this.body.poll_frame(cx) };
        let frame = ready!(this.body.as_mut().poll_frame(cx)).transpose()?;
        watch.see(frame.as_ref(), this.body.is_end_stream());
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl ShadowTap {
    /// Shows the observer a frame, and the end, behind which some do not ask for more.
    fn see(&mut self, frame: Option<&Frame<Bytes>>, ended: bool) {
        if let Some(data) = frame.and_then(Frame::data_ref) {
            self.observer.push(data.clone());
        }
        if ended || frame.is_none() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.observer.finish((self.clock)());
    }
}
