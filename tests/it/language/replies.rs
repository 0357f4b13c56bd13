//! Tests of acknowledgements and challenges.

use std::fs;

use gatepost::{Gate, Next, Timestamp};
use http::Request;
use http::header::CONTENT_TYPE;

use super::{
    EVENT, NOW, TOKEN, assert_fault, code, definition, gate, refuses_flipped_body, reply, sample,
    sample_with, send, send_at, try_gate,
};

#[test]
fn acknowledgement_has_status_and_body_of_the_kind() {
    let text = definition(
        "[kind]\nfrom = '/e'\n[reply.ack]\nstatus = 204\n[kinds.a]\nsample = '{\"e\":\"a\"}'\n\
         [kinds.b]\nsample = '{\"e\":\"b\"}'\n[kinds.b.reply.ack]\nstatus = 201\njson = { code = 0 }\n\
         [kinds.c]\nsample = '{\"e\":\"c\"}'\n[kinds.c.reply.ack]\ntext = 'success'\n",
    );
    let gate = gate(&text, "[template.on]\n'*' = 'http://127.0.0.1:1'\n");
    for (kind, status, body, content_type) in [
        ("a", 204, "", None),
        ("b", 201, r#"{"code":0}"#, Some("application/json")),
        ("c", 200, "success", Some("text/plain; charset=utf-8")),
    ] {
        let reply = reply(&gate, &sample(&text, kind, "")).into_response();
        assert_eq!(reply.status().as_u16(), status, "{kind}");
        assert_eq!(&reply.body()[..], body.as_bytes(), "{kind}");
        let found = reply.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap());
        assert_eq!(found, content_type, "{kind}");
    }
}

#[test]
fn reports_wrong_keys_of_acknowledgement() {
    assert_fault(&format!("[reply.ack]\nstatus = 404\n{EVENT}"), "expected a number from 200");
    assert_fault(
        &format!("[reply.ack]\njson = {{ ok = true }}\ntext = 'ok'\n{EVENT}"),
        "expected json or text",
    );
    assert_fault(
        &format!("[reply.ack]\nstatus = 204\ntext = 'ok'\n{EVENT}"),
        "expected no body beside status = 204",
    );
    assert_fault(
        &format!("{EVENT}[kinds.event.reply]\nack = {{ status = 204 }}\nallow = {{ ok = 1 }}\n"),
        "allow",
    );
}

const SIGNED: &str = "[signature]\ndigest = 'hmac-sha256'\nparts = ['literal:v0:', 'header:x-time', 'literal::', \
    'body']\nfound_in = 'header:x-sig'\nencoding = 'hex'\n\
    time = { from = 'header:x-time', means = 'sent', unit = 's' }\n[kind]\nfrom = '/event'\n";

/// Challenges of Zoom and Twitch: <https://developers.zoom.us/docs/api/webhooks>,
/// <https://dev.twitch.tv/docs/eventsub/handling-webhook-events>.
const CHALLENGES: &str = "[kinds.validate]\n\
    sample = '{\"event\":\"validate\",\"payload\":{\"plainToken\":\"qgg8vlvZRS6UYooatFL8Aw\"}}'\n\
    [kinds.validate.reply]\ngive = { plainToken = '/payload/plainToken', \
    encryptedToken = { hmac = '/payload/plainToken', encoding = 'hex' } }\n\
    [kinds.echo]\nsample = '{\"event\":\"echo\",\"challenge\":\"pogchamp-kappa-360noscope-vohiyo\"}'\n\
    [kinds.echo.reply]\ngive = '/challenge'\nencode = 'text'\n\
    [kinds.other]\nsample = '{\"event\":\"other\"}'\n";

