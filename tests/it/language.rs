//! Tests of the definition language, with platforms that no built-in definition describes.

use std::fs;

use gatepost::{Accepted, Answer, Definition, Gate, Head, Next, Refusal, Reply, Timestamp};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};

use crate::core::judge;

const NOW: i64 = 1_700_000_000;

/// A platform with a JSON body. `rest` starts with further keys of `[request]`.
fn definition(rest: &str) -> String {
    format!(
        "name = 'cam'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
         [request]\nmethods = ['POST', 'GET']\nbody = 'json'\n{rest}"
    )
}

/// Builds a gate with one route and one template. `template` has further keys of the template.
fn gate(definition: &str, template: &str) -> Gate {
    try_gate(definition, template).unwrap()
}

fn try_gate(definition: &str, template: &str) -> Result<Gate, String> {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("cam.toml"), definition).unwrap();
    let config = format!(
        "provider_files = ['cam.toml']\n[[route]]\npath = '/c'\nprovider = 'cam'\n\
         [[template]]\nname = 't'\nprovider = 'cam'\nbind = ['*']\n{template}\n"
    );
    let path = folder.path().join("gatepost.toml");
    fs::write(&path, config).unwrap();
    Gate::from_toml_file(path).map_err(|error| error.to_string())
}

/// Returns the faults of a definition with these lines.
fn faults(rest: &str) -> Vec<String> {
    let Err(error) = Definition::parse(&definition(rest)) else { return Vec::new() };
    error.faults().iter().map(ToString::to_string).collect()
}

/// Checks that the definition with these lines has exactly one fault, which contains `expected`.
fn assert_fault(rest: &str, expected: &str) {
    let faults = faults(rest);
    let [fault] = &faults[..] else { panic!("{rest}: expected one fault, found {faults:#?}") };
    assert!(fault.contains(expected), "{rest}: expected {expected}, found {fault}");
    assert!(fault.contains("; "), "{rest}: expected a remedy, found {fault}");
}

/// Returns the sample of a kind as `gatepost send` writes it.
fn sample(definition: &str, kind: &str, key: &str) -> Request<Vec<u8>> {
    sample_with(definition, kind, key, &[])
}

fn sample_with(
    definition: &str,
    kind: &str,
    key: &str,
    places: &[(&str, &str)],
) -> Request<Vec<u8>> {
    let definition = Definition::parse(definition).unwrap();
    let mut sample = definition.sample(kind).unwrap();
    for (place, value) in places {
        sample.set(place, value).unwrap();
    }
    let sample = sample.sign(key, Timestamp::from_secs(NOW));
    sample.request(&Uri::from_static("/c")).unwrap().map(|body| body.to_vec())
}

fn send(gate: &Gate, request: &Request<Vec<u8>>) -> Result<Accepted, Refusal> {
    send_at(gate, request, NOW)
}

fn send_at(gate: &Gate, request: &Request<Vec<u8>>, now: i64) -> Result<Accepted, Refusal> {
    let head = Head::new(request.method(), request.uri(), request.headers());
    judge(gate, &head, request.body(), 4096, now)
}

/// Returns the kind of an accepted callback, or the code of the refusal.
fn code(result: Result<Accepted, Refusal>) -> String {
    match result {
        Ok(accepted) => accepted.event().kind().to_owned(),
        Err(refusal) => refusal.kind().as_str().to_owned(),
    }
}

/// Returns the reply to the platform if the app takes each event.
fn reply(gate: &Gate, request: &Request<Vec<u8>>) -> Reply {
    let now = Timestamp::from_secs(NOW);
    match send(gate, request).unwrap().next(now) {
        Next::Ask(question) => {
            let answer = Answer::response(StatusCode::OK, Some(Default::default()));
            question.conclude(&answer, now).reply
        }
        Next::Reply(conclusion) => conclusion.reply,
        Next::Wait(_) => panic!("expected no other copy of the callback"),
    }
}

fn set_header(request: &mut Request<Vec<u8>>, name: &str, value: &str) {
    let name: HeaderName = name.parse().unwrap();
    request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
}

