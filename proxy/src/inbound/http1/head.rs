//! The end of a request head in bytes that may be incomplete.

use memchr::{memchr, memchr_iter};

/// Maximum length of a head, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Maximum length of the empty lines before a head. A search skips them each time, so the limit
/// keeps a client that sends only empty lines cheap.
const MAX_EMPTY_BYTES: usize = 64;

/// Length of a head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum HeadLength {
    Known(usize),
    Unknown,
    /// No further byte can make this a head.
    Malformed,
    /// The head is longer than [`MAX_HEAD_BYTES`].
    TooLarge,
}

impl HeadLength {
    /// Finds the end of the head. Skips the first `searched` bytes, in which an earlier search has
    /// found no end.
    pub(super) fn of(bytes: &[u8], searched: usize) -> Self {
        match end(bytes, searched) {
            Some(length) if length <= MAX_HEAD_BYTES => Self::Known(length),
            None if bytes.len() <= MAX_HEAD_BYTES => {
                let may_begin = searched > 0 || may_begin_head(bytes);
                let may_go_on = may_begin && empty_lines(bytes) <= MAX_EMPTY_BYTES;
                if may_go_on { Self::Unknown } else { Self::Malformed }
            }
            Some(_) | None => Self::TooLarge,
        }
    }
}

/// Returns the length of the head: up to and including the first empty line after a line with text.
/// Like Pingora, accepts `\n` for `\r\n` here.
fn end(bytes: &[u8], searched: usize) -> Option<usize> {
    // The last bytes of the earlier search may be the begin of the end.
    let from = searched.saturating_sub(2).max(empty_lines(bytes));
    let mut lines = memchr_iter(b'\n', &bytes[from..]).map(|at| from + at + 1);
    lines.find_map(|next| match bytes.get(next..)? {
        [b'\n', ..] => Some(next + 1),
        [b'\r', b'\n', ..] => Some(next + 2),
        _ => None,
    })
}

/// Returns the length of the empty lines before a head. Stops one byte beyond the maximum.
fn empty_lines(bytes: &[u8]) -> usize {
    let bytes = &bytes[..bytes.len().min(MAX_EMPTY_BYTES + 1)];
    bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len())
}

/// Returns true if these bytes may be the begin of a head of HTTP/1.
fn may_begin_head(bytes: &[u8]) -> bool {
    let bytes = &bytes[empty_lines(bytes)..];
    let line = memchr(b'\n', bytes).map(|end| &bytes[..end]);
    let text = line.unwrap_or(bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let method = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let names_version = || text.len() > 8 && text[text.len() - 8..].starts_with(b"HTTP/1.");
    (bytes.is_empty() || !method.is_empty())
        && method.iter().all(|byte| is_token(*byte))
        && memchr(b'\r', text).is_none()
        && (line.is_none() || names_version())
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_ends_after_first_empty_line() {
        use HeadLength::{Known, Unknown};
        for (bytes, expected) in [
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\nbody\r\n\r\n", Known(27)),
            ("GET / HTTP/1.1\nhost: x\n\nbody", Known(24)),
            ("GET / HTTP/1.0\r\n\r\n", Known(18)),
            ("\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n", Known(31)),
            ("GET / HTTP/1.1\r\nhost: x\r\n\r", Unknown),
            ("GET / HTTP/1.1\r\nhost: x\r\n", Unknown),
            ("GET / HT", Unknown),
            ("\r\n\r\n\r\n", Unknown),
            ("", Unknown),
        ] {
            assert_eq!(HeadLength::of(bytes.as_bytes(), 0), expected, "{bytes:?}");
            for searched in 1..bytes.len() {
                if HeadLength::of(&bytes.as_bytes()[..searched], 0) == Unknown {
                    assert_eq!(HeadLength::of(bytes.as_bytes(), searched), expected, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn does_not_wait_for_more_of_what_is_no_head() {
        for bytes in [
            "\u{16}\u{3}\u{1}",
            "\"event_type\":1}",
            " GET / HTTP/1.1",
            "HELO x\r\n",
            "GET /\r\nhost: x\r\n",
            "GET / HTTP/1.1\rhost: x\r",
            "GET / HTTP/2.0\n",
            &"\r\n".repeat(33),
        ] {
            assert_eq!(HeadLength::of(bytes.as_bytes(), 0), HeadLength::Malformed, "{bytes:?}");
        }
    }

    #[test]
    fn refuses_head_beyond_limit() {
        let head =
            |length: usize| format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(length - 23));
        let longest = head(MAX_HEAD_BYTES);
        assert_eq!(HeadLength::of(longest.as_bytes(), 0), HeadLength::Known(MAX_HEAD_BYTES));
        let longer = head(MAX_HEAD_BYTES + 1);
        assert_eq!(HeadLength::of(longer.as_bytes(), 0), HeadLength::TooLarge);
        let unfinished = &longer.as_bytes()[..MAX_HEAD_BYTES];
        assert_eq!(HeadLength::of(unfinished, 0), HeadLength::Unknown);
    }
}
