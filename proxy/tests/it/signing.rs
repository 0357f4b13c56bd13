//! Tests of event signing: verifiers of Standard Webhooks accept the events that gatepost signs,
//! and reject forged and late events.

use std::path::{Path, PathBuf};
use std::process::Command;

use standardwebhooks::Webhook;

use crate::mock::Seen;
use crate::support::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT: &str = "whsec_dGhlIG5leHQgb2YgdGhlIHNlY3JldHMsIHJvdGF0ZWQ=";
const STRANGER: &str = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM=";

fn signing(app: &App, secrets: &str, forward: &str) -> Gatepost {
    let url = app.url("/live/push");
    Gatepost::serve(
        &format!("signing_secret = {secrets}"),
        &format!(
            "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nbind = ['*']\n\
             keys = [{{ env = 'TENCENT_KEY' }}]\n\
             on.push = {{ url = '{url}', forward = '{forward}' }}\n"
        ),
    )
}

#[test]
fn removes_event_signing_headers_of_clients_if_gatepost_signs_events() {
    let app = App::answering(200, "");
    let headers = "webhook-id: forged\r\nWebhook_Signature: forged\r\nwebhook-x: forged\r\n";
    let sent = post_with("/other", headers, "x");
    for (top, expected) in [(format!("signing_secret = '{SECRET}'\n"), 0), (String::new(), 3)] {
        let top = format!("{top}upstream = '{}'", app.url(""));
        let gate = Gatepost::serve(&top, &templates(&app));
        let before = app.seen().len();
        assert_eq!(gate.send(&sent).status, 200);
        let seen = app.seen().remove(before);
        let forged = seen.headers.iter().filter(|(_, value)| value == "forged").count();
        assert_eq!(forged, expected, "{seen:?}");
    }
}

#[test]
fn shadow_route_passes_platform_signature_although_gatepost_signs_events() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve_config(&format!(
        "signing_secret = '{SECRET}'\nupstream = '{}'\n[[route]]\npath = '/hook'\n\
         provider = 'standard-webhooks'\nmode = 'shadow'\n[[template]]\nname = 'a'\n\
         provider = 'standard-webhooks'\nkeys = ['{NEXT}']\nbind = ['*']\n",
        app.url("")
    ));
    let time = i64::try_from(now()).unwrap();
    let signature = Webhook::new(NEXT).unwrap().sign("msg_1", time, b"{}").unwrap();
    let headers = format!(
        "webhook-id: msg_1\r\nwebhook-timestamp: {time}\r\nwebhook-signature: {signature}\r\n"
    );
    assert_eq!(gate.send(&post_with("/hook", &headers, "{}")).status, 200);
    assert!(verifies(&app.only(), NEXT), "expected the platform's signature, found none");
    gate.program.wait_for_line("callback would be accepted");
}

/// Returns the event that the app receives for a genuine push.
fn signed(secrets: &str, forward: &str) -> Seen {
    let app = App::answering(200, "");
    assert_eq!(signing(&app, secrets, forward).send(&pushed()).status, 200);
    app.only()
}

fn verifies(seen: &Seen, secret: &str) -> bool {
    let mut headers = http::HeaderMap::new();
    for (name, value) in &seen.headers {
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    Webhook::new(secret).unwrap().verify(&seen.body, &headers).is_ok()
}

fn with_header(seen: &Seen, name: &str, value: &str) -> Seen {
    let mut seen = seen.clone();
    let own = seen.headers.iter_mut().find(|(own, _)| own == name).unwrap();
    value.clone_into(&mut own.1);
    seen
}

/// Returns five variants of an event: four forgeries and a late event. A verifier must reject all
/// five.
fn forgeries(seen: &Seen) -> Vec<(&'static str, Seen)> {
    let mut flipped = seen.clone();
    let middle = flipped.body.len() / 2;
    flipped.body[middle] ^= 1;
    let other_id = with_header(seen, "webhook-id", "00a38af14713ea4e1429346e97b81c9b");
    let id = seen.header("webhook-id").unwrap();
    let at = |time: u64, secret: &str| {
        let time = i64::try_from(time).unwrap();
        let signature = Webhook::new(secret).unwrap().sign(id, time, &seen.body).unwrap();
        let seen = with_header(seen, "webhook-timestamp", &time.to_string());
        with_header(&seen, "webhook-signature", &signature)
    };
    assert!(verifies(&at(now(), SECRET), SECRET), "expected a valid signature, found none");
    let (late, stranger) = (at(now() - 301, SECRET), at(now(), STRANGER));
    let mut unsigned = seen.clone();
    unsigned.headers.retain(|(name, _)| !name.starts_with("webhook-"));
    vec![
        ("a flipped bit of the body", flipped),
        ("another id", other_id),
        ("another secret", stranger),
        ("301 seconds late", late),
        ("no signature", unsigned),
    ]
}

#[test]
fn library_accepts_events_in_three_forms_and_rejects_forgeries() {
    for forward in ["json", "cloudevents", "raw"] {
        let seen = signed(&format!("'{SECRET}'"), forward);
        assert!(verifies(&seen, SECRET), "{forward}: expected a valid signature, found {seen:?}");
        assert!(!verifies(&seen, STRANGER), "{forward}: expected no valid signature, found one");
        assert_eq!(seen.header("webhook-id"), seen.header("ce-id"));
        for (name, forgery) in forgeries(&seen) {
            assert!(
                !verifies(&forgery, SECRET),
                "{forward}, {name}: expected no valid signature, found one"
            );
        }
    }
}

#[test]
fn event_has_valid_signature_for_each_secret_during_rotation() {
    let seen = signed(&format!("['{SECRET}', '{NEXT}']"), "json");
    assert_eq!(seen.header("webhook-signature").unwrap().split(' ').count(), 2);
    assert!(verifies(&seen, SECRET) && verifies(&seen, NEXT) && !verifies(&seen, STRANGER));
}

#[test]
fn does_not_sign_without_secret() {
    let app = App::answering(200, r#"{"allow":true}"#);
    let gate = Gatepost::serve("", &templates(&app));
    assert_eq!(gate.send(&play()).status, 200);
    assert!(app.only().headers.iter().all(|(name, _)| !name.starts_with("webhook-")));
}

// If the app closes the connection without an answer, gatepost sends the event a second time.
#[test]
fn signs_event_on_second_attempt() {
    let app = App::start(|seen| match seen.connection {
        0 => Act::HangUp,
        _ => Act::Answer(200, ""),
    });
    let gate = signing(&app, &format!("'{SECRET}'"), "json");
    assert_eq!(gate.send(&pushed()).status, 200);
    let seen = app.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| verifies(seen, SECRET)));
}

