//! Clients that occupy connections and memory: they send requests and never finish them.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// Time limit for a read or a write.
const PATIENCE: Duration = Duration::from_millis(500);

/// Connects to `port` from an address that the load does not use.
pub fn open(port: u16) -> Option<TcpStream> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).ok()?;
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2), 0)).ok()?;
    connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).ok()?;
    let stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

/// Opens `count` connections, or fewer if one fails, and sends `bytes` on each. Returns the
/// connections, including those that gatepost has closed.
pub fn send(port: u16, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let mut streams: Vec<_> = (0..count).map_while(|_| open(port)).collect();
    for stream in &mut streams {
        let _closed = stream.write_all(bytes);
    }
    streams
}

/// Returns a request with a body of 1 MiB, without the last byte of the body.
pub fn body() -> Vec<u8> {
    const LENGTH: usize = 1 << 20;
    let head =
        format!("POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: {LENGTH}\r\n\r\n");
    [head.as_bytes(), &vec![b' '; LENGTH - 1]].concat()
}

/// Returns an incomplete head of 60 KB.
pub fn head() -> Vec<u8> {
    format!("POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\nx: {}", "y".repeat(60_000)).into_bytes()
}

const STREAMS: u32 = 100;

/// Maximum number of body bytes on each stream.
const STREAM_BYTES: usize = 1_000_000;

/// Sends an incomplete request on each of 100 streams of an HTTP/2 connection, as fast as
/// flow control permits, for at most `limit`. Returns the number of streams on which gatepost has
/// replied or which it has reset.
pub fn send_streams(stream: &mut TcpStream, limit: Duration) -> usize {
    let mut windows = Windows::default();
    let started = Instant::now();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    bytes.extend(frame(4, 1, 0, &[]));
    let path = b"/callbacks/tencent";
    let headers = [&[0x83, 0x86, 0x01, 1, b'x', 0x04, 18][..], &path[..]].concat();
    let streams = (0..STREAMS).map(|number| 2 * number + 1);
    streams.for_each(|stream| bytes.extend(frame(1, 4, stream, &headers)));
    while stream.write_all(&bytes).is_ok() && started.elapsed() < limit {
        bytes = windows.next_frames();
        if bytes.is_empty() && windows.read(stream).is_err() {
            break;
        }
    }
    windows.ended.len()
}

/// Flow control of a connection and its streams.
#[derive(Default)]
struct Windows {
    /// Bytes that gatepost permits beyond the initial window, keyed by stream. Key 0 is the
    /// connection.
    more: HashMap<u32, usize>,
    sent: HashMap<u32, usize>,
    ended: std::collections::HashSet<u32>,
    received: Vec<u8>,
}

const INITIAL: usize = 65_535;
const FRAME: usize = 16_384;

impl Windows {
    fn left(&self, stream: u32) -> usize {
        let of = |map: &HashMap<u32, usize>| map.get(&stream).copied().unwrap_or_default();
        (INITIAL + of(&self.more)).saturating_sub(of(&self.sent))
    }

    /// Returns the frames that the windows permit.
    fn next_frames(&mut self) -> Vec<u8> {
        let mut frames = Vec::new();
        for stream in (0..STREAMS).map(|number| 2 * number + 1) {
            let sent = self.sent.get(&stream).copied().unwrap_or_default();
            let length = FRAME.min(self.left(0)).min(self.left(stream)).min(STREAM_BYTES - sent);
            if length > 0 && !self.ended.contains(&stream) {
                frames.extend(frame(0, 0, stream, &vec![b' '; length]));
                *self.sent.entry(0).or_default() += length;
                *self.sent.entry(stream).or_default() += length;
            }
        }
        frames
    }

    /// Reads frames. Records window updates, and streams with a reply or a reset.
    fn read(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let mut piece = [0; FRAME];
        let length = stream.read(&mut piece)?;
        self.received.extend_from_slice(&piece[..length]);
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some((head, rest)) = self.received.split_at_checked(9) {
            let length = usize::from(head[1]) << 8 | usize::from(head[2]);
            let Some(payload) = rest.get(..length) else { break };
            let number = u32::from_be_bytes(head[5..9].try_into().unwrap());
            match head[3] {
                1 | 3 => drop(self.ended.insert(number)),
                8 => {
                    let more = u32::from_be_bytes(payload.try_into().unwrap());
                    *self.more.entry(number).or_default() += usize::try_from(more).unwrap();
                }
                _ => {}
            }
            self.received.drain(..9 + length);
        }
        Ok(())
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
