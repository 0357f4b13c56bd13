//! The PROXY protocol: a proxy sends the client's address in a header at the start of a connection.
//!
//! gatepost supports versions 1 (a line of text) and 2 (binary) of the [specification] (read
//! 2026-11), and reads no byte after the header. Some headers contain no IP address of a client:
//! `LOCAL` (the proxy's own connection, such as a health check), `UNKNOWN`, and address families
//! other than IPv4 and IPv6. In these cases, the peer address remains the address of the socket.
//!
//! [specification]: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt

use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use pingora::protocols::l4::socket::SocketAddr as PeerAddress;
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::protocols::{SocketDigest, Stream};
use ppp::{HeaderResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Time limit for a PROXY header. The specification requires at least three seconds, so that TCP
/// can send a lost packet again.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Length of the prefix of version 2, in bytes. No header of version 1 is shorter.
const MIN_HEADER: usize = v2::PROTOCOL_PREFIX.len();

/// Maximum length of a header of version 1, in bytes.
const MAX_LINE: usize = 107;

/// Length of the fields between the prefix and the addresses in version 2, in bytes.
const FIXED_FIELDS: usize = 4;

/// Reason why gatepost closes a connection instead of reading requests.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error("expected a whole PROXY header, found a part; check the proxy in front of gatepost")]
    Ended,
    #[error("expected a PROXY header, found none; turn the PROXY protocol on in the proxy")]
    Missing,
    #[error("expected a valid PROXY header, found a malformed one; check the proxy")]
    Malformed,
    #[error(
        "expected a peer in trusted_proxies, found another peer; add the address of your proxy to this key"
    )]
    NotTrusted,
    #[error("expected a PROXY header within the time limit, found none; check the proxy")]
    Slow,
}

/// Reads a PROXY header and sets the connection's peer address to the client address in the header.
pub(crate) async fn accept(stream: &mut Stream) -> Result<(), HeaderError> {
    let header = tokio::time::timeout(TIMEOUT, read(stream)).await;
    let header = header.map_err(|_| HeaderError::Slow)??;
    match source(&header)? {
        Some(source) => set_peer(stream, source),
        None => Ok(()),
    }
}

/// Reads a PROXY header, and no byte after the header.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, HeaderError> {
    let mut header = Vec::with_capacity(MAX_LINE);
    read_on(stream, MIN_HEADER, &mut header).await?;
    if header == v2::PROTOCOL_PREFIX {
        read_on(stream, FIXED_FIELDS, &mut header).await?;
        let length = header.last_chunk().map_or(0, |length| u16::from_be_bytes(*length));
        read_on(stream, length.into(), &mut header).await?;
        return Ok(header);
    }
    if !header.starts_with(v1::PROTOCOL_PREFIX.as_bytes()) {
        return Err(HeaderError::Missing);
    }
    while !header.ends_with(b"\n") && header.len() < MAX_LINE {
        read_on(stream, 1, &mut header).await?;
    }
    Ok(header)
}

/// Appends exactly `count` bytes to `header`. Memory grows with the bytes that arrive, not with the
/// announced length.
async fn read_on(
    stream: &mut (impl AsyncRead + Unpin),
    count: usize,
    header: &mut Vec<u8>,
) -> Result<(), HeaderError> {
    let limit = u64::try_from(count).unwrap_or(u64::MAX);
    match stream.take(limit).read_to_end(header).await {
        Ok(read) if read == count => Ok(()),
        Ok(_) | Err(_) => Err(HeaderError::Ended),
    }
}

/// Returns the client's address; `None` for `LOCAL`, `UNKNOWN` and address families other than IP.
fn source(header: &[u8]) -> Result<Option<SocketAddr>, HeaderError> {
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) => match (header.command, header.protocol) {
            (v2::Command::Local, _) => Ok(None),
            (v2::Command::Proxy, v2::Protocol::Datagram) => Err(HeaderError::Malformed),
            (v2::Command::Proxy, v2::Protocol::Stream | v2::Protocol::Unspecified) => {
                Ok(match header.addresses {
                    v2::Addresses::IPv4(ip) => Some((ip.source_address, ip.source_port).into()),
                    v2::Addresses::IPv6(ip) => Some((ip.source_address, ip.source_port).into()),
                    v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
                })
            }
        },
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(HeaderError::Malformed),
    }
}

