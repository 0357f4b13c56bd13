//! Tower middleware that verifies callbacks: `.layer(GateLayer::new(gate))`.
//!
//! The [`Gate`] judges the requests. The layer only moves bytes between the gate and the inner
//! service, which is the service that the layer wraps.
//!
//! - If the request is a callback, the layer reads the body up to the size limit of the route, and
//!   the gate judges the body. Unless gatepost replies without the app, the inner service receives
//!   an accepted callback as an event, with [`Accepted`](crate::Accepted) in the extensions of the
//!   request. The response of the inner service is the app's answer. gatepost turns the answer into
//!   the reply to the platform. A refused callback never reaches the inner service.
//! - If no route matches the path, the layer by default passes the request on. The layer removes
//!   the headers that only gatepost may set, and neither reads nor boxes the body.
//! - If the route is in [shadow mode](crate::Shadow), the layer also passes the request on, and
//!   passes each chunk of the body to an [`Observer`](crate::Observer).
//! - If a gate has already accepted the request, the layer passes the request on unchanged. The
//!   layer recognizes such a request by `Accepted` in the extensions. No client can set extensions.
//!
//! # Memory
//!
//! Until the layer replies to a callback, it holds the callback's body, in a buffer of up to twice
//! `max_body_bytes`. A body must arrive within 30 seconds after the head. The layer accepts no
//! connections, so it ignores `max_connections` and `max_unjudged_bytes`. In the server in front of
//! the layer, limit the number of connections and requests, the length of a request's head, and the
//! time to receive the head. The [manual](crate::manual::memory) names the settings.
//!
//! # Placement
//!
//! An address in the config, such as `on.push = "http://app/live/push"`, sets the path of the
//! event's request. The layer must therefore wrap the service that selects a handler by path.
//! tonic's `Server::layer` wraps that service. axum's `Router::layer` wraps each handler instead:
//! axum first selects a handler, then calls the layer. In axum, either add an axum route for the
//! path of the callback and set no address, or wrap the whole router:
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
//!
//! | place in an axum app | the gate judges |
//! |---|---|
//! | `layer` or `route_layer`, also of a `MethodRouter` | requests for axum routes that the router already has, but not for axum routes that you add later; with `Router::layer`, also requests that match no axum route |
//! | `merge` | requests for the axum routes of the merged router |
//! | `fallback_service` of an empty router, or around the router | every request; an address in the config selects the handler |
//! | `nest`, `nest_service` | requests under the prefix; config paths and addresses include the prefix |
//!
//! In a nested router, the gate judges the path that the client sent. If no route matches this path,
//! or if its route is in shadow mode, the gate also judges the path without the prefix. To read the
//! path that the client sent from axum's extension `OriginalUri`, the layer needs gatepost's
//! feature `axum`. If a router receives only callbacks, add [`GateLayer::callbacks_only`]. The
//! layer then refuses each request whose path has no route in the config. If a path in the config
//! is mistyped, no unverified request then reaches a handler.
//!
//! # The event's request
//!
//! | part | in the request that the inner service receives |
//! |---|---|
//! | method | `POST`; as received with `forward = "passthrough"` |
//! | URI | the path and query of the address, else those of the callback; if the kind has several addresses, gatepost uses them in turn; `{token}` in place of the secret path segment (config key `token`), unless [`GateLayer::show_token`] |
//! | version | as received |
//! | headers | `host`, `content-type`, `content-length`, `ce-*`, `gatepost-*`, `webhook-*`, `x-forwarded-*`, `traceparent` and `tracestate`. With `forward = "raw"` or `"passthrough"`, also the other received headers, such as `authorization`, `cookie`, `user-agent` and `x-request-id`, which gatepost otherwise removes. With [`GateLayer::omit_headers`], `gatepost-stale` alone |
//! | extensions | all, such as `ConnectInfo` and `RequestId`, and [`Accepted`](crate::Accepted); in `OriginalUri`, the secret segment is `{token}` |
//! | body | the event in the form that `forward` sets: its data by default, or the callback's body with `"raw"` and `"passthrough"` |
//!
//! If the route of an axum handler has a parameter for the secret segment, axum's extractor `Path`
//! still returns the secret.
//!
//! # Failures of the inner service
//!
//! The time that the app has for its answer starts after the verdict. This time includes the wait
//! until the inner service is ready. An error, a panic (in `poll_ready`, in `call`, in the future
//! or in the response's body) and a time-out are failures of the app. For each failure, gatepost
//! applies the failure policy, logs the text of the error or panic, and counts the failure for the
//! circuit breaker. If the layer passes a request on without a verdict, a panic reaches the server.
//!
//! The layer needs a tokio runtime with a timer (`enable_time` or `enable_all`, as in
//! `#[tokio::main]`). Without a timer, gatepost cannot enforce a time limit. Each callback that has
//! to wait then fails at once, and gatepost logs the code `timer_missing`.
//!
//! # Order of layers
//!
//! | place relative to the gate | layers | reason |
//! |---|---|---|
//! | outside | `NormalizePath`, around the router | the gate refuses other spellings of a callback's path |
//! | outside | `Trace`, `SetRequestId`, `PropagateRequestId`, `Cors`, `Compression` | they apply to the platform's request and reply |
//! | outside | `RequestDecompression`, `RequestBodyLimit` | the gate refuses an encoded body; if a body without `content-length` exceeds the limit of `RequestBodyLimit`, the gate refuses the body with `body_too_large` |
//! | inside | `CatchPanic`, `Timeout` | outside, the platform would receive responses in a format that it does not expect |
//! | inside | `load_shed`, `concurrency_limit`, `buffer` | outside, unverified requests would count toward the limit |
//! | inside | middleware that reads the event, for example with axum's `from_fn` | outside, the request is not an event yet |
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use std::time::Duration;
//!
//! use axum::error_handling::HandleErrorLayer;
//! use axum::{Router, routing::post};
//! use gatepost::GateLayer;
//! use http::StatusCode;
//! use tower::ServiceBuilder;
//! use tower_http::catch_panic::CatchPanicLayer;
//! use tower_http::compression::CompressionLayer;
//! use tower_http::timeout::TimeoutLayer;
//! use tower_http::trace::TraceLayer;
//!
//! # fn example(gate: gatepost::Gate) {
//! let time = Duration::from_secs(1);
//! let stack = ServiceBuilder::new()
//!     .layer(TraceLayer::new_for_http())
//!     .layer(CompressionLayer::new())
//!     .layer(GateLayer::new(gate))
//!     .layer(CatchPanicLayer::new())
//!     .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, time))
//!     .layer(HandleErrorLayer::new(async |_| StatusCode::SERVICE_UNAVAILABLE))
//!     .load_shed()
//!     .concurrency_limit(100);
//! let app: Router = Router::new().route("/hooks/tencent", post(|| async {})).layer(stack);
//! # }
//! # }
//! ```
//!
//! The layer always reports that it is ready. Outside of the layer, `load_shed` and
//! `concurrency_limit` therefore receive no back-pressure from the inner service.
//!
//! In tonic, `GrpcWebLayer` responds with 400 to each HTTP/1 request that is not gRPC-Web, both
//! outside and inside of the gate. Put `GrpcWebLayer` around the gRPC routes only, and add the
//! callbacks' routes after that layer, as `examples/tonic.rs` does.
//!
//! # Body types
//!
//! The layer boxes no body. The inner service receives [`RequestBody`], and the layer returns
//! [`ResponseBody`]. Routers and the layers of tower-http accept any body. Three functions need
//! `axum::body::Body`: `from_fn` inside of the gate, `option_layer`, and `into_make_service` around
//! the gate. For these functions, convert the bodies with tower's `map_request` and `map_response`:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::body::Body;
//! use axum::extract::Request;
//! use axum::middleware::{Next, from_fn};
//! use axum::response::Response;
//! use axum::{Router, ServiceExt, routing::post};
//! use gatepost::GateLayer;
//! use gatepost::layer::{RequestBody, ResponseBody};
//! use tower::ServiceBuilder;
//!
//! async fn audit(request: Request, next: Next) -> Response {
//!     next.run(request).await
//! }
//!
//! # fn example(gate: gatepost::Gate) {
//! let router: Router = Router::new().route("/live/push", post(|| async {}));
//! let gate = ServiceBuilder::new()
//!     .map_response(|response: http::Response<ResponseBody<Body>>| response.map(Body::new))
//!     .layer(GateLayer::new(gate))
//!     .map_request(|request: http::Request<RequestBody<Body>>| request.map(Body::new));
//! let app = ServiceBuilder::new()
//!     .option_layer(Some(gate))
//!     .layer(from_fn(audit))
//!     .service(router);
//! let make_service = ServiceExt::<Request>::into_make_service(app);
//! # drop(make_service);
//! # }
//! # }
//! ```

