//! The result of judging the head of a request.

use std::sync::Arc;

use crate::intake::Intake;
use crate::reply::Reply;
use crate::route::{Mode, Route};
use crate::shadow::Shadow;
use crate::verdict::Refusal;

/// The result of judging the head of a request.
///
/// The enum is exhaustive, because a server must handle every outcome.
#[derive(Debug)]
pub enum Admission {
    /// A callback. Read its body into the [`Intake`].
    Callback(Intake),
    /// A request for a path without a route. Call
    /// [`Gate::strip_reserved`](super::Gate::strip_reserved), then pass the request on.
    Other,
    /// A refused request. Send [`Refusal::reply`]. You need not read the body.
    Refused(Refusal),
    /// A request that gatepost serves itself: a browser asks for permission to send a callback
    /// (CORS preflight). Send this reply.
    Reply(Reply),
    /// A request on a route in shadow mode. Remove the headers for which
    /// [`is_reserved`](crate::is_reserved) returns true. Then pass the request on, and give the
    /// body to the [observer](Shadow::observe).
    Shadow(Shadow),
}

impl Admission {
    /// Converts the verdict on the head into the admission for the mode of the route.
    pub(super) fn on(route: &Route, admitted: Result<Intake, Refusal>) -> Self {
        match (route.mode, admitted) {
            (Mode::Enforce, Ok(intake)) => Self::Callback(intake),
            (Mode::Enforce, Err(refusal)) => Self::Refused(refusal),
            (Mode::Shadow, admitted) => {
                let (label, provider) = (Arc::clone(&route.label), &route.plan.name);
                let admitted = admitted.map(Intake::in_shadow);
                Self::Shadow(Shadow::new(admitted, label, Arc::clone(provider)))
            }
        }
    }
}
