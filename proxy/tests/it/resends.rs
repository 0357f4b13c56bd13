//! Tests of resends, concurrent copies, clients that disconnect, and apps that are down.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use crate::support::*;

#[test]
fn acknowledges_resend_without_asking_app() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let push = push();
    for _ in 0..3 {
        let reply = gate.send(&post("/callbacks/tencent", &push));
        assert_eq!((reply.status, reply.text().as_str()), (200, "{\"code\":0}"));
    }
    assert_eq!(app.seen().len(), 1);
    let counted = gate.counted("gatepost_callbacks_total", "origin=\"resend\"");
    assert_eq!(counted, 2, "{}", gate.metrics());
}

#[test]
fn asks_app_about_resend_if_first_delivery_failed() {
    let times = AtomicU32::new(0);
    let app = App::start(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        0 => Act::Answer(500, ""),
        _ => Act::Answer(200, ""),
    });
    let gate = Gatepost::serve("", &templates(&app));
    let push = post("/callbacks/tencent", &push());
    assert_eq!([503, 200, 200].map(|_| gate.send(&push).status), [503, 200, 200]);
    assert_eq!(app.seen().len(), 2);
}

#[test]
fn asks_app_once_for_concurrent_copies() {
    let (release, released) = channel();
    let released = Arc::new(Mutex::new(released));
    let app = App::start(move |_| Act::WaitFor(Arc::clone(&released)));
    let gate =
        Gatepost::serve("", &templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000"));
    let push = post("/callbacks/tencent", &push());
    let (mut one, mut other) = (gate.connect(), gate.connect());
    one.write(&push);
    app.wait_for(1);
    other.write(&push);
    gate.wait_for_in_flight(2);
    release.send(()).unwrap();
    for client in [&mut one, &mut other] {
        assert_eq!(client.read().text(), "{\"code\":0}");
    }
    assert_eq!(app.seen().len(), 1);
}

#[test]
fn cancels_request_to_app_if_client_disconnects() {
    let (close, closed) = channel();
    let close = Arc::new(Mutex::new(close));
    let app = App::start(move |_| Act::TellWhenGone(Arc::clone(&close)));
    let slow = templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000, budget_ms = 60000");
    let gate = Gatepost::serve("", &slow);
    for (before, callback) in [pushed(), play(), play()].iter().enumerate() {
        let mut client = gate.connect();
        client.write(callback);
        app.wait_for(before + 1);
        client.reset();
        closed
            .recv_timeout(PATIENCE)
            .expect("expected a closed connection to the app, found an open one");
    }
    gate.wait_for_in_flight(0);
    let metrics = gate.metrics();
    for (kind, provider, count) in [("push", "tencent-css", 1), ("live_play", "kollus", 2)] {
        let labels = format!("kind=\"{kind}\",provider=\"{provider}\"");
        let counted = format!("gatepost_senders_gone_total{{{labels}}} {count}\n");
        assert!(metrics.contains(&counted), "expected {counted}, found:\n{metrics}");
    }
    assert!(
        !gate.program.log().contains("ERROR"),
        "expected no ERROR, found {}",
        gate.program.log()
    );
}

#[test]
fn asks_app_about_waiting_copy_if_first_client_disconnects() {
    let (close, closed) = channel();
    let close = Arc::new(Mutex::new(close));
    let app = App::start(move |seen| match seen.connection {
        0 => Act::TellWhenGone(Arc::clone(&close)),
        _ => Act::Answer(200, ""),
    });
    let slow = templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000");
    let gate = Gatepost::serve("", &slow);
    let push = post("/callbacks/tencent", &push());
    let (mut one, mut other) = (gate.connect(), gate.connect());
    one.write(&push);
    app.wait_for(1);
    other.write(&push);
    gate.wait_for_in_flight(2);
    one.reset();
    assert_eq!(other.read().text(), "{\"code\":0}");
    closed
        .recv_timeout(PATIENCE)
        .expect("expected a closed connection to the app, found an open one");
    assert_eq!(app.seen().len(), 2);
}

#[test]
fn skips_app_with_open_circuit_and_shows_circuit_in_metrics() {
    let app = App::down();
    let breaker = "breaker = { failures = 3, retry_ms = 600000 }";
    let gate = Gatepost::serve(breaker, &templates(&app));
    let open = |is_open: u8| {
        let address = app.url("/live/push");
        format!("gatepost_app_circuit_open{{address=\"{address}\"}} {is_open}\n")
    };
    for _ in 0..3 {
        assert!(gate.metrics().contains(&open(0)));
        assert_eq!(gate.send(&pushed()).status, 503);
    }
    assert!(gate.metrics().contains(&open(1)), "expected {}, found {}", open(1), gate.metrics());
    assert_eq!(gate.send(&pushed()).status, 503);
    gate.program.wait_for_line("\"code\":\"circuit_open\"");
    assert_eq!(
        gate.send(&play()).text(),
        FAILED,
        "expected a separate circuit for each address, found a shared circuit"
    );
    gate.program.wait_for_lines("\"code\":\"app_unreachable\"", 4);
}

#[test]
fn repeats_last_good_reply_while_app_is_down() {
    let app = App::start(|seen| match seen.connection {
        0 => Act::AnswerAndHangUp("{\"result\":1,\"vmcheck\":0}"),
        _ => Act::HangUp,
    });
    let policy = templates(&app).replace("on_failure =", "last_good = true, on_failure =");
    let gate = Gatepost::serve("", &policy);
    let good = r#"{"data":{"result":1,"vmcheck":0}}"#;
    for _ in 0..3 {
        assert_eq!(gate.send(&play()).text(), good);
    }
    let path = format!("/callbacks/kollus/{TOKEN}");
    let other = post(&path, &PLAY.replace("user01", "user02"));
    assert_eq!(gate.send(&other).text(), FAILED);
    assert!(gate.metrics().contains("origin=\"last_good\""), "{}", gate.metrics());
}
