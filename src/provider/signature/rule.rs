//! What a definition says of signatures: the parts, the place, the key, and the time.

use std::borrow::Cow;
use std::time::Duration;

use super::SignatureError;
use crate::json::Name;
use crate::provider::digest::{Digest, Encoding, Key, hex_of};
use crate::provider::locator::{Locator, SettingIndex};
use crate::secret::Secret;
use crate::time::{Timestamp, Unit};

/// How a provider signs.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) digest: Digest,
    pub(crate) parts: Vec<Part>,
    pub(crate) found_in: Locator,
    /// Splits what is found into several signatures, or into a list of named values.
    pub(crate) separator: Option<char>,
    /// Stands before the signature, as in `sha256=`; other entries of a list are passed over.
    pub(crate) prefix: Box<str>,
    pub(crate) encoding: Encoding,
    pub(crate) key: KeyRule,
    pub(crate) time: Option<TimeRule>,
    /// Members of the body that belong to the signature and not to the event.
    pub(crate) consumed: Vec<Name<'static>>,
}

impl Signature {
    /// Whether what stands there cannot change without it.
    pub(crate) fn covers(&self, place: &Locator) -> bool {
        let in_body = matches!(place, Locator::Body(_)) && self.covers_body();
        in_body || self.parts.iter().any(|part| part.from.place() == Some(place))
    }

    /// Whether a callback's contents cannot change without it.
    pub(crate) fn covers_body(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.from, PartSource::Body | PartSource::FormText))
    }

    /// The signature's own place, and the time's, if that is signed by itself and not only as a part
    /// of the body.
    pub(crate) fn with_consumed(self) -> Self {
        let time = self.time.as_ref().and_then(|time| time.from.place());
        let is_part = |place: &&Locator| self.parts.iter().any(|p| p.from.place() == Some(*place));
        let places = [Some(&self.found_in), time.filter(is_part)];
        let names = places.into_iter().flatten().filter_map(Locator::top_level);
        let consumed = names.cloned().collect();
        Self { consumed, ..self }
    }
}

/// Where the key comes from, and how it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRule {
    /// The setting that holds it, instead of the template's `keys`.
    pub(crate) setting: Option<SettingIndex>,
    /// May stand before it, and is no part of it.
    pub(crate) prefix: Option<Box<str>>,
    pub(crate) encoding: Option<Encoding>,
}

impl KeyRule {
    /// A key as the platform writes it, decoded and prepared; `None` if it does not decode.
    pub(crate) fn prepare(&self, digest: Digest, secret: &Secret) -> Option<Key> {
        let Some(encoding) = self.encoding else { return Some(digest.key(secret.clone())) };
        let text = std::str::from_utf8(secret.expose()).ok()?;
        let bare = self.prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix));
        let decoded = encoding.decode_all(bare.unwrap_or(text)).filter(|key| !key.is_empty())?;
        Some(digest.key(Secret::new(decoded)))
    }
}

/// One piece of what is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) from: PartSource,
    pub(crate) form: PartForm,
}

/// Where a piece comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PartSource {
    /// The body as it came.
    Body,
    /// A form body without the signature's own field, percent-decoded.
    FormText,
    /// The secret itself, as plain digests have it.
    Key,
    /// Fixed text, such as a separator.
    Literal(Box<str>),
    /// A named value of the list that the signature stands in, as `t=`.
    Listed(Box<str>),
    /// A value's text, as received.
    Value(Locator),
}

impl PartSource {
    /// Where it stands, if it is a value.
    pub(crate) const fn place(&self) -> Option<&Locator> {
        match self {
            Self::Value(place) => Some(place),
            Self::Body | Self::FormText | Self::Key | Self::Literal(_) | Self::Listed(_) => None,
        }
    }
}

/// How a piece is written before it is hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PartForm {
    #[default]
    AsIs,
    Base64,
    Md5Hex,
    Sha256Hex,
}

impl PartForm {
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("base64", Self::Base64), ("md5-hex", Self::Md5Hex), ("sha256-hex", Self::Sha256Hex)];

    pub(super) fn write<'t>(self, text: Cow<'t, [u8]>) -> Cow<'t, [u8]> {
        match self {
            Self::AsIs => text,
            Self::Base64 => Cow::Owned(Encoding::Base64.encode(&text).into_bytes()),
            Self::Md5Hex => Cow::Owned(hex_of(Digest::Md5, &text).into_bytes()),
            Self::Sha256Hex => Cow::Owned(hex_of(Digest::Sha256, &text).into_bytes()),
        }
    }
}

/// Where the signed time stands, and what it means.
#[derive(Clone, Debug)]
pub(crate) struct TimeRule {
    pub(crate) from: PartSource,
    pub(crate) unit: Unit,
    pub(crate) meaning: TimeMeaning,
    pub(crate) window: Window,
    /// How far ahead of now the sender sets it.
    pub(crate) lifetime_secs: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeMeaning {
    /// After this moment the callback is void.
    Expiry,
    /// At this moment the callback was sent.
    Sent,
}

impl TimeMeaning {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("expiry", Self::Expiry), ("sent", Self::Sent)];

    /// What the past side of the window is called.
    pub(crate) const fn past_key(self) -> &'static str {
        match self {
            Self::Expiry => "grace_secs",
            Self::Sent => "max_age_secs",
        }
    }
}

/// What the future side of a window is called.
pub(crate) const MAX_AHEAD_KEY: &str = "max_ahead_secs";

impl Window {
    /// How long a signature can be taken, from the earliest moment to the latest.
    pub(crate) fn lifetime(&self) -> Duration {
        let secs = self.past_secs.saturating_add(self.max_ahead_secs);
        Duration::from_secs(secs.max(0).unsigned_abs())
    }
}

/// How far the signed time may lie from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// How long ago: room for the sender's retries.
    pub(crate) past_secs: i64,
    /// How far ahead: a longer life than the platform gives is a forgery to keep.
    pub(crate) max_ahead_secs: i64,
}

impl TimeRule {
    pub(crate) fn check(
        &self,
        text: Option<&str>,
        window: Window,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let text = text.ok_or(SignatureError::TimeMalformed)?;
        let at = self.unit.parse(text).ok_or(SignatureError::TimeMalformed)?;
        let secs = at.as_secs().saturating_sub(now.as_secs());
        if secs < -window.past_secs {
            return Err(SignatureError::Expired { secs_ago: secs.saturating_neg() });
        }
        if secs > window.max_ahead_secs {
            return Err(SignatureError::TooFarAhead { secs });
        }
        Ok(())
    }
}
