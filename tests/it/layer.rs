//! The tower door, in front of plain services and of axum.

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

/// A body that comes in small pieces, with a pause before each.
struct Drip {
    rest: Bytes,
    size: usize,
    paused: bool,
}

impl Drip {
    fn new(bytes: &[u8]) -> Self {
        Self::by(bytes, 61)
    }

    fn by(bytes: &[u8], size: usize) -> Self {
        Self { rest: Bytes::copy_from_slice(bytes), size, paused: false }
    }
}

impl Body for Drip {
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

fn request(vector: &Vector) -> Request<Drip> {
    request_with(vector, Drip::new(&vector.body))
}

fn request_with(vector: &Vector, body: Drip) -> Request<Drip> {
    let case = &vector.case.request;
    let mut request = Request::builder().method(&*case.method).uri(&case.path);
    for (name, value) in &case.headers {
        request = request.header(name, value);
    }
    request.body(body).unwrap()
}

async fn outcome(gate: gatepost::Gate, vector: &Vector, chunk: usize) -> Outcome {
    let seen: Arc<Mutex<Option<Seen>>> = Arc::default();
    let said = vector.app();
    let noted = Arc::clone(&seen);
    let app = service_fn(move |request: Request<gatepost::layer::RequestBody<Drip>>| {
        let (noted, said) = (Arc::clone(&noted), said.clone());
        async move {
            let (parts, body) = request.into_parts();
            assert!(parts.extensions.get::<Accepted>().is_some(), "the permit is missing");
            let headers = parts.headers.iter();
            let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
            *noted.lock().unwrap() = Some(Seen {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                headers: headers.collect(),
                body: body.collect().await.unwrap().to_bytes().to_vec(),
            });
            let response = Response::builder().status(said.status);
            Ok::<_, Infallible>(response.body(Drip::new(said.body.as_bytes())).unwrap())
        }
    });
    NOW.set(vector.case.now);
    let service = GateLayer::new(gate).with_clock(clock).layer(app);
    let (parts, body) = service
        .oneshot(request_with(vector, Drip::by(&vector.body, chunk)))
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
async fn every_vector_passes_the_layer() {
    let gate = vectors::gate("http://elsewhere.test:81");
    for vector in vectors::all() {
        vector.check(&outcome(gate.clone(), &vector, 61).await);
    }
}

#[tokio::test]
async fn every_vector_passes_the_layer_in_any_chunks() {
    let gate = vectors::gate("http://elsewhere.test:81");
    for (index, vector) in vectors::all().into_iter().enumerate() {
        let chunk = [1, 2, 3, 5, 8, 1000, usize::MAX][index % 7];
        vector.check(&outcome(gate.clone(), &vector, chunk).await);
    }
}

/// Refused ones of the vectors, and broken ones of those that are accepted: the service is called
/// as often as the core accepts, and not once more.
#[tokio::test]
async fn a_service_sees_what_was_accepted_and_nothing_else() {
    let gate = vectors::gate("http://elsewhere.test:81");
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = service_fn(move |_: Request<gatepost::layer::RequestBody<Drip>>| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok::<_, Infallible>(Response::new(Drip::new(b""))))
    });
    let service = GateLayer::new(gate.clone()).with_clock(clock).layer(app);
    let mut refused = 0;
    for (seed, vector) in vectors::all().iter().enumerate() {
        let whole = std::iter::once(vector.body.clone());
        for body in whole.chain((0..3).map(|round| broken(&vector.body, seed * 3 + round))) {
            NOW.set(vector.case.now);
            let request = crate::core::Request::of(vector);
            let verdict = judge(&gate, &request.head(), &body, usize::MAX, vector.case.now);
            let now = clock();
            let asks = verdict.is_ok_and(|a| matches!(a.next(now), gatepost::Next::Ask(_)));
            refused += usize::from(!asks);
            let before = calls.load(Ordering::SeqCst);
            let sent = request_with(vector, Drip::new(&body));
            drop(service.clone().oneshot(sent).await.unwrap());
            let called = calls.load(Ordering::SeqCst) - before;
            assert_eq!(called, usize::from(asks), "{}", vector.name);
        }
    }
    assert!(refused > 800, "{refused}");
}

