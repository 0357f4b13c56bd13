//! Tests of the keys of a signature: keys with an id, keys for a second digest, and certificates.
//! Two more tests cover the parts of a signature that PayPal and Amazon SNS need.

use http::Request;

use crate::language::{
    EVENT, assert_fault, code, definition, faults, gate, key_file, keys, refuses_flipped_body,
    refuses_flipped_header, sample, sample_with, send, set_header, try_gate,
};

fn body_signed(lines: &str) -> String {
    definition(&format!(
        "[signature]\nparts = 'body'\nfound_in = 'header:x-sig'\n{lines}\
         {EVENT}sample = '{{\"type\":\"recording-stopped\"}}'\n"
    ))
}

/// Signature of Pusher: <https://pusher.com/docs/channels/server_api/webhooks/>.
const NAMED: &str =
    "digest = 'hmac-sha256'\nencoding = 'hex'\nkey = { id = 'header:x-pusher-key' }\n";

#[test]
fn header_selects_the_key() {
    let text = body_signed(NAMED);
    let gate = gate(&text, "keys = ['app-1:secret-of-app-1', 'app-2:secret-of-app-2']");
    let mut request = sample(&text, "event", "app-2:secret-of-app-2");
    assert_eq!(request.headers()["x-pusher-key"], "app-2");
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_body(&gate, &request);
    refuses_flipped_header(&gate, &request, "x-sig", true);
    for id in ["app-1", "app-3", "APP-2", ""] {
        set_header(&mut request, "x-pusher-key", id);
        assert_eq!(code(send(&gate, &request)), "signature_mismatch", "{id}");
    }
    request.headers_mut().remove("x-pusher-key");
    assert_eq!(code(send(&gate, &request)), "signature_mismatch");
    set_header(&mut request, "x-pusher-key", "app-2");
    request.headers_mut().append("x-pusher-key", "app-1".parse().unwrap());
    assert_eq!(code(send(&gate, &request)), "field_duplicate");
}

#[test]
fn reports_key_without_the_id_that_a_header_names() {
    let error = try_gate(&body_signed(NAMED), "keys = ['secret-without-id']").unwrap_err();
    assert!(
        error.contains("expected a key in the form ID:KEY"),
        "expected a fault about a key in the form ID:KEY, found {error}"
    );
    let both = NAMED.replace("{ id", "{ claim = 'iss', id");
    let faults = faults(&format!("[signature]\nparts = 'body'\nfound_in = '/s'\n{both}{EVENT}"));
    assert!(
        faults.iter().any(|fault| fault.contains("found a place and a claim")),
        "expected a fault about two sources of the id, found {faults:?}"
    );
}

/// Signature of Standard Webhooks:
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
const SECOND: &str = "digest = 'hmac-sha256'\nencoding = 'base64'\nprefix = 'v1,'\nseparator = ' '\n\
     key = { prefix = 'whsec_', encoding = 'base64' }\n";
const ALSO: &str = "also = { digest = 'ed25519', prefix = 'v1a,', key = { prefix = 'whpk_' } }\n";

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The public key that belongs to the private key in `key_file("ed_private")`.
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

#[test]
fn key_is_for_one_of_two_digests() {
    let text = body_signed(&format!("{SECOND}{ALSO}"));
    let by_hmac = sample(&text, "event", SECRET);
    let by_private_key = sample(&text, "event", &key_file("ed_private"));
    let proof =
        |request: &Request<Vec<u8>>| request.headers()["x-sig"].to_str().unwrap().to_owned();
    let (hmac, signed) = (proof(&by_hmac), proof(&by_private_key));
    assert!(
        hmac.starts_with("v1,") && signed.starts_with("v1a,"),
        "expected the prefixes v1 and v1a, found {hmac} and {signed}"
    );
    let both = gate(&text, &format!("keys = ['{SECRET}', '{PUBLIC}']"));
    let only_public = gate(&text, &keys(PUBLIC));
    let only_secret = gate(&text, &keys(SECRET));
    for request in [&by_hmac, &by_private_key] {
        assert_eq!(code(send(&both, request)), "event");
        refuses_flipped_body(&both, request);
        refuses_flipped_header(&both, request, "x-sig", false);
    }
    assert_eq!(code(send(&only_public, &by_private_key)), "event");
    assert_eq!(code(send(&only_public, &by_hmac)), "signature_malformed");
    assert_eq!(code(send(&only_secret, &by_private_key)), "signature_malformed");
    let mut request = by_hmac;
    let mut verdict = |proof: String| {
        set_header(&mut request, "x-sig", &proof);
        code(send(&both, &request))
    };
    assert_eq!(verdict(format!("{hmac} {signed}")), "event");
    assert_eq!(verdict(format!("v1,AAAA {signed}")), "event");
    // A prefix does not change the digest with which gatepost uses a key.
    assert_eq!(verdict(hmac.replace("v1,", "v1a,")), "signature_mismatch");
    assert_eq!(verdict(signed.replace("v1a,", "v1,")), "signature_malformed");
}

#[test]
fn refuses_hmac_that_uses_public_key_as_secret() {
    let text = body_signed(&format!("{SECOND}{ALSO}"));
    // The secret of this sample is the text of the public key.
    let as_secret = PUBLIC.replace("whpk_", "whsec_");
    let confused = sample(&text, "event", &as_secret);
    let verdict = code(send(&gate(&text, &keys(PUBLIC)), &confused));
    assert_eq!(verdict, "signature_malformed");
}

