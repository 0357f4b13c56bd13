//! HTTP/2 with prior knowledge: violations of RFC 9113, and known floods.

use super::{Case, Door, EVENT, Outcome, Sends, Then, Wire, expand, same, scene};

/// Function that creates the frames that a client sends after its preface and settings.
pub(super) type Frames = fn() -> Vec<u8>;

/// Outcome of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamOutcome {
    Answered(u16),
    /// The server resets the stream.
    Reset,
    /// The server closes the connection.
    Closed,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Encodes a header block in HPACK: literals without indexing and without Huffman coding.
fn hpack(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let mut out = Vec::new();
        match bytes.len() {
            short @ 0..127 => out.push(u8::try_from(short).unwrap()),
            long => {
                out.push(127);
                let mut rest = long - 127;
                while rest >= 128 {
                    out.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                out.push(u8::try_from(rest).unwrap());
            }
        }
        [out, bytes].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

const LINE: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "gate.test"),
    (":path", "/callbacks/tencent"),
];

fn headers(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &hpack(fields))
}

fn data(stream: u32, body: &[u8]) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, body)
}

/// Returns the frames of a callback of the kind `push` with these header fields.
fn push(fields: &[(&str, &str)]) -> Vec<u8> {
    push_on(1, fields)
}

fn push_on(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    [headers(stream, fields), data(stream, &expand("{push}", "s"))].concat()
}

/// Returns the frames of a `push` callback with these header fields after the usual fields.
fn with(more: &[(&str, &str)]) -> Vec<u8> {
    push(&[&LINE, more].concat())
}

/// Returns the frames of a `push` callback to this path.
fn to(path: &str) -> Vec<u8> {
    push(&[LINE[0], LINE[1], LINE[2], (":path", path)])
}

/// Sends the frames, and checks the first stream. If the case expects an open connection, gatepost
/// must also reply to a genuine `push` callback on the same connection.
pub(super) fn play(door: &dyn Door, frames: Frames, outcome: &Outcome) -> Result<(), String> {
    let mut wire = open(door);
    wire.write(&frames());
    let expected = match (outcome.gets.first(), outcome.then) {
        (Some(status), _) => StreamOutcome::Answered(*status),
        (None, Then::Kept) => StreamOutcome::Reset,
        (None, Then::Closed | Then::Waits) => StreamOutcome::Closed,
    };
    same("first stream", &outcome_of(&mut wire, 1)?, &expected)?;
    if outcome.then == Then::Kept {
        wire.write(&push_on(99, &LINE));
        return same("next stream", &outcome_of(&mut wire, 99)?, &StreamOutcome::Answered(200));
    }
    Ok(())
}

/// Sends a `push` callback on a new connection.
pub(super) fn ask(door: &dyn Door) -> Wire {
    let mut wire = open(door);
    wire.write(&push(&LINE));
    wire
}

/// Resets the stream of the callback that [`ask`] has sent.
pub(super) fn cancel(wire: &mut Wire) {
    wire.write(&frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]));
}

