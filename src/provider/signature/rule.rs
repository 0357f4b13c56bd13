//! The rule by which a platform signs callbacks: digest, location and token.

use std::sync::OnceLock;

use super::key_rule::{KeyError, KeyRule};
use super::part::{Part, PartOrder, PartSource};
use super::time_rule::TimeRule;
use crate::json::Name;
use crate::provider::digest::{Digest, Encoding, Key};
use crate::provider::locator::Locator;
use crate::provider::public_key::PublicAlgorithm;
use crate::secret::Secret;

/// The rule by which a platform signs callbacks.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) digest: Digest,
    /// The parts of the signed message.
    pub(crate) parts: Vec<Part>,
    pub(crate) order: PartOrder,
    /// The rule for a signature that is a token. The message is then the signed text of the token,
    /// and there are no parts.
    pub(crate) jwt: Option<Box<JwtRule>>,
    /// The location of the signature.
    pub(crate) found_in: Locator,
    /// The character between the entries of the list at `found_in`; `None` without a list.
    pub(crate) separator: Option<char>,
    /// The text before each signature by `digest`, such as `sha256=`. For a key of `digest`,
    /// gatepost ignores entries without this text.
    pub(crate) prefix: Box<str>,
    /// The encoding of each signature; `None` if gatepost compares the text as received.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) key: KeyRule,
    /// A second digest of the same message, for keys in the format of the second digest.
    pub(crate) second: Option<Box<SecondDigest>>,
    pub(crate) time: Option<TimeRule>,
    /// Members of the body that serve only the signature. The event omits these members.
    pub(crate) consumed: Vec<Name<'static>>,
    /// The detail of the refusal of a malformed signature. The text depends only on this rule, so
    /// gatepost creates the text once, at the first such refusal.
    pub(crate) malformed: OnceLock<Box<str>>,
}

impl Signature {
    /// Returns `true` if the platform sends the key itself instead of a signature.
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
    /// are not data of the request.
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

    /// Decodes a key and prepares it for its digest. If the definition has two digests, the format
    /// of the key selects one. Also returns `true` if the key is easy to guess.
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

    /// Returns the prefix of the platform's keys if this key lacks the prefix. Returns `None` for a
    /// key of the second digest.
    pub(crate) fn missing_prefix(&self, secret: &Secret) -> Option<&str> {
        let is_second = self.second.as_deref().is_some_and(|second| second.has_format_of(secret));
        if is_second { None } else { self.key.missing_prefix(secret) }
    }

    /// Prepares the key with which [`Signature::sign`] signs a sample. A private key in PEM selects
    /// the digest with a public key.
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

/// A second digest of the message, such as `v1a` of Standard Webhooks beside `v1`. Each key is for
/// only one of the two digests, so a client cannot choose the digest.
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

/// The part of a token that must match the body.
#[derive(Clone, Debug)]
pub(crate) enum JwtBody {
    /// A claim contains the digest of the body.
    Hash { claim: Box<str>, digest: Digest, encoding: Encoding },
    /// The payload is the body. The payload may also have registered claims.
    Payload,
}

/// Returns the name of the digest in a token's header (RFC 7518, 3.1, and RFC 8037, 3.1); `None` if
/// gatepost does not accept the digest in tokens.
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
