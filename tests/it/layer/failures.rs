//! Tests of inner services that fail: panics, errors, and endless bodies.

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gatepost::layer::RequestBody;
use gatepost::{Gate, GateLayer};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use tower::{BoxError, Layer as _, Service, ServiceExt as _, service_fn};

use super::Log;

type Event = Request<RequestBody<Full<Bytes>>>;

/// Returns a gate whose Kollus template denies with a message if the app fails. `settings` has more
/// lines for the entry of the kind `live_play`.
pub fn gate(settings: &str) -> Gate {
    let config = format!(
        "breaker = {{ failures = 3, retry_ms = 60000 }}\n\
         [[route]]\npath = '/k'\nprovider = 'kollus'\n\
         [[template]]\nname = 'all'\nprovider = 'kollus'\nbind = ['*']\n\
         [template.on.live_play]\nurl = 'http://app.test/play'\n\
         on_failure = {{ result = 0, message = 'later' }}\n{settings}"
    );
    Gate::builder().toml(config).build().unwrap()
}

pub const FORM: &str = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
pub const LATER: &str = r#"{"data":{"result":0,"message":"later"}}"#;

pub fn play() -> Request<Full<Bytes>> {
    Request::post("/k").body(Full::from(FORM)).unwrap()
}

pub async fn reply<S, B, R>(service: S, request: Request<B>) -> (StatusCode, String)
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Debug,
    R: Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Sends a genuine callback to a service that fails, and returns the log.
async fn failure_log<S, R>(service: S) -> String
where
    S: Service<Event, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    S::Error: Into<BoxError> + std::fmt::Debug + Send,
    R: Body<Data = Bytes, Error: Into<BoxError> + std::fmt::Debug> + Send + 'static,
{
    let log = Log::default();
    let _guard = log.collect();
    let service = GateLayer::new(gate("")).layer(service);
    assert_eq!(reply(service, play()).await, (StatusCode::OK, LATER.to_owned()));
    log.text()
}

/// A service that panics in `poll_ready` or in `call`.
#[derive(Clone, Copy)]
struct Panicking {
    in_readiness: bool,
}

impl<B> Service<Request<B>> for Panicking {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        assert!(!self.in_readiness, "broken readiness");
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        panic!("broken call")
    }
}

/// A body that panics at the first poll.
struct PanickingBody;

impl Body for PanickingBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("broken body")
    }
}

#[tokio::test]
async fn panic_of_service_is_failure_of_app() {
    for (in_readiness, text) in [(true, "broken readiness"), (false, "broken call")] {
        let log = failure_log(Panicking { in_readiness }).await;
        assert!(
            log.contains("app_unreachable") && log.contains(text),
            "expected app_unreachable and {text}, found {log}"
        );
    }
}

#[tokio::test]
async fn panic_of_future_is_failure_of_app() {
    async fn at_once(_: Event) -> Result<Response<Full<Bytes>>, Infallible> {
        panic!("broken {}", "future")
    }
    async fn after_wait(_: Event) -> Result<Response<Full<Bytes>>, Infallible> {
        tokio::task::yield_now().await;
        std::panic::panic_any(7)
    }
    let log = failure_log(service_fn(at_once)).await;
    assert!(
        log.contains("app_unreachable") && log.contains("broken future"),
        "expected app_unreachable and the panic, found {log}"
    );
    let log = failure_log(service_fn(after_wait)).await;
    assert!(
        log.contains("app_unreachable") && log.contains("panic"),
        "expected app_unreachable and the panic, found {log}"
    );
}

#[tokio::test]
async fn panic_of_answer_body_is_failure_of_app() {
    let answer = |_: Event| ready(Ok::<_, Infallible>(Response::new(PanickingBody)));
    let log = failure_log(service_fn(answer)).await;
    assert!(
        log.contains("app_unreachable") && log.contains("broken body"),
        "expected app_unreachable and the panic, found {log}"
    );
}

#[tokio::test]
async fn panics_open_circuit() {
    let gate = gate("");
    let service = GateLayer::new(gate.clone()).layer(Panicking { in_readiness: false });
    for _ in 0..3 {
        assert!(!gate.circuits()[0].is_open);
        assert_eq!(reply(service.clone(), play()).await.1, LATER);
    }
    assert!(gate.circuits()[0].is_open);
    assert_eq!(reply(service, play()).await.1, LATER);
}

#[tokio::test]
async fn panic_on_other_path_reaches_caller() {
    let service = GateLayer::new(gate("")).layer(Panicking { in_readiness: false });
    let request = Request::get("/other").body(Full::<Bytes>::default()).unwrap();
    let panic = tokio::spawn(service.oneshot(request)).await.unwrap_err();
    assert!(panic.is_panic());
}

