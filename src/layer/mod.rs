//! Tower middleware that verifies callbacks: `.layer(GateLayer::new(gate))`.
//!
//! The [`Gate`] judges every request. The layer only moves bytes between the gate and the inner
//! service, which is the service that the layer wraps.
//!
//! - If the request is a callback, the layer reads the body up to the size limit of the route, and
//!   the gate judges the body. The inner service receives an accepted callback as an event, with
//!   [`Accepted`](crate::Accepted) in the extensions of the request. The response of the inner
//!   service is the app's answer. gatepost turns the answer into the reply to the platform. A
//!   refused callback never reaches the inner service.
//! - If no route matches the path, the layer passes the request on. The layer removes the headers
//!   that only gatepost may set, and neither reads nor boxes the body.
//! - If the route is in [shadow mode](crate::Shadow), the layer also passes the request on, and
//!   passes each chunk of the body to an [`Observer`](crate::Observer).
//!
//! # Placement
//!
//! An address in the config, such as `on.push = "http://app/live/push"`, sets the path of the
//! event. The layer must therefore wrap the service that selects a handler by path. tonic's
//! `Server::layer` wraps that service. axum's `Router::layer` wraps each handler instead: axum
//! first selects a handler, then calls the layer. In axum, either route the path of the callback
//! and set no address, or wrap the whole router:
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
mod uri;

use core::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::Extensions;
use tower_layer::Layer;

pub use body::{RequestBody, ResponseBody};
pub use future::ResponseFuture;
pub use service::GateService;

use crate::gate::Gate;
use crate::printable::print_only;
use crate::time::Timestamp;

/// Layer that puts a [`Gate`] in front of a service.
///
/// # Examples
///
/// The inner service receives a genuine callback, but never a forged callback:
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use gatepost::layer::RequestBody;
/// use gatepost::{Gate, GateLayer, Timestamp};
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt as _};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gate = Gate::builder()
///     .toml(
///         r#"
///         [[route]]
///         path     = "/callbacks/{token}"
///         provider = "kollus"
///         token    = "t0ken"
///
///         [[template]]
///         name     = "paid"
///         provider = "kollus"
///         bind     = ["*"]
///         "#,
///     )
///     .build()?;
/// let app = |_: Request<RequestBody<Full<Bytes>>>| async {
///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(r#"{"allow":true}"#))))
/// };
/// let service = ServiceBuilder::new()
///     .layer(GateLayer::new(gate).with_clock(|| Timestamp::from_secs(1_703_731_478)))
///     .service_fn(app);
///
/// let form = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
/// let genuine = Request::post("/callbacks/t0ken").body(Full::from(form))?;
/// assert_eq!(service.clone().oneshot(genuine).await?.status(), StatusCode::OK);
/// let forged = Request::post("/callbacks/guess").body(Full::from(form))?;
/// assert_eq!(service.oneshot(forged).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct GateLayer {
    gate: Gate,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    peer: Arc<Peer>,
    others: OtherRequests,
    shows_token: bool,
}

print_only! { GateLayer: gate others; }

/// Function that reads the address of the connection's peer from the extensions of a request.
type Peer = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;

/// Treatment of a request whose path has no route.
#[derive(Clone, Copy, Debug)]
enum OtherRequests {
    Pass,
    Refuse,
}

impl GateLayer {
    /// Creates a layer with the system clock and without peer addresses.
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            clock: Arc::new(system_time),
            peer: Arc::new(|_| None),
            others: OtherRequests::Pass,
            shows_token: false,
        }
    }

    /// Refuses each request whose path has no route, with the status 403.
    ///
    /// Use this method for a router that only receives callbacks. If the paths of the config and of
    /// the router differ by mistake, no unverified request reaches a handler.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] {
    /// use axum::{Router, routing::post};
    /// use gatepost::{Gate, GateLayer};
    ///
    /// # fn example(gate: Gate) -> Router {
    /// let callbacks = Router::new()
    ///     .route("/tencent", post(|| async {}))
    ///     .layer(GateLayer::new(gate).callbacks_only());
    /// Router::new().nest("/callbacks", callbacks)
    /// # }
    /// # }
    /// ```
    pub fn callbacks_only(self) -> Self {
        Self { others: OtherRequests::Refuse, ..self }
    }

    /// Shows the secret segment of the path to the inner service.
    ///
    /// By default, the URIs of an event contain `{token}` in its place, so that no log line of the
    /// app contains the secret.
    pub fn show_token(self) -> Self {
        Self { shows_token: true, ..self }
    }

    /// Replaces the system clock, for example in a test that sends a recorded callback.
    pub fn with_clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Sets the function that reads the address of the connection's peer from the extensions of a
    /// request. The default function returns `None`.
    ///
    /// If the function returns `None`, the client is unknown:
    ///
    /// - gatepost refuses each request to a route with `allow`;
    /// - `source_limit` counts all unknown clients as one client;
    /// - gatepost ignores received `x-forwarded-*` headers.
    ///
    /// # Examples
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
    /// In tonic, the extension is `TcpConnectInfo`, and its method `remote_addr` returns the
    /// address.
    pub fn with_peer(
        self,
        peer: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        Self { peer: Arc::new(peer), ..self }
    }
}

#[expect(clippy::disallowed_methods, reason = "the layer supplies the time to the core")]
fn system_time() -> Timestamp {
    SystemTime::now().into()
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(Arc::new(self.clone()), inner)
    }
}
