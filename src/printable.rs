//! Escapes for received text in logs, and `Debug` output that omits fields.

/// Escapes double quotes, backslashes and unprintable characters. Returns at most the first 100
/// characters of the input, in escaped form.
pub(crate) fn printable(text: &str) -> String {
    const MAX_CHARS: usize = 100;
    let is_plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.len() <= MAX_CHARS && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len().min(2 * MAX_CHARS));
    for c in text.chars().take(MAX_CHARS) {
        match c {
            // `escape_debug` escapes an apostrophe too, because a character literal needs it.
            '\'' => escaped.push(c),
            c => escaped.extend(c.escape_debug()),
        }
    }
    escaped
}

/// Implements `Debug` so that it prints only the listed fields.
///
/// List only short fields without credentials and without personal data. Client IP addresses and
/// transcripts, for example, are personal data. Log lines name the client in a field of their own.
macro_rules! print_only {
    ($($type:ident $(<$lifetime:lifetime>)?: $($field:ident)*;)*) => {$(
        impl std::fmt::Debug for $type $(<$lifetime>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

pub(crate) use print_only;

#[cfg(test)]
mod tests {
    use crate::printable::printable;

    #[test]
    fn escapes_and_shortens_received_text() {
        assert_eq!(printable("push.example.com"), "push.example.com");
        assert_eq!(printable("the app's \u{b7} answer"), "the app's · answer");
        for text in ["a\"b", "a\\b", "a\nb", "a\u{7f}b", "a\u{202e}b", "直播"] {
            assert_eq!(printable(text), text.escape_debug().to_string(), "{text:?}");
        }
        assert_eq!(printable(&"x".repeat(101)), "x".repeat(100));
        assert_eq!(printable(&"é".repeat(101)), "é".repeat(100));
    }
}
