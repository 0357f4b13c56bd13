//! The message that a platform signs: the signed parts, in the order that the definition sets.

use std::borrow::Cow;
use std::cmp::Ordering;

use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeGreater as _};

use super::{Part, PartForm, PartOrder, PartSource, Signature, SignatureError, value};
use crate::json::{Name, Value};
use crate::provider::digest::{DigestInput, Key};
use crate::provider::locator::{Locator, Received};

impl Signature {
    /// Starts a digest with `key`, and adds the signed message of the callback.
    pub(super) fn message(
        &self,
        received: &Received<'_>,
        signature_text: &str,
        key: &Key,
    ) -> Result<DigestInput, SignatureError> {
        let mut message = key.start();
        if self.jwt.is_some() {
            let token = self.token(signature_text).ok_or_else(|| self.malformed())?;
            message.update(token.signed.as_bytes());
        }
        let bytes = |part| self.bytes_with_key(part, received, signature_text, key);
        match &self.order {
            PartOrder::AsListed => {
                for part in &self.parts {
                    if let Some(bytes) = bytes(part)? {
                        message.update(&bytes);
                    }
                }
            }
            PartOrder::Sorted { separator } => {
                let parts: Result<Vec<_>, _> =
                    self.parts.iter().filter_map(|part| bytes(part).transpose()).collect();
                let mut parts = parts?;
                parts.sort_by(|one, other| compare(one, other));
                for (index, bytes) in parts.iter().enumerate() {
                    if index > 0 {
                        message.update(separator.as_bytes());
                    }
                    message.update(bytes);
                }
            }
        }
        Ok(message)
    }