fn open(door: &dyn Door) -> Wire {
    let mut wire = Wire::connect(door.port());
    wire.write(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
    wire
}

fn outcome_of(wire: &mut Wire, stream: u32) -> Result<StreamOutcome, String> {
    loop {
        if !wire.has_more()? {
            return Ok(StreamOutcome::Closed);
        }
        let head = wire.exactly(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let of = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = wire.exactly(length as usize)?;
        match head[3] {
            HEADERS if of == stream => return Ok(StreamOutcome::Answered(status(&payload)?)),
            RST_STREAM if of == stream => return Ok(StreamOutcome::Reset),
            GOAWAY => return Ok(StreamOutcome::Closed),
            _ => {}
        }
    }
}

/// Parses the status at the start of a block: an index of HPACK's table, or three digits.
fn status(block: &[u8]) -> Result<u16, String> {
    let status = match *block {
        [0x88, ..] => Some(200),
        [0x8c, ..] => Some(400),
        [0x8d, ..] => Some(404),
        [0x8e, ..] => Some(500),
        [0x48, 0x82, a, b, ..] => huffman([a, b, 0xff]),
        [0x48, 0x83, a, b, c, ..] => huffman([a, b, c]),
        _ => None,
    };
    status.ok_or_else(|| format!("expected a status, found {block:?}"))
}

/// Parses three digits in HPACK's Huffman code: 0 to 2 have five bits, 3 to 9 have six.
fn huffman([a, b, c]: [u8; 3]) -> Option<u16> {
    let mut bits = u32::from_be_bytes([a, b, c, 0xff]);
    let mut number = 0;
    for _ in 0..3 {
        let (digit, length) = match (bits >> 27, bits >> 26) {
            (short @ 0..3, _) => (short, 5),
            (_, long @ 0x19..0x20) => (long - 0x16, 6),
            _ => return None,
        };
        number = number * 10 + digit;
        bits <<= length;
    }
    u16::try_from(number).ok()
}

fn h2(name: &str, expected: StreamOutcome, frames: Frames) -> Case {
    let case = Case::new(format!("h2: {name}"), Sends::Frames(frames));
    match expected {
        StreamOutcome::Answered(status) => case.gets(&[status]).kept(),
        StreamOutcome::Reset => case.gets(&[]).kept(),
        StreamOutcome::Closed => case.gets(&[]),
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = requests();
    cases.extend(fields());
    cases.extend(pseudo_headers());
    cases.extend(authorities());
    cases.extend(frames());
    cases.extend(floods());
    cases
}

fn requests() -> Vec<Case> {
    use StreamOutcome::{Answered, Reset};
    vec![
        h2("a genuine push callback", Answered(200), || with(&[])).app_sees(&[EVENT]),
        h2("reserved headers", Answered(200), || {
            with(&[("ce-type", "forged"), ("gatepost-template", "forged")])
        })
        .app_sees(&[EVENT]),
        h2("another spelling of the path", Answered(400), || to("/callbacks//tencent")),
        h2("the path of an event address", Answered(403), || to("/live/push")),
        h2("the path of an event address in another spelling", Answered(403), || {
            to("/live/%70ush")
        }),
        h2("a path with CR LF", Reset, || to("/callbacks/tencent\r\nx-injected: y")),
        h2("a path with a space", Reset, || to("/callbacks/tencent x")),
        h2("a path with a fragment", Answered(200), || to("/callbacks/tencent#x"))
            .app_sees(&[EVENT]),
        h2("an empty path", Reset, || to("")),
        h2("a path without a slash", Reset, || to("callbacks/tencent")),
        h2("an absolute path", Reset, || to("http://gate.test/callbacks/tencent")),
        h2("the asterisk", Answered(400), || to("*"))
            .with_hyper(|case| case.gets(&[200]).app_sees(&["POST *"])),
        h2("a length that is too short", Reset, || with(&[("content-length", "5")])),
        h2("a length that is too long", Reset, || with(&[("content-length", "5000")])),
        h2("a length of zero", Reset, || with(&[("content-length", "0")])),
        h2("one length twice", Answered(400), || {
            let len = expand("{len}", "s");
            let len = String::from_utf8(len).unwrap();
            with(&[("content-length", &*len), ("content-length", &*len)])
        }),
        h2("two lengths", Reset, || with(&[("content-length", "5"), ("content-length", "6")])),
        h2("a negative length", Reset, || with(&[("content-length", "-1")])),
        h2("a length over the limit", Answered(413), || {
            headers(1, &[&LINE[..], &[("content-length", "99999999")]].concat())
        }),
        h2("GET", Answered(405), || push(&[(":method", "GET"), LINE[1], LINE[2], LINE[3]])),
        h2("CONNECT", Answered(405), || push(&[(":method", "CONNECT"), LINE[2]]))
            .with_hyper(|case| case.passed("CONNECT ")),
        h2("extended CONNECT", Reset, || {
            push(&[&[(":method", "CONNECT"), (":protocol", "websocket")], &LINE[1..]].concat())
        }),
        h2("an expectation", Answered(200), || with(&[("expect", "100-continue")]))
            .app_sees(&[EVENT]),
    ]
}

// RFC 9113, section 8.2.
fn fields() -> Vec<Case> {
    use StreamOutcome::{Answered, Closed, Reset};
    vec![
        h2("transfer-encoding", Reset, || with(&[("transfer-encoding", "chunked")])),
        h2("connection", Reset, || with(&[("connection", "close")])),
        h2("keep-alive", Reset, || with(&[("keep-alive", "x")])),
        h2("upgrade", Reset, || with(&[("upgrade", "websocket")])),
        h2("te: trailers", Answered(200), || with(&[("te", "trailers")])).app_sees(&[EVENT]),
        h2("te: gzip", Reset, || with(&[("te", "gzip")])),
        h2("a name in upper case", Closed, || with(&[("X-Own", "y")])),
        h2("a reserved name in upper case", Closed, || with(&[("CE-type", "forged")])),
        h2("a name with CR LF", Closed, || with(&[("x\r\nx-injected", "y")])),
        h2("a name with a colon", Closed, || with(&[("x:y", "z")])),
        h2("a name with a space", Closed, || with(&[("x y", "z")])),
        h2("an empty name", Closed, || with(&[("", "y")])),
        h2("a value with CR LF", Closed, || with(&[("x", "y\r\nx-injected: z")])),
        h2("a value with LF", Closed, || with(&[("x", "y\nz")])),
        h2("a value with NUL", Closed, || with(&[("x", "y\0z")])),
    ]
}

// RFC 9113, section 8.3.
fn pseudo_headers() -> Vec<Case> {
    use StreamOutcome::{Answered, Closed, Reset};
    vec![
        h2("two paths", Reset, || with(&[(":path", "/other")])),
        h2("two methods", Reset, || push(&[&[(":method", "GET")], &LINE[..]].concat())),
        h2("a pseudo-header after a header", Reset, || {
            push(&[LINE[0], LINE[1], LINE[2], ("x", "y"), LINE[3]])
        }),
        h2("an unknown pseudo-header", Closed, || push(&[&[(":x", "y")], &LINE[..]].concat())),
        h2("a status", Reset, || push(&[&[(":status", "200")], &LINE[..]].concat())),
        h2("no path", Reset, || push(&LINE[..3])),
        h2("no method", Reset, || push(&LINE[1..])),
        h2("no scheme", Reset, || push(&[LINE[0], LINE[2], LINE[3]])),
        h2("a method with a space", Closed, || {
            push(&[(":method", "POST /x HTTP/1.1\r\n"), LINE[1], LINE[2], LINE[3]])
        }),
        h2("a scheme with an authority and a path", Reset, || {
            push(&[LINE[0], (":scheme", "http://gate.test/other?"), LINE[2], LINE[3]])
        }),
        h2("trailers with a pseudo-header", Answered(200), || {
            let body = frame(DATA, 0, 1, &expand("{push}", "s"));
            [
                headers(1, &LINE),
                body,
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &hpack(&[(":path", "/other")])),
            ]
            .concat()
        })
        .app_sees(&[EVENT]),
        h2("trailers with a reserved header", Answered(200), || {
            let body = frame(DATA, 0, 1, &expand("{push}", "s"));
            [
                headers(1, &LINE),
                body,
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &hpack(&[("ce-type", "forged")])),
            ]
            .concat()
        })
        .app_sees(&[EVENT]),
    ]
}

/// Returns the cases of `:authority` and `host` (RFC 9113, section 8.3.1).
fn authorities() -> Vec<Case> {
    use StreamOutcome::{Answered, Reset};
    vec![
        h2("no authority", Answered(400), || push(&[LINE[0], LINE[1], LINE[3]]))
            .with_hyper(Case::served),
        h2("an authority with userinfo", Answered(400), || {
            push(&[LINE[0], LINE[1], (":authority", "a@gate.test"), LINE[3]])
        })
        .with_hyper(Case::served),
        h2("an authority with a path", Reset, || {
            push(&[LINE[0], LINE[1], (":authority", "gate.test/x"), LINE[3]])
        }),
        h2("a host other than the authority", Answered(400), || with(&[("host", "evil.test")]))
            .with_hyper(Case::served),
        h2("two hosts", Answered(400), || with(&[("host", "gate.test"), ("host", "gate.test")]))
            .with_hyper(Case::served),
        h2("an authority with a comma", Answered(400), || {
            push(&[LINE[0], LINE[1], (":authority", "a,b"), LINE[3]])
        })
        .with_hyper(Case::served),
        h2("an authority with an empty label", Answered(400), || {
            push(&[LINE[0], LINE[1], (":authority", "gate..test"), LINE[3]])
        })
        .with_hyper(Case::served),
        h2("a host that is a path", Answered(400), || {
            push(&[LINE[0], LINE[1], LINE[3], ("host", "x/live/push?")])
        })
        .with_hyper(Case::served),
        h2("a host that is a path, on another path", Answered(400), || {
            push(&[LINE[0], LINE[1], (":path", "/other"), ("host", "x/live/push?")])
        })
        .with_hyper(|case| case.passed("POST /other")),
    ]
}

fn frames() -> Vec<Case> {
    use StreamOutcome::{Answered, Closed, Reset};
    vec![
        h2("data before headers", Closed, || data(1, b"x")),
        h2("headers on stream 0", Closed, || push_on(0, &LINE)),
        h2("headers on an even stream", Closed, || push_on(2, &LINE)),
        h2("a frame over the limit", Closed, || frame(DATA, 0, 1, &[0; 20_000])),
        h2("a push promise by the client", Closed, || frame(PUSH_PROMISE, END_HEADERS, 1, &[0; 8])),
        h2("a continuation without headers", Closed, || {
            frame(CONTINUATION, END_HEADERS, 1, &hpack(&LINE))
        }),
        h2("another frame between headers and continuation", Closed, || {
            [frame(HEADERS, 0, 1, &hpack(&LINE[..2])), frame(PING, 0, 0, &[0; 8])].concat()
        }),
        h2("headers in two frames", Answered(200), || {
            let (first, rest) = (hpack(&LINE[..2]), hpack(&LINE[2..]));
            [
                frame(HEADERS, 0, 1, &first),
                frame(CONTINUATION, END_HEADERS, 1, &rest),
                data(1, &expand("{push}", "s")),
            ]
            .concat()
        })
        .app_sees(&[EVENT]),
        h2("broken compression", Closed, || frame(HEADERS, END_HEADERS, 1, &[0xff; 40])),
        h2("an index beyond the table", Closed, || frame(HEADERS, END_HEADERS, 1, &[0xff, 0x10])),
        h2("a ping of seven bytes", Closed, || frame(PING, 0, 0, &[0; 7])),
        h2("settings of five bytes", Closed, || frame(SETTINGS, 0, 0, &[0; 5])),
        h2("a window update by zero bytes", Closed, || frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        h2("a window update that overflows the window", Closed, || {
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])
        }),
        h2("a reset of an idle stream", Closed, || frame(RST_STREAM, 0, 1, &[0; 4])),
        h2("padding longer than the frame", Closed, || frame(DATA, 8, 1, &[200, 0, 0])),
        h2("a header list of 100 000 bytes", Closed, || {
            let big = "y".repeat(5000);
            let mut out = frame(HEADERS, 0, 1, &hpack(&LINE));
            for _ in 0..20 {
                out.extend(frame(CONTINUATION, 0, 1, &hpack(&[("x", &big)])));
            }
            out.extend(frame(CONTINUATION, END_HEADERS, 1, &[]));
            [out, data(1, &expand("{push}", "s"))].concat()
        }),
        h2("a stream that is reset, and its data", Reset, || {
            [headers(1, &LINE), frame(RST_STREAM, 0, 1, &[0; 4]), data(1, b"x")].concat()
        }),
    ]
}

