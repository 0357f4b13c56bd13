//! A secret: a signing key or a path token.
//!
//! It is wiped from memory when it is dropped, prints as `[redacted]`, and compares in constant
//! time only. There is no `Display` and no `PartialEq`, so it cannot slip into a log line or be
//! compared byte by byte.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes that nobody may see.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes, for the one place that hashes them.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether `candidate` is this secret. The time taken depends on the lengths only.
    pub(crate) fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_slice().ct_eq(candidate).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    }

    #[test]
    fn matches_only_itself() {
        let secret = Secret::new("hunter2");
        assert!(secret.matches(b"hunter2"));
        for wrong in ["hunter3", "hunter", "hunter22", ""] {
            assert!(!secret.matches(wrong.as_bytes()), "{wrong}");
        }
    }
}
