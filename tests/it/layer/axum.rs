//! Tests of the extractors and of the layer in axum routers.

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

/// `Router::layer` runs the layer after routing, so the router matches the callback's path.
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

/// A layer around the router runs before routing, so the router matches the app's address.
#[tokio::test]
async fn layer_around_router_calls_handler_of_app_address() {
    let on = "[template.on]\nlive_play = 'http://ignored/kollus/play'";
    let app = || {
        let inner = Router::new().route("/kollus/play", post(play));
        Router::new().fallback_service(GateLayer::new(gate(on)).layer(inner))
    };
    let reply = send(app(), "/callbacks/kollus/t0ken", FORM.into()).await;
    assert_eq!(reply, (200, r#"{"data":{"result":1,"disable_tvout":1}}"#.into()));
    // The layer refuses a client that sends a request to the app's address.
    let reply = send(app(), "/kollus/play", FORM.into()).await;
    assert_eq!(reply, (403, "refused\n".into()));
}

#[tokio::test]
async fn layer_does_not_call_handler_of_another_kind() {
    async fn push(Callback(_): Callback<Push>) {
        panic!("expected no call of the handler");
    }
    let router = Router::new().route("/callbacks/kollus/{token}", post(push));
    let app = router.layer(GateLayer::new(gate("")));
    let reply = send(app, "/callbacks/kollus/t0ken", FORM.into()).await;
    assert_eq!(reply, (200, r#"{"data":{"result":0}}"#.into()));
}
