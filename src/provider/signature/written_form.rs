//! The form in which a platform writes its signatures, for messages to the operator.

use super::{PartSource, Signature, SignatureError};
use crate::provider::digest::{Digest, Encoding};
use crate::provider::public_key::PublicAlgorithm;
use crate::provider::signature::algorithm;

impl Signature {
    /// Returns the error for a text that does not have the form that the definition sets.
    #[cold]
    pub(super) fn malformed(&self) -> SignatureError {
        let detail = self.malformed.get_or_init(|| {
            let (form, place) = (self.written_form(), &self.found_in);
            format!("expected `{form}` at {place}, found another form").into()
        });
        SignatureError::Malformed { detail: String::from(&**detail) }
    }

    /// Returns the form of the text at `found_in`, such as `t=…,v1=<64 hex digits>`.
    fn written_form(&self) -> String {
        let mut entries: Vec<_> = Vec::new();
        for part in &self.parts {
            if let PartSource::Listed(name) = &part.from {
                entries.push(format!("{name}…"));
            }
        }
        let mut signature = format!("{}{}", self.prefix, self.form_of(self.digest));
        if let Some(second) = &self.second {
            signature.push_str(&format!("` or `{}{}", second.prefix, self.form_of(second.digest)));
        }
        entries.push(signature);
        let separator = self.separator.map(String::from).unwrap_or_default();
        entries.join(&separator)
    }

    /// Returns the form of a signature by this digest, without the prefix.
    fn form_of(&self, digest: Digest) -> String {
        if self.jwt.is_some() {
            let algorithm = algorithm(digest).unwrap_or_default();
            return format!("<JSON Web Token with the algorithm {algorithm}>");
        }
        let is_ed25519 = matches!(digest, Digest::Public(PublicAlgorithm::Ed25519));
        let bytes = if is_ed25519 { 64 } else { digest.len() };
        let encoding = match self.encoding {
            None => return "<key>".to_owned(),
            Some(Encoding::Hex) if bytes > 0 => return format!("<{} hex digits>", 2 * bytes),
            Some(Encoding::Hex) => return "<hex digits>".to_owned(),
            Some(Encoding::Base64) => "base64",
            Some(Encoding::Base64Url | Encoding::Base64UrlUnpadded) => "base64url",
        };
        match (bytes, digest) {
            (_, Digest::None) => format!("<{encoding} of the key>"),
            (0, _) => format!("<{encoding}>"),
            (bytes, _) => format!("<{encoding} of {bytes} bytes>"),
        }
    }
}
