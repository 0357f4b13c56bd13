//! Tests of the addresses of apps and of the upstream, and of the addresses on which gatepost
//! listens: Unix sockets, lists, and servers that fail.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

use crate::support::*;

/// Listens on a Unix socket, and relays each connection to the app. Returns the socket's path.
fn socket_of(app: &App, folder: &Path) -> PathBuf {
    let path = folder.join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let port = app.port;
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (near, far) = (stream.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            copy(near.try_clone().unwrap(), far.try_clone().unwrap(), |to| {
                to.shutdown(std::net::Shutdown::Write)
            });
            copy(far, near, |to: &UnixStream| to.shutdown(std::net::Shutdown::Write));
        }
    });
    path
}

fn copy<R, W>(mut from: R, mut to: W, end: impl Fn(&W) -> io::Result<()> + Send + 'static)
where
    R: io::Read + Send + 'static,
    W: io::Write + Send + 'static,
{
    thread::spawn(move || {
        let _end = io::copy(&mut from, &mut to);
        let _gone = end(&to);
    });
}

fn push_to(address: &str) -> String {
    format!(
        "[[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = [{{ env = 'TENCENT_KEY' }}]\n\
         bind = ['push.example.com']\n[template.on]\npush = {address}\n"
    )
}

#[test]
fn sends_events_and_other_requests_over_unix_socket() {
    let folder = TempDir::new().unwrap();
    let app = App::answering(200, "{\"code\":0}");
    let socket = socket_of(&app, folder.path());
    let socket = socket.display();
    let gate = Gatepost::serve(
        &format!("upstream = 'unix:{socket}'"),
        &push_to(&format!("'unix:{socket}:/live/done'")),
    );
    assert_eq!(gate.send(&pushed()).status, 200);
    assert_eq!(gate.send(&pushed()).status, 200);
    assert_eq!(gate.send(&post("/other", "x")).status, 200);
    assert_eq!(
        gate.send(&post("/live/done", "x")).status,
        403,
        "status of a client's request for the path of the events"
    );
    let seen = app.seen();
    let lines: Vec<_> = seen.iter().map(|seen| seen.line.as_str()).collect();
    let event = "POST /live/done HTTP/1.1";
    assert_eq!(lines, [event, event, "POST /other HTTP/1.1"]);
    assert_eq!(seen[0].connection, seen[1].connection, "connections of the two events");
    assert_eq!(seen[0].header("host"), Some("localhost"));
}

#[test]
fn logs_cause_if_socket_does_not_exist() {
    let gate = Gatepost::serve("", &push_to("'unix:/nowhere/app.sock:/live'"));
    assert_eq!(gate.send(&pushed()).status, 503);
    let line = gate.program.wait_for_line("app_unreachable");
    assert!(line.contains("No such file or directory"), "{line}");
}

#[test]
fn events_go_to_each_address_in_turn() {
    let apps = [App::answering(200, "{\"code\":0}"), App::answering(200, "{\"code\":0}")];
    let [one, two] = [apps[0].url("/live/push"), apps[1].url("/live/push")];
    let gate = Gatepost::serve("", &push_to(&format!("['{one}', '{two}']")));
    for _ in 0..6 {
        assert_eq!(gate.send(&pushed()).status, 200);
    }
    assert_eq!((apps[0].seen().len(), apps[1].seen().len()), (3, 3));
}

#[test]
fn event_goes_to_next_server_if_a_server_is_down() {
    let (down, up) = (App::down(), App::answering(200, "{\"code\":0}"));
    let addresses = format!("['{}', '{}']", down.url("/p"), up.url("/p"));
    let gate = Gatepost::serve("", &push_to(&format!("{{ url = {addresses} }}")));
    for _ in 0..6 {
        assert_eq!(gate.send(&pushed()).status, 200);
    }
    assert_eq!(up.seen().len(), 6);
    let line = gate.program.wait_for_line("server_down");
    assert!(line.contains(&down.url("")), "expected {}, found {line}", down.url(""));
    assert_eq!(gate.program.log().matches("server_down").count(), 1);

    // The server listens again, and gatepost sends events to it again.
    let back = App::answering_on(down.port, 200, "{\"code\":0}");
    gate.program.wait_for_line("the server is up again");
    for _ in 0..6 {
        assert_eq!(gate.send(&pushed()).status, 200);
    }
    assert_eq!((up.seen().len(), back.seen().len()), (9, 3));
}

#[test]
fn event_that_may_have_arrived_goes_to_no_other_address() {
    // With passthrough, an app may be unable to recognize a second copy of an event.
    let apps = [App::start(|_| Act::HangUp), App::start(|_| Act::HangUp)];
    let list = format!("['{}', '{}']", apps[0].url(""), apps[1].url(""));
    let address = format!("{{ url = {list}, forward = 'passthrough' }}");
    let gate = Gatepost::serve("", &push_to(&address));
    assert_eq!(gate.send(&pushed()).status, 503);
    assert_eq!(apps[0].seen().len() + apps[1].seen().len(), 1);
}

#[test]
fn probes_health_path_before_using_a_server_again() {
    let down = App::down();
    let up = App::answering(200, "{\"code\":0}");
    let addresses = format!("['{}', '{}']", down.url("/p"), up.url("/p"));
    let gate = Gatepost::serve("health_path = '/healthz'", &push_to(&addresses));
    for _ in 0..2 {
        assert_eq!(gate.send(&pushed()).status, 200);
    }
    gate.program.wait_for_line("server_down");
    let listener = TcpListener::bind(("127.0.0.1", down.port)).unwrap();
    let mut probes = Vec::new();
    for status in ["503 Service Unavailable", "200 OK"] {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = io::BufReader::new(stream);
        probes.push(read_head(&mut stream).unwrap().0);
        assert!(!gate.program.log().contains("the server is up again"));
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
    }
    gate.program.wait_for_line("the server is up again");
    assert_eq!(probes, ["GET /healthz HTTP/1.1"; 2]);
}

#[test]
fn requests_go_to_each_upstream_server_that_is_up() {
    let apps = [App::answering(200, "a"), App::answering(200, "b")];
    let down = App::down();
    let [a, b, c] = [apps[0].url(""), down.url(""), apps[1].url("")];
    let gate = Gatepost::serve(&format!("upstream = ['{a}', '{b}', '{c}']"), "");
    for _ in 0..9 {
        assert_eq!(gate.send(&post("/other", "x")).status, 200);
    }
    let counts = [apps[0].seen().len(), apps[1].seen().len()];
    assert!(
        counts[0] + counts[1] == 9 && counts.iter().all(|count| *count >= 3),
        "expected 9 requests, at least 3 for each server that is up, found {counts:?}"
    );
    gate.program.wait_for_line("server_down");
}

#[test]
fn starts_although_upstream_does_not_resolve() {
    let gate = Gatepost::serve("upstream = 'http://app.invalid:3000'", "");
    assert_eq!(gate.send(&post("/other", "x")).status, 502);
    let line = gate.program.wait_for_line("upstream_unresolved");
    assert!(line.contains("expected addresses of the upstream app.invalid"), "{line}");
}

#[test]
fn listens_on_localhost_or_on_every_address() {
    let app = App::answering(200, "ok");
    for host in ["localhost", ""] {
        let port = free_port();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("gatepost.toml");
        let config = format!(
            "listen = '{host}:{port}'\nupstream = '{}'\n[[route]]\npath = '/hook'\nprovider = 'mux'\n",
            app.url("")
        );
        std::fs::write(&path, config).unwrap();
        let program = Program::start(gatepost().arg("run").arg("-c").arg(&path));
        program.wait_for_line("listening for callbacks");
        assert_eq!(Client::new(connect(port)).send(&post("/other", "x")).status, 200);
        if host.is_empty() {
            let stream = TcpStream::connect(("::1", port)).unwrap();
            assert_eq!(Client::new(stream).send(&post("/other", "x")).status, 200);
        }
    }
}
