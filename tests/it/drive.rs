//! Tests of [`drive`] with mock clients, a mock app and a fixed clock.

use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::replace;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use gatepost::{
    Admission, Answer, AppSide, Asked, Attempt, ClientActivity, ClientSide, Disconnected, Driven,
    EventRequest, Gate, Head, Intake, Question, RefusalKind, RequestContext, Runtime, Timestamp,
    drive,
};
use http::{HeaderMap, Method, StatusCode, Uri};

const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);

const CONFIG: &str = r#"
    [[route]]
    path     = "/callbacks/kollus/secret"
    provider = "kollus"

    [[template]]
    name     = "paid"
    provider = "kollus"
    bind     = ["*"]
    on.live_play = "http://app.test/play"
"#;

const BODY: &[u8] = b"kind=100&client_user_id=user01&media_content_key=m&channel_key=c";

/// A mock client with a request in memory.
struct Client {
    uri: Uri,
    headers: HeaderMap,
    body: Vec<Result<Bytes, Disconnected>>,
    /// Activity after the request; `None` if the client only waits.
    activity: Option<ClientActivity>,
    /// True if the server must free the memory of the body.
    is_evicted: bool,
}

impl Client {
    fn with_body(body: Vec<Result<Bytes, Disconnected>>) -> Self {
        let uri = Uri::from_static("/callbacks/kollus/secret");
        Self { uri, headers: HeaderMap::new(), body, activity: None, is_evicted: false }
    }

    fn new() -> Self {
        Self::with_body(vec![Ok(BODY.into())])
    }
}

impl ClientSide for Client {
    fn head(&self) -> Head<'_> {
        Head::new(&Method::POST, &self.uri, &self.headers)
    }

    fn context(&self) -> RequestContext<'_> {
        RequestContext::default()
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        if self.body.is_empty() { Ok(None) } else { self.body.remove(0).map(Some) }
    }

    async fn evicted(&mut self) {
        if !self.is_evicted {
            std::future::pending::<()>().await;
        }
    }

    async fn activity(&mut self) -> ClientActivity {
        match self.activity {
            Some(activity) => activity,
            None => std::future::pending().await,
        }
    }
}

/// A mock app that returns `results` in order. After the last result, the app never answers.
#[derive(Default)]
struct App {
    results: Vec<Asked>,
    attempts: Vec<Attempt>,
}

impl AppSide for App {
    fn ask<'a>(
        &'a mut self,
        _: &Question,
        event: EventRequest<'_>,
        attempt: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a> {
        let (headers, _) = event.into_parts();
        assert!(headers.contains_key("ce-id"));
        STEPS.with_borrow_mut(|steps| steps.push("ask".to_owned()));
        self.attempts.push(attempt);
        let result = (!self.results.is_empty()).then(|| self.results.remove(0));
        async {
            match result {
                Some(result) => result,
                None => std::future::pending().await,
            }
        }
    }
}

thread_local! {
    /// Timers, questions and long work in the order in which `drive` starts them. `sleep 2000` is a
    /// timer of 2000 ms.
    static STEPS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A fixed clock. A timer of at most `over` ends at once, and a longer timer never ends.
struct FixedTime {
    over: Mutex<Duration>,
}

impl Runtime for FixedTime {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        STEPS.with_borrow_mut(|steps| steps.push(format!("sleep {}", time.as_millis())));
        let is_over = time <= *self.over.lock().unwrap();
        async move {
            if !is_over {
                std::future::pending::<()>().await;
            }
        }
    }

    fn run_long<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        STEPS.with_borrow_mut(|steps| steps.push("long".to_owned()));
        async {
            // Other tasks run first, as if another thread did the work.
            end_turn().await;
            work()
        }
    }
}