// After a flood, gatepost must reply to a genuine `push` callback on another connection.
fn floods() -> Vec<Case> {
    vec![
        scene("h2: endless continuations", |door| {
            flood(
                door,
                &frame(HEADERS, 0, 1, &hpack(&LINE)),
                &frame(CONTINUATION, 0, 1, &hpack(&[("x", &"y".repeat(4000))])),
                2000,
            )
        }),
        scene("h2: endless empty continuations", |door| {
            flood(
                door,
                &frame(HEADERS, 0, 1, &hpack(&LINE)),
                &frame(CONTINUATION, 0, 1, &[]),
                20_000,
            )
        }),
        scene("h2: endless pings", |door| flood(door, &[], &frame(PING, 0, 0, &[0; 8]), 20_000)),
        scene("h2: endless settings", |door| {
            flood(door, &[], &frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]), 20_000)
        }),
        scene("h2: endless acknowledgements of settings", |door| {
            flood(door, &[], &frame(SETTINGS, ACK, 0, &[]), 20_000)
        }),
        scene("h2: endless empty data", |door| {
            flood(door, &headers(1, &LINE), &frame(DATA, 0, 1, &[]), 20_000)
        }),
        scene("h2: endless priorities", |door| {
            flood(door, &[], &frame(2, 0, 1, &[0, 0, 0, 0, 1]), 20_000)
        }),
        scene("h2: endless window updates", |door| {
            flood(door, &headers(1, &LINE), &frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), 20_000)
        }),
        scene("h2: 5000 streams, each reset at once", |door| {
            let mut wire = open(door);
            for stream in (1..10_001).step_by(2) {
                wire.write(
                    &[headers(stream, &LINE), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat(),
                );
            }
            answered(door)
        }),
        scene("h2: 1000 streams without a body", |door| {
            let mut wire = open(door);
            for stream in (1..2001).step_by(2) {
                wire.write(&headers(stream, &LINE));
            }
            answered(door)
        }),
        scene("h2: 200 malformed streams", |door| {
            let mut wire = open(door);
            for stream in (1..401).step_by(2) {
                wire.write(&push_on(stream, &[&LINE[..], &[("content-length", "-1")]].concat()));
            }
            answered(door)
        }),
    ]
    .into_iter()
    .map(|case| case.app_sees(&[EVENT]))
    .collect()
}

/// Writes `first`, then writes `again` `times` times. Checks that gatepost then replies to a
/// genuine `push` callback on another connection.
fn flood(door: &dyn Door, first: &[u8], again: &[u8], times: usize) -> Result<(), String> {
    let mut wire = open(door);
    wire.write(first);
    for _ in 0..times / 100 {
        wire.write(&again.repeat(100));
    }
    answered(door)
}

fn answered(door: &dyn Door) -> Result<(), String> {
    let mut wire = Wire::connect(door.port());
    wire.write(&super::genuine());
    same("status of a genuine push callback on another connection", &wire.status()?, &Some(200))
}
