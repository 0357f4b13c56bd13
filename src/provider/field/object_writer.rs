//! Writer of a JSON object, most of whose members are copies from the text of another object.

use crate::json::Span;

/// A writer of one object. It copies most members from the text of a source object.
///
/// The writer collects adjacent members in one span, and copies the span with the commas between
/// the members.
pub(super) struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    /// The text of the source object.
    text: &'o str,
    /// The part of `text` that the writer has collected but not copied yet.
    pending: Span,
    is_empty: bool,
}

impl<'o> ObjectWriter<'o> {
    pub(super) fn begin(text: &'o str, out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, text, pending: 0..0, is_empty: true }
    }

    /// Copies the member at `span` of the source text, and returns `true`. If the span is empty,
    /// copies nothing and returns `false`.
    pub(super) fn copy(&mut self, span: &Span) -> bool {
        if span.is_empty() {
            return false;
        }
        // A single comma separates the members in one span. White space ends the span, so that the
        // writer copies no white space between members.
        let comma = self.text.as_bytes().get(self.pending.end);
        if !self.pending.is_empty() && span.start == self.pending.end + 1 && comma == Some(&b',') {
            self.pending.end = span.end;
        } else {
            self.separate();
            self.pending = span.clone();
        }
        true
    }

    /// Begins a member that the caller writes to the returned buffer.
    pub(super) fn begin_member(&mut self) -> &mut Vec<u8> {
        self.separate();
        self.out
    }

    pub(super) fn end(mut self) {
        self.flush();
        self.out.push(b'}');
    }

    fn separate(&mut self) {
        self.flush();
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
    }

    fn flush(&mut self) {
        let span = std::mem::replace(&mut self.pending, 0..0);
        self.out.extend_from_slice(self.text.as_bytes().get(span).unwrap_or_default());
    }
}
