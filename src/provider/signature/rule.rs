//! The signature rules of a definition: signed parts, location, key and signed time.

use std::borrow::Cow;
use std::time::Duration;

use super::SignatureError;
use crate::json::Name;
use crate::provider::digest::{Digest, Encoding, Key, hex_of};
use crate::provider::locator::{Locator, SettingIndex};
use crate::provider::public_key::PublicAlgorithm;
use crate::secret::Secret;
use crate::time::{Timestamp, Unit};

/// The rule by which a platform signs callbacks.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) digest: Digest,
    /// The parts of the signed message.
    pub(crate) parts: Vec<Part>,
    pub(crate) order: PartOrder,
    /// The rule if the signature is a token; the message is then the token, and there are no parts.
    pub(crate) jwt: Option<Box<JwtRule>>,
    /// The location of the signature.
    pub(crate) found_in: Locator,
    /// The character between the entries, if the text at `found_in` is a list.
    pub(crate) separator: Option<char>,
    /// The text before each signature, such as `sha256=`. gatepost ignores entries without this
    /// text.
    pub(crate) prefix: Box<str>,
    /// The encoding of each signature; `None` if each is text that gatepost compares as received.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) key: KeyRule,
    /// A second digest of the same message, for keys in the format of the second digest.
    pub(crate) second: Option<Box<SecondDigest>>,
    pub(crate) time: Option<TimeRule>,
    /// Members of the body that only serve the signature. The event omits these members.
    pub(crate) consumed: Vec<Name<'static>>,
}

impl Signature {
    /// Returns `true` if the platform sends the key itself, and signs nothing.
    pub(crate) fn is_token(&self) -> bool {
        self.digest == Digest::None
    }

    /// Returns `true` if the signature protects the value at `place` against changes.
    pub(crate) fn covers(&self, place: &Locator) -> bool {
        let is_in_body = |place: &Locator| place.pointer().is_some();
        let in_body = self.covers_body() && place.each().iter().all(is_in_body);
        in_body || self.parts.iter().any(|part| part.from.place() == Some(place))
    }

    /// Returns `true` if the signature covers data of the request. The key, settings and fixed text
    /// are not such data.
    pub(crate) fn covers_request(&self) -> bool {
        self.jwt.is_some()
            || self.parts.iter().any(|part| match &part.from {
                PartSource::Claim(_) | PartSource::Key | PartSource::Literal(_) => false,
                PartSource::Value(place) => !matches!(place, Locator::Setting(..)),
                PartSource::Body
                | PartSource::FormPairs
                | PartSource::FormText
                | PartSource::Listed(_) => true,
            })
    }

    /// Returns `true` if the signature protects the whole body.
    pub(crate) fn covers_body(&self) -> bool {
        self.jwt.is_some() || self.parts.iter().any(Part::protects_body)
    }

    /// Decodes a key and prepares it for its digest. The format of the key decides between the two
    /// digests of a definition. Also returns `true` if the key is easy to guess.
    ///
    /// # Errors
    ///
    /// Returns the error of [`KeyRule::prepare`].
    pub(crate) fn prepare(&self, secret: &Secret) -> Result<(Key, bool), KeyError> {
        match self.second.as_deref().filter(|second| second.has_format_of(secret)) {
            Some(second) => second.key.prepare(second.digest, secret),
            None => self.key.prepare(self.digest, secret),
        }
    }

    /// Prepares the key with which [`Signature::sign`] signs a sample. A private key in PEM is for the
    /// digest with a public key.
    ///
    /// # Errors
    ///
    /// Returns an error if the key is not valid.
    pub(crate) fn prepare_to_sign(&self, secret: &Secret) -> Result<Key, KeyError> {
        let is_pem = secret.expose().starts_with(b"-----BEGIN");
        let is_public = |digest| matches!(digest, Digest::Public(_));
        match self.second.as_deref().filter(|second| is_pem && is_public(second.digest)) {
            Some(second) => second.key.prepare_to_sign(second.digest, secret),
            None => self.key.prepare_to_sign(self.digest, secret),
        }
    }

    /// Returns the text before a signature by this key.
    pub(super) fn prefix_for(&self, key: &Key) -> &str {
        let second = self.second.as_deref();
        second.filter(|second| second.digest == key.digest()).map_or(&self.prefix, |s| &s.prefix)
    }

