//! Text from outside, made fit for a log line.

/// Escapes text from outside and cuts it to 100 characters.
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
    use crate::printable::printable;

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
