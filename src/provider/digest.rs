//! The digests of signatures, the keys of these digests, and the text encodings of both.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding as Alphabet};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq as _};

use super::public_key::{PrivateKey, PublicAlgorithm, PublicKey};
use crate::secret::Secret;

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    HmacSha1,
    HmacSha256,
    HmacSha512,
    Md5,
    /// No digest: the platform sends the key itself.
    None,
    /// A signature by the platform's private key.
    Public(PublicAlgorithm),
    Sha1,
    Sha256,
}

impl Digest {
    /// The names of the algorithms in a definition.
    pub(crate) const WORDS: [(&'static str, Self); 10] = [
        ("ecdsa-p256-sha256", Self::Public(PublicAlgorithm::EcdsaP256Sha256)),
        ("ed25519", Self::Public(PublicAlgorithm::Ed25519)),
        ("hmac-sha1", Self::HmacSha1),
        ("hmac-sha256", Self::HmacSha256),
        ("hmac-sha512", Self::HmacSha512),
        ("md5", Self::Md5),
        ("none", Self::None),
        ("rsa-sha256", Self::Public(PublicAlgorithm::RsaSha256)),
        ("sha1", Self::Sha1),
        ("sha256", Self::Sha256),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, digest)| *digest == self).map_or("", |(name, _)| name)
    }

    /// Returns `true` for an HMAC.
    pub(crate) const fn is_keyed(self) -> bool {
        matches!(self, Self::HmacSha1 | Self::HmacSha256 | Self::HmacSha512)
    }

    /// Returns `true` for an HMAC and for a signature by a private key, which do not hash the key
    /// as part of the message.
    pub(crate) const fn signs_parts(self) -> bool {
        self.is_keyed() || matches!(self, Self::Public(_))
    }

    /// Prepares a key. gatepost then computes the HMAC key schedule only once, not for each
    /// message.
    pub(crate) fn key(self, secret: Secret) -> Key {
        // `new_from_slice` never fails for an HMAC, which accepts keys of any length.
        let keyed = match self {
            Self::HmacSha1 => Hmac::new_from_slice(secret.expose()).ok().map(Keyed::Sha1),
            Self::HmacSha256 => Hmac::new_from_slice(secret.expose()).ok().map(Keyed::Sha256),
            Self::HmacSha512 => {
                Hmac::new_from_slice(secret.expose()).ok().map(|m| Keyed::Sha512(Box::new(m)))
            }
            Self::Md5 | Self::None | Self::Public(_) | Self::Sha1 | Self::Sha256 => None,
        };
        Key { digest: self, secret, keyed, id: None }
    }

    /// Returns the digest of `bytes` for an algorithm without a key.
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut message = self.key(Secret::new([])).start();
        message.update(bytes);
        message.finish().as_slice().to_vec()
    }

    /// Returns the length of the output in bytes; 0 for `None` and for `Public`.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::HmacSha1 | Self::Sha1 => 20,
            Self::HmacSha256 | Self::Sha256 => 32,
            Self::HmacSha512 => 64,
            Self::Md5 => 16,
            Self::None | Self::Public(_) => 0,
        }
    }
}

/// A key in the form that its digest needs.
#[derive(Clone)]
pub(crate) struct Key {
    digest: Digest,
    secret: Secret,
    keyed: Option<Keyed>,
    /// The id of the key; `None` if signatures do not name their key.
    id: Option<Box<str>>,
}

