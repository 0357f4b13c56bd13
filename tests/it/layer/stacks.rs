//! Tests of the layer together with layers of tower, tower-http and axum.
//!
//! The tests run each order of layers that the documentation of `GateLayer` describes.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use ::axum::body::Body;
use ::axum::error_handling::HandleErrorLayer;
use ::axum::middleware::{Next, from_fn};
use ::axum::response::Response;
use ::axum::routing::post;
use ::axum::{Router, ServiceExt};
use gatepost::GateLayer;
use gatepost::layer::{RequestBody, ResponseBody};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use super::failures::{FORM, LATER, gate};
use super::{Log, SlowBody};

const ALLOWED: &str = r#"{"data":{"result":1}}"#;

async fn play(headers: HeaderMap, request_id: Option<::axum::Extension<RequestId>>) -> String {
    assert!(headers.contains_key("ce-type"));
    let id = request_id.map(|id| id.header_value().to_str().unwrap().to_owned());
    assert!(id.is_none_or(|id| !id.is_empty()));
    r#"{"allow":true}"#.into()
}

fn routes() -> Router {
    // `gate` sends events to `/play`.
    Router::new()
        .route("/play", post(play))
        .route("/k", post(play))
        .route("/other", post(async || "other"))
}

fn layer() -> GateLayer {
    GateLayer::new(gate(""))
}

fn callback() -> Request<Body> {
    Request::post("/k")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(FORM))
        .unwrap()
}

async fn send<S, B>(service: S, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>)
where
    S: Service<Request<Body>, Response = http::Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (parts.status, parts.headers, body)
}

/// Checks the responses to a genuine callback, a forged callback and a request on another path.
async fn assert_serves<S, B>(service: S)
where
    S: Service<Request<Body>, Response = http::Response<B>> + Clone,
    S::Error: std::fmt::Debug,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let (status, _, body) = send(service.clone(), callback()).await;
    assert_eq!((status, &*body), (StatusCode::OK, ALLOWED.as_bytes()));
    let forged = Request::post("/k").body(Body::from("kind=100")).unwrap();
    assert_eq!(send(service.clone(), forged).await.0, StatusCode::BAD_REQUEST);
    let other = Request::post("/other").body(Body::empty()).unwrap();
    let (status, _, body) = send(service, other).await;
    assert_eq!((status, &*body), (StatusCode::OK, &b"other"[..]));
}

#[tokio::test]
async fn serves_callbacks_inside_each_outer_layer() {
    let gated = || layer().layer(routes());
    assert_serves(TraceLayer::new_for_http().layer(gated())).await;
    assert_serves(
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .service(gated()),
    )
    .await;
    assert_serves(CorsLayer::permissive().layer(gated())).await;
    assert_serves(CompressionLayer::new().layer(gated())).await;
    assert_serves(RequestDecompressionLayer::new().layer(gated())).await;
    assert_serves(NormalizePathLayer::trim_trailing_slash().layer(gated())).await;
    assert_serves(RequestBodyLimitLayer::new(4096).layer(gated())).await;
}

#[tokio::test]
async fn serves_callbacks_around_each_inner_layer() {
    let gated = |routes| layer().layer(routes);
    assert_serves(layer().layer(CatchPanicLayer::new().layer(routes()))).await;
    let time = Duration::from_secs(1);
    let timeout = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, time);
    assert_serves(layer().layer(timeout.layer(routes()))).await;
    let limited = ServiceBuilder::new().concurrency_limit(2).service(routes());
    assert_serves(layer().layer(limited)).await;
    let shed = ServiceBuilder::new().load_shed().concurrency_limit(2).service(routes());
    assert_serves(layer().layer(shed)).await;
    let buffered = ServiceBuilder::new().buffer(8).service(routes());
    assert_serves(layer().layer(buffered)).await;
    let timed = ServiceBuilder::new().timeout(time).service(routes());
    assert_serves(layer().layer(timed)).await;
    assert_serves(gated(routes())).await;
}

/// Adds the layers to `routes` in the documented order.
fn documented(
    routes: Router,
) -> impl Service<
    Request<Body>,
    Response = http::Response<impl http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug>>,
    Error = Infallible,
