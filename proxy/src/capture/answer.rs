//! The app's answer to the event of a captured callback.

use bytes::Bytes;
use gatepost::{Answer, Asked};
use http::StatusCode;

use super::packed::{MAX_BODY_BYTES, PackedHeaders, ValueWriter, Values};

/// Length in bytes that most answers do not exceed.
const TYPICAL_BYTES: usize = 512;

/// The app's answer to the event of a captured callback.
pub(crate) struct CapturedAnswer(ValueWriter);

/// The parts of a [`CapturedAnswer`].
pub(super) enum AnswerParts<'c> {
    /// Status, headers and body of the answer; the body is `None` if it is too long.
    Response(StatusCode, PackedHeaders<'c>, Option<&'c [u8]>),
    /// Reason for a missing or unreadable answer.
    Failed(&'c [u8]),
}

impl CapturedAnswer {
    /// Returns the answer; `None` if gatepost sends the event again on another connection.
    pub(crate) fn of(asked: &Asked) -> Option<Self> {
        match asked {
            Asked::Answered(answer) => Some(Self::of_answer(answer)),
            Asked::ConnectionClosed => None,
        }
    }

    pub(super) fn of_answer(answer: &Answer) -> Self {
        let mut values = ValueWriter::with_capacity(TYPICAL_BYTES);
        match answer {
            Answer::Response { status, headers, body } => {
                let is_short = |body: &&Bytes| headers.len() * 64 + body.len() <= MAX_BODY_BYTES;
                values.put(status.as_str());
                values.put_headers(headers.iter());
                values.put_option(body.as_ref().filter(is_short));
            }
            Answer::Unreachable(why) | Answer::Unreadable(_, why) => values.put_failure(why),
            Answer::Timeout | _ => values.put_failure("the app did not answer in time"),
        }
        Self(values)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    pub(super) fn parts(&self) -> AnswerParts<'_> {
        AnswerParts::read(self.0.bytes())
    }
}

impl ValueWriter {
    fn put_failure(&mut self, why: &str) {
        self.put_option(None::<&[u8]>);
        self.put(why);
    }
}

impl<'c> AnswerParts<'c> {
    pub(super) fn read(bytes: &'c [u8]) -> Self {
        let mut values = Values::new(bytes);
        match values.read() {
            Some(status) => Self::Response(status_of(status), values.headers(), values.read()),
            None => Self::Failed(values.read().unwrap_or_default()),
        }
    }
}

/// Reads a status of three digits.
pub(super) fn status_of(status: &[u8]) -> StatusCode {
    StatusCode::from_bytes(status).unwrap_or_default()
}