/// Sets the peer address in the `SocketDigest`, Pingora's record of the socket.
fn set_peer(stream: &mut Stream, source: SocketAddr) -> Result<(), HeaderError> {
    let tcp = (**stream).as_any().downcast_ref::<TcpStream>();
    let digest = SocketDigest::from_raw_fd(tcp.ok_or(HeaderError::Malformed)?.as_raw_fd());
    let set = digest.peer_addr.set(Some(PeerAddress::Inet(source)));
    stream.set_socket_digest(digest);
    set.map_err(|_| HeaderError::Malformed)
}

/// Returns the peer address of a connection; `None` if the connection has no IP socket.
pub(crate) fn peer(stream: &Stream) -> Option<SocketAddr> {
    stream.get_socket_digest()?.peer_addr()?.as_inet().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u8::try_from(addresses.len()).unwrap();
        [V2, &[command, family, 0, length], addresses].concat()
    }

    /// Parses a header. Also returns the bytes after the header.
    async fn read_all(bytes: &[u8]) -> (Result<Option<SocketAddr>, HeaderError>, Vec<u8>) {
        let mut rest = bytes;
        let header = read(&mut rest).await;
        (header.and_then(|header| source(&header)), rest.to_vec())
    }

    const IPV4: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];

    #[tokio::test]
    async fn reads_header_and_no_byte_after_it() {
        let ipv6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 28], &[0x12, 0x67, 0, 80]].concat();
        let with_tlv = [IPV4, &[4, 0, 1, 0]].concat();
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n", Some("192.0.2.7:4711")),
            (b"PROXY TCP6 2001:db8:: ::1 4711 80\r\n", Some("[2001:db8::]:4711")),
            (b"PROXY UNKNOWN\r\n", None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
            (&v2(0x21, 0x11, IPV4), Some("192.0.2.7:4711")),
            (&v2(0x21, 0x11, &with_tlv), Some("192.0.2.7:4711")),
            (&v2(0x21, 0x21, &ipv6), Some("[2001:db8::]:4711")),
            (&v2(0x20, 0x11, IPV4), None),
            (&v2(0x20, 0, b""), None),
            (&v2(0x21, 0x31, &[b'x'; 216]), None),
        ];
        for (header, expected) in cases {
            let (source, rest) = read_all(&[header, &b"PRI * HTTP"[..]].concat()).await;
            assert_eq!(source, Ok(expected.map(|text| text.parse().unwrap())), "{header:?}");
            assert_eq!(rest, b"PRI * HTTP", "{header:?}");
        }
    }

    #[tokio::test]
    async fn refuses_connection_without_valid_header() {
        let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat();
        let (missing, malformed) = (HeaderError::Missing, HeaderError::Malformed);
        let cases: Vec<(&[u8], HeaderError)> = vec![
            (b"GET / HTTP/1.1\r\n\r\n", missing),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\n", HeaderError::Malformed),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n", HeaderError::Malformed),
            (b"PROXY TCP4 2001:db8::1 10.0.0.1 1 2\r\n", HeaderError::Malformed),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 80\r\n", HeaderError::Malformed),
            (b"PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n", HeaderError::Malformed),
            (&long, malformed),
            (b"PROXY TCP4 19", HeaderError::Ended),
            (b"PROX", HeaderError::Ended),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read_all(bytes).await.0, Err(expected), "{bytes:?}");
        }
        for broken in [
            v2(0x11, 0x11, IPV4),
            v2(0x22, 0x11, IPV4),
            v2(0x21, 0x11, b"short"),
            v2(0x21, 0x12, IPV4),
        ] {
            assert_eq!(read_all(&broken).await.0, Err(HeaderError::Malformed), "{broken:?}");
        }
        assert_eq!(read_all(&v2(0x21, 0x11, IPV4)[..20]).await.0, Err(HeaderError::Ended));
    }
}
