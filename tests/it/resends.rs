//! Resends, replays, budgets and the failure policy, on a clock of their own.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gatepost::{
    Accepted, Admission, Answer, Gate, Head, Next, Origin, Question, Refusal, RefusalKind,
    Timestamp, UnavailableKind,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use md5::{Digest as _, Md5};

const T: i64 = 1_703_731_478;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(T + secs)
}

/// A gate with these lines in its templates of Tencent CSS and Kollus.
fn gate(tencent: &str, kollus: &str) -> Gate {
    let text = format!(
        "breaker = {{ failures = 3, retry_ms = 1000 }}\n\
         [[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
         [[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
         [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['test']\nbind = '*'\n\
         {tencent}\n\
         [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n{kollus}\n"
    );
    Gate::builder().toml(text).build().unwrap_or_else(|error| panic!("{error}"))
}

fn judge(gate: &Gate, path: &'static str, body: &str, now: Timestamp) -> Result<Accepted, Refusal> {
    let (uri, headers) = (Uri::from_static(path), HeaderMap::new());
    match gate.admit(&Head::new(&Method::POST, &uri, &headers), now) {
        Admission::Callback(mut intake) => {
            intake.push(body.to_owned().into())?;
            intake.finish(now)
        }
        Admission::Refused(refusal) => Err(refusal),
        Admission::Other | Admission::Shadow(_) => panic!("this is a callback path"),
    }
}

/// A push whose `t` is so many seconds after `T`.
/// A time, and its signature by the key `test`.
fn signed_time(secs: i64) -> (i64, String) {
    let t = T + secs;
    (t, Md5::digest(format!("test{t}")).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn push(sequence: u32, t: i64) -> String {
    let (t, sign) = signed_time(t);
    format!(
        r#"{{"app":"a.b","appname":"live","channel_id":"s","event_time":1,"event_type":1,
            "node":"n","sequence":"{sequence}","stream_id":"s","stream_param":"","user_ip":"u",
            "t":{t},"sign":"{sign}"}}"#
    )
}

fn pushed(gate: &Gate, body: &str, now: Timestamp) -> Accepted {
    judge(gate, "/tencent", body, now).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn play(user: &str, extra: &str) -> String {
    format!("kind=100&client_user_id={user}&media_content_key=m&channel_key=c{extra}")
}

fn played(gate: &Gate, body: &str, now: Timestamp) -> Accepted {
    judge(gate, "/kollus", body, now).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn asked(next: Next) -> Question {
    match next {
        Next::Ask(question) => question,
        Next::Reply(conclusion) => panic!("not asked: {conclusion:?}"),
        Next::Wait(wait) => panic!("not asked: {wait:?}"),
    }
}

fn replied(next: Next) -> gatepost::Conclusion {
    match next {
        Next::Reply(conclusion) => conclusion,
        Next::Ask(_) | Next::Wait(_) => panic!("the app is asked"),
    }
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer::Response { status: StatusCode::from_u16(status).unwrap(), body: Some(body.into()) }
}

fn code(conclusion: &gatepost::Conclusion) -> Option<&'static str> {
    conclusion.origin.failure().map(|why| why.kind().as_str())
}

#[test]
fn a_resend_of_what_the_app_has_taken_is_acknowledged_without_it() {
    let gate = gate("", "");
    let first = pushed(&gate, &push(1, 600), at(0));
    let done = asked(first.next(at(0))).conclude(&answer(200, ""), at(1));
    assert!(matches!(done.origin, Origin::App));
    // Another `t` and `sign`, and other white space, are the same event.
    let again = pushed(&gate, &push(1, 660).replace(":\"live\"", ": \"live\""), at(60));
    let resent = replied(again.next(at(60)));
    assert!(matches!(resent.origin, Origin::Resend));
    assert_eq!(resent.reply.body(), done.reply.body());
    assert_eq!(resent.reply.status(), done.reply.status());
    drop(asked(pushed(&gate, &push(2, 660), at(60)).next(at(60))));
}

#[test]
fn what_was_taken_is_known_for_the_life_of_the_signature() {
    let gate = gate("", "");
    let take = |now| {
        let accepted = pushed(&gate, &push(1, now + 600), at(now));
        drop(asked(accepted.next(at(now))).conclude(&answer(200, ""), at(now)));
    };
    take(0);
    // `max_ahead_secs` and `grace_secs` are 900 and 180.
    let later = pushed(&gate, &push(1, 1079 + 600), at(1079));
    assert!(matches!(later.next(at(1079)), Next::Reply(_)));
    take(1080);
}

#[test]
fn what_the_app_did_not_take_is_not_known() {
    let gate = gate("", "");
    for said in [answer(500, ""), Answer::Timeout, Answer::Unreachable("refused".into())] {
        let question = asked(pushed(&gate, &push(1, 600), at(0)).next(at(0)));
        assert_eq!(question.conclude(&said, at(1)).reply.status(), 503);
    }
}

#[test]
fn of_two_at_once_the_app_is_asked_once_and_both_get_its_answer() {
    let gate = gate("", "");
    for (said, status) in [(answer(500, ""), 503), (answer(200, ""), 200)] {
        let question = asked(pushed(&gate, &push(1, 600), at(0)).next(at(0)));
        let Next::Wait(mut wait) = pushed(&gate, &push(1, 601), at(0)).next(at(0)) else {
            panic!("it does not wait")
        };
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(&mut wait).poll(&mut context).is_pending());
        let first = question.conclude(&said, at(1));
        let Poll::Ready(Some(second)) = pin!(&mut wait).poll(&mut context) else {
            panic!("it has no answer")
        };
        assert_eq!(first.reply.status(), status);
        assert_eq!(second.reply.status(), status);
        assert_eq!(second.reply.body(), first.reply.body());
    }
}

#[test]
fn one_who_waits_asks_when_the_other_is_cut_off() {
    let gate = gate("", "");
    let question = asked(pushed(&gate, &push(1, 600), at(0)).next(at(0)));
    let second = pushed(&gate, &push(1, 600), at(0));
    let Next::Wait(wait) = second.next(at(0)) else { panic!("it does not wait") };
    drop(question);
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(wait).poll(&mut context), Poll::Ready(None)));
    drop(asked(second.next(at(1))));
}

#[test]
fn one_who_has_waited_long_enough_gets_the_failure_policy() {
    let gate = gate("", "[template.on.live_play]\ndedupe = true\non_failure = 'allow'");
    let _question = asked(played(&gate, &play("u", ""), at(0)).next(at(0)));
    let Next::Wait(wait) = played(&gate, &play("u", ""), at(0)).next(at(0)) else {
        panic!("it does not wait")
    };
    assert_eq!(wait.timeout(), Duration::from_secs(2));
    let conclusion = wait.give_up(at(2));
    assert_eq!(code(&conclusion), Some("app_timeout"));
    assert_eq!(conclusion.reply.body(), r#"{"data":{"result":1}}"#);
}

#[test]
fn decisions_are_asked_each_time_unless_the_template_says_otherwise() {
    let usual = gate("", "");
    for _ in 0..2 {
        let question = asked(played(&usual, &play("u", ""), at(0)).next(at(0)));
        drop(question.conclude(&answer(200, r#"{"result":1}"#), at(0)));
    }
    let deduped = gate("", "[template.on.live_play]\ndedupe = { window_secs = 60 }");
    let question = asked(played(&deduped, &play("u", ""), at(0)).next(at(0)));
    let said = r#"{"result":0,"message":"no"}"#;
    let first = question.conclude(&answer(200, said), at(0));
    let resent = replied(played(&deduped, &play("u", ""), at(59)).next(at(59)));
    assert_eq!(resent.reply.body(), first.reply.body());
    drop(asked(played(&deduped, &play("v", ""), at(59)).next(at(59))));
    drop(asked(played(&deduped, &play("u", ""), at(60)).next(at(60))));
}

#[test]
fn a_kind_whose_events_may_say_the_same_is_asked_about_each_time() {
    let state = "channel_key=c&stream_key=s&broadcast_key=b&broadcast_state=resume";
    let ask = |gate: &Gate| {
        let accepted = judge(gate, "/kollus", state, at(0)).unwrap();
        match accepted.next(at(0)) {
            Next::Ask(question) => {
                drop(question.conclude(&answer(200, ""), at(0)));
                true
            }
            Next::Reply(_) | Next::Wait(_) => false,
        }
    };
    let usual = gate("", "");
    assert!(ask(&usual) && ask(&usual));
    let deduped = gate("", "[template.on.broadcast_state]\ndedupe = true");
    assert!(ask(&deduped) && !ask(&deduped));
}

#[test]
fn a_template_may_have_resends_asked_about_too() {
    let gate = gate("dedupe = false", "");
    for _ in 0..2 {
        let question = asked(pushed(&gate, &push(1, 600), at(0)).next(at(0)));
        drop(question.conclude(&answer(200, ""), at(0)));
    }
}

#[test]
fn what_was_taken_is_known_after_a_change_of_the_config() {
    let gate = gate("", "");
    let question = asked(pushed(&gate, &push(1, 600), at(0)).next(at(0)));
    drop(question.conclude(&answer(200, ""), at(0)));
    let text = "[[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
                [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['test']\nbind = '*'";
    gate.replace(gatepost::Config::from_text(text, "gatepost.toml").unwrap());
    assert!(matches!(pushed(&gate, &push(1, 600), at(0)).next(at(0)), Next::Reply(_)));
}

#[test]
fn a_signature_with_another_body_is_counted() {
    let gate = gate("", "");
    assert!(!pushed(&gate, &push(1, 600), at(0)).reuses_signature());
    assert!(!pushed(&gate, &push(1, 600), at(1)).reuses_signature(), "a resend");
    assert!(pushed(&gate, &push(2, 600), at(1)).reuses_signature());
    assert!(!pushed(&gate, &push(2, 601), at(1)).reuses_signature());
}

#[test]
fn a_signature_with_another_body_is_refused_if_the_template_says_so() {
    let gate = gate("signature_reuse = 'refuse'", "");
    pushed(&gate, &push(1, 600), at(0));
    pushed(&gate, &push(1, 600), at(1));
    let upper = push(2, 600);
    let sign = upper.rsplit('"').nth(1).unwrap();
    // Another spelling of the signature is the same one.
    for body in [upper.clone(), upper.replace(sign, &sign.to_uppercase())] {
        let refusal = judge(&gate, "/tencent", &body, at(1)).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::SignatureReused);
        assert_eq!(refusal.reply().status(), 401);
    }
    pushed(&gate, &push(2, 601), at(1));
}

#[test]
fn the_app_has_what_is_left_of_the_platforms_time() {
    let gate = gate(
        "[template.on]\npush = { timeout_ms = 15000 }",
        "[template.on]\nlive_play = { budget_ms = 1500, timeout_ms = 1500 }",
    );
    let uri = Uri::from_static("/kollus");
    let headers = HeaderMap::new();
    let head = Head::new(&Method::POST, &uri, &headers);
    let accepted = |spent| {
        let Admission::Callback(mut intake) = gate.admit(&head, at(0)) else {
            panic!("a callback")
        };
        intake.push(play("u", "").into()).unwrap();
        let now = Timestamp::from_millis(at(0).as_millis() + spent);
        (intake.finish(now).unwrap(), now)
    };
    let left = |spent| {
        let (accepted, now) = accepted(spent);
        asked(accepted.next(now)).timeout().as_millis()
    };
    // 100 ms are for the reply.
    assert_eq!((left(0), left(400), left(1399)), (1400, 1000, 1));
    let (late, now) = accepted(1400);
    assert_eq!(code(&replied(late.next(now))), Some("app_timeout"));
    let push = pushed(&gate, &push(1, 600), at(0));
    assert_eq!(asked(push.next(at(0))).timeout(), Duration::from_secs(15));
    assert_eq!(asked(push.next(at(12))).timeout(), Duration::from_millis(7900));
}

#[test]
fn every_kind_ends_before_its_platform_gives_up() {
    let warnings = |on: &str| gate("", &format!("[template.on]\n{on}")).warnings();
    let late = warnings("live_play = { url = 'http://a.test/', timeout_ms = 3000 }");
    assert!(late.iter().any(|w| w.to_string().contains("so the app gets 2900 ms")), "{late:?}");
    for fine in ["timeout_ms = 2900", "timeout_ms = 3000, budget_ms = 4000"] {
        let all = warnings(&format!("live_play = {{ url = 'http://a.test/', {fine} }}"));
        assert!(!all.iter().any(|w| w.to_string().contains("waits")), "{all:?}");
    }
}

#[test]
fn the_last_good_reply_stands_in_for_a_failure() {
    let policy = "[template.on.live_play]\nlast_good = { max_age_secs = 60 }\n\
                  on_failure = { result = 0, message = 'later' }";
    let gate = gate("", policy);
    let ask = |body: &str, said: &Answer, now| {
        asked(played(&gate, body, at(now)).next(at(now))).conclude(said, at(now))
    };
    let failed = r#"{"data":{"result":0,"message":"later"}}"#;
    assert_eq!(ask(&play("u", ""), &Answer::Timeout, 0).reply.body(), failed);
    let good = ask(&play("u", "&localtime=1"), &answer(200, r#"{"result":1,"vmcheck":0}"#), 1);
    // Neither an error nor the policy's own reply is ever good.
    for said in [answer(500, ""), answer(200, "?"), answer(200, r#"{"result":7}"#), Answer::Timeout]
    {
        let stood_in = ask(&play("u", "&localtime=2&player_id=p"), &said, 60);
        assert_eq!(stood_in.reply.body(), good.reply.body());
        assert!(matches!(stood_in.origin, Origin::LastGood(_)), "{:?}", stood_in.origin);
        assert!(code(&stood_in).is_some());
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
    assert_eq!(ask(&play("u", ""), &Answer::Timeout, 61).reply.body(), failed, "too old");
    let denied = ask(&play("u", ""), &answer(403, r#"{"message":"no"}"#), 70);
    let stood_in = ask(&play("u", ""), &Answer::Timeout, 71);
    assert_eq!(stood_in.reply.body(), denied.reply.body(), "a refusal is an answer too");
}

#[test]
fn on_failure_is_a_word_or_a_reply() {
    let reply = |on_failure: &str| {
        let gate = gate("", &format!("[template.on.live_play]\non_failure = {on_failure}"));
        let question = asked(played(&gate, &play("u", ""), at(0)).next(at(0)));
        let reply = question.conclude(&Answer::Timeout, at(0)).reply;
        String::from_utf8(reply.body().to_vec()).unwrap()
    };
    assert_eq!(reply("'allow'"), r#"{"data":{"result":1}}"#);
    assert_eq!(reply("'deny'"), r#"{"data":{"result":0}}"#);
    assert_eq!(reply("'last_good'"), r#"{"data":{"result":0}}"#);
    assert_eq!(reply("{ result = 1, vmcheck = 0 }"), r#"{"data":{"result":1,"vmcheck":0}}"#);
}

#[test]
fn an_app_that_is_down_is_not_asked_until_it_is_tried_again() {
    let gate = gate("[template.on]\npush = 'http://app.test/push?secret'", "");
    let next = |sequence, now| pushed(&gate, &push(sequence, 600), at(now)).next(at(now));
    let is_open = || {
        let all = gate.circuits();
        let circuit = all.iter().find(|one| one.address == "http://app.test/push");
        circuit.unwrap_or_else(|| panic!("{all:?}")).is_open
    };
    for sequence in 0..3 {
        assert!(!is_open());
        drop(asked(next(sequence, 0)).conclude(&Answer::Timeout, at(0)));
    }
    assert!(is_open());
    let conclusion = replied(next(3, 0));
    assert_eq!(code(&conclusion), Some(UnavailableKind::CircuitOpen.as_str()));
    assert_eq!(conclusion.reply.status(), 503);
    let question = asked(next(4, 1));
    assert!(matches!(next(5, 1), Next::Reply(_)), "one tries");
    drop(question.conclude(&answer(200, ""), at(1)));
    assert!(!is_open());
    drop(asked(next(5, 1)));
}

#[test]
fn what_only_passes_in_shadow_mode_is_not_remembered() {
    let text = "[[route]]\npath = '/shadow'\nprovider = 'tencent-css'\nmode = 'shadow'\n\
                [[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
                [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['test']\n\
                bind = '*'\nsignature_reuse = 'refuse'";
    let gate = Gate::builder().toml(text).build().unwrap();
    let (uri, headers) = (Uri::from_static("/shadow"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let Admission::Shadow(shadow) = gate.admit(&head, at(0)) else { panic!("it passes") };
    let mut observer = shadow.observe(|shadowed| assert_eq!(shadowed.code(), "accepted"));
    observer.push(push(1, 600).into());
    observer.finish(at(0));
    drop(asked(pushed(&gate, &push(2, 600), at(0)).next(at(0))));
}

#[test]
fn a_sender_that_takes_the_time_itself_says_nothing_of_the_app() {
    let gate = gate("", "");
    let late = Timestamp::from_millis(at(0).as_millis() + 2880);
    let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
    let slow = || {
        let admission = gate.admit(&Head::new(&Method::POST, &uri, &headers), at(0));
        let Admission::Callback(mut intake) = admission else { panic!("a callback") };
        intake.push(play("u", "").into()).unwrap();
        asked(intake.finish(late).unwrap().next(late))
    };
    for _ in 0..5 {
        let question = slow();
        assert_eq!(question.timeout().as_millis(), 20);
        assert_eq!(code(&question.conclude(&Answer::Timeout, late)), Some("app_timeout"));
    }
    assert!(gate.circuits().iter().all(|circuit| !circuit.is_open));
}

/// A provider that names its events in a header that nobody signs.
#[test]
fn an_identifier_that_is_not_signed_tells_no_event() {
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
        let Admission::Callback(mut intake) = admission else { panic!("a callback") };
        intake.push(body.into()).unwrap();
        intake.finish(at(0)).unwrap_or_else(|refusal| panic!("{refusal}"))
    };
    let [a, b] = SIGNED;
    drop(asked(sent(a.0, a.1).next(at(0))).conclude(&answer(200, ""), at(0)));
    assert!(matches!(sent(a.0, a.1).next(at(0)), Next::Reply(_)));
    drop(asked(sent(b.0, b.1).next(at(0))));
}

/// A provider that signs a time alone, and whose events' ids leave something out.
#[test]
fn another_body_is_another_one_though_its_id_is_the_same() {
    for left_out in ["id = '/id'", "id_without = 'n'"] {
        let folder = tempfile::tempdir().unwrap();
        let definition = format!(
            "name = 'cam'\ntitle = 'Cam'\ndocs = 'd'\nce_type = 'cam'\n{left_out}\n\
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
            judge(&gate, "/cam", &body, at(0)).unwrap_or_else(|refusal| panic!("{refusal}"))
        };
        let first = sent(1);
        assert!(!first.reuses_signature() && !sent(1).reuses_signature());
        let other = sent(2);
        assert_eq!(other.event().id(), first.event().id());
        assert!(other.reuses_signature(), "{left_out}");
    }
}

/// Bodies, and their HMAC-SHA256 by the key `k`.
const SIGNED: [(&str, &str); 2] = [
    (r#"{"n":1}"#, "d2096d38d6daae75e745b2935b72afa721590494ec70b2477097f53a96f51330"),
    (r#"{"n":2}"#, "ec785708f66c4b77f3cfacf3cea263205ca8af8de31d31029d8faf09a7f92998"),
];

#[test]
fn a_reply_that_left_in_another_form_is_not_given_again() {
    let text = |reply: &str| {
        format!(
            "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
             [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
             settings = {{ security_key = 's', custom_key = 'c', live_play_reply = '{reply}' }}\n\
             [template.on.live_play]\nurl = 'http://app.test/'\nlast_good = true\n"
        )
    };
    let gate = Gate::builder().toml(text("plain")).build().unwrap();
    let ask = |said: &Answer| {
        asked(played(&gate, &play("u", ""), at(0)).next(at(0))).conclude(said, at(0))
    };
    drop(ask(&answer(200, r#"{"result":1}"#)));
    assert!(matches!(ask(&Answer::Timeout).origin, Origin::LastGood(_)));
    gate.replace(gatepost::Config::from_text(&text("jwt"), "gatepost.toml").unwrap());
    let failed = ask(&Answer::Timeout);
    assert!(matches!(failed.origin, Origin::Failure(_)));
    assert!(failed.reply.body().starts_with(b"eyJ"));
}

#[test]
fn every_wrong_policy_is_told() {
    let fault = |on: &str| {
        let text = format!(
            "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n[[template]]\nname = 'paid'\n\
             provider = 'kollus'\nbind = '*'\nsettings = {{ security_key = 's', custom_key = 'c' }}\n\
             [template.on]\n{on}\n"
        );
        Gate::builder().toml(text).build().expect_err(on).to_string()
    };
    for (on, said) in [
        ("live_play = { budget_ms = 100 }", "budget_ms"),
        ("live_play = { on_failure = 'maybe' }", "`last_good`"),
        ("live_play = { on_failure = 'last_good', last_good = false }", "this switches off"),
        ("live_play = { last_good = { max_age_secs = 0 } }", "max_age_secs"),
        ("live_play = { dedupe = 'yes' }", "write true, false, or { window_secs = 900 }"),
        ("drm = { on_failure = 'last_good' }", "name no viewer"),
        ("upload = { last_good = true }", "only wants an acknowledgement"),
    ] {
        let told = fault(on);
        assert!(told.contains(said), "{told}");
    }
}
