//! Tower middleware that verifies callbacks: `.layer(GateLayer::new(gate))`.
//!
//! The [`Gate`](crate::Gate) judges the requests. The layer only moves bytes between the gate and
//! the inner service, which is the service that the layer wraps.
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
//! In a nested router, the gate judges the path that the client sent. If this path has no route, or
//! a route in shadow mode, the gate also judges the path without the prefix. To read the path that
//! the client sent from axum's extension `OriginalUri`, the layer needs gatepost's feature `axum`.
//! If a router receives only callbacks, add [`GateLayer::callbacks_only`]. The layer then refuses
//! each request whose path has no route in the config. If a path in the config is wrong, no
//! unverified request then reaches a handler.
//!
//! # The event's request
//!
//! | part | in the request that the inner service receives |
//! |---|---|
//! | method | `POST`; as received with `forward = "passthrough"` |
//! | URI | the path and query of the address, else those of the callback; if the kind has several addresses, gatepost uses them in turn; without a call of [`GateLayer::show_token`], `{token}` in place of the secret path segment (config key `token`) |
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
//! | inside | `CatchPanic`, `Timeout` | outside, the platform receives responses in a format that it does not expect |
//! | inside | `load_shed`, `concurrency_limit`, `buffer` | outside, unverified requests count toward the limit |
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
mod gate_layer;
mod runtime;
mod service;
mod uri;

pub use body::{RequestBody, ResponseBody};
pub use future::ResponseFuture;
pub use gate_layer::GateLayer;
#[cfg(feature = "axum")]
pub(crate) use gate_layer::system_time;
pub use service::GateService;
