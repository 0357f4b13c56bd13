//! Tests of the route key `cors`, through the layer.

use bytes::Bytes;
use gatepost::{Gate, GateLayer};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};

const PLAYER: &str = "https://player.example.com";
const FORM: &str = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";

fn gate(route: &str) -> Gate {
    let config = format!(
        "[[route]]\npath = '/k/{{token}}'\nprovider = 'kollus'\ntoken = {{ env = 'TOKEN' }}\n{route}\n\
         [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = ['*']\n\
         [template.on.live_play]\nurl = 'http://app.test/play'\ndedupe = true\n"
    );
    Gate::builder().toml(config).variable("TOKEN", "t0ken").build().unwrap()
}

/// Sends a request through the layer to an app that allows every play.
async fn send(gate: &Gate, request: Request<Full<Bytes>>) -> (StatusCode, HeaderMap) {
    let app = service_fn(async |request: Request<_>| {
        let mut answer = Response::new(Full::<Bytes>::from(r#"{"allow":true}"#));
        // An event has the method `POST`, so this request is a preflight that the layer passed on.
        if request.method() == http::Method::OPTIONS {
            *answer.status_mut() = StatusCode::IM_A_TEAPOT;
        }
        Ok::<_, std::convert::Infallible>(answer)
    });
    let reply = GateLayer::new(gate.clone()).layer(app).oneshot(request).await.unwrap();
    let (head, _) = reply.into_parts();
    (head.status, head.headers)
}

fn play(path: &str, origin: Option<&str>) -> Request<Full<Bytes>> {
    let request = origin.into_iter().fold(Request::post(path), |r, o| r.header("origin", o));
    request.body(FORM.into()).unwrap()
}

fn preflight(path: &str, origin: &str) -> Request<Full<Bytes>> {
    Request::options(path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, x-player")
        .body(Full::default())
        .unwrap()
}

fn allowed(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all("access-control-allow-origin").iter();
    let value = values.next().map(|value| value.to_str().unwrap());
    assert!(values.next().is_none(), "expected at most one origin, found {headers:?}");
    assert_eq!(value.is_some(), headers.get("vary").is_some_and(|vary| vary == "origin"));
    value
}

#[tokio::test]
async fn replies_to_preflight_of_listed_origin() {
    let gate = gate(&format!("cors = ['http://localhost:3000', '{PLAYER}']"));
    let (status, headers) = send(&gate, preflight("/k/t0ken", PLAYER)).await;
    assert_eq!((status, allowed(&headers)), (StatusCode::NO_CONTENT, Some(PLAYER)));
    assert_eq!(headers["access-control-allow-methods"], "POST");
    assert_eq!(headers["access-control-allow-headers"], "content-type, x-player");
    assert_eq!(headers["access-control-max-age"], "600");
}

#[tokio::test]
async fn refuses_preflight_that_route_does_not_permit() {
    let listed = gate(&format!("cors = '{PLAYER}'"));
    for (gate, path, origin, code) in [
        (&listed, "/k/t0ken", "https://other.example.com", StatusCode::METHOD_NOT_ALLOWED),
        (&listed, "/k/t0ken", "null", StatusCode::METHOD_NOT_ALLOWED),
        (
            &listed,
            "/k/t0ken",
            "https://player.example.com.evil.test",
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (&listed, "/k/guess", PLAYER, StatusCode::UNAUTHORIZED),
        (&listed, "/K/t0ken", PLAYER, StatusCode::BAD_REQUEST),
        (&gate(""), "/k/t0ken", PLAYER, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (status, headers) = send(gate, preflight(path, origin)).await;
        assert_eq!(status, code, "{path} {origin}");
        let methods = headers.get("access-control-allow-methods");
        assert!(methods.is_none(), "{path} {origin}: expected no permission, found {headers:?}");
    }
    let mut with_body = preflight("/k/t0ken", PLAYER);
    with_body.headers_mut().insert("content-length", 5.into());
    assert_eq!(send(&listed, with_body).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let mut plain = preflight("/k/t0ken", PLAYER);
    plain.headers_mut().remove("access-control-request-method");
    assert_eq!(send(&listed, plain).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn permits_listed_origin_to_read_every_reply() {
    let gate = gate(&format!("cors = ['http://localhost:3000', '{PLAYER}']"));
    for (path, status) in [("/k/t0ken", StatusCode::OK), ("/k/guess", StatusCode::UNAUTHORIZED)] {
        for (origin, expected) in [
            (Some(PLAYER), Some(PLAYER)),
            // On `/k/t0ken`, this request is a resend. The reply has the conclusion of the first
            // copy, and permits the origin of the resend.
            (Some("http://localhost:3000"), Some("http://localhost:3000")),
            (Some("https://other.example.com"), None),
            (None, None),
        ] {
            let (replied, headers) = send(&gate, play(path, origin)).await;
            assert_eq!((replied, allowed(&headers)), (status, expected), "{path} {origin:?}");
        }
    }
    let mut twice = play("/k/t0ken", Some(PLAYER));
    twice.headers_mut().append("origin", "https://other.example.com".parse().unwrap());
    assert_eq!(allowed(&send(&gate, twice).await.1), None);
}

#[tokio::test]
async fn permits_every_origin_if_config_lists_asterisk() {
    let gate = gate("cors = '*'");
    for origin in [PLAYER, "null"] {
        let (status, headers) = send(&gate, preflight("/k/t0ken", origin)).await;
        assert_eq!((status, allowed(&headers)), (StatusCode::NO_CONTENT, Some("*")));
        let (status, headers) = send(&gate, play("/k/t0ken", Some(origin))).await;
        assert_eq!((status, allowed(&headers)), (StatusCode::OK, Some("*")));
    }
}

#[tokio::test]
async fn passes_preflight_of_shadow_route_to_app() {
    let gate = gate(&format!("cors = '{PLAYER}'\nmode = 'shadow'"));
    let (status, _) = send(&gate, preflight("/k/t0ken", PLAYER)).await;
    assert_eq!(status, StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn keys_allow_and_source_limit_apply_to_preflight() {
    let gate = gate("cors = '*'\nallow = ['192.0.2.0/24']");
    for path in ["/k/t0ken", "/k/guess"] {
        assert_eq!(send(&gate, preflight(path, PLAYER)).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let limited = self::gate("cors = '*'\nsource_limit = { per_second = 1, burst = 2 }");
    for status in [StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED] {
        assert_eq!(send(&limited, preflight("/k/guess", PLAYER)).await.0, status);
    }
    let (status, _) = send(&limited, preflight("/k/t0ken", PLAYER)).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}
