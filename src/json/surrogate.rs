//! Replaces lone surrogates in JSON text.

/// Returns the text with U+FFFD in place of each lone surrogate (`\ud83d`); `None` if the text has
/// no lone surrogate.
///
/// If a program cuts a string between the two halves of a character, JavaScript writes a lone
/// surrogate. UTF-8 cannot encode a lone surrogate, so most JSON parsers reject the string.
pub(crate) fn without_lone_surrogates(text: &str) -> Option<String> {
    const REPLACEMENT: &str = "\\ufffd";
    let bytes = text.as_bytes();
    let mut repaired = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(rest @ [byte, ..]) = bytes.get(at..) {
        at += match (byte, surrogate(rest)) {
            (b'\\', Some(half)) => {
                let next = rest.get(REPLACEMENT.len()..).and_then(surrogate);
                if matches!((half, next), (Surrogate::High, Some(Surrogate::Low))) {
                    2 * REPLACEMENT.len()
                } else {
                    repaired.push_str(text.get(copied..at)?);
                    repaired.push_str(REPLACEMENT);
                    copied = at + REPLACEMENT.len();
                    REPLACEMENT.len()
                }
            }
            // The character after the backslash may be another backslash.
            (b'\\', None) => 2,
            _ => 1,
        };
    }
    (copied > 0).then(|| repaired + text.get(copied..).unwrap_or_default())
}

/// Half of a surrogate pair. A pair encodes one character above U+FFFF.
#[derive(Clone, Copy)]
pub(super) enum Surrogate {
    High,
    Low,
}

/// Returns the surrogate if the text starts with the escape of a surrogate.
pub(super) fn surrogate(text: &[u8]) -> Option<Surrogate> {
    // The first hex digit of every surrogate is `d`.
    let [b'\\', b'u', b'd' | b'D', second, third, fourth, ..] = text else { return None };
    if !third.is_ascii_hexdigit() || !fourth.is_ascii_hexdigit() {
        return None;
    }
    match second {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Surrogate::High),
        b'c'..=b'f' | b'C'..=b'F' => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_surrogates_by_their_digits() {
        for (text, repaired) in [
            (r"\ud83d", Some(r"\ufffd")),
            (r"\ud83d\ude00", None),
            (r"\uD83D\uDE00", None),
            (r"\ude00\ud83d", Some(r"\ufffd\ufffd")),
            (r"a\ud83d\ud83d\ude00é", Some(r"a\ufffd\ud83d\ude00é")),
            (r"\ud83d\u0061", Some(r"\ufffd\u0061")),
            (r"\\ud83d", None),
            (r"\\\ud83d", Some(r"\\\ufffd")),
            (r"\ud83", None),
            (r"\uè000\", None),
        ] {
            assert_eq!(without_lone_surrogates(text).as_deref(), repaired, "{text}");
        }
    }

    #[test]
    fn replaces_only_lone_surrogates() {
        for (text, repaired) in [
            (r#"{"a":"\ud83d"}"#, Some(r#"{"a":"\ufffd"}"#)),
            (
                r#"{"a":"\uDE00x","b":["\ud83d\ud83d\ude00"]}"#,
                Some(r#"{"a":"\ufffdx","b":["\ufffd\ud83d\ude00"]}"#),
            ),
            (r#"{"\ud83d\n":1}"#, Some(r#"{"\ufffd\n":1}"#)),
            (r#"{"a":"\ud83d\ude00 \\ud83d \u00e9"}"#, None),
            (r#"{"a":"\u+83d"}"#, None),
            ("{\"a\":\"\\é\\", None),
            (r#"{"a":"\ud8"#, None),
        ] {
            assert_eq!(without_lone_surrogates(text).as_deref(), repaired, "{text}");
        }
    }
}
