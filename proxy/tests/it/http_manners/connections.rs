//! Tests of connections: pipelining, half-closed connections, resets and reuse (RFC 9112,
//! section 9).

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use super::{GET, LAST_GET, OLD_GET, chunked, exchange, serve, serve_with};
use crate::support::{
    Act, App, Gatepost, PATIENCE, eventually, play, post, push, pushed, templates,
};

// RFC 9110, section 7.6.1: `close` is valid in each `Connection` line and at each position.
#[test]
fn closes_connection_if_any_connection_line_says_close() {
    let app = App::answering(200, "ok");
    let gate = serve(&app);
    for lines in [
        "connection: close",
        "connection: x, Close",
        "connection: keep-alive, close",
        "connection: keep-alive\r\nconnection: close",
        "connection: x\r\nconnection: y ,\tclose , z",
    ] {
        let got = exchange(&gate, &GET.replace("\r\n\r\n", &format!("\r\n{lines}\r\n\r\n")));
        assert!(
            got.to_ascii_lowercase().contains("\nconnection: close\r\n"),
            "{lines}: expected `connection: close`, found {got}"
        );
    }
}

// RFC 9112, section 9.3.2.
#[test]
fn replies_to_pipelined_requests_in_order() {
    let app = App::start(|seen| {
        let body = seen.line.split(' ').nth(1).unwrap().to_owned();
        let length = body.len();
        Act::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into())
    });
    let gate = serve(&app);
    let post = |path: &str| String::from_utf8(post(path, "hello")).unwrap();
    let chunks = chunked("5\r\nhello\r\n0\r\nx: y\r\n\r\n");
    let websocket = GET.replace(
        "\r\n\r\n",
        "\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\r\n",
    );
    let push = String::from_utf8(pushed()).unwrap();
    for first in [GET, &post("/other"), &chunks, &websocket, &push, &GET.replace("GET", "OPTIONS")]
    {
        let mut client = gate.connect();
        let next = GET.replace("/other", "/next");
        client.write(format!("{first}{next}{}{}", post("/third"), pushed_text()).as_bytes());
        assert_eq!(client.read().status, 200, "{first:?}");
        assert_eq!(client.read().text(), "/next", "{first:?}");
        assert_eq!(client.read().text(), "/third", "{first:?}");
        assert_eq!(client.read().status, 200, "{first:?}");
    }
    // The bytes arrive one by one.
    let mut client = gate.connect();
    for byte in format!("{GET}{chunks}{GET}{}", pushed_text()).as_bytes() {
        client.write(&[*byte]);
    }
    assert!((0..4).all(|_| client.read().status == 200));
}

// gatepost closes the connection after the 502, and must announce the close by `connection: close`.
#[test]
fn announces_close_before_it_drops_pipelined_requests() {
    let app = App::down();
    let got = exchange(&serve(&app), &GET.repeat(2));
    assert!(got.starts_with("HTTP/1.1 502 "), "expected `HTTP/1.1 502` at the start, found {got}");
    assert_eq!(got.matches("HTTP/1.1").count(), 1, "{got}");
    assert!(got.to_ascii_lowercase().contains("connection: close"), "{got}");
}

fn pushed_text() -> String {
    String::from_utf8(pushed()).unwrap()
}

#[test]
fn replies_to_request_that_arrives_before_previous_reply() {
    let (say, said) = channel();
    let said = Arc::new(Mutex::new(said));
    let app = App::start(move |_| Act::WaitFor(Arc::clone(&said)));
    let gate = serve(&app);
    for first in [GET.to_owned(), chunked("5\r\nhello\r\n0\r\n\r\n")] {
        let before = app.seen().len();
        let mut client = gate.connect();
        client.write(first.as_bytes());
        app.wait_for(before + 1);
        client.write(GET.as_bytes());
        say.send(()).unwrap();
        say.send(()).unwrap();
        assert_eq!((client.read().status, client.read().status), (200, 200));
    }
}