#[derive(Clone)]
enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Box<Hmac<Sha512>>),
    Private(PrivateKey),
    Public(PublicKey),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Key {
    /// Returns the secret, for a digest that hashes the key as part of the message.
    pub(crate) const fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns true if the key can also create signatures: a public key can only verify them.
    pub(crate) const fn can_sign(&self) -> bool {
        !matches!(self.keyed, Some(Keyed::Public(_)))
    }

    /// Sets the id of the key.
    pub(crate) fn named(self, id: Option<&str>) -> Self {
        Self { id: id.map(Into::into), ..self }
    }

    /// Returns the id of the key; `None` if signatures do not name their key.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Reads a public key. Returns `None` if the text is not a key for the algorithm.
    pub(crate) fn public(algorithm: PublicAlgorithm, text: &Secret) -> Option<Self> {
        let key = PublicKey::read(algorithm, text)?;
        let keyed = Some(Keyed::Public(key));
        Some(Self { digest: Digest::Public(algorithm), secret: text.clone(), keyed, id: None })
    }

    /// Reads a private key, to sign a sample.
    pub(crate) fn private(algorithm: PublicAlgorithm, text: &Secret) -> Option<Self> {
        let key = PrivateKey::read(algorithm, text)?;
        let keyed = Some(Keyed::Private(key));
        Some(Self { digest: Digest::Public(algorithm), secret: text.clone(), keyed, id: None })
    }

    /// Returns the public key; `None` for any other key.
    pub(crate) const fn as_public(&self) -> Option<&PublicKey> {
        match &self.keyed {
            Some(Keyed::Public(key)) => Some(key),
            _ => None,
        }
    }

    /// Returns the private key, which signs samples; `None` for any other key.
    pub(crate) const fn as_private(&self) -> Option<&PrivateKey> {
        match &self.keyed {
            Some(Keyed::Private(key)) => Some(key),
            _ => None,
        }
    }

    /// Starts the digest of a message.
    pub(crate) fn start(&self) -> DigestInput {
        match (&self.keyed, self.digest) {
            (Some(Keyed::Sha1(mac)), _) => DigestInput::HmacSha1(mac.clone()),
            (Some(Keyed::Sha256(mac)), _) => DigestInput::HmacSha256(mac.clone()),
            (Some(Keyed::Sha512(mac)), _) => DigestInput::HmacSha512(mac.clone()),
            (Some(Keyed::Private(_) | Keyed::Public(_)), _) => DigestInput::Message(Vec::new()),
            (None, Digest::Md5) => DigestInput::Md5(Md5::new()),
            (None, Digest::Sha1) => DigestInput::Sha1(Sha1::new()),
            (None, _) => DigestInput::Sha256(Sha256::new()),
        }
    }
}