#[test]
fn reports_wrong_second_digest() {
    let start = "[signature]\nparts = 'body'\nfound_in = 'header:s'\n";
    assert_eq!(faults(&format!("{start}{SECOND}{ALSO}{EVENT}")), [""; 0]);
    for (also, expected) in [
        (ALSO.replace("ed25519", "hmac-sha256"), "found hmac-sha256 and hmac-sha256"),
        (ALSO.replace("ed25519", "md5"), "expected two different digests"),
        (ALSO.replace("v1a,", "v1,"), "expected different prefixes"),
        (ALSO.replace("whpk_", "whsec_"), "expected different prefixes"),
        (ALSO.replace(", key = { prefix = 'whpk_' }", ""), "expected the format of the keys"),
        (ALSO.replace("prefix = 'v1a,', ", ""), "expected `prefix`"),
        (ALSO.replace("prefix = 'v1a,'", "prefix = 'v1a,', parts = 'body'"), "found \"parts\""),
    ] {
        assert_fault(&format!("{start}{SECOND}{also}{EVENT}"), expected);
    }
    let named = SECOND.replace("key = {", "key = { id = 'header:k',");
    let expected = "expected a signature without a second digest, found keys with an id";
    assert_fault(&format!("{start}{named}{ALSO}{EVENT}"), expected);
}

#[test]
fn public_key_may_be_in_a_certificate() {
    for (digest, name) in [("rsa-sha256", "rsa"), ("ed25519", "ed")] {
        let text = body_signed(&format!("digest = '{digest}'\nencoding = 'base64'\n"));
        let gate = gate(&text, &keys(&key_file(&format!("{name}_certificate"))));
        let request = sample(&text, "event", &key_file(&format!("{name}_private")));
        assert_eq!(code(send(&gate, &request)), "event", "{digest}");
        refuses_flipped_body(&gate, &request);
    }
    let text = body_signed("digest = 'rsa-sha256'\nencoding = 'base64'\n");
    let whole = key_file("rsa_certificate");
    let lines: Vec<_> = whole.lines().collect();
    let cut = [&lines[..1], &lines[2..]].concat().join("\n");
    for certificate in [key_file("ed_certificate"), cut] {
        let error = try_gate(&text, &keys(&certificate)).unwrap_err();
        assert!(
            error.contains("expected a public key in PEM"),
            "expected a fault about a public key in PEM, found {error}"
        );
    }
}

/// Part of the signature of PayPal: <https://developer.paypal.com/api/rest/webhooks/rest/>.
#[test]
fn signature_can_cover_crc32_of_body_as_decimal_number() {
    let text = definition(&format!(
        "[signature]\ndigest = 'hmac-sha256'\nencoding = 'hex'\nfound_in = 'header:x-sig'\n\
         parts = ['literal:a|', {{ part = 'body', as = 'crc32' }}]\n{EVENT}"
    ));
    let gate = gate(&text, "keys = ['key-of-the-test']");
    // The signature is from Python's `zlib.crc32` and `hmac`. The CRC-32 of the body is 1444654255.
    let mut request = Request::post("/c").body(br#"{"a":1}"#.to_vec()).unwrap();
    set_header(&mut request, "x-sig", CRC_PROOF);
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_body(&gate, &request);
    // Another body may have the same checksum, so the signature protects no time in the body.
    let time = "time = { from = '/t', means = 'sent', unit = 's' }\n";
    let lines = text.split_once("[signature]").unwrap().1.replace(EVENT, &format!("{time}{EVENT}"));
    assert_fault(&format!("[signature]{lines}"), "expected a signed time");
}

const CRC_PROOF: &str = "2116cecf776ff7910873e370c0b2fed0d311efab9b8241f22187889d1ee3c6d6";

/// Part of the signature of Amazon SNS:
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>.
#[test]
fn omits_text_of_before_without_optional_part() {
    let text = definition(&format!(
        "[signature]\ndigest = 'hmac-sha256'\nencoding = 'hex'\nfound_in = 'header:x-sig'\n\
         parts = ['/a', {{ part = '/b', before = 'B:', optional = true }}]\n{EVENT}"
    ));
    let gate = gate(&text, "keys = ['key-of-the-test']");
    let mut request = Request::post("/c").body(Vec::new()).unwrap();
    // The signatures of `1B:2` and of `1` are from Python's `hmac`.
    for (body, proof, expected) in [
        (r#"{"a":"1","b":"2"}"#, BEFORE_PROOFS[0], "event"),
        (r#"{"a":"1"}"#, BEFORE_PROOFS[1], "event"),
        (r#"{"a":"1B:2"}"#, BEFORE_PROOFS[0], "event"),
        (r#"{"a":"1","b":"2"}"#, BEFORE_PROOFS[1], "signature_mismatch"),
        (r#"{"a":"1"}"#, BEFORE_PROOFS[0], "signature_mismatch"),
    ] {
        *request.body_mut() = body.as_bytes().to_vec();
        set_header(&mut request, "x-sig", proof);
        assert_eq!(code(send(&gate, &request)), expected, "{body}");
    }
    let sent = sample_with(&text, "event", "key-of-the-test", &[("/a", "1"), ("/b", "2")]);
    assert_eq!(sent.headers()["x-sig"], BEFORE_PROOFS[0]);
}

const BEFORE_PROOFS: [&str; 2] = [
    "aafc50761a183dac80176a731609b9a07c9db65ce144fa8af8234085f2bb7ad5",
    "a9a558ff093f08514579cda8aab92798f7c99c6a6539542fa3e982c57abc7305",
];
