//! The examples, with their real interpreters and servers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The example's own config, with ports that are free.
fn serve_example(name: &str, app: u16) -> Gatepost {
    let path = root().join("examples").join(name).join("gatepost.toml");
    let config = std::fs::read_to_string(path).unwrap();
    let config = config
        .replace("listen   = [\"127.0.0.1:8080\"]\n", "")
        .replace("127.0.0.1:3000", &format!("127.0.0.1:{app}"))
        .replace("KOLLUS_PATH_TOKEN", "KOLLUS_TOKEN");
    Gatepost::serve_config(&config)
}

/// What every example app does: takes a genuine push, sees nothing of a forged one, lets one viewer
/// play, and when it is gone the failure policy speaks.
///
/// `connected` is what the app logs of a connection, and `connections` how often it does for the
/// test's own and the genuine callbacks'.
fn assert_app(
    mut app: Program,
    port: u16,
    gate: &Gatepost,
    (connected, connections): (&str, usize),
) {
    drop(connect(port));
    let forged = with_flipped_sign(&push());
    assert_eq!(gate.send(&post("/callbacks/tencent", &forged)).status, 401);

    let reply = gate.send(&pushed());
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"code":0}"#));
    let reply = gate.send(&play());
    assert_eq!(reply.text(), r#"{"data":{"result":1}}"#);
    let other = PLAY.replace("user01", "user02");
    let reply = gate.send(&post(&format!("/callbacks/kollus/{TOKEN}"), &other));
    assert_eq!(reply.text(), r#"{"data":{"result":0,"message":"Please buy a ticket"}}"#);
    // Of four callbacks it saw the three genuine ones: a line for each, and behind the last of them
    // no connection that none of these explains.
    app.wait_for_lines("com.kollus.live_play", 2);
    let seen = app.log();
    assert_eq!(seen.matches("com.tencentcloud.css.push").count(), 1, "{seen}");
    assert_eq!(seen.matches(connected).count(), connections, "{seen}");

    // From outside, no header makes the app take an event for genuine.
    for name in ["ce-type", "Ce_Type", "ce.type"] {
        let forged = format!("{name}: com.kollus.live_play\r\n");
        let reply = gate.send(&post_with("/other", &forged, r#"{"client_user_id":"user01"}"#));
        assert_eq!(reply.status, 200, "{name}");
        assert!(reply.text().is_empty() || reply.text() == "hello\n", "{name}: {reply:?}");
        assert_eq!(gate.send(&post_with("/live/push", &forged, "{}")).text(), "refused\n");
    }

    assert_eq!(app.log().matches("com.kollus.live_play").count(), 2, "{}", app.log());

    // Stopped, it holds its port and says nothing.
    app.signal("STOP");
    // Its `timeout_ms` is 1500.
    assert_eq!(within(Duration::from_millis(1550), || gate.send(&play())).text(), FAILED);
    // Gone, nobody holds the port.
    app.signal("KILL");
    app.wait();
    assert_eq!(gate.send(&play()).text(), FAILED);
    assert_eq!(gate.send(&pushed()).status, 503);
}

#[test]
fn php() {
    let port = free_port();
    let mut command = Command::new("php");
    command.arg("-S").arg(format!("127.0.0.1:{port}")).arg("examples/php/index.php");
    let app = Program::start(command.current_dir(root()));
    let gate = serve_example("php", port);
    assert_app(app, port, &gate, (" Accepted", 4));
}

#[test]
fn node() {
    let port = free_port();
    let mut command = Command::new("sh");
    // Node's console writes to standard output; the test reads standard error.
    command.arg("-c").arg(format!("exec node examples/node/server.mjs {port} 1>&2"));
    let app = Program::start(command.current_dir(root()));
    let gate = serve_example("node", port);
    // Node logs no connections.
    assert_app(app, port, &gate, (" Accepted", 0));
}

/// Where cargo puts the examples that it builds with the tests.
fn example(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().unwrap().parent().unwrap().join("examples").join(name)
}

#[test]
fn own_pingora_proxy() {
    let (port, app) = (free_port(), App::answering(200, "from the upstream"));
    let mut command = Command::new(example("pingora"));
    command.arg(format!("127.0.0.1:{port}")).arg(format!("127.0.0.1:{}", app.port));
    let _proxy = Program::start(command.current_dir(root()).stdout(Stdio::null()));
    let mut client = Client::new(connect(port));
    assert_eq!(client.send(&post("/other", "x")).text(), "from the upstream");
    let reply = client.send(&post("/callbacks/tencent", &push()));
    assert_eq!((reply.status, reply.text().as_str()), (401, "refused\n"), "another key");
    // Its config's app is not running here, so the failure policy answers.
    let mut client = Client::new(connect(port));
    let reply = client.send(&post("/callbacks/kollus/try-me", PLAY));
    assert_eq!(reply.text(), r#"{"data":{"result":0}}"#);
}
