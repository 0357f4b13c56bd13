//! Tests of inner services that are not always ready.

use std::convert::Infallible;
use std::future::pending;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gatepost::GateLayer;
use gatepost::layer::RequestBody;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tokio::time::Instant;
use tower::limit::ConcurrencyLimit;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use super::failures::{LATER, gate, play, reply};
use super::{Endless, Log};

type Never = std::future::Pending<Result<Response<Full<Bytes>>, Infallible>>;

fn allow<B>(
    _: Request<RequestBody<B>>,
) -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
    std::future::ready(Ok(Response::new(Full::from(r#"{"allow":true}"#))))
}

const ALLOWED: &str = r#"{"data":{"result":1}}"#;

#[tokio::test(start_paused = true)]
async fn callbacks_with_unfinished_bodies_hold_no_permit() {
    let service = ConcurrencyLimit::new(service_fn(allow::<Endless>), 1);
    let service = GateLayer::new(gate("")).layer(service);
    let forged = Request::post("/k").body(Endless(Some(Bytes::from("kind=1")))).unwrap();
    let forged = tokio::spawn(service.clone().oneshot(forged));
    tokio::task::yield_now().await;
    let started = Instant::now();
    let other = Request::get("/healthz").body(Endless(None)).unwrap();
    assert_eq!(service.oneshot(other).await.unwrap().status(), StatusCode::OK);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert!(!forged.is_finished());
}

#[tokio::test]
async fn ready_layer_holds_no_permit() {
    let service = ConcurrencyLimit::new(service_fn(allow::<Full<Bytes>>), 1);
    let mut idle = GateLayer::new(gate("")).layer(service.clone());
    let _ready = idle.ready().await.unwrap();
    let mut service = service;
    assert!(tokio::time::timeout(Duration::from_secs(5), service.ready()).await.is_ok());
}

/// Takes the only permit of `service`. Dropping the returned future releases the permit.
async fn occupy<S, B>(service: &ConcurrencyLimit<S>) -> impl Future + use<S, B>
where
    S: Service<Request<RequestBody<B>>> + Clone,
    S::Error: std::fmt::Debug,
{
    let mut busy = service.clone();
    busy.ready().await.unwrap().call(Request::new(RequestBody::default()))
}

#[tokio::test(start_paused = true)]
async fn answer_timeout_includes_wait_for_readiness() {
    let log = Log::default();
    let _guard = log.collect();
    let never = service_fn(|_: Request<RequestBody<Full<Bytes>>>| -> Never { pending() });
    let limited = ConcurrencyLimit::new(never, 1);
    let _held = occupy(&limited).await;
    let service = GateLayer::new(gate("timeout_ms = 700\n")).layer(limited);
    let started = Instant::now();
    let replied = tokio::time::timeout(Duration::from_secs(9), reply(service, play())).await;
    assert_eq!(replied.unwrap(), (StatusCode::OK, LATER.to_owned()));
    assert_eq!(started.elapsed(), Duration::from_millis(700));
    assert!(log.text().contains("app_timeout"), "expected app_timeout, found {}", log.text());
}

#[tokio::test(start_paused = true)]
async fn refuses_forged_callback_even_if_service_is_not_ready() {
    let never = service_fn(|_: Request<RequestBody<Full<Bytes>>>| -> Never { pending() });
    let limited = ConcurrencyLimit::new(never, 1);
    let _held = occupy(&limited).await;
    let service = GateLayer::new(gate("")).layer(limited);
    let forged = Request::post("/k").body(Full::<Bytes>::from("kind=")).unwrap();
    let replied = tokio::time::timeout(Duration::from_secs(9), reply(service, forged)).await;
    assert_eq!(replied.unwrap().0, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn callbacks_and_other_requests_wait_for_a_free_permit() {
    let slow = service_fn(|request: Request<RequestBody<Full<Bytes>>>| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        allow(request).await
    });
    let service = GateLayer::new(gate("")).layer(ConcurrencyLimit::new(slow, 2));
    let started = Instant::now();
    let requests: Vec<_> = (0..6)
        .map(|number| {
            let other = Request::get("/other").body(Full::<Bytes>::default()).unwrap();
            let request = if number % 2 == 0 { play() } else { other };
            tokio::spawn(reply(service.clone(), request))
        })
        .collect();
    for request in requests {
        assert!(matches!(&*request.await.unwrap().1, ALLOWED | r#"{"allow":true}"#));
    }
    assert_eq!(started.elapsed(), Duration::from_millis(300));
}

/// A service that is not ready in the first `polls` polls. If `fails` is true, the next poll
/// returns an error.
#[derive(Clone)]
struct Warming {
    polls: u32,
    fails: bool,
}

impl<B: Body> Service<Request<B>> for Warming {
    type Response = Response<Full<Bytes>>;
    type Error = &'static str;
    type Future = std::future::Ready<Result<Self::Response, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if let Some(left) = self.polls.checked_sub(1) {
            self.polls = left;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(if self.fails { Err("closed") } else { Ok(()) })
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert_eq!(self.polls, 0, "expected no call before the service is ready, found one");
        std::future::ready(Ok(Response::new(Full::from(r#"{"allow":true}"#))))
    }
}

#[tokio::test]
async fn waits_for_service_that_is_not_ready_at_once() {
    for polls in 0..3 {
        let service = GateLayer::new(gate("")).layer(Warming { polls, fails: false });
        assert_eq!(reply(service.clone(), play()).await.1, ALLOWED);
        let other = Request::get("/other").body(Full::<Bytes>::default()).unwrap();
        assert_eq!(reply(service, other).await.1, r#"{"allow":true}"#);
    }
}

#[tokio::test]
async fn error_of_readiness_is_failure_of_app() {
    for polls in 0..3 {
        let log = Log::default();
        let _guard = log.collect();
        let service = GateLayer::new(gate("")).layer(Warming { polls, fails: true });
        assert_eq!(reply(service.clone(), play()).await, (StatusCode::OK, LATER.to_owned()));
        assert!(
            log.text().contains("app_unreachable"),
            "expected app_unreachable, found {}",
            log.text()
        );
        assert!(
            log.text().contains("closed"),
            "expected the error of the service, found {}",
            log.text()
        );
        let other = Request::get("/other").body(Full::<Bytes>::default()).unwrap();
        assert_eq!(service.oneshot(other).await.unwrap_err(), "closed");
    }
}

#[tokio::test(start_paused = true)]
async fn replies_to_every_callback_if_inner_service_is_buffer() {
    let buffer = tower::buffer::Buffer::new(Warming { polls: 2, fails: false }, 1);
    let service = GateLayer::new(gate("")).layer(buffer);
    let replies: Vec<_> = (0..20).map(|_| tokio::spawn(reply(service.clone(), play()))).collect();
    for replied in replies {
        assert_eq!(replied.await.unwrap().1, ALLOWED);
    }
}
