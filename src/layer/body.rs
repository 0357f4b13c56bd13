//! Body types of the layer.
//!
//! A body is either bytes that gatepost wrote, or a body that passes through unchanged between the
//! server and the inner service (the service that the layer wraps). The enum `BodySource` contains
//! one of the two, so the layer boxes no body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use super::gate_layer::GateLayer;
use super::runtime::TokioRuntime;
use crate::reply::{Answer, AnswerFault};
use crate::shadow::{AnswerObserver, Observer};

pin_project! {
    /// Body of a request to the inner service: the body of an event, or the body that the client
    /// sends.
    #[derive(Debug)]
    pub struct RequestBody<B> {
        #[pin]
        source: BodySource<ClientBody<B>>,
    }
}

pin_project! {
    /// Body of a response: the body of gatepost's reply, or of the inner service's response.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        source: BodySource<ServiceBody<B>>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = SourceProj]
    enum BodySource<B> {
        Inner { #[pin] body: B },
        Full { #[pin] body: Full<Bytes> },
    }
}

pin_project! {
    /// The body that a client sends, with an observer if the route is in shadow mode.
    #[derive(Debug)]
    struct ClientBody<B> {
        #[pin]
        body: B,
        tap: Option<Box<ShadowTap>>,
    }
}

pin_project! {
    /// The body of the inner service's response, with an observer if the route is in shadow mode.
    #[derive(Debug)]
    struct ServiceBody<B> {
        #[pin]
        body: B,
        tap: Option<Box<AnswerTap>>,
    }
}

/// Observer of the inner service's response.
#[derive(Debug)]
pub(super) struct AnswerTap {
    observer: AnswerObserver,
    layer: Arc<GateLayer>,
}

#[derive(Debug)]
struct ShadowTap {
    observer: Observer,
    layer: Arc<GateLayer>,
}

macro_rules! delegate {
    ($name:ident) => {
        impl<B> $name<B> {
            pub(super) fn full(bytes: Bytes) -> Self {
                Self { source: BodySource::Full { body: Full::new(bytes) } }
            }
        }

        /// Creates an empty body. Some services require `Default` to build their own bodies.
        impl<B> Default for $name<B> {
            fn default() -> Self {
                Self::full(Bytes::new())
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
                    SourceProj::Full { body } => {
                        let frame = ready!(body.poll_frame(cx));
                        Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
                    }
                }
            }

            fn is_end_stream(&self) -> bool {
                match &self.source {
                    BodySource::Inner { body } => body.is_end_stream(),
                    BodySource::Full { body } => body.is_end_stream(),
                }
            }

            fn size_hint(&self) -> SizeHint {
                match &self.source {
                    BodySource::Inner { body } => body.size_hint(),
                    BodySource::Full { body } => body.size_hint(),
                }
            }
        }
    };
}

delegate!(RequestBody);
delegate!(ResponseBody);

impl<B> ResponseBody<B> {
    pub(super) const fn inner(body: B) -> Self {
        Self { source: BodySource::Inner { body: ServiceBody { body, tap: None } } }
    }
}

impl<B: Body<Data = Bytes>> ResponseBody<B> {
    /// Wraps the body of a response to a request on a route in shadow mode.
    pub(super) fn observed(body: B, mut tap: Box<AnswerTap>) -> Self {
        // The server may never poll a body that has already ended.
        if body.is_end_stream() {
            tap.finish();
        }
        Self { source: BodySource::Inner { body: ServiceBody { body, tap: Some(tap) } } }
    }
}

impl<B> RequestBody<B> {
    pub(super) const fn inner(body: B) -> Self {
        Self { source: BodySource::Inner { body: ClientBody { body, tap: None } } }
    }
}

impl<B: Body<Data = Bytes>> RequestBody<B> {
    /// Wraps the body of a request on a route in shadow mode. `observer` receives each chunk.
    pub(super) fn observed(body: B, observer: Observer, layer: Arc<GateLayer>) -> Self {
        let mut tap = Box::new(ShadowTap { observer, layer });
        // The inner service may never poll a body that has already ended.
        if body.is_end_stream() {
            tap.finish();
        }
        Self { source: BodySource::Inner { body: ClientBody { body, tap: Some(tap) } } }
    }
}

impl<B: Body<Data = Bytes>> Body for ClientBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let Some(tap) = this.tap else { return this.body.poll_frame(cx) };
        let frame = ready!(this.body.as_mut().poll_frame(cx)).transpose()?;
        tap.observe(frame.as_ref(), this.body.is_end_stream());
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body<Data = Bytes>> Body for ServiceBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let Some(tap) = this.tap else { return this.body.poll_frame(cx) };
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => tap.observe(frame, this.body.is_end_stream()),
            Some(Err(_)) => tap.fail(AnswerFault::Incomplete, "expected more data, found an error"),
            None => tap.finish(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl AnswerTap {
    pub(super) fn new(observer: AnswerObserver, layer: Arc<GateLayer>) -> Box<Self> {
        Box::new(Self { observer, layer })
    }

    pub(super) fn head(&mut self, head: &Parts) {
        self.observer.head(head.status, &head.headers);
    }

    fn observe(&mut self, frame: &Frame<Bytes>, ended: bool) {
        if let Some(data) = frame.data_ref() {
            self.observer.push(data);
        }
        if ended {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.observer.finish(self.layer.now());
    }

    fn fail(&mut self, fault: AnswerFault, reason: &str) {
        self.observer.fail(Answer::Unreadable(fault, reason.to_owned()), self.layer.now());
    }

    /// Reports an error of the inner service to the observer.
    pub(super) fn service_failed(&mut self) {
        let reason = "expected a response, found an error".to_owned();
        self.observer.fail(Answer::Unreachable(reason), self.layer.now());
    }
}

impl ShadowTap {
    /// Passes a frame to the observer. `frame` is `None` at the end of the body.
    ///
    /// Finishes the observer as soon as the body reports the end of the data, because some services
    /// do not poll the body again.
    fn observe(&mut self, frame: Option<&Frame<Bytes>>, ended: bool) {
        if let Some(data) = frame.and_then(Frame::data_ref) {
            self.observer.push(data.clone());
        }
        if ended || frame.is_none() {
            self.finish();
        }
    }

    /// Finishes the observer. In a tokio runtime, a task judges a large body. In every other case,
    /// this method judges the body.
    fn finish(&mut self) {
        let Ok(tokio) = Handle::try_current() else {
            return self.observer.finish(self.layer.now());
        };
        let runtime = TokioRuntime(Arc::clone(&self.layer));
        if let Some(judgement) = self.observer.finish_in(runtime, std::future::pending()) {
            drop(tokio.spawn(judgement));
        }
    }
}
