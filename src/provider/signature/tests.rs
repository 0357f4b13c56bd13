//! Tests of each condition of a valid signature. Most of the signatures are from the documentation
//! of platforms.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::*;
use crate::head::Head;
use crate::json::Object;
use crate::provider::digest::{Digest, hex_of};
use crate::provider::locator::CapturedHead;
use crate::provider::{Plan, built_in_named, definition};
use crate::secret::Secret;

// The only example in Tencent's documentation with a valid signature: `sign` is MD5(key + t).
const SIGN: &str = "ca3e25e5dc17a6f9909a9ae7281e300d";
const T: i64 = 1_545_030_873;

fn plan(name: &str) -> Plan {
    built_in_named(name).unwrap()
}

/// Returns the compiled definition of a provider with JSON bodies and `lines` as `[signature]`.
fn signed_by(lines: &str) -> Plan {
    let text = format!(
        "name = 'p'\ntitle = 'P'\ndocs = 'd'\nce_type = 'p'\n\
             [request]\nmethods = ['POST']\nbody = 'json'\n\
             [kind]\nother = 'event'\n[kinds.event]\n[signature]\n{lines}"
    );
    definition::parse(&text)
        .unwrap_or_else(|faults| panic!("expected a valid definition, found {faults:#?}"))
}

struct Request<'r> {
    body: &'r str,
    headers: &'r [(&'static str, &'r str)],
}

fn verify(
    plan: &Plan,
    request: &Request<'_>,
    keys: &[&str],
    now: i64,
) -> Result<(), SignatureError> {
    let signature = plan.signature.as_ref().unwrap();
    let prepare = |key: &&str| {
        let prepared = signature.prepare(&Secret::new(*key));
        prepared.ok().map(|(key, _)| key)
    };
    let keys: Option<Vec<_>> = keys.iter().map(prepare).collect();
    let keys = keys.unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let uri = Uri::from_static("/");
    let head = Head::new(&Method::POST, &uri, &headers);
    let captured = CapturedHead::of(&head, &plan.headers, None).unwrap();
    let object = Object::from_json(request.body).unwrap_or_default();
    let received = Received {
        object: &object,
        raw: request.body.as_bytes(),
        captured: &captured,
        settings: &[],
    };
    let window = signature.time.as_ref().map(|time| time.window);
    signature.verify(&received, &keys, window, Timestamp::from_secs(now))
}

fn tencent(body: &str, keys: &[&str], now: i64) -> Result<(), SignatureError> {
    verify(&plan("tencent-css"), &Request { body, headers: &[] }, keys, now)
}

fn signed(t: &str, sign: &str) -> String {
    format!("{{\"t\":{t},\"sign\":{sign}}}")
}

#[test]
fn accepts_published_signature_with_time_as_number_or_string() {
    let sign = format!("{SIGN:?}");
    assert_eq!(tencent(&signed("1545030873", &sign), &["test"], T), Ok(()));
    assert_eq!(tencent(&signed("\"1545030873\"", &sign), &["test"], T), Ok(()));
    assert_eq!(tencent(&signed("1545030873", &sign.to_uppercase()), &["test"], T), Ok(()));
}

#[test]
fn accepts_signature_by_any_of_the_keys() {
    let body = signed("1545030873", &format!("{SIGN:?}"));
    assert_eq!(tencent(&body, &["new", "test"], T), Ok(()));
    assert_eq!(tencent(&body, &["test", "new"], T), Ok(()));
    assert_eq!(tencent(&body, &["new"], T), Err(SignatureError::Mismatch));
    assert_eq!(tencent(&body, &[], T), Err(SignatureError::Mismatch));
}

#[test]
fn refuses_signature_with_any_digit_changed() {
    for at in 0..SIGN.len() {
        let mut sign = SIGN.to_owned().into_bytes();
        sign[at] = if sign[at] == b'0' { b'1' } else { b'0' };
        let body = signed("1545030873", &format!("{:?}", String::from_utf8(sign).unwrap()));
        assert_eq!(tencent(&body, &["test"], T), Err(SignatureError::Mismatch), "digit {at}");
    }
}

