//! Tests that event handlers of real servers behind gatepost receive only the events that gatepost
//! sends.
//!
//! Each test starts a server. The handlers of its app record the headers `x-probe` (the name of the
//! test request) and `ce-type` of each request. The test first sends control requests directly to
//! the server. These requests show that requests with unusual paths, hosts, headers, methods and
//! body lengths reach the handlers. Then the test sends every request of
//! `tests/upstreams/spellings.txt` through gatepost over HTTP/1.1, and each request that HTTP/2
//! can express also over HTTP/2.

mod desync;
mod queries;
pub mod servers;
mod spellings;
mod wire;

use self::servers::Server;
use self::spellings::{SMUGGLED, Spelling, bytes, spellings};
use self::wire::{QUIET, send_http_1, send_http_2};
use crate::support::*;

/// Paths of the handlers: an event path, then the callback paths.
const PATHS: [&str; 3] = ["/live/push", CALLBACKS[0], CALLBACKS[1]];
const CALLBACKS: [&str; 2] = ["/callbacks/tencent", "/hooks/tencent"];

/// Paths of an app behind gatepost.
struct App {
    /// Path to which gatepost sends the events of the callback path that is not `own`.
    address: &'static str,
    /// Callback path whose events gatepost sends to the same path.
    own: &'static str,
    /// Path that is neither a callback path nor an address of events.
    page: &'static str,
}

const ROUTER: App = App { address: "/live/push", own: "/hooks/tencent", page: "/posts/7" };

/// Starts gatepost in front of `server`.
fn serve(server: &Server, app: &App) -> Gatepost {
    let App { address, own, .. } = app;
    let upstream = format!("http://127.0.0.1:{}", server.port);
    let template = "provider = 'tencent-css'\nkeys = [{ env = 'TENCENT_KEY' }]";
    let routes = CALLBACKS.map(|path| {
        let name = if path == *own { "own" } else { "elsewhere" };
        format!("[[route]]\npath = '{path}'\nprovider = 'tencent-css'\ntemplate = '{name}'\n")
    });
    Gatepost::serve_config(&format!(
        "upstream = '{upstream}'\n{}[[template]]\nname = 'own'\n{template}\n\
         [[template]]\nname = 'elsewhere'\n{template}\non.push = '{upstream}{address}'\n",
        routes.concat()
    ))
}

/// Sends control requests directly to the server. Each request must reach a handler.
fn check_controls(server: &Server, controls: &[(&str, &str)]) {
    for (index, (family, request)) in controls.iter().enumerate() {
        let probe = format!("control-{index}");
        let (line, lines) = request.split_once(" | ").unwrap_or((request, "host: gate.test"));
        let lines = lines.replace(" | ", "\r\n");
        let request = format!(
            "{line} HTTP/1.1\r\n{lines}\r\nx-probe: {probe}\r\ncontent-length: 2\r\n\
             connection: close\r\n\r\n{{}}"
        );
        let reply = send_http_1(server.port, &bytes(&request), PATIENCE);
        assert!(
            server.handled().contains(&(probe, "-".into())),
            "expected the {family} control {request:?} to reach a handler, found {:?}\n{}",
            String::from_utf8_lossy(&reply),
            server.log(),
        );
    }
}

/// Sends a request directly to the server. `line` is the request's line in the section `[lengths]`
/// of the table. The server must read a second request from the body.
fn check_length_control(server: &Server, line: &str) {
    let table = spellings(PATHS[0]);
    let spelling = table
        .iter()
        .find(|spelling| spelling.name == line)
        .expect("expected a known line, found another line");
    send_http_1(server.port, &spelling.http_1("control"), QUIET);
    let smuggled = (SMUGGLED.to_owned(), SMUGGLED.to_owned());
    let handled = server.handled();
    assert!(handled.contains(&smuggled), "{line}: expected a smuggled request, found {handled:?}");
}

/// Sends every request of the table through gatepost. No handler may receive any of these requests.
fn check_gate(server: &Server, app: &App) {
    let gate = serve(server, app);
    let before = server.handled().len();
    let mut sent = Vec::new();
    for path in PATHS {
        let table = spellings(path);
        let http_2 = table.iter().filter(|spelling| spelling.is_for_http_2).count();
        assert!(
            table.len() >= 380 && http_2 >= 350,
            "{path}: expected at least 380 requests and 350 for HTTP/2, found {} and {http_2}",
            table.len()
        );
        for spelling in &table {
            let probe = format!("p{}", sent.len());
            send_http_1(gate.port, &spelling.http_1(&probe), QUIET);
            if spelling.is_for_http_2 {
                send_http_2(gate.port, spelling, &format!("{probe}-h2"));
            }
            sent.push(format!("{path}: {}", spelling.name));
        }
    }
    check_handled(server, before, &sent);
    check_open(server, &gate, app.page);
}

/// Panics if the handlers have received a request after the first `before` requests. The message
/// lists the later requests.
fn check_handled(server: &Server, before: usize, sent: &[String]) {
    let name = |probe: &str| {
        let index =
            probe.strip_prefix('p').and_then(|p| p.split('-').next()?.parse::<usize>().ok());
        index.map_or(probe.to_owned(), |index| format!("{probe}: {:?}", sent[index]))
    };
    let handled = server.handled().split_off(before);
    let handled: Vec<_> =
        handled.iter().map(|(probe, kind)| format!("{} {kind}", name(probe))).collect();
    assert!(handled.is_empty(), "expected no request in a handler, found\n{}", handled.join("\n"));
}

