//! Tests of event identity: `ce-id`, resends, reused ids and reused signatures.

use data_encoding::{BASE64, HEXLOWER};
use gatepost::{
    Accepted, Admission, Answer, Gate, Head, Next, Origin, Refusal, RefusalKind, Timestamp,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use md5::{Digest as _, Md5};
use sha2::Sha256;

const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);

/// Returns a gate with a template for each provider. Adds the config line `github` to the template
/// for GitHub.
fn gate(github: &str) -> Gate {
    let route = |name: &str| format!("[[route]]\npath = '/{name}'\nprovider = '{name}'\n");
    let template = |name: &str, more: &str| {
        format!("[[template]]\nname = '{name}'\nprovider = '{name}'\nbind = '*'\n{more}\n")
    };
    let names = ["github", "standard-webhooks", "tencent-css", "srs", "mux", "ovenmediaengine"];
    let routes: String = names.into_iter().map(route).collect();
    let open = "insecure_unsigned = true";
    let text = [
        routes,
        "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n".into(),
        "[[route]]\npath = '/upload'\nprovider = 'kollus'\nkind = 'upload'\n".into(),
        template("github", &format!("keys = ['key']\n{github}")),
        template("standard-webhooks", "keys = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']"),
        template("tencent-css", "keys = ['test']"),
        template("srs", ""),
        template("mux", open),
        template("ovenmediaengine", open),
        template("kollus", ""),
    ];
    let built = Gate::builder().toml(text.concat()).build();
    built.unwrap_or_else(|error| panic!("expected a gate, found {error}"))
}

fn judge(
    gate: &Gate,
    path: &'static str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Result<Accepted, Refusal> {
    let uri = Uri::from_static(path);
    let value = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), value.parse().unwrap())
    };
    let headers: HeaderMap = headers.iter().map(value).collect();
    match gate.admit(&Head::new(&Method::POST, &uri, &headers), NOW) {
        Admission::Callback(mut intake) => {
            intake.push(body.to_owned().into())?;
            intake.finish(NOW)
        }
        other @ (Admission::Other
        | Admission::Refused(_)
        | Admission::Reply(_)
        | Admission::Shadow(_)) => {
            panic!("expected a callback, found {other:?}")
        }
    }
}

fn accept(
    gate: &Gate,
    path: &'static str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Accepted {
    judge(gate, path, headers, body).unwrap_or_else(|e| panic!("expected acceptance, found {e}"))
}

/// Returns true if gatepost asks the app. For each question, the app answers with status 200.
fn delivers(accepted: &Accepted) -> bool {
    match accepted.next(NOW) {
        Next::Ask(question) => {
            let answer = Answer::response(StatusCode::OK, Some("".into()));
            drop(question.conclude(&answer, NOW));
            true
        }
        Next::Reply(conclusion) => {
            assert!(
                matches!(conclusion.origin, Origin::Resend),
                "expected a question or a resend, found {conclusion:?}"
            );
            false
        }
        Next::Store(enqueue) => panic!("expected no queued event, found {enqueue:?}"),
        Next::Wait(wait) => panic!("expected a question or a reply, found {wait:?}"),
    }
}

const MEMBER: &str = r#"{"action":"added","member":{"login":"x"},"repository":{"full_name":"o/r","owner":{"login":"o"}}}"#;

fn github(gate: &Gate, delivery: Option<&str>, body: &str) -> Result<Accepted, Refusal> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
    let mut headers = vec![("x-github-event", "member"), ("x-hub-signature-256", &*signature)];
    headers.extend(delivery.map(|delivery| ("x-github-delivery", delivery)));
    judge(gate, "/github", &headers, body)
}

#[test]
fn delivers_equal_bodies_with_different_github_delivery_ids() {
    let gate = gate("");
    let removed = MEMBER.replace("added", "removed");
    let all = [("1", MEMBER), ("2", &removed), ("3", MEMBER)];
    let all = all.map(|(delivery, body)| github(&gate, Some(delivery), body).unwrap());
    assert!(all.iter().all(delivers));
    let ids = all.each_ref().map(|accepted| accepted.event().id().to_owned());
    assert!(ids[0] != ids[2] && ids[0] != ids[1], "expected different ids, found {ids:?}");
    let again = github(&gate, Some("3"), MEMBER).unwrap();
    assert_eq!(again.event().id(), ids[2]);
    assert!(!delivers(&again), "expected a resend, found a new event");
}

