//! Benches of apps with gatepost's layer, with another layer, and without a layer.
//!
//! Requests are in memory and handlers never wait, so the first poll of a future returns the
//! response.

use std::convert::Infallible;
use std::fmt::Debug;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::{Body, HttpBody};
use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use gatepost::axum::Callback;
use gatepost::github::GithubPush;
use gatepost::kollus::{LivePlay, PlayReply};
use gatepost::tencent_css::Push;
use gatepost::{Accepted, Gate, GateLayer};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use md5::{Digest as _, Md5};
use serde_json::Value;
use sha2::Sha256;
use tower::layer::layer_fn;
use tower::{Layer as _, Service, service_fn};
use webhook_verify::tower::VerifyLayer;
use webhook_verify::{Provider, Secret};

use super::callback;
use super::{by_hand, play, push};
use crate::bench::Bench;

const GITHUB_KEY: &str = "It's a Secret to Everybody";
const GITHUB_BODY: &str = include_str!("../../../vectors/github/kind_push/body");

pub fn all() -> Vec<Bench> {
    let mut benches = pushes();
    benches.extend(plays());
    benches.extend(github());
    benches.extend(other_paths());
    benches
}

fn pushes() -> Vec<Bench> {
    let behind_form = |form: &str, handler| {
        let app = Router::new().route("/callbacks/tencent", handler);
        app.layer(GateLayer::new(push::gate_with("", "", form)))
    };
    let behind = |handler| behind_form("{}", handler);
    let alone = |handler| {
        let app = Router::new().route("/callbacks/tencent", handler);
        app.layer(GateLayer::new(push::gate_with("", "", "{}")).omit_headers())
    };
    let (raw, passthrough) = ("{ forward = 'raw' }", "{ forward = 'passthrough' }");
    let proof = "{ keep_proof = true }";
    let value = |Json(push): Json<Value>| async move { drop(std::hint::black_box(push)) };
    let typed = |Callback(push): Callback<Push>| async move { drop(std::hint::black_box(push)) };
    let bytes = |push: Bytes| async move { drop(std::hint::black_box(push)) };
    let permit = |push: Accepted| async move { drop(std::hint::black_box(push)) };
    vec![
        bench("by_hand/push_value", by_hand::pushes(), signed_push),
        bench("by_hand/push_typed", by_hand::typed_pushes(), signed_push),
        bench("layer/push_value", behind(post(value)), signed_push),
        bench("layer/push_value_raw", behind_form(raw, post(value)), signed_push),
        bench("layer/push_value_passthrough", behind_form(passthrough, post(value)), signed_push),
        bench("layer/push_value_keep_proof", behind_form(proof, post(value)), signed_push),
        bench("layer/push_bytes", behind(post(bytes)), signed_push),
        bench("layer/push_bytes_passthrough", behind_form(passthrough, post(bytes)), signed_push),
        bench("layer/push_typed", behind(post(typed)), signed_push),
        bench("layer/push_typed_alone", alone(post(typed)), signed_push),
        bench("layer/push_permit", behind(post(permit)), signed_push),
    ]
}

fn plays() -> Vec<Bench> {
    async fn may_play(Callback(viewer): Callback<LivePlay>) -> PlayReply {
        if viewer.client_user_id.is_empty() { PlayReply::deny("who?") } else { PlayReply::allow() }
    }
    let app = Router::new().route("/callbacks/kollus/{token}", post(may_play));
    let layer = || GateLayer::new(play::gate());
    vec![
        bench("by_hand/play", by_hand::plays(), |number| play::live(number).into()),
        bench("layer/play", app.clone().layer(layer()), |n| play::live(n).into()),
        bench("layer/play_alone", app.layer(layer().omit_headers()), |n| play::live(n).into()),
    ]
}

