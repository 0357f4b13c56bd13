//! Requests over HTTP/1.1, one for each connection.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Sends a request, and returns the status and the whole response.
///
/// # Errors
///
/// Returns an error for a failed connection, for a server that sends nothing for `limit`, and for a
/// response without a status.
pub fn send(port: u16, head: &str, body: &str, limit: Duration) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(limit))?;
    let length = body.len();
    write!(stream, "{head} HTTP/1.1\r\nhost: push.example.com\r\nconnection: close\r\n")?;
    write!(stream, "content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.map(|status| (status, response)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Returns a free port below the system's range of ephemeral ports.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let spread = std::process::id().wrapping_mul(311).wrapping_add(step);
        let port = 10_000 + u16::try_from(spread % 22_000).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