#[test]
fn refuses_callback_without_declared_id() {
    let gate = gate("");
    for delivery in [None, Some("")] {
        let refusal = github(&gate, delivery, MEMBER).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::FieldMissing);
        assert!(
            refusal.to_string().contains("header:x-github-delivery"),
            "expected header:x-github-delivery, found {refusal}"
        );
    }
    for id in ["", r#""id":"","#, r#""id":null,"#] {
        let body =
            format!("{{{id}\"type\":\"video.asset.ready\",\"environment\":{{\"id\":\"e\"}}}}");
        let refusal = judge(&gate, "/mux", &[], &body).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::FieldMissing, "{id}");
    }
}

#[test]
fn detects_reused_signature_under_new_github_delivery_id() {
    let lax = gate("");
    assert!(!github(&lax, Some("1"), MEMBER).unwrap().reuses_signature());
    assert!(
        !github(&lax, Some("1"), MEMBER).unwrap().reuses_signature(),
        "expected a resend, found a reuse"
    );
    assert!(github(&lax, Some("2"), MEMBER).unwrap().reuses_signature());
    let strict = gate("signature_reuse = 'refuse'");
    drop(github(&strict, Some("1"), MEMBER).unwrap());
    drop(github(&strict, Some("1"), MEMBER).unwrap());
    let refusal = github(&strict, Some("2"), MEMBER).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::SignatureReused);
    drop(github(&strict, Some("2"), &MEMBER.replace("added", "removed")).unwrap());
}

fn css(body: &str, secs: i64) -> String {
    let t = NOW.as_millis() / 1000 + 600 + secs;
    let sign: String =
        Md5::digest(format!("test{t}")).iter().map(|byte| format!("{byte:02x}")).collect();
    body.replacen('{', &format!("{{\"t\":{t},\"sign\":\"{sign}\","), 1)
}

/// Sends two callbacks, and returns two flags. If gatepost delivers the second event, the first
/// flag is true. If both events have the same `ce-id`, the second flag is true.
fn twice(gate: &Gate, path: &'static str, first: &str, second: &str) -> (bool, bool) {
    let one = accept(gate, path, &[], first);
    assert!(delivers(&one));
    let other = accept(gate, path, &[], second);
    (delivers(&other), one.event().id() == other.event().id())
}

const RESEND: (bool, bool) = (false, true);
const DELIVERED: (bool, bool) = (true, false);

#[test]
fn delivers_equal_data_again_if_data_has_no_time_or_sequence() {
    let gate = gate("");
    let relay =
        r#"{"event_type":314,"callback_event":"VodSourceFileStart","task_id":"1","appid":1}"#;
    assert_eq!(twice(&gate, "/tencent-css", &css(relay, 0), &css(relay, 60)), DELIVERED);
    let zero = relay.replace("314,", "314,\"event_time\":0,");
    assert_eq!(twice(&gate, "/tencent-css", &css(&zero, 1), &css(&zero, 61)), DELIVERED);
    let timed = relay.replace("314,", "314,\"event_time\":1703731478,");
    assert_eq!(twice(&gate, "/tencent-css", &css(&timed, 2), &css(&timed, 62)), RESEND);
    for stopped in [
        r#"{"action":"on_stop","vhost":"v","app":"a","stream":"s"}"#,
        r#"{"action":"on_dvr","vhost":"v","app":"a","stream":"s","file":"s.flv"}"#,
        r#"{"action":"on_hls","vhost":"v","app":"a","stream":"s","file":"s.ts"}"#,
    ] {
        assert_eq!(twice(&gate, "/srs", stopped, stopped), DELIVERED, "{stopped}");
    }
    let hls = r#"{"action":"on_hls","vhost":"v","app":"a","stream":"s","file":"s.ts","seq_no":0}"#;
    assert_eq!(twice(&gate, "/srs", hls, hls), RESEND);
    let closing =
        r#"{"request":{"direction":"incoming","status":"closing","url":"rtmp://o.test/a/s"}}"#;
    assert_eq!(twice(&gate, "/ovenmediaengine", closing, closing), DELIVERED);
    let timed = closing.replace("{\"dir", "{\"time\":\"2026-11-22T09:10:00.456+00:00\",\"dir");
    assert_eq!(twice(&gate, "/ovenmediaengine", &timed, &timed), RESEND);
    let state = "stream_key=k&broadcast_key=b&channel_key=c&broadcast_state=pause";
    assert_eq!(twice(&gate, "/kollus", state, state), DELIVERED);
    let upload = "upload_file_key=u&filename=f";
    assert_eq!(twice(&gate, "/upload", upload, upload), RESEND);
}