// RFC 9112, section 9.6.
#[test]
fn replies_to_client_that_closes_its_sending_half() {
    let (say, said) = channel();
    let said = Arc::new(Mutex::new(said));
    let app = App::start(move |_| Act::WaitFor(Arc::clone(&said)));
    let templates = templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000");
    let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates);
    let chunked_push = {
        let push = push();
        let head = "POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
        format!("{head}\r\n\r\n{:x}\r\n{push}\r\n0\r\n\r\n", push.len())
    };
    let play = String::from_utf8(play()).unwrap();
    let post = String::from_utf8(post("/other", "x")).unwrap();
    for request in [GET, LAST_GET, &post, OLD_GET, &chunked("0\r\n\r\n"), &play, &chunked_push] {
        let before = app.seen().len();
        let mut client = gate.connect();
        client.write(request.as_bytes());
        client.finish();
        app.wait_for(before + 1);
        // The app answers late. gatepost must still send the reply on the half-closed connection.
        std::thread::sleep(std::time::Duration::from_millis(400));
        say.send(()).unwrap();
        let got = client.rest();
        assert!(
            got.starts_with("HTTP/1.1 200 "),
            "{request:?}: expected `HTTP/1.1 200` at the start, found {got}"
        );
    }
    gate.wait_for_in_flight(0);
}

#[test]
fn drops_request_of_client_that_resets_connection() {
    let (close, closed) = channel();
    let close = Arc::new(Mutex::new(close));
    let app = App::start(move |_| Act::TellWhenGone(Arc::clone(&close)));
    let gate = serve(&app);
    let mut client = gate.connect();
    client.write(GET.as_bytes());
    app.wait_for(1);
    client.reset();
    closed.recv_timeout(PATIENCE).unwrap();
    gate.wait_for_in_flight(0);
}

// RFC 9112, section 9.6: if gatepost closes the connection at once, a reset can discard the reply
// in the client's receive buffer.
#[test]
fn passes_early_response_of_upstream_while_client_sends() {
    let app = App::start_at_head(|_| {
        Act::RawAndHangUp(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")
    });
    let gate = serve(&app);
    for _ in 0..5 {
        let mut client = gate.connect();
        client.write(b"POST /other HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n");
        app.wait_for(1);
        client.write(&[b'x'; 200_000]);
        let got = client.read();
        assert_eq!((got.status, got.text().as_str()), (413, "large"));
    }
}

#[test]
fn closes_idle_connection_to_upstream() {
    let app = App::answering(200, "ok");
    let gate = serve_with(&app, "upstream_idle_ms = 30");
    assert_eq!(gate.send(&post("/other", "x")).status, 200);
    eventually("a closed connection to the upstream", || app.closed() == 1);
    assert_eq!(gate.send(&post("/other", "x")).status, 200);
    assert_eq!(app.seen().pop().unwrap().connection, 1);
}

#[test]
fn sends_post_on_new_connection_after_upstream_closes_connection() {
    let app = App::start(|_| Act::AnswerAndHangUp("ok"));
    let gate = serve(&app);
    let mut client = gate.connect();
    for count in 1..=100 {
        assert_eq!(client.send(&post("/other", "x")).status, 200);
        eventually("the end of the connection", || app.closed() == count);
    }
    assert_eq!(app.seen().len(), 100);
}

#[test]
fn does_not_send_post_twice() {
    let app = App::start(|seen| {
        if seen.connection == 0 && seen.body == b"2" { Act::HangUp } else { Act::Answer(200, "ok") }
    });
    let gate = serve(&app);
    let mut client = gate.connect();
    assert_eq!(client.send(&post("/other", "1")).status, 200);
    assert_eq!(client.send(&post("/other", "2")).status, 502);
    assert_eq!(app.seen().len(), 2);
    // gatepost sends an idempotent request, such as a `PUT`, again on a new connection.
    let app = App::start(|seen| {
        if seen.connection == 0 && seen.body == b"2" { Act::HangUp } else { Act::Answer(200, "ok") }
    });
    let gate = serve(&app);
    let put = |body| String::from_utf8(post("/other", body)).unwrap().replace("POST", "PUT");
    let mut client = gate.connect();
    assert_eq!(client.send(put("1").as_bytes()).status, 200);
    assert_eq!(client.send(put("2").as_bytes()).status, 200);
    assert_eq!(app.seen().len(), 3);
}
