//! Shadow mode in the core: what is passed is judged, told once, and never held back.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatepost::{Admission, Gate, Observer, RefusalKind, Shadowed, Timestamp};

use crate::core::Request;
use crate::vectors::{self, Vector};

/// The gate of the vectors, with every route in shadow mode.
pub fn gate() -> Gate {
    let config = std::fs::read_to_string("tests/vectors/gate.toml").unwrap();
    let config = config.replace("[[route]]", "[[route]]\nmode = 'shadow'");
    let keys = [("KOLLUS_TOKEN", "vector-token"), ("TENCENT_KEY", "test")];
    let builder = Gate::builder().toml(config).variable("TENCENT_OLDER_KEY", "older-key");
    let builder =
        keys.into_iter().fold(builder, |builder, (name, key)| builder.variable(name, key));
    builder.build().unwrap()
}

type Told = Arc<Mutex<Vec<String>>>;

/// Code, tenant and route of each verdict.
fn note(told: &Told) -> impl FnOnce(&Shadowed) + Send + Sync + 'static {
    let told = Arc::clone(told);
    move |shadowed| {
        assert_eq!(shadowed.provider(), "tencent-css");
        let tenant = shadowed.tenant().unwrap_or("-");
        told.lock().unwrap().push(format!("{} {tenant} {}", shadowed.code(), shadowed.route()));
    }
}

fn push() -> Vector {
    vectors::all().into_iter().find(|vector| vector.name == "tencent-css/push").unwrap()
}

/// What is told of a push whose body is shown like this.
fn told(path: &str, show: impl FnOnce(&mut Observer, &Vector, &Told)) -> Vec<String> {
    let mut vector = push();
    vector.case.request.path = path.into();
    let now = Timestamp::from_secs(vector.case.now);
    let request = Request::of(&vector);
    let Admission::Shadow(shadow) = gate().admit(&request.head(), now) else {
        panic!("{path} does not pass")
    };
    let told: Told = Arc::default();
    let mut observer = shadow.observe(note(&told));
    show(&mut observer, &vector, &told);
    drop(observer);
    let told = told.lock().unwrap();
    told.clone()
}

const PATH: &str = "/callbacks/tencent";

fn chunk(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

#[test]
fn the_verdict_on_a_whole_body_is_told_once() {
    let whole = told(PATH, |observer, vector, told| {
        for piece in vector.body.chunks(61) {
            observer.push(chunk(piece));
            assert!(told.lock().unwrap().is_empty());
        }
        let now = Timestamp::from_secs(vector.case.now);
        observer.finish(now);
        observer.finish(now);
    });
    assert_eq!(whole, ["accepted test.domain.com /callbacks/tencent"]);
    let forged = told(PATH, |observer, vector, _| {
        let text = std::str::from_utf8(&vector.body).unwrap().replace("\"live", "\"lives");
        observer.push(chunk(text.replace("\"sign\":\"", "\"sign\":\"0").as_bytes()));
        observer.finish(Timestamp::from_secs(vector.case.now));
    });
    assert_eq!(forged, ["signature_malformed test.domain.com /callbacks/tencent"]);
    let late = told(PATH, |observer, vector, _| {
        observer.push(chunk(&vector.body));
        observer.finish(Timestamp::from_secs(vector.case.now + 86_400));
    });
    assert_eq!(late, ["timestamp_expired test.domain.com /callbacks/tencent"]);
}

#[test]
fn what_ends_early_is_told_as_far_as_it_was_seen() {
    let half = told(PATH, |observer, vector, _| observer.push(chunk(&vector.body[..9])));
    assert_eq!(half, ["body_incomplete - /callbacks/tencent"]);
    assert_eq!(told(PATH, |_, _, _| {}), ["unseen - /callbacks/tencent"]);
    let empty = told(PATH, |observer, _, _| observer.finish(Timestamp::from_secs(0)));
    assert_eq!(empty, ["body_missing - /callbacks/tencent"]);
}

#[test]
fn a_body_over_the_limit_is_told_at_once_and_goes_on() {
    let large = told(PATH, |observer, _, told| {
        let piece = Bytes::from_static(&[b' '; 64 * 1024]);
        for _ in 0..64 {
            observer.push(piece.clone());
        }
        assert_eq!(told.lock().unwrap().len(), 1);
    });
    assert_eq!(large, ["body_too_large - /callbacks/tencent"]);
}

#[test]
fn what_the_head_decides_is_told_at_once() {
    let other = told("//callbacks/tencent", |_, _, told| {
        assert_eq!(told.lock().unwrap().len(), 1);
    });
    assert_eq!(other, ["path_ambiguous - /callbacks/tencent"]);
}

#[test]
fn other_paths_and_reserved_addresses_are_what_they_were() {
    let gate = gate();
    let mut vector = push();
    let admitted =
        |vector: &Vector| gate.admit(&Request::of(vector).head(), Timestamp::from_secs(0));
    vector.case.request.path = "/other".into();
    assert!(matches!(admitted(&vector), Admission::Other));
    vector.case.request.path = "/live/push".into();
    let Admission::Refused(refusal) = admitted(&vector) else { panic!("an outsider passes") };
    assert_eq!(refusal.kind(), RefusalKind::AddressReserved);
}

#[test]
fn an_explanation_says_that_it_passes() {
    let vector = push();
    let request = Request::of(&vector);
    let now = Timestamp::from_secs(vector.case.now);
    let text = gate().explain(&request.head(), chunk(&vector.body), now).to_string();
    assert!(
        text.contains("\nmode       shadow: it passes as it came, whatever the verdict\n"),
        "{text}"
    );
    assert!(text.ends_with("verdict    accepted as com.tencentcloud.css.push"), "{text}");
    assert!(!text.contains("to answer"), "{text}");
    let text = gate().explain(&request.head(), chunk(b"{}"), now).to_string();
    assert!(text.contains("shadow: it passes") && text.contains("refused with 401"), "{text}");
}
