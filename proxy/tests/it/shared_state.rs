//! Tests of the data that the store keeps besides events: resends, signatures, last good replies
//! and sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::queue::{STORE, database, restart};
use crate::support::*;

/// Returns templates without queued delivery. `extra` is a line of the template for Tencent CSS.
pub fn templates(app: &App, extra: &str) -> String {
    format!(
        "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n{extra}\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n\
         [template.on]\npush = {{ url = '{}', timeout_ms = 1500 }}\n\
         [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = ['*']\n\
         [template.on]\nlive_play = {{ url = '{}', last_good = true, on_failure = 'last_good' }}\n",
        app.url("/live/push"),
        app.url("/live/play"),
    )
}

fn serve(app: &App, extra: &str) -> Gatepost {
    Gatepost::serve("", &(templates(app, extra) + STORE))
}

fn push_with(node: &str) -> Vec<u8> {
    let body = push();
    let changed = body.replace("\"stream_id\":\"s\"", &format!("\"stream_id\":\"{node}\""));
    post("/callbacks/tencent", &changed)
}

fn kill_and_restart(gate: &mut Gatepost) {
    gate.program.signal("KILL");
    gate.program.wait();
    restart(gate);
}

#[test]
fn resend_after_a_restart_does_not_reach_the_app() {
    let app = App::answering(200, "");
    let mut gate = serve(&app, "");
    let push = push_with("a");
    let first = gate.send(&push);
    kill_and_restart(&mut gate);
    let again = gate.send(&push);
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!((again.text(), app.seen().len()), (first.text(), 1));
    assert_eq!(gate.counted("gatepost_callbacks_total", "origin=\"resend\""), 1);
    assert_eq!(gate.counted("gatepost_shared_state_up", ""), 1);
    assert_eq!(gate.counted("gatepost_shared_state_missed_total", ""), 0);
}

#[test]
fn damaged_value_does_not_replace_an_answer_of_the_app() {
    let app = App::answering(200, "");
    let mut gate = serve(&app, "");
    let push = push_with("a");
    assert_eq!(gate.send(&push).status, 200);
    gate.program.signal("KILL");
    gate.program.wait();
    let changed = database(gate.folder.path())
        .execute("UPDATE shared SET bytes = CAST(x'5a' || bytes AS BLOB)", []);
    assert!(changed.unwrap() > 0, "expected shared values, found none");
    restart(&mut gate);
    let line = gate.program.wait_for_line("shared_value_damaged");
    assert!(line.contains("\"ERROR\"") && line.contains("\"count\":"), "{line}");
    assert_eq!(gate.send(&push).status, 200);
    assert_eq!(app.seen().len(), 2);
}

#[test]
fn refuses_reused_signature_after_a_restart() {
    let app = App::answering(200, "");
    let mut gate = serve(&app, "signature_reuse = 'refuse'");
    // Both pushes have the same signature, which covers only the key and the time.
    let (first, second) = (push_with("a"), push_with("b"));
    assert_eq!(gate.send(&first).status, 200);
    kill_and_restart(&mut gate);
    assert_eq!(gate.send(&second).status, 401);
    gate.program.wait_for_line("signature_reused");
    assert_eq!(app.seen().len(), 1);
}

#[test]
fn last_good_reply_survives_a_restart() {
    let status = Arc::new(AtomicU16::new(200));
    let answered = Arc::clone(&status);
    let app = App::start(move |_| Act::Answer(answered.load(Ordering::SeqCst), "{\"allow\":true}"));
    let mut gate = serve(&app, "");
    let play = post(
        &format!("/callbacks/kollus/{TOKEN}"),
        "kind=100&client_user_id=u&media_content_key=m&channel_key=c",
    );
    let first = gate.send(&play);
    status.store(500, Ordering::SeqCst);
    kill_and_restart(&mut gate);
    let again = gate.send(&play);
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert_eq!(gate.counted("gatepost_callbacks_total", "origin=\"last_good\""), 1);
}

/// Returns a template with addresses for the kinds that start or end a session. `deliver` is the
/// value of the key `deliver`.
pub fn sessions(app: &App, deliver: &str) -> String {
    format!(
        "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n[template.on]\n\
         push = {{ url = '{}', deliver = '{deliver}' }}\n\
         interruption = {{ url = '{}', deliver = '{deliver}' }}\n",
        app.url("/live/push"),
        app.url("/live/end"),
    )
}

/// Returns the callback that ends the session of a push.
pub fn end_of(push: &str) -> Vec<u8> {
    post("/callbacks/tencent", &push.replace("\"event_type\":1", "\"event_type\":0"))
}

/// Returns the value of `gatepost-stale` in each event for `/live/end` that the app has received.
pub fn stale_ends(app: &App) -> Vec<Option<String>> {
    let ends = app.seen().into_iter().filter(|seen| seen.line.contains(" /live/end "));
    ends.map(|seen| seen.header("gatepost-stale").map(str::to_owned)).collect()
}

#[test]
fn end_after_a_restart_is_stale_if_a_newer_session_has_started() {
    let app = App::answering(200, "");
    let mut gate = Gatepost::serve("", &(sessions(&app, "direct") + STORE));
    let (old, new) = (push(), push());
    for push in [&old, &new] {
        assert_eq!(gate.send(&post("/callbacks/tencent", push)).status, 200);
    }
    kill_and_restart(&mut gate);
    for push in [&old, &new] {
        assert_eq!(gate.send(&end_of(push)).status, 200);
    }
    assert_eq!(stale_ends(&app), [Some("true".to_owned()), None]);
}

#[test]
fn app_gets_events_while_the_store_is_unavailable() {
    let app = App::answering(200, "");
    let gate = serve(&app, "");
    let lock = database(gate.folder.path());
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    for node in ["a", "b", "c"] {
        assert_eq!(gate.send(&push_with(node)).status, 200);
    }
    assert_eq!(app.seen().len(), 3);
    let line = gate.program.wait_for_line("shared_state_lost");
    assert!(line.contains("expected a result within 375 ms, found none"), "{line}");
    assert_eq!(gate.counted("gatepost_shared_state_up", ""), 0);
    assert!(gate.counted("gatepost_shared_state_missed_total", "use=\"resend\"") >= 3);
    lock.execute_batch("ROLLBACK").unwrap();
    eventually("an available store", || {
        gate.send(&push_with("d"));
        gate.counted("gatepost_shared_state_up", "") == 1
    });
    gate.program.wait_for_line("shared_state_back");
}