/// Checks that events of genuine callbacks and requests for other paths still reach the app.
fn check_open(server: &Server, gate: &Gatepost, page: &str) {
    let before = server.handled().len();
    for path in CALLBACKS {
        let reply = gate.send(&post(path, &push()));
        assert_eq!(reply.status, 200, "{path}: {}", server.log());
        // This callback has another `sequence`, so it is not a resend of the first callback.
        let body = push().replace("2210464508206756938", "2210464508206756939");
        send_http_2(gate.port, &Spelling::genuine(path, body), "genuine");
    }
    let genuine = ("-".to_owned(), "com.tencentcloud.css.push".to_owned());
    assert_eq!(server.handled().split_off(before), vec![genuine; 2 * CALLBACKS.len()]);
    let reply = gate.send(format!("GET {page} HTTP/1.1\r\nhost: gate.test\r\n\r\n").as_bytes());
    assert_eq!(reply.status, 200, "{page}");
}

const PATH: &str = "path";
const HOST: &str = "host";
const HEADER: &str = "header";
const METHOD: &str = "method";

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_php_files() {
    let server = Server::php_files("apps/files");
    let controls = [
        (PATH, "POST /live/push/x"),
        (PATH, "POST /live/push/index.php/x"),
        (PATH, "POST /callbacks/tencent.php"),
        (PATH, "POST /hooks/tencent/"),
        (METHOD, "PUT /live/push/"),
    ];
    check_controls(&server, &controls);
    check_gate(&server, &App { page: "/other.txt", ..ROUTER });
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_php_router_script() {
    let server = Server::php_router("apps/router.php");
    let controls = [(PATH, "POST /live/push?x"), (HOST, "POST / | host: x/live/push?")];
    check_controls(&server, &controls);
    check_gate(&server, &ROUTER);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_php_fpm_files_behind_nginx() {
    let server = Server::nginx("apps/files", "$uri $uri/ @script");
    let controls = [
        (PATH, "POST /live/push/"),
        (PATH, "POST /live/push/index.php/x"),
        (PATH, "POST /live//%70ush/./"),
        (PATH, "POST /callbacks/tencent"),
        (METHOD, "DELETE /hooks/tencent/index.php"),
    ];
    check_controls(&server, &controls);
    // If the path of a folder lacks the final slash, nginx redirects the client.
    let app = App { address: "/live/push/", own: "/callbacks/tencent", page: "/other.txt" };
    check_gate(&server, &app);
}

// nginx runs one script for every path without a file, as for a Laravel or Symfony app.
#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_front_controller_behind_nginx() {
    let server = Server::nginx("apps/front/public", "$uri $uri/ /index.php?$query_string");
    let controls = [
        (PATH, "POST /live/push/"),
        (PATH, "POST /index.php/live/push"),
        (PATH, "POST /live/%70ush"),
    ];
    check_controls(&server, &controls);
    check_gate(&server, &ROUTER);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_node() {
    let server = Server::node("apps/node.mjs");
    let controls = [
        (PATH, "POST /x/../live/push"),
        (PATH, "POST /live/x/%2e%2e/push"),
        (PATH, "POST /live\\push"),
        (HOST, "POST / | host: x/live/push?"),
        (METHOD, "PATCH /live/push"),
    ];
    check_controls(&server, &controls);
    check_gate(&server, &ROUTER);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_express() {
    let server = Server::node("apps/express.cjs");
    let controls = [(PATH, "POST /LIVE/push/"), (METHOD, "PUT /callbacks/tencent")];
    check_controls(&server, &controls);
    check_gate(&server, &ROUTER);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_gunicorn() {
    let server = Server::gunicorn("apps/flask_app:app");
    let controls = [
        (PATH, "POST /live/%70ush"),
        (HEADER, "POST /x/live/push | host: gate.test | SCRIPT_NAME: /x"),
        (METHOD, "PUT /hooks/tencent/"),
    ];
    check_controls(&server, &controls);
    check_gate(&server, &ROUTER);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_daphne() {
    let server = Server::daphne("apps/asgi_app:app");
    let controls = [
        (PATH, "POST /live/%70ush"),
        (HEADER, "POST /x/live/push | host: gate.test | Daphne-Root-Path: /x"),
    ];
    check_controls(&server, &controls);
    check_length_control(&server, "Transfer-Encoding: chunked | Transfer-Encoding: identity");
    check_gate(&server, &ROUTER);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_uvicorn() {
    let server = Server::uvicorn("apps/asgi_app:app");
    check_controls(&server, &[(PATH, "POST /live%2fpush"), (METHOD, "PUT /live/push/")]);
    check_length_control(&server, "Content-Length: {length} | Transfer-Encoding: chunked");
    check_gate(&server, &ROUTER);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_puma() {
    let server = Server::puma("apps/config.ru");
    let override_line = "POST /live/push | host: gate.test | X-Http-Method-Override: PUT";
    let controls = [(PATH, "POST //live//%70ush/"), (METHOD, override_line)];
    check_controls(&server, &controls);
    check_length_control(&server, "Transfer-Encoding: chunked | Content-Length: {length}");
    check_gate(&server, &ROUTER);
}
