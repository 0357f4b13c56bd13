//! Request without its number, and the reply that the load expects.

use super::wire;

/// Number of digits in a request's number.
pub(super) const DIGITS: usize = 19;

/// A request without its number, and the expected reply.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) bytes: Vec<u8>,
    pub(super) number_at: usize,
    pub(super) status: u16,
    /// Expected body, or `None` to accept any body.
    pub(super) body: Option<&'static str>,
}

impl Template {
    /// Creates a `POST` request without its number.
    ///
    /// # Errors
    /// Returns an error if `body` contains no run of [`DIGITS`] zeros, which the number replaces.
    pub(super) fn new(path: &str, body: &str, content_type: &str) -> Result<Self, String> {
        let length = body.len();
        let mut text = format!(
            "POST {path} HTTP/1.1\r\nhost: gate.test\r\nuser-agent: bench\r\n\
             content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        let head = text.len();
        let number_at =
            body.find(&"0".repeat(DIGITS)).ok_or("expected 19 zeros, found none")? + head;
        text.push_str(body);
        Ok(Self { bytes: text.into(), number_at, status: 200, body: None })
    }

    pub(super) fn expecting(self, status: u16, body: Option<&'static str>) -> Self {
        Self { status, body, ..self }
    }

    /// Returns the length of the request.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a header that asks the server to close the connection after the reply.
    pub(super) fn closing(mut self) -> Self {
        const LINE: &[u8] = b"connection: close\r\n";
        let at = self.bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.bytes.splice(at..at, LINE.iter().copied());
        self.number_at += LINE.len();
        self
    }

    pub(super) fn write_number(&mut self, mut number: u64) {
        let end = self.number_at + DIGITS;
        for digit in self.bytes.iter_mut().take(end).skip(self.number_at).rev() {
            *digit = b"0123456789"[usize::try_from(number % 10).unwrap_or(0)];
            number /= 10;
        }
    }

    /// Describes the difference from the expected reply, or returns `None` if the reply is correct.
    pub(super) fn fault(&self, reply: &wire::Reply) -> Option<String> {
        let good = reply.status == self.status
            && self.body.is_none_or(|body| body.as_bytes() == &*reply.body);
        let body = String::from_utf8_lossy(&reply.body);
        (!good).then(|| {
            format!("expected {} {:?}, found {} {body:?}", self.status, self.body, reply.status)
        })
    }
}
