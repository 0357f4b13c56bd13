//! The value that a signature must have for one key.

use std::borrow::Cow;

use subtle::Choice;

use crate::provider::digest::{Encoding, Output};
use crate::provider::public_key::PublicKey;
use crate::secret::Secret;

/// The value of a valid signature.
pub(super) enum Expected<'k> {
    /// The digest of the message.
    Digest(Output),
    /// A signature of this message by the platform's private key.
    Signed(Vec<u8>, &'k PublicKey),
    /// The signature of a sample.
    Signature(Vec<u8>),
    /// The key itself.
    Token(&'k Secret),
}

impl Expected<'_> {
    /// Compares the text of a signature with this value. The comparison with a [`Self::Digest`] or
    /// a [`Self::Token`] takes constant time. Returns `None` if the text does not decode, or
    /// decodes to a digest of another length. Also returns `None` if this value is a
    /// [`Self::Signature`].
    pub(super) fn compare(&self, text: &str, encoding: Option<Encoding>) -> Option<Choice> {
        match self {
            Self::Digest(digest) => {
                let given = encoding?.decode(text, digest.as_slice().len())?;
                Some(digest.ct_eq(&given))
            }
            Self::Signed(message, key) => {
                let given = encoding?.decode_bytes(text)?;
                Some(u8::from(key.verify(message, &given)).into())
            }
            Self::Signature(_) => None,
            Self::Token(token) => {
                let given = match encoding {
                    Some(encoding) => Cow::Owned(encoding.decode_bytes(text)?),
                    None => Cow::Borrowed(text.as_bytes()),
                };
                Some(u8::from(token.matches(&given)).into())
            }
        }
    }

    /// Returns the text of the signature; empty for [`Self::Signed`].
    pub(super) fn encode(&self, encoding: Option<Encoding>) -> String {
        let bytes = match self {
            Self::Digest(digest) => digest.as_slice(),
            Self::Signature(signature) => signature,
            // gatepost does not have the platform's private key.
            Self::Signed(..) => &[],
            Self::Token(token) => token.expose(),
        };
        match encoding {
            Some(encoding) => encoding.encode(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}
