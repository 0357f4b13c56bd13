//! Tests of the layer in shadow mode.

use std::convert::Infallible;

use bytes::Bytes;
use gatepost::{Accepted, GateLayer};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::{FailingBody, Log, NOW, SlowBody, clock, request};
use crate::vectors;

// In shadow mode, the service receives the request without reserved headers. The client receives
// the response of the service.
#[tokio::test]
async fn shadow_mode_passes_every_callback_with_unchanged_body() {
    let log = Log::default();
    let _guard = log.collect();
    let app = service_fn(|request: Request<gatepost::layer::RequestBody<SlowBody>>| async move {
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
        assert!(echoed == push.body, "{code}: expected an unchanged body, found another");
        assert_eq!(log.text().matches(&format!("code=\"{code}\"")).count(), 1, "{}", log.text());
    }
    assert_eq!(log.text().matches("callback would be").count(), 3, "{}", log.text());
    // The service answers with the body of the callback. gatepost judges only the answer to the
    // genuine callback.
    assert_eq!(log.text().matches("answer would").count(), 1, "{}", log.text());
    assert!(log.text().contains("answer would be corrected: status 207 becomes 200"));
}

#[tokio::test]
async fn shadow_mode_judges_answer_and_error_of_service() {
    let push = vectors::all().into_iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    for (answer, expected) in [
        (Ok(r#"{"code":0}"#), "answer would pass unchanged"),
        (Ok(r#"{"code":7}"#), "answer would be replaced: the app's answer contradicts"),
        (Err("no database"), "answer would be replaced: gatepost cannot reach the app"),
    ] {
        let log = Log::default();
        let _guard = log.collect();
        let app = service_fn(move |request: Request<gatepost::layer::RequestBody<_>>| async move {
            request.into_body().collect().await.unwrap();
            answer.map(|answer| Response::new(Full::<Bytes>::from(answer)))
        });
        let service = GateLayer::new(crate::shadow::gate()).with_clock(clock).layer(app);
        let body = Full::new(Bytes::from(push.body.clone()));
        let request = Request::post("/callbacks/tencent").body(body).unwrap();
        match (service.oneshot(request).await, answer) {
            (Ok(response), Ok(answer)) => {
                assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), answer);
            }
            (found, expected) => assert_eq!(found.unwrap_err(), expected.unwrap_err()),
        }
        assert!(log.text().contains(expected), "expected {expected}, found {}", log.text());
    }
}

// Some services do not read the body. Others read the last frame, but do not poll for the end.
#[tokio::test]
async fn shadow_verdict_depends_on_number_of_frames_that_service_reads() {
    let push = vectors::all().into_iter().find(|v| v.name == "tencent-css/push").unwrap();
    NOW.set(push.case.now);
    let body = push.body.clone();
    for (frames, body, code) in [
        (1, Full::new(Bytes::from(body.clone())), "accepted"),
        (0, Full::new(Bytes::from(body)), "unseen"),
        (0, Full::default(), "body_missing"),
    ] {
        let log = Log::default();
        let _guard = log.collect();
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
        assert!(
            log.text().contains(&format!("code=\"{code}\"")),
            "expected {code}, found {}",
            log.text()
        );
    }
}

#[tokio::test]
async fn shadow_mode_passes_error_of_body_to_service() {
    let log = Log::default();
    let _guard = log.collect();
    let app = service_fn(|request: Request<gatepost::layer::RequestBody<FailingBody>>| async {
        assert_eq!(request.into_body().collect().await.unwrap_err(), "reset");
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GateLayer::new(crate::shadow::gate()).layer(app);
    let request = Request::post("/callbacks/tencent").body(FailingBody).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    assert!(log.text().contains("code=\"unseen\""), "expected `unseen`, found {}", log.text());
}