/// Flips each bit of the header's value. The gate must refuse each such request, unless the text
/// differs only in the case of its hex digits.
fn refuses_flipped_header(gate: &Gate, request: &Request<Vec<u8>>, name: &str, is_hex: bool) {
    let value = request.headers()[name].as_bytes().to_vec();
    assert!(send(gate, request).is_ok());
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(sent) = HeaderValue::from_bytes(&flipped) else { continue };
        let mut request = request.clone();
        request.headers_mut().insert(name.parse::<HeaderName>().unwrap(), sent);
        let is_same = is_hex && flipped.eq_ignore_ascii_case(&value);
        assert!(send(gate, &request).is_err() || is_same, "bit {bit} of {name}");
    }
}

/// Flips each bit of the body. The gate must refuse each such request.
fn refuses_flipped_body(gate: &Gate, request: &Request<Vec<u8>>) {
    assert!(send(gate, request).is_ok());
    for bit in 0..request.body().len() * 8 {
        let mut request = request.clone();
        request.body_mut()[bit / 8] ^= 1 << (bit % 8);
        assert!(send(gate, &request).is_err(), "bit {bit} of the body");
    }
}

const TOKEN: &str = "[signature]\ndigest = 'none'\nfound_in = 'header:authorization'\n";
const EVENT: &str = "[kind]\nother = 'event'\n[kinds.event]\n";

#[test]
fn token_equals_the_key() {
    let plain = definition(&format!("{TOKEN}prefix = 'Bearer '\n{EVENT}"));
    let gate = gate(&plain, "keys = ['first-token', 'older-token']");
    let request = sample(&plain, "event", "first-token");
    assert_eq!(request.headers()["authorization"], "Bearer first-token");
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_header(&gate, &request, "authorization", false);
    for (sent, expected) in [
        ("Bearer older-token", "event"),
        ("Bearer other-token", "signature_mismatch"),
        ("Bearer first-toke", "signature_mismatch"),
        ("Bearer first-token ", "signature_mismatch"),
        ("Bearer first-tokenn", "signature_mismatch"),
        ("Bearer ", "signature_mismatch"),
        ("first-token", "signature_malformed"),
        ("Basic first-token", "signature_malformed"),
    ] {
        let mut request = request.clone();
        set_header(&mut request, "authorization", sent);
        assert_eq!(code(send(&gate, &request)), expected, "{sent}");
    }
    let mut twice = request.clone();
    twice.headers_mut().append("authorization", HeaderValue::from_static("Bearer first-token"));
    assert_eq!(code(send(&gate, &twice)), "field_duplicate");
    let mut without = request;
    without.headers_mut().remove("authorization");
    assert_eq!(code(send(&gate, &without)), "signature_missing");
}

