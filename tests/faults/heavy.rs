//! Clients that have no key, and send bodies that are expensive to read.

use std::fmt::Write as _;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::load::{Wire, read_reply};
use super::process::TOKEN;

/// Time limit for the reply to a heavy body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shape of a body that is expensive to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heavy {
    Array,
    Deep,
    Digits,
    Escapes,
    Form,
    NestedWide,
    Numbers,
    Wide,
}

impl Heavy {
    pub const ALL: [Self; 8] = [
        Self::Wide,
        Self::NestedWide,
        Self::Deep,
        Self::Escapes,
        Self::Digits,
        Self::Numbers,
        Self::Array,
        Self::Form,
    ];

    /// Returns a request with a body of nearly `length` bytes, to a route that reads this shape.
    pub fn request(self, length: usize) -> Vec<u8> {
        let path = if self == Self::Form {
            format!("/callbacks/kollus/{TOKEN}")
        } else {
            "/callbacks/tencent".to_owned()
        };
        let body = self.body(length);
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
            .into_bytes()
    }

    fn body(self, length: usize) -> String {
        let (start, end) = match self {
            Self::Array | Self::Deep | Self::Numbers => ("{\"x\":[", "]}"),
            Self::Digits => ("{\"x\":1", "}"),
            Self::Escapes => ("{\"x\":\"", "\"}"),
            Self::Form => ("a=", ""),
            Self::NestedWide => ("{\"x\":{", "}}"),
            Self::Wide => ("{", "}"),
        };
        let (between, room) = (self.separator(), length - end.len());
        let mut body = start.to_owned();
        for number in 0.. {
            let before = body.len();
            if number > 0 {
                body.push_str(between);
            }
            self.write_item(number, &mut body);
            if body.len() > room {
                body.truncate(before);
                break;
            }
        }
        body + end
    }

    const fn separator(self) -> &'static str {
        match self {
            Self::Digits | Self::Escapes => "",
            Self::Form => "&",
            Self::Array | Self::Deep | Self::NestedWide | Self::Numbers | Self::Wide => ",",
        }
    }

    fn write_item(self, number: u32, body: &mut String) {
        let written = match self {
            Self::Array => write!(body, "{{\"a\":{number}}}"),
            Self::Deep => write!(body, "{}{}", "[".repeat(29), "]".repeat(29)),
            Self::Digits => write!(body, "1"),
            Self::Escapes => write!(body, "\\ud83d"),
            Self::Form => write!(body, "%{:02x}{number:x}=%41", 0x61 + number % 26),
            Self::NestedWide | Self::Wide => write!(body, "\"{number:x}\":0"),
            Self::Numbers => write!(body, "11111111111111111111"),
        };
        written.unwrap();
    }
}

/// Sends the request repeatedly until `ends` is true or a reply is not a refusal. Reuses the
/// connection while gatepost keeps it open. Returns a complaint if a reply is not a refusal.
pub fn send_until(port: u16, request: &[u8], ends: &AtomicBool, sent: &AtomicU64) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut connection = None;
    while !ends.load(Ordering::Relaxed) && complaints.is_empty() {
        let Some(mut reader) = connection.take().or_else(|| connect(port)) else { continue };
        // gatepost may close the connection before it has read the body.
        let _closed = reader.get_mut().write_all(request);
        let Ok((reply, rest)) = read_reply(reader) else { continue };
        sent.fetch_add(1, Ordering::Relaxed);
        connection = rest;
        if !(400..=503).contains(&reply.status) {
            complaints.push(format!("expected a refusal of a heavy body, found {reply:?}"));
        }
    }
    complaints
}

fn connect(port: u16) -> Option<BufReader<Wire>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(BufReader::with_capacity(2048, Wire::Plain(stream)))
}
