//! Rules for the head of every request, whatever its path: the host and the length of the body.
//!
//! If an app builds a URL from the host, the host `x/live/push?` makes the app read the path
//! `/live/push`. A request may also have two lengths. If gatepost and the app use different
//! lengths, the app may read a part of the body as a second request.

use core::net::Ipv6Addr;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode, Version};

use super::Head;

/// Fault for which a server must refuse a request on every path. [`HeadFault::status`] returns the
/// status of the reply.
///
/// ```
/// use gatepost::{Head, HeadFault};
/// use http::{HeaderMap, Method, Uri, Version};
///
/// let (uri, mut headers) = (Uri::from_static("/other"), HeaderMap::new());
/// headers.insert("host", "gate.test:8080".parse()?);
/// assert_eq!(Head::new(&Method::GET, &uri, &headers).check(Version::HTTP_11), Ok(()));
///
/// headers.insert("host", "gate.test/callbacks?".parse()?);
/// let fault = Head::new(&Method::GET, &uri, &headers).check(Version::HTTP_11).unwrap_err();
/// assert_eq!((fault, fault.as_str()), (HeadFault::HostMalformed, "host_invalid"));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadFault {
    /// The request has both `content-length` and `transfer-encoding`, repeats one of these headers,
    /// or has one with a malformed value.
    #[error(
        "expected one `content-length` of digits or one `transfer-encoding: chunked`, found an ambiguous length; correct the client"
    )]
    FramingAmbiguous,
    /// The `host` differs from the authority of the target.
    #[error(
        "expected the authority of the target in `host`, found another host; send the same host in both"
    )]
    HostContradictory,
    /// The host is empty, is neither a name nor an IP address, or has an invalid port.
    #[error(
        "expected a name or an IP address with an optional port in `host`, found other text; send, for \
         example, `host: gate.example.com`"
    )]
    HostMalformed,
    /// The request names no host.
    #[error("expected a `host`, found none; send the name of the server")]
    HostMissing,
    /// The request has several `host` headers.
    #[error("expected one `host`, found several; send one")]
    HostRepeated,
    /// The head exceeds a limit of the server.
    #[error(
        "expected a head of at most 64 KiB, found a longer head; send fewer or shorter headers"
    )]
    HeadTooLarge,
    /// The target is neither a path nor an HTTP URL.
    #[error("expected a path or an HTTP URL as target, found another form; send a path")]
    TargetInvalid,
}

impl HeadFault {
    /// Returns the stable code: the same word in logs, metrics and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FramingAmbiguous => "framing_ambiguous",
            Self::HostContradictory
            | Self::HostMalformed
            | Self::HostMissing
            | Self::HostRepeated => "host_invalid",
            Self::HeadTooLarge => "head_too_large",
            Self::TargetInvalid => "target_invalid",
        }
    }

    /// Returns the status of the reply: 431 for [`HeadFault::HeadTooLarge`], otherwise 400.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::FramingAmbiguous
            | Self::HostContradictory
            | Self::HostMalformed
            | Self::HostMissing
            | Self::HostRepeated
            | Self::TargetInvalid => StatusCode::BAD_REQUEST,
        }
    }
}

impl Head<'_> {
    /// Checks the rules for the head of every request: [`Head::check_host`] and
    /// [`Head::check_framing`].
    ///
    /// # Errors
    ///
    /// Returns the first fault.
    pub fn check(&self, version: Version) -> Result<(), HeadFault> {
        self.check_host(version)?;
        self.check_framing()
    }

    /// Checks that the request names one host that every server reads alike.
    ///
    /// The host may be in the URI, in `host`, or in both. Two different hosts are a fault. An
    /// HTTP/1.0 request may lack a host.
    ///
    /// # Errors
    ///
    /// Returns the fault of the host: missing, repeated, malformed or contradictory.
    pub fn check_host(&self, version: Version) -> Result<(), HeadFault> {
        let mut hosts = self.headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
        let (host, repeated) = (hosts.next(), hosts.next());
        if repeated.is_some() {
            return Err(HeadFault::HostRepeated);
        }
        let authority = self.uri.authority().map(|authority| authority.as_str().as_bytes());
        match (host, authority) {
            (None, None) if version >= Version::HTTP_11 => Err(HeadFault::HostMissing),
            (Some(host), Some(authority)) if !host.eq_ignore_ascii_case(authority) => {
                Err(HeadFault::HostContradictory)
            }
            (host, authority) if host.or(authority).is_some_and(|host| !is_host(host)) => {
                Err(HeadFault::HostMalformed)
            }
            _ => Ok(()),
        }
    }

    /// Checks that every server reads the same length of the body.
    ///
    /// # Errors
    ///
    /// Returns [`HeadFault::FramingAmbiguous`] if servers can read different lengths.
    pub fn check_framing(&self) -> Result<(), HeadFault> {
        self.declared_length().map(drop)
    }

    /// Returns the value of `content-length`; 0 if the header is absent.
    ///
    /// RFC 9112, section 6.3, permits a server to repair some ambiguous framing. gatepost refuses
    /// all ambiguous framing, because the app may repair the framing differently (request
    /// smuggling). Framing is ambiguous in these cases: two lengths, two transfer encodings, a
    /// length with a transfer encoding, any transfer encoding other than `chunked`, and a length
    /// that is not a decimal number of at most 64 bits.
    pub(crate) fn declared_length(&self) -> Result<u64, HeadFault> {
        let ambiguous = HeadFault::FramingAmbiguous;
        let mut lengths = self.headers.get_all(CONTENT_LENGTH).iter();
        let mut encodings = self.headers.get_all(TRANSFER_ENCODING).iter();
        let (length, encoding) = (lengths.next(), encodings.next());
        let is_repeated = lengths.next().is_some() || encodings.next().is_some();
        if self.has_unclear_framing || is_repeated || (length.is_some() && encoding.is_some()) {
            return Err(ambiguous);
        }
        if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
            return Err(ambiguous);
        }
        let parse = |value: &HeaderValue| {
            let text = value.to_str().ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
            text.parse().ok()
        };
        length.map_or(Ok(0), |value| parse(value).ok_or(ambiguous))
    }
}

