//! Malformed heads: RFC 9112, sections 2 to 5.

use super::{Case, EVENT, LENGTH, case, post, request};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = line_ends();
    cases.extend(names());
    cases.extend(values());
    cases.extend(reserved());
    cases.extend(hosts());
    cases.extend(versions());
    cases.extend(methods());
    cases.extend(sizes());
    cases
}

/// Creates a case of a `push` callback with this additional raw header line.
fn line(line: &str) -> Case {
    post(format!("{line:?}"), &format!("content-length: {{len}}\r\n{line}\r\n"), "{push}")
}

/// Creates a case of a request with this header line on a path whose requests pass to the app.
fn passing(line: &str) -> Case {
    let head = "GET /other HTTP/1.1\r\nhost: gate.test\r\n";
    case(format!("{line:?} on another path"), format!("{head}{line}\r\n\r\n"))
}

fn line_ends() -> Vec<Case> {
    let head = |end: &str| {
        let lines =
            ["POST /callbacks/tencent HTTP/1.1", "host: x", "content-length: {len}", "", "{push}"];
        case(format!("{end:?} at the end of every line"), lines.join(end))
    };
    vec![
        head("\n").with_hyper(Case::served),
        head("\r").waits().with_hyper(|case| case.gets(&[])),
        head("\r\r\n").with_hyper(|case| case.gets(&[]).waits()),
        head("\n\r"),
        case("an empty line first", "\r\n{genuine}").served(),
        case("five empty lines first", "\r\n\r\n\r\n\r\n\r\n{genuine}").served(),
        case("a bare LF first", "\n{genuine}").with_hyper(Case::served),
        case("a space first", " {genuine}"),
        line("x: a\nb"),
        line("x: a\rb"),
        line("x: a\r\r"),
        line("x: a\nce-type: forged").with_hyper(Case::served),
        line("x: a\rce-type: forged"),
        line("x: a\r\n b"),
        line("x: a\r\n\tb"),
        line(" x: a"),
        line(" "),
        request(
            "obs-fold in the first header",
            "POST /callbacks/tencent HTTP/1.1\r\n x: y",
            LENGTH,
            "{push}",
        ),
        passing("x: a\rx-injected: y"),
        passing("x: a\ny: z").with_hyper(|case| case.passed("GET /other")),
        passing("x: a\nce-type: forged").with_hyper(|case| case.passed("GET /other")),
        passing("x: a\r\n x-injected: y"),
    ]
}

fn names() -> Vec<Case> {
    [
        "x : a",
        "x\t: a",
        ": a",
        " : a",
        "x",
        "x\0: a",
        "x\u{1}: a",
        "x\u{7f}: a",
        "x y: a",
        "x(y): a",
        "x\u{e9}: a",
        "x\u{b}: a",
        "x\r: a",
        "\"x\": a",
        "x@y: a",
        "{x}: a",
        "x/y: a",
        "ce-type\0: forged",
        "ce-type : forged",
    ]
    .into_iter()
    .flat_map(|bad| [line(bad), passing(bad)])
    .chain([line("x!#$%&'*+-.^_`|~1: a").served()])
    .collect()
}

fn values() -> Vec<Case> {
    ["x: \0", "x: a\0b", "x: \u{1}", "x: \u{b}", "x: \u{7f}", "x: \u{8}", "x: \u{1b}[31m"]
        .into_iter()
        .flat_map(|bad| [line(bad), passing(bad)])
        .chain([line("x: \u{e9}\u{ff}").served(), line("x:").served(), line("x:\t \t").served()])
        .collect()
}

