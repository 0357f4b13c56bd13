//! Strict check of chunked bodies: RFC 9112, section 7.1.
//!
//! Pingora's parser, like `httparse`, accepts `5;`, `5 `, and an extension with a bare line feed.
//! An app that reads such a body differently may find the end of the request at another byte.
//! [`ChunkedBody`] checks the bytes that Pingora reads, without copying them.

/// Maximum length of the line with the size and the extensions, in bytes. Also the maximum total
/// length of the trailers.
const MAX_LINE: usize = 4096;

/// Maximum number of digits of a size.
const MAX_DIGITS: u8 = 16;

/// Error for a body whose chunks violate RFC 9112.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("expected chunks as RFC 9112 defines them, found other bytes; correct the client")]
pub(crate) struct MalformedChunks;

/// Position in a chunked body.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkedBody {
    part: Part,
    /// Size of the current chunk; within the chunk's data, the number of remaining bytes.
    size: u64,
    /// Length of the current line so far, or of the trailers.
    line: usize,
}

/// The part of a chunked body to which the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A digit of the size. The number counts the digits so far.
    Size(u8),
    /// White space or `;` after the size or an extension.
    BeforeSemicolon,
    /// White space before the name of an extension, or the first byte of the name.
    BeforeName,
    Name,
    /// White space, `=` or `;` after the name of an extension.
    AfterName,
    /// White space before the value of an extension, or the first byte of the value.
    BeforeValue,
    Value,
    Quoted,
    Escaped,
    /// `;`, white space or the end of the line after a quoted value.
    AfterQuoted,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    /// The first byte of a trailer, or the end of the body.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    LastLineFeed,
    Done,
}

impl ChunkedBody {
    pub(super) const fn new() -> Self {
        Self { part: Part::Size(0), size: 0, line: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// Checks the next bytes of the connection. Returns the number of bytes that belong to the
    /// body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, MalformedChunks> {
        let mut read = 0;
        while let Some(byte) = bytes.get(read).filter(|_| !self.is_done()) {
            if self.part == Part::Data {
                read += self.skip_data(bytes.len() - read);
                continue;
            }
            self.part = self.after(*byte).ok_or(MalformedChunks)?;
            self.line += 1;
            if self.line > MAX_LINE {
                return Err(MalformedChunks);
            }
            read += 1;
        }
        Ok(read)
    }

    /// Skips data of the current chunk. Returns the number of skipped bytes.
    fn skip_data(&mut self, available: usize) -> usize {
        let skipped = usize::try_from(self.size).map_or(available, |left| left.min(available));
        self.size -= skipped as u64;
        if self.size == 0 {
            self.part = Part::DataReturn;
        }
        skipped
    }

    /// Returns the part after a byte; `None` for an invalid byte.
    fn after(&mut self, byte: u8) -> Option<Part> {
        match (self.part, byte) {
            (Part::Size(digits), _) => self.after_size(digits, byte),
            (Part::SizeLineFeed, b'\n') => Some(self.start_data()),
            (Part::DataReturn, b'\r') => Some(Part::DataLineFeed),
            (Part::DataLineFeed, b'\n') => {
                *self = Self::new();
                Some(Part::Size(0))
            }
            (Part::TrailerStart, b'\r') => Some(Part::LastLineFeed),
            (Part::LastLineFeed, b'\n') => Some(Part::Done),
            (Part::TrailerStart | Part::TrailerName, byte) if is_token(byte) => {
                Some(Part::TrailerName)
            }
            (Part::TrailerName, b':') => Some(Part::TrailerValue),
            (Part::TrailerValue, b'\r') => Some(Part::TrailerLineFeed),
            (Part::TrailerValue, byte) if is_text(byte) => Some(Part::TrailerValue),
            (Part::TrailerLineFeed, b'\n') => Some(Part::TrailerStart),
            (part, byte) => after_in_extension(part, byte),
        }
    }

    fn after_size(&mut self, digits: u8, byte: u8) -> Option<Part> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            self.size = self.size.checked_mul(16)? + u64::from(digit);
            // Refuse a size with which Pingora's calculations can overflow.
            let is_size = digits < MAX_DIGITS && self.size <= u64::MAX / 2;
            return is_size.then_some(Part::Size(digits + 1));
        }
        match byte {
            _ if digits == 0 => None,
            b'\r' => Some(Part::SizeLineFeed),
            byte => after_in_extension(Part::BeforeSemicolon, byte),
        }
    }

    const fn start_data(&mut self) -> Part {
        self.line = 0;
        if self.size == 0 { Part::TrailerStart } else { Part::Data }
    }
}