    /// Sets `consumed` to the members that contain the signature and the signed time.
    ///
    /// If the signed time is only a member of a signed body, and not a separate part, `consumed`
    /// omits the time. The event then contains the time.
    pub(crate) fn with_consumed(self) -> Self {
        let time = self.time.as_ref().and_then(|time| time.from.place());
        let is_part = |place: &&Locator| self.parts.iter().any(|p| p.from.place() == Some(*place));
        let places = [Some(&self.found_in), time.filter(is_part)];
        let names = places.into_iter().flatten().flat_map(Locator::each);
        let names = names.filter_map(Locator::top_level);
        let consumed = names.cloned().collect();
        Self { consumed, ..self }
    }
}

/// A second digest of the message, such as `v1a` of Standard Webhooks beside `v1`. A key is for one of
/// the two digests, so a client cannot choose the digest.
#[derive(Clone, Debug)]
pub(crate) struct SecondDigest {
    pub(crate) digest: Digest,
    /// The text before each signature by this digest.
    pub(crate) prefix: Box<str>,
    /// The format of the keys. The prefix distinguishes them from the keys of the first digest.
    pub(crate) key: KeyRule,
}

impl SecondDigest {
    fn has_format_of(&self, secret: &Secret) -> bool {
        let prefix = self.key.prefix.as_deref();
        prefix.is_some_and(|prefix| secret.expose().starts_with(prefix.as_bytes()))
    }
}

/// The rule for a token.
#[derive(Clone, Debug)]
pub(crate) struct JwtRule {
    pub(crate) body: JwtBody,
}

/// The proof of the body in a token.
#[derive(Clone, Debug)]
pub(crate) enum JwtBody {
    /// A claim contains the digest of the body.
    Hash { claim: Box<str>, digest: Digest, encoding: Encoding },
    /// The payload is the body. The payload may also have registered claims.
    Payload,
}

/// Returns the name of the digest in a token's header (RFC 7518, 3.1); `None` if tokens do not have
/// the digest.
pub(crate) const fn algorithm(digest: Digest) -> Option<&'static str> {
    match digest {
        Digest::HmacSha256 => Some("HS256"),
        Digest::HmacSha512 => Some("HS512"),
        Digest::Public(PublicAlgorithm::RsaSha256) => Some("RS256"),
        Digest::Public(PublicAlgorithm::Ed25519) => Some("EdDSA"),
        Digest::HmacSha1
        | Digest::Md5
        | Digest::None
        | Digest::Public(PublicAlgorithm::EcdsaP256Sha256)
        | Digest::Sha1
        | Digest::Sha256 => None,
    }
}

/// The source and the format of the signature's key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRule {
    /// The setting that contains the key. If `None`, the key is in the template's `keys`.
    pub(crate) setting: Option<SettingIndex>,
    /// The location of the key's id. A key then has the form `ID:KEY`. If `None`, gatepost tries every
    /// key.
    pub(crate) named_by: Option<KeyName>,
    /// Optional text at the start of an encoded key, such as `whsec_`. gatepost removes this text.
    pub(crate) prefix: Option<Box<str>>,
    /// The encoding of the key. If `None`, the key is the bytes of its text.
    pub(crate) encoding: Option<Encoding>,
    /// The minimum length of a key in bytes, if the platform defines one. gatepost then also
    /// rejects a key whose bytes are all equal.
    pub(crate) min_bytes: Option<usize>,
}

/// The location of the id of the key that signs a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyName {
    /// A claim of the token.
    Claim(Box<str>),
    Value(Locator),
}

/// The length of a key in bytes below which gatepost warns. Attackers can guess a shorter key.
const MIN_SAFE_BYTES: usize = 8;

/// Returns `true` if a key has at least `min_bytes` bytes, and more than one distinct byte.
fn is_strong(key: &Secret, min_bytes: usize) -> bool {
    let bytes = key.expose();
    bytes.len() >= min_bytes && bytes.iter().any(|byte| Some(byte) != bytes.first())
}

impl KeyRule {
    /// Decodes a key and prepares it for `digest`. Also returns `true` if the key is easy to guess.
    ///
    /// # Errors
    ///
    /// Returns [`KeyError::Malformed`] if the key does not decode to at least one byte. Returns
    /// [`KeyError::Weak`] if the key is weaker than the platform permits.
    fn prepare(&self, digest: Digest, secret: &Secret) -> Result<(Key, bool), KeyError> {
        let (id, secret) = self.split(secret)?;
        if let Digest::Public(algorithm) = digest {
            let key = Key::public(algorithm, &self.without_prefix(&secret));
            return Ok((key.ok_or(KeyError::NotPublic)?.named(id.as_deref()), false));
        }
        let key = self.decode(&secret).ok_or(KeyError::Malformed)?;
        if let Some(min_bytes) = self.min_bytes.filter(|min_bytes| !is_strong(&key, *min_bytes)) {
            return Err(KeyError::Weak { min_bytes });
        }
        let is_weak = !is_strong(&key, MIN_SAFE_BYTES);
        Ok((digest.key(key).named(id.as_deref()), is_weak))
    }