> + Clone {
    ServiceBuilder::new()
        .layer(NormalizePathLayer::trim_trailing_slash())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(RequestDecompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(64 * 1024))
        .layer(layer())
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1)))
        .layer(HandleErrorLayer::new(async |_| StatusCode::SERVICE_UNAVAILABLE))
        .load_shed()
        .concurrency_limit(4)
        .service(routes)
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(data).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[tokio::test]
async fn documented_order_serves_callbacks_around_router() {
    let app = documented(routes());
    assert_serves(app.clone()).await;

    let mut request = callback();
    request.headers_mut().insert(ORIGIN, "https://player.test".parse().unwrap());
    *request.uri_mut() = "/k/".parse().unwrap();
    let (status, headers, _) = send(app.clone(), request).await;
    assert_eq!(status, StatusCode::OK, "status for the path `/k/`");
    assert!(headers.contains_key("access-control-allow-origin"));
    assert!(headers.contains_key("x-request-id"));

    let mut request = callback();
    request.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    *request.body_mut() = Body::from(gzip(FORM.as_bytes()));
    let (status, _, body) = send(app.clone(), request).await;
    assert_eq!((status, &*body), (StatusCode::OK, ALLOWED.as_bytes()));

    let mut request = callback();
    request.headers_mut().insert(ACCEPT_ENCODING, "gzip".parse().unwrap());
    let (_, headers, _) = send(app.clone(), request).await;
    // tower-http does not compress a body of less than 32 bytes.
    assert!(!headers.contains_key(CONTENT_ENCODING));

    let long = FORM.repeat(4096);
    let request = Request::post("/k").body(Body::new(SlowBody::new(long.as_bytes()))).unwrap();
    assert_eq!(send(app, request).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn documented_order_applies_failure_policy_on_panic() {
    let log = Log::default();
    let _guard = log.collect();
    async fn broken() {
        panic!("broken")
    }
    let (status, _, body) =
        send(documented(Router::new().route("/play", post(broken))), callback()).await;
    assert_eq!((status, &*body), (StatusCode::OK, LATER.as_bytes()));
    assert!(log.text().contains("app_status"), "expected app_status, found {}", log.text());
}

#[tokio::test(start_paused = true)]
async fn documented_order_applies_failure_policy_on_timeout() {
    async fn slow() {
        std::future::pending().await
    }
    let app = documented(Router::new().route("/play", post(slow)));
    let started = tokio::time::Instant::now();
    let (status, _, body) = send(app, callback()).await;
    assert_eq!((status, &*body), (StatusCode::OK, LATER.as_bytes()));
    assert_eq!(started.elapsed(), Duration::from_secs(1));
}

// The layers of `Router::layer` run after routing. They do not apply to a route that the app adds
// after the call of `Router::layer`.
#[tokio::test]
async fn documented_order_serves_callbacks_in_router_layer() {
    let stack = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(RequestDecompressionLayer::new())
        .layer(layer())
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1)))
        .layer(HandleErrorLayer::new(async |_| StatusCode::SERVICE_UNAVAILABLE))
        .load_shed()
        .concurrency_limit(4);
    let app = routes().layer(stack).route(
        "/later",
        post(async |headers: HeaderMap| headers.contains_key("ce-type").to_string()),
    );
    assert_serves(app.clone()).await;
    let request = Request::post("/later").header("ce-type", "x").body(Body::empty()).unwrap();
    let (_, _, body) = send(app, request).await;
    assert_eq!(body, b"true", "`ce-type` on a route outside of the layer");
}

async fn middleware(request: ::axum::extract::Request, next: Next) -> Response {
    assert!(request.headers().contains_key("ce-type") || request.uri().path() == "/other");
    next.run(request).await
}

// axum's `from_fn` accepts only `axum::body::Body`.
#[tokio::test]
async fn serves_callbacks_with_adapters_around_from_fn() {
    let app = ServiceBuilder::new()
        .map_response(|response: http::Response<ResponseBody<Body>>| response.map(Body::new))
        .layer(layer())
        .map_request(|request: Request<RequestBody<Body>>| request.map(Body::new))
        .layer(from_fn(middleware))
        .service(routes());
    assert_serves(app.clone()).await;
    assert_serves(Router::new().fallback_service(app)).await;
    // `Router::layer` does not need the outer adapter.
    let stack = ServiceBuilder::new()
        .layer(layer())
        .map_request(|request: Request<RequestBody<Body>>| request.map(Body::new))
        .layer(from_fn(middleware));
    assert_serves(routes().layer(stack)).await;
}

#[tokio::test]
async fn serves_callbacks_with_adapters_in_option_layer() {
    for layer in [Some(layer()), None] {
        let is_gated = layer.is_some();
        let gated = layer.map(|layer| {
            ServiceBuilder::new()
                .map_response(|response: http::Response<ResponseBody<Body>>| {
                    response.map(Body::new)
                })
                .layer(layer)
                .map_request(|request: Request<RequestBody<Body>>| request.map(Body::new))
        });
        let app = ServiceBuilder::new().option_layer(gated).service(routes());
        if is_gated {
            assert_serves(app).await;
        } else {
            let other = Request::post("/other").body(Body::empty()).unwrap();
            assert_eq!(send(app, other).await.2, b"other");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_callbacks_with_adapter_and_into_make_service() {
    let app = ServiceBuilder::new()
        .map_response(|response: http::Response<ResponseBody<Body>>| response.map(Body::new))
        .service(layer().layer(routes()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(
        ::axum::serve(listener, ServiceExt::<Request<Body>>::into_make_service(app)).into_future(),
    );
    let replied = tokio::task::spawn_blocking(move || {
        let mut client = TcpStream::connect(address).unwrap();
        let length = FORM.len();
        write!(
            client,
            "POST /k HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{FORM}"
        )
        .unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        reply
    });
    assert!(replied.await.unwrap().ends_with(ALLOWED));
}
