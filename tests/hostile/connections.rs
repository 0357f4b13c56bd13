//! Several requests on one connection, incomplete requests, and upgrades.

use super::{CHUNKED, Case, EVENT, LENGTH, case, post, request};

const REFUSED: &str = "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
const RESERVED: &str = "POST /live/push HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
const OTHER: &str = "GET /other HTTP/1.1\r\nhost: x\r\n\r\n";
const HEAD: &str = "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: {len}\r\n";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = pipelines();
    cases.extend(nested());
    cases.extend(half_closed());
    cases.extend(broken_off());
    cases.extend(upgrades());
    cases.extend(tunnels());
    cases.extend(expectations());
    cases
}

// RFC 9112, section 9.3.2: pipelining. Each request must get its own reply.
fn pipelines() -> Vec<Case> {
    let at_once = |name: &str, first: &str, second: &str| {
        case(format!("{name}, at once"), format!("{first}{second}"))
    };
    let pushed = |case: Case| case.gets(&[200]).app_sees(&[EVENT]);
    let passed = |case: Case| case.gets(&[200]).app_sees(&["GET /other"]);
    let (genuine, other) = ("{genuine}", "GET /other");
    vec![
        pushed(at_once("two genuine pushes", genuine, genuine))
            .gets(&[200, 200])
            .kept()
            .app_sees(&[EVENT, EVENT]),
        pushed(at_once("a genuine push and a refused push", genuine, REFUSED))
            .gets(&[200, 401])
            .kept(),
        at_once("a refused push and a genuine push", REFUSED, genuine)
            .gets(&[401, 200])
            .kept()
            .app_sees(&[EVENT]),
        pushed(at_once("a push and a request for another path", genuine, OTHER))
            .gets(&[200, 200])
            .kept()
            .app_sees(&[EVENT, other]),
        at_once("a request for another path and a push", OTHER, genuine)
            .gets(&[200, 200])
            .kept()
            .app_sees(&[other, EVENT]),
        passed(at_once("a request for another path and a refused push", OTHER, REFUSED))
            .gets(&[200, 401])
            .kept(),
        passed(at_once(
            "requests for another path and for the address of an event",
            OTHER,
            RESERVED,
        ))
        .gets(&[200, 403])
        .kept(),
        pushed(at_once("a genuine push and garbage", genuine, "\0\0\0")).gets(&[200, 400]),
        pushed(at_once(
            "a push with connection: close, and a second push",
            &format!("{HEAD}connection: close\r\n\r\n{{push}}"),
            genuine,
        )),
        pushed(at_once("fifty pushes", &genuine.repeat(49), genuine))
            .gets(&[200; 50])
            .kept()
            .app_sees(&[EVENT; 50]),
    ]
}

/// Returns cases of requests inside the bodies of other requests.
fn nested() -> Vec<Case> {
    let length = format!("content-length: {}\r\n", REFUSED.len());
    let other = "POST /other HTTP/1.1";
    vec![
        request("a push in the body of a request for another path", other, &length, REFUSED)
            .passed("POST /other"),
        request("a push in the chunks of a request for another path", other, CHUNKED, "{chunks}")
            .passed("POST /other"),
        post("a push in the body of a refused push", &length, REFUSED).kept(),
    ]
}

// The client closes its side of the connection, and waits for the reply.
fn half_closed() -> Vec<Case> {
    let all = |name: &str, bytes: &str| case(format!("half-closed {name}"), bytes).waits();
    // If the client closes its side of the connection, hyper drops the pending call of the service.
    let served = |case: Case| case.gets(&[200]).app_sees(&[EVENT]).race_in_hyper();
    vec![
        served(all("after a genuine push", "{genuine}")),
        served(post("half-closed after a genuine push in chunks", CHUNKED, "{chunks}").waits()),
        all("after two genuine pushes", "{genuine}{genuine}")
            .gets(&[200, 200])
            .app_sees(&[EVENT, EVENT])
            .race_in_hyper(),
        all("after a refused push", REFUSED).gets(&[401]).race_in_hyper(),
        all("before the body", &format!("{HEAD}\r\n")),
        all("in the body", &format!("{HEAD}\r\n{{")),
        all("after a 100 reply", &format!("{HEAD}expect: 100-continue\r\n\r\n")).gets(&[100, 400]),
    ]
}