// The first gatepost signs the event. The second gatepost verifies the event as a callback of the
// provider `standard-webhooks`.
#[test]
fn second_gatepost_verifies_event() {
    let app = App::answering(200, "");
    let second = |secret: &str| {
        Gatepost::serve_config(&format!(
            "[[route]]\npath = '/callbacks/gate'\nprovider = 'standard-webhooks'\n\
             [[template]]\nname = 'all'\nprovider = 'standard-webhooks'\nbind = ['*']\n\
             keys = ['{secret}']\non.event = '{}'\n",
            app.url("/event")
        ))
    };
    let chain = |secret: &str| {
        let second = second(secret);
        let first = Gatepost::serve(
            &format!("signing_secret = '{SECRET}'"),
            &format!(
                "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nbind = ['*']\n\
                 keys = [{{ env = 'TENCENT_KEY' }}]\n\
                 on.push = 'http://127.0.0.1:{}/callbacks/gate'\n",
                second.port
            ),
        );
        first.send(&pushed()).status
    };
    assert_eq!(chain(STRANGER), 503);
    assert!(app.seen().is_empty());
    assert_eq!(chain(SECRET), 200);
    assert_eq!(app.only().json()["stream_id"], "s");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Asserts that an example app, which verifies signatures, accepts genuine events and rejects
/// forgeries. First sends events directly to the app, then sends callbacks to gatepost.
fn assert_peer(port: u16, command: &mut Command) {
    let seen = signed(&format!("['{NEXT}', '{SECRET}']"), "json");
    let app = Program::start(command.env("SIGNING_SECRET", SECRET));
    let ask = |seen: &Seen| {
        let signed = seen.headers.iter().filter(|(name, _)| name.starts_with("webhook-"));
        let lines: String = signed.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let body = std::str::from_utf8(&seen.body).unwrap();
        Client::new(connect(port)).send(&post_with("/live/push", &lines, body)).status
    };
    assert_eq!(ask(&seen), 204, "{}", app.log());
    for (name, forgery) in forgeries(&seen) {
        assert_eq!(ask(&forgery), 401, "{name}: {}", app.log());
    }
    for (secret, status) in [(SECRET, 200), (STRANGER, 503)] {
        let gate = Gatepost::serve(
            &format!("signing_secret = '{secret}'"),
            &format!(
                "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nbind = ['*']\n\
                 keys = [{{ env = 'TENCENT_KEY' }}]\non.push = 'http://127.0.0.1:{port}/live/push'\n"
            ),
        );
        assert_eq!(gate.send(&pushed()).status, status, "{}", app.log());
    }
}

#[test]
fn php_app_verifies_events_without_library() {
    let port = free_port();
    let mut command = Command::new("php");
    command.arg("-S").arg(format!("127.0.0.1:{port}")).arg("examples/php/verified.php");
    assert_peer(port, command.current_dir(root()));
}

/// Returns the folder into which `tests/peers/install` installs libraries.
fn peers() -> PathBuf {
    let peers = root().join("target/peers");
    assert!(
        peers.join("installed").is_file(),
        "expected libraries, found none; run tests/peers/install"
    );
    peers.canonicalize().unwrap()
}

#[test]
#[ignore = "needs tests/peers/install"]
fn node_app_verifies_events_with_stock_library() {
    let peers = peers();
    // Node resolves packages from the folder of the script.
    let script = peers.join("verified.mjs");
    std::fs::copy(root().join("examples/node/verified.mjs"), &script).unwrap();
    let port = free_port();
    assert_peer(port, Command::new("node").arg(script).arg(port.to_string()));
}

#[test]
#[ignore = "needs tests/peers/install"]
fn python_app_verifies_events_with_stock_library() {
    let script = root().join("examples/python/verified.py");
    let port = free_port();
    let mut command = Command::new("python3");
    command.arg(script).arg(port.to_string()).env("PYTHONPATH", peers().join("python"));
    assert_peer(port, &mut command);
}
