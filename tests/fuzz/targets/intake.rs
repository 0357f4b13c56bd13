//! Any request to any provider: no panic, one verdict for any chunking, and an acceptance only of
//! what a second computation of the signature proves.
//!
//! Input: a recorded request; the header `at` says when it came, and `x-sign` has the harness sign it.

#![no_main]

use gatepost::{Accepted, Refusal, RequestContext};
use gatepost_fuzz::proof::Scheme;
use gatepost_fuzz::{GATE, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(mut request) = Request::recorded(data) else { return };
    let scheme = Scheme::of(request.uri.path());
    if let (true, Some(scheme)) = (request.headers.remove("x-sign").is_some(), scheme) {
        scheme.sign(&mut request);
    }
    let verdict = request.judge(&GATE, usize::MAX);
    let Some(verdict) = verdict else {
        assert!(scheme.is_none() || matches!(scheme, Some(Scheme::Token(_))), "passed through");
        return;
    };
    let dripped = request.judge(&GATE, 7).expect("the same path");
    assert_eq!(summary(&verdict), summary(&dripped), "it depends on the chunks");
    let Ok(accepted) = verdict else { return };
    if let Some(scheme) = scheme {
        assert!(scheme.holds(&request), "accepted without a proof");
    }
    assert_eq!(accepted.raw(), &request.body);
    let (headers, body) = accepted.request(
        &request.head(),
        &RequestContext::default(),
        gatepost::Timestamp::from_secs(request.now),
    );
    assert_eq!(headers["content-length"], body.len().to_string().as_str());
    let data: serde_json::Value = serde_json::from_slice(accepted.event().data()).expect("JSON");
    assert!(data.is_object());
});

fn summary(verdict: &Result<Accepted, Refusal>) -> Result<(&str, &[u8]), &'static str> {
    verdict
        .as_ref()
        .map(|accepted| (accepted.event().id(), &**accepted.event().data()))
        .map_err(|refusal| refusal.kind().as_str())
}
