//! Tests of the replies that gatepost derives from the app's answers: from answers with unknown
//! members, from empty answers, and from answers that contradict an acknowledgement.

use gatepost::{
    Accepted, Admission, Answer, Conclusion, Config, Gate, Head, Next, Permission, Question,
    Template, Timestamp, UnavailableKind,
};
use http::{HeaderMap, Method, StatusCode, Uri};

const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);
const PLAY: &str = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
const DRM: &str = "items=%5B%7B%22kind%22%3A1%2C%22media_content_key%22%3A%22a%22%7D%5D";
const OPENING: &str =
    r#"{"request":{"direction":"incoming","status":"opening","url":"rtmp://o.test/a/s"}}"#;
const ON_PLAY: &str = r#"{"action":"on_play","vhost":"v","app":"a","stream":"s"}"#;
const ON_STOP: &str = r#"{"action":"on_stop","vhost":"v","app":"a","stream":"s"}"#;

const ALLOWED: &str = r#"{"data":{"result":1}}"#;
const DENIED: &str = r#"{"data":{"result":0}}"#;

/// Returns a gate with a template for each provider. Adds the config lines `kollus` and `srs` to
/// the templates for Kollus and SRS.
fn gate(kollus: &str, srs: &str) -> Gate {
    let text = format!(
        "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
         [[route]]\npath = '/ome'\nprovider = 'ovenmediaengine'\n\
         [[route]]\npath = '/srs'\nprovider = 'srs'\n\
         [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
         settings = {{ security_key = 'k', custom_key = 'c' }}\n{kollus}\n\
         [[template]]\nname = 'ome'\nprovider = 'ovenmediaengine'\nbind = '*'\n\
         insecure_unsigned = true\n\
         [[template]]\nname = 'srs'\nprovider = 'srs'\nbind = '*'\n{srs}\n"
    );
    Gate::builder().toml(text).build().unwrap_or_else(|e| panic!("expected a gate, found {e}"))
}

fn accept(gate: &Gate, path: &'static str, body: &'static str) -> Accepted {
    let (uri, headers) = (Uri::from_static(path), HeaderMap::new());
    let admission = gate.admit(&Head::new(&Method::POST, &uri, &headers), NOW);
    let Admission::Callback(mut intake) = admission else {
        panic!("expected a callback, found {admission:?}")
    };
    intake.push(body.into()).unwrap();
    intake.finish(NOW).unwrap_or_else(|error| panic!("expected acceptance, found {error}"))
}

fn question(gate: &Gate, path: &'static str, body: &'static str) -> Question {
    match accept(gate, path, body).next(NOW) {
        Next::Ask(question) => question,
        next @ (Next::Reply(_) | Next::Store(_) | Next::Wait(_)) => {
            panic!("expected a question, found {next:?}")
        }
    }
}

fn response(status: u16, body: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    Answer::response(status, Some(body.to_owned().into()))
}

fn conclude(gate: &Gate, path: &'static str, body: &'static str, answer: &str) -> Conclusion {
    question(gate, path, body).conclude(&response(200, answer), NOW)
}

fn code(conclusion: &Conclusion) -> &'static str {
    conclusion.origin.failure().map_or("app", |reason| reason.kind().as_str())
}

fn text(conclusion: &Conclusion) -> &str {
    std::str::from_utf8(conclusion.reply.body()).unwrap()
}

fn dropped(conclusion: &Conclusion) -> Vec<&str> {
    conclusion.dropped_members().collect()
}

