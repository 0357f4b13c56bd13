//! Tests of the stop, of signals that do not stop gatepost, and of the admin listener.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use crate::support::*;

#[test]
fn stop_waits_for_request_in_flight() {
    let (release, released) = channel();
    let released = Arc::new(Mutex::new(released));
    let (arrived, arrival) = channel();
    let app = App::start(move |_| {
        arrived.send(()).unwrap();
        Act::WaitFor(Arc::clone(&released))
    });
    let config = templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000");
    let mut gate = Gatepost::serve("", &config);
    let mut client = gate.connect();
    client.write(&play());
    arrival.recv().unwrap();
    gate.program.signal("TERM");
    // After the signal, gatepost accepts no new connection, and waits for the request in flight.
    while std::net::TcpStream::connect(("127.0.0.1", gate.port)).is_ok() {
        std::thread::yield_now();
    }
    release.send(()).unwrap();
    let reply = client.read();
    assert_eq!(reply.text(), r#"{"data":{"result":1}}"#);
    assert_eq!(reply.header("connection"), Some("close"), "header `connection`");
    assert_eq!(gate.program.wait(), Some(0));
}

#[test]
fn idle_proxy_stops_within_five_seconds() {
    let app = App::answering(200, "");
    let mut gate = Gatepost::serve("", &templates(&app));
    let mut idle = gate.connect();
    assert_eq!(idle.send(&pushed()).status, 200);
    let started = std::time::Instant::now();
    gate.program.signal("TERM");
    assert_eq!(gate.program.wait(), Some(0));
    let took = started.elapsed();
    assert!(took.as_secs() < 5, "expected a stop within 5 s, found {took:?}");
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
    assert_eq!(get("/readyz").0, 200);
    assert_eq!(get("/callbacks/tencent").0, 404);
    assert!(get("/metrics").1.contains("# TYPE gatepost_requests_in_flight gauge"));
}

/// Sends signals whose default action ends the process.
fn send_harmless_signals(gate: &Program) {
    for name in ["USR1", "USR2", "PIPE", "HUP"] {
        gate.signal(name);
    }
}

#[test]
fn survives_signals_other_than_stop_signals() {
    let app = App::answering(200, "");
    let mut gate = Gatepost::serve("", &templates(&app));
    let mut client = gate.connect();
    for _ in 0..3 {
        send_harmless_signals(&gate.program);
        assert_eq!(client.send(&pushed()).status, 200);
    }
    gate.program.signal("TERM");
    send_harmless_signals(&gate.program);
    assert_eq!(gate.program.wait(), Some(0));
}

#[test]
fn survives_signals_before_it_serves() {
    // The config is a pipe, so gatepost waits until the test writes the config.
    let app = App::answering(200, "");
    let gate = Gatepost::serve("", &templates(&app));
    let folder = gate.folder.path();
    let config = std::fs::read_to_string(folder.join("gatepost.toml")).unwrap();
    let (port, admin) = (free_port(), free_port());
    let config = config
        .replace(&gate.port.to_string(), &port.to_string())
        .replace(&gate.admin.to_string(), &admin.to_string());
    let pipe = folder.join("pipe.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(&pipe).env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
    let mut program = Program::start(&mut command);
    // This call returns as soon as gatepost opens the other end of the pipe.
    let mut writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    for name in ["USR1", "USR2", "PIPE"] {
        program.signal(name);
    }
    std::io::Write::write_all(&mut writer, config.as_bytes()).unwrap();
    drop(writer);
    program.wait_for_line("listening for the operator");
    assert_eq!(Client::new(connect(port)).send(&pushed()).status, 200);
    program.signal("TERM");
    assert_eq!(program.wait(), Some(0));
}