    /// Splits a key of the form `ID:KEY` if keys have names.
    fn split(&self, secret: &Secret) -> Result<(Option<String>, Secret), KeyError> {
        if self.named_by.is_none() {
            return Ok((None, secret.clone()));
        }
        let text = std::str::from_utf8(secret.expose()).map_err(|_| KeyError::Unnamed)?;
        let (id, key) = text.split_once(':').ok_or(KeyError::Unnamed)?;
        let key = key.trim();
        if id.is_empty() || key.is_empty() {
            return Err(KeyError::Unnamed);
        }
        Ok((Some(id.to_owned()), Secret::new(key.as_bytes())))
    }

    /// Prepares the key with which [`Signature::sign`] signs a sample: for an algorithm with a
    /// public key, the private key.
    ///
    /// # Errors
    ///
    /// Returns an error if the key is not valid.
    fn prepare_to_sign(&self, digest: Digest, secret: &Secret) -> Result<Key, KeyError> {
        if let Digest::Public(algorithm) = digest {
            let (id, secret) = self.split(secret)?;
            let key = Key::private(algorithm, &secret).ok_or(KeyError::Malformed)?;
            return Ok(key.named(id.as_deref()));
        }
        self.prepare(digest, secret).map(|(key, _)| key)
    }

    fn decode(&self, secret: &Secret) -> Option<Secret> {
        let Some(encoding) = self.encoding else { return Some(secret.clone()) };
        let secret = self.without_prefix(secret);
        let text = std::str::from_utf8(secret.expose()).ok()?;
        let decoded = encoding.decode_key(text)?;
        (!decoded.is_empty()).then(|| Secret::new(decoded))
    }

    fn without_prefix(&self, secret: &Secret) -> Secret {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let stripped = secret.expose().strip_prefix(prefix.as_bytes());
        stripped.map_or_else(|| secret.clone(), Secret::new)
    }
}

/// The reason why gatepost does not accept a key. The config check appends the remedy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("expected a key in the platform's format, found a key that gatepost cannot decode")]
    Malformed,
    #[error(
        "expected a public key in PEM, hex or base64, or a certificate in PEM, for the digest of the \
         definition, found another key"
    )]
    NotPublic,
    #[error("expected a key in the form ID:KEY, because the platform names the key, found no id")]
    Unnamed,
    #[error(
        "expected a key of at least {min_bytes} bytes that are not all equal, found a weaker key"
    )]
    Weak { min_bytes: usize },
}

/// One part of the signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) from: PartSource,
    pub(crate) form: PartForm,
    /// Fixed text before the value. If an optional value is absent, the text is absent too.
    pub(crate) before: Box<str>,
    /// Permission to omit the value. If the callback has no value, the part adds nothing to the
    /// message.
    pub(crate) is_optional: bool,
}

impl Part {
    /// Returns the bytes that the part adds to the message.
    pub(super) fn encode<'t>(&self, text: Cow<'t, [u8]>) -> Cow<'t, [u8]> {
        let encoded = self.form.encode(text);
        if self.before.is_empty() {
            return encoded;
        }
        Cow::Owned([self.before.as_bytes(), &encoded].concat())
    }

    /// Returns `true` if every change of the body changes the part. A client can find another body
    /// with the same CRC-32.
    pub(crate) fn protects_body(&self) -> bool {
        self.from.is_whole_body() && self.form != PartForm::Crc32
    }
}

/// The order of the parts in the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum PartOrder {
    /// The order of the definition, without separators.
    #[default]
    AsListed,
    /// The order of the bytes, with this text between the parts.
    Sorted { separator: Box<str> },
}

/// The source of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PartSource {
    /// The body as received.
    Body,
    /// The names and values of a form without the signature field, sorted by name.
    FormPairs,
    /// The percent-decoded form body, without the signature field.
    FormText,
    /// A claim of the token.
    Claim(Box<str>),
    /// The key, for a digest other than HMAC.
    Key,
    /// Fixed text, such as a separator.
    Literal(Box<str>),
    /// The rest of the entry that starts with this text, such as `t=`, in the list of signatures.
    Listed(Box<str>),
    /// The text at this location, as received.
    Value(Locator),
}

