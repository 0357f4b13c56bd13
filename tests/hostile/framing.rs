//! Bodies with two lengths, or with an ambiguous length.

use super::{CHUNKED, Case, EVENT, LENGTH, case, post, request};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = both_lengths();
    cases.extend(encodings());
    cases.extend(lengths());
    cases.extend(methods());
    cases
}

// RFC 9112, section 6.1: requests with both a length and chunks.
fn both_lengths() -> Vec<Case> {
    let both = |name: &str, headers: [&str; 2], body: &str| post(name, &headers.concat(), body);
    let (short, inner) = ("content-length: 5\r\n", "0\r\n\r\n{genuine}");
    let kept = format!("{CHUNKED}connection: keep-alive\r\n");
    let named = format!("{CHUNKED}connection: transfer-encoding\r\n");
    let twice = format!("{CHUNKED}{LENGTH}{CHUNKED}");
    let odd = ["CONTENT-LENGTH: 5\r\n", "tRANSFER-eNCODING: cHUNKED\r\n"];
    let mut cases: Vec<_> = [
        both("a length, then chunks", [LENGTH, CHUNKED], "{chunks}"),
        both("chunks, then a length", [CHUNKED, LENGTH], "{chunks}"),
        both("both, and a length of zero", ["content-length: 0\r\n", CHUNKED], "{chunks}"),
    ]
    .map(|case| case.with_hyper(Case::served_last))
    .into();
    cases.extend([
        both("both, and a body that fits only the length", [LENGTH, CHUNKED], "{push}"),
        both("both, and a request after the last chunk", [LENGTH, CHUNKED], inner),
        both("both, and a length that hides a request", [short, CHUNKED], inner),
        both("both, in mixed upper and lower case", odd, inner),
        both("both, and keep-alive", [LENGTH, &kept], inner),
        both("both, and an invalid length", ["content-length: x\r\n", CHUNKED], "{chunks}"),
        both("both, and a connection header", [LENGTH, &named], inner),
        both("both, twice", [LENGTH, &twice], inner),
    ]);
    let elsewhere = |path: &str| {
        let line = format!("POST {path} HTTP/1.1");
        request(format!("both, on {path}"), &line, &[short, CHUNKED].concat(), "0\r\n\r\n")
    };
    cases.push(elsewhere("/other").with_hyper(|case| case.gets(&[200]).app_sees(&["POST /other"])));
    let other = |lines: &str, body| {
        request(format!("{lines:?} on another path"), "POST /other HTTP/1.1", lines, body)
    };
    let twice = "content-length: 5\r\ncontent-length: 5\r\n";
    cases.extend([
        other("content-length: 5, 5\r\n", "hello"),
        other("content-length: +5\r\n", "hello"),
        other(twice, "hello").with_hyper(|case| case.passed("POST /other")),
        other("transfer-encoding: gzip, chunked\r\n", "0\r\n\r\n")
            .with_hyper(|case| case.passed("POST /other")),
    ]);
    cases.push(elsewhere("/live/push").gets(&[403]));
    cases
}

/// Values of `transfer-encoding` that some servers treat as chunked and others do not.
const ODD_ENCODINGS: [&str; 30] = [
    " identity",
    " xchunked",
    " chunkedx",
    " chunked;x",
    " chunked;q=0.5",
    " chunked, chunked",
    " chunked, identity",
    " identity, chunked",
    " gzip, chunked",
    " chunked, gzip",
    " gzip",
    " ,chunked",
    " chunked,",
    " chunked ,",
    "",
    " ",
    " \"chunked\"",
    " 'chunked'",
    " chunked\u{b}",
    " \u{b}chunked",
    " \u{c}chunked",
    " chunked\0",
    " \0chunked",
    " chunked\u{7f}",
    " \u{a0}chunked",
    " ch\tunked",
    " chunked\r",
    " \rchunked",
    "\r\n chunked",
    " chunked\r\n ",
];

const ENCODINGS: [&str; 7] =
    ["chunked", "\tchunked", " \tchunked", " chunked ", " chunked\t", " CHUNKED", " Chunked"];

/// Header lines that some servers treat as `transfer-encoding: chunked` and others do not.
const ODD_ENCODING_LINES: [&str; 9] = [
    "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ntransfer-encoding: identity",
    "transfer-encoding: identity\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ntransfer-encoding: x",
    "transfer-encoding : chunked",
    "transfer-encoding\t: chunked",
    " transfer-encoding: chunked",
    "x: y\n transfer-encoding: chunked",
    "transfer\u{0}-encoding: chunked",
];