// The client closes its side before the end of the request.
fn broken_off() -> Vec<Case> {
    let half = |name: &str, bytes: &str| case(name, bytes).gets(&[]).waits();
    vec![
        half("no byte", ""),
        half("one byte", "P"),
        half("half a method", "POS"),
        half("half a target", "POST /callb"),
        half("half a head", HEAD),
        half("a head without its last byte", &format!("{HEAD}\r")),
        half("only an empty line", "\r\n"),
        half("half a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n")
            .with_hyper(|case| case.gets(&[400])),
        half("an invalid preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").gets(&[400]),
    ]
}

const WEBSOCKET: &str = "upgrade: websocket\r\nconnection: upgrade\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n";
const H2C: &str = "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\n\
                   http2-settings: AAMAAABkAAQAAP__\r\n";

// gatepost does not upgrade a connection for a request on a callback path.
fn upgrades() -> Vec<Case> {
    let push = |name: &str, lines: &str| post(name, &format!("{LENGTH}{lines}"), "{push}");
    let get = |path: &str| {
        let line = format!("GET {path} HTTP/1.1");
        request(format!("an upgrade on {path}"), &line, WEBSOCKET, "")
    };
    vec![
        push("an upgrade to a websocket", WEBSOCKET),
        push("an upgrade to h2c", H2C).served(),
        push("an upgrade that the connection header does not name", "upgrade: websocket\r\n"),
        push("connection: upgrade alone", "connection: upgrade\r\n").served(),
        push("connection: keep-alive, Upgrade", "connection: keep-alive, Upgrade\r\n").served(),
        push("an empty upgrade", "upgrade:\r\n").served(),
        push("an upgrade to an unknown protocol", "upgrade: x\r\nconnection: upgrade\r\n"),
        post("an upgrade followed by a request", WEBSOCKET, "{genuine}"),
        get("/callbacks/tencent"),
        get("/live/push").gets(&[403]).kept(),
        get("/callbacks//tencent").kept(),
    ]
}

// gatepost must not pass on an upgrade to h2c: after the upgrade, the app can read the rest of the
// connection as HTTP/2, and gatepost does not check the requests in it.
fn tunnels() -> Vec<Case> {
    let settings = "http2-settings: AAMAAABkAAQAAP__\r\n";
    let through = |lines: &str| {
        let name = format!("{lines:?} on another path");
        request(name, "GET /other HTTP/1.1", lines, "").passed("GET /other")
    };
    vec![
        through(H2C),
        through(&format!("Upgrade: H2C\r\nConnection: Upgrade\r\n{settings}")),
        through(&format!("upgrade: websocket, h2c\r\nconnection: upgrade\r\n{settings}")),
        through(&format!(
            "upgrade: websocket\r\nupgrade: h2c\r\nconnection: upgrade\r\n{settings}"
        )),
        through(&format!("upgrade: h2c/14\r\nconnection: upgrade\r\n{settings}")),
        through(settings),
    ]
}

// RFC 9110, section 10.1.1.
fn expectations() -> Vec<Case> {
    let expect = |value: &str| {
        let lines = format!("{LENGTH}expect: {value}\r\n");
        post(format!("expect: {value:?}, and the body at once"), &lines, "{push}")
    };
    let told = |case: Case| case.gets(&[100, 200]).app_sees(&[EVENT]).with_hyper(Case::kept);
    let word = "expect: 100-continue\r\n";
    let before = |name: &str, lines: &str, body: &str| post(name, &format!("{lines}{word}"), body);
    let both = format!("content-length: 5\r\n{CHUNKED}");
    vec![
        told(expect("100-continue")),
        told(expect("100-Continue")),
        told(expect("100-continue\r\nexpect: 100-continue")),
        expect("101-continue").served(),
        expect("").served(),
        request(
            "an expectation on HTTP/1.0",
            "POST /callbacks/tencent HTTP/1.0",
            &format!("{LENGTH}{word}"),
            "{push}",
        )
        .served_last(),
        request(
            "an expectation, and a request instead of the body",
            "POST /callbacks/kollus/guess HTTP/1.1",
            &format!("content-length: 300\r\n{word}"),
            "",
        )
        .gets(&[401]),
        before("an expectation, and no body", "content-length: 0\r\n", "")
            .gets(&[100, 400])
            .with_hyper(|case| case.gets(&[400]).kept()),
        before("an expectation with a length and chunks", &both, "0\r\n\r\n{genuine}")
            .with_hyper(|case| case.gets(&[100, 400])),
        before("an expectation with a length over the limit", "content-length: 9999999\r\n", "")
            .gets(&[413]),
    ]
}