#[tokio::test]
async fn other_paths_go_through_as_they_are() {
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
        .body(Full::from("as it is"))
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "as it is");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_slow_gets_the_failure_policy_in_time() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let play = vectors.iter().find(|v| v.name == "kollus/live_play_flat").unwrap();
    NOW.set(play.case.now);
    type Asked = Request<gatepost::layer::RequestBody<Drip>>;
    let never = service_fn(|_: Asked| std::future::pending::<Result<Response<Drip>, Infallible>>());
    let service = GateLayer::new(gate).with_clock(clock).layer(never);
    let started = tokio::time::Instant::now();
    let response = service.oneshot(request(play)).await.unwrap();
    assert_eq!(started.elapsed().as_millis(), 2900, "Kollus waits 3 s, and has the reply before");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"data":{"result":0,"message":"Please try again"}}"#);
}

/// A body that never ends, whatever has come of it.
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
async fn the_time_is_for_the_whole_answer() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let play = vectors.iter().find(|v| v.name == "kollus/live_play_flat").unwrap();
    NOW.set(play.case.now);
    let slow = service_fn(|_: Request<gatepost::layer::RequestBody<Drip>>| async {
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
async fn a_service_that_fails_gets_the_failure_policy() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    let broken = service_fn(|_: Request<gatepost::layer::RequestBody<Drip>>| async {
        Err::<Response<Drip>, _>("broken")
    });
    let mut service = GateLayer::new(gate).with_clock(clock).layer(broken);
    let response = service.ready().await.unwrap().call(request(push)).await.unwrap();
    assert_eq!(response.status(), 503);
}

/// A body that breaks off.
struct Broken;

impl Body for Broken {
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
async fn a_body_that_breaks_off_is_refused() {
    let gate = vectors::gate("http://app.test");
    let app = service_fn(|_: Request<gatepost::layer::RequestBody<Broken>>| async {
        panic!("it was asked");
        #[expect(unreachable_code, reason = "names the response's type")]
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GateLayer::new(gate).layer(app);
    let request = Request::post("/callbacks/tencent").body(Broken).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 400);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "refused\n");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_too_long_is_refused() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    let app = service_fn(|_: Request<gatepost::layer::RequestBody<Endless>>| async {
        panic!("it was asked");
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
async fn an_event_says_the_host_that_its_callback_said() {
    let config = "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
                  provider = 'kollus'\nbind = ['*']\non.live_play = 'http://app.test/play'\n";
    let gate = gatepost::Gate::builder().toml(config).build().unwrap();
    for said in [Some("gate.test"), None] {
        let app = service_fn(
            move |request: Request<gatepost::layer::RequestBody<Full<Bytes>>>| async move {
                let host = request.headers().get("host");
                assert_eq!(host.map(|host| host.to_str().unwrap()), said);
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("{\"result\":1}")))
            },
        );
        let mut request = Request::post("/k");
        if let Some(said) = said {
            request = request.header("host", said);
        }
        let form = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
        let request = request.body(Full::from(form)).unwrap();
        let response = GateLayer::new(gate.clone()).layer(app).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

/// What a server puts into the extensions.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

#[tokio::test]
async fn only_a_peer_that_is_known_may_be_allowed() {
    let config = "trusted_proxies = '10.0.0.1'\n[[route]]\npath = '/k'\nprovider = 'kollus'\n\
                  allow = '192.0.2.0/24'\n[[template]]\nname = 'a'\nprovider = 'kollus'\n\
                  bind = ['*']\non.live_play = 'http://app.test/play'\n";
    let gate = gatepost::Gate::builder().toml(config).build().unwrap();
    let app =
        service_fn(|request: Request<gatepost::layer::RequestBody<Full<Bytes>>>| async move {
            let seen = request.headers().get("x-forwarded-for").cloned();
            let allowed = seen.is_some_and(|seen| seen == "192.0.2.1");
            let answer = if allowed { "" } else { "{\"result\":0}" };
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
    assert_eq!(send(known.clone(), [10, 0, 0, 1]).await, accepted, "a trusted proxy says so");
    assert_eq!(send(known, [203, 0, 113, 1]).await, refused);
    assert_eq!(send(layer, [192, 0, 2, 1]).await, refused, "nobody is known");
}

/// What is logged while it lives, in this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> impl Drop + use<> {
        let log = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || log.clone()).with_ansi(false);
        subscriber.finish().set_default()
    }

    fn text(&self) -> String {
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

/// On a route in shadow mode the inner service gets the request as it came, and its own response
/// goes back.
#[tokio::test]
async fn in_shadow_mode_everything_passes_as_it_came() {
    let log = Log::default();
    let _listening = log.listen();
    let app = service_fn(|request: Request<gatepost::layer::RequestBody<Drip>>| async move {
        assert_eq!(
            (request.method().as_str(), request.uri().path()),
            ("POST", "/callbacks/tencent")
        );
        assert_eq!(request.headers()["x-own"], "kept");
        assert!(!request.headers().contains_key("ce-type"));
        assert!(request.extensions().get::<Accepted>().is_none());
        Ok::<_, Infallible>(Response::builder().status(207).body(request.into_body()).unwrap())
    });
    let service = GateLayer::new(crate::shadow::gate()).with_clock(clock).layer(app);
    let mut push = vectors::all().into_iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    push.case.request.headers.insert("ce-type".into(), "forged".into());
    push.case.request.headers.insert("x-own".into(), "kept".into());
    let genuine = String::from_utf8(push.body.clone()).unwrap();
    let forged = genuine.replace(&push.case.signature.as_ref().unwrap().digest, &"0".repeat(32));
    let large = "x".repeat(2 * 1024 * 1024);
    for (body, code) in
        [(genuine, "accepted"), (forged, "signature_mismatch"), (large, "body_too_large")]
    {
        push.body = body.into_bytes();
        let response = service.clone().oneshot(request(&push)).await.unwrap();
        assert_eq!(response.status(), 207);
        let echoed = response.into_body().collect().await.unwrap().to_bytes();
        assert!(echoed == push.body, "{code}");
        assert_eq!(log.text().matches(&format!("code=\"{code}\"")).count(), 1, "{}", log.text());
    }
    assert_eq!(log.text().matches("callback would be").count(), 3, "{}", log.text());
}

/// Not every service reads on behind the end, or at all.
#[tokio::test]
async fn a_verdict_waits_for_no_more_than_the_service_reads() {
    let push = vectors::all().into_iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    let whole = push.body.clone();
    for (frames, body, code) in [
        (1, Full::new(Bytes::from(whole.clone())), "accepted"),
        (0, Full::new(Bytes::from(whole)), "unseen"),
        (0, Full::default(), "body_missing"),
    ] {
        let log = Log::default();
        let _listening = log.listen();
        let app = service_fn(move |request: Request<gatepost::layer::RequestBody<_>>| async move {
            let mut body = request.into_body();
            for _ in 0..frames {
                body.frame().await.unwrap().unwrap();
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let service = GateLayer::new(crate::shadow::gate()).with_clock(clock).layer(app);
        let request = Request::post("/callbacks/tencent").body(body).unwrap();
        assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
        assert!(log.text().contains(&format!("code=\"{code}\"")), "{code}: {}", log.text());
    }
}

#[tokio::test]
async fn in_shadow_mode_a_body_that_breaks_off_breaks_off_for_the_service() {
    let log = Log::default();
    let _listening = log.listen();
    let app = service_fn(|request: Request<gatepost::layer::RequestBody<Broken>>| async {
        assert_eq!(request.into_body().collect().await.unwrap_err(), "reset");
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GateLayer::new(crate::shadow::gate()).layer(app);
    let request = Request::post("/callbacks/tencent").body(Broken).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    assert!(log.text().contains("code=\"unseen\""), "{}", log.text());
}

/// What the inner service gets is signed as what an app behind the proxy gets.
#[tokio::test]
async fn an_event_is_signed() {
    let config = std::fs::read_to_string("tests/vectors/gate.toml").unwrap();
    let secret = "signing_secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";
    let builder = gatepost::Gate::builder().toml(format!("{secret}\n{config}"));
    let keys = [("KOLLUS_TOKEN", "x"), ("TENCENT_KEY", "test"), ("TENCENT_OLDER_KEY", "x")];
    let builder =
        keys.into_iter().fold(builder, |builder, (name, key)| builder.variable(name, key));
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    let seen = outcome(builder.build().unwrap(), push, 4096).await.seen.unwrap();
    let header = |name: &str| &seen.headers.iter().find(|(own, _)| own == name).unwrap().1;
    assert_eq!(header("webhook-id"), header("ce-id"));
    assert_eq!(*header("webhook-timestamp"), push.case.now.to_string());
    assert!(header("webhook-signature").starts_with("v1,"));
}

#[cfg(feature = "axum")]
mod axum {
    use ::axum::Router;
    use ::axum::body::Body;
    use ::axum::routing::post;
    use gatepost::axum::Callback;
    use gatepost::kollus::{LivePlay, PlayReply};
    use gatepost::tencent_css::Push;
    use gatepost::{Gate, GateLayer};
    use http::Request;
    use http_body_util::BodyExt as _;
    use tower::{Layer as _, ServiceExt as _};

    async fn play(Callback(viewer): Callback<LivePlay>) -> PlayReply {
        if viewer.client_user_id == "user01" {
            PlayReply::allow().disable_tvout(true)
        } else {
            PlayReply::deny("Please buy a ticket")
        }
    }

    const FORM: &str =
        "kind=100&client_user_id=user01&media_content_key=m&channel_key=c&uservalues=%7B%7D";

    fn gate(on: &str) -> Gate {
        let config = format!(
            "[[route]]\npath = '/callbacks/kollus/{{token}}'\nprovider = 'kollus'\n\
             token = {{ env = 'TOKEN' }}\n\
             [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = ['*']\n{on}"
        );
        Gate::builder().toml(config).variable("TOKEN", "t0ken").build().unwrap()
    }

    async fn send(app: Router, path: &str, body: String) -> (u16, String) {
        let request = Request::post(path).body(Body::from(body)).unwrap();
        let response = app.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// `Router::layer` runs after routing: the callback path itself is routed.
    #[tokio::test]
    async fn a_router_with_a_layer_routes_the_callback_path() {
        let app = || {
            let router = Router::new().route("/callbacks/kollus/{token}", post(play));
            router.layer(GateLayer::new(gate("")))
        };
        let path = "/callbacks/kollus/t0ken";
        let allowed = r#"{"data":{"result":1,"disable_tvout":1}}"#;
        assert_eq!(send(app(), path, FORM.into()).await, (200, allowed.into()));
        let denied = r#"{"data":{"result":0,"message":"Please buy a ticket"}}"#;
        let other = FORM.replace("user01", "user02");
        assert_eq!(send(app(), path, other).await, (200, denied.into()));
        let wrong = send(app(), "/callbacks/kollus/guess", FORM.into()).await;
        assert_eq!(wrong, (401, "refused\n".into()));
    }

    /// Around a router, an address says which of its paths gets the event.
    #[tokio::test]
    async fn a_layer_around_a_router_routes_by_the_address() {
        let on = "[template.on]\nlive_play = 'http://ignored/kollus/play'";
        let app = || {
            let inner = Router::new().route("/kollus/play", post(play));
            Router::new().fallback_service(GateLayer::new(gate(on)).layer(inner))
        };
        let reply = send(app(), "/callbacks/kollus/t0ken", FORM.into()).await;
        assert_eq!(reply, (200, r#"{"data":{"result":1,"disable_tvout":1}}"#.into()));
        // From outside the handler's own path leads nowhere.
        let reply = send(app(), "/kollus/play", FORM.into()).await;
        assert_eq!(reply, (403, "refused\n".into()));
    }

    #[tokio::test]
    async fn a_handler_of_another_kind_is_not_called() {
        async fn push(Callback(_): Callback<Push>) {
            panic!("it was called");
        }
        let router = Router::new().route("/callbacks/kollus/{token}", post(push));
        let app = router.layer(GateLayer::new(gate("")));
        let reply = send(app, "/callbacks/kollus/t0ken", FORM.into()).await;
        assert_eq!(reply, (200, r#"{"data":{"result":0}}"#.into()));
    }
}