#[test]
fn mux_resend_with_different_attempts_has_same_id() {
    let body = |attempts: &str| {
        format!(
            "{{\"type\":\"video.asset.ready\",\"id\":\"1\",\"environment\":{{\"id\":\"e\"}},\
             \"attempts\":[{attempts}]}}"
        )
    };
    assert!(
        twice(&gate(""), "/mux", &body(""), &body("1")).1,
        "expected the same id, found different ids"
    );
}

fn webhook(gate: &Gate, id: &str, body: &str) -> Accepted {
    let time = (NOW.as_millis() / 1000).to_string();
    let key = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    let signature = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    let headers =
        [("webhook-id", id), ("webhook-timestamp", &*time), ("webhook-signature", &*signature)];
    accept(gate, "/standard-webhooks", &headers, body)
}

#[test]
fn delivers_different_signed_body_with_same_webhook_id() {
    let gate = gate("");
    let first = webhook(&gate, "msg_1", r#"{"type":"a","n":1}"#);
    assert!(delivers(&first) && !first.reuses_id());
    let resend = webhook(&gate, "msg_1", r#"{"type":"a","n":1}"#);
    assert!(!delivers(&resend) && !resend.reuses_id());
    let other = webhook(&gate, "msg_1", r#"{"type":"a","n":2}"#);
    assert!(delivers(&other) && other.reuses_id());
    assert_eq!(other.event().id(), first.event().id());
    assert!(!other.reuses_signature());
}

// The derivation must not change: apps store ids, so all versions of gatepost must derive the same
// id for a callback.
#[test]
fn derives_ids_as_manual_describes() {
    let digest = |text: &str| HEXLOWER.encode(&Sha256::digest(text)[..16]);
    let gate = gate("");
    let declared = github(&gate, Some("a72d3162e"), MEMBER).unwrap();
    assert_eq!(declared.event().id(), digest("/github/o\0member\0a72d3162e"));
    let push = r#"{"event_type":1,"app":"a.b","appname":"live","channel_id":"s","event_time":1,
        "node":"n","sequence":"1","stream_id":"s","stream_param":"","user_ip":"u"}"#;
    let content = accept(&gate, "/tencent-css", &[], &css(push, 0));
    let data = std::str::from_utf8(content.event().data()).unwrap();
    assert_eq!(content.event().id(), digest(&format!("/tencent-css/a.b\0push\0{data}")));
    let new = accept(&gate, "/srs", &[], r#"{"action":"on_stop","vhost":"v","app":"a"}"#);
    let id = new.event().id();
    assert!(
        id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "expected 32 hex digits, found {id}"
    );
}

#[test]
fn definition_info_contains_rule_for_id() {
    let rule = |name: &str| {
        let (provider, kind) = name.split_once('.').unwrap();
        let info = gatepost::Definition::built_in(provider).unwrap().info();
        let kind = info.kinds.iter().find(|info| &*info.name == kind).unwrap();
        kind.identity.to_string()
    };
    assert_eq!(rule("github.member"), "id: header:x-github-delivery");
    assert_eq!(
        rule("srs.on_hls"),
        "with /seq_no, a digest of the data; otherwise new for each callback"
    );
    assert_eq!(rule("srs.on_stop"), "new for each callback");
}

#[test]
fn missing_optional_signature_is_not_a_reused_signature() {
    let config = "[[route]]\npath = '/css'\nprovider = 'tencent-css'\n[[template]]\nname = 'css'\n\
                  provider = 'tencent-css'\nkeys = ['test']\nbind = '*'\n\
                  insecure_unsigned = ['relay']\nsignature_reuse = 'refuse'\n";
    let gate = Gate::builder().toml(config).build().unwrap();
    for task in 1..=3 {
        let body = format!("{{\"event_type\":314,\"task_id\":\"{task}\",\"stream_id\":\"s\"}}");
        let judged = judge(&gate, "/css", &[], &body);
        let accepted = judged.unwrap_or_else(|error| panic!("expected acceptance, found {error}"));
        assert!(
            !accepted.reuses_signature(),
            "expected a callback without a reused signature, found a reuse in {body}"
        );
    }
}
