//! Tests of the definition language, with platforms that no built-in definition describes.

use std::fs;

use gatepost::{Accepted, Answer, Definition, Gate, Head, Next, Refusal, Reply, Timestamp};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};

use crate::core::judge;

pub(crate) const NOW: i64 = 1_700_000_000;

/// Returns the definition of a platform with a JSON body. `rest` starts with further keys of
/// `[request]`.
pub(crate) fn definition(rest: &str) -> String {
    format!(
        "name = 'cam'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
         [request]\nmethods = ['POST', 'GET']\nbody = 'json'\n{rest}"
    )
}

/// Builds a gate with one route and one template. `template` has further keys of the template.
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

/// Returns the sample of a kind as `gatepost send` writes it.
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

/// Flips each bit of the header's value in turn. The gate must refuse each changed request. With
/// `is_hex`, the gate may accept a value that differs only in the case of its hex digits.
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
fn token_must_equal_the_key() {
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

const SIGNED: &str = "[signature]\ndigest = 'hmac-sha256'\nparts = ['literal:v0:', 'header:x-time', 'literal::', \
    'body']\nfound_in = 'header:x-sig'\nencoding = 'hex'\n\
    time = { from = 'header:x-time', means = 'sent', unit = 's' }\n[kind]\nfrom = '/event'\n";

/// Challenges of Zoom and Twitch: <https://developers.zoom.us/docs/api/webhooks>,
/// <https://dev.twitch.tv/docs/eventsub/handling-webhook-events>.
const CHALLENGES: &str = "[kinds.validate]\n\
    sample = '{\"event\":\"validate\",\"payload\":{\"plainToken\":\"qgg8vlvZRS6UYooatFL8Aw\"}}'\n\
    [kinds.validate.reply]\ngive = { plainToken = '/payload/plainToken', \
    encryptedToken = { hmac = '/payload/plainToken', encoding = 'hex' } }\n\
    [kinds.echo]\nsample = '{\"event\":\"echo\",\"challenge\":\"pogchamp-kappa-360noscope-vohiyo\"}'\n\
    [kinds.echo.reply]\ngive = '/challenge'\nencode = 'text'\n\
    [kinds.other]\nsample = '{\"event\":\"other\"}'\n";

#[test]
fn replies_to_signed_challenge_without_the_app() {
    let text = definition(&format!("{SIGNED}{CHALLENGES}"));
    let gate =
        gate(&text, "keys = ['older', 'zoomkey']\n[template.on]\n'*' = 'http://127.0.0.1:1'");
    let request = sample(&text, "validate", "zoomkey");
    let found = reply(&gate, &request).into_response();
    // HMAC-SHA256 of the plain token, computed by `openssl dgst -sha256 -hmac zoomkey`.
    let expected = r#"{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"HMAC"}"#;
    let expected = expected
        .replace("HMAC", "a2333a183bffa0e09ec3d8d9d6535249ce92c3047083ebfbb35ededda4ecc1aa");
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(found.body()).unwrap(),
        serde_json::from_str::<serde_json::Value>(&expected).unwrap()
    );
    let found = reply(&gate, &sample(&text, "echo", "zoomkey")).into_response();
    assert_eq!(&found.body()[..], b"pogchamp-kappa-360noscope-vohiyo");
    assert_eq!(found.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(found.headers()["x-content-type-options"], "nosniff");
    let now = Timestamp::from_secs(NOW);
    let next = send(&gate, &request).unwrap().next(now);
    let Next::Reply(conclusion) = next else {
        panic!("expected a reply without the app, found {next:?}")
    };
    assert_eq!(conclusion.origin.as_str(), "challenge");
    refuses_flipped_body(&gate, &request);
    assert_eq!(code(send(&gate, &sample(&text, "echo", "wrong"))), "signature_mismatch");
    assert_eq!(code(send_at(&gate, &request, NOW + 301)), "timestamp_expired");
}

#[test]
fn refuses_challenge_with_text_that_could_be_signed_elsewhere() {
    let text = definition(&format!("{SIGNED}{CHALLENGES}"));
    let gate = gate(&text, "keys = ['zoomkey']");
    let long = "a".repeat(128);
    for (token, expected) in [
        ("aZ09_-", "validate"),
        (&*long, "validate"),
        (&format!("{long}a"), "field_invalid"),
        ("", "field_invalid"),
        ("v0:1700000000:{}", "field_invalid"),
        ("a b", "field_invalid"),
        ("<b>", "field_invalid"),
        ("\u{e9}", "field_invalid"),
    ] {
        let place = [("/payload/plainToken", token)];
        let request = sample_with(&text, "validate", "zoomkey", &place);
        assert_eq!(code(send(&gate, &request)), expected, "{token}");
    }
    let request = sample_with(&text, "validate", "zoomkey", &[("/payload", "{}")]);
    assert_eq!(code(send(&gate, &request)), "field_missing");
    let open = self::gate(&text, "insecure_unsigned = true");
    assert_eq!(code(send(&open, &sample(&text, "validate", "zoomkey"))), "signature_missing");
}

/// Challenge of WebSub: <https://www.w3.org/TR/websub/#hub-verifies-intent>. The hub does not sign
/// the request.
const UNSIGNED_CHALLENGE: &str = "[settings.topic]\n[signature]\ndigest = 'hmac-sha1'\nparts = 'body'\n\
    found_in = 'header:x-hub-signature'\nprefix = 'sha1='\nencoding = 'hex'\n\
    [kind]\nfrom = 'query:hub.mode'\nother = 'event'\n[kind.names]\nsubscribe = 'verify'\n\
    [kinds.verify]\nunsigned = true\n[kinds.verify.reply]\ngive = 'query:hub.challenge'\n\
    encode = 'text'\nexpect = { 'query:hub.topic' = 'setting:topic' }\n[kinds.event]\n";

#[test]
fn unsigned_challenge_needs_secret_segment_and_expected_topic() {
    let text = definition(UNSIGNED_CHALLENGE);
    let template = "keys = ['k']\n[template.settings]\ntopic = 'https://example.com/feed'\n\
                    [[route]]\npath = '/t/{token}'\nprovider = 'cam'\ntoken = 'secret'";
    let error = try_gate(&text, template).unwrap_err();
    assert!(error.contains("expected a secret segment, because C does not sign verify"), "{error}");
    let error = try_gate(&text, "keys = ['k']").unwrap_err();
    assert!(error.contains("expected `topic`, which C expects in a challenge"), "{error}");
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("cam.toml"), &text).unwrap();
    let config = "provider_files = ['cam.toml']\n[[route]]\npath = '/t/{token}'\nprovider = 'cam'\n\
                  token = 'secret'\n[[template]]\nname = 't'\nprovider = 'cam'\nbind = ['*']\n\
                  keys = ['k']\nsettings = { topic = 'https://example.com/feed' }\n";
    fs::write(folder.path().join("gatepost.toml"), config).unwrap();
    let gate = Gate::from_toml_file(folder.path().join("gatepost.toml")).unwrap();
    let ask = |query: &str| {
        let uri = format!("/t/secret?{query}");
        let request = Request::post(uri).body(b"{}".to_vec()).unwrap();
        send(&gate, &request).map(|_| reply(&gate, &request).body().to_vec())
    };
    let topic = "hub.topic=https%3A%2F%2Fexample.com%2Ffeed";
    let found = ask(&format!("hub.mode=subscribe&{topic}&hub.challenge=abc-1")).unwrap();
    assert_eq!(found, b"abc-1");
    for (query, expected) in [
        (
            "hub.mode=subscribe&hub.topic=https%3A%2F%2Fexample.org%2Ffeed&hub.challenge=a",
            "field_invalid",
        ),
        ("hub.mode=subscribe&hub.challenge=a", "field_missing"),
        ("hub.mode=publish&hub.challenge=a", "signature_missing"),
    ] {
        let refusal = ask(query).unwrap_err();
        assert_eq!(refusal.kind().as_str(), expected, "{query}");
    }
}

