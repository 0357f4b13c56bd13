//! Tests of resends, reused signatures, time budgets and the failure policy. The tests pass the
//! time as an argument, and use no real clock.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gatepost::{
    Accepted, Admission, Answer, FaultKind, Gate, Head, Next, Origin, Question, Refusal,
    RefusalKind, Timestamp, UnavailableKind,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use md5::{Digest as _, Md5};

const T: i64 = 1_703_731_478;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(T + secs)
}

/// Returns a gate with a template for Tencent CSS and a template for Kollus. Adds the config lines
/// `tencent` and `kollus` to these templates.
fn gate(tencent: &str, kollus: &str) -> Gate {
    let text = format!(
        "breaker = {{ failures = 3, retry_ms = 1000 }}\n\
         [[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
         [[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
         [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['test']\nbind = '*'\n\
         {tencent}\n\
         [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n{kollus}\n"
    );
    Gate::builder().toml(text).build().unwrap_or_else(|e| panic!("expected a gate, found {e}"))
}

fn judge(gate: &Gate, path: &'static str, body: &str, now: Timestamp) -> Result<Accepted, Refusal> {
    let (uri, headers) = (Uri::from_static(path), HeaderMap::new());
    match gate.admit(&Head::new(&Method::POST, &uri, &headers), now) {
        Admission::Callback(mut intake) => {
            intake.push(body.to_owned().into())?;
            intake.finish(now)
        }
        Admission::Refused(refusal) => Err(refusal),
        found @ (Admission::Other | Admission::Reply(_) | Admission::Shadow(_)) => {
            panic!("expected a callback or a refusal, found {found:?}")
        }
    }
}

/// Returns the time `secs` after [`T`], and the signature of this time with the key `test`.
fn signed_time(secs: i64) -> (i64, String) {
    let t = T + secs;
    (t, Md5::digest(format!("test{t}")).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns the body of a push whose signed time is `secs` after [`T`].
fn push(sequence: u32, secs: i64) -> String {
    let (t, sign) = signed_time(secs);
    format!(
        r#"{{"app":"a.b","appname":"live","channel_id":"s","event_time":1,"event_type":1,
            "node":"n","sequence":"{sequence}","stream_id":"s","stream_param":"","user_ip":"u",
            "t":{t},"sign":"{sign}"}}"#
    )
}

fn accept_push(gate: &Gate, body: &str, now: Timestamp) -> Accepted {
    judge(gate, "/tencent", body, now)
        .unwrap_or_else(|error| panic!("expected acceptance, found {error}"))
}

fn play(user: &str, extra: &str) -> String {
    format!("kind=100&client_user_id={user}&media_content_key=m&channel_key=c{extra}")
}

fn accept_play(gate: &Gate, body: &str, now: Timestamp) -> Accepted {
    judge(gate, "/kollus", body, now)
        .unwrap_or_else(|error| panic!("expected acceptance, found {error}"))
}

fn expect_question(next: Next) -> Question {
    match next {
        Next::Ask(question) => question,
        Next::Reply(conclusion) => panic!("expected a question, found {conclusion:?}"),
        Next::Store(enqueue) => panic!("expected no queued event, found {enqueue:?}"),
        Next::Wait(wait) => panic!("expected a question, found {wait:?}"),
    }
}

fn expect_reply(next: Next) -> gatepost::Conclusion {
    match next {
        Next::Reply(conclusion) => conclusion,
        found @ (Next::Ask(_) | Next::Store(_) | Next::Wait(_)) => {
            panic!("expected a reply without a question to the app, found {found:?}")
        }
    }
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer::response(StatusCode::from_u16(status).unwrap(), Some(body.into()))
}

fn code(conclusion: &gatepost::Conclusion) -> Option<&'static str> {
    conclusion.origin.failure().map(|reason| reason.kind().as_str())
}

#[test]
fn acknowledges_resend_of_delivered_event_without_asking_app() {
    let gate = gate("", "");
    let first = accept_push(&gate, &push(1, 600), at(0));
    let done = expect_question(first.next(at(0))).conclude(&answer(200, ""), at(1));
    assert!(matches!(done.origin, Origin::App));
    // A new signature and extra white space do not change the identity of a callback.
    let again = accept_push(&gate, &push(1, 660).replace(":\"live\"", ": \"live\""), at(60));
    let resent = expect_reply(again.next(at(60)));
    assert!(matches!(resent.origin, Origin::Resend));
    assert_eq!(resent.reply.body(), done.reply.body());
    assert_eq!(resent.reply.status(), done.reply.status());
    drop(expect_question(accept_push(&gate, &push(2, 660), at(60)).next(at(60))));
}

#[test]
fn acknowledges_resend_without_asking_app_during_lifetime_of_signature() {
    let gate = gate("", "");
    let ask_app = |now| {
        let accepted = accept_push(&gate, &push(1, now + 600), at(now));
        drop(expect_question(accepted.next(at(now))).conclude(&answer(200, ""), at(now)));
    };
    ask_app(0);
    // The lifetime is `max_ahead_secs` + `grace_secs`: 900 + 180 s.
    let later = accept_push(&gate, &push(1, 1079 + 600), at(1079));
    assert!(matches!(later.next(at(1079)), Next::Reply(_)));
    ask_app(1080);
}

#[test]
fn asks_app_again_after_failure() {
    let gate = gate("", "");
    for failure in [answer(500, ""), Answer::Timeout, Answer::Unreachable("refused".into())] {
        let question = expect_question(accept_push(&gate, &push(1, 600), at(0)).next(at(0)));
        assert_eq!(question.conclude(&failure, at(1)).reply.status(), 503);
    }
}

#[test]
fn simultaneous_copies_share_one_answer() {
    let gate = gate("", "");
    for (answer, status) in [(answer(500, ""), 503), (answer(200, ""), 200)] {
        let question = expect_question(accept_push(&gate, &push(1, 600), at(0)).next(at(0)));
        let found = accept_push(&gate, &push(1, 601), at(0)).next(at(0));
        let Next::Wait(mut wait) = found else { panic!("expected `Next::Wait`, found {found:?}") };
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(&mut wait).poll(&mut context).is_pending());
        let first = question.conclude(&answer, at(1));
        let found = pin!(&mut wait).poll(&mut context);
        let Poll::Ready(Some(second)) = found else {
            panic!("expected a conclusion for the waiting copy, found {found:?}")
        };
        assert_eq!(first.reply.status(), status);
        assert_eq!(second.reply.status(), status);
        assert_eq!(second.reply.body(), first.reply.body());
    }
}

#[test]
fn asks_app_about_waiting_copy_after_drop_of_first_question() {
    let gate = gate("", "");
    let question = expect_question(accept_push(&gate, &push(1, 600), at(0)).next(at(0)));
    let second = accept_push(&gate, &push(1, 600), at(0));
    let found = second.next(at(0));
    let Next::Wait(wait) = found else { panic!("expected `Next::Wait`, found {found:?}") };
    drop(question);
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(wait).poll(&mut context), Poll::Ready(None)));
    drop(expect_question(second.next(at(1))));
}