/// Creates benches of two layers: `webhook-verify` forwards the body, and gatepost forwards an
/// event. For each layer, the handler of one bench takes bytes, and the handler of the other bench
/// also parses fields.
fn github() -> Vec<Bench> {
    let config = "[[route]]\npath = '/callbacks/github'\nprovider = 'github'\n\
                  [[template]]\nname = 'all'\nprovider = 'github'\nkeys = [{ env = 'KEY' }]\n\
                  bind = ['*']\non.push = {}\n";
    let gate = Gate::builder().toml(config).variable("KEY", GITHUB_KEY).build().unwrap();
    let bytes = |body: Bytes| async move { drop(std::hint::black_box(body)) };
    let value = |body: Bytes| async move {
        let push: Value = serde_json::from_slice(&body).unwrap();
        drop(std::hint::black_box(push));
    };
    let typed =
        |Callback(push): Callback<GithubPush>| async move { drop(std::hint::black_box(push)) };
    let app = |hook| Router::new().route("/callbacks/github", hook);
    let gatepost = |hook| GateLayer::new(gate.clone()).layer(app(hook));
    let verify =
        |hook| VerifyLayer::<Body>::new(Provider::GitHub, Secret::new(GITHUB_KEY)).layer(app(hook));
    vec![
        bench("layer/github", gatepost(post(bytes)), signed_github),
        bench("layer/github_typed", gatepost(post(typed)), signed_github),
        bench("webhook-verify/github", verify(post(bytes)), signed_github),
        bench("webhook-verify/github_value", verify(post(value)), signed_github),
    ]
}

fn other_paths() -> Vec<Bench> {
    let layer = GateLayer::new(push::gate(""));
    let app = || {
        let user = |Path(user): Path<u64>| async move { user.to_string() };
        Router::new().route("/api/users/{user}", get(user))
    };
    async fn user<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
        drop(std::hint::black_box(request));
        Ok(Response::new(Full::new(Bytes::from_static(b"7"))))
    }
    vec![
        bench("other_path/axum_bare", app(), browsing),
        bench("other_path/axum_empty_layer", app().layer(layer_fn(|inner| inner)), browsing),
        bench("other_path/axum_layer", app().layer(layer.clone()), browsing),
        bench("other_path/tower_bare", service_fn(user::<Body>), browsing),
        bench("other_path/tower_bare_dotted", service_fn(user::<Body>), loading),
        bench("other_path/tower_layer", layer.layer(service_fn(user)), browsing),
        bench("other_path/tower_layer_dotted", layer.layer(service_fn(user)), loading),
    ]
}

/// Returns a `push` callback with a current signature, because the layer uses the system clock.
fn signed_push(number: usize) -> Request<Body> {
    let t = by_hand::unix_now() + 600;
    let sign = HEXLOWER.encode(&Md5::digest(format!("test{t}")));
    let body = push::renumbered(push::BODY, number);
    let body = body.replace("1703732078", &t.to_string());
    push::with_body(body.replace("bc31454d2c5572bc415c4f2292e381eb", &sign)).into()
}

fn signed_github(number: usize) -> Request<Body> {
    let body = GITHUB_BODY.replacen("186853002", &format!("{}", 100_000_000 + number), 1);
    let mut mac = Hmac::<Sha256>::new_from_slice(GITHUB_KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
    let mut request = callback::Callback::post("/callbacks/github", "application/json", body);
    for (name, value) in [
        ("x-hub-signature-256", &*signature),
        ("x-github-event", "push"),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
    ] {
        request.headers.insert(name, value.parse().unwrap());
    }
    request.into()
}

fn browsing(_: usize) -> Request<Body> {
    from_browser("/api/users/7")
}

fn loading(_: usize) -> Request<Body> {
    from_browser("/assets/app.3f2a91.js")
}

/// Returns a request with the headers of a browser.
fn from_browser(path: &str) -> Request<Body> {
    let request = Request::get(path)
        .header("host", "app.test")
        .header(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        )
        .header("accept", "application/json")
        .header("accept-language", "en-US,en;q=0.5")
        .header("accept-encoding", "gzip, deflate, br")
        .header("cookie", "session=0123456789abcdef0123456789abcdef");
    request.body(Body::empty()).unwrap()
}

/// Creates a bench of a request, up to the last byte of the response.
fn bench<S, R>(
    name: &str,
    mut service: S,
    request: impl FnMut(usize) -> Request<Body> + 'static,
) -> Bench
where
    S: Service<Request<Body>, Response = Response<R>> + 'static,
    S::Error: Debug,
    R: HttpBody<Data = Bytes>,
{
    Bench::new(name, request, move |request| {
        ready(async {
            let response = service.call(request).await.unwrap();
            assert!(response.status().is_success(), "expected 2xx, found {}", response.status());
            response.into_body().collect().await.ok().map(|body| body.to_bytes())
        })
    })
}

/// Returns the output of a future that is ready at the first poll.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("expected a ready future, found a pending one"),
    }
}
