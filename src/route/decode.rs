//! Decoder for every encoding that some server decodes in a path: percent-encoding, IIS escapes and
//! overlong UTF-8.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes percent-encoding (`%2f`), IIS escapes (`%u002f`) and overlong UTF-8 (`%c0%af`) until
/// nothing changes, at most [`MAX_ROUNDS`] times.
pub(super) fn decode(path: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(path);
    for _ in 0..MAX_ROUNDS {
        if !has_escape(&text) {
            break;
        }
        let next = into_text(decode_nested_percent(&decode_iis(&text)));
        if next == *text {
            break;
        }
        text = next.into();
    }
    text
}

/// Yields the path as received, then decoded once, twice and so on until nothing changes.
///
/// The items include the intermediate forms, which [`decode`] omits. A server that decodes only
/// once or twice reads an intermediate form.
pub(super) fn decodings(path: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let decode_once = |text: &Cow<'_, str>| {
        if !has_escape(text) {
            return None;
        }
        let next = into_text(percent_decode_str(&decode_iis(text)).collect());
        Some(Cow::Owned(next)).filter(|next| next != text)
    };
    std::iter::successors(Some(Cow::Borrowed(path)), decode_once).take(MAX_ROUNDS + 1)
}

/// Upper bound on decoding rounds.
///
/// No known server decodes a path this often. The bound limits the work for a path.
const MAX_ROUNDS: usize = 16;

/// Returns true if decoding can change the text.
///
/// A `&str` cannot contain overlong UTF-8, so only `%` can lead to a change.
fn has_escape(text: &str) -> bool {
    text.contains('%')
}

/// Converts decoded bytes to text.
///
/// Decodes overlong ASCII, and replaces other invalid UTF-8 with U+FFFD.
fn into_text(bytes: Vec<u8>) -> String {
    let repair = |bytes: &[u8]| String::from_utf8_lossy(&decode_overlong(bytes)).into_owned();
    String::from_utf8(bytes).unwrap_or_else(|error| repair(error.as_bytes()))
}

/// Decodes percent-encoding at any nesting depth in one pass.
///
/// A decoded byte can be part of another escape: in `%2566`, `%25` decodes to `%`. This `%` and the
/// next two digits form the escape `%66`. The function therefore checks the end of the output after
/// every replacement. One pass per level leaves an escape in a path with more than [`MAX_ROUNDS`]
/// levels.
fn decode_nested_percent(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        bytes.push(byte);
        while let [.., percent @ b'%', high, low] = &mut bytes[..]
            && let Some(decoded) = hex_byte(*high, *low)
        {
            *percent = decoded;
            bytes.truncate(bytes.len() - 2);
        }
    }
    bytes
}

/// Returns the byte that two hex digits encode, or `None` for other characters.
fn hex_byte(high: u8, low: u8) -> Option<u8> {
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Decodes IIS escapes: `%u` or `%U`, followed by four hex digits.
fn decode_iis(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().windows(2).any(|two| matches!(two, [b'%', b'u' | b'U'])) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        rest = if let Some(decoded) = iis_escape(after) {
            out.push(decoded);
            // Skip `u` and four digits.
            &after[5..]
        } else {
            out.push('%');
            after
        };
    }
    Cow::Owned(out + rest)
}

/// Decodes an IIS escape. `text` begins after the `%` of the escape.
fn iis_escape(text: &str) -> Option<char> {
    let digits = text.strip_prefix(['u', 'U'])?.get(..4)?;
    // Check the digits, because `from_str_radix` also accepts a leading `+`.
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex).and_then(char::from_u32)
}

/// Decodes overlong UTF-8, which encodes an ASCII character in two to four bytes (`C0 AF` for `/`).
///
/// RFC 3629 forbids these forms, but lenient decoders accept them.
fn decode_overlong(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let (byte, after) = match rest {
            [lead @ 0xc0..=0xc1, last @ 0x80..=0xbf, after @ ..]
            | [0xe0, lead @ 0x80..=0x81, last @ 0x80..=0xbf, after @ ..]
            | [0xf0, 0x80, lead @ 0x80..=0x81, last @ 0x80..=0xbf, after @ ..] => {
                // The seven bits of an ASCII character: one from `lead`, six from `last`.
                ((lead & 1) << 6 | (last & 0x3f), after)
            }
            _ => (*first, after),
        };
        out.push(byte);
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_every_escape_of_a_slash() {
        for slash in ["%2f", "%252F", "%u002f", "%U002F", "%c0%af", "%e0%80%af", "%f0%80%80%af"] {
            assert_eq!(decode(&format!("a{slash}b")), "a/b", "{slash}");
        }
        assert_eq!(decode("%25u002f%25c0%25af"), "//");
        assert_eq!(decode("%c1%b4"), "t");
    }

    #[test]
    fn keeps_invalid_escapes() {
        for text in ["%", "%u", "%u00", "%u+02f", "%ud800", "%zz", "é/ü", "%u00é"] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(
            decode("%e9"),
            "\u{fffd}",
            "expected U+FFFD for an invalid byte, found other text"
        );
    }
}
