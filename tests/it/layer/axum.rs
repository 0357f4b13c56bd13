//! Tests of the extractors and of the layer in axum routers.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ::axum::Router;
use ::axum::body::Body;
use ::axum::routing::post;
use gatepost::axum::Callback;
use gatepost::kollus::{LivePlay, PlayReply};
use gatepost::tencent_css::Push;
use gatepost::{Accepted, Gate, GateLayer, Timestamp};
use http::Request;
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};

use super::Log;

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

// `Router::layer` runs the layer after routing, so the router matches the callback's path.
#[tokio::test]
async fn router_layer_calls_handler_of_callback_path() {
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

// A layer around the router runs before routing, so the router matches the app's address.
#[tokio::test]
async fn layer_around_router_calls_handler_of_app_address() {
    let on = "[template.on]\nlive_play = 'http://ignored/kollus/play'";
    let app = || {
        let inner = Router::new().route("/kollus/play", post(play));
        Router::new().fallback_service(GateLayer::new(gate(on)).layer(inner))
    };
    let reply = send(app(), "/callbacks/kollus/t0ken", FORM.into()).await;
    assert_eq!(reply, (200, r#"{"data":{"result":1,"disable_tvout":1}}"#.into()));
    // The layer refuses a request from a client to the app's address.
    let reply = send(app(), "/kollus/play", FORM.into()).await;
    assert_eq!(reply, (403, "refused\n".into()));
}

// The log of gatepost has only the status of the answer, so the extractor logs the reason.
#[tokio::test]
async fn extractor_of_another_kind_rejects_callback_and_logs_reason() {
    let log = Log::default();
    let _guard = log.collect();
    async fn push(Callback(_): Callback<Push>) {
        panic!("expected no call of the handler, found one");
    }
    let router = Router::new().route("/callbacks/kollus/{token}", post(push));
    let app = router.layer(GateLayer::new(gate("")));
    let reply = send(app, "/callbacks/kollus/t0ken", FORM.into()).await;
    assert_eq!(reply, (200, r#"{"data":{"result":0}}"#.into()));
    let reason = "expected a kind that the type describes, found kollus.live_play";
    assert!(log.text().contains("view_mismatch"), "expected view_mismatch, found {}", log.text());
    assert!(log.text().contains(reason), "expected {reason}, found {}", log.text());
    assert!(log.text().contains("app_status"), "expected app_status, found {}", log.text());
}

#[tokio::test]
async fn optional_extractor_is_none_for_other_kinds_and_other_requests() {
    async fn any_kind(
        play: Option<Callback<LivePlay>>,
        push: Option<Callback<Push>>,
        accepted: Option<Accepted>,
    ) -> String {
        let allow = match (&play, &push, &accepted) {
            (Some(Callback(play)), None, Some(_)) => play.client_user_id == "user01",
            (None, None, None) => return "no callback".into(),
            _ => false,
        };
        format!("{{\"allow\":{allow}}}")
    }
    let app = || {
        let router = Router::new().route("/callbacks/kollus/{token}", post(any_kind));
        router.route("/other", post(any_kind)).layer(GateLayer::new(gate("")))
    };
    let reply = send(app(), "/callbacks/kollus/t0ken", FORM.into()).await;
    assert_eq!(reply, (200, r#"{"data":{"result":1}}"#.into()));
    assert_eq!(send(app(), "/other", String::new()).await, (200, "no callback".into()));
}

#[tokio::test]
async fn clock_and_peer_may_be_closures_with_state() {
    let (now, peer) = (Arc::new(AtomicI64::new(1_703_731_478)), IpAddr::from([192, 0, 2, 1]));
    let read = Arc::clone(&now);
    let config = "[[route]]\npath = '/k'\nprovider = 'kollus'\nallow = ['192.0.2.1']\n\
                  source_limit = { per_second = 1, burst = 1 }\n\
                  [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = ['*']\n";
    let layer = GateLayer::new(Gate::builder().toml(config).build().unwrap())
        .with_clock(move || Timestamp::from_secs(read.load(Ordering::SeqCst)))
        .with_peer(move |_| Some(peer));
    let app = Router::new().route("/k", post(play)).layer(layer);
    assert_eq!(send(app.clone(), "/k", FORM.into()).await.0, 200);
    assert_eq!(send(app.clone(), "/k", FORM.into()).await.0, 429);
    now.fetch_add(1, Ordering::SeqCst);
    assert_eq!(send(app, "/k", FORM.into()).await.0, 200);
}

#[tokio::test]
async fn callbacks_only_refuses_other_paths() {
    let log = Log::default();
    let _guard = log.collect();
    let layer = GateLayer::new(gate("")).callbacks_only();
    let handler = || async { "reached" };
    let app =
        Router::new().route("/callbacks/kollus/{token}", post(play)).fallback(handler).layer(layer);
    let reply = send(app.clone(), "/callbacks/kollus/t0ken", FORM.into()).await;
    assert_eq!(reply.0, 200);
    for path in ["/", "/other", "/callbacks/kollus"] {
        assert_eq!(send(app.clone(), path, FORM.into()).await, (403, "refused\n".into()));
    }
    assert!(log.text().contains("not_a_callback"), "expected not_a_callback, found {}", log.text());
}

// Only the layer inserts `Accepted` into the extensions. A client cannot insert it with headers.
#[tokio::test]
async fn callbacks_only_refuses_request_with_headers_of_an_event() {
    let app = Router::new().fallback(|| async { "reached" });
    let app = app.layer(GateLayer::new(gate("")).callbacks_only());
    let request = Request::post("/live/push")
        .header("ce-type", "com.kollus.live_play")
        .header("gatepost-template", "all")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 403);
}
