//! Checks that the platform gets a well-formed reply for any answer of the app: JSON or a JWT that
//! matches the kind's schema.
//!
//! Input: a line `KIND STATUS`, then the body. KIND, modulo the count of kinds, is the index of a
//! kind. STATUS 0 is a timeout. Any other invalid status is an unreachable app.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost::{Accepted, Answer, Definition, MAX_ANSWER_BYTES, Next, Origin, Reply, Timestamp};
use gatepost_fuzz::{GATE, Request, proof, schema, vectors};
use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

struct Kind {
    accepted: Accepted,
    /// Schema of the reply; `None` for a notification.
    reply_schema: Option<Value>,
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let mut kinds: Vec<(String, Kind)> = Vec::new();
    for vector in vectors::all() {
        let Some(event) = &vector.event else { continue };
        let Some(Ok(accepted)) = request(&vector).judge(&GATE, usize::MAX) else { continue };
        let provider = event["source"]
            .as_str()
            .and_then(|s| s.split('/').nth(1))
            .expect("expected a source, found none");
        let kind = event["type"].as_str().expect("expected a type, found none").to_owned();
        let name = format!("{kind} {}", accepted.template().name());
        let is_new = kinds.iter().all(|(known, _)| *known != name);
        if is_new && matches!(accepted.next(at(&vector)), Next::Ask(_)) {
            let definition =
                Definition::built_in(provider).expect("expected a provider, found none");
            // A decision by status has no reply in JSON.
            let Some(reply_schema) = reply_schema(&definition, &kind) else { continue };
            // One notification is enough, because all notifications get the same reply.
            if reply_schema.is_some() || kinds.iter().all(|(_, known)| known.reply_schema.is_some())
            {
                kinds.push((name, Kind { accepted, reply_schema }));
            }
        }
    }
    kinds.into_iter().map(|(_, kind)| kind).collect()
});

fn at(vector: &vectors::Vector) -> Timestamp {
    Timestamp::from_secs(vector.case.now)
}

fn request(vector: &vectors::Vector) -> Request {
    let case = &vector.case.request;
    let mut request = Request::post("/", &vector.body);
    request.method = case.method.parse().expect("expected a method, found an error");
    request.uri = case.path.parse().expect("expected a path, found an error");
    for (name, value) in &case.headers {
        let name = http::HeaderName::try_from(name).expect("expected a name, found an error");
        request.headers.insert(name, value.parse().expect("expected a value, found an error"));
    }
    request.now = vector.case.now;
    request
}

/// Returns the schema of an answer in the platform's own form: the last but one of the forms in the
/// kind's schema. Returns `Some(None)` for a notification, and `None` for a decision by status.
fn reply_schema(definition: &Definition, ce_type: &str) -> Option<Option<Value>> {
    let info = definition.info();
    let kind = info.kinds.iter().find(|kind| ce_type.ends_with(&format!(".{}", kind.name)))?;
    let schema = definition.schema(&kind.name).expect("expected a schema, found none");
    let forms = schema["$defs"]["answer"]["anyOf"].as_array().cloned();
    if forms.is_none() && kind.decision {
        return None;
    }
    Some(forms.map(|mut forms| forms.swap_remove(forms.len() - 2)))
}

// Without `init`, the time of the first input includes the time to read every definition.
fuzz_target!(init: { LazyLock::force(&KINDS); }, |data: &[u8]| {
    let Some(at) = data.iter().position(|b| *b == b'\n') else { return };
    let (line, body) = (String::from_utf8_lossy(&data[..at]), &data[at + 1..]);
    let mut words = line.split(' ').filter_map(|word| word.parse::<usize>().ok());
    let (Some(kind), Some(status)) = (words.next(), words.next()) else { return };
    let Kind { accepted, reply_schema } = &KINDS[kind % KINDS.len()];
    let status = u16::try_from(status).unwrap_or_default();
    let answer = match StatusCode::from_u16(status) {
        Ok(status) => {
            let body = (body.len() <= MAX_ANSWER_BYTES).then(|| body.to_vec().into());
            Answer::response(status, body)
        }
        Err(_) if status == 0 => Answer::Timeout,
        Err(_) => Answer::Unreachable(String::from_utf8_lossy(body).into_owned()),
    };
    let now = Timestamp::from_secs(0);
    let found = accepted.next(now);
    let Next::Ask(question) = found else { panic!("expected a question, found {found:?}") };
    let conclusion = question.conclude(&answer, now);
    let failed = matches!(conclusion.origin, Origin::Failure(_));
    let is_answer = matches!(status, 200..=299 | 401 | 403);
    assert!(is_answer || failed, "expected a failure for status {status}, found none");
    match reply_schema {
        None if failed => assert_eq!(conclusion.reply.status(), 503),
        None => assert!(conclusion.reply.status().is_success()),
        Some(schema) => {
            assert_eq!(conclusion.reply.status(), 200);
            let Some(reply) = payload(&conclusion.reply) else { return };
            assert!(schema::fits(schema, &reply), "expected a match of {schema}, found {reply}");
        }
    }
});

/// Checks the signature of a signed reply, and returns the reply's JSON. Returns `None` if an
/// unknown field contains a number out of the range of `f64`.
fn payload(reply: &Reply) -> Option<Value> {
    let is_json = reply.headers().any(|(_, value)| value == "application/json");
    if is_json {
        return parse(reply.body());
    }
    let text = std::str::from_utf8(reply.body()).expect("expected text, found an error");
    let (signed, signature) = text.rsplit_once('.').expect("expected three parts, found fewer");
    let (head, payload) = signed.split_once('.').expect("expected three parts, found fewer");
    let decode = |text| URL_SAFE_NO_PAD.decode(text).expect("expected base64url, found an error");
    assert_eq!(decode(head), br#"{"alg":"HS256","typ":"JWT"}"#);
    assert_eq!(decode(signature), proof::sha256(b"test-security-key", &[signed.as_bytes()]));
    parse(&decode(payload))
}

fn parse(json: &[u8]) -> Option<Value> {
    serde_json::from_slice::<IgnoredAny>(json).expect("expected JSON, found an error");
    match serde_json::from_slice(json) {
        Err(error) if error.to_string().contains("number out of range") => None,
        parsed => Some(parsed.expect("expected JSON, found an error")),
    }
}
