//! Tests of the layer around plain tower services and axum routers.

#[cfg(feature = "axum")]
mod axum;
mod failures;
mod headers;
mod readiness;
#[cfg(feature = "axum")]
mod routers;
mod shadow;
#[cfg(feature = "axum")]
mod stacks;

use std::cell::Cell;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use gatepost::{Accepted, GateLayer, Timestamp};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::core::judge;
use crate::vectors::{self, Outcome, Seen, Vector, broken};

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
}

fn clock() -> Timestamp {
    Timestamp::from_secs(NOW.get())
}

/// A body that arrives in chunks of `size` bytes, and returns `Poll::Pending` before each chunk.
struct SlowBody {
    rest: Bytes,
    size: usize,
    paused: bool,
}

impl SlowBody {
    fn new(bytes: &[u8]) -> Self {
        Self::in_chunks(bytes, 61)
    }

    fn in_chunks(bytes: &[u8], size: usize) -> Self {
        Self { rest: Bytes::copy_from_slice(bytes), size, paused: false }
    }
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.paused = !self.paused;
        if self.paused {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let size = self.rest.len().min(self.size);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }
}

fn request(vector: &Vector) -> Request<SlowBody> {
    request_with(vector, SlowBody::new(&vector.body))
}

fn request_with(vector: &Vector, body: SlowBody) -> Request<SlowBody> {
    let case = &vector.case.request;
    let mut request = Request::builder().method(&*case.method).uri(&case.path);
    for (name, value) in case.all_headers() {
        request = request.header(name, value);
    }
    request.body(body).unwrap()
}

async fn outcome(gate: gatepost::Gate, vector: &Vector, chunk: usize) -> Outcome {
    let seen: Arc<Mutex<Option<Seen>>> = Arc::default();
    let answer = vector.app();
    let record = Arc::clone(&seen);
    let app = service_fn(move |request: Request<gatepost::layer::RequestBody<SlowBody>>| {
        let (record, answer) = (Arc::clone(&record), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            assert!(
                parts.extensions.get::<Accepted>().is_some(),
                "expected `Accepted` in the extensions, found none"
            );
            let headers = parts.headers.iter();
            let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
            *record.lock().unwrap() = Some(Seen {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                headers: headers.collect(),
                body: body.collect().await.unwrap().to_bytes().to_vec(),
            });
            let response = Response::builder().status(answer.status);
            Ok::<_, Infallible>(response.body(SlowBody::new(answer.body.as_bytes())).unwrap())
        }
    });
    NOW.set(vector.case.now);
    let service = GateLayer::new(gate).with_clock(clock).layer(app);
    let (parts, body) = service
        .oneshot(request_with(vector, SlowBody::in_chunks(&vector.body, chunk)))
        .await
        .unwrap()
        .into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    let seen = seen.lock().unwrap().take();
    let headers = parts.headers.iter();
    let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    Outcome { status: parts.status.as_u16(), headers, body, seen }
}

#[tokio::test]
async fn layer_gives_expected_result_for_every_vector() {
    let gate = vectors::gate("http://elsewhere.test:81");
    for vector in vectors::all() {
        vector.check(&outcome(gate.clone(), &vector, 61).await);
    }
}

#[tokio::test]
async fn layer_gives_expected_result_for_chunks_of_different_sizes() {
    let gate = vectors::gate("http://elsewhere.test:81");
    for (index, vector) in vectors::all().into_iter().enumerate() {
        let chunk = [1, 2, 3, 5, 8, 1000, usize::MAX][index % 7];
        vector.check(&outcome(gate.clone(), &vector, chunk).await);
    }
}

