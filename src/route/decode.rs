//! What a path says once everything is undone that some server undoes.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Undoes percent-encoding (`%2f`), the escapes of IIS (`%u002f`) and overlong UTF-8 (`%c0%af`),
/// until nothing changes.
pub(super) fn decode(path: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(path);
    for _ in 0..ROUNDS {
        if !has_escape(&text) {
            break;
        }
        let next = shortest(undo_percent(&undo_iis(&text)));
        if next == *text {
            break;
        }
        text = next.into();
    }
    text
}

/// The path, and what it decodes to, once and again.
pub(super) fn decodings(path: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let again = |text: &Cow<'_, str>| {
        if !has_escape(text) {
            return None;
        }
        let next = shortest(percent_decode_str(&undo_iis(text)).collect());
        Some(Cow::Owned(next)).filter(|next| next != text)
    };
    std::iter::successors(Some(Cow::Borrowed(path)), again).take(ROUNDS + 1)
}

/// More often than any server decodes, and each time costs.
const ROUNDS: usize = 16;

/// Without one there is nothing to undo: no escape, and in UTF-8 nothing overlong.
fn has_escape(text: &str) -> bool {
    text.contains('%')
}

fn shortest(bytes: Vec<u8>) -> String {
    let shorter = |bytes: &[u8]| String::from_utf8_lossy(&shorten(bytes)).into_owned();
    String::from_utf8(bytes).unwrap_or_else(|error| shorter(error.as_bytes()))
}

/// However deep it is encoded, in one pass.
fn undo_percent(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        bytes.push(byte);
        while let [.., percent @ b'%', high, low] = &mut bytes[..]
            && let Some(decoded) = byte_of(*high, *low)
        {
            *percent = decoded;
            bytes.truncate(bytes.len() - 2);
        }
    }
    bytes
}

/// The byte that two digits stand for.
fn byte_of(high: u8, low: u8) -> Option<u8> {
    Some(digit(high)? << 4 | digit(low)?)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// `%u`, in either case, and four hex digits.
fn undo_iis(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().windows(2).any(|two| matches!(two, [b'%', b'u' | b'U'])) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        rest = if let Some(meant) = iis_escape(after) {
            out.push(meant);
            &after[5..]
        } else {
            out.push('%');
            after
        };
    }
    Cow::Owned(out + rest)
}

fn iis_escape(text: &str) -> Option<char> {
    let digits = text.strip_prefix(['u', 'U'])?.get(..4)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| hex).and_then(char::from_u32)
}

/// ASCII in more bytes than it needs, as decoders read it that do not check: `/` for `C0 AF`.
fn shorten(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let (byte, after) = match rest {
            [lead @ 0xc0..=0xc1, last @ 0x80..=0xbf, after @ ..]
            | [0xe0, lead @ 0x80..=0x81, last @ 0x80..=0xbf, after @ ..]
            | [0xf0, 0x80, lead @ 0x80..=0x81, last @ 0x80..=0xbf, after @ ..] => {
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
    fn every_escape_of_a_slash_is_one() {
        for slash in ["%2f", "%252F", "%u002f", "%U002F", "%c0%af", "%e0%80%af", "%f0%80%80%af"] {
            assert_eq!(decode(&format!("a{slash}b")), "a/b", "{slash}");
        }
        assert_eq!(decode("%25u002f%25c0%25af"), "//");
        assert_eq!(decode("%c1%b4"), "t");
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["%", "%u", "%u00", "%u+02f", "%ud800", "%zz", "é/ü", "%u00é"] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode("%e9"), "\u{fffd}", "not UTF-8, and not overlong");
    }
}
