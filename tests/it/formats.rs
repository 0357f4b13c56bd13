//! Tests of body formats, methods of kinds, kinds that several values together name, and signatures
//! inside an object.

use http::{Method, Request};

use crate::language::{
    EVENT, assert_fault, code, definition, faults, gate, sample, sample_with, send, set_header,
};

/// Kinds of Alibaba Cloud Live: callbacks about streams by `GET`, about recordings by `POST`.
/// <https://www.alibabacloud.com/help/en/live/user-guide/callback-settings>
const TWO_FORMATS: &str = "[signature]\ndigest = 'md5'\nparts = ['header:ali-live-timestamp', 'literal:|', 'key']\n\
    found_in = 'header:ali-live-signature'\nencoding = 'hex'\n\
    [kind]\nfrom = '/action'\nunnamed = 'record'\n[kinds.publish]\nmethod = 'GET'\n\
    sample = '{\"action\":\"publish\",\"app\":\"push.example.com\",\"id\":\"s1\"}'\n\
    [kinds.record]\nmethod = 'POST'\nwhen = '/event'\nsample = '{\"event\":\"record_started\"}'\n";

fn two_formats() -> String {
    definition(TWO_FORMATS).replace("body = 'json'", "body = { GET = 'query', POST = 'json' }")
}

#[test]
fn reads_request_in_format_of_its_method() {
    let text = two_formats();
    let gate = gate(&text, "keys = ['key-of-the-test']");
    let signed = |kind: &str| {
        let place = [("header:ali-live-timestamp", "1700000000")];
        sample_with(&text, kind, "key-of-the-test", &place)
    };
    let publish = signed("publish");
    assert_eq!((publish.method(), &publish.body()[..]), (&Method::GET, &b""[..]));
    assert!(
        publish.uri().query().unwrap().contains("action=publish"),
        "expected action=publish, found {}",
        publish.uri()
    );
    let accepted = send(&gate, &publish).unwrap();
    assert_eq!(accepted.event().kind(), "publish");
    assert_eq!(
        &accepted.event().data()[..],
        br#"{"action":"publish","app":"push.example.com","id":"s1"}"#
    );
    let record = signed("record");
    assert_eq!(record.method(), Method::POST);
    assert_eq!(code(send(&gate, &record)), "record");
    // gatepost does not read the query of a `POST` request as a body, so the query adds no fields.
    let mut both = record.clone();
    *both.uri_mut() = http::Uri::from_static("/c?action=publish");
    assert_eq!(code(send(&gate, &both)), "record");
    let mut empty = record;
    empty.body_mut().clear();
    assert_eq!(code(send(&gate, &empty)), "body_missing");
    let mut posted = publish.clone();
    *posted.method_mut() = Method::POST;
    assert_eq!(code(send(&gate, &posted)), "body_missing");
    *posted.body_mut() = br#"{"action":"publish"}"#.to_vec();
    assert_eq!(code(send(&gate, &posted)), "method_not_allowed");
    *posted.method_mut() = Method::PUT;
    assert_eq!(code(send(&gate, &posted)), "method_not_allowed");
}

#[test]
fn definition_can_select_kind_by_method() {
    let text = definition(
        "[kind]\nfrom = 'method'\n[kind.names]\nGET = 'verify'\nPOST = 'event'\n\
         [kinds.verify]\nmethod = 'GET'\n[kinds.event]\nmethod = 'POST'\n",
    );
    let text = text.replace("body = 'json'", "body = { GET = 'query', POST = 'raw' }");
    let gate = gate(&text, "");
    let get = Request::get("/c?hub.mode=subscribe").body(Vec::new()).unwrap();
    assert_eq!(code(send(&gate, &get)), "verify");
    let post = Request::post("/c").body(b"<feed/>".to_vec()).unwrap();
    let accepted = send(&gate, &post).unwrap();
    assert_eq!((accepted.event().kind(), &accepted.event().data()[..]), ("event", &b"<feed/>"[..]));
    assert_eq!(code(send(&gate, &sample(&text, "verify", ""))), "verify");
}