// gatepost removes every spelling of the headers that only gatepost may set. A value in a callback
// cannot add a header to the event.
fn reserved() -> Vec<Case> {
    let forged = [
        "ce-type: forged",
        "CE-TYPE: forged",
        "Ce-Type: forged",
        "ce_type: forged",
        "ce.type: forged",
        "ce-id: forged",
        "ce_subject: forged",
        "ce-x: forged",
        "gatepost-template: forged",
        "GATEPOST_TEMPLATE: forged",
        "gatepost-misfits: forged",
        "Gatepost_Misfits: forged",
        "x_forwarded_for: forged",
        "X_Forwarded-Host: forged",
        "x-forwarded_proto: forged",
        "ce-type: a\r\nce-type: forged",
        "connection: ce-type\r\nce-type: forged",
        "script-name: forged",
        "Script_Name: forged",
        "path-info: forged",
        "daphne-root-path: forged",
        "X-Original-URL: forged",
        "x_rewrite_url: forged",
        "request-uri: forged",
        "proxy: forged",
        "x-accel-mapping: forged",
        "connection: close, x\r\nx: forged",
    ];
    let mut cases: Vec<_> = forged[..26].iter().map(|line_of| line(line_of).served()).collect();
    cases.extend(forged[..26].iter().map(|line_of| passing(line_of).passed("GET /other")));
    cases.extend([
        line("x-forwarded-proto: forged").served(),
        line("traceparent: forged").served(),
        line("tracestate: forged").served(),
        line("x-forwarded-for: 10.0.0.1%0d%0ax-injected: y").served(),
        line("x-forwarded-host: a%0d%0ax-injected: y").served(),
        line("x-forwarded-for: 10.0.0.1\r\nx-forwarded-for: 10.0.0.2").served(),
        line("x-forwarded-for: a\rx-injected: y"),
        line("x-forwarded-host: a\nce-type: forged").with_hyper(Case::served),
        line("authorization: forged").served(),
        line("cookie: forged").served(),
        line("x-own: forged").served(),
    ]);
    let stream = |stream| line("x: y").of_stream(stream).served();
    cases.extend([
        stream(r"a\r\nx-injected: y"),
        stream(r"a\r\n\r\nPOST /live/push HTTP/1.1\r\n\r\n"),
        stream(r"a\u0000b"),
        stream(r"%0d%0ax-injected: y"),
        stream(r"\u7fff\u00e9"),
        stream(r"\ud83d\ude00"),
        stream(r#"a\"b\\"#),
        stream("../../kollus/play"),
        stream(r"\ud800").served(),
        stream("a\rb").gets(&[400]).app_sees(&[]),
    ]);
    cases
}

// RFC 9112, section 3.2.
fn hosts() -> Vec<Case> {
    let host = |name: &str, lines: &str| {
        case(
            name,
            format!(
                "POST /callbacks/tencent HTTP/1.1\r\n{lines}content-length: {{len}}\r\n\r\n{{push}}"
            ),
        )
    };
    let other = |name: &str, lines: &str| {
        case(format!("{name} on another path"), format!("GET /other HTTP/1.1\r\n{lines}\r\n"))
            .with_hyper(|case| case.passed("GET /other"))
    };
    // Neither hyper nor axum's router checks the host.
    let mut cases: Vec<_> = ODD_HOSTS
        .iter()
        .flat_map(|(name, lines)| [host(name, lines).with_hyper(Case::served), other(name, lines)])
        .collect();
    cases.extend([
        host("a host with NUL", "host: a\0b\r\n"),
        host("a host with a bare CR", "host: a\rb\r\n"),
        host("a host with an underscore", "host: a_b\r\n").served(),
        host("a host with a trailing dot and an empty port", "host: a.:\r\n").served(),
        host("an IPv6 host", "host: [::1]:80\r\n").served(),
        case(
            "no host on HTTP/1.0",
            "POST /callbacks/tencent HTTP/1.0\r\ncontent-length: {len}\r\n\r\n{push}",
        )
        .gets(&[200])
        .app_sees(&[EVENT]),
    ]);
    cases
}

const ODD_HOSTS: [(&str, &str); 14] = [
    ("no host", ""),
    ("two hosts", "host: a\r\nhost: b\r\n"),
    ("one host twice", "host: a\r\nhost: a\r\n"),
    ("an empty host", "host:\r\n"),
    ("a host with a path", "host: a/b\r\n"),
    ("a host with the address of an event", "host: a/live/push?\r\n"),
    ("a host with a backslash", "host: a\\b\r\n"),
    ("a host with a fragment", "host: a#b\r\n"),
    ("a host with userinfo", "host: a@b\r\n"),
    ("a host with a space", "host: a b\r\n"),
    ("a host with a comma", "host: a, b\r\n"),
    ("a host with an escaped line end", "host: a%0d%0ax-injected: y\r\n"),
    ("a host with an invalid port", "host: a:99999\r\n"),
    ("a host with two ports", "host: a:80:80\r\n"),
];

const ODD_VERSIONS: [&str; 18] = [
    "HTTP/0.9",
    "HTTP/1.2",
    "HTTP/2.0",
    "HTTP/3.0",
    "HTTP/1",
    "HTTP/1.",
    "HTTP/1.10",
    "HTTP/01.1",
    "http/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1\t",
    "HTTP / 1.1",
    "HTTP/1,1",
    "HTTPS/1.1",
    "HTTP/-1.1",
    "",
    "ICY",
    "HTTP/1.1x",
];

fn versions() -> Vec<Case> {
    let first = |name: &str, line: &str| request(name, line, LENGTH, "{push}");
    let version = |version: &str| {
        let line = format!("POST /callbacks/tencent {version}");
        first(&format!("version {version:?}"), &line)
    };
    let mut cases: Vec<_> = ODD_VERSIONS.map(version).into();
    cases.extend([
        first("two spaces before the target", "POST  /callbacks/tencent HTTP/1.1"),
        first("two spaces before the version", "POST /callbacks/tencent  HTTP/1.1"),
        first("tabs for spaces", "POST\t/callbacks/tencent\tHTTP/1.1"),
        first("no method", "/callbacks/tencent HTTP/1.1"),
        case("HTTP/0.9 without a version", "GET /callbacks/tencent\r\n\r\n"),
        case("HTTP/0.9 without a second line", "GET /other\r\n"),
        case("a binary hello", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n"),
        case("lines of another protocol", "EHLO gate.test\r\n\r\n"),
        case("a PROXY line first", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n{genuine}"),
    ]);
    cases
}

fn methods() -> Vec<Case> {
    let method = |method: &str| {
        let line = format!("{method} /callbacks/tencent HTTP/1.1");
        request(format!("method {method:?}"), &line, "", "")
    };
    let long = "P".repeat(10_000);
    let broken = ["P\0ST", "PO ST", "P(ST)", "POST\u{e9}", "\"POST\"", "post\u{b}"].map(method);
    let others = ["post", "Post", "PUSH", "P", "PRI", "PRIX", "M-SEARCH", "POSTPOSTPOST", &long];
    let others = others.map(|other| method(other).gets(&[405]).kept());
    broken.into_iter().chain(others).collect()
}

fn sizes() -> Vec<Case> {
    let with = |name: &str, lines: &str| post(name, &format!("{LENGTH}{lines}"), "{push}");
    let many = |count: usize| (0..count).map(|i| format!("x{i}: y\r\n")).collect::<String>();
    let too_large = [
        with("a value of 2 MB", &format!("x: {}\r\n", "y".repeat(2 << 20))),
        with("a name of 70 000 bytes", &format!("{}: y\r\n", "x".repeat(70_000))),
        case("a first line that never ends", "P".repeat(2 << 20)),
    ];
    let too_large = too_large.map(|case| case.gets(&[431]));
    let too_many = [
        with("300 headers", &many(300)),
        with("5000 headers", &many(5000)),
        with("1 MB of headers", &many(100_000)),
    ];
    let too_many = too_many.map(|case| case.with_hyper(|case| case.gets(&[431])));
    let large = [
        with("a value of 60 000 bytes", &format!("x: {}\r\n", "y".repeat(60_000))),
        with("90 headers", &many(90)),
    ];
    too_large.into_iter().chain(too_many).chain(large.map(Case::served)).collect()
}
