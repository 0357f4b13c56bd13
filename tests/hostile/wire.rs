//! A client connection that writes arbitrary bytes, and parses responses strictly.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Time limit for each read and each write. Only a failing case reaches the limit.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
    /// True if the request is a `HEAD`, whose response has no body.
    pub to_head: bool,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Response {
    /// Checks that the body is one of the constant bodies, because the client must not receive the
    /// reason for a refusal.
    ///
    /// # Errors
    ///
    /// Returns an error for any other body.
    pub fn check(&self) -> Result<(), String> {
        let known: [&[u8]; 5] =
            [b"", b"refused\n", b"not found\n", b"{\"code\":0}", b"bad request\n"];
        if known.contains(&&*self.body) {
            Ok(())
        } else {
            Err(format!("expected a constant body, found {self:?}"))
        }
    }
}

impl Wire {
    pub fn connect(port: u16) -> Self {
        let stream =
            TcpStream::connect(("127.0.0.1", port)).expect("expected a listener, found none");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new(), to_head: false }
    }

    /// Writes as much as the server accepts.
    pub fn write(&mut self, bytes: &[u8]) {
        let _hung_up = self.stream.write_all(bytes);
    }

    /// Closes the client's side of the connection.
    pub fn finish(&self) {
        let _gone = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads the next response. Returns `None` if the server closes the connection.
    ///
    /// # Errors
    ///
    /// Returns an error if the server sends no complete response in time.
    pub fn response(&mut self) -> Result<Option<Response>, String> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill()? {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(&self.take(end)).to_ascii_lowercase();
        let status = head.get(9..12).and_then(|digits| digits.parse().ok());
        let status = status.ok_or_else(|| format!("expected a status, found {head:?}"))?;
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let body = if self.to_head { Vec::new() } else { self.exactly(length)? };
        Ok(Some(Response { status, body }))
    }

    /// Reads the status of the next response.
    ///
    /// # Errors
    ///
    /// Returns an error if the server sends no complete response in time.
    pub fn status(&mut self) -> Result<Option<u16>, String> {
        Ok(self.response()?.map(|response| response.status))
    }

    /// Reads `length` bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the server does not send all these bytes in time.
    pub fn exactly(&mut self, length: usize) -> Result<Vec<u8>, String> {
        while self.unread.len() < length {
            if !self.fill()? {
                return Err("expected a complete response, found a closed connection".into());
            }
        }
        Ok(self.take(length))
    }

    /// Waits for a byte. Returns false if the server closes the connection instead.
    ///
    /// # Errors
    ///
    /// Returns an error if the server neither sends a byte nor closes the connection in time.
    pub fn has_more(&mut self) -> Result<bool, String> {
        Ok(!self.unread.is_empty() || self.fill()?)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.unread.split_off(length);
        std::mem::replace(&mut self.unread, rest)
    }

    /// Reads more bytes. Returns false if the server has closed the connection.
    fn fill(&mut self) -> Result<bool, String> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Ok(false),
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(format!("expected a byte within {PATIENCE:?}, found none"))
            }
            Err(_) => Ok(false),
        }
    }
}
