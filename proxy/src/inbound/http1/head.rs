//! Search for the end of a request head in bytes that may be incomplete.

use memchr::memchr_iter;

/// Maximum length of a head, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Maximum total length of the empty lines before a head, in bytes. Each search skips these lines
/// again, so the limit bounds the work for a client that sends only empty lines.
const MAX_EMPTY_BYTES: usize = 64;

/// Length of a head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum HeadLength {
    Known(usize),
    Unknown,
    /// The head is longer than [`MAX_HEAD_BYTES`], or the empty lines before it are longer than
    /// [`MAX_EMPTY_BYTES`].
    TooLarge,
}

impl HeadLength {
    /// Finds the end of the head. Skips the first `searched` bytes, in which an earlier search has
    /// found no end.
    pub(super) fn of(bytes: &[u8], searched: usize) -> Self {
        match end(bytes, searched) {
            _ if empty_lines(bytes) > MAX_EMPTY_BYTES => Self::TooLarge,
            Some(length) if length <= MAX_HEAD_BYTES => Self::Known(length),
            None if bytes.len() <= MAX_HEAD_BYTES => Self::Unknown,
            Some(_) | None => Self::TooLarge,
        }
    }
}

/// Returns the number of bytes up to and including the last line of the head: the first empty line
/// after a line with text. Like Pingora, accepts `\n` for `\r\n` here.
fn end(bytes: &[u8], searched: usize) -> Option<usize> {
    // The empty line may begin in the last bytes of the earlier search.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_ends_after_first_empty_line_that_follows_text() {
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
    fn refuses_head_or_empty_lines_beyond_limit() {
        let head =
            |length: usize| format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(length - 23));
        let longest = head(MAX_HEAD_BYTES);
        assert_eq!(HeadLength::of(longest.as_bytes(), 0), HeadLength::Known(MAX_HEAD_BYTES));
        let longer = head(MAX_HEAD_BYTES + 1);
        assert_eq!(HeadLength::of(longer.as_bytes(), 0), HeadLength::TooLarge);
        let unfinished = &longer.as_bytes()[..MAX_HEAD_BYTES];
        assert_eq!(HeadLength::of(unfinished, 0), HeadLength::Unknown);
        let empty = "\r\n".repeat(MAX_EMPTY_BYTES / 2);
        assert_eq!(HeadLength::of(empty.as_bytes(), 0), HeadLength::Unknown);
        for end in ["\r\n", "\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
            let bytes = format!("{empty}{end}");
            assert_eq!(HeadLength::of(bytes.as_bytes(), 0), HeadLength::TooLarge, "{end:?}");
        }
    }
}
