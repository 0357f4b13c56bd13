//! Tests of the examples. curl and a gRPC client send requests to the example servers.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// A running example server. The first line that the server prints contains the server's address.
struct Example {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
}

impl Example {
    fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// Starts an example with arguments after the address.
    fn start_with(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary(name))
            .arg("127.0.0.1:0")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("expected the example {name}, found {error}; build the examples first")
            });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, stdout, address }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn curl(&self, path: &str, data: &str) -> String {
        let url = format!("http://{}{path}", self.address);
        let output =
            Command::new("curl").args(["-s", "-w", " %{http_code}", "-d", data, &url]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // `kill` fails only if the example has already ended.
        let _ignored = self.child.kill();
        let _ignored = self.child.wait();
    }
}

/// Returns the path of an example's program. cargo builds the examples together with the tests.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}

fn push(key: &str) -> String {
    let t = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600;
    let digest = Md5::digest(format!("{key}{t}").as_bytes());
    let sign: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        r#"{{"app":"push.example.com","appname":"live","channel_id":"s","event_time":1703731478,
        "event_type":1,"node":"10.0.0.1","sequence":"1","stream_id":"s","stream_param":"",
        "user_ip":"10.0.0.2","t":{t},"sign":"{sign}"}}"#
    )
}

const PLAY: &str = "kind=100&client_user_id=user01&media_content_key=m&channel_key=c";

fn assert_callbacks(example: &Example) {
    let reply = example.curl("/callbacks/kollus/try-me", &PLAY.replace("user01", "user02"));
    assert_eq!(reply, r#"{"data":{"result":0,"message":"Please buy a ticket"}} 200"#);
    assert_eq!(example.curl("/callbacks/kollus/guess", PLAY), "refused\n 401");
    assert_eq!(example.curl("/callbacks/tencent", &push("test")), r#"{"code":0} 200"#);
    assert_eq!(example.curl("/callbacks/tencent", &push("tset")), "refused\n 401");
    assert_eq!(example.curl("/callbacks//tencent", &push("test")), "refused\n 400");
    assert_eq!(example.curl("/live/push", "{}"), "refused\n 403");
}

#[cfg(feature = "axum")]
#[test]
fn axum_example_serves_callbacks() {
    let mut example = Example::start("axum");
    assert_callbacks(&example);
    assert_eq!(example.line(), "s is live on push.example.com");
    let reply = example.curl("/callbacks/kollus/try-me", PLAY);
    assert_eq!(reply, r#"{"data":{"result":1,"disable_tvout":1}} 200"#);
    let url = format!("http://{}/", example.address);
    let output = Command::new("curl").args(["-s", &url]).output().unwrap();
    assert_eq!(output.stdout, b"hello");
}

#[cfg(feature = "axum")]
#[test]
fn reload_example_serves_changed_config_and_keeps_it_after_a_faulty_change() {
    let config = |path: &str| {
        format!(
            "[[route]]\npath = '{path}'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
             provider = 'kollus'\nbind = '*'\n"
        )
    };
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, config("/first")).unwrap();
    let mut example = Example::start_with("reload", &[path.to_str().unwrap()]);
    let allowed = r#"{"data":{"result":1}} 200"#;
    assert_eq!(example.curl("/first", PLAY), allowed);
    std::fs::write(&path, config("/second")).unwrap();
    assert_eq!(example.line(), "reloaded the config");
    assert_eq!(example.curl("/second", PLAY), allowed);
    assert_eq!(example.curl("/first", PLAY), r#"{"allow":true} 200"#);
    std::fs::write(&path, "colour = 1").unwrap();
    let line = example.line();
    let expected = "kept the earlier config";
    assert!(line.starts_with(expected), "expected {expected}, found {line}");
    assert_eq!(example.curl("/second", PLAY), allowed);
}

#[tokio::test]
async fn tonic_example_serves_callbacks_grpc_and_grpc_web() {
    let mut example = Example::start("tonic");
    assert_callbacks(&example);
    assert_eq!(example.line(), "com.tencentcloud.css.push");
    let reply = example.curl("/callbacks/kollus/try-me", PLAY);
    assert_eq!(reply, r#"{"data":{"result":1}} 200"#);
    // The same port accepts gRPC requests over HTTP/2, which the layer passes to the service.
    let endpoint = Endpoint::from_shared(format!("http://{}", example.address)).unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let health = client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(health.into_inner().status, 1);
    assert_eq!(grpc_web_status(&example), "0");
}

/// Asks for the server's health with a gRPC-Web request over HTTP/1. Returns the gRPC status.
fn grpc_web_status(example: &Example) -> String {
    use std::io::Write as _;

    let url = format!("http://{}/grpc.health.v1.Health/Check", example.address);
    let mut curl = Command::new("curl")
        .args(["-s", "--http1.1", "-H", "content-type: application/grpc-web+proto"])
        .args(["--data-binary", "@-", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // An empty message: no compression, and a length of 0.
    curl.stdin.take().unwrap().write_all(&[0; 5]).unwrap();
    let output = curl.wait_with_output().unwrap().stdout;
    let text = String::from_utf8_lossy(&output);
    let status = text.lines().find_map(|line| line.split_once("grpc-status:")).unwrap().1;
    status.trim().to_owned()
}

#[test]
fn sans_io_example_prints_event_question_and_reply() {
    let output = Command::new(binary("sans_io")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected = "event  {\"kind\":100,\"client_user_id\":\"user01\",\"media_content_key\":\"m\",\
                    \"channel_key\":\"c\"}\n\
                    ask    http://127.0.0.1:3000/kollus/play within 2s\n\
                    reply  {\"data\":{\"result\":1}}\n";
    assert_eq!(printed, expected);
}
