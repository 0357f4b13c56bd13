//! The layer: its gate, and the settings that an app chooses for it.

use core::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Extensions;
use tokio::time::Instant;

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
    pub(super) gate: Gate,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) peer: Arc<Peer>,
    pub(super) others: OtherRequests,
    pub(super) shows_token: bool,
    pub(super) omits_headers: bool,
    pub(super) hook: Option<Arc<dyn MetricsHook>>,
    pub(super) shared: Option<Arc<dyn SharedState>>,
}

print_only! { GateLayer: gate others; }

/// Function that reads the address of the connection's peer from the extensions of a request.
type Peer = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;

/// Treatment of a request whose path has no route.
#[derive(Clone, Copy, Debug)]
pub(super) enum OtherRequests {
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
    /// With this method, gatepost computes an id that is a digest of all data of the event only
    /// when the inner service calls [`Event::id`](crate::Event::id). If several layers share a
    /// gate, use this method for all of them or for none: otherwise gatepost does not recognize a
    /// copy that arrives at another layer.
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

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Starts to measure the time since a request arrived. Without a hook, measures nothing.
    pub(super) fn stopwatch(&self) -> Stopwatch {
        Stopwatch(self.hook.is_some().then(Instant::now))
    }

    pub(super) fn refused(&self, refusal: &Refusal, since: Stopwatch) {
        report::refused(refusal, self.now());
        if let Some(hook) = &self.hook {
            hook.refused(refusal, since.elapsed());
        }
    }

    pub(super) fn shadowed(&self, shadowed: &Shadowed) {
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
pub(super) struct Stopwatch(Option<Instant>);

impl Stopwatch {
    pub(super) fn elapsed(self) -> Duration {
        self.0.map(|start| start.elapsed()).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "the layer supplies the time to the core")]
pub(crate) fn system_time() -> Timestamp {
    SystemTime::now().into()
}