/// An error with a source.
#[derive(Debug, thiserror::Error)]
#[error("outer fault")]
struct Outer(#[source] std::io::Error);

fn outer() -> Outer {
    Outer(std::io::Error::other("inner\nfault"))
}

#[tokio::test]
async fn log_contains_error_of_service_with_its_source() {
    let service = |_: Event| ready(Err::<Response<Full<Bytes>>, _>(outer()));
    let log = failure_log(service_fn(service)).await;
    assert!(log.contains("app_unreachable"), "expected app_unreachable, found {log}");
    assert!(
        log.contains(r"outer fault: inner\nfault"),
        "expected the error and its source, found {log}"
    );
}

#[tokio::test]
async fn log_contains_error_of_overloaded_service() {
    let never = service_fn(|_: Event| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let service = tower::limit::ConcurrencyLimit::new(never, 1);
    let mut busy = service.clone();
    let _held = busy.ready().await.unwrap().call(Request::new(RequestBody::default()));
    let log = failure_log(tower::load_shed::LoadShed::new(service)).await;
    assert!(
        log.contains("service overloaded"),
        "expected the error of the overloaded service, found {log}"
    );
}

/// A body that returns one error.
struct FailingWith<E>(Option<E>);

impl<E: Unpin> Body for FailingWith<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

#[tokio::test]
async fn log_contains_text_of_error_of_answer_body() {
    let answer = |_: Event| ready(Ok::<_, Infallible>(Response::new(FailingWith(Some(outer())))));
    let log = failure_log(service_fn(answer)).await;
    assert!(
        log.contains("answer_incomplete") && log.contains("outer fault: inner"),
        "expected answer_incomplete and the error, found {log}"
    );
}

/// Sends a callback whose body fails. Returns the status and the log.
async fn refused<E: Into<BoxError> + Send + Unpin + 'static>(error: E) -> (StatusCode, String) {
    let log = Log::default();
    let _guard = log.collect();
    let app = service_fn(|_: Request<RequestBody<FailingWith<E>>>| {
        pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let request = Request::post("/k").body(FailingWith(Some(error))).unwrap();
    let service = GateLayer::new(gate("")).layer(app);
    let response = service.oneshot(request).await.unwrap_or_else(|never| match never {});
    (response.status(), log.text())
}

#[tokio::test]
async fn log_contains_text_of_error_of_callback_body() {
    let (status, log) = refused(outer()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        log.contains("body_incomplete") && log.contains("outer fault: inner"),
        "expected body_incomplete and the error, found {log}"
    );
}

/// Returns the error of a body that exceeds the limit of an outer layer.
async fn limit_error() -> BoxError {
    http_body_util::Limited::new(Full::<Bytes>::from(FORM), 8).collect().await.unwrap_err()
}

/// An error that wraps another error, as axum's error does.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the body")]
struct Wrapped(#[source] BoxError);

#[tokio::test]
async fn limit_of_outer_layer_refuses_body_as_too_large() {
    for error in [limit_error().await, Box::new(Wrapped(limit_error().await))] {
        let (status, log) = refused(error).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(log.contains("body_too_large"), "expected body_too_large, found {log}");
    }
}

/// A body that never ends. Every frame is ready and empty.
struct EmptyFrames {
    is_trailers: bool,
}

impl Body for EmptyFrames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = if self.is_trailers {
            Frame::trailers(http::HeaderMap::new())
        } else {
            Frame::data(Bytes::new())
        };
        Poll::Ready(Some(Ok(frame)))
    }
}

/// Runs `work`, and another task on the same thread. Returns true if the other task ends before
/// `work`.
async fn runs_beside(work: impl Future<Output = ()>) -> bool {
    let other = tokio::spawn(async { tokio::task::yield_now().await });
    work.await;
    other.is_finished()
}

#[tokio::test]
async fn limits_empty_frames_of_answer_and_yields_to_other_tasks() {
    for is_trailers in [false, true] {
        let answer =
            move |_: Event| ready(Ok::<_, Infallible>(Response::new(EmptyFrames { is_trailers })));
        let beside = runs_beside(async {
            let log = failure_log(service_fn(answer)).await;
            assert!(log.contains("answer_too_large"), "expected answer_too_large, found {log}");
        });
        assert!(beside.await, "expected the other task to end first, found an unfinished task");
    }
}

#[tokio::test]
async fn limits_empty_frames_of_callback_and_yields_to_other_tasks() {
    for is_trailers in [false, true] {
        let app = service_fn(|_: Request<RequestBody<EmptyFrames>>| {
            pending::<Result<Response<Full<Bytes>>, Infallible>>()
        });
        let service = GateLayer::new(gate("")).layer(app);
        let request = Request::post("/k").body(EmptyFrames { is_trailers }).unwrap();
        let beside = runs_beside(async {
            assert_eq!(reply(service, request).await.0, StatusCode::PAYLOAD_TOO_LARGE);
        });
        assert!(beside.await, "expected the other task to end first, found an unfinished task");
    }
}

/// Answers at the second poll.
async fn later(_: Event) -> Result<Response<Full<Bytes>>, Infallible> {
    tokio::task::yield_now().await;
    Ok(Response::new(Full::from(r#"{"allow":true}"#)))
}

#[test]
fn callbacks_that_wait_fail_in_runtime_without_timer() {
    let log = Log::default();
    let _guard = log.collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let replied = runtime.block_on(async {
        let at_once = service_fn(|_: Event| {
            ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(r#"{"allow":true}"#))))
        });
        let at_once = reply(GateLayer::new(gate("")).layer(at_once), play()).await;
        assert_eq!(at_once.1, r#"{"data":{"result":1}}"#);
        reply(GateLayer::new(gate("")).layer(service_fn(later)), play()).await
    });
    assert_eq!(replied, (StatusCode::OK, LATER.to_owned()));
    assert!(log.text().contains("timer_missing"), "expected timer_missing, found {}", log.text());
    assert!(log.text().contains("enable_time"), "expected enable_time, found {}", log.text());
}

#[test]
fn callbacks_that_wait_fail_in_thread_without_runtime() {
    let log = Log::default();
    let _guard = log.collect();
    let service = service_fn(|_: Event| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let replied = std::pin::pin!(reply(GateLayer::new(gate("")).layer(service), play()));
    let replied = replied.poll(&mut Context::from_waker(std::task::Waker::noop()));
    assert_eq!(replied, Poll::Ready((StatusCode::OK, LATER.to_owned())));
    assert!(log.text().contains("timer_missing"), "expected timer_missing, found {}", log.text());
}