    /// Returns the bytes of a part in its form; `None` for an optional part that is absent.
    fn bytes_with_key<'p>(
        &'p self,
        part: &'p Part,
        received: &Received<'p>,
        signature_text: &'p str,
        key: &'p Key,
    ) -> Result<Option<Cow<'p, [u8]>>, SignatureError> {
        if part.is_absent(received) {
            return Ok(None);
        }
        let bytes = if part.from == PartSource::Key {
            Cow::Borrowed(key.secret().expose())
        } else {
            self.part_bytes(&part.from, received, signature_text)?
        };
        Ok(Some(part.encode(bytes)))
    }

    /// Returns the bytes of a part. Returns no bytes for the key, because `bytes_with_key` adds the
    /// key.
    pub(super) fn part_bytes<'p>(
        &'p self,
        source: &'p PartSource,
        received: &Received<'p>,
        signature_text: &'p str,
    ) -> Result<Cow<'p, [u8]>, SignatureError> {
        let bytes = |text: Cow<'p, str>| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let missing = |place: String| SignatureError::PartMissing { place };
        match source {
            PartSource::Body => Ok(Cow::Borrowed(received.raw)),
            PartSource::FormPairs => self.form_pairs(received).map(Cow::Owned),
            PartSource::FormText => Ok(Cow::Owned(self.form_text(received.raw))),
            PartSource::Claim(name) => {
                let claim = self.token(signature_text).and_then(|token| token.claim(name));
                claim
                    .map(|text| Cow::Owned(text.into_bytes()))
                    .ok_or_else(|| missing(format!("claim:{name}")))
            }
            PartSource::Key => Ok(Cow::Borrowed(b"")),
            PartSource::Literal(text) => Ok(Cow::Borrowed(text.as_bytes())),
            PartSource::Listed(name) => {
                let mut entries = self.entries(signature_text);
                let value = entries.find_map(|entry| entry.strip_prefix(&**name));
                value
                    .map(str::as_bytes)
                    .map(Cow::Borrowed)
                    .ok_or_else(|| missing(format!("{name} in {}", self.found_in)))
            }
            PartSource::Value(locator) => value(locator, received, missing).map(bytes),
        }
    }

    /// Returns a form body without the signature field, percent-decoded.
    fn form_text(&self, raw: &[u8]) -> Vec<u8> {
        let is_signature =
            |name: &[u8]| self.signature_fields().any(|n| n.text().as_bytes() == name);
        let name = |field: &[u8]| field.split(|b| *b == b'=').next().is_some_and(is_signature);
        let fields = raw.split(|byte| *byte == b'&').filter(|field| !name(field));
        let text = fields.collect::<Vec<_>>().join(&b'&');
        // Replace `+` before percent-decoding, to keep an encoded `+` (`%2B`).
        let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        percent_encoding::percent_decode(&spaced).collect()
    }

    /// Returns the concatenated names and values of a form without the signature field, sorted by
    /// name.
    ///
    /// # Errors
    ///
    /// Returns an error if the body is not a form.
    fn form_pairs(&self, received: &Received<'_>) -> Result<Vec<u8>, SignatureError> {
        let members = received.object.members();
        let members = members.filter(|m| !self.signature_fields().any(|name| *name == m.name));
        let pairs: Option<Vec<_>> = members
            .map(|member| match &member.value {
                Value::Text(text) => Some((member.name.text(), &**text)),
                Value::Json(_) => None,
            })
            .collect();
        let missing = || SignatureError::PartMissing { place: "the fields of a form".to_owned() };
        let mut pairs = pairs.filter(|_| !received.object.is_absent).ok_or_else(missing)?;
        pairs.sort_unstable();
        Ok(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect::<String>().into())
    }

    /// Returns the names of the fields that may contain the signature.
    fn signature_fields(&self) -> impl Iterator<Item = &Name<'static>> {
        self.found_in.each().iter().filter_map(Locator::top_level)
    }

    /// Returns a description of the signed message for the operator. The description hides keys,
    /// settings, targets and bodies. For a JSON Web Token, returns the signed text.
    ///
    /// # Errors
    ///
    /// Returns an error for a missing signature, a missing signed part or a malformed token.
    pub(crate) fn string_to_sign(&self, received: &Received<'_>) -> Result<String, SignatureError> {
        let signature_text = self.signature_text(received)?;
        if self.is_token() {
            return Ok("[key]".to_owned());
        }
        if self.jwt.is_some() {
            let token = self.token(&signature_text).ok_or_else(|| self.malformed())?;
            return Ok(token.signed.to_owned());
        }
        let present = self.parts.iter().filter(|part| !part.is_absent(received));
        let texts = present.map(|part| self.describe(part, received, &signature_text));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        Ok(match &self.order {
            PartOrder::AsListed => texts.concat(),
            PartOrder::Sorted { separator } => {
                format!("[sorted, with {separator:?} between] {}", texts.join(" "))
            }
        })
    }

    /// Returns the signed message, with the body. Hides keys and settings. Sorts a hidden part by
    /// its name, not by its text.
    ///
    /// # Errors
    ///
    /// Returns an error for a missing signature, a missing signed part or a malformed token.
    pub(crate) fn bytes_to_sign(&self, received: &Received<'_>) -> Result<Vec<u8>, SignatureError> {
        let signature_text = self.signature_text(received)?;
        if self.jwt.is_some() {
            let token = self.token(&signature_text).ok_or_else(|| self.malformed())?;
            return Ok(token.signed.as_bytes().to_vec());
        }
        let present = self.parts.iter().filter(|part| !part.is_absent(received));
        let bytes = present.map(|part| self.shown_bytes(part, received, &signature_text));
        let mut parts: Vec<_> = bytes.collect::<Result<_, _>>()?;
        Ok(match &self.order {
            PartOrder::AsListed => parts.concat(),
            PartOrder::Sorted { separator } => {
                parts.sort();
                parts.join(separator.as_bytes())
            }
        })
    }

    /// Returns the bytes of a part. For the key, returns `[key]`. For a setting, returns its name
    /// in brackets.
    fn shown_bytes<'p>(
        &'p self,
        part: &'p Part,
        received: &Received<'p>,
        signature_text: &'p str,
    ) -> Result<Cow<'p, [u8]>, SignatureError> {
        if part.from == PartSource::Key {
            return Ok(Cow::Borrowed(b"[key]"));
        }
        if let PartSource::Value(Locator::Setting(_, name)) = &part.from {
            return Ok(Cow::Owned(format!("[{name}]").into_bytes()));
        }
        Ok(part.encode(self.part_bytes(&part.from, received, signature_text)?))
    }

    fn describe(
        &self,
        part: &Part,
        received: &Received<'_>,
        signature_text: &str,
    ) -> Result<String, SignatureError> {
        Ok(match &part.from {
            PartSource::Key => "[key]".to_owned(),
            PartSource::Body if part.form == PartForm::Crc32 => {
                String::from_utf8_lossy(&part.encode(received.raw.into())).into_owned()
            }
            PartSource::Body => format!("[body of {} bytes]", received.raw.len()),
            PartSource::FormPairs => "[sorted form without the signature]".to_owned(),
            PartSource::FormText => "[form without the signature]".to_owned(),
            PartSource::Value(Locator::Setting(_, name)) => format!("[{name}]"),
            // The path may contain the secret segment of the route.
            PartSource::Value(Locator::Target) => "[target]".to_owned(),
            PartSource::Claim(_)
            | PartSource::Literal(_)
            | PartSource::Listed(_)
            | PartSource::Value(_) => {
                let bytes = self.part_bytes(&part.from, received, signature_text)?;
                String::from_utf8_lossy(&part.encode(bytes)).into_owned()
            }
        })
    }
}

impl Part {
    /// Returns `true` if the part is optional and the callback lacks the part.
    ///
    /// A value that has no text, such as an object, is not absent. A client therefore cannot add a
    /// value without text to a signed callback.
    fn is_absent(&self, received: &Received<'_>) -> bool {
        self.is_optional && self.from.place().is_some_and(|place| place.is_absent(received))
    }
}

/// Compares two texts byte by byte. Does not stop at the first difference, because one of the texts
/// may be the key.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (mut differ, mut is_greater) = (Choice::from(0), 0_u8);
    for (a, b) in one.iter().zip(other) {
        is_greater.conditional_assign(&a.ct_gt(b).unwrap_u8(), !differ);
        differ |= !a.ct_eq(b);
    }
    match (bool::from(differ), is_greater) {
        (false, _) => one.len().cmp(&other.len()),
        (true, 0) => Ordering::Less,
        (true, _) => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_texts_like_byte_slices() {
        let texts: [&[u8]; 7] = [b"", b"a", b"ab", b"b", b"ba", b"\xff", b"\0"];
        for one in texts {
            for other in texts {
                assert_eq!(compare(one, other), one.cmp(other), "{one:?} {other:?}");
            }
        }
    }
}