/// The state of an unfinished digest.
pub(crate) enum DigestInput {
    HmacSha1(Hmac<Sha1>),
    HmacSha256(Hmac<Sha256>),
    HmacSha512(Box<Hmac<Sha512>>),
    /// The whole message, for an algorithm with a public key.
    Message(Vec<u8>),
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl DigestInput {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::HmacSha1(mac) => mac.update(bytes),
            Self::HmacSha256(mac) => mac.update(bytes),
            Self::HmacSha512(mac) => mac.update(bytes),
            Self::Message(message) => message.extend_from_slice(bytes),
            Self::Md5(hash) => hash.update(bytes),
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    /// Returns the message for an algorithm with a public key; no bytes for any other algorithm.
    pub(crate) fn into_message(self) -> Vec<u8> {
        match self {
            Self::Message(message) => message,
            Self::HmacSha1(_)
            | Self::HmacSha256(_)
            | Self::HmacSha512(_)
            | Self::Md5(_)
            | Self::Sha1(_)
            | Self::Sha256(_) => Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Output {
        match self {
            Self::HmacSha1(mac) => Output::of(&mac.finalize().into_bytes()),
            Self::HmacSha256(mac) => Output::of(&mac.finalize().into_bytes()),
            Self::HmacSha512(mac) => Output::of(&mac.finalize().into_bytes()),
            // A message has no digest: `into_message` returns its bytes.
            Self::Message(_) => Output::of(&[]),
            Self::Md5(hash) => Output::of(&hash.finalize()),
            Self::Sha1(hash) => Output::of(&hash.finalize()),
            Self::Sha256(hash) => Output::of(&hash.finalize()),
        }
    }
}

/// The length of the longest digest output, in bytes.
const MAX_LEN: usize = 64;

/// The output of a digest, stored inline to avoid an allocation for each key.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Output {
    fn of(value: &[u8]) -> Self {
        let mut bytes = [0; MAX_LEN];
        let len = value.len().min(MAX_LEN);
        bytes[..len].copy_from_slice(&value[..len]);
        Self { bytes, len }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Compares two outputs in constant time.
    pub(crate) fn ct_eq(&self, other: &Self) -> Choice {
        self.as_slice().ct_eq(other.as_slice())
    }
}

/// A text encoding of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Base64,
    Base64Url,
    /// Base64url. `encode` writes no padding. In every base64 encoding, decoding accepts text with
    /// and without padding.
    Base64UrlUnpadded,
    Hex,
}

impl Encoding {
    /// The names of the encodings in a definition.
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("base64", Self::Base64),
        ("base64url", Self::Base64Url),
        ("base64url-unpadded", Self::Base64UrlUnpadded),
        ("hex", Self::Hex),
    ];

    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => BASE64.encode(bytes),
            Self::Base64Url => BASE64URL.encode(bytes),
            Self::Base64UrlUnpadded => BASE64URL_NOPAD.encode(bytes),
            Self::Hex => HEXLOWER.encode(bytes),
        }
    }

    /// Decodes a digest output of `len` bytes. Returns `None` for invalid text, and for output of
    /// any other length.
    pub(crate) fn decode(self, text: &str, len: usize) -> Option<Output> {
        let (alphabet, text) = self.alphabet_and_digits(text);
        let mut output = Output { bytes: [0; MAX_LEN], len };
        let buffer = output.bytes.get_mut(..alphabet.decode_len(text.len()).ok()?)?;
        let written = alphabet.decode_mut(text.as_bytes(), buffer).ok()?;
        (written == len).then_some(output)
    }

    /// Decodes bytes of any length. Returns `None` for invalid text. Text with a set bit after the
    /// last whole byte is also invalid, so that two texts that differ only in such bits do not
    /// decode to the same bytes.
    pub(crate) fn decode_bytes(self, text: &str) -> Option<Vec<u8>> {
        let (alphabet, text) = self.alphabet_and_digits(text);
        alphabet.decode(text.as_bytes()).ok()
    }

    /// Decodes a key.
    ///
    /// Ignores bits after the last whole byte. Some platforms generate keys from random base64
    /// digits, and the Standard Webhooks library for Python accepts such keys.
    pub(crate) fn decode_key(self, text: &str) -> Option<Vec<u8>> {
        let (alphabet, text) = self.alphabet_and_digits(text);
        let mut lenient = alphabet.specification();
        lenient.check_trailing_bits = false;
        lenient.encoding().ok()?.decode(text.as_bytes()).ok()
    }

    /// Returns the alphabet to decode with, and the text without padding.
    fn alphabet_and_digits(self, text: &str) -> (Alphabet, &str) {
        match self {
            Self::Base64 => (BASE64_NOPAD, text.trim_end_matches('=')),
            Self::Base64Url | Self::Base64UrlUnpadded => {
                (BASE64URL_NOPAD, text.trim_end_matches('='))
            }
            Self::Hex => (HEXLOWER_PERMISSIVE, text),
        }
    }
}

/// Returns the digest of `bytes` in hex: MD5 for `Digest::Md5`, SHA-256 for any other.
pub(crate) fn hex_of(digest: Digest, bytes: &[u8]) -> String {
    let mut message = if digest == Digest::Md5 {
        DigestInput::Md5(Md5::new())
    } else {
        DigestInput::Sha256(Sha256::new())
    };
    message.update(bytes);
    Encoding::Hex.encode(message.finish().as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_key_with_or_without_padding_and_ignores_surplus_bits() {
        let decoded = |text: &str| Encoding::Base64.decode_key(text);
        assert_eq!(decoded("TUs="), decoded("TUs"));
        assert_eq!(decoded("TUs"), Some(b"MK".to_vec()));
        // In `TUt`, a bit after the second byte is set.
        assert_eq!(decoded("TUt"), Some(b"MK".to_vec()));
        for damaged in ["TUsT?", "T", "TU s"] {
            assert_eq!(decoded(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn does_not_decode_signature_with_surplus_bits() {
        let digest = BASE64_NOPAD.encode(&[0xff; 32]);
        assert!(Encoding::Base64.decode(&digest, 32).is_some());
        let surplus = format!("{}9", &digest[..42]);
        assert!(Encoding::Base64.decode(&surplus, 32).is_none());
    }
}
