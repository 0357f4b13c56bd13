//! Tests of the key `parts`, which lists the signed data: optional, alternative and sorted parts,
//! pairs of a form, and parts of the request line.

use gatepost::Gate;
use http::{HeaderName, HeaderValue, Method, Request};

use crate::language::{
    EVENT, NOW, assert_fault, code, definition, faults, gate, refuses_flipped_body,
    refuses_flipped_header, sample, sample_with, send, send_at, set_header,
};

fn request(body: &str) -> Request<Vec<u8>> {
    Request::post("/c").body(body.as_bytes().to_vec()).unwrap()
}

/// Signature of Huawei Cloud Live for callbacks about recordings:
/// <https://support.huaweicloud.com/iLive-live/live_01_0011.html>.
const OPTIONAL: &str = "[signature]\ndigest = 'hmac-sha256'\nfound_in = '/auth_sign'\nencoding = 'hex'\n\
    parts = ['/auth_timestamp', '/event_type', '/publish_domain', '/app', '/stream', \
    { part = '/download_url', optional = true }, { part = '/play_url', optional = true }]\n\
    time = { from = '/auth_timestamp', means = 'expiry', unit = 's' }\n";

#[test]
fn absent_optional_part_adds_nothing_to_the_signed_data() {
    let text = definition(&format!("{OPTIONAL}{EVENT}"));
    let gate = gate(&text, "keys = ['huawei-key']");
    let body = |event: &str, urls: &str, sign: &str| {
        request(&format!(
            r#"{{"auth_timestamp":1700000600,"event_type":"{event}","publish_domain":"push.example.com","app":"live","stream":"s1",{urls}"auth_sign":"{sign}"}}"#
        ))
    };
    // Signatures computed with Python's `hmac`.
    let full = "682c2c3ab9349d1203be22a17721941aaca7c5b80106321eebf2ef08ec54e196";
    let some = "9d3421e2ea604421ff11e9c0342af54bd85b7d3cee5ad52446ec2dfd41624111";
    let urls = r#""download_url":"https://obs.example.com/a.m3u8","play_url":"https://play.example.com/a.m3u8","#;
    let complete = body("RECORD_FILE_COMPLETE", urls, full);
    assert_eq!(code(send(&gate, &complete)), "event");
    let over = |urls: &str| code(send(&gate, &body("RECORD_OVER", urls, some)));
    assert_eq!(over(""), "event");
    assert_eq!(over(r#""play_url":null,"#), "event");
    // A client cannot add a value for an absent optional part, whatever the type of the value.
    assert_eq!(over(r#""play_url":"https://evil.example.com","#), "signature_mismatch");
    for value in ["[]", "{}", "true", r#"["https://evil.example.com"]"#] {
        let added = over(&format!(r#""play_url":{value},"#));
        assert_eq!(added, "signed_part_missing", "{value}");
    }
    let shortened = urls.split_once(",").unwrap().0.to_owned() + ",";
    let shortened = body("RECORD_FILE_COMPLETE", &shortened, full);
    assert_eq!(code(send(&gate, &shortened)), "signature_mismatch");
    // gatepost also accepts a callback that has one of the two optional parts and lacks the other.
    let sent = sample_with(
        &text,
        "event",
        "huawei-key",
        &[
            ("/event_type", "e"),
            ("/publish_domain", "d"),
            ("/app", "a"),
            ("/stream", "s"),
            ("/play_url", "u"),
        ],
    );
    assert_eq!(code(send(&gate, &sent)), "event");
}

#[test]
fn reports_wrong_optional_parts() {
    let sign = "[signature]\ndigest = 'hmac-sha256'\nfound_in = '/s'\nencoding = 'hex'\n";
    let of = |part: &str| format!("{sign}parts = ['/a', {part}]\n{EVENT}");
    assert_eq!(faults(&of("{ part = 'header:x-b', as = 'md5-hex', optional = true }")), [""; 0]);
    for part in ["body", "form-text", "form-pairs", "literal:x"] {
        let expected = "expected a value of the request as an optional part";
        let faults = faults(&of(&format!("{{ part = '{part}', optional = true }}")));
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{part}: expected {expected}, found {faults:#?}"
        );
    }
    assert_fault(&of("{ part = '/b', optional = 1 }"), "expected true or false");
    assert_fault(&of("{ part = '/b', maybe = true }"), "expected a known key");
    let time = "time = { from = '/t', means = 'sent', unit = 's' }\n";
    assert_fault(
        &format!("{sign}parts = ['/a', {{ part = '/t', optional = true }}]\n{time}{EVENT}"),
        "expected a signed time, found an unsigned value",
    );
}

/// Rule for the id of Svix, which sends one of two sets of headers:
/// <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
const ALTERNATIVES: &str = "id = 'header:svix-id | header:webhook-id'\n";
const TWO_SETS: &str = "[signature]\ndigest = 'hmac-sha256'\n\
    found_in = ['header:svix-signature', 'header:webhook-signature']\n\
    parts = ['header:svix-id | header:webhook-id', 'literal:.', \
    'header:svix-timestamp | header:webhook-timestamp', 'literal:.', 'body']\n\
    separator = ' '\nprefix = 'v1,'\nencoding = 'base64'\n\
    key = { prefix = 'whsec_', encoding = 'base64' }\n\
    time = { from = 'header:svix-timestamp | header:webhook-timestamp', means = 'sent', unit = 's' }\n";

#[test]
fn signature_may_be_in_one_of_two_sets_of_headers() {
    let text = format!("{ALTERNATIVES}{}", definition(&format!("{TWO_SETS}{EVENT}")));
    let gate = gate(&text, "keys = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']");
    // The example of <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
    let sign = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let with = |sets: &[&str]| {
        let mut request = request(r#"{"test": 2432232314}"#);
        for set in sets {
            set_header(&mut request, &format!("{set}-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
            set_header(&mut request, &format!("{set}-timestamp"), "1614265330");
            set_header(&mut request, &format!("{set}-signature"), sign);
        }
        request
    };
    let at = |request: &Request<Vec<u8>>| send_at(&gate, request, 1_614_265_330);
    let svix = at(&with(&["svix"])).unwrap();
    assert_eq!(at(&with(&["webhook"])).unwrap().event().id(), svix.event().id());
    assert_eq!(code(at(&with(&["svix", "webhook"]))), "event");
    for (name, value) in [
        ("webhook-signature", "v1,AAAA"),
        ("webhook-id", "msg_other"),
        ("webhook-timestamp", "1614265331"),
        ("webhook-id", ""),
    ] {
        let mut request = with(&["svix", "webhook"]);
        set_header(&mut request, name, value);
        let refusal = at(&request).unwrap_err();
        assert_eq!(refusal.kind().as_str(), "field_duplicate", "{name}");
        assert!(refusal.to_string().contains(name), "expected {name}, found {refusal}");
    }
    let mut mixed = with(&["svix"]);
    mixed.headers_mut().remove("svix-id");
    assert_eq!(code(at(&mixed)), "signed_part_missing");
    assert_eq!(code(at(&with(&[]))), "signature_missing");
    let mut hidden = with(&["svix"]);
    let bytes = HeaderValue::from_bytes(b"msg_\xff").unwrap();
    hidden.headers_mut().insert(HeaderName::from_static("webhook-id"), bytes);
    assert_eq!(code(at(&hidden)), "field_duplicate");
    let mut sent =
        sample_with(&text, "event", "whsec_c2VjcmV0LXNlY3JldA==", &[("header:svix-id", "a")]);
    let gate = self::gate(&text, "keys = ['whsec_c2VjcmV0LXNlY3JldA==']");
    assert_eq!(code(send(&gate, &sent)), "event");
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        refuses_flipped_header(&gate, &sent, name, false);
    }
    set_header(&mut sent, "webhook-id", "a");
    assert_eq!(code(send(&gate, &sent)), "event");
}

#[test]
fn alternatives_may_be_members_of_the_body() {
    let text = definition(&format!(
        "[signature]\ndigest = 'md5'\nfound_in = ['/sign', '/signature']\nencoding = 'hex'\n\
         parts = ['key', '/t | /time']\n{EVENT}sample = '{{\"t\":1,\"sign\":\"\"}}'\n"
    ));
    let gate = gate(&text, "keys = ['test']");
    // MD5 of `test1545030873`: the example of Tencent's documentation.
    let sign = "ca3e25e5dc17a6f9909a9ae7281e300d";
    for (body, expected) in [
        (format!(r#"{{"t":1545030873,"sign":"{sign}"}}"#), "event"),
        (format!(r#"{{"time":"1545030873","signature":"{sign}"}}"#), "event"),
        (format!(r#"{{"time":1545030873,"t":null,"signature":"{sign}"}}"#), "event"),
        (format!(r#"{{"t":1545030873,"time":"1545030873","sign":"{sign}"}}"#), "event"),
        (format!(r#"{{"t":1545030873,"time":1,"sign":"{sign}"}}"#), "field_duplicate"),
        (format!(r#"{{"t":1545030873,"time":[1],"sign":"{sign}"}}"#), "field_duplicate"),
        (format!(r#"{{"t":1545030873,"sign":"{sign}","signature":{{}}}}"#), "field_duplicate"),
        (format!(r#"{{"sign":"{sign}"}}"#), "signed_part_missing"),
        (r#"{"t":1545030873}"#.to_owned(), "signature_missing"),
    ] {
        assert_eq!(code(send(&gate, &request(&body))), expected, "{body}");
    }
    let accepted =
        send(&gate, &request(&format!(r#"{{"a":2,"time":1545030873,"signature":"{sign}"}}"#)));
    assert_eq!(&accepted.unwrap().event().data()[..], br#"{"a":2,"time":1545030873}"#);
}

#[test]
fn reports_wrong_alternatives() {
    let sign =
        "[settings.s]\n[signature]\ndigest = 'hmac-sha256'\nencoding = 'hex'\nparts = 'body'\n";
    let found_in = |places: &str| format!("{sign}found_in = {places}\n{EVENT}");
    assert_eq!(faults(&found_in("'header:a | header:b'")), [""; 0]);
    assert_eq!(faults(&found_in("['header:a']")), [""; 0]);
    assert_fault(&found_in("[]"), "expected a place, found an empty list");
    assert_fault(&found_in("['header:a', 'setting:s']"), "expected places of the request");
    assert_fault(&found_in("'header:a | b'"), "expected a location");
    assert_fault(&found_in("['header:a', 'header:b c']"), "expected a header name");
}

/// Signature of ZEGOCLOUD: <https://doc-zh.zego.im/article/9215>.
const SORTED: &str = "[signature]\ndigest = 'sha1'\nfound_in = '/signature'\nencoding = 'hex'\n\
    parts = { sorted = ['key', '/timestamp', '/nonce'], separator = '' }\n\
    time = { from = '/timestamp', means = 'sent', unit = 's' }\n";

#[test]
fn sorts_parts_by_their_bytes() {
    let text = definition(&format!("{SORTED}{EVENT}sample = '{{\"nonce\":\"123412\"}}'\n"));
    let gate = gate(&text, "keys = ['secret']");
    let sign = "5bd59fd62953a8059fb7eaba95720f66d19e4517";
    let at = |body: String| code(send_at(&gate, &request(&body), 1_470_820_198));
    let body = |nonce: &str, timestamp: &str, sign: &str| {
        format!(
            r#"{{"event":"stream_create","timestamp":{timestamp},"nonce":{nonce},"signature":"{sign}"}}"#
        )
    };
    assert_eq!(at(body("123412", "1470820198", sign)), "event");
    assert_eq!(at(body("\"123412\"", "\"1470820198\"", sign)), "event");
    assert_eq!(at(body("123413", "1470820198", sign)), "signature_mismatch");
    assert_eq!(at(body("123412", "1470820199", sign)), "signature_mismatch");
    assert_eq!(at(body("123412", "[]", sign)), "signed_part_missing");
    let sent = sample(&text, "event", "secret");
    assert_eq!(code(send(&gate, &sent)), "event");
    // Volcengine RTC, <https://volcengine.com/docs/6348/69820>. The digest is from Python's
    // `hashlib`.
    let rtc = definition(&format!(
        "[signature]\ndigest = 'sha256'\nfound_in = '/Signature'\nencoding = 'hex'\n\
         parts = {{ sorted = ['/EventType', '/EventData', '/EventTime', '/EventId', '/AppId', \
         '/Version', '/Nonce', 'key'] }}\n{EVENT}"
    ));
    let gate = self::gate(&rtc, "keys = ['rtc-secret']");
    let body = r#"{"EventType":"RoomCreate","EventData":"{}","EventTime":"2020-12-01T00:00:00Z","EventId":"e1","AppId":"a1","Version":"2020-12-01","Nonce":"n1","Signature":"9f34589b106292108bfc85c28b9b6a4ba002220263ba3756ba66e7237716debf"}"#;
    assert_eq!(code(send(&gate, &request(body))), "event");
    let changed = body.replace("RoomCreate", "RoomDelete");
    assert_eq!(code(send(&gate, &request(&changed))), "signature_mismatch");
}

#[test]
fn writes_separator_between_sorted_parts() {
    let text = definition(&format!(
        "[signature]\ndigest = 'hmac-sha256'\nfound_in = 'header:s'\nencoding = 'hex'\n\
         parts = {{ sorted = ['/b', '/a', {{ part = '/c', optional = true }}], separator = '&' }}\n\
         {EVENT}sample = '{{\"a\":\"x\",\"b\":\"y\"}}'\n"
    ));
    let gate = gate(&text, "keys = ['key-of-the-test']");
    let mut sent = sample(&text, "event", "key-of-the-test");
    // HMAC-SHA256 of `x&y`, computed with Python's `hmac`.
    assert_eq!(
        sent.headers()["s"],
        "c9d1a214908a4f5c0a428ac15614a4f4adcd4f98f8372cfe6e31d0f1ef774182"
    );
    assert_eq!(code(send(&gate, &sent)), "event");
    *sent.body_mut() = br#"{"a":"y","b":"x"}"#.to_vec();
    assert_eq!(code(send(&gate, &sent)), "event");
    *sent.body_mut() = br#"{"a":"x","b":"y","c":""}"#.to_vec();
    assert_eq!(code(send(&gate, &sent)), "signature_mismatch");
}

#[test]
fn reports_wrong_sorted_parts() {
    let sign = "[signature]\ndigest = 'hmac-sha256'\nfound_in = '/s'\nencoding = 'hex'\n";
    let of = |parts: &str| format!("{sign}parts = {parts}\n{EVENT}");
    assert_fault(&of("{ sorted = ['key', '/a'] }"), "expected parts other than the key");
    assert_fault(&of("{ sorted = ['/a'], join = '' }"), "expected a known key, found \"join\"");
    assert_fault(&of("{ sorted = ['/b', 'a'] }"), "expected a signed part");
    let faults = faults(&of("{ separator = '' }"));
    let expected = "expected `sorted` in parts";
    assert!(
        faults.iter().any(|fault| fault.contains(expected)),
        "expected {expected}, found {faults:#?}"
    );
}

/// Signature of Twilio: <https://www.twilio.com/docs/usage/security#validating-requests>.
const PAIRS: &str = "[signature]\ndigest = 'hmac-sha1'\nfound_in = 'header:x-twilio-signature'\n\
    encoding = 'base64'\nparts = ['literal:https://', 'host', 'target', 'form-pairs']\n";

/// Flips each bit of a form. If the event then differs, the gate must refuse the request. The event
/// can be the same, because a form can encode a character in several ways.
fn refuses_other_fields(gate: &Gate, request: &Request<Vec<u8>>) {
    let event = send(gate, request).unwrap().event().data().clone();
    for bit in 0..request.body().len() * 8 {
        let mut request = request.clone();
        request.body_mut()[bit / 8] ^= 1 << (bit % 8);
        let accepted = send(gate, &request);
        assert!(
            accepted.is_err() || *accepted.unwrap().event().data() == event,
            "expected a refusal or the same event after a flip of bit {bit}, found another event"
        );
    }
}

fn form(text: &str) -> String {
    text.replace("body = 'json'", "body = 'form'")
}

#[test]
fn signature_covers_host_target_and_sorted_pairs_of_a_form() {
    let text = form(&definition(&format!("{PAIRS}{EVENT}")));
    let gate = gate(&text, "keys = ['12345']");
    let post = |uri: &str, body: &str| {
        let mut request = Request::post(uri).body(body.as_bytes().to_vec()).unwrap();
        set_header(&mut request, "host", "mycompany.com");
        request
    };
    // The example of Twilio, with the path of this test's route.
    let body = "To=%2B18005551212&Digits=1234&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
    let mut request = post("/c?foo=1&bar=2", body);
    set_header(&mut request, "x-twilio-signature", "oLIapixBjx2Bb+0tUYvDS3HsCbs=");
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_header(&gate, &request, "x-twilio-signature", false);
    refuses_flipped_header(&gate, &request, "host", false);
    refuses_other_fields(&gate, &request);
    for uri in ["/c?foo=1&bar=3", "/c?bar=2&foo=1", "/c", "/c?foo=1&bar=2&", "/c?foo=%31&bar=2"] {
        let mut other = post(uri, body);
        set_header(&mut other, "x-twilio-signature", "oLIapixBjx2Bb+0tUYvDS3HsCbs=");
        assert_eq!(code(send(&gate, &other)), "signature_mismatch", "{uri}");
    }
    // Neither the order of the fields nor their percent-encoding has an effect.
    *request.body_mut() =
        body.replace("Digits=1234&", "").replace("To=", "Digits=%31234&To=").into_bytes();
    assert_eq!(code(send(&gate, &request)), "event");
    // In HTTP/2, the URI contains the host.
    let mut http2 = post("https://mycompany.com/c?foo=1&bar=2", body);
    http2.headers_mut().remove("host");
    set_header(&mut http2, "x-twilio-signature", "oLIapixBjx2Bb+0tUYvDS3HsCbs=");
    assert_eq!(code(send(&gate, &http2)), "event");
}

#[test]
fn accepts_published_example_of_twilio() {
    let text = form(&definition(&format!(
        "[settings.url]\n{}{EVENT}",
        PAIRS.replace("'literal:https://', 'host', 'target'", "'setting:url'")
    )));
    let gate = gate(
        &text,
        "keys = ['12345']\nsettings = { url = 'https://mycompany.com/myapp.php?foo=1&bar=2' }",
    );
    for (number, signature) in [
        ("12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        ("14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ] {
        let mut request = request(&format!(
            "CallSid=CA1234567890ABCDE&Caller=%2B{number}&Digits=1234&From=%2B{number}&To=%2B18005551212"
        ));
        set_header(&mut request, "x-twilio-signature", signature);
        assert_eq!(code(send(&gate, &request)), "event", "{number}");
    }
}

#[test]
fn signed_pairs_of_a_form_omit_the_signature() {
    let text = form(&definition(&format!(
        "[signature]\ndigest = 'md5'\nfound_in = '/sign'\nencoding = 'hex'\n\
         parts = ['form-pairs', 'key']\n{EVENT}sample = '{{\"b\":\"1\",\"a\":\"2\"}}'\n"
    )));
    let gate = gate(&text, "keys = ['key-of-the-test']");
    let sent = sample(&text, "event", "key-of-the-test");
    let body = String::from_utf8(sent.body().clone()).unwrap();
    // MD5 of `a2b1key-of-the-test`, computed with Python's `hashlib`.
    assert!(
        body.contains("sign=228839f6c367b3a865dac8aeeb400da1"),
        "expected the signature, found {body}"
    );
    assert_eq!(code(send(&gate, &sent)), "event");
    refuses_other_fields(&gate, &sent);
}

#[test]
fn reports_pairs_of_a_body_that_is_not_a_form() {
    assert_fault(&format!("{PAIRS}{EVENT}"), "expected a form or a query beside \"form-pairs\"");
    let both = definition(&format!("{PAIRS}{EVENT}")).replace("'json'", "['json', 'form']");
    let gate = gate(&both, "keys = ['12345']");
    let mut request = request(r#"{"a":1}"#);
    set_header(&mut request, "host", "h");
    set_header(&mut request, "x-twilio-signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(code(send(&gate, &request)), "signed_part_missing");
}

/// Signature of Qiniu:
/// <https://github.com/qiniu/go-sdk/blob/f6853ce64c2476626f48b3ca42aae1f9b0965e92/auth/credentials.go>.
const CANONICAL: &str = "[signature]\ndigest = 'hmac-sha1'\nfound_in = 'header:authorization'\n\
    separator = ':'\nencoding = 'base64url'\n\
    parts = ['method', 'literal: ', 'target', \"literal:\\nHost: \", 'host', \
    \"literal:\\nContent-Type: \", 'header:content-type', \"literal:\\n\\n\", 'body']\n";

#[test]
fn signature_covers_method_target_and_host() {
    let text = definition(&format!("{CANONICAL}{EVENT}"));
    let gate = gate(&text, "keys = ['qiniu-sk']");
    let body = br#"{"status":"connected","title":"s1"}"#.to_vec();
    let mut request = Request::post("/c?x=1").body(body).unwrap();
    for (name, value) in [
        ("host", "app.example.com"),
        ("content-type", "application/json"),
        // Signature computed with Python's `hmac`.
        ("authorization", "Qiniu qiniu-ak:oBuZVDQz4nz4zcOZXvwMSc-FL1Q="),
    ] {
        set_header(&mut request, name, value);
    }
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_body(&gate, &request);
    refuses_flipped_header(&gate, &request, "host", false);
    refuses_flipped_header(&gate, &request, "content-type", false);
    let mut get = request.clone();
    *get.method_mut() = Method::GET;
    assert_eq!(code(send(&gate, &get)), "signature_mismatch");
    assert_eq!(code(send_at(&gate, &request, NOW + 100_000)), "event");
}

#[test]
fn explanation_hides_the_target() {
    let text = definition(&format!("{CANONICAL}{EVENT}"));
    let gate = gate(&text, "keys = ['qiniu-sk']");
    let mut request = Request::post("/c?token=secret-of-the-path").body(b"{}".to_vec()).unwrap();
    for name in ["host", "content-type", "authorization"] {
        set_header(&mut request, name, "x");
    }
    let head = gatepost::Head::new(request.method(), request.uri(), request.headers());
    let now = gatepost::Timestamp::from_secs(NOW);
    let explained = gate.explain(&head, request.body().clone().into(), now).to_string();
    assert!(
        explained.contains("POST [target]"),
        "expected the method and [target], found {explained}"
    );
    assert!(!explained.contains("secret-of-the-path"), "expected no target, found {explained}");
}
