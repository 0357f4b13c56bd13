//! Tests with a real nginx, whose RTMP module sends callbacks to gatepost, and a real ffmpeg, which
//! publishes streams.
//!
//! No package of Debian, PyPI, npm or crates.io contains the servers MediaMTX, SRS, LiveKit or
//! ZLMediaKit. The vectors of these servers (`tests/vectors`) contain the requests that the
//! documentation or the source of the server shows. The first lines of each file in
//! `src/provider/definitions` name the documentation and the source.

use std::process::Command;

use crate::mock::{Act, App};
use crate::support::{Gatepost, Program, connect, free_port};

const NGINX: &str = r"
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {}
rtmp {
  server {
    listen 127.0.0.1:PORT;
    application live {
      live on;
      notify_method post;
      on_publish      http://127.0.0.1:GATE/callbacks/nginx-rtmp/TOKEN;
      on_publish_done http://127.0.0.1:GATE/callbacks/nginx-rtmp/TOKEN;
    }
  }
}
";

const GATE: &str = r#"
[[route]]
path     = "/callbacks/nginx-rtmp/{token}"
provider = "nginx-rtmp"
token    = { file = "nginx-rtmp.token" }

[[template]]
name     = "nginx-rtmp"
provider = "nginx-rtmp"
bind     = ["*"]

[template.on]
"*" = "http://127.0.0.1:APP/events"
"#;

/// Starts an nginx that sends callbacks to gatepost. Returns nginx and its RTMP port.
fn nginx(gate: &Gatepost, token: &str) -> (Program, u16) {
    let port = free_port();
    let config = NGINX.replace("PORT", &port.to_string()).replace("TOKEN", token);
    let config = config.replace("GATE", &gate.port.to_string());
    let file = gate.folder.path().join(format!("nginx-{port}.conf"));
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("nginx");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let program = Program::start(command.arg("-p").arg(gate.folder.path()).arg("-c").arg(file));
    drop(connect(port));
    (program, port)
}

/// Publishes a stream of one second, and returns true if ffmpeg exits with 0.
fn publish(port: u16, stream: &str) -> bool {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args([
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=64x64:rate=10",
        "-t",
        "1",
    ]);
    let to = format!("rtmp://127.0.0.1:{port}/live/{stream}");
    ffmpeg.args(["-c:v", "flv1", "-f", "flv", &to]).status().unwrap().success()
}

#[test]
#[ignore = "needs nginx with its RTMP module, and ffmpeg; tests/run installs both"]
fn ffmpeg_publishes_through_nginx_only_if_the_app_allows() {
    let app = App::start(|seen| match seen.json()["name"].as_str() {
        Some("denied") => Act::Answer(200, r#"{"allow":false}"#),
        Some("broken") => Act::Answer(500, ""),
        _ => Act::Answer(200, r#"{"allow":true}"#),
    });
    let config = GATE.replace("APP", &app.port.to_string());
    let gate = Gatepost::serve_by(crate::support::gatepost(), &config, |folder| {
        std::fs::write(folder.join("nginx-rtmp.token"), "rtmp-secret-token").unwrap();
    });
    let (server, port) = nginx(&gate, "rtmp-secret-token");

    assert!(publish(port, "allowed"));
    server.wait_for_line("notify: publish_done");
    assert!(!publish(port, "denied"));
    assert!(!publish(port, "broken"));
    let name = |seen: &crate::mock::Seen| seen.json()["name"].as_str().unwrap().to_owned();
    let mut names: Vec<_> = app.seen().iter().map(name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["allowed", "broken", "denied"]);

    // If nginx sends another token, gatepost refuses the callback, and the app receives no event.
    let before = app.seen().len();
    let (_other, other_port) = nginx(&gate, "another-token");
    assert!(!publish(other_port, "allowed"));
    assert_eq!(app.seen().len(), before);
}

#[test]
#[ignore = "needs nginx with its RTMP module, and ffmpeg; tests/run installs both"]
fn ffmpeg_cannot_publish_through_nginx_while_the_app_is_down() {
    let config = GATE.replace("APP", &free_port().to_string());
    let token = |folder: &std::path::Path| {
        std::fs::write(folder.join("nginx-rtmp.token"), "rtmp-secret-token").unwrap();
    };
    let gate = Gatepost::serve_by(crate::support::gatepost(), &config, token);
    let (_server, port) = nginx(&gate, "rtmp-secret-token");
    assert!(!publish(port, "allowed"));
    gate.program.wait_for_line("app_unreachable");

    // With the key `on_failure = "allow"`, gatepost allows streams while the app is down.
    let url = "\"*\" = \"http://127.0.0.1:";
    let lenient = format!(
        "publish = {{ on_failure = \"allow\", url = \"http://127.0.0.1:{}/events\" }}",
        free_port()
    );
    let config = config.replace(url, &format!("{lenient}\n{url}"));
    let gate = Gatepost::serve_by(crate::support::gatepost(), &config, token);
    let (_server, port) = nginx(&gate, "rtmp-secret-token");
    assert!(publish(port, "allowed"));
    gate.program.wait_for_line("app_unreachable");
}