// Sends each vector unchanged, and with three damaged bodies. The layer must call the service
// exactly for those callbacks about which the core asks the app.
#[tokio::test]
async fn layer_calls_service_only_for_accepted_callbacks() {
    let gate = vectors::gate("http://elsewhere.test:81");
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let app = service_fn(move |_: Request<gatepost::layer::RequestBody<SlowBody>>| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok::<_, Infallible>(Response::new(SlowBody::new(b""))))
    });
    let service = GateLayer::new(gate.clone()).with_clock(clock).layer(app);
    let mut refused = 0;
    for (seed, vector) in vectors::all().iter().enumerate() {
        let original = std::iter::once(vector.body.clone());
        for body in original.chain((0..3).map(|round| broken(&vector.body, seed * 3 + round))) {
            NOW.set(vector.case.now);
            let request = crate::core::Request::of(vector);
            let verdict = judge(&gate, &request.head(), &body, usize::MAX, vector.case.now);
            let now = clock();
            let asks = verdict.is_ok_and(|a| matches!(a.next(now), gatepost::Next::Ask(_)));
            refused += usize::from(!asks);
            let before = calls.load(Ordering::SeqCst);
            let sent = request_with(vector, SlowBody::new(&body));
            drop(service.clone().oneshot(sent).await.unwrap());
            let called = calls.load(Ordering::SeqCst) - before;
            assert_eq!(called, usize::from(asks), "{}", vector.name);
        }
    }
    assert!(refused > 800, "expected more than 800 requests without a call, found {refused}");
}

#[tokio::test]
async fn removes_reserved_headers_from_requests_on_other_paths() {
    let gate = vectors::gate("http://app.test");
    let app = service_fn(|request: Request<gatepost::layer::RequestBody<Full<Bytes>>>| async {
        assert_eq!(request.method(), "PUT");
        assert_eq!(request.uri(), "/other?x=1");
        assert_eq!(request.headers()["x-own"], "kept");
        assert!(!request.headers().contains_key("ce-type"));
        assert!(request.extensions().get::<Accepted>().is_none());
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let service = GateLayer::new(gate).layer(app);
    let request = Request::put("/other?x=1")
        .header("x-own", "kept")
        .header("ce-type", "forged")
        .body(Full::from("unchanged"))
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "unchanged");
}

#[tokio::test(start_paused = true)]
async fn replies_100_ms_before_platform_timeout_if_app_never_answers() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let play = vectors.iter().find(|v| v.name == "kollus/live_play_flat").unwrap();
    NOW.set(play.case.now);
    type AppRequest = Request<gatepost::layer::RequestBody<SlowBody>>;
    let never = service_fn(|_: AppRequest| {
        std::future::pending::<Result<Response<SlowBody>, Infallible>>()
    });
    let service = GateLayer::new(gate).with_clock(clock).layer(never);
    let started = tokio::time::Instant::now();
    let response = service.oneshot(request(play)).await.unwrap();
    assert_eq!(started.elapsed().as_millis(), 2900, "milliseconds until the reply");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"data":{"result":0,"message":"Please try again"}}"#);
}

/// A body that has at most one chunk, and that never ends.
struct Endless(Option<Bytes>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
    }
}

#[tokio::test(start_paused = true)]
async fn time_limit_includes_body_of_answer() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let play = vectors.iter().find(|v| v.name == "kollus/live_play_flat").unwrap();
    NOW.set(play.case.now);
    let slow = service_fn(|_: Request<gatepost::layer::RequestBody<SlowBody>>| async {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        Ok::<_, Infallible>(Response::new(Endless(None)))
    });
    let service = GateLayer::new(gate).with_clock(clock).layer(slow);
    let started = tokio::time::Instant::now();
    let response = service.oneshot(request(play)).await.unwrap();
    assert_eq!(started.elapsed().as_millis(), 2900);
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn replies_503_to_notification_if_service_fails() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    let broken = service_fn(|_: Request<gatepost::layer::RequestBody<SlowBody>>| async {
        Err::<Response<SlowBody>, _>("broken")
    });
    let mut service = GateLayer::new(gate).with_clock(clock).layer(broken);
    let response = service.ready().await.unwrap().call(request(push)).await.unwrap();
    assert_eq!(response.status(), 503);
}

/// A body that returns an error at once.
struct FailingBody;

impl Body for FailingBody {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(Err("reset")))
    }
}

#[tokio::test]
async fn refuses_body_with_read_error() {
    let gate = vectors::gate("http://app.test");
    let app = service_fn(|_: Request<gatepost::layer::RequestBody<FailingBody>>| async {
        panic!("expected no call of the service, found one");
        #[expect(unreachable_code, reason = "names the response's type")]
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GateLayer::new(gate).layer(app);
    let request = Request::post("/callbacks/tencent").body(FailingBody).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 400);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "refused\n");
}

