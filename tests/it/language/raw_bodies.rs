//! Tests of callbacks with a raw body, which has no fields.

use gatepost::{Answer, Definition, Gate, Next, Timestamp};
use http::{Request, StatusCode};

use super::{EVENT, NOW, code, definition, gate, send, try_gate};

const HMAC: &str = "digest = 'hmac-sha256'\nencoding = 'hex'\n";

/// Returns a definition with raw bodies. `top` has the keys before `[request]`.
fn raw_definition(top: &str, rest: &str) -> String {
    let text = definition(rest).replace("body = 'json'", "body = 'raw'");
    text.replacen("[request]", &format!("{top}\n[request]"), 1)
}

/// Checks that the definition has exactly one fault, which contains `expected`.
fn assert_fault(text: &str, expected: &str) {
    let faults = match Definition::parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => error.faults().iter().map(ToString::to_string).collect(),
    };
    let [fault] = &faults[..] else { panic!("{text}\nexpected one fault, found {faults:#?}") };
    assert!(fault.contains(expected), "{text}\nexpected {expected}, found {fault}");
    assert!(fault.contains("; "), "{text}\nexpected a remedy, found {fault}");
}

const PLACE: &str = "expected a place outside of the raw body, found \"/a\"";

#[test]
fn reports_every_key_with_a_place_in_a_raw_body() {
    let top = [
        "tenant = '/a'",
        "tenant = ['header:x', '/a']",
        "id = '/a'",
        "id = 'header:x | /a'",
        "sequence = '/a'",
        "subject = '/a'",
        "time = { from = '/a', unit = 's' }",
    ];
    for keys in top {
        assert_fault(&raw_definition(keys, EVENT), PLACE);
    }
    let signature = [
        "parts = ['body', '/a']\nfound_in = 'header:s'",
        "parts = ['body', { part = '/a', optional = true }]\nfound_in = 'header:s'",
        "parts = { sorted = ['body', '/a'] }\nfound_in = 'header:s'",
        "parts = ['header:x']\nfound_in = '/a'",
        "parts = ['header:x']\nfound_in = ['header:s', '/a']",
        "parts = 'body'\nfound_in = 'header:s'\ntime = { from = '/a', means = 'sent', unit = 's' }",
        "parts = 'body'\nfound_in = 'header:s'\nkey = { id = '/a' }",
    ];
    for keys in signature {
        assert_fault(&raw_definition("", &format!("[signature]\n{HMAC}{keys}\n{EVENT}")), PLACE);
        let of_kind = format!("{EVENT}[kinds.event.signature]\n{HMAC}{keys}\n");
        assert_fault(&raw_definition("", &of_kind), PLACE);
    }
    for from in ["'/a'", "['header:x', '/a']", "[['header:x', '/a']]"] {
        let kind = format!("[kind]\nother = 'event'\nfrom = {from}\n[kinds.event]\n");
        assert_fault(&raw_definition("", &kind), PLACE);
    }
    let kind = [
        "when = '/a'",
        "id = '/a'",
        "sequence = '/a'",
        "subject = '/a'",
        "time = { from = '/a', unit = 's' }",
        "subject = 'header:x'\nsession = { part = 'start', id = '/a' }",
        "viewer = '/a'\nreply = { allow_status = 200, deny_status = 403 }",
    ];
    for keys in kind {
        assert_fault(&raw_definition("", &format!("{EVENT}{keys}\n")), PLACE);
    }
}

#[test]
fn reports_reply_that_needs_fields_of_a_raw_body() {
    let signed = format!("[signature]\n{HMAC}parts = 'body'\nfound_in = 'header:s'\n{EVENT}");
    for give in [
        "give = '/a'\nencode = 'text'",
        "give = { challenge = '/a' }",
        "give = { token = { hmac = '/a', encoding = 'hex' } }",
        "give = { challenge = 'query:c' }\nexpect = { '/a' = 'setting:topic' }",
    ] {
        let lines = format!("{signed}[kinds.event.reply]\n{give}\n[settings.topic]\nabout = 't'\n");
        assert_fault(&raw_definition("", &lines), PLACE);
    }
    let reply = "[kinds.event.reply]\nallow = { ok = true }\ndeny = { ok = false }\n";
    let fields = "fields = { ok = 'boolean' }\n";
    assert_fault(
        &raw_definition("", &format!("{signed}{reply}{fields}per = {{ list = 'items' }}\n")),
        "expected no `per` beside a raw body, which has no fields",
    );
    let when = "fields = { ok = 'boolean', ttl = { type = 'integer', when = { kind = [1] } } }\n";
    assert_fault(
        &raw_definition("", &format!("{signed}{reply}{when}")),
        "expected no `when` in the reply to a raw body, which has no fields, found `kind`",
    );
}