#[test]
fn applies_failure_policy_if_wait_times_out() {
    let gate = gate("", "[template.on.live_play]\ndedupe = true\non_failure = 'allow'");
    let _question = expect_question(accept_play(&gate, &play("u", ""), at(0)).next(at(0)));
    let found = accept_play(&gate, &play("u", ""), at(0)).next(at(0));
    let Next::Wait(wait) = found else { panic!("expected `Next::Wait`, found {found:?}") };
    assert_eq!(wait.timeout(), Duration::from_secs(2));
    let conclusion = wait.give_up(at(2));
    assert_eq!(code(&conclusion), Some("app_timeout"));
    assert_eq!(conclusion.reply.body(), r#"{"data":{"result":1}}"#);
}

#[test]
fn asks_app_about_each_resent_decision_unless_dedupe_is_set() {
    let default = gate("", "");
    for _ in 0..2 {
        let question = expect_question(accept_play(&default, &play("u", ""), at(0)).next(at(0)));
        drop(question.conclude(&answer(200, r#"{"result":1}"#), at(0)));
    }
    let deduped = gate("", "[template.on.live_play]\ndedupe = { window_secs = 60 }");
    let question = expect_question(accept_play(&deduped, &play("u", ""), at(0)).next(at(0)));
    let deny = r#"{"result":0,"message":"no"}"#;
    let first = question.conclude(&answer(200, deny), at(0));
    let resent = expect_reply(accept_play(&deduped, &play("u", ""), at(59)).next(at(59)));
    assert_eq!(resent.reply.body(), first.reply.body());
    drop(expect_question(accept_play(&deduped, &play("v", ""), at(59)).next(at(59))));
    drop(expect_question(accept_play(&deduped, &play("u", ""), at(60)).next(at(60))));
}

#[test]
fn does_not_dedupe_by_default_if_different_callbacks_can_have_equal_data() {
    let state = "channel_key=c&stream_key=s&broadcast_key=b&broadcast_state=resume";
    let asks_app = |gate: &Gate| {
        let accepted = judge(gate, "/kollus", state, at(0)).unwrap();
        match accepted.next(at(0)) {
            Next::Ask(question) => {
                drop(question.conclude(&answer(200, ""), at(0)));
                true
            }
            Next::Reply(_) | Next::Store(_) | Next::Wait(_) => false,
        }
    };
    let default = gate("", "");
    assert!(asks_app(&default) && asks_app(&default));
    let deduped = gate("", "[template.on.broadcast_state]\ndedupe = true");
    assert!(asks_app(&deduped) && !asks_app(&deduped));
}

#[test]
fn asks_app_about_each_resend_if_dedupe_is_false() {
    let gate = gate("dedupe = false", "");
    for _ in 0..2 {
        let question = expect_question(accept_push(&gate, &push(1, 600), at(0)).next(at(0)));
        drop(question.conclude(&answer(200, ""), at(0)));
    }
}

#[test]
fn remembers_acknowledged_events_after_change_of_config() {
    let gate = gate("", "");
    let question = expect_question(accept_push(&gate, &push(1, 600), at(0)).next(at(0)));
    drop(question.conclude(&answer(200, ""), at(0)));
    let text = "[[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
                [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['test']\nbind = '*'";
    gate.replace(gatepost::Config::from_text(text, "gatepost.toml").unwrap());
    assert!(matches!(accept_push(&gate, &push(1, 600), at(0)).next(at(0)), Next::Reply(_)));
}

#[test]
fn detects_signature_reused_with_another_body() {
    let gate = gate("", "");
    assert!(!accept_push(&gate, &push(1, 600), at(0)).reuses_signature());
    let resent = accept_push(&gate, &push(1, 600), at(1));
    assert!(!resent.reuses_signature(), "expected no reuse, found one");
    assert!(accept_push(&gate, &push(2, 600), at(1)).reuses_signature());
    assert!(!accept_push(&gate, &push(2, 601), at(1)).reuses_signature());
}

#[test]
fn refuses_reused_signature_if_signature_reuse_is_set_to_refuse() {
    let gate = gate("signature_reuse = 'refuse'", "");
    accept_push(&gate, &push(1, 600), at(0));
    accept_push(&gate, &push(1, 600), at(1));
    let reused = push(2, 600);
    let sign = reused.rsplit('"').nth(1).unwrap();
    // gatepost compares decoded signatures, so upper-case digits do not hide the reuse.
    for body in [reused.clone(), reused.replace(sign, &sign.to_uppercase())] {
        let refusal = judge(&gate, "/tencent", &body, at(1)).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::SignatureReused);
        assert_eq!(refusal.reply().status(), 401);
    }
    accept_push(&gate, &push(2, 601), at(1));
}

#[test]
fn timeout_of_app_ends_before_platform_times_out() {
    let gate = gate(
        "[template.on]\npush = { timeout_ms = 15000 }",
        "[template.on]\nlive_play = { budget_ms = 1500, timeout_ms = 1500 }",
    );
    let uri = Uri::from_static("/kollus");
    let headers = HeaderMap::new();
    let head = Head::new(&Method::POST, &uri, &headers);
    let accepted = |spent| {
        let admission = gate.admit(&head, at(0));
        let Admission::Callback(mut intake) = admission else {
            panic!("expected a callback, found {admission:?}")
        };
        intake.push(play("u", "").into()).unwrap();
        let now = Timestamp::from_millis(at(0).as_millis() + spent);
        (intake.finish(now).unwrap(), now)
    };
    let left = |spent| {
        let (accepted, now) = accepted(spent);
        expect_question(accepted.next(now)).timeout().as_millis()
    };
    // gatepost reserves 100 ms of the budget for the reply.
    assert_eq!((left(0), left(400), left(1399)), (1400, 1000, 1));
    let (late, now) = accepted(1400);
    assert_eq!(code(&expect_reply(late.next(now))), Some("app_timeout"));
    let push = accept_push(&gate, &push(1, 600), at(0));
    assert_eq!(expect_question(push.next(at(0))).timeout(), Duration::from_secs(15));
    assert_eq!(expect_question(push.next(at(12))).timeout(), Duration::from_millis(7900));
}

#[test]
fn warns_of_timeout_longer_than_platform_waits() {
    let warnings_of = |on: &str| gate("", &format!("[template.on]\n{on}")).warnings();
    let late = warnings_of("live_play = { url = 'http://a.test/', timeout_ms = 3000 }");
    assert!(
        late.iter().any(|w| w.to_string().contains("expected at most 2900 ms")),
        "expected a warning about 2900 ms, found {late:?}"
    );
    for fine in ["timeout_ms = 2900", "timeout_ms = 3000, budget_ms = 4000"] {
        let all = warnings_of(&format!("live_play = {{ url = 'http://a.test/', {fine} }}"));
        assert!(
            all.iter().all(|w| w.kind() != FaultKind::TimeoutTooLong),
            "expected no warning about a long timeout, found {all:?}"
        );
    }
}

#[test]
fn repeats_last_good_reply_to_same_viewer_if_app_fails() {
    let policy = "[template.on.live_play]\nlast_good = { max_age_secs = 60 }\n\
                  on_failure = { result = 0, message = 'later' }";
    let gate = gate("", policy);
    let ask = |body: &str, answer: &Answer, now| {
        expect_question(accept_play(&gate, body, at(now)).next(at(now))).conclude(answer, at(now))
    };
    let failed = r#"{"data":{"result":0,"message":"later"}}"#;
    assert_eq!(ask(&play("u", ""), &Answer::Timeout, 0).reply.body(), failed);
    let good = ask(&play("u", "&localtime=1"), &answer(200, r#"{"result":1,"vmcheck":0}"#), 1);
    // Neither a failure nor a reply of the failure policy replaces the last good reply.
    let (error, bad_json) = (answer(500, ""), answer(200, "?"));
    for failure in [error, bad_json, answer(200, r#"{"result":7}"#), Answer::Timeout] {
        let repeated = ask(&play("u", "&localtime=2&player_id=p"), &failure, 60);
        assert_eq!(repeated.reply.body(), good.reply.body());
        assert!(
            matches!(repeated.origin, Origin::LastGood(_)),
            "expected the last good reply, found {:?}",
            repeated.origin
        );
        assert!(code(&repeated).is_some());
        drop(ask(&play("x", ""), &answer(200, ""), 60));
    }
    for other in [
        play("v", ""),
        play("u", "&uservalues=%7B%22uservalue0%22%3A%22b%22%7D"),
        play("u", "").replace("media_content_key=m", "media_content_key=n"),
        play("u", "").replace("channel_key=c", "channel_key=d"),
    ] {
        assert_eq!(ask(&other, &Answer::Timeout, 2).reply.body(), failed, "{other}");
        drop(ask(&play("x", ""), &answer(200, ""), 2));
    }
    assert_eq!(
        ask(&play("u", ""), &Answer::Timeout, 61).reply.body(),
        failed,
        "reply after max_age_secs"
    );
    let denied = ask(&play("u", ""), &answer(403, r#"{"message":"no"}"#), 70);
    let repeated = ask(&play("u", ""), &Answer::Timeout, 71);
    assert_eq!(repeated.reply.body(), denied.reply.body(), "last good reply");
}

#[test]
fn on_failure_is_a_keyword_or_a_reply() {
    let reply = |on_failure: &str| {
        let gate = gate("", &format!("[template.on.live_play]\non_failure = {on_failure}"));
        let question = expect_question(accept_play(&gate, &play("u", ""), at(0)).next(at(0)));
        let reply = question.conclude(&Answer::Timeout, at(0)).reply;
        String::from_utf8(reply.body().to_vec()).unwrap()
    };
    assert_eq!(reply("'allow'"), r#"{"data":{"result":1}}"#);
    assert_eq!(reply("'deny'"), r#"{"data":{"result":0}}"#);
    assert_eq!(reply("'last_good'"), r#"{"data":{"result":0}}"#);
    assert_eq!(reply("{ result = 1, vmcheck = 0 }"), r#"{"data":{"result":1,"vmcheck":0}}"#);
}

#[test]
fn skips_app_with_open_circuit_until_one_probe_succeeds() {
    let gate = gate("[template.on]\npush = 'http://app.test/push?secret'", "");
    let next = |sequence, now| accept_push(&gate, &push(sequence, 600), at(now)).next(at(now));
    let is_open = || {
        let all = gate.circuits();
        let circuit = all.iter().find(|circuit| circuit.address == "http://app.test/push");
        circuit.unwrap_or_else(|| panic!("expected a circuit, found {all:?}")).is_open
    };
    for sequence in 0..3 {
        assert!(!is_open());
        drop(expect_question(next(sequence, 0)).conclude(&Answer::Timeout, at(0)));
    }
    assert!(is_open());
    let conclusion = expect_reply(next(3, 0));
    assert_eq!(code(&conclusion), Some(UnavailableKind::CircuitOpen.as_str()));
    assert_eq!(conclusion.reply.status(), 503);
    let question = expect_question(next(4, 1));
    let second = next(5, 1);
    assert!(
        matches!(second, Next::Reply(_)),
        "expected no second probe at the same time, found {second:?}"
    );
    drop(question.conclude(&answer(200, ""), at(1)));
    assert!(!is_open());
    drop(expect_question(next(5, 1)));
}

#[test]
fn shadow_mode_does_not_remember_signatures() {
    let text = "[[route]]\npath = '/shadow'\nprovider = 'tencent-css'\nmode = 'shadow'\n\
                [[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
                [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['test']\n\
                bind = '*'\nsignature_reuse = 'refuse'";
    let gate = Gate::builder().toml(text).build().unwrap();
    let (uri, headers) = (Uri::from_static("/shadow"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let admission = gate.admit(&head, at(0));
    let Admission::Shadow(shadow) = admission else {
        panic!("expected shadow mode, found {admission:?}")
    };
    let mut observer = shadow.observe(|shadowed| assert_eq!(shadowed.code(), "accepted"));
    observer.push(push(1, 600).into());
    observer.finish(at(0));
    drop(expect_question(accept_push(&gate, &push(2, 600), at(0)).next(at(0))));
}

#[test]
fn timeout_due_to_slow_client_does_not_open_circuit() {
    let gate = gate("", "");
    let late = Timestamp::from_millis(at(0).as_millis() + 2880);
    let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
    let slow = || {
        let admission = gate.admit(&Head::new(&Method::POST, &uri, &headers), at(0));
        let Admission::Callback(mut intake) = admission else {
            panic!("expected a callback, found {admission:?}")
        };
        intake.push(play("u", "").into()).unwrap();
        expect_question(intake.finish(late).unwrap().next(late))
    };
    for _ in 0..5 {
        let question = slow();
        assert_eq!(question.timeout().as_millis(), 20);
        assert_eq!(code(&question.conclude(&Answer::Timeout, late)), Some("app_timeout"));
    }
    assert!(gate.circuits().iter().all(|circuit| !circuit.is_open));
}

// The callback's id is in a header that the signature does not cover.
#[test]
fn unsigned_id_does_not_identify_event() {
    let folder = tempfile::tempdir().unwrap();
    let definition = "name = 'cam'\ntitle = 'Cam'\ndocs = 'd'\nce_type = 'cam'\n\
                      id = 'header:x-id'\n[request]\nmethods = 'POST'\nbody = 'json'\n\
                      [kind]\nother = 'event'\n[kinds.event]\n[signature]\n\
                      digest = 'hmac-sha256'\nparts = 'body'\nfound_in = 'header:x-sign'\n\
                      encoding = 'hex'";
    std::fs::write(folder.path().join("cam.toml"), definition).unwrap();
    let text = "provider_files = ['cam.toml']\n[[route]]\npath = '/cam'\nprovider = 'cam'\n\
                [[template]]\nname = 'cam'\nprovider = 'cam'\nkeys = ['k']\nbind = '*'";
    std::fs::write(folder.path().join("gatepost.toml"), text).unwrap();
    let gate = Gate::from_toml_file(folder.path().join("gatepost.toml")).unwrap();
    let sent = |body: &'static str, sign: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-id", "1".parse().unwrap());
        headers.insert("x-sign", sign.parse().unwrap());
        let uri = Uri::from_static("/cam");
        let admission = gate.admit(&Head::new(&Method::POST, &uri, &headers), at(0));
        let Admission::Callback(mut intake) = admission else {
            panic!("expected a callback, found {admission:?}")
        };
        intake.push(body.into()).unwrap();
        intake.finish(at(0)).unwrap_or_else(|error| panic!("expected acceptance, found {error}"))
    };
    let [a, b] = SIGNED;
    drop(expect_question(sent(a.0, a.1).next(at(0))).conclude(&answer(200, ""), at(0)));
    assert!(matches!(sent(a.0, a.1).next(at(0)), Next::Reply(_)));
    drop(expect_question(sent(b.0, b.1).next(at(0))));
}

// The platform signs only the time. The callback's id depends only on a part of the body.
#[test]
fn detects_reused_signature_for_another_body_with_same_id() {
    for id_rule in ["id = '/id'", "id_without = 'n'\nsequence = '/id'"] {
        let folder = tempfile::tempdir().unwrap();
        let definition = format!(
            "name = 'cam'\ntitle = 'Cam'\ndocs = 'd'\nce_type = 'cam'\n{id_rule}\n\
             [request]\nmethods = 'POST'\nbody = 'json'\n[kind]\nother = 'event'\n[kinds.event]\n\
             [signature]\ndigest = 'md5'\nparts = ['key', '/t']\nfound_in = '/sign'\n\
             encoding = 'hex'\ntime = {{ from = '/t', means = 'expiry', unit = 's', \
             lifetime_secs = 600, max_ahead_secs = 900, grace_secs = 180 }}"
        );
        std::fs::write(folder.path().join("cam.toml"), definition).unwrap();
        let text = "provider_files = ['cam.toml']\n[[route]]\npath = '/cam'\nprovider = 'cam'\n\
                    [[template]]\nname = 'cam'\nprovider = 'cam'\nkeys = ['test']\nbind = '*'";
        std::fs::write(folder.path().join("gatepost.toml"), text).unwrap();
        let gate = Gate::from_toml_file(folder.path().join("gatepost.toml")).unwrap();
        let sent = |n: u8| {
            let (t, sign) = signed_time(600);
            let body = format!("{{\"id\":\"1\",\"n\":{n},\"t\":{t},\"sign\":\"{sign}\"}}");
            judge(&gate, "/cam", &body, at(0))
                .unwrap_or_else(|error| panic!("expected acceptance, found {error}"))
        };
        let first = sent(1);
        assert!(!first.reuses_signature() && !sent(1).reuses_signature());
        let other = sent(2);
        assert_eq!(other.event().id(), first.event().id());
        assert!(
            other.reuses_signature(),
            "{id_rule}: expected a reused signature, found a new one"
        );
    }
}

/// Two bodies, each with its HMAC-SHA256 under the key `k`.
const SIGNED: [(&str, &str); 2] = [
    (r#"{"n":1}"#, "d2096d38d6daae75e745b2935b72afa721590494ec70b2477097f53a96f51330"),
    (r#"{"n":2}"#, "ec785708f66c4b77f3cfacf3cea263205ca8af8de31d31029d8faf09a7f92998"),
];

#[test]
fn does_not_repeat_last_good_reply_if_reply_signing_has_changed() {
    let text = |reply: &str| {
        format!(
            "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
             [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
             settings = {{ security_key = 's', custom_key = 'c', live_play_reply = '{reply}' }}\n\
             [template.on.live_play]\nurl = 'http://app.test/'\nlast_good = true\n"
        )
    };
    let gate = Gate::builder().toml(text("plain")).build().unwrap();
    let ask = |answer: &Answer| {
        expect_question(accept_play(&gate, &play("u", ""), at(0)).next(at(0)))
            .conclude(answer, at(0))
    };
    drop(ask(&answer(200, r#"{"result":1}"#)));
    assert!(matches!(ask(&Answer::Timeout).origin, Origin::LastGood(_)));
    gate.replace(gatepost::Config::from_text(&text("jwt"), "gatepost.toml").unwrap());
    let failed = ask(&Answer::Timeout);
    assert!(matches!(failed.origin, Origin::Failure(_)));
    assert!(failed.reply.body().starts_with(b"eyJ"));
}

#[test]
fn fault_describes_each_invalid_key_of_a_kind() {
    let fault = |on: &str| {
        let text = format!(
            "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n[[template]]\nname = 'paid'\n\
             provider = 'kollus'\nbind = '*'\nsettings = {{ security_key = 's', custom_key = 'c' }}\n\
             [template.on]\n{on}\n"
        );
        Gate::builder().toml(text).build().expect_err(on).to_string()
    };
    for (on, expected) in [
        ("live_play = { budget_ms = 100 }", "budget_ms"),
        ("live_play = { on_failure = 'maybe' }", "`last_good`"),
        ("live_play = { on_failure = 'last_good', last_good = false }", "beside on_failure"),
        ("live_play = { last_good = { max_age_secs = 0 } }", "max_age_secs"),
        ("live_play = { dedupe = 'yes' }", "write true, false, or { window_secs = 900 }"),
        (
            "drm = { on_failure = 'last_good' }",
            "expected a kind that names a viewer, found drm; write",
        ),
        (
            "drm = { last_good = true }",
            "expected a kind that names a viewer, found drm; remove last_good",
        ),
        ("upload = { last_good = true }", "expected a decision, found a notification"),
    ] {
        let fault = fault(on);
        assert!(fault.contains(expected), "expected {expected}, found {fault}");
    }
}
