//! Requests of the desync tests: from the table `tests/upstreams/ambiguous.txt`, from Http11Probe,
//! and by mutation.

use std::fmt::Write as _;

use fastrand::Rng;

use super::super::spellings::Spelling;
use crate::http11probe;

/// Number of mutated requests.
const MUTATED: usize = 300;

/// Seed of the mutations, so that each run sends the same requests.
const SEED: u64 = 14;

/// Number of lines of `[lengths]` that the cases combine with each line of `[encodings]`.
const LENGTHS_FOR_EACH_ENCODING: usize = 6;

/// Value of `ce-type` in a request inside another request.
pub(super) const FORGED: &str = "forged";

/// Placeholder for the probe of a case. A mutation cannot split this single character.
const PROBE: &str = "\u{fffd}";

/// Bytes that a client sends.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Returns the probe of a case: the value of `x-probe`. No mutation creates another case's probe.
pub(super) fn probe(index: usize) -> String {
    format!("q{index}q{index}")
}

/// Returns every case, in a fixed order. The probe of a case contains the index of the case.
pub(super) fn all() -> Vec<Case> {
    let mut texts = of_table();
    texts.extend(http11probe::requests());
    let mut rng = Rng::with_seed(SEED);
    texts.extend((0..MUTATED).map(|index| mutated(&mut rng, index)));
    filled(texts)
}

/// Returns the cases of the table.
pub(super) fn table() -> Vec<Case> {
    filled(of_table())
}

fn filled(texts: Vec<(String, String)>) -> Vec<Case> {
    let case = |(index, (name, text)): (usize, (String, String))| Case {
        bytes: bytes(&fill(&text, index)),
        name,
    };
    texts.into_iter().enumerate().map(case).collect()
}

/// Returns the requests for HTTP/2.
pub(super) fn http_2() -> Vec<Spelling> {
    let spelling = |(index, line): (usize, &str)| {
        let (head, body) =
            line.split_once(" || ").expect("expected ` || ` before the body, found none");
        let mut parts = head.split(" | ");
        let (method, target) = parts
            .next()
            .and_then(|line| line.split_once(' '))
            .expect("expected a target, found none");
        let length = fill(&unescape(body), index).len().to_string();
        let filled = |text: &str| fill(&unescape(text).replace("{n}", &length), index);
        Spelling {
            name: line.to_owned(),
            method: filled(method),
            target: filled(target),
            host: "gate.test".into(),
            lines: parts.map(filled).collect(),
            body: filled(body),
            is_for_http_2: true,
        }
    };
    section("http2").enumerate().map(spelling).collect()
}

/// Returns the lines of a section of the table.
fn section(name: &str) -> impl Iterator<Item = &'static str> {
    let text = include_str!("../../../../../tests/upstreams/ambiguous.txt");
    let rest = text.split_once(&format!("\n[{name}]\n")).expect("expected a section, found none").1;
    let lines = rest.split("\n[").next().unwrap_or_default().lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// Returns the name and the text of each request in the table.
fn of_table() -> Vec<(String, String)> {
    let section = |name| section(name).map(unescape).collect::<Vec<_>>();
    let (lengths, encodings) = (section("lengths"), section("encodings"));
    let mut texts: Vec<String> = lengths.iter().map(|line| posted(line, "{inner}")).collect();
    texts.extend(encodings.iter().map(|line| posted(line, "0\r\n\r\n{inner}")));
    texts.extend(pairs(&encodings, &lengths));
    let chunked = |body: &String| posted("Transfer-Encoding: chunked", body);
    texts.extend(section("chunks").iter().map(chunked));
    texts.extend(section("requests"));
    texts.extend(section("methods").iter().flat_map(|method| bodies(method)));
    texts.into_iter().map(|text| (format!("{text:?}"), text)).collect()
}

fn posted(line: &str, body: &str) -> String {
    format!("{{post}}{line}\r\n\r\n{{body}}{body}")
}

/// Combines each encoding with [`LENGTHS_FOR_EACH_ENCODING`] lengths. In every second combination,
/// the length is first. A server that reads the chunks takes the end of most bodies for a further
/// request. A server that reads the length does so for one body of each encoding.
fn pairs(encodings: &[String], lengths: &[String]) -> Vec<String> {
    let mut pairs = Vec::new();
    for (index, encoding) in encodings.iter().enumerate() {
        for step in 0..LENGTHS_FOR_EACH_ENCODING {
            let length = &lengths[(index * LENGTHS_FOR_EACH_ENCODING + step) % lengths.len()];
            let lines = if step % 2 == 0 { [encoding, length] } else { [length, encoding] };
            pairs.push(posted(&lines.map(String::as_str).join("\r\n"), "0\r\n\r\n{inner}"));
        }
        let short = format!("{encoding}\r\nContent-Length: 4");
        pairs.push(posted(&short, "{hex}\r\n{inner}\r\n0\r\n\r\n"));
    }
    pairs
}