#[test]
fn token_has_its_declared_encoding() {
    let basic = definition(&format!("{TOKEN}prefix = 'Basic '\nencoding = 'base64'\n{EVENT}"));
    let gate = gate(&basic, "keys = ['Aladdin:open sesame']");
    let request = sample(&basic, "event", "Aladdin:open sesame");
    // The example of RFC 7617, section 2.
    assert_eq!(request.headers()["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    refuses_flipped_header(&gate, &request, "authorization", false);
}

#[test]
fn explanation_hides_the_token() {
    let text = definition(&format!("{TOKEN}{EVENT}"));
    let gate = gate(&text, "keys = ['first-token']");
    let request = sample(&text, "event", "first-token");
    let head = Head::new(request.method(), request.uri(), request.headers());
    let explained = gate.explain(&head, request.body().clone().into(), Timestamp::from_secs(NOW));
    let lines = explained.to_string();
    assert!(!lines.contains("first-token"), "{lines}");
    assert!(lines.contains("signature  [token] at header:authorization"), "{lines}");
    assert!(lines.contains("number 1 of 1 matches"), "{lines}");
}

#[test]
fn reports_wrong_keys_of_token() {
    assert_fault(&format!("{TOKEN}parts = 'body'\n{EVENT}"), "expected no parts beside digest");
    assert_fault(
        &format!("{TOKEN}time = {{ from = 'header:t', means = 'sent', unit = 's' }}\n{EVENT}"),
        "expected a signed time",
    );
    let hmac = "[signature]\ndigest = 'hmac-sha1'\nparts = 'body'\nfound_in = 'header:s'\n";
    assert_fault(&format!("{hmac}{EVENT}"), "`encoding`");
}

#[test]
fn sha1_hashes_the_key_among_the_parts() {
    let text = definition(&format!(
        "[signature]\ndigest = 'sha1'\nparts = ['key', 'body']\nfound_in = 'header:x-sig'\n\
         encoding = 'hex'\n{EVENT}sample = '{{\"n\":1}}'\n"
    ));
    let gate = gate(&text, "keys = ['a']");
    let request = sample(&text, "event", "a");
    refuses_flipped_body(&gate, &request);
    refuses_flipped_header(&gate, &request, "x-sig", true);
    let keyless =
        "[signature]\ndigest = 'sha1'\nparts = 'body'\nfound_in = 'header:s'\nencoding = 'hex'\n";
    assert_fault(&format!("{keyless}{EVENT}"), "expected the key among the parts");
}

#[test]
fn acknowledgement_has_status_and_body_of_the_kind() {
    let text = definition(
        "[kind]\nfrom = '/e'\n[reply.ack]\nstatus = 204\n[kinds.a]\nsample = '{\"e\":\"a\"}'\n\
         [kinds.b]\nsample = '{\"e\":\"b\"}'\n[kinds.b.reply.ack]\nstatus = 201\njson = { code = 0 }\n\
         [kinds.c]\nsample = '{\"e\":\"c\"}'\n[kinds.c.reply.ack]\ntext = 'success'\n",
    );
    let gate = gate(&text, "[template.on]\n'*' = 'http://127.0.0.1:1'\n");
    for (kind, status, body, content_type) in [
        ("a", 204, "", None),
        ("b", 201, r#"{"code":0}"#, Some("application/json")),
        ("c", 200, "success", Some("text/plain; charset=utf-8")),
    ] {
        let reply = reply(&gate, &sample(&text, kind, "")).into_response();
        assert_eq!(reply.status().as_u16(), status, "{kind}");
        assert_eq!(&reply.body()[..], body.as_bytes(), "{kind}");
        let found = reply.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap());
        assert_eq!(found, content_type, "{kind}");
    }
}

#[test]
fn reports_wrong_keys_of_acknowledgement() {
    assert_fault(&format!("[reply.ack]\nstatus = 404\n{EVENT}"), "expected a number from 200");
    assert_fault(
        &format!("[reply.ack]\njson = {{ ok = true }}\ntext = 'ok'\n{EVENT}"),
        "expected json or text",
    );
    assert_fault(
        &format!("[reply.ack]\nstatus = 204\ntext = 'ok'\n{EVENT}"),
        "expected no body beside status = 204",
    );
    assert_fault(
        &format!("{EVENT}[kinds.event.reply]\nack = {{ status = 204 }}\nallow = {{ ok = 1 }}\n"),
        "allow",
    );
}

#[test]
fn evidence_appears_in_info_and_warnings() {
    let text = |word: &str| format!("evidence = '{word}'\n{}", definition(EVENT));
    let info = Definition::parse(&text("vector")).unwrap().info();
    assert_eq!(info.evidence.map(gatepost::Evidence::as_str), Some("vector"));
    let error = Definition::parse(&text("vectors")).unwrap_err().to_string();
    assert!(error.contains("did you mean `vector`"), "{error}");
    for (word, expected) in [("unconfirmed", 1), ("documented", 0)] {
        let gate = gate(&text(word), "");
        let warnings = gate.warnings();
        let found = warnings.iter().filter(|w| w.kind().as_str() == "provider_unconfirmed");
        assert_eq!(found.count(), expected, "{word}");
    }
}