fn encodings() -> Vec<Case> {
    let line = |line: &str| post(format!("{line:?}"), &format!("{line}\r\n"), "{chunks}");
    let value = |value: &str| line(&format!("transfer-encoding:{value}"));
    let behind = |end: &str| {
        let lines = format!("x: y{end}transfer-encoding: chunked\r\n{LENGTH}");
        post(format!("transfer-encoding after {end:?}"), &lines, "{push}")
    };
    let old = "POST /callbacks/tencent HTTP/1.0";
    let kept = format!("connection: keep-alive\r\n{CHUNKED}");
    let mut cases: Vec<_> = ODD_ENCODINGS.map(value).into();
    cases.extend(ENCODINGS.map(|encoding| value(encoding).served()));
    cases.extend(ODD_ENCODING_LINES.map(line));
    cases.extend([
        behind("\n"),
        behind("\r"),
        post("transfer_encoding", &format!("transfer_encoding: chunked\r\n{LENGTH}"), "{push}")
            .served(),
        request("transfer-encoding in HTTP/1.0", old, CHUNKED, "{chunks}"),
        request("transfer-encoding in HTTP/1.0, kept", old, &kept, "{chunks}"),
        request(
            "an unknown encoding on another path",
            "POST /other HTTP/1.1",
            "transfer-encoding: xchunked\r\n",
            "0\r\n\r\n",
        ),
    ]);
    cases
}

/// Invalid lengths: RFC 9110, section 8.6, permits only digits, and only one length.
const ODD_LENGTHS: [&str; 27] = [
    "+{len}",
    "-1",
    "-0",
    "-{len}",
    "{len}, {len}",
    "{len},{len}",
    "{len}, 0",
    "0x5",
    "0x{hex}",
    "{hex}h",
    "",
    " ",
    "{len}.0",
    "{len};",
    "{len}e0",
    "1 2",
    "1_0",
    "{len}\u{b}",
    "{len}\0",
    "\"{len}\"",
    "99999999999999999999",
    "18446744073709551616",
    "x",
    "{len}x",
    "\u{b2}",
    "\u{a0}{len}",
    "340282366920938463463374607431768211457",
];

fn lengths() -> Vec<Case> {
    let value = |value: &str| {
        post(
            format!("content-length: {value:?}"),
            &format!("content-length: {value}\r\n"),
            "{push}",
        )
    };
    let mut cases: Vec<_> = ODD_LENGTHS.map(value).into();
    cases.extend([
        value("18446744073709551615").gets(&[413]).with_hyper(|case| case.gets(&[431])),
        value("9223372036854775808").gets(&[413]),
        value("1048577").gets(&[413]),
        value("{len} ").served(),
        value("\t{len}").served(),
        value("000{len}").served(),
        post("two equal lengths", "content-length: {len}\r\ncontent-length: {len}\r\n", "{push}")
            .with_hyper(Case::served),
        post("two lengths", "content-length: {len}\r\ncontent-length: 0\r\n", "{push}"),
        post(
            "two lengths, zero first",
            "content-length: 0\r\ncontent-length: {len}\r\n",
            "{genuine}",
        ),
        post("a length after obs-fold", "content-length:\r\n {len}\r\n", "{push}"),
        post("a space before the colon", "content-length : {len}\r\n", "{push}"),
        post("content_length", "content_length: 5\r\n", "{push}").gets(&[400, 400]),
        post("a length that is too short", "content-length: 10\r\n", "{push}").gets(&[400, 400]),
        post("a length that is too long", "content-length: 1000\r\n", "{push}").waits(),
        post("no length", "", "{push}").gets(&[400, 400]),
        post("a length of zero, and a request as the body", "content-length: 0\r\n", "{genuine}")
            .gets(&[400, 200])
            .kept()
            .app_sees(&[EVENT]),
    ]);
    cases
}

/// Returns cases of requests with methods for which some servers do not read the body.
fn methods() -> Vec<Case> {
    let with = |method: &str, path: &str| {
        case(
            format!("{method} {path} with a request as its body"),
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 7\r\n\r\nGET /x "),
        )
    };
    let mut cases: Vec<_> = ["GET", "HEAD", "OPTIONS", "DELETE", "PUT", "PATCH", "TRACE"]
        .map(|method| with(method, "/callbacks/tencent").gets(&[405]).kept())
        .into();
    cases.extend(
        ["GET", "OPTIONS", "DELETE"]
            .map(|method| with(method, "/other").passed(&format!("{method} /other"))),
    );
    let get = "GET /callbacks/tencent HTTP/1.1";
    cases.push(
        request("GET with chunks", get, CHUNKED, "{chunks}").gets(&[405]).with_hyper(Case::kept),
    );
    cases
}
