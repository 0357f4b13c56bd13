//! Tests of a front controller that selects a handler by the query. The handler of callbacks
//! receives only callbacks that gatepost has verified.

use super::servers::Server;
use super::spellings::{Spelling, bytes};
use super::wire::{QUIET, send_http_1, send_http_2};
use crate::support::*;

const ROUTE: &str = "/index.php?c=callback";

/// Paths for which the servers of these tests run `index.php`, and paths that gatepost may
/// confuse with the path of the route.
const PATHS: [&str; 12] = [
    "/index.php",
    "/index.php/",
    "/index.php/x",
    "/",
    "//",
    "/./index.php",
    "/%69ndex.php",
    "/x/../index.php",
    "/index.php%2f",
    "/INDEX.php",
    "/x",
    "http://gate.test/index.php",
];

/// Targets in which a server may read a part of the path or of the fragment as a query.
const IN_PATH: [&str; 9] = [
    "/index.php%3fc=callback",
    "/index.php%3Fc=callback?x=1",
    "/index.php%253fc=callback",
    "/index.php;c=callback",
    "/index.php&c=callback",
    "/x%26c=callback",
    "/x&c=callback",
    "/index.php#?c=callback",
    "/index.php?x=1#&c=callback",
];

/// Targets that select another page. gatepost passes on requests for these targets.
const OPEN: [&str; 8] = [
    "/index.php?c=home",
    "/index.php",
    "/",
    "/?c=callbacks",
    "/index.php?x=callback&y=c",
    "/index.php?cc=callback",
    "/index.php/c/callback?x=1",
    "/blog/c=callback?p=7",
];

fn queries() -> impl Iterator<Item = &'static str> {
    let table = include_str!("../../../../tests/upstreams/queries.txt");
    table.lines().filter(|line| !line.starts_with("# "))
}

fn serve(server: &Server) -> Gatepost {
    Gatepost::serve_config(&format!(
        "upstream = 'http://127.0.0.1:{}'\n\
         [[route]]\npath = '/index.php'\nquery = {{ c = 'callback' }}\nprovider = 'tencent-css'\n\
         forward = 'passthrough'\n\
         [[template]]\nname = 'own'\nprovider = 'tencent-css'\nkeys = [{{ env = 'TENCENT_KEY' }}]\n\
         bind = ['*']\non.'*' = {{ forward = 'passthrough', ce_headers = true }}\n",
        server.port
    ))
}

fn unsigned(target: &str) -> Spelling {
    Spelling::genuine(target, "{}".into())
}

fn check(server: &Server, least_controls: usize) {
    for (number, query) in queries().enumerate() {
        let request = unsigned(&format!("/index.php?{query}")).http_1(&format!("control-{number}"));
        send_http_1(server.port, &request, PATIENCE);
    }
    let controls = server.handled().len();
    assert!(
        controls >= least_controls,
        "expected at least {least_controls} controls, found {controls}"
    );

    let gate = serve(server);
    let in_query = queries().chain(["c=callback"]);
    let targets = in_query.flat_map(|query| PATHS.map(|path| format!("{path}?{query}")));
    let targets: Vec<_> = targets.chain(IN_PATH.map(ToOwned::to_owned)).collect();
    for target in &targets {
        let request = unsigned(target).http_1(target);
        let reply = send_http_1(gate.port, &request, QUIET);
        let status = String::from_utf8_lossy(&reply[..reply.len().min(12)]).into_owned();
        assert!(
            status.starts_with("HTTP/1.1 4"),
            "{target}: expected a 4xx status, found {status}"
        );
        if target.starts_with('/') && !target.contains('#') {
            send_http_2(gate.port, &unsigned(target), target);
        }
    }
    let handled = server.handled().split_off(controls);
    assert!(handled.is_empty(), "expected no request in the handler, found {handled:?}");

    for target in OPEN {
        let request = unsigned(target).http_1("open");
        let reply = String::from_utf8(send_http_1(gate.port, &request, PATIENCE)).unwrap();
        assert!(
            reply.starts_with("HTTP/1.1 200") && reply.contains("passed\n"),
            "{target}: expected the page, found {reply}"
        );
    }
    check_genuine(server, &gate, controls);
}

fn check_genuine(server: &Server, gate: &Gatepost, controls: usize) {
    for (number, target) in
        [ROUTE, "/index.php/?c=callback", "/index.php?x=%26&c=callback"].into_iter().enumerate()
    {
        let body = push().replace("2210464508206756938", &format!("221046450820675693{number}"));
        let request = Spelling::genuine(target, body).http_1("genuine");
        let reply = String::from_utf8(send_http_1(gate.port, &request, PATIENCE)).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("{\"code\":0}"), "{reply}");
    }
    let body = push().replace("2210464508206756938", "2210464508206756937");
    send_http_2(gate.port, &Spelling::genuine(ROUTE, body), "genuine");
    let genuine = ("genuine".to_owned(), "com.tencentcloud.css.push".to_owned());
    assert_eq!(server.handled().split_off(controls), vec![genuine; 4]);
    let forged =
        bytes(&format!("POST {ROUTE} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"));
    assert!(send_http_1(gate.port, &forged, QUIET).starts_with(b"HTTP/1.1 4"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_front_controller_by_query() {
    check(&Server::php_router("apps/query/index.php"), 40);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_index_script_by_query() {
    check(&Server::php_files("apps/query"), 40);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nothing_unverified_reaches_front_controller_by_query_behind_nginx() {
    check(&Server::nginx("apps/query", "$uri $uri/ /index.php?$query_string"), 40);
}
