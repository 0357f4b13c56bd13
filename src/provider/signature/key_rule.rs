//! The keys of a signature rule: their source, format and minimum strength.

use crate::provider::digest::{Digest, Encoding, Key};
use crate::provider::locator::{Locator, SettingIndex};
use crate::secret::Secret;

/// The source and the format of the signature's key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRule {
    /// The setting that contains the key. If `None`, the key is in the template's `keys`.
    pub(crate) setting: Option<SettingIndex>,
    /// The location of the key's id. With a location, each key in the config has the form `ID:KEY`.
    /// If `None`, gatepost tries every key.
    pub(crate) named_by: Option<KeyName>,
    /// Text at the start of each key, such as `whsec_`. gatepost removes this text from an encoded
    /// key and from a public key. If a key lacks the text, `gatepost check` warns.
    pub(crate) prefix: Option<Box<str>>,
    /// The encoding of the key. If `None`, the key is the bytes of its text.
    pub(crate) encoding: Option<Encoding>,
    /// The minimum length of a key in bytes. If the platform defines a minimum, gatepost also
    /// rejects a key whose bytes are all equal.
    pub(crate) min_bytes: Option<usize>,
    /// The maximum number of letters and digits that the platform's console accepts in a key.
    pub(crate) console_chars: Option<usize>,
}

/// The location of the id of the key that signs a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyName {
    /// A claim of the token.
    Claim(Box<str>),
    Value(Locator),
}

/// The minimum length, in bytes, of a key that causes no warning. Attackers can guess shorter keys.
const MIN_SAFE_BYTES: usize = 8;

/// Returns `true` for a key of at least `min_bytes` bytes with more than one distinct byte.
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
    /// [`KeyError::Weak`] if the key is weaker than the platform permits. Returns
    /// [`KeyError::NotPublic`] if the text is not the public key that the digest needs. Returns
    /// [`KeyError::Unnamed`] if the key lacks the form `ID:KEY` that `named_by` requires.
    pub(super) fn prepare(&self, digest: Digest, secret: &Secret) -> Result<(Key, bool), KeyError> {
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

    /// Returns the prefix of the platform's keys if this key lacks the prefix.
    pub(super) fn missing_prefix(&self, secret: &Secret) -> Option<&str> {
        let prefix = self.prefix.as_deref()?;
        let (_, key) = self.split(secret).ok()?;
        (!key.expose().starts_with(prefix.as_bytes())).then_some(prefix)
    }

    /// Splits a key of the form `ID:KEY`. If `named_by` is `None`, returns the whole key and no id.
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
    pub(super) fn prepare_to_sign(&self, digest: Digest, secret: &Secret) -> Result<Key, KeyError> {
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
         definition, found another value"
    )]
    NotPublic,
    #[error(
        "expected a key in the form ID:KEY, because the platform names keys, found another form"
    )]
    Unnamed,
    #[error(
        "expected a key of at least {min_bytes} bytes that are not all equal, found a weaker key"
    )]
    Weak { min_bytes: usize },
}