#[test]
fn replies_to_signed_challenge_without_the_app() {
    let text = definition(&format!("{SIGNED}{CHALLENGES}"));
    let gate =
        gate(&text, "keys = ['older', 'zoomkey']\n[template.on]\n'*' = 'http://127.0.0.1:1'");
    let request = sample(&text, "validate", "zoomkey");
    let found = reply(&gate, &request).into_response();
    // HMAC-SHA256 of the plain token, computed by `openssl dgst -sha256 -hmac zoomkey`.
    let expected = r#"{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"HMAC"}"#;
    let expected = expected
        .replace("HMAC", "a2333a183bffa0e09ec3d8d9d6535249ce92c3047083ebfbb35ededda4ecc1aa");
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(found.body()).unwrap(),
        serde_json::from_str::<serde_json::Value>(&expected).unwrap()
    );
    let found = reply(&gate, &sample(&text, "echo", "zoomkey")).into_response();
    assert_eq!(&found.body()[..], b"pogchamp-kappa-360noscope-vohiyo");
    assert_eq!(found.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(found.headers()["x-content-type-options"], "nosniff");
    let now = Timestamp::from_secs(NOW);
    let next = send(&gate, &request).unwrap().next(now);
    let Next::Reply(conclusion) = next else {
        panic!("expected a reply without the app, found {next:?}")
    };
    assert_eq!(conclusion.origin.as_str(), "challenge");
    refuses_flipped_body(&gate, &request);
    assert_eq!(code(send(&gate, &sample(&text, "echo", "wrong"))), "signature_mismatch");
    assert_eq!(code(send_at(&gate, &request, NOW + 301)), "timestamp_expired");
}

#[test]
fn refuses_challenge_with_text_that_could_be_signed_data() {
    let text = definition(&format!("{SIGNED}{CHALLENGES}"));
    let gate = gate(&text, "keys = ['zoomkey']");
    let long = "a".repeat(128);
    for (token, expected) in [
        ("aZ09_-", "validate"),
        (&*long, "validate"),
        (&format!("{long}a"), "field_invalid"),
        ("", "field_invalid"),
        ("v0:1700000000:{}", "field_invalid"),
        ("a b", "field_invalid"),
        ("<b>", "field_invalid"),
        ("\u{e9}", "field_invalid"),
    ] {
        let place = [("/payload/plainToken", token)];
        let request = sample_with(&text, "validate", "zoomkey", &place);
        assert_eq!(code(send(&gate, &request)), expected, "{token}");
    }
    let request = sample_with(&text, "validate", "zoomkey", &[("/payload", "{}")]);
    assert_eq!(code(send(&gate, &request)), "field_missing");
    let open = self::gate(&text, "insecure_unsigned = true");
    assert_eq!(code(send(&open, &sample(&text, "validate", "zoomkey"))), "signature_missing");
}

/// Challenge of WebSub: <https://www.w3.org/TR/websub/#hub-verifies-intent>. The hub does not sign
/// the request.
const UNSIGNED_CHALLENGE: &str = "[settings.topic]\n[signature]\ndigest = 'hmac-sha1'\nparts = 'body'\n\
    found_in = 'header:x-hub-signature'\nprefix = 'sha1='\nencoding = 'hex'\n\
    [kind]\nfrom = 'query:hub.mode'\nother = 'event'\n[kind.names]\nsubscribe = 'verify'\n\
    [kinds.verify]\nunsigned = true\n[kinds.verify.reply]\ngive = 'query:hub.challenge'\n\
    encode = 'text'\nexpect = { 'query:hub.topic' = 'setting:topic' }\n[kinds.event]\n";

