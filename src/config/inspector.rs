//! The table `[inspector]`: the callbacks that the proxy keeps in memory for the operator.

use std::num::NonZeroUsize;

use super::{ConfigReader, positive};
use crate::toml_reader::Table;

/// Default of `keep`.
const DEFAULT_KEEP: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

/// Largest value that `keep` accepts.
pub(crate) const KEEP_CEILING: i64 = 100_000;

/// Default of `max_bytes`.
const DEFAULT_MAX_BYTES: NonZeroUsize = NonZeroUsize::new(16 * 1024 * 1024).unwrap();

/// Smallest value that `max_bytes` accepts: more than enough for one usual callback.
pub(crate) const MIN_MAX_BYTES: i64 = 1024 * 1024;

/// Largest value that `max_bytes` accepts.
pub(crate) const MAX_BYTES_CEILING: i64 = 1 << 34;

/// Settings for captured callbacks, which the proxy keeps in memory for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectorSettings {
    /// Maximum number of captured callbacks.
    pub keep: NonZeroUsize,
    /// Maximum total size in bytes of all captured callbacks.
    pub max_bytes: NonZeroUsize,
    /// Parts of a captured callback that gatepost shows.
    pub capture: Capture,
}

/// Parts of a captured callback that gatepost shows. gatepost never shows keys, tokens or
/// credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Capture {
    /// All parts, including signatures, except for keys, tokens and credentials.
    Full,
    /// All parts, except for keys, tokens, credentials, signatures, and fields whose names or
    /// definitions denote secrets.
    #[default]
    Masked,
    /// Nothing: gatepost captures no callback.
    None,
}

impl Capture {
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("full", Self::Full), ("masked", Self::Masked), ("none", Self::None)];
}

impl Default for InspectorSettings {
    fn default() -> Self {
        Self { keep: DEFAULT_KEEP, max_bytes: DEFAULT_MAX_BYTES, capture: Capture::default() }
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads `[inspector]`. `has_token` is true for a config with `admin` and a token of the admin
    /// API. If `has_token` is false, gatepost captures nothing, because no client can read a
    /// captured callback.
    pub(super) fn inspector(&self, table: &Table<'f>, has_token: bool) -> InspectorSettings {
        let default = InspectorSettings::default();
        let mut settings = match table.table("inspector") {
            None => default,
            Some(inspector) => {
                let keep = positive(&inspector, "keep", 1..=KEEP_CEILING);
                let bytes = positive(&inspector, "max_bytes", MIN_MAX_BYTES..=MAX_BYTES_CEILING);
                let word = inspector.string("capture");
                let capture = word.and_then(|word| self.word(&word, "mode", &Capture::WORDS));
                inspector.finish();
                InspectorSettings {
                    keep: keep.unwrap_or(default.keep),
                    max_bytes: bytes.unwrap_or(default.max_bytes),
                    capture: capture.unwrap_or_default(),
                }
            }
        };
        if !has_token {
            settings.capture = Capture::None;
        }
        settings
    }
}