fn bodies(method: &str) -> [String; 4] {
    let with = |line: &str, body: &str| {
        format!("{method} {{target}} HTTP/1.1\r\n{{host}}{line}\r\n{{body}}{body}")
    };
    [
        with("", "{inner}"),
        with("Content-Length: {n}\r\n", "{inner}"),
        with("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "{hex}\r\n{inner}\r\n0\r\n\r\n"),
    ]
}

/// Requests that the mutations change.
const SEEDS: [&str; 7] = [
    "{get}\r\n",
    "{post}Content-Length: 5\r\n\r\nhello",
    "{post}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "{post}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
    "{post}Content-Length: {n}\r\n\r\n{body}{inner}",
    "{post}Transfer-Encoding: chunked\r\n\r\n{body}{hex}\r\n{inner}\r\n0\r\n\r\n",
    "{get}X: a\r\nCookie: a=b\r\n\r\n{get}Connection: keep-alive\r\n\r\n",
];

/// Header lines that mutations write.
const LINES: [&str; 9] = [
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    ": \r\n",
    "Test: \r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "X-Hidden: 1\r\n",
];

/// Texts that a mutation inserts: the delimiters of HTTP, a NUL byte and the digit 0.
const MARKS: [&str; 10] = ["\r\n", "\r", "\n", "\0", ":", "\t", " ", ";", ",", "0"];

fn mutated(rng: &mut Rng, index: usize) -> (String, String) {
    let seed = SEEDS[rng.usize(..SEEDS.len())];
    // The mutation does not update the lengths in the text.
    let mut text = fill(seed, index).replace(&probe(index), PROBE);
    for _ in 0..rng.usize(1..=3) {
        text = mutate(rng, &text);
    }
    (format!("mutation {index}: {text:?}"), text)
}

fn mutate(rng: &mut Rng, text: &str) -> String {
    let mut parts: Vec<String> = text.chars().map(String::from).collect();
    let at = rng.usize(..parts.len());
    match rng.u8(..6) {
        0 => parts[at].clear(),
        1 => parts[at] = char::from(rng.u8(..)).to_string(),
        2 => parts.insert(at, char::from(rng.u8(..)).to_string()),
        3 => parts.insert(at, MARKS[rng.usize(..MARKS.len())].to_owned()),
        _ => return with_line(rng, text),
    }
    parts.concat()
}

/// Inserts, replaces or deletes a line of the text.
fn with_line(rng: &mut Rng, text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive("\r\n").collect();
    let at = rng.usize(1..=lines.len());
    let line = LINES[rng.usize(..LINES.len())];
    match rng.u8(..4) {
        0 if at < lines.len() => drop(lines.remove(at)),
        1 if at < lines.len() => lines[at] = line,
        _ => lines.insert(at, line),
    }
    lines.concat()
}

/// Replaces the placeholders of a text. `{n}` is the length of the text after `{body}`.
fn fill(text: &str, index: usize) -> String {
    let probe = probe(index);
    let inner = format!(
        "POST /live/push HTTP/1.1\r\nHost: gate.test\r\nx-probe: {probe}\r\nce-type: {FORGED}\r\n\
         Content-Length: 2\r\n\r\n{{}}"
    );
    let host = format!("Host: gate.test\r\nx-probe: {probe}\r\n");
    let target = format!("/p/{probe}");
    let text = text
        .replace("{get}", &format!("GET {target} HTTP/1.1\r\n{host}"))
        .replace("{post}", &format!("POST {target} HTTP/1.1\r\n{host}"))
        .replace("{hex}", &format!("{:x}", inner.len()))
        .replace("{inner}", &inner)
        .replace("{target}", &target)
        .replace("{host}", &host)
        .replace(PROBE, &probe);
    let length = text.split_once("{body}").map_or(0, |(_, body)| body.len());
    text.replace("{n}", &length.to_string()).replace("{body}", "")
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).expect("expected a Latin-1 character, found another character"))
        .collect()
}

/// Replaces the escapes of a line.
fn unescape(line: &str) -> String {
    let mut rest = line.chars();
    let mut text = String::new();
    while let Some(c) = rest.next() {
        match if c == '\\' {
            rest.next()
        } else {
            _ = text.write_char(c);
            continue;
        } {
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                text.push(char::from(u8::from_str_radix(&digits, 16).unwrap()));
            }
            other => text.extend(other),
        }
    }
    text
}