#[test]
fn refuses_expiry_time_one_second_outside_either_end_of_window() {
    let body = signed("1545030873", &format!("{SIGN:?}"));
    assert_eq!(tencent(&body, &["test"], T + 180), Ok(()));
    assert_eq!(
        tencent(&body, &["test"], T + 181),
        Err(SignatureError::Expired { secs_ago: 181, accepted_secs: 180 })
    );
    assert_eq!(tencent(&body, &["test"], T - 900), Ok(()));
    assert_eq!(
        tencent(&body, &["test"], T - 901),
        Err(SignatureError::TooFarAhead { secs: 901, accepted_secs: 900 })
    );
}

#[test]
fn reports_the_first_condition_that_is_not_met() {
    let absent = || SignatureError::Absent { place: "/sign".into() };
    let malformed = || SignatureError::Malformed {
        detail: "expected `<32 hex digits>` at /sign, found another form".into(),
    };
    let cases = [
        (r#"{"t":1545030873}"#, absent()),
        (r#"{"t":1545030873,"sign":null}"#, absent()),
        (r#"{"t":1545030873,"sign":"ca3e"}"#, malformed()),
        (r#"{"t":1545030873,"sign":"zz3e25e5dc17a6f9909a9ae7281e300d"}"#, malformed()),
        (
            r#"{"sign":"ca3e25e5dc17a6f9909a9ae7281e300d"}"#,
            SignatureError::PartMissing { place: "/t".into() },
        ),
    ];
    for (body, fault) in cases {
        assert_eq!(tencent(body, &["test"], T), Err(fault), "{body}");
    }
}

#[test]
fn refuses_signed_time_that_is_not_a_number() {
    let sign = hex_of(Digest::Md5, b"testsoon");
    let body = signed("\"soon\"", &format!("{sign:?}"));
    assert_eq!(tencent(&body, &["test"], T), Err(SignatureError::TimeMalformed));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of vectors")]
fn accepts_published_signatures_and_refuses_changed_bodies() {
    let trtc = "{\n\t\"EventGroupId\":\t2,\n\t\"EventType\":\t204,\n\t\"CallbackTs\":\t\
                    1664209748188,\n\t\"EventInfo\":\t{\n\t\t\"RoomId\":\t8489,\n\t\t\"EventTs\":\t\
                    1664209748,\n\t\t\"EventMsTs\":\t1664209748180,\n\t\t\"UserId\":\t\
                    \"user_85034614\",\n\t\t\"Reason\":\t0\n\t}\n}";
    let agora = r#"{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}"#;
    let agora_v1 = signed_by(
        "digest = 'hmac-sha1'\nencoding = 'hex'\nparts = ['body']\n\
             found_in = 'header:agora-signature'",
    );
    let slack = signed_by(
        "digest = 'hmac-sha256'\nencoding = 'hex'\nprefix = 'v0='\n\
             parts = ['literal:v0:', 'header:x-slack-request-timestamp', 'literal::', 'body']\n\
             found_in = 'header:x-slack-signature'",
    );
    let slack_body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let alibaba = signed_by(
        "digest = 'md5'\nencoding = 'hex'\nfound_in = 'header:x-vod-signature'\n\
             parts = ['literal:https://www.example.com/your/callback|', \
             'header:x-vod-timestamp', 'literal:|', 'key']",
    );
    type Headers = &'static [(&'static str, &'static str)];
    let vectors: [(Plan, &str, &str, Headers, i64); 7] = [
        (
            plan("mux"),
            "SuperSecret123",
            r#"{"test":"body"}"#,
            &[(
                "mux-signature",
                "t=1565125718,v1=854ece4c22acef7c66b57d4e504153bc512595e8e9c772ece2a68150548c19a7",
            )],
            1_565_125_718,
        ),
        (
            plan("github"),
            "It's a Secret to Everybody",
            "Hello, World!",
            &[(
                "x-hub-signature-256",
                "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            )],
            0,
        ),
        (
            plan("standard-webhooks"),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            r#"{"test": 2432232314}"#,
            &[
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                (
                    "webhook-signature",
                    "v1a,AAAA v1,bm90IHRoaXMgb25l v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                ),
            ],
            1_614_265_330,
        ),
        (
            plan("tencent-trtc"),
            "123654",
            trtc,
            &[("sign", "kkoFeO3Oh2ZHnjtg8tEAQhtXK16/KI05W3BQff8IvGA=")],
            1_664_209_748,
        ),
        (
            agora_v1,
            "secret",
            agora,
            &[("agora-signature", "033c62f40f687675f17f0f41f91a40c71c0f134c")],
            0,
        ),
        (
            slack,
            "8f742231b10e8888abcd99yyyzzz85a5",
            slack_body,
            &[
                ("x-slack-request-timestamp", "1531420618"),
                (
                    "x-slack-signature",
                    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                ),
            ],
            0,
        ),
        (
            alibaba,
            "test123",
            "",
            &[
                ("x-vod-timestamp", "1519375990"),
                ("x-vod-signature", "c72b60894140fa98920f1279219b7ed4"),
            ],
            0,
        ),
    ];
    for (plan, key, body, headers, now) in &vectors {
        let name = plan.headers.first().map_or("?", HeaderName::as_str);
        assert_eq!(verify(plan, &Request { body, headers }, &[key], *now), Ok(()), "{name}");
        let wrong_key = verify(plan, &Request { body, headers }, &["b3RoZXI="], *now);
        assert_eq!(wrong_key, Err(SignatureError::Mismatch), "{name}");
        let signature = plan.signature.as_ref().unwrap();
        if signature.parts.iter().any(|part| part.from == PartSource::Body) {
            let changed = format!("{body} ");
            let result = verify(plan, &Request { body: &changed, headers }, &[key], *now);
            assert_eq!(result, Err(SignatureError::Mismatch), "{name}");
        }
    }
}

/// Volcengine publishes the key, the address, the time and the body, but no signature. The
/// signature in this test is from Python's `hashlib`.
/// <https://www.volcengine.com/docs/4/116752>
#[test]
fn body_may_be_a_part_in_base64() {
    let plan = signed_by(
        "digest = 'md5'\nencoding = 'hex'\nfound_in = 'header:x-vod-signature'\n\
             parts = ['literal:https://www.example1.com/your/callback|1545675780|', 'key', \
             'literal:|', { part = 'body', as = 'base64' }]",
    );
    let headers = [("x-vod-signature", "3161fa89a722ee715937b7af60b9ad75")];
    let body = "{\n\"a\":1,\n\"b\":2\n}";
    let with = |body, key| verify(&plan, &Request { body, headers: &headers }, &[key], 0);
    assert_eq!(with(body, "ABCDabcd1234"), Ok(()));
    assert_eq!(with(body, "other"), Err(SignatureError::Mismatch));
    assert_eq!(with("{\"a\":1,\n\"b\":2}", "ABCDabcd1234"), Err(SignatureError::Mismatch));
}

#[test]
fn refuses_sending_time_one_second_outside_either_end_of_window() {
    let headers = [(
        "mux-signature",
        "t=1565125718,v1=854ece4c22acef7c66b57d4e504153bc512595e8e9c772ece2a68150548c19a7",
    )];
    let request = Request { body: r#"{"test":"body"}"#, headers: &headers };
    let at = |now| verify(&plan("mux"), &request, &["SuperSecret123"], now);
    assert_eq!(at(1_565_125_718 + 300), Ok(()));
    assert_eq!(
        at(1_565_125_718 + 301),
        Err(SignatureError::Expired { secs_ago: 301, accepted_secs: 300 })
    );
    assert_eq!(at(1_565_125_718 - 300), Ok(()));
    assert_eq!(
        at(1_565_125_718 - 301),
        Err(SignatureError::TooFarAhead { secs: 301, accepted_secs: 300 })
    );
}

#[test]
fn string_to_sign_hides_the_key() {
    let plan = plan("tencent-css");
    let object = Object::from_json(r#"{"t":17,"sign":"00"}"#).unwrap();
    let captured = CapturedHead::default();
    let received = Received { object: &object, raw: b"", captured: &captured, settings: &[] };
    let signature = plan.signature.as_ref().unwrap();
    assert_eq!(signature.string_to_sign(&received).unwrap(), "[key]17");
}