#[test]
fn unsigned_challenge_needs_secret_segment_and_expected_topic() {
    let text = definition(UNSIGNED_CHALLENGE);
    let template = "keys = ['k']\n[template.settings]\ntopic = 'https://example.com/feed'\n\
                    [[route]]\npath = '/t/{token}'\nprovider = 'cam'\ntoken = 'secret'";
    let error = try_gate(&text, template).unwrap_err();
    assert!(
        error.contains("expected a secret segment, because C does not sign verify"),
        "expected a fault about a missing secret segment, found {error}"
    );
    let error = try_gate(&text, "keys = ['k']").unwrap_err();
    assert!(
        error.contains("expected `topic`, which C expects in a challenge"),
        "expected a fault about the missing `topic`, found {error}"
    );
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("cam.toml"), &text).unwrap();
    let config = "provider_files = ['cam.toml']\n[[route]]\npath = '/t/{token}'\nprovider = 'cam'\n\
                  token = 'secret'\n[[template]]\nname = 't'\nprovider = 'cam'\nbind = ['*']\n\
                  keys = ['k']\nsettings = { topic = 'https://example.com/feed' }\n";
    fs::write(folder.path().join("gatepost.toml"), config).unwrap();
    let gate = Gate::from_toml_file(folder.path().join("gatepost.toml")).unwrap();
    let ask = |query: &str| {
        let uri = format!("/t/secret?{query}");
        let request = Request::post(uri).body(b"{}".to_vec()).unwrap();
        send(&gate, &request).map(|_| reply(&gate, &request).body().to_vec())
    };
    let topic = "hub.topic=https%3A%2F%2Fexample.com%2Ffeed";
    let found = ask(&format!("hub.mode=subscribe&{topic}&hub.challenge=abc-1")).unwrap();
    assert_eq!(found, b"abc-1");
    for (query, expected) in [
        (
            "hub.mode=subscribe&hub.topic=https%3A%2F%2Fexample.org%2Ffeed&hub.challenge=a",
            "field_invalid",
        ),
        ("hub.mode=subscribe&hub.challenge=a", "field_missing"),
        ("hub.mode=publish&hub.challenge=a", "signature_missing"),
    ] {
        let refusal = ask(query).unwrap_err();
        assert_eq!(refusal.kind().as_str(), expected, "{query}");
    }
}

#[test]
fn reports_wrong_keys_of_challenge() {
    let kind = "[kind]\nfrom = '/e'\n[kinds.a]\n";
    let give = "[kinds.a.reply]\ngive";
    let text = format!("{give} = '/c'\nencode = 'text'\n");
    let hmac = format!("{give} = {{ c = {{ hmac = '/c', encoding = 'hex' }} }}\n");
    for (rest, expected) in [
        (format!("{kind}{text}"), "expected a signature or `expect`"),
        (format!("{TOKEN}{kind}{hmac}"), "expected an HMAC signature for a challenge with `hmac`"),
        (format!("{SIGNED}[kinds.a]\n{give} = '/c'\n"), "or one place beside encode"),
        (
            format!("{SIGNED}[kinds.a]\n{give} = {{ c = '/c' }}\nencode = 'text'\n"),
            "or one place beside encode",
        ),
        (format!("{SIGNED}[kinds.a]\n{give} = {{ c = 1 }}\n"), "expected a string or a table"),
        (format!("{SIGNED}[kinds.a]\n{give} = {{ c = 'c' }}\n"), "expected a location"),
        (
            format!("[settings.s]\n{SIGNED}[kinds.a]\n{give} = {{ c = 'setting:s' }}\n"),
            "expected a place in the request",
        ),
        (format!("{SIGNED}[kinds.a]\n{text}expect = {{ '/t' = '/u' }}\n"), "expected a setting"),
        (format!("{SIGNED}[kinds.a]\nunsigned = true\n"), "only in a kind with `give`"),
        (format!("{SIGNED}[kinds.a]\nunsigned = true\n{text}"), "expected a signature or `expect`"),
    ] {
        assert_fault(&rest, expected);
    }
    let gate = try_gate(
        &definition(&format!("{SIGNED}{CHALLENGES}")),
        "keys = ['k']\n[template.on]\necho = { answer = {} }",
    );
    let error = gate.unwrap_err();
    assert!(
        error.contains("expected a kind for the app, found a challenge"),
        "expected a fault about a challenge, found {error}"
    );
}
