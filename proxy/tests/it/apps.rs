//! Tests of the example apps with their real interpreters, and of the Pingora example.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Serves the config of an example on free ports. `app` is the port of the example app.
fn serve_example(name: &str, app: u16) -> Gatepost {
    let path = root().join("examples").join(name).join("gatepost.toml");
    let config = std::fs::read_to_string(path).unwrap();
    let config = config
        .replace("listen   = [\"127.0.0.1:8080\"]\n", "")
        .replace("127.0.0.1:3000", &format!("127.0.0.1:{app}"))
        .replace("KOLLUS_PATH_TOKEN", "KOLLUS_TOKEN");
    Gatepost::serve_config(&config)
}

/// Checks an example app. The app accepts a genuine push, gets no byte of a forged push, and allows
/// one of two viewers to play. While the test suspends the app, and after it kills the app,
/// gatepost applies the failure policy.
///
/// `connected` is the text that the app logs for each connection. `connections` is the expected
/// number of log lines with this text.
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
    // The app received the events of the three genuine callbacks. gatepost opened no connection for
    // the forged push.
    app.wait_for_lines("com.kollus.live_play", 2);
    let seen = app.log();
    assert_eq!(seen.matches("com.tencentcloud.css.push").count(), 1, "{seen}");
    assert_eq!(seen.matches(connected).count(), connections, "{seen}");

    // The app must not treat a request for another path as an event, even with event headers.
    for name in ["ce-type", "Ce_Type", "ce.type"] {
        let forged = format!("{name}: com.kollus.live_play\r\n");
        let reply = gate.send(&post_with("/other", &forged, r#"{"client_user_id":"user01"}"#));
        assert_eq!(reply.status, 200, "{name}");
        assert!(
            reply.text().is_empty() || reply.text() == "hello\n",
            "{name}: expected an empty body or hello, found {reply:?}"
        );
        assert_eq!(gate.send(&post_with("/live/push", &forged, "{}")).text(), "refused\n");
    }

    assert_eq!(app.log().matches("com.kollus.live_play").count(), 2, "{}", app.log());

    // A suspended process keeps its port open and does not answer.
    app.signal("STOP");
    // The config of the example sets `timeout_ms = 1500` for plays.
    assert_eq!(within(Duration::from_millis(1550), || gate.send(&play())).text(), FAILED);
    // A killed process closes its port.
    app.signal("KILL");
    app.wait();
    assert_eq!(gate.send(&play()).text(), FAILED);
    assert_eq!(gate.send(&pushed()).status, 503);
}

#[test]
fn php_app_receives_only_events_of_genuine_callbacks() {
    let port = free_port();
    let mut command = Command::new("php");
    command.arg("-S").arg(format!("127.0.0.1:{port}")).arg("examples/php/index.php");
    let app = Program::start(command.current_dir(root()));
    let gate = serve_example("php", port);
    assert_app(app, port, &gate, (" Accepted", 4));
}

#[test]
fn node_app_receives_only_events_of_genuine_callbacks() {
    let port = free_port();
    let mut command = Command::new("sh");
    // `console.log` writes to standard output; the test reads standard error.
    command.arg("-c").arg(format!("exec node examples/node/server.mjs {port} 1>&2"));
    let app = Program::start(command.current_dir(root()));
    let gate = serve_example("node", port);
    // The Node app logs no connections.
    assert_app(app, port, &gate, (" Accepted", 0));
}

/// Returns the path of an example that cargo builds with the tests.
fn example(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().unwrap().parent().unwrap().join("examples").join(name)
}

#[test]
fn pingora_example_checks_callbacks_and_passes_other_requests_on() {
    let (port, app) = (free_port(), App::answering(200, "from the upstream"));
    let mut command = Command::new(example("pingora"));
    command.arg(format!("127.0.0.1:{port}")).arg(format!("127.0.0.1:{}", app.port));
    let mut proxy = Program::start(command.current_dir(root()).stdout(Stdio::null()));
    let mut client = Client::new(connect(port));
    assert_eq!(client.send(&post("/other", "x")).text(), "from the upstream");
    let reply = client.send(&post("/callbacks/tencent", &push()));
    // The key in the config of the example is not the key that signed this push.
    assert_eq!((reply.status, reply.text().as_str()), (401, "refused\n"));
    // The app in the example's config does not run, so gatepost applies the failure policy.
    let mut client = Client::new(connect(port));
    let reply = client.send(&post("/callbacks/kollus/try-me", PLAY));
    assert_eq!(reply.text(), r#"{"data":{"result":0}}"#);

    let started = Instant::now();
    proxy.signal("TERM");
    assert_eq!(proxy.wait(), Some(0));
    let took = started.elapsed();
    assert!(took < Duration::from_secs(30), "expected a stop within 30 s, found {took:?}");
}

/// Checks that one app serves four platforms. With `forward = 'common'`, their events have the same
/// form.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of requests")]
fn one_php_app_decides_for_four_platforms() {
    let port = free_port();
    let mut command = Command::new("php");
    command.arg("-S").arg(format!("127.0.0.1:{port}")).arg("examples/php/streams.php");
    let app = Program::start(command.current_dir(root()));
    drop(connect(port));
    let mut config = String::new();
    for provider in ["srs", "mediamtx", "nginx-rtmp", "ovenmediaengine"] {
        config += &format!(
            "[[route]]\npath = '/{provider}'\nprovider = '{provider}'\n\
             [[template]]\nname = '{provider}'\nprovider = '{provider}'\nbind = ['*']\n\
             insecure_unsigned = true\n[template.on]\n\
             '*' = {{ url = 'http://127.0.0.1:{port}/streams', forward = 'common' }}\n"
        );
    }
    let gate = Gatepost::serve_config(&config);
    let srs = |action: &str, stream: &str| {
        post(
            "/srs",
            &format!(
                r#"{{"action":"{action}","ip":"203.0.113.10","vhost":"v","app":"live","stream":"{stream}"}}"#
            ),
        )
    };
    let mediamtx = |action: &str, stream: &str| {
        post(
            "/mediamtx",
            &format!(r#"{{"action":"{action}","ip":"203.0.113.10","path":"{stream}","id":"1"}}"#),
        )
    };
    let nginx = |call: &str, stream: &str| {
        post(
            "/nginx-rtmp",
            &format!("call={call}&app=live&addr=203.0.113.10&clientid=17&name={stream}"),
        )
    };
    let ome = |direction: &str, stream: &str| {
        let url = format!("rtmp://ome.example.com/live/{stream}?token=abc");
        post(
            "/ovenmediaengine",
            &format!(
                r#"{{"client":{{"address":"203.0.113.10"}},"request":{{"direction":"{direction}","status":"opening","url":"{url}"}}}}"#
            ),
        )
    };
    for (allowed, denied, yes, no) in [
        (
            srs("on_publish", "open"),
            srs("on_publish", "closed"),
            (200, r#"{"code":0}"#),
            (200, r#"{"code":1}"#),
        ),
        (mediamtx("publish", "open"), mediamtx("read", "closed"), (200, ""), (401, "")),
        (nginx("publish", "open"), nginx("play", "closed"), (200, ""), (403, "")),
        (
            ome("incoming", "open"),
            ome("outgoing", "closed"),
            (200, r#"{"allowed":true}"#),
            (200, r#"{"allowed":false}"#),
        ),
    ] {
        for (request, (status, body)) in [(allowed, yes), (denied, no)] {
            let reply = gate.send(&request);
            assert_eq!((reply.status, &*reply.text()), (status, body));
        }
    }
    assert_eq!(gate.send(&nginx("publish_done", "open")).status, 200);
    app.wait_for_lines("com.gatepost.stream.", 9);
    let log = app.log();
    for line in [
        "com.gatepost.stream.publish_requested /srs/v open",
        "com.gatepost.stream.publish_requested /mediamtx open",
        "com.gatepost.stream.play_requested /mediamtx closed",
        "com.gatepost.stream.play_requested /nginx-rtmp closed",
        "com.gatepost.stream.publish_requested /ovenmediaengine open",
        "com.gatepost.stream.play_requested /ovenmediaengine closed",
        "com.gatepost.stream.ended /nginx-rtmp open",
    ] {
        assert!(log.contains(line), "expected {line}, found {log}");
    }
}