#[test]
fn drops_and_lists_unknown_members_of_an_answer_to_a_decision() {
    let gate = gate("", "");
    for (answer, names) in [
        (r#"{"data":{"result":1},"exp":1800000000}"#, vec!["exp"]),
        (r#"{"data":{"result":1},"meta":{"a":1},"code":0}"#, vec!["meta", "code"]),
        (r#"{"data":{"result":1,"user":"x","roles":[]}}"#, vec!["user", "roles"]),
        (r#"{"allow":true,"user":"x"}"#, vec!["user"]),
        (r#"{"data":{"allow":true,"ttl":60}}"#, vec!["ttl"]),
        (r#"{"data":{"result":1},"date":"today"}"#, vec!["date"]),
        (r#"{"result":1,"date":"today"}"#, vec!["date"]),
        (r#"{"result":1,"debug":{"result":0}}"#, vec!["debug"]),
    ] {
        let conclusion = conclude(&gate, "/kollus", PLAY, answer);
        assert_eq!((text(&conclusion), code(&conclusion)), (ALLOWED, "app"), "{answer}");
        assert_eq!(dropped(&conclusion), names, "{answer}");
    }
    let known = conclude(&gate, "/kollus", PLAY, r#"{"result":1,"vmcheck":1}"#);
    assert_eq!(dropped(&known), [""; 0]);
    let ome = conclude(&gate, "/ome", OPENING, r#"{"allowed":true,"code":0}"#);
    assert_eq!((text(&ome), code(&ome)), (r#"{"allowed":true}"#, "app"));
    assert_eq!(dropped(&ome), ["code"]);
}

#[test]
fn drops_unknown_members_of_list_elements() {
    let gate = gate("", "");
    for answer in [
        r#"[{"result":1,"note":"x"}]"#,
        r#"{"data":[{"result":1,"note":"x"}]}"#,
        r#"{"data":[{"result":1}],"note":1}"#,
        r#"{"data":[{"allow":true,"note":"x"}]}"#,
    ] {
        let conclusion = conclude(&gate, "/kollus", DRM, answer);
        assert_eq!(code(&conclusion), "app", "{answer}");
        assert_eq!(dropped(&conclusion), ["note"], "{answer}");
    }
}

#[test]
fn lists_at_most_16_dropped_members() {
    let many: String = (0..5000).map(|n| format!(",\"unknown{n}\":0")).collect();
    let conclusion = conclude(&gate("", ""), "/kollus", PLAY, &format!("{{\"result\":1{many}}}"));
    assert_eq!(text(&conclusion), ALLOWED);
    let count = dropped(&conclusion).len();
    assert!((1..=16).contains(&count), "expected 1 to 16 members, found {count}");
}

#[test]
fn misspelt_member_or_contradiction_makes_answer_invalid() {
    let gate = gate("", "");
    for answer in [
        r#"{"alow":true}"#,
        r#"{"Allow":true}"#,
        r#"{"allow":true,"mesage":"x"}"#,
        r#"{"result":1,"disable_tvot":1}"#,
        r#"{"result":1,"disable-tvout":1}"#,
        r#"{"result":1,"VMCheck":1}"#,
        r#"{"Data":{"result":0},"result":1}"#,
        r#"{"data":{"result":1,"disable_tvot":1}}"#,
        r#"{"data":{"result":1},"resul":0}"#,
        // Beside `data`, gatepost expects no reply field, no `allow` and no misspelt `data`.
        r#"{"data":{"result":1},"result":0}"#,
        r#"{"data":{"result":1},"allow":false}"#,
        r#"{"data":{"result":1},"allow":true}"#,
        r#"{"data":{"result":1},"vmcheck":1}"#,
        r#"{"data":{"result":1},"Data":{"result":0}}"#,
        r#"{"data":{"result":1},"daata":{"result":0}}"#,
    ] {
        let conclusion = conclude(&gate, "/kollus", PLAY, answer);
        assert_eq!((text(&conclusion), code(&conclusion)), (DENIED, "answer_invalid"), "{answer}");
    }
    let misspelt = conclude(&gate, "/kollus", PLAY, r#"{"result":1,"disable_tvot":1}"#);
    let reason = misspelt.origin.failure().unwrap().to_string();
    assert!(reason.contains("did you mean"), "expected a suggestion, found {reason}");
    let open = conclude(&gate, "/srs", ON_PLAY, r#"{"code":0,"Code":1}"#);
    assert_eq!(code(&open), "answer_invalid");
    let open = conclude(&gate, "/srs", ON_PLAY, r#"{"code":0,"mode":1}"#);
    assert_eq!((text(&open), code(&open)), (r#"{"code":0,"mode":1}"#, "app"));
}

#[test]
fn reports_unknown_members_in_keys_answer_on_failure_and_reply() {
    for on in [
        "answer = { result = 1, note = 'x' }",
        "answer = { allow = true, note = 'x' }",
        "answer = { data = { result = 1 }, exp = 1 }",
        "url = 'http://a.test/'\non_failure = { result = 0, note = 'x' }",
        "url = 'http://a.test/'\nreply = { note = 'x' }",
    ] {
        let text = format!(
            "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
             provider = 'kollus'\nbind = '*'\n[template.on.live_play]\n{on}\n"
        );
        let error = Gate::builder().toml(text).build().err().map(|error| error.to_string());
        assert!(
            error.as_ref().is_some_and(|error| error.contains("reply field")),
            "{on}: expected a fault about a reply field, found {error:?}"
        );
    }
    let nested = "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
                  provider = 'kollus'\nbind = '*'\n\
                  settings = { security_key = 'k', custom_key = 'c' }\n[template.on.vod_play]\n\
                  answer = { result = 1, play_section = { start_time = 0, end_time = 1, x = 1 } }\n";
    assert!(Gate::builder().toml(nested).build().is_err(), "expected a fault, found none");
}

#[test]
fn reads_lone_surrogates_in_answer_as_replacement_characters() {
    let gate = gate("", "");
    let native = conclude(&gate, "/kollus", PLAY, r#"{"result":0,"message":"no \ud83d"}"#);
    assert_eq!(code(&native), "app");
    let reply: serde_json::Value = serde_json::from_slice(native.reply.body()).unwrap();
    assert_eq!(reply["data"]["message"], "no \u{fffd}");
    for answer in [
        r#"[{"result":1,"message":"\ude00"}]"#,
        r#"{"data":[{"result":1,"message":"\ude00"}]}"#,
        r#"{"result":1,"user":"\ud83d"}"#,
    ] {
        assert_eq!(code(&conclude(&gate, "/kollus", DRM, answer)), "app", "{answer}");
    }
    let denied = question(&gate, "/kollus", PLAY)
        .conclude(&response(403, r#"{"message":"no \ud83d"}"#), NOW);
    let reply: serde_json::Value = serde_json::from_slice(denied.reply.body()).unwrap();
    assert_eq!(reply["data"]["message"], "no \u{fffd}");
}

#[test]
fn empty_answer_to_a_decision_denies_by_default() {
    // Neither the failure policy nor the last good reply applies to an empty answer.
    let gate = gate("[template.on.live_play]\non_failure = 'allow'\nlast_good = true", "");
    let allowed = conclude(&gate, "/kollus", PLAY, r#"{"allow":true}"#);
    assert_eq!(text(&allowed), ALLOWED);
    for (status, body) in
        [(200, ""), (204, ""), (200, " \r\n\t"), (201, "\u{feff}\n"), (200, "\u{a0}")]
    {
        let answer = response(status, body);
        let conclusion = question(&gate, "/kollus", PLAY).conclude(&answer, NOW);
        assert_eq!(text(&conclusion), DENIED, "{status} {body:?}");
        assert_eq!(code(&conclusion), "answer_empty", "{status} {body:?}");
    }
    let srs = conclude(&gate, "/srs", ON_PLAY, "");
    assert_eq!((text(&srs), code(&srs)), (r#"{"code":1}"#, "answer_empty"));
    // The last good reply is now the denial.
    let failed = question(&gate, "/kollus", PLAY).conclude(&Answer::Timeout, NOW);
    assert_eq!((text(&failed), failed.origin.as_str()), (DENIED, "last_good"));
}

#[test]
fn empty_answers_do_not_open_circuit() {
    let gate = gate("[template.on]\nlive_play = 'http://app.test/play'", "");
    for _ in 0..20 {
        assert_eq!(code(&conclude(&gate, "/kollus", PLAY, "")), "answer_empty");
    }
    assert!(gate.circuits().iter().all(|circuit| !circuit.is_open));
}

#[test]
fn empty_answer_allows_if_empty_answer_is_set_to_allow() {
    let gate = gate(
        "[template.on.live_play]\nempty_answer = 'allow'\nreply = { vmcheck = 0 }\n\
         [template.on.vod_play]\nempty_answer = 'deny'",
        "",
    );
    let conclusion = conclude(&gate, "/kollus", PLAY, "\n");
    assert_eq!(text(&conclusion), r#"{"data":{"result":1,"vmcheck":0}}"#);
    assert_eq!(code(&conclusion), "app");
    assert_eq!(text(&conclude(&gate, "/kollus", PLAY, "{}")), DENIED);
}

#[test]
fn reports_wrong_kind_or_value_of_keys_empty_answer_and_unclear_answer() {
    for (on, expected) in [
        ("[template.on.upload]\nempty_answer = 'deny'", "expected a decision"),
        ("[template.on.live_play]\nunclear_answer = 'refused'", "expected a notification"),
        ("[template.on.live_play]\nempty_answer = 'allowed'", "empty_answer"),
        ("[template.on.upload]\nunclear_answer = 'take'", "unclear_answer"),
    ] {
        let text = format!(
            "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
             provider = 'kollus'\nbind = '*'\n{on}\n"
        );
        let error = Gate::builder().toml(text).build().unwrap_err().to_string();
        assert!(error.contains(expected), "{on}: expected {expected}, found {error}");
    }
}

#[test]
fn notification_gets_503_after_refused_event_contradiction_or_fatal_error() {
    let gate = gate("", "");
    for (status, body, expected) in [
        (401, "", "event_refused"),
        (403, r#"{"message":"no"}"#, "event_refused"),
        (400, "", "event_refused"),
        (422, "x", "event_refused"),
        (200, r#"{"code":1}"#, "answer_contradicts"),
        (200, r#"{"code":500}"#, "answer_contradicts"),
        (200, r#" {"code":"1","msg":"failed"}"#, "answer_contradicts"),
        (200, r#"{"allow":false}"#, "answer_contradicts"),
        (200, r#"{"allow":0}"#, "answer_contradicts"),
        (200, r#"{"allow":"false"}"#, "answer_contradicts"),
        (200, r#"{"allow":true,"allow":false}"#, "answer_contradicts"),
        (200, r#"{"code":0,"allow":false}"#, "answer_contradicts"),
        (200, r#"{"error":"db down"}"#, "answer_contradicts"),
        (200, r#"{"error":{"code":7}}"#, "answer_contradicts"),
        (200, r#"{"status":400}"#, "answer_contradicts"),
        (200, r#"{"status":"503","x":1}"#, "answer_contradicts"),
        (200, "<br />\n<b>Fatal error</b>:  Uncaught Error", "answer_fatal"),
        (200, "{\"code\":0}\n<b>Parse error</b>: x", "answer_fatal"),
        (200, "PHP Fatal error:  x\n\nFatal error: x", "answer_fatal"),
        (200, "\nFatal error: Uncaught Exception", "answer_fatal"),
    ] {
        let conclusion = question(&gate, "/srs", ON_STOP).conclude(&response(status, body), NOW);
        assert_eq!(conclusion.reply.status(), 503, "{status} {body}");
        assert_eq!(code(&conclusion), expected, "{status} {body}");
    }
    let conclusion = question(&gate, "/srs", ON_STOP).conclude(&response(403, ""), NOW);
    let reason = conclusion.origin.failure().unwrap();
    assert_eq!(reason.kind(), UnavailableKind::EventRefused);
    assert_eq!(reason.to_string(), "the app refused the event: status 403");
    let conclusion = conclude(&gate, "/srs", ON_STOP, r#"{"code":1}"#);
    assert_eq!(
        conclusion.origin.failure().unwrap().to_string(),
        "the app's answer contradicts the acknowledgement: expected the acknowledgement, found another \
         value of `code`"
    );
    for status in [500, 302, 404, 405, 408, 425, 429] {
        let conclusion = question(&gate, "/srs", ON_STOP).conclude(&response(status, ""), NOW);
        assert_eq!(code(&conclusion), "app_status", "{status}");
    }
}

#[test]
fn acknowledges_after_unclear_answer_unless_unclear_answer_is_set_to_refused() {
    let unclear = [
        "ok",
        "<html>",
        "<b>Warning</b>: error in x.php",
        "[]",
        "1",
        r#"{"ok":true}"#,
        r#"{"code":null}"#,
        r#"{"error":null}"#,
        r#"{"error":false,"status":"ok"}"#,
        r#"{"status":200}"#,
        "{",
        "\"x\"",
    ];
    let clear =
        ["", " \n", r#"{"code":0}"#, r#"{"code":"0","data":{}}"#, r#"{"allow":true}"#, "\u{feff}"];
    let default = gate("", "");
    for answer in unclear.iter().chain(&clear) {
        let conclusion = conclude(&default, "/srs", ON_STOP, answer);
        assert_eq!(
            (conclusion.reply.status().as_u16(), code(&conclusion)),
            (200, "app"),
            "{answer}"
        );
        assert_eq!(conclusion.has_unclear_answer(), unclear.contains(answer), "{answer}");
    }
    let strict = gate("", "[template.on.'*']\nunclear_answer = 'refused'");
    for answer in unclear {
        let conclusion = conclude(&strict, "/srs", ON_STOP, answer);
        assert_eq!(conclusion.reply.status(), 503, "{answer}");
        assert_eq!(code(&conclusion), "answer_unclear", "{answer}");
    }
    for answer in clear {
        assert_eq!(code(&conclude(&strict, "/srs", ON_STOP, answer)), "app", "{answer}");
    }
    let too_large = Answer::response(StatusCode::OK, None);
    assert_eq!(
        code(&question(&strict, "/srs", ON_STOP).conclude(&too_large, NOW)),
        "answer_unclear"
    );
    assert_eq!(code(&question(&default, "/srs", ON_STOP).conclude(&too_large, NOW)), "app");
}

#[test]
fn reads_neither_boolean_nor_tiny_number_as_zero_that_allows() {
    let gate = gate("", "");
    for answer in ["false", "true", r#"{"code":false}"#, r#"{"code":true}"#, "1e-400"] {
        let conclusion = conclude(&gate, "/srs", ON_PLAY, answer);
        let expected = (r#"{"code":1}"#, "answer_invalid");
        assert_eq!((text(&conclusion), code(&conclusion)), expected, "{answer}");
    }
    for answer in ["0", "\"0\"", r#"{"code":0}"#, r#"{"allow":true}"#] {
        let conclusion = conclude(&gate, "/srs", ON_PLAY, answer);
        assert_eq!(text(&conclusion), r#"{"code":0}"#, "{answer}");
    }
}

#[test]
fn reads_empty_array_of_php_as_object_and_ignores_null_envelope() {
    let gate = gate("", "");
    for answer in [r#"{"allow":true,"data":null}"#, r#"{"data":null,"result":1}"#] {
        let conclusion = conclude(&gate, "/kollus", PLAY, answer);
        assert_eq!(text(&conclusion), r#"{"data":{"result":1}}"#, "{answer}");
    }
    let nested = "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
                  provider = 'kollus'\nbind = '*'\n\
                  settings = { security_key = 'k', custom_key = 'c' }\n[template.on.vod_play]\n\
                  answer = { result = 1, play_section = [] }\n";
    assert!(Gate::builder().toml(nested).build().is_ok());
}

#[test]
fn conclusion_has_permission_of_the_reply() {
    let gate = gate("[template.on]\nlive_play = { on_failure = \"allow\" }\ndrm = {}", "");
    for (path, body, status, answer, permission) in [
        ("/kollus", PLAY, 200, ALLOWED, Some(Permission::Allow)),
        ("/kollus", PLAY, 200, r#"{"allow":false,"message":"no"}"#, Some(Permission::Deny)),
        ("/kollus", PLAY, 200, "", Some(Permission::Deny)),
        ("/kollus", PLAY, 403, "", Some(Permission::Deny)),
        ("/kollus", PLAY, 500, "", Some(Permission::Allow)),
        ("/kollus", DRM, 200, r#"[{"result":1}]"#, Some(Permission::Allow)),
        ("/kollus", DRM, 200, r#"[{"result":0}]"#, Some(Permission::Deny)),
        ("/ome", OPENING, 200, r#"{"allowed":true}"#, Some(Permission::Allow)),
        ("/ome", OPENING, 200, r#"{"allowed":false}"#, Some(Permission::Deny)),
        ("/srs", ON_STOP, 200, "", None),
        ("/srs", ON_STOP, 500, "", None),
    ] {
        let conclusion = question(&gate, path, body).conclude(&response(status, answer), NOW);
        assert_eq!(conclusion.permission(), permission, "{path} {status} {answer}");
    }
}

#[test]
fn resend_gets_permission_of_first_copy() {
    let gate = gate("[template.on]\nlive_play = { dedupe = true }", "");
    drop(question(&gate, "/kollus", PLAY).conclude(&response(200, DENIED), NOW));
    let next = accept(&gate, "/kollus", PLAY).next(NOW);
    let Next::Reply(resend) = next else { panic!("expected a reply, found {next:?}") };
    assert_eq!((resend.origin.as_str(), resend.permission()), ("resend", Some(Permission::Deny)));
}

#[test]
fn template_keeps_its_first_extension() {
    let gate = gate("[template.on]\nlive_play = {}", "");
    let accepted = accept(&gate, "/kollus", PLAY);
    let template = accepted.template();
    let count = |template: &Template| template.kinds().filter(|kind| kind.is_listed).count();
    assert_eq!(template.extension(count), Some(&1));
    assert_eq!(template.extension(|_| 17_usize), Some(&1));
    assert_eq!(template.extension(|_| "another type"), None);
    let kind = template.kinds().nth(accepted.kind_index().unwrap()).unwrap();
    assert_eq!((kind.name, kind.is_decision, kind.is_listed), ("live_play", true, true));
}

// The replies to VOD plays require reply signing, but the template has no key for it.
#[test]
fn omits_kind_without_reply_key_if_the_template_lists_only_other_kinds() {
    for (on, expected) in [("", true), ("'*' = {}", true), ("live_play = {}", false)] {
        let config = format!(
            "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
             [[template]]\nname = 'vod'\nprovider = 'kollus'\nbind = '*'\n[template.on]\n{on}\n"
        );
        let config: Config = config.parse().unwrap();
        let mut kinds = config.templates().next().unwrap().kinds();
        let vod_play = kinds.find(|kind| kind.name == "vod_play").unwrap();
        assert_eq!((vod_play.is_decision, vod_play.is_listed), (true, expected), "{on}");
    }
}

/// A definition whose reply has a field `allow`. The common form of an answer has this member too.
const JOIN: &str = "name = 'join'\ntitle = 'J'\ndocs = 'd'\nce_type = 'com.join'\n\
    [request]\nmethods = 'POST'\nbody = 'json'\n[kind]\nfrom = '/type'\n[common]\nstream = '/viewer'\n\
    [kinds.join]\nviewer = '/viewer'\ncommon = 'play_requested'\n\
    fields = { type = 'string', viewer = 'string' }\n[kinds.join.reply]\n\
    allow = { allow = true }\ndeny = { allow = false }\nmessage = 'reason'\n\
    fields = { allow = 'boolean', reason = 'string?' }\n";

fn join_gate(entry: &str) -> Gate {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("join.toml"), JOIN).unwrap();
    let config = format!(
        "provider_files = ['join.toml']\n[[route]]\npath = '/c'\nprovider = 'join'\n\
         [[template]]\nname = 't'\nprovider = 'join'\nbind = '*'\ninsecure_unsigned = true\n\
         [template.on]\njoin = {{ {entry} }}\n"
    );
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, config).unwrap();
    Gate::from_toml_file(path).unwrap_or_else(|error| panic!("expected a gate, found {error}"))
}

#[test]
fn message_sets_declared_field_even_if_reply_has_a_field_allow() {
    const CALLBACK: &str = r#"{"type":"join","viewer":"v"}"#;
    const DENIED: &str = r#"{"allow":false,"reason":"buy"}"#;
    for forward in ["forward = 'json'", "forward = 'common'"] {
        let gate = join_gate(&format!("url = 'http://app/', {forward}"));
        for (answer, expected) in [
            (r#"{"allow":false,"message":"buy"}"#, DENIED),
            (r#"{"allow":false,"reason":"buy"}"#, DENIED),
            (r#"{"allow":true}"#, r#"{"allow":true}"#),
        ] {
            let conclusion = conclude(&gate, "/c", CALLBACK, answer);
            assert_eq!(text(&conclusion), expected, "{forward}, {answer}");
            assert_eq!(dropped(&conclusion), [""; 0], "{forward}, {answer}");
        }
        let twice = r#"{"allow":false,"message":"a","reason":"b"}"#;
        assert_eq!(code(&conclude(&gate, "/c", CALLBACK, twice)), "answer_invalid");
    }
    let gate = join_gate("answer = { allow = false, message = 'buy' }");
    let next = accept(&gate, "/c", CALLBACK).next(NOW);
    let Next::Reply(conclusion) = next else { panic!("expected a reply, found {next:?}") };
    assert_eq!(text(&conclusion), DENIED);
}
