//! A client connection that writes arbitrary bytes, and reads every reply, including interim
//! replies.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::support::connect;

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Names in lower case, and values.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    pub(super) const fn is_interim(&self) -> bool {
        self.status < 200
    }
}

pub(super) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// Result of waiting for a reply.
pub(super) enum Next {
    Reply(Reply),
    Closed,
    Nothing,
}

impl Wire {
    pub(super) fn connect(port: u16) -> Self {
        Self { stream: connect(port), unread: Vec::new() }
    }

    /// Writes as many of the bytes as gatepost accepts.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _closed_early = self.stream.write_all(bytes);
    }

    pub(super) fn finish(&self) {
        let _closed = self.stream.shutdown(Shutdown::Write);
    }

    /// Waits for the next reply. `is_head` is true for a `HEAD` request.
    pub(super) fn next(&mut self, is_head: bool, patience: Duration) -> Next {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        match self.read_reply(is_head) {
            Ok(reply) => Next::Reply(reply),
            Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => Next::Nothing,
            Err(_) => Next::Closed,
        }
    }

    fn read_reply(&mut self, is_head: bool) -> Result<Reply, ErrorKind> {
        let head = String::from_utf8_lossy(&self.until(b"\r\n\r\n")?).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let status = status.unwrap_or_else(|| panic!("expected a status, found {head:?}"));
        let mut reply =
            Reply { status, headers: lines.filter_map(header).collect(), body: Vec::new() };
        if !is_head && !reply.is_interim() && !matches!(status, 204 | 304) {
            reply.body = self.body(&reply)?;
        }
        Ok(reply)
    }

    fn body(&mut self, reply: &Reply) -> Result<Vec<u8>, ErrorKind> {
        if let Some(length) = reply.header("content-length") {
            return self.exactly(length.parse().unwrap());
        }
        if reply.header("transfer-encoding").is_some() {
            return self.chunks();
        }
        while self.fill().is_ok() {}
        Ok(std::mem::take(&mut self.unread))
    }

    fn chunks(&mut self) -> Result<Vec<u8>, ErrorKind> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n")?).unwrap();
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            body.extend(self.exactly(size)?);
            self.exactly(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>, ErrorKind> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|bytes| bytes == end) {
                return self.exactly(at + end.len());
            }
            self.fill()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, ErrorKind> {
        while self.unread.len() < length {
            self.fill()?;
        }
        let rest = self.unread.split_off(length);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    fn fill(&mut self) -> Result<(), ErrorKind> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof),
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                Ok(())
            }
            Err(error) => Err(error.kind()),
        }
    }
}
