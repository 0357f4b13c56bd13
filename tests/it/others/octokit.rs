//! Tests with the example payloads in the npm package `@octokit/webhooks-examples` (MIT). The tests
//! sign and send payloads as GitHub does.
//!
//! The package has the payloads of github.com and of five versions of GitHub Enterprise Server.
//! `tests/peers/install` installs the package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use gatepost::{Answer, Gate, Head, Next, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::StatusCode;
use serde_json::Value;
use sha2::Sha256;

use super::table::{Case, Verdicts};
use super::through_core::{Judged, judged};
use super::through_layer::sent;
use crate::core::judge;

const KEY: &str = "It's a Secret to Everybody";

/// A payload, and GitHub's name for the kind of the payload.
struct Payload {
    event: String,
    json: Value,
}

fn payloads() -> Vec<Payload> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/peers/node_modules/@octokit/webhooks-examples");
    let mut payloads = Vec::new();
    for server in ["api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35"] {
        let text = fs::read(folder.join(server).join("index.json"))
            .unwrap_or_else(|e| panic!("expected the package, found {e}; run tests/peers/install"));
        let events: Vec<Value> = serde_json::from_slice(&text).unwrap();
        for event in &events {
            let name = event["name"].as_str().unwrap();
            let examples = event["examples"].as_array().unwrap();
            payloads.extend(
                examples.iter().map(|json| Payload { event: name.into(), json: json.clone() }),
            );
        }
    }
    assert_eq!(payloads.len(), 726);
    payloads
}

impl Payload {
    /// Returns the callback with this payload. GitHub's delivery id contains `index`.
    fn delivery(&self, index: usize, content_type: &str) -> Case {
        let mut body = serde_json::to_vec(&self.json).unwrap();
        if content_type == FORM {
            let text = String::from_utf8(body).unwrap();
            body = serde_urlencoded::to_string([("payload", text)]).unwrap().into_bytes();
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(&body);
        let signature = format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
        let headers = [
            ("Content-Type", content_type.to_owned()),
            ("X-GitHub-Event", self.event.clone()),
            ("X-GitHub-Delivery", format!("72d3162e-cc78-11e3-81ab-{index:012x}")),
            ("X-Hub-Signature-256", signature),
        ];
        Case {
            name: format!("{index} {}", self.event),
            path: "/github".into(),
            now: 1_700_000_000,
            headers: headers.map(|(name, value)| (name.into(), value.into_bytes())).into(),
            body,
            verdicts: Verdicts::accepted(),
        }
    }

    fn login(&self, pointer: &str) -> Option<String> {
        Some(self.json.pointer(pointer)?.as_str()?.to_lowercase())
    }

    /// Returns the accounts that can be the tenant: the organization, the owner of the repository
    /// and the account of the installation.
    fn owners(&self) -> [Option<String>; 3] {
        ["/organization/login", "/repository/owner/login", "/installation/account/login"]
            .map(|pointer| self.login(pointer))
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Returns a gate with these lines in the route and in the template. The app gets every event.
fn gate(route: &str, template: &str) -> Gate {
    let config = format!(
        "breaker = false\n[[route]]\npath = '/github'\nprovider = 'github'\n{route}\n\
         [[template]]\nname = 'github'\nprovider = 'github'\nkeys = [\"{KEY}\"]\n{template}\n\
         on.'*' = 'http://app.test/github'\n"
    );
    Gate::builder().toml(config).build().unwrap_or_else(|e| panic!("expected a gate, found {e}"))
}

/// Returns `accepted`, `resend` or the code of the refusal.
fn outcome(gate: &Gate, case: &Case) -> &'static str {
    let (method, uri, headers) = case.head();
    let now = Timestamp::from_secs(case.now);
    match judge(gate, &Head::new(&method, &uri, &headers), &case.body, 65536, case.now) {
        Err(refusal) => refusal.kind().as_str(),
        Ok(accepted) => match accepted.next(now) {
            Next::Reply(_) => "resend",
            Next::Store(_) => panic!("expected no queued event, found one"),
            Next::Wait(_) => panic!("expected no open question, found one"),
            Next::Ask(question) => {
                let answer = Answer::response(StatusCode::OK, Some(Bytes::new()));
                drop(question.conclude(&answer, now));
                "accepted"
            }
        },
    }
}

impl Payload {
    /// Returns the reason why the app does not get this payload.
    fn finding(&self, outcome: &str) -> &'static str {
        match (outcome, self.owners()) {
            // Not a fault: the template binds account names, and the payload has none.
            ("tenant_missing", [None, None, None]) => NO_OWNER,
            _ => panic!("expected acceptance, found {outcome}: {} {}", self.event, self.json),
        }
    }
}

const NO_OWNER: &str = "no owner";

/// Config of a run: the binding of the template, and the content type of the callbacks. `lost` is
/// the number of payloads that the app does not get, by reason.
struct Run {
    bind: &'static str,
    content_type: &'static str,
    lost: &'static [(&'static str, usize)],
}

// If you fix a known fault, remove the fault from this table. `NO_OWNER` is not a fault.
const RUNS: [Run; 4] = [
    Run { bind: "bind = ['*']", content_type: JSON, lost: &[] },
    Run { bind: "pinned", content_type: JSON, lost: &[] },
    Run { bind: "owners", content_type: JSON, lost: &[(NO_OWNER, 42)] },
    Run { bind: "bind = ['*']", content_type: FORM, lost: &[] },
];

fn bound(bind: &str, payloads: &[Payload]) -> Gate {
    match bind {
        "pinned" => gate("template = 'github'", ""),
        "owners" => {
            let owners: BTreeSet<_> = payloads.iter().flat_map(Payload::owners).flatten().collect();
            gate("", &format!("bind = {:?}", Vec::from_iter(owners)))
        }
        bind => gate("", bind),
    }
}

#[test]
#[ignore = "needs tests/peers/install"]
fn app_gets_every_octokit_payload_that_has_a_bound_owner() {
    let payloads = payloads();
    let deliveries = [JSON, FORM].map(|content_type| {
        let payloads = payloads.iter().enumerate();
        let deliveries = payloads.map(|(index, payload)| payload.delivery(index, content_type));
        (content_type, deliveries.collect::<Vec<_>>())
    });
    let deliveries = BTreeMap::from(deliveries);
    for Run { bind, content_type, lost: expected } in RUNS {
        let gate = bound(bind, &payloads);
        let mut lost: BTreeMap<_, usize> = BTreeMap::new();
        for (payload, delivery) in payloads.iter().zip(&deliveries[content_type]) {
            let outcome = outcome(&gate, delivery);
            if outcome != "accepted" {
                *lost.entry(payload.finding(outcome)).or_default() += 1;
            }
        }
        let expected = BTreeMap::from_iter(expected.iter().copied());
        assert_eq!(lost, expected, "{bind}, {content_type}: lost payloads by reason");
    }
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn layer_gives_same_verdict_as_core_for_octokit_payloads() {
    let (core, layer) = (gate("", ANY), gate("", ANY));
    // Send only every third payload, to keep the test short.
    for (index, payload) in payloads().iter().enumerate().step_by(3) {
        let case = payload.delivery(index, JSON);
        let expected = match judged(&core, &case) {
            Judged::Accepted(event) => {
                case.check_event(&event);
                (200, Some(event))
            }
            Judged::Refused(_, status) => (status, None),
        };
        assert_eq!(sent(&layer, &case).await, expected, "{}", case.name);
    }
}

const ANY: &str = "bind = ['*']\ndedupe = false";