/// Returns true for a host that every server reads alike: a name of letters, digits, `-`, `_` and
/// dots, or an IP address, with an optional port.
///
/// This rule is stricter than [RFC 3986, section 3.2.2][rfc], which also permits percent-encoding
/// and characters such as `,`. The rule permits a trailing dot and an empty port.
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
///
/// # Examples
///
/// ```
/// use gatepost::is_host;
///
/// assert!(is_host(b"gate.test:8080") && is_host(b"[2001:db8::1]"));
/// assert!(!is_host(b"") && !is_host(b"gate.test/path"));
/// ```
#[must_use]
pub fn is_host(host: &[u8]) -> bool {
    if let [b'[', rest @ ..] = host {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        return is_ipv6(&rest[..end]) && is_port(&rest[end + 1..]);
    }
    let end = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
    let (name, port) = host.split_at(end);
    is_name(name) && is_port(port)
}

fn is_ipv6(text: &[u8]) -> bool {
    str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Returns true for empty text, for a colon alone, and for a colon followed by a port number.
fn is_port(text: &[u8]) -> bool {
    let [b':', digits @ ..] = text else { return text.is_empty() };
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = str::from_utf8(digits).ok().filter(|digits| is_number(digits));
    number.is_some_and(|digits| digits.is_empty() || digits.parse::<u16>().is_ok())
}

/// Returns true for a name in which only the last label may be empty, as in `gate.test.`.
fn is_name(name: &[u8]) -> bool {
    let mut previous = b'.';
    for byte in name {
        let is_allowed = match byte {
            b'.' => previous != b'.',
            b'-' | b'_' => true,
            byte => byte.is_ascii_alphanumeric(),
        };
        if !is_allowed {
            return false;
        }
        previous = *byte;
    }
    !name.is_empty()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, Uri};

    use super::*;

    #[test]
    fn accepts_only_hosts_that_every_server_reads_alike() {
        for host in ["a", "a.", "_a-b.c:80", "a:", "1.2.3.4:65535", "[::1]", "[::ffff:1.2.3.4]:0"] {
            assert!(is_host(host.as_bytes()), "expected {host:?} to be a host, found it invalid");
        }
        for host in [
            "", ".", ".a", "a..b", "a/b", "a?", "a#", "a\\b", "a b", "a,b", "a@b", "a%2fb", "a:b",
            "a:80:80", "a:65536", ":80", "::1", "[::1", "[a]", "[::1]a", "[::1]:a", "a\0", "é",
        ] {
            assert!(!is_host(host.as_bytes()), "expected {host:?} to be invalid, found it valid");
        }
    }

    #[test]
    fn reports_each_fault_of_the_host() {
        let check = |uri: &'static str, hosts: &[&'static str], version| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            let uri = Uri::from_static(uri);
            Head::new(&Method::GET, &uri, &headers).check_host(version)
        };
        assert_eq!(check("/", &[], Version::HTTP_10), Ok(()));
        assert_eq!(check("/", &[""], Version::HTTP_10), Err(HeadFault::HostMalformed));
        assert_eq!(check("/", &[], Version::HTTP_11), Err(HeadFault::HostMissing));
        assert_eq!(check("/", &["a", "a"], Version::HTTP_11), Err(HeadFault::HostRepeated));
        assert_eq!(check("http://a/", &[], Version::HTTP_2), Ok(()));
        assert_eq!(check("http://a/", &["A"], Version::HTTP_2), Ok(()));
        assert_eq!(check("http://a/", &["b"], Version::HTTP_2), Err(HeadFault::HostContradictory));
        assert_eq!(check("http://a,b/", &[], Version::HTTP_2), Err(HeadFault::HostMalformed));
        assert_eq!(check("http://a@b/", &[], Version::HTTP_2), Err(HeadFault::HostMalformed));
    }
}
