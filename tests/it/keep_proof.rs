//! Tests of the key `keep_proof`, which keeps the fields of the proof (the signature and its time)
//! in the JSON of an event.

use std::collections::HashMap;

use bytes::Bytes;
use gatepost::tencent_css::Push;
use gatepost::{Accepted, Admission, Gate, Head, RequestContext, Timestamp};
use http::{HeaderMap, Method, Uri};
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);
const PUSH: &[u8] = include_bytes!("../vectors/tencent-css/push/body");

fn gate(provider: &str, address: &str) -> Gate {
    let config = format!(
        "[[route]]\npath = '/t'\nprovider = '{provider}'\n[[template]]\nname = 't'\n\
         provider = '{provider}'\nkeys = [{{ env = 'KEY' }}]\nbind = ['*']\non.'*' = {address}\n"
    );
    let builder = Gate::builder().toml(config).variable("KEY", "test");
    builder.build().unwrap_or_else(|error| panic!("expected a gate, found {error}"))
}

fn accept(gate: &Gate, body: &[u8]) -> Accepted {
    let (uri, headers) = (Uri::from_static("/t"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let Admission::Callback(mut intake) = gate.admit(&head, NOW) else { unreachable!() };
    intake.push(Bytes::copy_from_slice(body)).unwrap();
    intake.finish(NOW).unwrap()
}

/// Returns the event for the app: the value of `ce-id`, and the body.
fn event(accepted: &Accepted) -> (Option<String>, Value) {
    let (uri, headers) = (Uri::from_static("/t"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let (headers, body) = accepted.request(&head, &RequestContext::default(), NOW);
    assert_eq!(headers["content-length"], body.len().to_string());
    let id = headers.get("ce-id").map(|id| id.to_str().unwrap().to_owned());
    (id, serde_json::from_slice(&body).unwrap())
}

#[test]
fn keep_proof_adds_fields_of_proof_without_changing_id() {
    let received: HashMap<String, Value> = serde_json::from_slice(PUSH).unwrap();
    let without = event(&accept(&gate("tencent-css", "{ forward = 'json' }"), PUSH));
    assert_eq!((without.1.get("sign"), without.1.get("t")), (None, None));
    for forward in ["json", "cloudevents"] {
        let address = format!("{{ forward = '{forward}', keep_proof = true }}");
        let accepted = accept(&gate("tencent-css", &address), PUSH);
        let (_, body) = event(&accepted);
        let data = if forward == "json" { &body } else { &body["data"] };
        assert_eq!((&data["sign"], &data["t"]), (&received["sign"], &received["t"]), "{forward}");
        assert_eq!(data["stream_id"], without.1["stream_id"], "{forward}");
        assert_eq!(accepted.event().id(), without.0.as_deref().unwrap(), "{forward}");
        assert_eq!(accepted.view::<Push>().unwrap().stream_id.as_deref(), Some("test_stream"));
    }
}

#[test]
fn resend_with_new_signature_has_the_same_id_and_data() {
    let gate = gate("tencent-css", "{ keep_proof = true }");
    // The platform signs the callback again one minute later, with the key `test`.
    let resend = String::from_utf8(PUSH.to_vec()).unwrap();
    let resend = resend
        .replace("1703732078", "1703732138")
        .replace("bc31454d2c5572bc415c4f2292e381eb", RESIGNED);
    let [first, second] = [PUSH, resend.as_bytes()].map(|body| accept(&gate, body));
    assert_eq!(first.event().id(), second.event().id());
    assert_eq!(first.event().data(), second.event().data());
    assert_eq!(event(&second).1["sign"], RESIGNED);
}

/// MD5 of `test1703732138`.
const RESIGNED: &str = "488d8900e2c5e1f1360715baaa0629b1";

#[test]
fn check_reports_keep_proof_that_has_no_effect() {
    for forward in ["raw", "passthrough"] {
        let config = format!(
            "[[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = ['k']\n\
             on.push = {{ forward = '{forward}', keep_proof = true }}\n"
        );
        let error = Gate::builder().toml(config).build().unwrap_err().to_string();
        let expected = "expected forward = \"json\", \"cloudevents\" or \"common\" beside keep_proof, found \
                        another form; remove keep_proof; in this form, the app receives the whole body";
        assert!(error.contains(expected), "expected {expected}, found {error}");
    }
    let warnings = |provider| {
        let gate = gate(provider, "{ keep_proof = true }");
        gate.warnings().iter().map(ToString::to_string).collect::<String>()
    };
    let expected = "expected a provider with proof in the body beside keep_proof, found Mux; remove \
                    keep_proof, or write forward = \"raw\"";
    let found = warnings("mux");
    assert!(found.contains(expected), "expected {expected}, found {found}");
    assert!(!warnings("tencent-css").contains("keep_proof"));
}