impl PartSource {
    /// Returns `true` if the part contains every member of the body.
    pub(crate) const fn is_whole_body(&self) -> bool {
        matches!(self, Self::Body | Self::FormPairs | Self::FormText)
    }

    /// Returns the location of a `Value`, or `None` for any other source.
    pub(crate) const fn place(&self) -> Option<&Locator> {
        match self {
            Self::Value(place) => Some(place),
            Self::Body
            | Self::Claim(_)
            | Self::FormPairs
            | Self::FormText
            | Self::Key
            | Self::Literal(_)
            | Self::Listed(_) => None,
        }
    }
}

/// The form in which gatepost hashes a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PartForm {
    #[default]
    AsIs,
    Base64,
    /// The CRC-32 of IEEE 802.3 as a decimal number.
    Crc32,
    Md5Hex,
    Sha256Hex,
}

impl PartForm {
    /// The names of the forms in a definition. `AsIs` is the default and has no name.
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("base64", Self::Base64),
        ("crc32", Self::Crc32),
        ("md5-hex", Self::Md5Hex),
        ("sha256-hex", Self::Sha256Hex),
    ];

    fn encode<'t>(self, text: Cow<'t, [u8]>) -> Cow<'t, [u8]> {
        match self {
            Self::AsIs => text,
            Self::Crc32 => Cow::Owned(crc32fast::hash(&text).to_string().into_bytes()),
            Self::Base64 => Cow::Owned(Encoding::Base64.encode(&text).into_bytes()),
            Self::Md5Hex => Cow::Owned(hex_of(Digest::Md5, &text).into_bytes()),
            Self::Sha256Hex => Cow::Owned(hex_of(Digest::Sha256, &text).into_bytes()),
        }
    }
}

/// The source, unit and limits of the signed time.
#[derive(Clone, Debug)]
pub(crate) struct TimeRule {
    pub(crate) from: PartSource,
    pub(crate) unit: Unit,
    pub(crate) meaning: TimeMeaning,
    pub(crate) window: Window,
    /// Default check of the time. If `false`, gatepost checks the time only for templates that set
    /// a limit.
    pub(crate) is_enforced: bool,
    /// The seconds between the current time and the expiry in an example callback that gatepost
    /// creates; 0 for [`TimeMeaning::Sent`].
    pub(crate) lifetime_secs: i64,
}

/// The meaning of the signed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeMeaning {
    /// The time at which the callback expires.
    Expiry,
    /// The time at which the platform sent the callback.
    Sent,
}

impl TimeMeaning {
    /// The names of the meanings in a definition.
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("expiry", Self::Expiry), ("sent", Self::Sent)];

    /// Returns the config key for the window's limit in the past.
    pub(crate) const fn past_key(self) -> &'static str {
        match self {
            Self::Expiry => "grace_secs",
            Self::Sent => "max_age_secs",
        }
    }
}

/// The config key for a window's limit in the future.
pub(crate) const MAX_AHEAD_KEY: &str = "max_ahead_secs";

impl Window {
    /// Returns the longest time for which gatepost accepts one signature: the sum of both limits.
    pub(crate) fn lifetime(&self) -> Duration {
        let secs = self.past_secs.saturating_add(self.max_ahead_secs);
        Duration::from_secs(secs.max(0).unsigned_abs())
    }
}

/// The limits of the difference between the signed time and the current time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The maximum number of seconds in the past, to accept the platform's retries.
    pub(crate) past_secs: i64,
    /// The maximum number of seconds in the future, to bound the time for which a client can replay
    /// a stolen callback.
    pub(crate) max_ahead_secs: i64,
}

impl TimeRule {
    /// Returns the claim that contains the time; `None` if the signature is no token.
    pub(super) fn claim(&self) -> Option<&str> {
        if let PartSource::Claim(name) = &self.from { Some(name) } else { None }
    }

    /// Returns the window for a template that sets no limit; `None` if the definition does not
    /// enforce one.
    pub(crate) fn default_window(&self) -> Option<Window> {
        self.is_enforced.then_some(self.window)
    }

    /// Checks that the time in `text` is within the window around `now`.
    ///
    /// # Errors
    ///
    /// Returns `TimeMalformed` if `text` is not a time in the declared unit. Returns `Expired` or
    /// `TooFarAhead` if the time is outside the window.
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
            let secs_ago = secs.saturating_neg();
            return Err(SignatureError::Expired { secs_ago, accepted_secs: window.past_secs });
        }
        if secs > window.max_ahead_secs {
            let accepted_secs = window.max_ahead_secs;
            return Err(SignatureError::TooFarAhead { secs, accepted_secs });
        }
        Ok(())
    }
}
