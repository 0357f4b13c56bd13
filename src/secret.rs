//! Secrets: keys and tokens.
//!
//! A [`Secret`] zeroes its bytes on drop, prints `[redacted]` as `Debug`, and compares in constant
//! time. The type has no `Display`, so a format string cannot print a secret. The type has no
//! `PartialEq`, because the duration of `==` depends on the content.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Secret bytes.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Returns the bytes, for hashing, decoding and signing.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns `true` if `candidate` is this secret.
    ///
    /// The duration of the comparison depends only on the two lengths.
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
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    }

    #[test]
    fn matches_equal_bytes_only() {
        let secret = Secret::new("hunter2");
        assert!(secret.matches(b"hunter2"));
        for wrong in ["hunter3", "hunter", "hunter22", ""] {
            assert!(
                !secret.matches(wrong.as_bytes()),
                "expected {wrong:?} to differ, found a match"
            );
        }
    }
}