#[test]
fn reports_wrong_keys_of_challenge() {
    let kind = "[kind]\nfrom = '/e'\n[kinds.a]\n";
    let give = "[kinds.a.reply]\ngive";
    let text = format!("{give} = '/c'\nencode = 'text'\n");
    let hmac = format!("{give} = {{ c = {{ hmac = '/c', encoding = 'hex' }} }}\n");
    for (rest, expected) in [
        (format!("{kind}{text}"), "expected a signature or `expect`"),
        (format!("{TOKEN}{kind}{hmac}"), "expected an HMAC signature for a challenge with `hmac`"),
        (format!("{SIGNED}[kinds.a]\n{give} = '/c'\n"), "or one place beside encode"),
        (
            format!("{SIGNED}[kinds.a]\n{give} = {{ c = '/c' }}\nencode = 'text'\n"),
            "or one place beside encode",
        ),
        (format!("{SIGNED}[kinds.a]\n{give} = {{ c = 1 }}\n"), "expected a string or a table"),
        (format!("{SIGNED}[kinds.a]\n{give} = {{ c = 'c' }}\n"), "expected a location"),
        (
            format!("[settings.s]\n{SIGNED}[kinds.a]\n{give} = {{ c = 'setting:s' }}\n"),
            "expected a place in the request",
        ),
        (format!("{SIGNED}[kinds.a]\n{text}expect = {{ '/t' = '/u' }}\n"), "expected a setting"),
        (format!("{SIGNED}[kinds.a]\nunsigned = true\n"), "expected unsigned = true beside `give`"),
        (format!("{SIGNED}[kinds.a]\nunsigned = true\n{text}"), "expected a signature or `expect`"),
    ] {
        assert_fault(&rest, expected);
    }
    let gate = try_gate(
        &definition(&format!("{SIGNED}{CHALLENGES}")),
        "keys = ['k']\n[template.on]\necho = { answer = {} }",
    );
    let error = gate.unwrap_err();
    assert!(error.contains("expected a kind for the app, found a challenge"), "{error}");
}

