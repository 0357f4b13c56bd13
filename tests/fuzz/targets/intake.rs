//! Checks that no request causes a panic, and that the verdict does not depend on the chunks of the
//! body. Checks that a second implementation accepts the signature of each accepted request.
//!
//! Input: a recorded request. The header `at` is the time of receipt, in Unix seconds. If the
//! request has the header `x-sign`, the target signs the request.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use gatepost::{Accepted, Refusal, RequestContext};
use gatepost_fuzz::proof::Scheme;
use gatepost_fuzz::{GATE, Request};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

/// Providers whose definitions permit bodies that are not JSON objects: `body = "raw"`.
const RAW: [&str; 4] = ["sendgrid", "standard-webhooks", "svix", "youtube"];

// Without `init`, the time of the first input includes the time to read every definition.
fuzz_target!(init: { LazyLock::force(&GATE); }, |data: &[u8]| {
    let Some(mut request) = Request::recorded(data) else { return };
    let scheme = Scheme::of(request.uri.path());
    if let (true, Some(scheme)) = (request.headers.remove("x-sign").is_some(), scheme) {
        scheme.sign(&mut request);
    }
    let verdict = request.judge(&GATE, usize::MAX);
    let Some(verdict) = verdict else {
        assert!(
            scheme.is_none() || matches!(scheme, Some(Scheme::Token(_))),
            "expected a verdict on a callback path, found none"
        );
        return;
    };
    let chunked = request.judge(&GATE, 7).expect("expected a callback, found none");
    assert_eq!(summary(&verdict), summary(&chunked), "expected one verdict, found two");
    let Ok(accepted) = verdict else { return };
    if let Some(scheme) = scheme {
        assert!(scheme.holds(&request), "expected a refusal of an invalid signature, found none");
    }
    assert_eq!(accepted.raw(), &request.body);
    let (headers, body) = accepted.request(
        &request.head(),
        &RequestContext::default(),
        gatepost::Timestamp::from_secs(request.now),
    );
    assert_eq!(headers["content-length"], body.len().to_string().as_str());
    let again = request.judge(&GATE, usize::MAX).expect("expected a callback, found none");
    let again = again.expect("expected acceptance, found a refusal");
    // If gatepost does not derive the id from the callback, each verdict has a new id.
    if again.event().id() == accepted.event().id() {
        assert_eq!(
            chunked.expect("expected acceptance, found a refusal").event().id(),
            accepted.event().id()
        );
    }
    // If the body is not a JSON object, the data of the event is the body as received.
    if RAW.contains(&accepted.event().provider()) && *accepted.event().data() == request.body {
        return;
    }
    // gatepost copies numbers out of the range of `f64` unchanged. `Value` cannot contain them.
    let data = serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(accepted.event().data());
    data.expect("expected a JSON object, found an error");
});

/// Returns the data of the event, or the code of the refusal. Omits the id of the event, because
/// many kinds have a new id for each verdict.
fn summary(verdict: &Result<Accepted, Refusal>) -> Result<&[u8], &'static str> {
    verdict
        .as_ref()
        .map(|accepted| &**accepted.event().data())
        .map_err(|refusal| refusal.kind().as_str())
}