async fn end_turn() {
    let mut has_ended = false;
    poll_fn(|_| if replace(&mut has_ended, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn gate() -> Gate {
    Gate::builder().toml(CONFIG).build().unwrap()
}

fn intake(client: &Client) -> Intake {
    intake_of(&gate(), client)
}

fn intake_of(gate: &Gate, client: &Client) -> Intake {
    let admission = gate.admit(&client.head(), NOW);
    let Admission::Callback(intake) = admission else {
        panic!("expected a callback, found {admission:?}")
    };
    intake
}

/// Polls `drive` once. A timer of at most `over` ends at once.
fn run(mut client: Client, app: &mut App, over: Duration) -> Poll<Driven> {
    STEPS.with_borrow_mut(Vec::clear);
    let intake = intake(&client);
    let time = FixedTime { over: Mutex::new(over) };
    let driven = pin!(drive(&mut client, app, &time, intake));
    driven.poll(&mut Context::from_waker(Waker::noop()))
}

fn answered(body: &'static [u8]) -> Asked {
    Asked::Answered(Answer::response(StatusCode::OK, Some(body.into())))
}

/// Returns the origin of the conclusion. After a failure, also returns the code of the failure.
fn origin(driven: Poll<Driven>) -> (&'static str, Option<&'static str>) {
    let Poll::Ready(Driven::Concluded(_, conclusion, _)) = driven else {
        panic!("expected a conclusion, found {driven:?}")
    };
    let code = conclusion.origin.failure().map(|reason| reason.kind().as_str());
    (conclusion.origin.as_str(), code)
}

#[test]
fn concludes_with_answer_of_app() {
    let mut app = App { results: vec![answered(b"{\"allow\":true}")], ..App::default() };
    assert_eq!(origin(run(Client::new(), &mut app, Duration::ZERO)), ("app", None));
    assert_eq!(app.attempts, [Attempt::First]);
}

#[test]
fn asks_app_again_if_app_closes_connection() {
    let results = vec![Asked::ConnectionClosed, answered(b"{\"allow\":true}")];
    let mut app = App { results, ..App::default() };
    assert_eq!(origin(run(Client::new(), &mut app, Duration::ZERO)), ("app", None));
    assert_eq!(app.attempts, [Attempt::First, Attempt::NewConnection]);
}

#[test]
fn does_not_ask_app_a_third_time() {
    let results = vec![Asked::ConnectionClosed, Asked::ConnectionClosed, answered(b"{}")];
    let mut app = App { results, ..App::default() };
    let origin = origin(run(Client::new(), &mut app, Duration::ZERO));
    assert_eq!(origin, ("failure", Some("app_unreachable")));
    assert_eq!(app.attempts.len(), 2);
}

#[test]
fn starts_timeout_of_app_before_question() {
    let mut app = App { results: vec![answered(b"{}")], ..App::default() };
    drop(run(Client::new(), &mut app, Duration::ZERO));
    STEPS.with_borrow(|steps| assert_eq!(*steps, ["sleep 30000", "sleep 2000", "ask"]));
}

#[test]
fn applies_failure_policy_if_app_times_out() {
    let mut app = App::default();
    let driven = run(Client::new(), &mut app, Duration::from_secs(2));
    assert_eq!(origin(driven), ("failure", Some("app_timeout")));
}

#[test]
fn prefers_answer_to_timeout_if_both_are_ready() {
    let mut app = App { results: vec![answered(b"{\"allow\":true}")], ..App::default() };
    let driven = run(Client::new(), &mut app, Duration::from_secs(60));
    assert_eq!(origin(driven), ("app", None));
}

#[test]
fn refuses_incomplete_body() {
    let client = Client::with_body(vec![Ok(BODY.into()), Err(Disconnected)]);
    let driven = run(client, &mut App::default(), Duration::ZERO);
    let Poll::Ready(Driven::Refused(refusal)) = driven else {
        panic!("expected a refusal, found {driven:?}")
    };
    assert_eq!(refusal.kind().as_str(), "body_incomplete");
}

/// Returns a client with 100 empty chunks before its body.
fn client_with_empty_chunks() -> Client {
    let empty = std::iter::repeat_n(Ok(Bytes::new()), 100);
    Client::with_body(empty.chain([Ok(BODY.into())]).collect())
}

#[test]
fn yields_to_other_tasks_between_chunks_that_are_always_ready() {
    let driven = run(client_with_empty_chunks(), &mut App::default(), Duration::ZERO);
    assert!(driven.is_pending(), "expected no result yet, found {driven:?}");
}

/// Returns the body of a genuine callback. The body has `length` bytes.
fn body_of(length: usize) -> Bytes {
    let mut body = [BODY, b"&localtime="].concat();
    body.resize(length, b'1');
    body.into()
}

const LARGE: usize = 64 * 1024 + 1;

#[test]
fn judges_only_large_bodies_with_run_long() {
    for (length, is_long) in [(BODY.len() + 20, false), (LARGE - 1, false), (LARGE, true)] {
        let mut client = Client::with_body(vec![Ok(body_of(length))]);
        STEPS.with_borrow_mut(Vec::clear);
        let (intake, time) = (intake(&client), FixedTime { over: Mutex::default() });
        let mut app = App::default();
        let mut driven = pin!(drive(&mut client, &mut app, &time, intake));
        // Reading a large body takes one turn, and judging the body takes another turn.
        for _ in 0..3 {
            let polled = driven.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "expected no result yet, found {polled:?}");
        }
        let found = STEPS.with_borrow(|steps| steps.contains(&"long".to_owned()));
        assert_eq!(found, is_long, "{length} bytes");
        STEPS.with_borrow(|steps| {
            assert!(steps.contains(&"ask".to_owned()), "expected a question, found {steps:?}");
        });
    }
}

#[test]
fn judges_one_large_body_at_a_time() {
    let (gate, time) = (gate(), FixedTime { over: Mutex::new(Duration::ZERO) });
    let large = || Client::with_body(vec![Ok(body_of(LARGE))]);
    let (mut clients, mut apps) = ([large(), large()], [App::default(), App::default()]);
    let intakes = [&clients[0], &clients[1]].map(|client| intake_of(&gate, client));
    let mut driven: Vec<_> = clients
        .iter_mut()
        .zip(&mut apps)
        .zip(intakes)
        .map(|((client, app), intake)| Box::pin(drive(client, app, &time, intake)))
        .collect();
    let mut poll = |at: usize| {
        STEPS.with_borrow_mut(Vec::clear);
        assert!(driven[at].as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        STEPS.with_borrow(|steps| steps.join(", "))
    };
    assert_eq!([poll(0), poll(1)], ["sleep 30000"; 2]);
    assert_eq!(poll(0), "long");
    assert_eq!(poll(1), "", "expected no step for the second body yet, found one");
    assert_eq!(poll(1), "", "expected no step for the second body yet, found one");
    assert_eq!(poll(0), "sleep 2000, ask");
    assert_eq!(poll(1), "long");
    assert_eq!(poll(1), "sleep 2000, ask");
}

#[test]
fn refuses_waiting_large_body_after_its_eviction() {
    let (gate, time) = (gate(), FixedTime { over: Mutex::new(Duration::ZERO) });
    let evicted = || Client { is_evicted: true, ..Client::with_body(vec![Ok(body_of(LARGE))]) };
    let (mut clients, mut apps) = ([evicted(), evicted()], [App::default(), App::default()]);
    let intakes = [&clients[0], &clients[1]].map(|client| intake_of(&gate, client));
    let mut driven: Vec<_> = clients
        .iter_mut()
        .zip(&mut apps)
        .zip(intakes)
        .map(|((client, app), intake)| Box::pin(drive(client, app, &time, intake)))
        .collect();
    let mut poll = |at: usize| driven[at].as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(
        poll(0).is_pending() && poll(1).is_pending(),
        "expected no result in the first turns, found a result"
    );
    assert!(poll(0).is_pending(), "expected no result for the first body yet, found a result");
    let polled = poll(1);
    let Poll::Ready(Driven::Refused(refusal)) = polled else {
        panic!("expected a refusal, found {polled:?}")
    };
    assert_eq!(refusal.kind(), RefusalKind::BodyIncomplete);
    assert!(poll(0).is_pending(), "expected a question about the first body, found a result");
    STEPS.with_borrow(|steps| {
        assert!(steps.contains(&"ask".to_owned()), "expected a question, found {steps:?}");
    });
}

#[test]
fn yields_to_other_tasks_after_64_kib_of_body() {
    let half = || Ok(body_of(LARGE / 2));
    for (chunks, yields) in [(vec![half(), half()], false), (vec![half(), half(), half()], true)] {
        let client = Client { body: chunks, ..Client::new() };
        // If the driver yields, the time limit ends the body.
        let driven = run(client, &mut App::default(), Duration::from_secs(30));
        let Poll::Ready(Driven::Refused(refusal)) = driven else {
            panic!("expected a refusal, found {driven:?}")
        };
        assert_eq!(refusal.kind() == RefusalKind::BodyIncomplete, yields, "{refusal}");
    }
}

#[test]
fn time_limit_ends_body_whose_chunks_are_always_ready() {
    let driven = run(client_with_empty_chunks(), &mut App::default(), Duration::from_secs(30));
    let Poll::Ready(Driven::Refused(refusal)) = driven else {
        panic!("expected a refusal, found {driven:?}")
    };
    assert_eq!(refusal.kind().as_str(), "body_incomplete");
}

#[test]
fn refuses_body_with_too_many_empty_chunks() {
    let mut intake = intake(&Client::new());
    let chunks = gatepost::DEFAULT_MAX_BODY_BYTES + 16;
    (0..chunks).for_each(|_| intake.push(Bytes::new()).unwrap());
    let refusal = intake.push(Bytes::new()).unwrap_err();
    assert_eq!(refusal.kind().as_str(), "body_too_large");
    let expected = format!("expected at most {chunks} chunks, found more");
    assert_eq!(refusal.detail(), Some(&*expected));
}

#[test]
fn stops_if_client_disconnects() {
    let client = Client { activity: Some(ClientActivity::Disconnected), ..Client::new() };
    let driven = run(client, &mut App::default(), Duration::ZERO);
    assert!(
        matches!(driven, Poll::Ready(Driven::ClientGone(_))),
        "expected `ClientGone`, found {driven:?}"
    );
}

#[test]
fn still_waits_for_app_if_client_half_closes_connection_or_sends_more_data() {
    for activity in [ClientActivity::HalfClosed, ClientActivity::SentMore] {
        let client = Client { activity: Some(activity), ..Client::new() };
        let driven = run(client, &mut App::default(), Duration::from_secs(1));
        assert!(driven.is_pending(), "expected no result yet, found {driven:?}");
    }
}

// The request body and the service can hold permits, for example of a concurrency limit. The
// layer must release these permits before the app answers.
#[cfg(feature = "tower")]
#[test]
fn layer_drops_body_and_service_before_app_answers() {
    use std::convert::Infallible;
    use std::sync::Arc;

    use gatepost::GateLayer;
    use gatepost::layer::RequestBody;
    use http::{Request, Response};
    use http_body_util::combinators::MapErr;
    use http_body_util::{BodyExt as _, Full};
    use tower::{Layer as _, Service as _, service_fn};

    let (in_body, in_service) = (Arc::new(()), Arc::new(()));
    let counts = [Arc::downgrade(&in_body), Arc::downgrade(&in_service)];
    let held = counts.clone();
    let inner = service_fn(move |_: Request<RequestBody<MapErr<Full<Bytes>, _>>>| {
        let _permit = &in_service;
        let held = held.clone();
        async move {
            // `app` keeps one copy of the service for later calls.
            assert_eq!(held.map(|permit| permit.strong_count()), [0, 1]);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let gate = Gate::builder().toml(CONFIG).build().unwrap();
    let mut app = GateLayer::new(gate).with_clock(|| NOW).layer(inner);
    let body = Full::new(Bytes::from_static(BODY)).map_err(move |never: Infallible| {
        let _permit = &in_body;
        never
    });
    let request = Request::post("/callbacks/kollus/secret").body(body).unwrap();
    let response = pin!(app.call(request));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(runtime.block_on(response).unwrap().status(), StatusCode::OK);
}
