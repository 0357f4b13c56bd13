//! Tests of the stop of the proxy, and of the admin listener.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use crate::support::*;

#[test]
fn stop_waits_for_request_in_flight() {
    let (answer, word) = channel();
    let word = Arc::new(Mutex::new(word));
    let (arrived, arrival) = channel();
    let app = App::start(move |_| {
        arrived.send(()).unwrap();
        Act::WaitFor(Arc::clone(&word))
    });
    let config = templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000");
    let mut gate = Gatepost::serve("", &config);
    let mut client = gate.connect();
    client.write(&play());
    arrival.recv().unwrap();
    gate.program.signal("TERM");
    // gatepost accepts no new connection, and waits for the request in flight.
    while std::net::TcpStream::connect(("127.0.0.1", gate.port)).is_ok() {
        std::thread::yield_now();
    }
    answer.send(()).unwrap();
    let reply = client.read();
    assert_eq!(reply.text(), r#"{"data":{"result":1}}"#);
    assert_eq!(reply.header("connection"), Some("close"), "expected `connection: close`");
    assert_eq!(gate.program.wait(), Some(0));
}

#[test]
fn idle_proxy_stops_at_once() {
    let app = App::answering(200, "");
    let mut gate = Gatepost::serve("", &templates(&app));
    let mut idle = gate.connect();
    assert_eq!(idle.send(&pushed()).status, 200);
    let started = std::time::Instant::now();
    gate.program.signal("TERM");
    assert_eq!(gate.program.wait(), Some(0));
    assert!(started.elapsed().as_secs() < 5, "expected a stop within 5 s");
}

#[test]
fn admin_listener_serves_health_and_metrics() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let get = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let reply = Client::new(connect(gate.admin)).send(request.as_bytes());
        (reply.status, reply.text())
    };
    assert_eq!(get("/healthz"), (200, "ok\n".into()));
    assert_eq!(get("/readyz"), (200, "ready\n".into()));
    assert_eq!(get("/callbacks/tencent").0, 404);
    assert!(get("/metrics").1.contains("# TYPE gatepost_requests_in_flight gauge"));
}
