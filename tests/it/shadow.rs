//! Tests of shadow mode in the core: an observer judges each request, and reports one verdict.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Admission, Gate, Observer, RefusalKind, Runtime, Shadowed, Timestamp};

use crate::core::Request;
use crate::vectors::{self, Vector};

/// Returns the gate of the vectors, with every route in shadow mode.
pub fn gate() -> Gate {
    let config = vectors::config().replace("[[route]]", "[[route]]\nmode = 'shadow'");
    let keys = [("KOLLUS_TOKEN", "vector-token"), ("TENCENT_KEY", "test")];
    let builder = Gate::builder().toml(config).variable("TENCENT_OLDER_KEY", "older-key");
    let builder =
        keys.into_iter().fold(builder, |builder, (name, key)| builder.variable(name, key));
    builder.build().unwrap()
}

type Verdicts = Arc<Mutex<Vec<String>>>;

/// Returns a function that records the code, the tenant and the route of a verdict.
fn record(verdicts: &Verdicts) -> impl FnOnce(&Shadowed) + Send + Sync + 'static {
    let verdicts = Arc::clone(verdicts);
    move |shadowed| {
        assert_eq!(shadowed.provider(), "tencent-css");
        let tenant = shadowed.tenant().unwrap_or("-");
        verdicts.lock().unwrap().push(format!("{} {tenant} {}", shadowed.code(), shadowed.route()));
    }
}

fn push() -> Vector {
    vectors::all().into_iter().find(|vector| vector.name == "tencent-css/push").unwrap()
}

/// Returns the verdicts on a `push` callback to `path`. `show` passes the body to the observer.
fn verdicts(path: &str, show: impl FnOnce(&mut Observer, &Vector, &Verdicts)) -> Vec<String> {
    let mut vector = push();
    vector.case.request.path = path.into();
    let now = Timestamp::from_secs(vector.case.now);
    let request = Request::of(&vector);
    let admission = gate().admit(&request.head(), now);
    let Admission::Shadow(shadow) = admission else {
        panic!("expected shadow mode for {path}, found {admission:?}")
    };
    let verdicts = Verdicts::default();
    let mut observer = shadow.observe(record(&verdicts));
    show(&mut observer, &vector, &verdicts);
    drop(observer);
    let verdicts = verdicts.lock().unwrap();
    verdicts.clone()
}

const PATH: &str = "/callbacks/tencent";

fn chunk(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

#[test]
fn reports_one_verdict_on_complete_body() {
    let complete = verdicts(PATH, |observer, vector, verdicts| {
        for bytes in vector.body.chunks(61) {
            observer.push(chunk(bytes));
            assert!(verdicts.lock().unwrap().is_empty());
        }
        let now = Timestamp::from_secs(vector.case.now);
        observer.finish(now);
        observer.finish(now);
    });
    assert_eq!(complete, ["accepted test.domain.com /callbacks/tencent"]);
    let forged = verdicts(PATH, |observer, vector, _| {
        let text = std::str::from_utf8(&vector.body).unwrap().replace("\"live", "\"lives");
        observer.push(chunk(text.replace("\"sign\":\"", "\"sign\":\"0").as_bytes()));
        observer.finish(Timestamp::from_secs(vector.case.now));
    });
    assert_eq!(forged, ["signature_malformed test.domain.com /callbacks/tencent"]);
    let late = verdicts(PATH, |observer, vector, _| {
        observer.push(chunk(&vector.body));
        observer.finish(Timestamp::from_secs(vector.case.now + 86_400));
    });
    assert_eq!(late, ["timestamp_expired test.domain.com /callbacks/tencent"]);
}

/// A fixed clock. gatepost judges a large body when the test polls the future from `finish_in`.
struct Clock(Timestamp);

impl Runtime for Clock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

#[test]
fn returns_future_that_judges_large_body() {
    let accepted = ["accepted test.domain.com /callbacks/tencent"];
    for (blanks, is_large) in [(0, false), (1 << 17, true)] {
        let codes = verdicts(PATH, |observer, vector, verdicts| {
            observer.push([vector.body.clone(), vec![b' '; blanks]].concat().into());
            let judgement = observer
                .finish_in(Clock(Timestamp::from_secs(vector.case.now)), std::future::pending());
            assert_eq!(judgement.is_some(), is_large);
            assert_eq!(verdicts.lock().unwrap().is_empty(), is_large);
            if let Some(judgement) = judgement {
                let done = pin!(judgement).poll(&mut Context::from_waker(Waker::noop()));
                assert!(done.is_ready());
            }
        });
        assert_eq!(codes, accepted);
    }
}

#[test]
fn reports_unfinished_body_as_incomplete_and_unread_body_as_unseen() {
    let half = verdicts(PATH, |observer, vector, _| observer.push(chunk(&vector.body[..9])));
    assert_eq!(half, ["body_incomplete - /callbacks/tencent"]);
    assert_eq!(verdicts(PATH, |_, _, _| {}), ["unseen - /callbacks/tencent"]);
    let empty = verdicts(PATH, |observer, _, _| observer.finish(Timestamp::from_secs(0)));
    assert_eq!(empty, ["body_missing - /callbacks/tencent"]);
}

#[test]
fn reports_body_over_limit_at_once_and_ignores_later_chunks() {
    let large = verdicts(PATH, |observer, _, verdicts| {
        let spaces = Bytes::from_static(&[b' '; 64 * 1024]);
        for _ in 0..64 {
            observer.push(spaces.clone());
        }
        assert_eq!(verdicts.lock().unwrap().len(), 1);
    });
    assert_eq!(large, ["body_too_large - /callbacks/tencent"]);
}

#[test]
fn reports_refusal_of_head_at_once() {
    let ambiguous = verdicts("//callbacks/tencent", |_, _, verdicts| {
        assert_eq!(verdicts.lock().unwrap().len(), 1);
    });
    assert_eq!(ambiguous, ["path_ambiguous - /callbacks/tencent"]);
}

#[test]
fn shadow_mode_does_not_affect_other_paths_or_paths_reserved_for_events() {
    let gate = gate();
    let mut vector = push();
    let admitted =
        |vector: &Vector| gate.admit(&Request::of(vector).head(), Timestamp::from_secs(0));
    vector.case.request.path = "/other".into();
    assert!(matches!(admitted(&vector), Admission::Other));
    vector.case.request.path = "/live/push".into();
    let admission = admitted(&vector);
    let Admission::Refused(refusal) = admission else {
        panic!("expected a refusal, found {admission:?}")
    };
    assert_eq!(refusal.kind(), RefusalKind::AddressReserved);
}

#[test]
fn explanation_states_that_request_passes() {
    let vector = push();
    let request = Request::of(&vector);
    let now = Timestamp::from_secs(vector.case.now);
    let text = gate().explain(&request.head(), chunk(&vector.body), now).to_string();
    assert!(
        text.contains("\nmode       shadow: the request passes unchanged with any verdict\n"),
        "expected the mode, found {text}"
    );
    assert!(
        text.ends_with("verdict    accepted as com.tencentcloud.css.push"),
        "expected the verdict at the end, found {text}"
    );
    assert!(!text.contains("to answer"), "expected no line `to answer`, found {text}");
    let text = gate().explain(&request.head(), chunk(b"{}"), now).to_string();
    assert!(
        text.contains("shadow: the request passes") && text.contains("refused with 401"),
        "expected the mode and the refusal, found {text}"
    );
}
