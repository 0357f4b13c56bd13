//! Tests of queued events: the config keys, the storage of an event, and the attempts to deliver
//! the event.

use std::time::Duration;

use bytes::Bytes;
use gatepost::{
    Admission, Answer, Appended, Claimed, Conclusion, Enqueue, EntryState, Gate, Head,
    InMemoryStore, Lane, Next, QueueFilter, RequestContext, Settlement, Store, StoreError,
    StoreLocation, StoreStep, Timestamp,
};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::config::{build, errors};

const ROUTE: &str = "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
                     [[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
                     insecure_unsigned = true\nbind = '*'\n[template.on]\n";
const STORE: &str = "[store]\nurl = 'sqlite:a.db'\n";
const RETRY: &str = "retry = { first_ms = 1000, max_ms = 4000, give_up_after_secs = 60 }";
const AT: fn(i64) -> Timestamp = |secs| Timestamp::from_secs(1_703_731_478 + secs);

fn queued(more: &str) -> Gate {
    let on = format!("push = {{ url = 'http://app/push', deliver = 'queued', {RETRY}{more} }}\n");
    build(&format!("{STORE}{ROUTE}{on}")).unwrap()
}

fn push(sequence: u32) -> Bytes {
    format!(
        "{{\"event_type\":1,\"app\":\"a\",\"appname\":\"live\",\"stream_id\":\"s\",\"channel_id\":\"s\",\
         \"event_time\":1703731478,\"sequence\":\"{sequence}\",\"node\":\"10.0.0.1\",\
         \"user_ip\":\"10.0.0.2\",\"stream_param\":\"\"}}"
    )
    .into()
}

fn next(gate: &Gate, sequence: u32, now: Timestamp) -> Next {
    let (uri, headers) = (Uri::from_static("/hook"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let admission = gate.admit(&head, now);
    let Admission::Callback(mut intake) = admission else {
        panic!("expected a callback, found {admission:?}")
    };
    intake.push(push(sequence)).unwrap();
    intake.finish(now).unwrap().next(now)
}

fn enqueue(gate: &Gate, sequence: u32, now: Timestamp) -> Enqueue {
    match next(gate, sequence, now) {
        Next::Store(step) => match *step {
            StoreStep::Append(enqueue) => enqueue,
            step @ (StoreStep::Claim(_) | StoreStep::Limit(_)) => {
                panic!("expected an event to append, found {step:?}")
            }
        },
        found @ (Next::Ask(_) | Next::Reply(_) | Next::Wait(_)) => {
            panic!("expected `Next::Store`, found {found:?}")
        }
    }
}

async fn store(store: &InMemoryStore, enqueue: Enqueue, now: Timestamp) -> Conclusion {
    let (uri, headers) = (Uri::from_static("/hook"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let event = enqueue.event(&head, &RequestContext::default());
    let appended = store.append(event, now).await;
    enqueue.conclude(Some(appended))
}

fn in_memory() -> InMemoryStore {
    InMemoryStore::new(1 << 20, Duration::from_secs(60), Duration::from_secs(60))
}

async fn claim(store: &InMemoryStore, now: Timestamp) -> Claimed {
    let end = Timestamp::from_millis(now.as_millis() + 10_000);
    let claimed = store.claim(&Lane::new("live", "push"), "o", 1, end, now).await.unwrap();
    claimed.into_iter().next().expect("expected a due event, found none")
}

#[tokio::test]
async fn acknowledges_event_only_after_storing_it() {
    let (gate, memory) = (queued(""), in_memory());
    let conclusion = store(&memory, enqueue(&gate, 1, AT(0)), AT(0)).await;
    assert_eq!(conclusion.origin.as_str(), "queued");
    assert_eq!(conclusion.reply.body(), "{\"code\":0}");
    let entries = memory.list(&QueueFilter::default()).await.unwrap();
    assert_eq!(entries[0].lane, Lane::new("live", "push"));
    assert_eq!(entries[0].subject.as_deref(), Some("live/s"));
    assert_eq!((&*entries[0].source, entries[0].received), ("/tencent-css/a", AT(0)));
    let (_, event) = memory.show(1).await.unwrap().unwrap();
    assert_eq!(event.headers["ce-id"], *event.id);
    assert!(!event.headers.contains_key("content-length") && !event.headers.contains_key("host"));
}

#[tokio::test]
async fn resend_is_a_duplicate_on_each_machine() {
    let memory = in_memory();
    let (one, other) = (queued(""), queued(""));
    assert_eq!(store(&memory, enqueue(&one, 1, AT(0)), AT(0)).await.origin.as_str(), "queued");
    for gate in [&one, &other] {
        let conclusion = store(&memory, enqueue(gate, 1, AT(1)), AT(1)).await;
        assert_eq!(
            (conclusion.origin.as_str(), conclusion.reply.status()),
            ("resend", StatusCode::OK)
        );
    }
    assert_eq!(store(&memory, enqueue(&one, 2, AT(1)), AT(1)).await.origin.as_str(), "queued");
    let entries = memory.list(&QueueFilter::default()).await.unwrap();
    assert_eq!(entries.len(), 2);
}

#[test]
fn platform_gets_503_if_store_fails() {
    let gate = queued("");
    for (appended, code) in [
        (None, "store_unavailable"),
        (Some(Err(StoreError::Full { max_bytes: 1 })), "store_full"),
        (Some(Err(StoreError::Failed("fsync".into()))), "store_unavailable"),
    ] {
        let conclusion = enqueue(&gate, 1, AT(0)).conclude(appended);
        assert_eq!(conclusion.reply.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(conclusion.origin.failure().unwrap().kind().as_str(), code);
    }
    assert_eq!(enqueue(&gate, 1, AT(0)).conclude(Some(Ok(Appended::Durable))).reply.status(), 200);
}

#[test]
fn store_must_finish_before_platform_times_out() {
    assert_eq!(enqueue(&queued(""), 1, AT(0)).timeout(), Duration::from_millis(19_900));
    let short = queued(", budget_ms = 1000");
    assert_eq!(enqueue(&short, 1, AT(0)).timeout(), Duration::from_millis(900));
}

#[test]
fn app_gets_the_event_at_once_without_a_store() {
    let gate = queued("");
    assert!(matches!(enqueue(&gate, 1, AT(0)).without_store(AT(0)), Next::Ask(_)));
}

#[tokio::test]
async fn waits_double_up_to_max_ms_and_the_last_wait_ends_at_give_up_time() {
    let (gate, memory) = (queued(""), in_memory());
    store(&memory, enqueue(&gate, 1, AT(0)), AT(0)).await;
    let app = gate.queued_app(&Lane::new("live", "push")).unwrap();
    let failure = Answer::response(StatusCode::INTERNAL_SERVER_ERROR, Some(Bytes::new()));
    let mut now = AT(0);
    let mut waits = Vec::new();
    loop {
        let claimed = claim(&memory, now).await;
        assert_eq!(claimed.lease.attempt as usize, waits.len() + 1);
        let (headers, body) = app.request(&claimed, now);
        assert_eq!(headers["gatepost-delivery"], claimed.lease.attempt.to_string());
        assert_eq!(headers["content-length"], body.len().to_string());
        let (settlement, _) = app.settle(&claimed, &failure, u32::MAX, now);
        memory.settle(&claimed.lease, settlement.clone(), now).await.unwrap();
        let Settlement::Later { at, reason } = settlement else { break };
        assert_eq!(&*reason, "app_status: the app answered with an unexpected status: 500");
        waits.push((at.as_millis() - now.as_millis()) / 1000);
        now = at;
    }
    assert_eq!(waits, [vec![1, 2], vec![4; 14], vec![1]].concat());
    assert_eq!(now, AT(60));
    assert_eq!(memory.status().await.unwrap().of(EntryState::Dead).count, 1);
}

#[tokio::test]
async fn randomness_shortens_a_wait_by_up_to_a_half() {
    let (gate, memory) = (queued(""), in_memory());
    store(&memory, enqueue(&gate, 1, AT(0)), AT(0)).await;
    let claimed = claim(&memory, AT(0)).await;
    let app = gate.queued_app(&Lane::new("live", "push")).unwrap();
    for (random, expected) in [(0, 500), (u32::MAX / 2, 750), (u32::MAX, 1000)] {
        let (result, _) = app.settle(&claimed, &Answer::Timeout, random, AT(0));
        let Settlement::Later { at, .. } = result else {
            panic!("expected another attempt, found {result:?}")
        };
        assert!(
            (at.as_millis() - AT(0).as_millis() - expected).abs() <= 1,
            "expected an attempt after {expected} ms, found {at:?}"
        );
    }
}

#[tokio::test]
async fn wait_is_at_least_retry_after_header_but_ends_at_give_up_time() {
    let (gate, memory) = (queued(""), in_memory());
    store(&memory, enqueue(&gate, 1, AT(0)), AT(0)).await;
    let claimed = claim(&memory, AT(0)).await;
    let app = gate.queued_app(&Lane::new("live", "push")).unwrap();
    for (text, expected) in [
        ("30", 30),
        ("0", 1),
        ("-1", 1),
        ("soon", 1),
        ("99999999999999999999", 1),
        ("9999999999", 60),
        ("Thu, 28 Dec 2023 02:45:08 GMT", 30),
        ("Thu, 28 Dec 2000 02:45:08 GMT", 1),
    ] {
        let headers = [(http::header::RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let answer = Answer::Response { status, headers, body: None };
        let (result, _) = app.settle(&claimed, &answer, u32::MAX, AT(0));
        let Settlement::Later { at, .. } = result else {
            panic!("expected another attempt, found {result:?}")
        };
        assert_eq!(at, AT(expected), "{text}");
    }
}

#[tokio::test]
async fn open_circuit_permits_one_attempt_at_a_time() {
    let (gate, memory) = (queued(""), in_memory());
    store(&memory, enqueue(&gate, 1, AT(0)), AT(0)).await;
    let claimed = claim(&memory, AT(0)).await;
    let app = gate.queued_app(&Lane::new("live", "push")).unwrap();
    assert_eq!(app.allowed(32, AT(0)), 32);
    for _ in 0..5 {
        drop(app.settle(&claimed, &Answer::Timeout, 0, AT(0)));
    }
    assert_eq!((app.allowed(32, AT(0)), app.allowed(32, AT(1)), app.allowed(32, AT(1))), (0, 1, 0));
    let taken = Answer::response(StatusCode::NO_CONTENT, Some(Bytes::new()));
    assert_eq!(app.settle(&claimed, &taken, 0, AT(2)).0, Settlement::Delivered);
    assert_eq!(app.allowed(32, AT(2)), 32);
}

#[test]
fn queued_event_of_removed_template_or_address_has_no_app() {
    let gate = queued("");
    for (lane, expected) in [
        (
            Lane::new("gone", "push"),
            "expected the template `gone`, found none; restore the template",
        ),
        (
            Lane::new("live", "error"),
            "expected an address for error in `live`, found none; set a url",
        ),
        (
            Lane::new("live", "unknown"),
            "expected an address for unknown in `live`, found none; set a url",
        ),
    ] {
        let reason = gate.queued_app(&lane).unwrap_err();
        assert!(reason.starts_with(expected), "expected {expected}, found {reason}");
    }
}

#[test]
fn store_has_defaults_that_the_config_can_change() {
    let settings = queued("").proxy_settings().store.unwrap();
    assert_eq!(settings.location, StoreLocation::Sqlite("a.db".into()));
    assert_eq!(settings.max_bytes, 1 << 30);
    assert_eq!(settings.delivered, Duration::from_secs(86_400));
    assert_eq!(settings.dead, Duration::from_secs(14 * 86_400));
    let retention = "max_bytes = 50000000\nretention = { delivered = '1h', dead_secs = 7 }\n";
    let settings = build(&format!("{STORE}{retention}{ROUTE}push = 'http://app/push'"));
    let settings = settings.unwrap().proxy_settings().store.unwrap();
    assert_eq!(
        (settings.max_bytes, settings.delivered.as_secs(), settings.dead.as_secs()),
        (50_000_000, 3600, 7)
    );
}

const KOLLUS: &str = "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'k'\n\
                      provider = 'kollus'\nbind = '*'\n[template.on]\n";

#[test]
fn reports_invalid_keys_of_queued_events_and_of_the_store() {
    for (config, expected) in [
        (
            format!("{ROUTE}push = {{ url = 'http://app/push', deliver = 'queued' }}"),
            "expected a [store] for queued events, found none; add [store] with url = \"sqlite:gatepost.db\"",
        ),
        (
            format!("{STORE}{ROUTE}push = {{ deliver = 'queued' }}"),
            "expected a url beside deliver = \"queued\", found none; add the url of the app",
        ),
        (
            format!(
                "{STORE}{ROUTE}push = {{ url = 'http://app', deliver = 'queued', forward = 'passthrough' }}"
            ),
            "expected a form in which gatepost writes the reply, found \"passthrough\"",
        ),
        (
            format!("{STORE}{ROUTE}push = {{ url = 'http://app/p', deliver = 'later' }}"),
            "expected a known value, found \"later\"",
        ),
        (
            format!("{STORE}{ROUTE}push = {{ url = 'http://app/p', retry = {{ first_ms = 5 }} }}"),
            "expected deliver = \"queued\" beside retry, found direct delivery; remove retry, or write deliver = \"queued\"",
        ),
        (
            format!(
                "{STORE}{ROUTE}push = {{ url = 'http://app/p', deliver = 'queued', retry = {{ first_ms = 5, max_ms = 4 }} }}"
            ),
            "expected max_ms of at least first_ms, found less",
        ),
        (
            format!("{STORE}{KOLLUS}live_play = {{ url = 'http://app/p', deliver = 'queued' }}"),
            "expected notifications, whose reply does not depend on the app, found the decision live_play",
        ),
        (
            format!("{STORE}{KOLLUS}'*' = {{ url = 'http://app/p', deliver = 'queued' }}"),
            "found the decision ",
        ),
        (
            format!("[store]\nurl = 'redis://a'\n{ROUTE}push = 'http://app/p'"),
            "expected sqlite: and a file, or nats:// and servers, found",
        ),
        (
            format!("[store]\nmax_bytes = 1\n{ROUTE}push = 'http://app/p'"),
            "add url = \"sqlite:gatepost.db\"",
        ),
    ] {
        let errors = errors(&config);
        assert!(
            errors.iter().any(|error| error.contains(expected)),
            "expected {expected}, found {errors:?}"
        );
    }
}

#[test]
fn reports_events_that_gatepost_cannot_mirror() {
    for (config, expected) in [
        (
            format!("{ROUTE}push = {{ mirror = 'http://copy/p' }}"),
            "expected a url beside mirror, found none; add the url of the app",
        ),
        (format!("{ROUTE}push = {{ url = 'http://app/p', mirror = 'copy' }}"), "mirror"),
        (
            format!(
                "{ROUTE}push = {{ url = 'http://app', forward = 'passthrough', mirror = 'http://copy/p' }}"
            ),
            "expected a form other than passthrough beside mirror, found passthrough",
        ),
        (
            format!("{KOLLUS}live_play = {{ url = 'http://app/p', mirror = 'http://copy/p' }}"),
            "expected notifications, found the decision live_play; remove mirror",
        ),
    ] {
        let errors = errors(&config);
        assert!(
            errors.iter().any(|error| error.contains(expected)),
            "expected {expected}, found {errors:?}"
        );
    }
}

/// The example seed in the documentation of NATS.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

#[test]
fn reports_faults_of_a_store_on_nats() {
    for (config, expected) in [
        (
            format!("[store]\nurl = 'nats://user:s3cret@a'\n{ROUTE}push = 'http://app/p'"),
            "expected nats:// or tls:// and servers, without a user, found",
        ),
        (
            format!("[store]\nurl = 'nats://a'\nuser = 'u'\n{ROUTE}push = 'http://app/p'"),
            "expected user and password, token, credentials, or nkey, found another combination",
        ),
        (
            format!(
                "[store]\nurl = 'nats://a'\ntoken = 't'\nnkey = '{SEED}'\n{ROUTE}push = 'http://app/p'"
            ),
            "expected user and password, token, credentials, or nkey, found another combination",
        ),
        (
            format!("[store]\nurl = 'nats://a'\nnkey = 's3cret'\n{ROUTE}push = 'http://app/p'"),
            "expected the seed of an NKey user (SU and 56 letters and digits), found other text",
        ),
        (
            format!("[store]\nurl = 'nats://a'\nprefix = 'a.b'\n{ROUTE}push = 'http://app/p'"),
            "expected a prefix for stream names, found",
        ),
        (
            format!("[store]\nurl = 'sqlite:a.db'\nreplicas = 3\n{ROUTE}push = 'http://app/p'"),
            "expected `replicas` beside the url of NATS servers, found a file",
        ),
        (
            format!(
                "[store]\nurl = 'nats://a'\nmonitor = ['https://a']\n{ROUTE}push = 'http://app/p'"
            ),
            "expected an http:// address, found",
        ),
    ] {
        let errors = errors(&config);
        assert!(
            errors.iter().any(|error| error.contains(expected)),
            "expected {expected}, found {errors:?}"
        );
        let shown = errors.concat();
        let has_secret = shown.contains("s3cret") || shown.contains(SEED);
        assert!(!has_secret, "expected no secret, found {errors:?}");
    }
    let config =
        format!("[store]\nurl = 'nats://a'\nnkey = '{SEED}'\n{ROUTE}push = 'http://app/p'");
    assert!(build(&config).is_ok());
}
