//! Tests of the rules of RFC 9110 and RFC 9112 for the requests and responses that gatepost passes
//! on. Client and upstream write raw bytes.

mod connections;
mod framing;
mod intermediary_headers;
mod old_clients;

use crate::support::{Act, App, Gatepost, templates};

fn serve(app: &App) -> Gatepost {
    serve_with(app, "")
}

fn serve_with(app: &App, top: &str) -> Gatepost {
    Gatepost::serve(&format!("upstream = '{}'\n{top}", app.url("")), &templates(app))
}

/// Returns an app that responds to every request with these bytes.
fn replying(bytes: &'static str) -> App {
    App::start(move |_| Act::Raw(bytes.into()))
}

/// Sends these bytes. Returns everything that gatepost sends until it closes the connection.
fn exchange(gate: &Gatepost, bytes: &str) -> String {
    let mut client = gate.connect();
    client.write(bytes.as_bytes());
    client.rest()
}

const OLD_GET: &str = "GET /other HTTP/1.0\r\nhost: gate.test\r\n\r\n";

const LAST_GET: &str = "GET /other HTTP/1.1\r\nhost: gate.test\r\nconnection: close\r\n\r\n";

const GET: &str = "GET /other HTTP/1.1\r\nhost: gate.test\r\n\r\n";

/// Sends an HTTP/2 request with these additional curl arguments. Returns the head and the body of
/// the response.
fn curl_http2(gate: &Gatepost, arguments: &[&str]) -> String {
    let output = std::process::Command::new("curl")
        .args(["-si", "--http2-prior-knowledge", "-m", "20"])
        .args(arguments)
        .arg(format!("http://127.0.0.1:{}/other", gate.port))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn chunked(body: &str) -> String {
    format!("POST /other HTTP/1.1\r\nhost: gate.test\r\ntransfer-encoding: chunked\r\n\r\n{body}")
}
