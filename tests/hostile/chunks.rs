//! Chunked bodies that two servers may parse differently: RFC 9112, section 7.1.

use super::{Case, EVENT, post};

fn chunked(name: impl Into<String>, body: &str) -> Case {
    post(name, "transfer-encoding: chunked\r\n", body)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = sizes();
    cases.extend(line_ends());
    cases.extend(extensions());
    cases.extend(trailers());
    cases.extend(ends());
    cases
}

fn sizes() -> Vec<Case> {
    let size =
        |size: &str| chunked(format!("size {size:?}"), &format!("{size}\r\n{{push}}\r\n0\r\n\r\n"));
    let mut cases: Vec<_> = [
        "-1",
        "+{hex}",
        "0x{hex}",
        "0X{hex}",
        "{hex}h",
        "G",
        "\"{hex}\"",
        "{hex}.0",
        "1_0",
        "10000000000000000",
        "fffffffffffffffff",
        "-0",
        " {hex}",
        "\t{hex}",
        "{hex}\0",
        "{hex}\u{b}",
        "\u{b2}",
        "{len}, 0",
        "{hex} {hex}",
        "0 {hex}",
    ]
    .map(size)
    .into();
    cases.push(size("000{hex}").served());
    cases.push(size("8000000000000000").waits());
    cases.push(size("ffffffffffffffff").with_hyper(Case::waits));
    cases.push(size(""));
    cases.push(chunked("no size for the last chunk", "{hex}\r\n{push}\r\n\r\n\r\n"));
    cases.push(size("{hex} ").with_hyper(Case::served));
    cases.push(size("{hex}\t").with_hyper(Case::served));
    cases
}

fn line_ends() -> Vec<Case> {
    vec![
        chunked("a bare LF after the size", "{hex}\n{push}\r\n0\r\n\r\n"),
        chunked("a bare CR after the size", "{hex}\r{push}\r\n0\r\n\r\n"),
        chunked("CR CR LF after the size", "{hex}\r\r\n{push}\r\n0\r\n\r\n"),
        chunked("LF CR after the size", "{hex}\n\r{push}\r\n0\r\n\r\n"),
        chunked("a bare LF after the data", "{hex}\r\n{push}\n0\r\n\r\n"),
        chunked("a bare CR after the data", "{hex}\r\n{push}\r0\r\n\r\n"),
        chunked("no line end after the data", "{hex}\r\n{push}0\r\n\r\n"),
        chunked("two bytes instead of a line end after the data", "{hex}\r\n{push}XX0\r\n\r\n"),
        chunked("a space after the data", "{hex}\r\n{push} \r\n0\r\n\r\n"),
        chunked("an empty line before the size", "\r\n{hex}\r\n{push}\r\n0\r\n\r\n"),
        chunked("a bare LF after the last size", "{hex}\r\n{push}\r\n0\n\r\n"),
        chunked("a bare LF at the end", "{hex}\r\n{push}\r\n0\r\n\n").with_hyper(Case::waits),
        chunked("a bare CR at the end", "{hex}\r\n{push}\r\n0\r\n\rX"),
        chunked("bare LF throughout", "{hex}\n{push}\n0\n\n"),
        chunked("no last line", "{hex}\r\n{push}\r\n0\r\n").waits(),
        chunked("no last chunk", "{hex}\r\n{push}\r\n").waits(),
        chunked("half a size", "{hex}").waits(),
        chunked("half the data", "fff\r\n{push}").waits(),
    ]
}

fn extensions() -> Vec<Case> {
    let with = |name: &str, extension: &str| {
        chunked(
            format!("an extension {name}"),
            &format!("{{hex}}{extension}\r\n{{push}}\r\n0\r\n\r\n"),
        )
    };
    vec![
        with("without a value", ";x").served(),
        with("with a value", ";x=y").served(),
        with("in quotes", ";x=\"y;z\"").served(),
        with("that is empty", ";").with_hyper(Case::served),
        with("after a space", " ;x").served(),
        with("with an open quote", ";x=\"y").with_hyper(Case::served),
        with("of 200 000 bytes", &format!(";{}", "x".repeat(200_000))),
        with("with a bare LF", ";x\ny"),
        with("with a bare LF and a size", ";x\n0"),
        with("with a bare CR", ";x\ry"),
        with("with NUL", ";x\0").with_hyper(Case::served),
        with("with CR LF in quotes", ";x=\"\r\n0\r\n\r\n\""),
        chunked("an extension of the last chunk", "{hex}\r\n{push}\r\n0;x=y\r\n\r\n").served(),
        chunked("a bare LF in the last chunk's extension", "{hex}\r\n{push}\r\n0;x\ny\r\n\r\n"),
    ]
}

// gatepost reads trailers and drops them.
fn trailers() -> Vec<Case> {
    let with = |name: &str, lines: &str| {
        chunked(format!("a trailer {name}"), &format!("{{hex}}\r\n{{push}}\r\n0\r\n{lines}\r\n"))
    };
    vec![
        with("", "x: y\r\n").served(),
        with("with a length", "content-length: 5\r\n").served(),
        with("with an encoding", "transfer-encoding: chunked\r\n").served(),
        with("with a reserved header", "ce-type: forged\r\n").served(),
        with("with a host", "host: evil\r\n").served(),
        with("with authorization", "authorization: forged\r\n").served(),
        with("with a content encoding", "content-encoding: gzip\r\n").served(),
        with("without a colon", "x\r\n"),
        with("with a space before the colon", "x : y\r\n"),
        with("with a bare LF", "x: y\n\r\n").with_hyper(Case::served),
        with("with a bare CR", "x: y\rz\r\n"),
        with("with NUL", "x: \0\r\n"),
        with("of 70 000 bytes", &format!("x: {}\r\n", "y".repeat(70_000))),
        with("that is a request", "GET /callbacks/tencent HTTP/1.1\r\n"),
    ]
}

fn ends() -> Vec<Case> {
    vec![
        chunked(
            "many chunks",
            &("1\r\n{\r\n".to_owned() + &"1\r\n \r\n".repeat(500) + "0\r\n\r\n"),
        )
        .kept(),
        chunked("garbage after the last chunk", "{chunks}garbage\r\n\r\n")
            .gets(&[200, 400])
            .app_sees(&[EVENT]),
        chunked("a request after the last chunk", "{chunks}{genuine}")
            .gets(&[200, 200])
            .kept()
            .app_sees(&[EVENT; 2]),
        chunked(
            "a refused push after the last chunk",
            "{chunks}POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
        )
        .gets(&[200, 401])
        .kept()
        .app_sees(&[EVENT]),
        chunked("a chunk after the last chunk", "{chunks}{chunks}")
            .gets(&[200, 400])
            .app_sees(&[EVENT]),
        chunked("only the last chunk", "0\r\n\r\n").kept(),
        chunked("data in the last chunk", "{hex}\r\n{push}\r\n0\r\n{push}\r\n0\r\n\r\n"),
        chunked(
            "data beyond the size limit of the body",
            &format!("100001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x10_0001)),
        )
        .gets(&[413]),
    ]
}
