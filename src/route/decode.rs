//! What a path says once everything is undone that some server undoes.

use percent_encoding::percent_decode_str;

/// Undoes percent-encoding (`%2f`), the escapes of IIS (`%u002f`) and overlong UTF-8 (`%c0%af`),
/// until nothing changes.
pub(super) fn decode(path: &str) -> String {
    let again = |text: &String| {
        let next = shortest(&undo_percent(&undo_iis(text)));
        Some(next).filter(|next| next != text)
    };
    std::iter::successors(Some(path.to_owned()), again).take(ROUNDS + 1).last().unwrap_or_default()
}

/// The path, and what it decodes to, once and again.
pub(super) fn decodings(path: &str) -> impl Iterator<Item = String> {
    let again = |text: &String| {
        let bytes: Vec<u8> = percent_decode_str(&undo_iis(text)).collect();
        Some(shortest(&bytes)).filter(|next| next != text)
    };
    std::iter::successors(Some(path.to_owned()), again).take(ROUNDS + 1)
}

/// More often than any server decodes, and each time costs.
const ROUNDS: usize = 16;

fn shortest(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&shorten(bytes)).into_owned()
}

/// However deep it is encoded, in one pass.
fn undo_percent(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        bytes.push(byte);
        while let [.., b'%', high, low] = bytes[..]
            && let Some(decoded) = byte_of(high, low)
        {
            bytes.truncate(bytes.len() - 3);
            bytes.push(decoded);
        }
    }
    bytes
}

/// The byte that two digits stand for.
fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// `%u`, in either case, and four hex digits.
fn undo_iis(text: &str) -> String {
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
    out + rest
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