fn after_in_extension(part: Part, byte: u8) -> Option<Part> {
    let is_space = matches!(byte, b' ' | b'\t');
    match (part, byte) {
        (Part::BeforeSemicolon, b';') => Some(Part::BeforeName),
        (Part::BeforeSemicolon | Part::BeforeName | Part::BeforeValue, _) if is_space => Some(part),
        (Part::BeforeName | Part::Name, byte) if is_token(byte) => Some(Part::Name),
        (Part::Name | Part::AfterName, b'=') => Some(Part::BeforeValue),
        (Part::Name | Part::AfterName, _) if is_space => Some(Part::AfterName),
        (Part::BeforeValue, b'"') => Some(Part::Quoted),
        (Part::BeforeValue | Part::Value, byte) if is_token(byte) => Some(Part::Value),
        (Part::Value | Part::AfterQuoted, _) if is_space => Some(Part::BeforeSemicolon),
        (Part::Name | Part::AfterName | Part::Value | Part::AfterQuoted, b';') => {
            Some(Part::BeforeName)
        }
        (Part::Name | Part::Value | Part::AfterQuoted, b'\r') => Some(Part::SizeLineFeed),
        (Part::Quoted, b'"') => Some(Part::AfterQuoted),
        (Part::Quoted, b'\\') => Some(Part::Escaped),
        (Part::Quoted | Part::Escaped, byte) if is_text(byte) => Some(Part::Quoted),
        _ => None,
    }
}

/// Returns true for a byte of a token: RFC 9110, section 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Returns true for a byte of a field value or of a quoted string.
const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the bytes, at most `length` of them in each call. Returns the length of the body.
    fn check(bytes: &[u8], length: usize) -> Result<usize, MalformedChunks> {
        let mut body = ChunkedBody::new();
        let mut read = 0;
        for piece in bytes.chunks(length) {
            read += body.advance(piece)?;
        }
        assert!(body.is_done(), "expected a complete body, found an incomplete body");
        Ok(read)
    }

    #[test]
    fn finds_end_of_body_for_any_number_of_bytes_per_call() {
        let body =
            "3;a=\"b\\\";\"\r\n{\r\n\r\nA ; x\t= y\r\n0123456789\r\n000\r\nx: y\r\nz:\r\n\r\n";
        let bytes = format!("{body}GET /next HTTP/1.1\r\n\r\n");
        for length in 1..bytes.len() {
            assert_eq!(check(bytes.as_bytes(), length).unwrap(), body.len(), "{length}");
        }
    }

    #[test]
    fn refuses_any_changed_byte_in_framing_of_chunked_body() {
        let body = b"2\r\nok\r\n0\r\n\r\n";
        for at in [0, 1, 2, 5, 6, 8, 9, 10, 11] {
            for byte in 0..=u8::MAX {
                let mut changed = *body;
                changed[at] = byte;
                let mut chunks = ChunkedBody::new();
                let is_done = chunks.advance(&changed).is_ok() && chunks.is_done();
                assert_eq!(is_done, byte == body[at], "{}", changed.escape_ascii());
            }
        }
    }

    #[test]
    fn limits_length_of_size_line_and_of_trailers() {
        for (start, end) in [("1;", "\r\n"), ("0\r\nx:", "\r\n\r\n")] {
            let fits = format!("{start}{}{end}", "x".repeat(MAX_LINE - 10));
            assert!(ChunkedBody::new().advance(fits.as_bytes()).is_ok());
            let long = format!("{start}{}{end}", "x".repeat(MAX_LINE));
            assert!(ChunkedBody::new().advance(long.as_bytes()).is_err());
        }
    }
}
