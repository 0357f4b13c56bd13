//! Functions that send requests over HTTP/1.1 and HTTP/2, and wait for the responses.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::spellings::{Spelling, bytes};
use crate::support::connect;

/// Longest wait for a server that neither responds nor closes the connection. If such a server
/// handles the request later, the list of handled requests still shows the request.
pub(super) const QUIET: Duration = Duration::from_millis(150);

fn open(port: u16, quiet: Duration) -> TcpStream {
    let stream = connect(port);
    stream.set_read_timeout(Some(quiet)).unwrap();
    stream
}

/// Sends bytes. Returns the bytes that the server sends before it closes the connection or pauses
/// for `quiet`.
pub(super) fn send_http_1(port: u16, request: &[u8], quiet: Duration) -> Vec<u8> {
    send_pieces(port, request.chunks(request.len().max(1)), quiet)
}

/// Sends bytes as [`send_http_1`] does, with a write for each piece.
pub(super) fn send_pieces<'b>(
    port: u16,
    mut pieces: impl Iterator<Item = &'b [u8]>,
    quiet: Duration,
) -> Vec<u8> {
    let mut stream = open(port, quiet);
    let _refused_early = pieces.try_for_each(|piece| stream.write_all(piece));
    let (mut got, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        got.extend_from_slice(&chunk[..length]);
    }
    got
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Encodes header fields in HPACK, as literals without indexing and without Huffman coding.
fn hpack(fields: &[(String, String)]) -> Vec<u8> {
    let text = |text: &str| {
        let text = bytes(text);
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127);
        [&[length.expect("expected at most 126 bytes, found more")], &*text].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// Sends a request over HTTP/2. Waits until the server ends the stream or the connection, or pauses
/// for [`QUIET`].
pub(super) fn send_http_2(port: u16, spelling: &Spelling, probe: &str) {
    let mut fields: Vec<_> = [
        (":method", &*spelling.method),
        (":scheme", "http"),
        (":path", &spelling.target),
        ("x-probe", probe),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    // If a host is not a valid authority, only the `host` header can carry this host.
    let name = if spelling.host == "gate.test" { ":authority" } else { "host" };
    fields.insert(if name == "host" { 3 } else { 2 }, (name.into(), spelling.host.clone()));
    for line in &spelling.lines {
        let (name, value) = line.split_once(':').unwrap();
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut stream = open(port, QUIET);
    let request = [
        PREFACE,
        &frame(SETTINGS, 0, 0, &[]),
        &frame(HEADERS, END_HEADERS, 1, &hpack(&fields)),
        &frame(DATA, END_STREAM, 1, spelling.body.as_bytes()),
    ];
    let _refused_early = stream.write_all(&request.concat());
    while let Some((kind, flags, id)) = read_frame(&mut stream) {
        let ends = flags & END_STREAM != 0 && matches!(kind, DATA | HEADERS);
        if kind == GOAWAY || (id == 1 && (ends || kind == RST_STREAM)) {
            break;
        }
    }
    let _closed = stream.shutdown(Shutdown::Both);
}

fn read_frame(stream: &mut TcpStream) -> Option<(u8, u8, u8)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    stream.read_exact(&mut vec![0; length as usize]).ok()?;
    Some((head[3], head[4], head[8]))
}