#[tokio::test(start_paused = true)]
async fn refuses_body_that_takes_longer_than_30_secs() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    let app = service_fn(|_: Request<gatepost::layer::RequestBody<Endless>>| async {
        panic!("expected no call of the service, found one");
        #[expect(unreachable_code, reason = "names the response's type")]
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GateLayer::new(gate).with_clock(clock).layer(app);
    let body = Endless(Some(push.body.clone().into()));
    let request = Request::post("/callbacks/tencent").body(body).unwrap();
    let started = tokio::time::Instant::now();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 400);
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn service_receives_host_header_of_callback() {
    let config = "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
                  provider = 'kollus'\nbind = ['*']\non.live_play = 'http://app.test/play'\n";
    let gate = gatepost::Gate::builder().toml(config).build().unwrap();
    for expected in [Some("gate.test"), None] {
        let app = service_fn(
            move |request: Request<gatepost::layer::RequestBody<Full<Bytes>>>| async move {
                let host = request.headers().get("host");
                assert_eq!(host.map(|host| host.to_str().unwrap()), expected);
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("{\"result\":1}")))
            },
        );
        let mut request = Request::post("/k");
        if let Some(host) = expected {
            request = request.header("host", host);
        }
        let form = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
        let request = request.body(Full::from(form)).unwrap();
        let response = GateLayer::new(gate.clone()).layer(app).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

/// IP address of the connection's client. A server stores this address in the request's extensions.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

#[tokio::test]
async fn key_allow_permits_listed_client_directly_and_through_trusted_proxy() {
    let config = "trusted_proxies = '10.0.0.1'\n[[route]]\npath = '/k'\nprovider = 'kollus'\n\
                  allow = '192.0.2.0/24'\n[[template]]\nname = 'a'\nprovider = 'kollus'\n\
                  bind = ['*']\non.live_play = 'http://app.test/play'\n";
    let gate = gatepost::Gate::builder().toml(config).build().unwrap();
    let app =
        service_fn(|request: Request<gatepost::layer::RequestBody<Full<Bytes>>>| async move {
            let seen = request.headers().get("x-forwarded-for").cloned();
            let allowed = seen.is_some_and(|seen| seen == "192.0.2.1");
            let answer = if allowed { "{\"result\":1}" } else { "{\"result\":0}" };
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(answer)))
        });
    let send = async |layer: GateLayer, peer: [u8; 4]| {
        let form = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
        let request = Request::post("/k").header("x-forwarded-for", "192.0.2.1");
        let request = request.extension(Peer(peer.into())).body(Full::from(form)).unwrap();
        let response = layer.layer(app).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    };
    let layer = GateLayer::new(gate);
    let known = layer.clone().with_peer(|extensions| Some(extensions.get::<Peer>()?.0));
    let refused = (403, Bytes::from_static(b"refused\n"));
    let accepted = (200, Bytes::from_static(br#"{"data":{"result":1}}"#));
    assert_eq!(send(known.clone(), [192, 0, 2, 1]).await, accepted);
    assert_eq!(send(known.clone(), [10, 0, 0, 1]).await, accepted, "through the trusted proxy");
    assert_eq!(send(known, [203, 0, 113, 1]).await, refused);
    assert_eq!(send(layer, [192, 0, 2, 1]).await, refused, "layer without `with_peer`");
}

/// Log lines of this thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects log lines until the caller drops the returned value.
    pub fn collect(&self) -> impl Drop + use<> {
        let log = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || log.clone()).with_ansi(false);
        subscriber.finish().set_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn event_has_standard_webhooks_signature() {
    let config = vectors::config();
    let secret = "signing_secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";
    let builder = gatepost::Gate::builder().toml(format!("{secret}\n{config}"));
    let keys = [("KOLLUS_TOKEN", "x"), ("TENCENT_KEY", "test"), ("TENCENT_OLDER_KEY", "x")];
    let builder =
        keys.into_iter().fold(builder, |builder, (name, key)| builder.variable(name, key));
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    let seen = outcome(builder.build().unwrap(), push, 4096).await.seen.unwrap();
    let header = |name: &str| &seen.headers.iter().find(|(key, _)| key == name).unwrap().1;
    assert_eq!(header("webhook-id"), header("ce-id"));
    assert_eq!(*header("webhook-timestamp"), push.case.now.to_string());
    assert!(header("webhook-signature").starts_with("v1,"));
}