#[test]
fn reports_wrong_formats_of_methods() {
    let with = |body: &str| {
        let text = definition(EVENT).replace("body = 'json'", &format!("body = {body}"));
        let Err(error) = gatepost::Definition::parse(&text) else { return Vec::new() };
        error.faults().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(with("{ GET = 'query', POST = 'json' }").is_empty());
    for (body, expected) in [
        ("{ GET = 'query' }", "expected a body format for POST, found none"),
        ("{ GET = 'query', POST = 'xml' }", "expected a known body format, found \"xml\""),
        ("{ GET = 'query', POST = 'json', PUT = 'json' }", "expected a known key, found \"PUT\""),
        ("{}", "expected a body format for POST, found none"),
    ] {
        let faults = with(body);
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{body}: expected {expected}, found {faults:#?}"
        );
    }
    assert_fault("[kind]\nother = 'a'\n[kinds.a]\nmethod = 'PUT'\n", "expected a known method");
}

/// Kinds of Agora: <https://docs.agora.io/en/video-calling/develop/receive-notifications>. An
/// `eventType` has a different meaning for each `productId`.
const COMPOSITE: &str = "[kind]\nfrom = [['/productId', '/eventType']]\n[kind.names]\n\
    '1/101' = 'channel_create'\n'3/101' = 'recording_error'\n\
    [kinds.channel_create]\nsample = '{\"productId\":1,\"eventType\":101}'\n\
    [kinds.recording_error]\nsample = '{\"productId\":3,\"eventType\":101}'\n";

#[test]
fn several_values_together_can_name_a_kind() {
    let text = definition(COMPOSITE);
    let gate = gate(&text, "");
    for kind in ["channel_create", "recording_error"] {
        assert_eq!(code(send(&gate, &sample(&text, kind, ""))), kind);
    }
    for (body, expected) in [
        (r#"{"productId":"3","eventType":"101"}"#, "recording_error"),
        (r#"{"productId":2,"eventType":101}"#, "unknown"),
        (r#"{"productId":"1/101","eventType":""}"#, "unknown"),
        (r#"{"productId":1}"#, "kind_missing"),
        (r#"{"eventType":101}"#, "kind_missing"),
        (r#"{"productId":1,"eventType":null}"#, "kind_missing"),
        (r#"{"productId":"1\ud800","eventType":101}"#, "json_malformed"),
    ] {
        let request = Request::post("/c").body(body.as_bytes().to_vec()).unwrap();
        assert_eq!(code(send(&gate, &request)), expected, "{body}");
    }
    // If a value of the first entry of `from` is missing, gatepost reads the next entry.
    let other = definition(&COMPOSITE.replace(
        "[['/productId', '/eventType']]",
        "[['/productId', '/eventType'], 'header:x-kind']",
    ));
    let gate = self::gate(&other, "");
    let mut request = Request::post("/c").body(b"{}".to_vec()).unwrap();
    set_header(&mut request, "x-kind", "1/101");
    assert_eq!(code(send(&gate, &request)), "channel_create");
}

#[test]
fn reports_wrong_lists_of_values_that_name_a_kind() {
    let from = |from: &str| format!("[kind]\nother = 'a'\nfrom = {from}\n[kinds.a]\n");
    assert_eq!(faults(&from("[['/a', '/b | /c'], '/d']")), [""; 0]);
    for (list, expected) in [
        ("[['/a']]", "expected a list of at least two places"),
        ("[[]]", "expected a list of at least two places, found an empty list"),
        ("[['/a', 1]]", "expected a list of at least two places"),
        ("[1]", "expected a list of at least two places, found a whole number"),
        ("[['/a', 'b']]", "expected a location"),
    ] {
        assert_fault(&from(list), expected);
    }
}

#[test]
fn signature_may_be_inside_an_object() {
    let text = definition(&format!(
        "[signature]\ndigest = 'hmac-sha256'\nfound_in = '/data/sign'\nencoding = 'hex'\n\
         parts = ['/data/t', '/data/id']\n\
         time = {{ from = '/data/t', means = 'sent', unit = 's' }}\n\
         {EVENT}sample = '{{\"data\":{{\"id\":\"s1\",\"t\":1703731478,\"sign\":\"old\"}}}}'\n"
    ));
    let gate = gate(&text, "keys = ['key-of-the-test']");
    let signed = sample(&text, "event", "key-of-the-test");
    assert_eq!(code(send(&gate, &signed)), "event");
    let body = String::from_utf8(signed.body().clone()).unwrap();
    for (from, to, expected) in [
        (r#""id":"s1""#, r#""id":"s2""#, "signature_mismatch"),
        (r#""sign":"#, r#""sing":"#, "signature_missing"),
        (r#"{"data":"#, r#"{"t":1,"sign":"","date":"#, "signature_missing"),
        (r#""t":1"#, r#""t":2"#, "signature_mismatch"),
    ] {
        let request = Request::post("/c").body(body.replacen(from, to, 1).into_bytes()).unwrap();
        assert_eq!(code(send(&gate, &request)), expected, "{to}");
    }
}
