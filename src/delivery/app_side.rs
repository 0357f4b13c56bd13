//! The app's side of the driver: the request with the event, and the result of sending it.

use std::future::Future;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};

use super::Question;
use crate::head::{Head, RequestContext};
use crate::reply::Answer;
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// The app's side of a callback: the connection for the event. See [`drive`](super::drive) for an
/// example.
pub trait AppSide: Send {
    /// Sends the event and reads the whole answer. The driver drops the future after
    /// [`Question::timeout`].
    fn ask<'a>(
        &'a mut self,
        question: &Question,
        event: EventRequest<'_>,
        attempt: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a, Self>;
}

/// The request with which the server sends an event to the app.
#[derive(Debug)]
pub struct EventRequest<'r> {
    pub(super) accepted: &'r Accepted,
    pub(super) head: Head<'r>,
    pub(super) context: RequestContext<'r>,
    pub(super) now: Timestamp,
}

impl EventRequest<'_> {
    /// Returns the path and query of the callback, for use if [`Question::url`] is `None`.
    #[must_use]
    pub fn callback_path(&self) -> Option<&PathAndQuery> {
        self.head.uri().path_and_query()
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.accepted.event_method(&self.head)
    }

    /// Returns the headers, including `content-length`, and the body.
    #[must_use]
    pub fn into_parts(self) -> (HeaderMap, Bytes) {
        self.accepted.request(&self.head, &self.context, self.now)
    }

    /// Returns the headers and the body for an app that has the [`Accepted`]. Omits the headers
    /// that repeat data of the [`Accepted`].
    #[cfg(feature = "tower")]
    pub(crate) fn into_parts_for_permit(self) -> (HeaderMap, Bytes) {
        match self.accepted.request_without_headers() {
            Some(request) => request,
            None => self.into_parts(),
        }
    }
}

/// An attempt to send an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The first attempt. The server may use an idle connection.
    First,
    /// The second attempt. The server must use a new connection.
    NewConnection,
}

/// The result of sending an event.
#[derive(Debug)]
pub enum Asked {
    /// The answer, or the reason why there is no answer.
    Answered(Answer),
    /// The app closed the connection without an answer, and the server may send the event again.
    /// After [`Attempt::First`], the driver sends the event again.
    ConnectionClosed,
}
