//! Scanning of literals, strings and numbers.

use super::super::plain_prefix::plain_prefix_len;
use super::super::surrogate::{Surrogate, surrogate};
use super::{Scan, Scanned, Stop};

impl<'a> Scan<'a> {
    pub(super) fn literal(&mut self, literal: &[u8]) -> Scanned<()> {
        let from = self.pos;
        self.pos += literal.len();
        if self.text.as_bytes().get(from..self.pos) == Some(literal) { Ok(()) } else { Err(Stop) }
    }

    /// Consumes a string. Returns true if the string has no escapes.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Scanned<bool> {
        self.pos += 1;
        self.pos += plain_prefix_len(self.rest());
        if self.peek() != b'"' {
            return self.escaped_string();
        }
        self.pos += 1;
        Ok(true)
    }

    /// Consumes the rest of a string from its first backslash.
    #[cold]
    fn escaped_string(&mut self) -> Scanned<bool> {
        while self.peek() == b'\\' {
            self.escape()?;
            self.pos += plain_prefix_len(self.rest());
        }
        if self.peek() != b'"' {
            return Err(Stop);
        }
        self.pos += 1;
        Ok(false)
    }

    /// Consumes an escape. Fails for a lone surrogate, as `serde_json` does.
    ///
    /// Decoding the string instead takes five times as long.
    fn escape(&mut self) -> Scanned<()> {
        const UNICODE_BYTES: usize = 6;
        match self.rest() {
            [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.pos += 2,
            [_, b'u', digits @ ..] => {
                let (digits, _) = digits.split_first_chunk::<4>().ok_or(Stop)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Stop);
                }
                let half = surrogate(self.rest());
                self.pos += UNICODE_BYTES;
                match (half, half.and_then(|_| surrogate(self.rest()))) {
                    (None, _) => {}
                    (Some(Surrogate::High), Some(Surrogate::Low)) => self.pos += UNICODE_BYTES,
                    (Some(_), _) => return Err(Stop),
                }
            }
            _ => return Err(Stop),
        }
        Ok(())
    }

    /// Consumes a number. Returns true for an integer of at most 18 digits other than `-0`.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Scanned<bool> {
        /// Number of digits up to which every integer fits into an `i64`.
        const SAFE_DIGITS: usize = 18;
        let is_negative = self.peek() == b'-';
        self.pos += usize::from(is_negative);
        let is_zero = self.peek() == b'0';
        let from = self.pos;
        if is_zero {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        let is_plain = self.pos - from <= SAFE_DIGITS && !(is_negative && is_zero);
        if !matches!(self.peek(), b'.' | b'e' | b'E') {
            return Ok(is_plain);
        }
        if self.peek() == b'.' {
            self.pos += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.pos += 1;
            self.pos += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        Ok(false)
    }

    /// Consumes at least one digit.
    fn digits(&mut self) -> Scanned<()> {
        let from = self.pos;
        while self.peek().is_ascii_digit() {
            self.pos += 1;
        }
        if self.pos > from { Ok(()) } else { Err(Stop) }
    }
}
