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
mod exchange;
mod future;
mod service;

use core::net::IpAddr;
use std::time::SystemTime;

use http::Extensions;
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
    peer: Peer,
}

/// How a service finds out who connected.
type Peer = fn(&Extensions) -> Option<IpAddr>;

impl GateLayer {
    /// A layer of this gate.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate, clock: system_time, peer: |_| None }
    }

    /// Tells the time by `clock`, so that a test can judge a recorded callback.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Timestamp) -> Self {
        Self { clock, ..self }
    }

    /// Finds out who connected by what the server has put into the request's extensions. Without
    /// it nobody is known: a route with `allow` refuses everybody, `source_limit` counts all as
    /// one, and no `x-forwarded-*` header is believed.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] {
    /// use std::net::SocketAddr;
    ///
    /// use axum::extract::ConnectInfo;
    /// use axum::{Router, routing::post};
    /// use gatepost::{Gate, GateLayer};
    /// use tower_layer::Layer as _;
    ///
    /// # async fn example(gate: Gate) -> Result<(), std::io::Error> {
    /// let inner = Router::new().route("/live/push", post(|| async {}));
    /// let layer = GateLayer::new(gate).with_peer(|extensions| {
    ///     let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    ///     Some(peer.ip())
    /// });
    /// let app: Router = Router::new().fallback_service(layer.layer(inner));
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    /// axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    /// # }
    /// # }
    /// ```
    ///
    /// tonic puts `TcpConnectInfo` there, whose `remote_addr` has the address.
    #[must_use]
    pub fn with_peer(self, peer: fn(&Extensions) -> Option<IpAddr>) -> Self {
        Self { peer, ..self }
    }
}

#[expect(clippy::disallowed_methods, reason = "a door is where time comes from")]
fn system_time() -> Timestamp {
    SystemTime::now().into()
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(self.gate.clone(), inner, self.clock, self.peer)
    }
}
