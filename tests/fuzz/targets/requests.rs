//! Checks that no recorded request makes `gatepost explain` panic. Checks that the
//! explanation contains the gate's verdict, but no key and no control character other than a line
//! feed.
//!
//! Input: a recorded request. The header `at` is the time of receipt, in Unix seconds. If the
//! request has the header `x-sign`, the target signs the request.

#![no_main]

use std::sync::LazyLock;

use gatepost::Timestamp;
use gatepost_fuzz::proof::Scheme;
use gatepost_fuzz::{GATE, Request};
use libfuzzer_sys::fuzz_target;

const SECRETS: [&str; 10] = [
    "gitlab-secret-token",
    "livekit-secret",
    "zego-callback-secret",
    "vector-token",
    "srs-token",
    "older-key",
    "SuperSecret123",
    "It's a Secret",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "test-security-key",
];

// Without `init`, the time of the first input includes the time to read every definition.
fuzz_target!(init: { LazyLock::force(&GATE); }, |data: &[u8]| {
    let Some(mut request) = Request::recorded(data) else { return };
    let signed = request.headers.remove("x-sign").is_some();
    if let (true, Some(scheme)) = (signed, Scheme::of(request.uri.path())) {
        scheme.sign(&mut request);
    }
    let now = Timestamp::from_secs(request.now);
    let explanation = GATE.explain(&request.head(), request.body.clone(), now);
    let text = explanation.to_string();
    let verdict = |judged| match judged {
        None => "other",
        Some(Ok(_)) => "accepted",
        Some(Err(kind)) => kind,
    };
    let of = |judged: Option<&Result<_, gatepost::Refusal>>| {
        verdict(judged.map(|judged| {
            judged.as_ref().map(|_: &gatepost::Accepted| ()).map_err(|r| r.kind().as_str())
        }))
    };
    let judged = request.judge(&GATE, usize::MAX);
    assert_eq!(of(explanation.verdict.as_ref()), of(judged.as_ref()), "{text}");
    for secret in SECRETS {
        // The explanation may show names that the client sent.
        let from_client = contains(&request.body, secret)
            || request.headers.values().any(|value| contains(value.as_bytes(), secret));
        assert!(!text.contains(secret) || from_client, "expected no {secret}, found {text}");
    }
    let is_plain = text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(is_plain, "expected no control character, found {text:?}");
});

fn contains(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(word)
}
