//! Tests of clients that send HTTP/1.0.

use super::{LAST_GET, OLD_GET, exchange, replying, serve};
use crate::support::{Act, App};

const CHUNKED_REPLY: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";

// RFC 9112, section 6.1: a response to HTTP/1.0 must have no transfer coding.
#[test]
fn ends_reply_to_http_1_0_client_by_closing_connection() {
    let replies = [
        CHUNKED_REPLY,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n\
         b\r\nhello world\r\n0\r\nx: y\r\n\r\n",
    ];
    for reply in replies {
        let app = replying(reply);
        let gate = serve(&app);
        let kept = OLD_GET.replace("\r\n\r\n", "\r\nconnection: keep-alive\r\n\r\n");
        for request in [OLD_GET, &kept] {
            let got = exchange(&gate, request).to_ascii_lowercase();
            let (head, body) = got.split_once("\r\n\r\n").unwrap();
            assert_eq!(body, "hello world", "{got}");
            assert!(
                !head.contains("transfer-encoding"),
                "expected no `transfer-encoding`, found {got}"
            );
            assert!(!head.contains("trailer"), "expected no `trailer`, found {got}");
            assert!(
                head.contains("connection: close"),
                "expected `connection: close`, found {got}"
            );
        }
        let head_only = OLD_GET.replace("GET", "HEAD");
        let got = exchange(&gate, &head_only).to_ascii_lowercase();
        assert!(got.ends_with("\r\n\r\n") && !got.contains("transfer-encoding"), "{got}");
    }
}

#[test]
fn ends_reply_without_length_to_http_1_0_client_by_closing_connection() {
    let app = App::start(|_| Act::RawAndHangUp(b"HTTP/1.0 200 OK\r\n\r\nhello"));
    let gate = serve(&app);
    let got = exchange(&gate, OLD_GET).to_ascii_lowercase();
    assert!(got.ends_with("\r\n\r\nhello") && !got.contains("transfer-encoding"), "{got}");
    let got = exchange(&gate, LAST_GET);
    assert!(got.contains("5\r\nhello\r\n0\r\n\r\n"), "{got}");
}

// RFC 9110, section 15.2: a response to HTTP/1.0 must have no 1xx status.
#[test]
fn sends_no_interim_reply_to_http_1_0_client() {
    let app = replying(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    let gate = serve(&app);
    let expecting = "POST /other HTTP/1.0\r\nhost: x\r\nexpect: 100-continue\r\n\
                     content-length: 1\r\n\r\nx";
    for request in [OLD_GET, expecting] {
        let got = exchange(&gate, request);
        assert!(
            got.starts_with("HTTP/1.1 200 ") && got.matches("HTTP/1.1").count() == 1,
            "expected one reply with 200, found {got}"
        );
    }
    assert!(app.seen().iter().all(|seen| seen.header("expect").is_none()), "{:?}", app.seen());
    let got = exchange(&gate, LAST_GET);
    assert!(got.contains("HTTP/1.1 103 ") && got.ends_with("\r\n\r\nok"), "{got}");
}
