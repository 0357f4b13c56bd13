//! Look-up of one member in an object that a scan has accepted.

use super::super::Json;
use super::super::plain_prefix::plain_prefix_len;
use super::Scan;

impl<'a> Scan<'a> {
    /// Finds the member `wanted` of an object. The text must be an object that a scan has accepted.
    ///
    /// Skips the other values without checking them again, so that a lookup in a large object
    /// takes little time.
    pub(in crate::json) fn find(mut self, wanted: &str) -> Option<Json<'a>> {
        self.skip_blanks();
        if self.opens_empty(b'}') {
            return None;
        }
        loop {
            self.skip_blanks();
            let name = self.name().ok()?;
            self.skip_blanks();
            self.pos += 1;
            self.skip_blanks();
            let from = self.pos;
            self.skip_value();
            if name.text() == wanted {
                return Some(Json::of(self.slice(from, self.pos)));
            }
            if !self.has_next(b'}').ok()? {
                return None;
            }
        }
    }

    /// Consumes a value, which must be valid.
    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.pos += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.pos += 1;
                }
                b',' | b':' => self.pos += 1,
                b' ' | b'\t' | b'\n' | b'\r' => self.skip_found_blanks(),
                _ => self.skip_word(),
            }
            if depth == 0 || self.pos >= self.text.len() {
                return;
            }
        }
    }

    /// Consumes a string, which must be valid.
    fn skip_string(&mut self) {
        self.pos += 1;
        self.pos += plain_prefix_len(self.rest());
        while self.peek() == b'\\' {
            self.pos += 2;
            self.pos += plain_prefix_len(self.rest());
        }
        self.pos += 1;
    }

    /// Consumes a number or a literal, which must be valid.
    fn skip_word(&mut self) {
        self.pos += 1;
        while matches!(self.peek(), b'a'..=b'z' | b'0'..=b'9' | b'.' | b'E' | b'+' | b'-') {
            self.pos += 1;
        }
    }
}
