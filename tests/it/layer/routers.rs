//! Tests of the layer at each position in an axum router, and of a gate inside another gate.

use std::future::ready;
use std::sync::{Arc, Mutex};

use ::axum::Router;
use ::axum::body::{Body, Bytes};
use ::axum::extract::{MatchedPath, OriginalUri};
use ::axum::routing::any;
use gatepost::{Accepted, Gate, GateLayer};
use http::Request;
use http::request::Parts;
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};

use super::failures::FORM;

/// A record of the requests that reach a handler.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    /// Returns a handler that records and allows each request.
    fn handler(&self) -> ::axum::routing::MethodRouter {
        let record = self.clone();
        let handler = move |parts: Parts, OriginalUri(original): OriginalUri, _: Bytes| {
            let matched = parts.extensions.get().map_or("-", MatchedPath::as_str);
            let is_accepted = parts.extensions.get::<Accepted>().is_some();
            let verdict = if is_accepted { "accepted" } else { "unverified" };
            let kind = parts.headers.get("ce-type").map_or("-", |kind| kind.to_str().unwrap());
            let line = format!("{verdict} {} {original} {matched} {kind}", parts.uri);
            record.0.lock().unwrap().push(line);
            ready(r#"{"allow":true}"#)
        };
        any(handler)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn gate(path: &str, settings: &str) -> Gate {
    let config = format!(
        "[[route]]\npath = '{path}'\nprovider = 'kollus'\ntoken = 't0ken'\n\
         [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = ['*']\n{settings}"
    );
    let config =
        if path.contains("{token}") { config } else { config.replace("token = 't0ken'\n", "") };
    Gate::builder().toml(config).build().unwrap()
}

async fn send(app: &Router, path: &str, body: &str) -> (u16, String) {
    let request = Request::post(path).body(Body::from(body.to_owned())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn allowed() -> (u16, String) {
    (200, r#"{"data":{"result":1}}"#.into())
}

const FORGED: &str = "kind=100";

/// Returns the router of a tonic server without services.
fn tonic() -> Router {
    tonic::service::Routes::default().into_axum_router()
}

/// Returns a router for each position of the layer, with the callback path `/api/cb`.
fn placements(record: &Record) -> Vec<(&'static str, Router)> {
    let layer = || GateLayer::new(gate("/api/cb", ""));
    let routes = |path| Router::new().route(path, record.handler());
    vec![
        ("layer", routes("/api/cb").layer(layer())),
        ("route_layer", routes("/api/cb").route_layer(layer())),
        ("method_router", Router::new().route("/api/cb", record.handler().layer(layer()))),
        ("merge", Router::new().merge(routes("/api/cb").layer(layer()))),
        ("fallback_service", Router::new().fallback_service(layer().layer(routes("/api/cb")))),
        ("fallback", Router::new().fallback(record.handler()).layer(layer())),
        ("nest", Router::new().nest("/api", routes("/cb").layer(layer()))),
        ("nest_route_layer", Router::new().nest("/api", routes("/cb").route_layer(layer()))),
        (
            "nest_fallback",
            Router::new().nest("/api", Router::new().fallback(record.handler()).layer(layer())),
        ),
        ("nest_service", Router::new().nest_service("/api", layer().layer(routes("/cb")))),
        ("nest_parameter", Router::new().nest("/{area}", routes("/cb").layer(layer()))),
        ("nest_whole", Router::new().nest_service("/api/cb", layer().layer(routes("/")))),
        (
            "nest_nest",
            Router::new()
                .nest("/api", Router::new().nest_service("/cb", layer().layer(routes("/")))),
        ),
        ("route_service", Router::new().route_service("/api/cb", layer().layer(routes("/api/cb")))),
        ("tonic", tonic().route("/api/cb", record.handler()).layer(layer())),
        ("tonic_nest", Router::new().nest("/api", tonic().merge(routes("/cb")).layer(layer()))),
        (
            "tonic_service",
            Router::new()
                .nest_service("/api", layer().layer(tonic().route("/cb", record.handler()))),
        ),
        ("around_nest", Router::new().nest("/api", routes("/cb")).layer(layer())),
    ]
}

#[tokio::test]
async fn layer_refuses_forgery_at_every_position_in_router() {
    let record = Record::default();
    for (place, app) in placements(&record) {
        assert_eq!(send(&app, "/api/cb", FORGED).await.0, 400, "{place}");
        assert_eq!(record.take(), [""; 0], "{place}");
        assert_eq!(send(&app, "/api/cb", FORM).await, allowed(), "{place}");
        let seen = record.take();
        assert!(
            seen.len() == 1 && seen[0].starts_with("accepted"),
            "{place}: expected one accepted callback, found {seen:?}"
        );
    }
}

// If the layer is in a nested router, the path in the config may omit the prefix of that router.
#[tokio::test]
async fn layer_refuses_forgery_if_path_in_config_omits_prefix_of_nested_router() {
    let record = Record::default();
    let inner = || Router::new().route("/cb", record.handler());
    let layer = || GateLayer::new(gate("/cb", ""));
    for app in [
        Router::new().nest("/api", inner().layer(layer())),
        Router::new().nest_service("/api", layer().layer(inner())),
    ] {
        assert_eq!(send(&app, "/api/cb", FORGED).await.0, 400);
        assert_eq!(record.take(), [""; 0]);
        assert_eq!(send(&app, "/api/cb", FORM).await, allowed());
        assert!(record.take()[0].starts_with("accepted"));
    }
}

// Another layer may change the path after axum has stored the original path.
#[tokio::test]
async fn layer_refuses_forgery_on_rewritten_path() {
    let record = Record::default();
    let routes = Router::new().route("/cb", record.handler());
    let gated = GateLayer::new(gate("/cb", "")).layer(routes);
    let rewrite = tower::util::MapRequest::new(gated, |mut request: Request<Body>| {
        *request.uri_mut() = "/cb".parse().unwrap();
        request
    });
    let app = Router::new().fallback_service(rewrite);
    assert_eq!(send(&app, "/elsewhere", FORGED).await.0, 400);
    assert_eq!(record.take(), [""; 0]);
}

#[tokio::test]
async fn refuses_forgery_if_only_one_of_outer_and_inner_path_is_in_shadow_mode() {
    let record = Record::default();
    let config = "[[route]]\npath = '/api/cb'\nprovider = 'kollus'\nmode = 'shadow'\n\
                  [[route]]\npath = '/cb'\nprovider = 'kollus'\n\
                  [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = ['*']\n";
    let gate = Gate::builder().toml(config).build().unwrap();
    let routes = Router::new().route("/cb", record.handler());
    let app = Router::new().nest("/api", routes.layer(GateLayer::new(gate)));
    assert_eq!(send(&app, "/api/cb", FORGED).await.0, 400);
    assert_eq!(record.take(), [""; 0]);
}

// An address may contain or omit the prefix of the nested service.
#[tokio::test]
async fn reserves_and_reaches_address_in_nested_service() {
    for address in ["http://app.test/api/play", "http://app.test/play"] {
        let record = Record::default();
        let on = format!("on.live_play = '{address}'\n");
        let layer = GateLayer::new(gate("/api/cb", &on));
        let routes = Router::new().route("/play", record.handler());
        let app = Router::new().nest_service("/api", layer.layer(routes));
        assert_eq!(send(&app, "/api/play", FORM).await, (403, "refused\n".into()));
        assert_eq!(record.take(), [""; 0]);
        assert_eq!(send(&app, "/api/cb", FORM).await, allowed(), "{address}");
        assert!(record.take()[0].starts_with("accepted"));
    }
}

#[tokio::test]
async fn handlers_receive_no_token() {
    let record = Record::default();
    let layer = || GateLayer::new(gate("/hooks/{token}/play", ""));
    let routes = |path| Router::new().route(path, record.handler());
    for (app, uri) in [
        (routes("/hooks/{token}/play").layer(layer()), "/hooks/{token}/play?x=1"),
        (Router::new().nest("/hooks", routes("/{token}/play").layer(layer())), "/{token}/play?x=1"),
        (Router::new().nest("/hooks/{token}", routes("/play").layer(layer())), "/play?x=1"),
        (
            Router::new().fallback_service(layer().layer(routes("/hooks/{token}/play"))),
            "/hooks/{token}/play?x=1",
        ),
        (Router::new().fallback(record.handler()).layer(layer()), "/hooks/{token}/play?x=1"),
    ] {
        assert_eq!(send(&app, "/hooks/t0ken/play?x=1", FORM).await, allowed());
        let seen = record.take();
        assert_eq!(seen.len(), 1);
        assert!(!seen[0].contains("t0ken"), "expected no token, found {seen:?}");
        let expected = format!("accepted {uri} /hooks/{{token}}/play?x=1 ");
        assert!(seen[0].starts_with(&expected), "expected {expected}, found {seen:?}");
        assert_eq!(send(&app, "/hooks/guess/play", FORM).await.0, 401);
        assert_eq!(record.take(), [""; 0]);
    }
}

// On HTTP/2, and through some proxies, a URI has a scheme and an authority.
#[tokio::test]
async fn handlers_receive_no_token_in_absolute_uri() {
    let record = Record::default();
    let layer = GateLayer::new(gate("/hooks/{token}", ""));
    let app = Router::new().fallback(record.handler()).layer(layer);
    assert_eq!(send(&app, "http://gate.test/hooks/t0ken", FORM).await, allowed());
    let hidden = "http://gate.test/hooks/{token}";
    assert_eq!(record.take(), [format!("accepted {hidden} {hidden} - com.kollus.live_play")]);
}

#[tokio::test]
async fn handlers_receive_slash_at_the_end_but_no_token() {
    let record = Record::default();
    for path in ["/hooks/{token}", "/hooks/{token}/"] {
        let layer = GateLayer::new(gate(path, ""));
        let app = Router::new().fallback(record.handler()).layer(layer);
        for end in ["", "/", "?x=1", "/?x=1"] {
            assert_eq!(send(&app, &format!("/hooks/t0ken{end}"), FORM).await, allowed(), "{path}");
            let hidden = format!("/hooks/{{token}}{end}");
            let expected = format!("accepted {hidden} {hidden} - com.kollus.live_play");
            assert_eq!(record.take(), [expected], "{path}");
        }
    }
}

#[tokio::test]
async fn address_may_be_only_a_path() {
    let record = Record::default();
    let layer = GateLayer::new(gate("/cb", "on.live_play = '/events/end'\n"));
    let events = layer.layer(Router::new().route("/events/end", record.handler()));
    let app = Router::new().fallback_service(events);
    assert_eq!(send(&app, "/cb", FORM).await, allowed());
    assert!(record.take()[0].starts_with("accepted /events/end "));
    assert_eq!(send(&app, "/events/end", FORM).await.0, 403);
    assert_eq!(record.take(), [""; 0]);
}

#[tokio::test]
async fn uses_paths_of_several_addresses_in_turn() {
    let record = Record::default();
    let on = "on.live_play = ['http://one.test/a', 'http://two.test/b?x=1', '/c']\n";
    let layer = GateLayer::new(gate("/cb", on));
    let app = Router::new().fallback(record.handler()).layer(layer);
    for path in ["/a", "/b?x=1", "/c", "/a"] {
        assert_eq!(send(&app, "/cb", FORM).await, allowed(), "{path}");
        let seen = record.take();
        assert!(
            seen[0].starts_with(&format!("accepted {path} ")),
            "expected an accepted callback on {path}, found {seen:?}"
        );
    }
    // gatepost reserves the path of an address only if the address has no query.
    for path in ["/a", "/c"] {
        assert_eq!(send(&app, path, FORM).await.0, 403, "{path}");
    }
}

#[tokio::test]
async fn query_selects_callbacks_of_front_controller() {
    let record = Record::default();
    let config = "[[route]]\npath = '/index.php'\nprovider = 'kollus'\nquery = { c = 'play' }\n\
                  [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = ['*']\n";
    let layer = GateLayer::new(Gate::builder().toml(config).build().unwrap());
    let app = Router::new().fallback(record.handler()).layer(layer);
    for end in ["?c=play", "/?c=play", "?x=1&c=play"] {
        assert_eq!(send(&app, &format!("/index.php{end}"), FORM).await, allowed(), "{end}");
        let seen = record.take();
        assert!(
            seen[0].starts_with(&format!("accepted /index.php{end} ")),
            "expected an accepted callback on {end}, found {seen:?}"
        );
    }
    for end in ["", "?c=home", "?x=play&y=c", "/x?c=home"] {
        send(&app, &format!("/index.php{end}"), FORGED).await;
        let seen = record.take();
        assert!(
            !seen[0].starts_with("accepted"),
            "expected an unverified request on {end}, found {seen:?}"
        );
    }
    for target in [
        "/index.php?c=play&c=home",
        "/index.php?%63=play",
        "/index.php?c[]=play",
        "/index.php?C=play",
        "//index.php?c=play",
        "/index.php/x?c=play",
        "/index.php%3fc=play",
        "http://gate.test/Index.php?c=play",
    ] {
        assert_eq!(send(&app, target, FORM).await, (400, "refused\n".into()), "{target}");
        assert_eq!(record.take(), [""; 0], "{target}");
    }
}

#[tokio::test]
async fn handlers_receive_token_if_app_calls_show_token() {
    let record = Record::default();
    let layer = GateLayer::new(gate("/hooks/{token}", "")).show_token();
    let app = Router::new().route("/hooks/t0ken", record.handler());
    let app = Router::new().fallback_service(layer.layer(app));
    assert_eq!(send(&app, "/hooks/t0ken", FORM).await, allowed());
    assert!(record.take()[0].starts_with("accepted /hooks/t0ken /hooks/t0ken "));
}

// Without an exception for events of the outer gate, the inner gate refuses their path or
// removes their headers.
#[tokio::test]
async fn inner_gate_passes_event_of_outer_gate() {
    let record = Record::default();
    let on = "on.live_play = 'http://app.test/play'\n";
    let routes = Router::new().route("/play", record.handler()).route("/hook", record.handler());
    let inner = GateLayer::new(gate("/hook", on)).layer(routes);
    let outer = GateLayer::new(gate("/outer", on)).layer(inner);
    let app = Router::new().fallback_service(outer);
    assert_eq!(send(&app, "/outer", FORM).await, allowed());
    let seen = record.take();
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].starts_with("accepted /play "),
        "expected an accepted callback on /play, found {seen:?}"
    );
    assert!(
        seen[0].ends_with("com.kollus.live_play"),
        "expected com.kollus.live_play, found {seen:?}"
    );
    assert_eq!(send(&app, "/hook", FORM).await, allowed());
    assert!(record.take()[0].starts_with("accepted /play "));
    for path in ["/outer", "/hook"] {
        assert_eq!(send(&app, path, FORGED).await.0, 400);
    }
    assert_eq!(send(&app, "/play", FORM).await.0, 403);
    assert_eq!(record.take(), [""; 0]);
}

#[tokio::test]
async fn asks_app_once_if_app_applies_same_layer_twice() {
    let record = Record::default();
    let layer = GateLayer::new(gate("/cb", ""));
    let routes = Router::new().route("/cb", record.handler().layer(layer.clone()));
    let app = routes.layer(layer);
    assert_eq!(send(&app, "/cb", FORM).await, allowed());
    assert_eq!(record.take().len(), 1);
}
