//! Headers of events: names, constant values, and the writing of other values.

use bytes::BytesMut;
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Event;

/// Bytes that a sender must percent-encode in a CloudEvents header: the space, the double quote,
/// the percent sign, and every byte that is not printable ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const STRUCTURED: HeaderValue =
    HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
pub(super) const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

pub(crate) const CE_ID: HeaderName = HeaderName::from_static("ce-id");
pub(crate) const CE_SOURCE: HeaderName = HeaderName::from_static("ce-source");
pub(crate) const CE_SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
pub(crate) const CE_SUBJECT: HeaderName = HeaderName::from_static("ce-subject");
pub(crate) const CE_TIME: HeaderName = HeaderName::from_static("ce-time");
pub(crate) const CE_TYPE: HeaderName = HeaderName::from_static("ce-type");

/// Value of `ce-specversion`.
pub(crate) const SPECVERSION: HeaderValue = HeaderValue::from_static("1.0");

impl Event {
    /// Returns the value of `ce-id`. Writes the value into the buffer `text`, so that all header
    /// values of an event share one allocation.
    pub(crate) fn id_header(&self, text: &mut BytesMut) -> HeaderValue {
        text.extend_from_slice(self.id_digits());
        take_header(text)
    }

    /// Returns the value of `ce-subject`, written into the buffer `text`.
    pub(crate) fn subject_header(&self, text: &mut BytesMut) -> Option<HeaderValue> {
        write_encoded(self.subject.as_deref()?, text);
        Some(take_header(text))
    }

    /// Returns the value of `ce-time`, written into the buffer `text`.
    pub(crate) fn time_header(&self, text: &mut BytesMut) -> Option<HeaderValue> {
        self.time?.write_rfc3339(text).then(|| take_header(text))
    }

    /// Returns the value of `gatepost-misfits`: the paths, separated by commas. `None` if the event
    /// has no misfits.
    pub(crate) fn misfits_header(&self) -> Option<HeaderValue> {
        (!self.misfits.is_empty()).then(|| encoded_header(&self.misfits.join(",")))
    }
}

/// Encodes text as a header value by the rules of CloudEvents.
pub(crate) fn encoded_header(text: &str) -> HeaderValue {
    let mut written = BytesMut::with_capacity(text.len());
    write_encoded(text, &mut written);
    take_header(&mut written)
}

fn write_encoded(text: &str, out: &mut BytesMut) {
    for piece in utf8_percent_encode(text, ENCODED) {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// Returns a number as a header value, written into the buffer `text`.
pub(crate) fn decimal_header(number: usize, text: &mut BytesMut) -> HeaderValue {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    take_header(text)
}

/// Empties `text` and returns its content as a header value.
///
/// The value shares the memory of `text`. The unused memory remains in `text`. The content must be
/// printable ASCII, or bytes of a received header.
pub(crate) fn take_header(text: &mut BytesMut) -> HeaderValue {
    let written = HeaderValue::from_maybe_shared(text.split().freeze());
    written.unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_any_text_as_header_value() {
        assert_eq!(encoded_header("prod-live"), "prod-live");
        assert_eq!(encoded_header("直播 \"100%\"\n"), "%E7%9B%B4%E6%92%AD%20%22100%25%22%0A");
    }
}
