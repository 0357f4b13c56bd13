//! Bytes of a captured callback: values one after the other, each after its length.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Maximum length of a body that gatepost captures completely, in bytes. The largest known callback
/// has 28,000 bytes.
pub(super) const MAX_BODY_BYTES: usize = 128 * 1024;

/// Length that marks a missing value. The values themselves are shorter, because gatepost cuts
/// long bodies.
const MISSING: u32 = u32::MAX;

const LENGTH_BYTES: usize = size_of::<u32>();

/// Writer of values.
pub(super) struct ValueWriter(Vec<u8>);

impl ValueWriter {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn put(&mut self, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.0.extend_from_slice(&length(value.len()));
        self.0.extend_from_slice(value);
    }

    pub(super) fn put_option(&mut self, value: Option<impl AsRef<[u8]>>) {
        match value {
            Some(value) => self.put(value),
            None => self.0.extend_from_slice(&MISSING.to_le_bytes()),
        }
    }

    /// Writes a value that consists of other values.
    pub(super) fn put_group(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.put(b"");
        write(self);
        let written = self.0.len() - start - LENGTH_BYTES;
        if let Some(space) = self.0.get_mut(start..start + LENGTH_BYTES) {
            space.copy_from_slice(&length(written));
        }
    }

    pub(super) fn put_headers<N, V>(&mut self, headers: impl Iterator<Item = (N, V)>)
    where
        N: AsRef<str>,
        V: AsRef<[u8]>,
    {
        self.put_group(|group| {
            for (name, value) in headers {
                group.put(name.as_ref());
                group.put(value);
            }
        });
    }

    /// Writes bytes without a length, for [`Values::rest`].
    pub(super) fn put_rest(&mut self, rest: &[u8]) {
        self.0.extend_from_slice(rest);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn length(bytes: usize) -> [u8; LENGTH_BYTES] {
    u32::try_from(bytes).unwrap_or(MISSING).to_le_bytes()
}

/// Reader of values, in the order in which [`ValueWriter`] wrote them.
#[derive(Clone, Copy)]
pub(super) struct Values<'b>(&'b [u8]);

impl<'b> Values<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the next value; `None` for a missing value and at the end.
    pub(super) fn read(&mut self) -> Option<&'b [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(value)
    }

    /// Returns the next value as text.
    pub(super) fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.read()?).ok()
    }

    /// Returns the headers that are the next value.
    pub(super) fn headers(&mut self) -> PackedHeaders<'b> {
        PackedHeaders(Self(self.read().unwrap_or_default()))
    }

    /// Returns the bytes after the values.
    pub(super) const fn rest(self) -> &'b [u8] {
        self.0
    }
}

/// Names and values of headers.
#[derive(Clone, Copy)]
pub(super) struct PackedHeaders<'b>(Values<'b>);

impl PackedHeaders<'_> {
    pub(super) fn to_map(self) -> HeaderMap {
        let parsed = |(name, value): (&str, &[u8])| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(value).ok()?))
        };
        let mut map = HeaderMap::new();
        for (name, value) in self.filter_map(parsed) {
            map.append(name, value);
        }
        map
    }
}

impl<'b> Iterator for PackedHeaders<'b> {
    type Item = (&'b str, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.text()?, self.0.read()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_in_the_order_of_writing() {
        let mut writer = ValueWriter::with_capacity(0);
        writer.put("a");
        writer.put_option(None::<&str>);
        writer.put_headers([("x-note", "1\u{1}:"), ("x-note", "")].into_iter());
        writer.put_group(|group| group.put("inner"));
        writer.put_rest(b"rest");
        let mut values = Values::new(writer.bytes());
        assert_eq!((values.text(), values.read()), (Some("a"), None));
        let headers: Vec<_> = values.headers().collect();
        assert_eq!(headers, [("x-note", &b"1\x01:"[..]), ("x-note", b"")]);
        assert_eq!(values.read().and_then(|group| Values::new(group).text()), Some("inner"));
        assert_eq!(values.rest(), b"rest");
        assert_eq!((Values::new(b"\x09\0\0\0a").read(), Values::new(b"").read()), (None, None));
    }
}