/// Returns the text of a key in `tests/it/keys`. `rsa` and `ec` are the keys of RFC 7515,
/// appendices A.2 and A.3. `ed` is the key of RFC 8032, section 7.1, test 1.
pub(crate) fn key_file(name: &str) -> String {
    let path = format!("{}/tests/it/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

fn key_pair_definition(digest: &str, encoding: &str) -> String {
    definition(&format!(
        "[signature]\ndigest = '{digest}'\nparts = 'body'\nfound_in = 'header:x-sig'\n\
         encoding = '{encoding}'\n{EVENT}sample = '{{\"type\":\"recording-stopped\"}}'\n"
    ))
}

pub(crate) fn keys(key: &str) -> String {
    format!("keys = ['''{key}''']")
}

/// The algorithms, each with its encoding, its keys, and a signature by Python's `cryptography`.
const KEY_PAIRS: [(&str, &str, &str, &str); 3] = [
    (
        "rsa-sha256",
        "base64",
        "rsa",
        "IobjV4utb2W9zXBOaTeKhYD+kqv0BFmU9z7vv0cquZBcmHtokhhj3OjiKsJ2/S14PSCsEjOsn96P6FWnBeXtQi04heDjZOyAvLuep20AsA+jCp1SIACnqzOJGuvXngk8De6t8jgNMM9L6vOpUpxG8gSrBCmpaGjt6zCKzQYy/QEKQD+sfxymHgGpY3dwGy0q8dSC4T95idrBNhErw7HR7soCleKHzkLO5HG9VBr1LbXqKQf+Oab2DjoWGqSmPU7vGd853sd1bA57RRO1S5Pczf5zOaxzwFpAz2xyHO4OYlHj9yhrdSii3OdBRdnAl2j9L805PhDHNLr4LyRV+5oNzQ==",
    ),
    (
        "ecdsa-p256-sha256",
        "base64",
        "ec",
        "MEUCIAz9SvDTW3qK9FGVJ5Ex7c6LIKSyDGDS0KxBdiQhrZ5qAiEA6WJ3SFy8pBh2D9QCef4As4rkOx9yIO61rRy+2HXxogM=",
    ),
    (
        "ed25519",
        "hex",
        "ed",
        "9af8f45c544c14806755efb4e9e922bb14c2b1cd282c5b69634e95db64aebf23ef9be7e2e1636083235ffb41d800aaab0e97b3222be60bb6f6df8b8171203406",
    ),
];

#[test]
fn verifies_signatures_by_key_pair() {
    for (digest, encoding, name, independent) in KEY_PAIRS {
        let text = key_pair_definition(digest, encoding);
        let public = key_file(&format!("{name}_public"));
        let gate = gate(&text, &keys(&public));
        let mut request = sample(&text, "event", &key_file(&format!("{name}_private")));
        assert_eq!(code(send(&gate, &request)), "event", "{digest}");
        refuses_flipped_body(&gate, &request);
        set_header(&mut request, "x-sig", independent);
        assert_eq!(code(send(&gate, &request)), "event", "{digest}");
        refuses_flipped_header(&gate, &request, "x-sig", encoding == "hex");
        set_header(&mut request, "x-sig", "");
        assert!(code(send(&gate, &request)).starts_with("signature_m"), "{digest}");
    }
}

#[test]
fn public_key_may_be_hex_or_base64() {
    let text = key_pair_definition("ed25519", "hex");
    let request = sample(&text, "event", &key_file("ed_private"));
    for key in [
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ] {
        let gate = gate(&text, &keys(key));
        assert_eq!(code(send(&gate, &request)), "event", "{key}");
    }
}

#[test]
fn reports_key_that_is_not_a_public_key_for_the_digest() {
    for (digest, key) in [
        ("ed25519", key_file("rsa_public")),
        ("ed25519", key_file("ed_private")),
        ("ed25519", "text".to_owned()),
        ("rsa-sha256", key_file("ec_public")),
        ("rsa-sha256", key_file("weak_public")),
        ("rsa-sha256", key_file("ed_public")),
        ("ecdsa-p256-sha256", key_file("p384_public")),
        ("ecdsa-p256-sha256", key_file("rsa_private")),
    ] {
        let error = try_gate(&key_pair_definition(digest, "hex"), &keys(&key)).unwrap_err();
        assert!(error.contains("expected a public key in PEM, hex or base64"), "{digest}: {error}");
        assert!(!error.contains("MII"), "{error}");
    }
    let ed = "[signature]\ndigest = 'ed25519'\nfound_in = 'header:s'\nencoding = 'hex'\n";
    assert_fault(&format!("{ed}parts = ['key', 'body']\n{EVENT}"), "expected parts other than");
    assert_fault(&format!("{ed}{EVENT}"), "expected parts other than the key, found none");
}

/// Returns a definition whose tokens have the form of LiveKit's tokens:
/// <https://github.com/livekit/protocol/blob/main/webhook/verifier.go>.
fn token_definition(digest: &str, keys: &str) -> String {
    definition(&format!(
        "[signature]\nform = 'jwt'\ndigest = '{digest}'\nfound_in = 'header:authorization'\n{keys}\
         body_hash = {{ claim = 'sha256', digest = 'sha256', encoding = 'base64' }}\n\
         time = {{ from = 'claim:exp', means = 'expiry', unit = 's', grace_secs = 60 }}\n\
         {EVENT}sample = '{{\"event\":\"room_started\",\"room\":{{\"name\":\"r\"}},\"id\":\"EV_1\"}}'\n"
    ))
}

#[test]
#[expect(clippy::too_many_lines, reason = "the function is one table of cases")]
fn token_binds_body_time_key_and_algorithm() {
    let text = token_definition("hmac-sha256", "key = { claim = 'iss' }\n");
    let keys = "keys = ['APIkey1:secret-of-key-1', 'APIkey2:secret-of-key-2']";
    let gate = gate(&text, keys);
    let mut request = sample(&text, "event", "APIkey2:secret-of-key-2");
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_body(&gate, &request);
    refuses_flipped_header(&gate, &request, "authorization", false);
    assert_eq!(code(send_at(&gate, &request, NOW + 661)), "timestamp_expired");
    // Token by Python's `hmac`, for the body of LiveKit's documentation.
    let body = r#"{"event":"room_started","room":{"name":"r"},"id":"EV_1"}"#;
    *request.body_mut() = body.as_bytes().to_vec();
    let good = "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.BupHmuSp9Xy8UUPzFsC2uRpa-VO8psORc8y6eSkAnik";
    set_header(&mut request, "authorization", good);
    assert_eq!(code(send(&gate, &request)), "event");
    for (token, expected) in [
        (
            "eyJhbGciOiAibm9uZSJ9.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.",
            "signature_malformed",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.lOxMNyPoOTI145Aop26JoJzWFFSh8OMaJHfkzs0_Eho",
            "signature_mismatch",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MiIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.3LI8Ed1KXa9km7H4QzEqJSNYAaak4NClq6JWOaYpjjQ",
            "signature_mismatch",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MyIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.dWFRS9521EYMD9knJVXmrzmbonvp_EA6bnWPrKBe_24",
            "signature_mismatch",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.XEK3HsnXm3zC42G6flVlwjwNYKXT5svOCMksO5NUG2E",
            "signature_mismatch",
        ),
        (
            "eyJhbGciOiAiSFM1MTIifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.ml4CAfH3fKJEXYg465ieY7wFOTags3wqxj-WSIdkfjI_xnRWrBuiiB3gm0FzD_RALD8me-IdNWNjK-71zs-LEw",
            "signature_malformed",
        ),
        (
            "eyJhbGciOiAiSFMyNTYiLCAiY3JpdCI6IFsiZXhwIl19.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.X5Rdn9mhMeHcAP-HGLA4-HC0GCzJnrppTQeiZqu0w2o",
            "signature_malformed",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJSQk52bzFXelo0b1JScTBXOStoa25wVDdUOElmNTM2REVNQmc5aHlxLzRvPSJ9.OqfrXUrMVVANcOPbrw-fCHaqa5l1leMpiLtWCgsT048",
            "signature_mismatch",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTcwMDAwMDMwMH0.2uUJj02LY9foiJTsLnLkCI9dXahvTC33rN0V9m8FiGI",
            "signature_mismatch",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogMTY5OTk5OTkzOSwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.3wEVCVfBxkYM_RYL1prY6pZ2_jlMDDVLSr3JMfY8vaQ",
            "timestamp_expired",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAic2hhMjU2IjogIkxibzJrMVNRUVVXODNoWmcxeEVhSzkwb0gyTnZlamF6NlM0b1NaY0NiREE9In0.emC3ZIKWWcLkvadBwSwcpu6uPBHNazdrReddzc37s5Y",
            "timestamp_invalid",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDAwLCAiZXhwIjogInNvb24iLCAic2hhMjU2IjogIkxibzJrMVNRUVVXODNoWmcxeEVhSzkwb0gyTnZlamF6NlM0b1NaY0NiREE9In0.7kcA0Yrga8vy3Fa2h-Ps09atw1VKpLgI9SS6eK2QAsY",
            "timestamp_invalid",
        ),
        (
            "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiAiQVBJa2V5MSIsICJuYmYiOiAxNzAwMDAwMDYxLCAiZXhwIjogMTcwMDAwMDMwMCwgInNoYTI1NiI6ICJMYm8yazFTUVFVVzgzaFpnMXhFYUs5MG9IMk52ZWphejZTNG9TWmNDYkRBPSJ9.9z-4q81_aWUBpgPmCLS74VCFll7R940bzO58r8dhMaE",
            "timestamp_too_far_ahead",
        ),
        ("a.b", "signature_malformed"),
        ("", "signature_malformed"),
    ] {
        set_header(&mut request, "authorization", token);
        assert_eq!(code(send(&gate, &request)), expected, "{token}");
    }
}

#[test]
fn refuses_token_signed_by_hmac_with_public_key() {
    let text = token_definition("rsa-sha256", "");
    let gate = gate(&text, &keys(&key_file("rsa_public")));
    let mut request = sample(&text, "event", &key_file("rsa_private"));
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_body(&gate, &request);
    *request.body_mut() = br#"{"event":"room_started","room":{"name":"r"},"id":"EV_1"}"#.to_vec();
    let confused = "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJleHAiOiAxNzAwMDAwMzAwLCAic2hhMjU2IjogIkxibzJrMVNRUVVXODNoWmcxeEVhSzkwb0gyTnZlamF6NlM0b1NaY0NiREE9In0.oMwOHG8Dp17oVTmrsDsHgDNTj3RtswWjPP8-Nr7MENw";
    set_header(&mut request, "authorization", confused);
    assert_eq!(code(send(&gate, &request)), "signature_malformed");
}

#[test]
fn verifies_tokens_of_rfc_7515() {
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let hs256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.PAYLOAD.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let rs256 = "eyJhbGciOiJSUzI1NiJ9.PAYLOAD.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let symmetric =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    for (digest, key_rule, key, token) in [
        ("hmac-sha256", "key = { encoding = 'base64url' }\n", symmetric.to_owned(), hs256),
        ("rsa-sha256", "", key_file("rsa_public"), rs256),
    ] {
        let text = definition(&format!(
            "[signature]\nform = 'jwt'\ndigest = '{digest}'\nfound_in = 'header:authorization'\n\
             prefix = 'Bearer '\npayload = 'body'\n{key_rule}{EVENT}"
        ));
        let gate = gate(&text, &keys(&key));
        let mut request = Request::post("/c").body(Vec::new()).unwrap();
        let token = format!("Bearer {}", token.replace("PAYLOAD", payload));
        set_header(&mut request, "authorization", &token);
        for (body, at, expected) in [
            (r#"{"http://example.com/is_root":true}"#, 1_300_819_380, "event"),
            (r#"{ "http://example.com/is_root" : true }"#, 1_300_819_440, "event"),
            (r#"{"http://example.com/is_root":true}"#, 1_300_819_441, "timestamp_expired"),
            (r#"{"http://example.com/is_root":1}"#, 1_300_819_380, "signature_mismatch"),
            (r#"{"http://example.com/is_root":true,"x":1}"#, 1_300_819_380, "signature_mismatch"),
            ("{}", 1_300_819_380, "signature_mismatch"),
        ] {
            *request.body_mut() = body.as_bytes().to_vec();
            assert_eq!(code(send_at(&gate, &request, at)), expected, "{digest} {body}");
        }
    }
}

#[test]
fn reports_wrong_keys_of_token_form() {
    let form = "[signature]\nform = 'jwt'\ndigest = 'hmac-sha256'\nfound_in = 'header:a'\n";
    let time = "time = { from = 'claim:exp', means = 'expiry', unit = 's' }\n";
    let hash = "body_hash = { claim = 'h', digest = 'sha256', encoding = 'hex' }\n";
    assert_eq!(faults(&format!("{form}{time}{hash}{EVENT}")), [""; 0]);
    for (lines, expected) in [
        (format!("{form}{time}"), "expected body_hash or payload"),
        (format!("{form}{time}{hash}payload = 'body'\n"), "expected body_hash or payload"),
        (format!("{form}{hash}"), "expected the time of a token in a claim"),
        (
            format!("{form}{hash}time = {{ from = '/t', means = 'sent', unit = 's' }}\n"),
            "expected the time of a token in a claim",
        ),
        (format!("{form}{time}{hash}parts = 'body'\n"), "expected no parts beside form"),
        (
            format!("{form}{time}{hash}encoding = 'hex'\n"),
            "expected a known key, found \"encoding\"",
        ),
        (
            format!("{}{time}{hash}", form.replace("hmac-sha256", "hmac-sha1")),
            "expected a digest for tokens",
        ),
        (
            "[signature]\ndigest = 'hmac-sha1'\nencoding = 'hex'\nfound_in = 'header:a'\n\
             parts = ['body', 'claim:x']\n"
                .to_owned(),
            "expected form = \"jwt\" beside a claim",
        ),
    ] {
        assert_fault(&format!("{lines}{EVENT}"), expected);
    }
    let text = token_definition("hmac-sha256", "key = { claim = 'iss' }\n");
    let error = try_gate(&text, "keys = ['secret-without-id']").unwrap_err();
    assert!(error.contains("expected a key in the form ID:KEY"), "{error}");
    assert!(!error.contains("secret-without-id"), "{error}");
}
