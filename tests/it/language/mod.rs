//! Tests of the definition language, with platforms that no built-in definition describes.

mod jwt;
mod key_pairs;
mod raw_bodies;
mod replies;
mod samples;
mod shared_token;

use std::fs;

use gatepost::{Accepted, Answer, Definition, Gate, Head, Next, Refusal, Reply, Timestamp};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};

use crate::core::judge;

pub(crate) const NOW: i64 = 1_700_000_000;

/// Returns the definition of a platform with a JSON body. `rest` has the lines after the first keys
/// of `[request]`.
pub(crate) fn definition(rest: &str) -> String {
    format!(
        "name = 'cam'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
         [request]\nmethods = ['POST', 'GET']\nbody = 'json'\n{rest}"
    )
}

/// Builds a gate with one route and one template. `template` has the last lines of the config.
pub(crate) fn gate(definition: &str, template: &str) -> Gate {
    try_gate(definition, template).unwrap()
}

pub(crate) fn try_gate(definition: &str, template: &str) -> Result<Gate, String> {
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
pub(crate) fn faults(rest: &str) -> Vec<String> {
    let Err(error) = Definition::parse(&definition(rest)) else { return Vec::new() };
    error.faults().iter().map(ToString::to_string).collect()
}

/// Checks that the definition with these lines has exactly one fault, which contains `expected`.
pub(crate) fn assert_fault(rest: &str, expected: &str) {
    let faults = faults(rest);
    let [fault] = &faults[..] else { panic!("{rest}: expected one fault, found {faults:#?}") };
    assert!(fault.contains(expected), "{rest}: expected {expected}, found {fault}");
    assert!(fault.contains("; "), "{rest}: expected a remedy, found {fault}");
}

/// Returns the signed sample of a kind, as `gatepost send` sends it.
pub(crate) fn sample(definition: &str, kind: &str, key: &str) -> Request<Vec<u8>> {
    sample_with(definition, kind, key, &[])
}

pub(crate) fn sample_with(
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

pub(crate) fn send(gate: &Gate, request: &Request<Vec<u8>>) -> Result<Accepted, Refusal> {
    send_at(gate, request, NOW)
}

pub(crate) fn send_at(
    gate: &Gate,
    request: &Request<Vec<u8>>,
    now: i64,
) -> Result<Accepted, Refusal> {
    let head = Head::new(request.method(), request.uri(), request.headers());
    judge(gate, &head, request.body(), 4096, now)
}

/// Returns the kind of an accepted callback, or the code of the refusal.
pub(crate) fn code(result: Result<Accepted, Refusal>) -> String {
    match result {
        Ok(accepted) => accepted.event().kind().to_owned(),
        Err(refusal) => refusal.kind().as_str().to_owned(),
    }
}

/// Returns the reply to the platform for an app that answers 200 with an empty body.
pub(crate) fn reply(gate: &Gate, request: &Request<Vec<u8>>) -> Reply {
    let now = Timestamp::from_secs(NOW);
    match send(gate, request).unwrap().next(now) {
        Next::Ask(question) => {
            let answer = Answer::response(StatusCode::OK, Some(Default::default()));
            question.conclude(&answer, now).reply
        }
        Next::Reply(conclusion) => conclusion.reply,
        Next::Store(_) => panic!("expected no queued event, found one"),
        Next::Wait(_) => panic!("expected no other copy of the callback, found one"),
    }
}

pub(crate) fn set_header(request: &mut Request<Vec<u8>>, name: &str, value: &str) {
    let name: HeaderName = name.parse().unwrap();
    request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
}

/// Flips each bit of the header's value in turn. The gate must refuse each changed request. If
/// `is_hex` is true, the gate may accept a value that differs only in the case of its hex digits.
pub(crate) fn refuses_flipped_header(
    gate: &Gate,
    request: &Request<Vec<u8>>,
    name: &str,
    is_hex: bool,
) {
    let value = request.headers()[name].as_bytes().to_vec();
    assert!(send(gate, request).is_ok());
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(sent) = HeaderValue::from_bytes(&flipped) else { continue };
        let mut request = request.clone();
        request.headers_mut().insert(name.parse::<HeaderName>().unwrap(), sent);
        let is_same = is_hex && flipped.eq_ignore_ascii_case(&value);
        assert!(
            send(gate, &request).is_err() || is_same,
            "expected a refusal after a flip of bit {bit} of {name}, found acceptance"
        );
    }
}

/// Flips each bit of the body in turn. The gate must refuse each changed request.
pub(crate) fn refuses_flipped_body(gate: &Gate, request: &Request<Vec<u8>>) {
    assert!(send(gate, request).is_ok());
    for bit in 0..request.body().len() * 8 {
        let mut request = request.clone();
        request.body_mut()[bit / 8] ^= 1 << (bit % 8);
        let verdict = send(gate, &request);
        assert!(verdict.is_err(), "expected a refusal after a flip of bit {bit}, found acceptance");
    }
}

const TOKEN: &str = "[signature]\ndigest = 'none'\nfound_in = 'header:authorization'\n";

pub(crate) const EVENT: &str = "[kind]\nother = 'event'\n[kinds.event]\n";

#[test]
fn sha1_signature_requires_the_key_among_the_parts() {
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
fn evidence_appears_in_info_and_warnings() {
    let text = |word: &str| format!("evidence = '{word}'\n{}", definition(EVENT));
    let info = Definition::parse(&text("vector")).unwrap().info();
    assert_eq!(info.evidence.map(gatepost::Evidence::as_str), Some("vector"));
    let error = Definition::parse(&text("vectors")).unwrap_err().to_string();
    assert!(
        error.contains("did you mean `vector`"),
        "expected a suggestion of `vector`, found {error}"
    );
    for (word, expected) in [("unconfirmed", 1), ("documented", 0)] {
        let gate = gate(&text(word), "");
        let warnings = gate.warnings();
        let found = warnings.iter().filter(|w| w.kind().as_str() == "provider_unconfirmed");
        assert_eq!(found.count(), expected, "{word}");
    }
}

/// Returns the text of a key in `tests/it/keys`. `rsa` and `ec` are the keys of RFC 7515,
/// appendices A.2 and A.3. `ed` is the key of RFC 8032, section 7.1, test 1.
pub(crate) fn key_file(name: &str) -> String {
    let path = format!("{}/tests/it/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

pub(crate) fn keys(key: &str) -> String {
    format!("keys = ['''{key}''']")
}