#[test]
fn reports_keys_that_need_fields() {
    for (top, request, rest, key) in [
        ("id_without = 'a'", "", "", "id_without"),
        ("fields = { a = 'string' }", "", "", "fields"),
        ("common = { stream = '/a' }", "", "", "common"),
        ("", "unwrap = 'a'", "", "unwrap"),
        ("", "", "fields = { a = 'string' }\n", "fields"),
        ("", "", "common = { event = 'started', stream = '/a' }\n", "common"),
        (
            "",
            "",
            "[signature]\nform = 'jwt'\ndigest = 'hmac-sha256'\nfound_in = 'header:s'\n\
             payload = 'body'\n",
            "payload",
        ),
    ] {
        let text = raw_definition(top, &format!("{request}\n{EVENT}{rest}"));
        assert_fault(&text, &format!("expected no `{key}` beside a raw body"));
    }
    for (part, wanted) in [("form-text", "a form"), ("form-pairs", "a form or a query")] {
        let parts = format!("parts = '{part}'\nfound_in = 'header:s'\n");
        let text = raw_definition("", &format!("[signature]\n{HMAC}{parts}{EVENT}"));
        assert_fault(&text, &format!("expected {wanted} beside \"{part}\""));
    }
}

#[test]
fn reports_fields_of_kind_whose_method_has_raw_bodies() {
    let text = |top: &str, kinds: &str| {
        let text = raw_definition(top, &format!("[kind]\nfrom = 'method'\n{kinds}"));
        text.replace("body = 'raw'", "body = { GET = 'query', POST = 'raw' }")
    };
    let get = "[kinds.GET]\nmethod = 'GET'\nsubject = '/a'\nfields = { a = 'string' }\n";
    let post = "[kinds.POST]\nmethod = 'POST'\n";
    assert!(Definition::parse(&text("subject = '/a'", &format!("{get}{post}"))).is_ok());
    let with = |top: &str, keys: &str| text(top, &format!("{get}{post}{keys}"));
    assert_fault(&with("", "subject = '/a'\n"), PLACE);
    assert_fault(&with("", "fields = { a = 'string' }\n"), "expected no `fields`");
    assert_fault(&with("id = '/a'", ""), "expected `id` without fields of the body");
    let signature =
        format!("[signature]\n{HMAC}parts = 'form-pairs'\nfound_in = 'header:s'\n[kinds.GET]\n");
    let signed = with("", "").replace("[kinds.GET]\n", &signature);
    assert_fault(&signed, "expected `signature` without fields of the body");
}

/// Returns the reply to a callback with a raw body if the app answers with the body `answer`.
fn reply_to(gate: &Gate, answer: &'static str) -> (StatusCode, String) {
    let request = Request::post("/c").body(b"\xff\xd8 an image".to_vec()).unwrap();
    let now = Timestamp::from_secs(NOW);
    let next = send(gate, &request).unwrap().next(now);
    let Next::Ask(question) = next else { panic!("expected a question, found {next:?}") };
    let answer = Answer::response(StatusCode::OK, Some(answer.into()));
    let reply = question.conclude(&answer, now).reply;
    (reply.status(), String::from_utf8(reply.body().to_vec()).unwrap())
}

#[test]
fn forward_raw_needs_a_kind_whose_method_has_a_body() {
    let text = raw_definition("", "[kind]\nfrom = 'method'\n[kinds.GET]\nmethod = 'GET'\n");
    let text = text.replace("body = 'raw'", "body = { GET = 'query', POST = 'raw' }");
    let text = format!("{text}[kinds.POST]\nmethod = 'POST'\n");
    let entry = |kind| format!("on.{kind} = {{ url = 'http://app.test/e', forward = 'raw' }}");
    assert_eq!(try_gate(&text, &entry("POST")).err(), None);
    let error = try_gate(&text, &entry("GET")).err().unwrap_or_default();
    let expected = "sends no body, found \"raw\"";
    assert!(error.contains(expected), "expected {expected}, found {error}");
}

#[test]
fn app_decides_on_a_raw_body() {
    let by_fields = "[kinds.event.reply]\nallow = { ok = true }\ndeny = { ok = false }\n\
                     message = 'why'\nfields = { ok = 'boolean', why = 'string?' }\n";
    let by_status = "[kinds.event.reply]\nallow_status = 200\ndeny_status = 403\n";
    let build = |reply: &str| {
        let text = raw_definition("", &format!("{EVENT}{reply}"));
        gate(&text, "on.'*' = { url = 'http://app.test/e', forward = 'raw' }")
    };
    let fields = build(by_fields);
    let allowed = (StatusCode::OK, "{\"ok\":true}".to_owned());
    assert_eq!(reply_to(&fields, "{\"allow\":true}"), allowed);
    let denied = (StatusCode::OK, "{\"ok\":false,\"why\":\"no\"}".to_owned());
    assert_eq!(reply_to(&fields, "{\"allow\":false,\"message\":\"no\"}"), denied);
    let status = build(by_status);
    assert_eq!(reply_to(&status, "{\"allow\":true}").0, StatusCode::OK);
    assert_eq!(reply_to(&status, "{\"allow\":false}").0, StatusCode::FORBIDDEN);
    let request = Request::post("/c").body(b"\xff".to_vec()).unwrap();
    assert_eq!(code(send(&status, &request)), "event");
}
