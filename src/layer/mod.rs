//! The tower door: `.layer(GateLayer::new(gate))`.
//!
//! [`GateLayer`] wraps a service so that callbacks reach it verified and typed. It decides nothing:
//! it moves bytes between the service and the [`Gate`].
//!
//! - A callback path: the body is read up to its limit and judged. What is accepted goes to the
//!   inner service as the event, with [`Accepted`](crate::Accepted) in its extensions; the inner
//!   response becomes the platform's reply. What is refused never reaches it.
//! - Every other path goes through with its own body type, unread and unboxed, without the headers
//!   that only the gate may set.
//!
//! # Where to put it
//!
//! An address in the config (`on.push = "http://…/live/push"`) says which path the event gets, so
//! the layer must stand outside of whatever routes by path. In tonic, `Server::layer` does. axum's
//! `Router::layer` runs after routing: there, either route the callback paths themselves and give
//! no address, or wrap the router and serve that:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::post};
//! use gatepost::GateLayer;
//! use tower_layer::Layer as _;
//!
//! # fn example(gate: gatepost::Gate) {
//! let inner = Router::new().route("/live/push", post(|| async {}));
//! let app: Router = Router::new().fallback_service(GateLayer::new(gate).layer(inner));
//! # }
//! # }
//! ```

mod body;
mod future;
mod service;

use std::time::SystemTime;

use tower_layer::Layer;

pub use body::{RequestBody, ResponseBody};
pub use future::ResponseFuture;
pub use service::GateService;

use crate::gate::Gate;
use crate::time::Timestamp;

/// Puts a [`Gate`] in front of a service.
#[derive(Clone, Debug)]
pub struct GateLayer {
    gate: Gate,
    clock: fn() -> Timestamp,
}

impl GateLayer {
    /// A layer of this gate.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate, clock: system_time }
    }

    /// Tells the time by `clock`, so that a test can judge a recorded callback.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self { clock, ..self }
    }
}

#[expect(clippy::disallowed_methods, reason = "a door is where time comes from")]
fn system_time() -> Timestamp {
    SystemTime::now().into()
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(self.gate.clone(), inner, self.clock)
    }
}
