//! Verdicts: what the gate says of a callback.
//!
//! There are three and no others. [`Accepted`] is a permit that only the gate can
//! make, and the only thing that is ever forwarded. A [`Refusal`] is the sender's fault.
//! [`Unavailable`] is the app's, or our own: the callback was genuine, and the failure policy
//! answered it.

mod accepted;
mod refusal;
mod request;
mod unavailable;

pub(crate) use accepted::Inner;
pub use accepted::{Accepted, ViewError};
pub use refusal::{Refusal, RefusalKind};
pub use unavailable::{Unavailable, UnavailableKind};

pub(crate) use refusal::RequestFault;

/// A foreign word, fit for a log line: escaped and cut short.
pub(crate) fn printable(word: &str) -> String {
    const LONG: usize = 100;
    let is_plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
    if word.len() <= LONG && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    word.chars().take(LONG).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_foreign_word_is_escaped_and_cut_short() {
        assert_eq!(printable("push.example.com"), "push.example.com");
        for word in ["a\"b", "a'b", "a\\b", "a\nb", "a\u{7f}b", "a\u{202e}b", "直播"] {
            assert_eq!(printable(word), word.escape_debug().to_string(), "{word:?}");
        }
        assert_eq!(printable(&"x".repeat(101)), "x".repeat(100));
        assert_eq!(printable(&"é".repeat(101)), "é".repeat(100));
    }
}