mod body;
mod exchange;
mod future;
mod runtime;
mod service;
mod uri;

use core::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Extensions;
use tokio::time::Instant;
use tower_layer::Layer;

pub use body::{RequestBody, ResponseBody};
pub use future::ResponseFuture;
pub use service::GateService;

use crate::gate::Gate;
use crate::memory::store::SharedState;
use crate::metrics_hook::MetricsHook;
use crate::printable::print_only;
use crate::report;
use crate::shadow::Shadowed;
use crate::time::Timestamp;
use crate::verdict::Refusal;

/// Layer that puts a [`Gate`] in front of a service.
///
/// # Examples
///
/// A genuine callback reaches the inner service. A forged callback does not:
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
    omits_headers: bool,
    hook: Option<Arc<dyn MetricsHook>>,
    shared: Option<Arc<dyn SharedState>>,
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
            omits_headers: false,
            hook: None,
            shared: None,
        }
    }

    /// Reports the outcome of each callback to `hook`. For an example, see [`MetricsHook`].
    ///
    /// If the server drops the response future before the reply, for example because the client has
    /// disconnected, the hook receives no outcome.
    pub fn observe(self, hook: impl MetricsHook + 'static) -> Self {
        Self { hook: Some(Arc::new(hook)), ..self }
    }

    /// Shares the state with other machines. Each machine then recognizes a resend or a reused
    /// signature, even if another machine received the callback that arrived first. Each machine
    /// can also repeat the last replies (`last_good`) of the other machines.
    ///
    /// Without this method, each process keeps its own state in memory. If the shared state fails
    /// or does not respond in time, the layer uses the state in memory, logs the outage, and
    /// reports it to the [hook](Self::observe).
    ///
    /// The crate `gatepost-store` provides two shared states that remain after a restart: a file,
    /// which several processes of one machine can share, and NATS JetStream, which several machines
    /// can share.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use gatepost::{Gate, GateLayer, InMemorySharedState};
    ///
    /// # fn example(gates: [Gate; 2]) {
    /// let state = Arc::new(InMemorySharedState::default());
    /// let layers = gates.map(|gate| GateLayer::new(gate).share(state.clone()));
    /// # }
    /// ```
    pub fn share(self, state: Arc<dyn SharedState>) -> Self {
        Self { shared: Some(state), ..self }
    }

    /// Refuses each request whose path has no route, with the status 403.
    ///
    /// Use this method for a router that receives only callbacks. If a path of the router is
    /// missing from the config by mistake, no unverified request reaches the handler of this path.
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
    /// By default, the URIs of an event contain `{token}` instead, to keep the secret out of the
    /// app's logs.
    pub fn show_token(self) -> Self {
        Self { shows_token: true, ..self }
    }

    /// Removes all headers of an event except `gatepost-stale`, for handlers that take
    /// `axum::Callback` or [`Accepted`](crate::Accepted).
    ///
    /// The body and the extensions do not change. With `forward = "raw"` or `"passthrough"`, or
    /// with a `signing_secret`, an event keeps its headers.
    ///
    /// If the id of an event is a digest of all its data, gatepost then computes the id only when
    /// the inner service calls [`Event::id`](crate::Event::id). If several layers share a gate, use
    /// this method for all of them or for none: otherwise gatepost does not recognize a copy that
    /// arrives at another layer.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] {
    /// use axum::{Router, routing::post};
    /// use gatepost::axum::Callback;
    /// use gatepost::tencent_css::Push;
    /// use gatepost::{Gate, GateLayer};
    ///
    /// # fn example(gate: Gate) -> Router {
    /// let live = async |Callback(push): Callback<Push>| println!("{:?} is live", push.stream_id);
    /// let layer = GateLayer::new(gate).omit_headers();
    /// Router::new().route("/callbacks/tencent", post(live)).layer(layer)
    /// # }
    /// # }
    /// ```
    pub fn omit_headers(self) -> Self {
        Self { omits_headers: true, ..self }
    }

    /// Replaces the system clock, for example in a test that sends a recorded callback.
    pub fn with_clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Starts to measure the time since a request arrived. Without a hook, measures nothing.
    fn stopwatch(&self) -> Stopwatch {
        Stopwatch(self.hook.is_some().then(Instant::now))
    }

    fn refused(&self, refusal: &Refusal, since: Stopwatch) {
        report::refused(refusal, self.now());
        if let Some(hook) = &self.hook {
            hook.refused(refusal, since.elapsed());
        }
    }

    fn shadowed(&self, shadowed: &Shadowed) {
        report::shadowed(shadowed, self.now());
        if let Some(hook) = &self.hook {
            hook.shadowed(shadowed);
        }
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

/// Time at which a request arrived; `None` without a hook.
#[derive(Clone, Copy, Debug)]
struct Stopwatch(Option<Instant>);

impl Stopwatch {
    fn elapsed(self) -> Duration {
        self.0.map(|start| start.elapsed()).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "the layer supplies the time to the core")]
pub(crate) fn system_time() -> Timestamp {
    SystemTime::now().into()
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GateService::new(Arc::new(self.clone()), inner)
    }
}
