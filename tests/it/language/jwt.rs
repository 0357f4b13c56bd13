//! Tests of signatures that are tokens (JWT).

use http::Request;

use super::{
    EVENT, NOW, assert_fault, code, definition, faults, gate, key_file, keys, refuses_flipped_body,
    refuses_flipped_header, sample, send, send_at, set_header, try_gate,
};

/// Returns a definition whose tokens have the form of LiveKit's tokens:
/// <https://github.com/livekit/protocol/blob/main/webhook/verifier.go>. `key_line` is a line with
/// `key`, or empty.
fn token_definition(digest: &str, key_line: &str) -> String {
    definition(&format!(
        "[signature]\nform = 'jwt'\ndigest = '{digest}'\nfound_in = 'header:authorization'\n{key_line}\
         body_hash = {{ claim = 'sha256', digest = 'sha256', encoding = 'base64' }}\n\
         time = {{ from = 'claim:exp', means = 'expiry', unit = 's', grace_secs = 60 }}\n\
         {EVENT}sample = '{{\"event\":\"room_started\",\"room\":{{\"name\":\"r\"}},\"id\":\"EV_1\"}}'\n"
    ))
}

#[test]
#[expect(clippy::too_many_lines, reason = "the function is one table of cases")]
fn token_is_valid_only_with_its_body_time_key_and_algorithm() {
    let text = token_definition("hmac-sha256", "key = { claim = 'iss' }\n");
    let keys = "keys = ['APIkey1:secret-of-key-1', 'APIkey2:secret-of-key-2']";
    let gate = gate(&text, keys);
    let mut request = sample(&text, "event", "APIkey2:secret-of-key-2");
    assert_eq!(code(send(&gate, &request)), "event");
    refuses_flipped_body(&gate, &request);
    refuses_flipped_header(&gate, &request, "authorization", false);
    assert_eq!(code(send_at(&gate, &request, NOW + 661)), "timestamp_expired");
    // Token computed with Python's `hmac`, for the body in LiveKit's documentation.
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

/// The example of <https://jwt.io> for HS512, with the secret `your-512-bit-secret`.
#[test]
fn verifies_token_with_hs512() {
    let token = "Bearer eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWUsImlhdCI6MTUxNjIzOTAyMn0.VFb0qJ1LRg_4ujbZoRMXnVkUgiuKq5KxWqNdbKq_G9Vvz-S1zZa9LPxtHWKa64zDl2ofkT8F6jBt_K4riU-fPg";
    let text = |digest: &str| {
        definition(&format!(
            "[signature]\nform = 'jwt'\ndigest = '{digest}'\nfound_in = 'header:authorization'\n\
             prefix = 'Bearer '\npayload = 'body'\n{EVENT}"
        ))
    };
    let mut request = Request::post("/c").body(Vec::new()).unwrap();
    set_header(&mut request, "authorization", token);
    for (digest, key, body, expected) in [
        ("hmac-sha512", "your-512-bit-secret", r#"{"name":"John Doe","admin":true}"#, "event"),
        (
            "hmac-sha512",
            "your-512-bit-secret",
            r#"{"name":"John Doe","admin":false}"#,
            "signature_mismatch",
        ),
        (
            "hmac-sha512",
            "your-256-bit-secret",
            r#"{"name":"John Doe","admin":true}"#,
            "signature_mismatch",
        ),
        (
            "hmac-sha256",
            "your-512-bit-secret",
            r#"{"name":"John Doe","admin":true}"#,
            "signature_malformed",
        ),
    ] {
        let gate = gate(&text(digest), &keys(key));
        *request.body_mut() = body.as_bytes().to_vec();
        assert_eq!(code(send(&gate, &request)), expected, "{digest} {key} {body}");
    }
}

#[test]
fn reports_faults_in_signature_table_of_token() {
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
    assert!(
        error.contains("expected a key in the form ID:KEY"),
        "expected a fault about a key in the form ID:KEY, found {error}"
    );
    assert!(!error.contains("secret-without-id"), "expected no key in the error, found {error}");
}
