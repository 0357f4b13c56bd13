//! Tests of callbacks that contain the key itself instead of a signature.

use gatepost::{Head, Timestamp};
use http::HeaderValue;

use super::{
    EVENT, NOW, TOKEN, assert_fault, code, definition, gate, refuses_flipped_header, sample, send,
    set_header,
};

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
    assert!(!lines.contains("first-token"), "expected no token in the explanation, found {lines}");
    assert!(
        lines.contains("signature  [token] at header:authorization"),
        "expected the place of the token, found {lines}"
    );
    assert!(
        lines.contains("number 1 of 1 matches"),
        "expected the number of the key, found {lines}"
    );
}

#[test]
fn reports_faults_in_signature_table_of_shared_token() {
    assert_fault(&format!("{TOKEN}parts = 'body'\n{EVENT}"), "expected no parts beside digest");
    assert_fault(
        &format!("{TOKEN}time = {{ from = 'header:t', means = 'sent', unit = 's' }}\n{EVENT}"),
        "expected a signed time",
    );
    let hmac = "[signature]\ndigest = 'hmac-sha1'\nparts = 'body'\nfound_in = 'header:s'\n";
    assert_fault(&format!("{hmac}{EVENT}"), "`encoding`");
}
