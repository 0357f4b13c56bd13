//! Verification of callback signatures, and signing of sample callbacks.
//!
//! A signature is a digest of a message, the result of signing a message with a private key, or the
//! key itself. The message is a sequence of [`Part`]s, such as a header, the body and the key. The
//! refusal code of an invalid signature shows which condition it does not meet. gatepost checks
//! these conditions, in this order:
//!
//! 1. The callback contains the signature and all signed parts that are not optional. Alternative
//!    locations have equal values.
//! 2. The text of the signature decodes to a digest. In a list of signatures, at least one entry
//!    decodes.
//! 3. One of the keys produces one of the digests. If the platform names keys, gatepost tries only
//!    the keys with the name in the callback. Otherwise, gatepost tries every key. The comparison
//!    takes constant time, so the time until the reply reveals neither the key that matches nor the
//!    digit that differs.
//! 4. The signed time is within the [`Window`] around the current time. If there is no signed time
//!    or no window, gatepost omits this condition.
//!
//! A JSON Web Token must also meet the conditions of the module `jwt`.

mod expected;
mod jwt;
mod key_rule;
mod message;
mod part;
mod rule;
mod time_rule;
mod written_form;

use std::borrow::Cow;

use subtle::Choice;

use super::digest::Key;
use super::locator::{Locator, Received};
use crate::json::Name;
use crate::time::Timestamp;
use expected::Expected;
pub(crate) use key_rule::{KeyName, KeyRule};
pub(crate) use part::{Part, PartForm, PartOrder, PartSource};
pub(crate) use rule::{JwtBody, JwtRule, SecondDigest, Signature, algorithm};
pub(crate) use time_rule::{MAX_AHEAD_KEY, TimeMeaning, TimeRule, Window};

/// The condition that a signature does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// The callback contains no signature at `place`.
    Absent { place: String },
    /// The alternatives at `place` have different values.
    Ambiguous { place: String },
    /// The signed time is `secs_ago` seconds in the past, more than the `accepted_secs` that the
    /// window permits.
    Expired { secs_ago: i64, accepted_secs: i64 },
    /// The text of the signature does not decode to a digest. `detail` names the form that the
    /// definition sets, and the place.
    Malformed { detail: String },
    /// No key produces the signature.
    Mismatch,
    /// The callback contains no value for the signed part at `place`.
    PartMissing { place: String },
    /// The signed time is not a time in the declared unit.
    TimeMalformed,
    /// The signed time is `secs` seconds in the future, more than the `accepted_secs` that the
    /// window permits.
    TooFarAhead { secs: i64, accepted_secs: i64 },
}

impl SignatureError {
    /// Returns the location of the missing or ambiguous value, for a message to the operator. For
    /// an error without a location, returns `the signature`.
    pub(crate) fn place(&self) -> &str {
        match self {
            Self::Absent { place } | Self::Ambiguous { place } | Self::PartMissing { place } => {
                place
            }
            Self::Expired { .. }
            | Self::Malformed { .. }
            | Self::Mismatch
            | Self::TimeMalformed
            | Self::TooFarAhead { .. } => "the signature",
        }
    }
}

/// The maximum number of signatures in a callback that gatepost compares for each key, to bound the
/// work.
const MAX_CANDIDATES: usize = 16;

impl Signature {
    /// Verifies the signature of a callback.
    ///
    /// If `window` is `None`, the window of the definition applies.
    ///
    /// # Errors
    ///
    /// Returns the error for the first condition that the signature does not meet.
    pub(crate) fn verify(
        &self,
        received: &Received<'_>,
        keys: &[Key],
        window: Option<Window>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let signature_text = self.signature_text(received)?;
        if let Some(rule) = &self.jwt {
            self.check_token(rule, received, &signature_text, now)?;
        }
        let (mut matched, mut decodes, mut has_key) = (Choice::from(0), false, false);
        for key in keys {
            if !self.names_key(received, &signature_text, key) {
                continue;
            }
            has_key = true;
            let expected = self.expected(received, &signature_text, key)?;
            for is_match in self.comparisons(&signature_text, key, &expected) {
                // Not `||`, which short-circuits: the duration must not reveal which key matches.
                matched |= is_match;
                decodes = true;
            }
        }
        if !bool::from(matched) {
            // If no key applies, report `Mismatch` even for text that does not decode.
            let is_malformed = has_key && !decodes;
            return Err(if is_malformed { self.malformed() } else { SignatureError::Mismatch });
        }
        let Some(time) = &self.time else { return Ok(()) };
        let Some(window) = window.or(time.default_window()) else { return Ok(()) };
        let text = self.signed_time(time, received, &signature_text);
        time.check(text.as_deref(), window, now)
    }

    /// Returns the signed values of the request, such as headers, query parameters and members of
    /// the body.
    ///
    /// Omits all other parts, such as the whole body, the key, settings and fixed text.
    pub(crate) fn covered_values<'p>(
        &'p self,
        received: &Received<'p>,
    ) -> impl Iterator<Item = Cow<'p, [u8]>> {
        let places = self.parts.iter().filter_map(|part| part.from.place());
        let values = places.filter(|place| !matches!(place, Locator::Setting(..)));
        let bytes = |text: Cow<'p, str>| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        values.filter_map(move |place| place.text(received)).map(bytes)
    }

    /// Returns the locators of the signature and of each signed value.
    pub(crate) fn locators(&self) -> impl Iterator<Item = &Locator> {
        let sources = self.parts.iter().map(|part| &part.from);
        let sources = sources.chain(self.time.as_ref().map(|time| &time.from));
        sources.filter_map(PartSource::place).chain([&self.found_in])
    }

    /// Returns `true` if `name` is a member of the body that serves only the signature. The event
    /// omits this member.
    pub(crate) fn consumes(&self, name: &Name<'_>) -> bool {
        self.consumed.iter().any(|consumed| consumed == name)
    }

    /// Returns the text at `found_in`: a signature or a list of signatures.
    fn signature_text<'r>(&self, received: &Received<'r>) -> Result<Cow<'r, str>, SignatureError> {
        let absent = |place| SignatureError::Absent { place };
        value(&self.found_in, received, absent)
    }

    /// Returns the entries of a list of signatures. If the definition sets no separator, returns
    /// the whole text as the only entry.
    fn entries<'g>(&self, text: &'g str) -> impl Iterator<Item = &'g str> + use<'g> {
        let mut whole = self.separator.is_none().then_some(text).into_iter();
        let mut split = self.separator.map(|separator| text.split(separator).map(str::trim));
        std::iter::from_fn(move || whole.next().or_else(|| split.as_mut()?.next()))
    }

    /// Compares the first [`MAX_CANDIDATES`] signatures in the text. Skips entries without the
    /// prefix of a signature by this key, and entries that do not decode.
    fn comparisons<'g>(
        &'g self,
        text: &'g str,
        key: &'g Key,
        expected: &'g Expected<'_>,
    ) -> impl Iterator<Item = Choice> + 'g {
        let prefix = self.prefix_for(key);
        self.entries(text)
            .filter_map(move |entry| entry.strip_prefix(prefix))
            .take(MAX_CANDIDATES)
            .filter_map(|entry| match &self.jwt {
                None => Some(entry),
                Some(_) => entry.rsplit_once('.').map(|(_, signature)| signature),
            })
            .filter_map(|entry| expected.compare(entry, self.encoding))
    }

    /// Returns the value that the signature must have if the platform has this key.
    fn expected<'k>(
        &self,
        received: &Received<'_>,
        signature_text: &str,
        key: &'k Key,
    ) -> Result<Expected<'k>, SignatureError> {
        if self.is_token() {
            return Ok(Expected::Token(key.secret()));
        }
        let input = self.message(received, signature_text, key)?;
        if let Some(public) = key.as_public() {
            return Ok(Expected::Signed(input.into_message(), public));
        }
        if let Some(private) = key.as_private() {
            let signature = private.sign(&input.into_message());
            return Ok(Expected::Signature(signature.unwrap_or_default()));
        }
        Ok(Expected::Digest(input.finish()))
    }

    /// Signs a callback, and returns the text to insert at `found_in`.
    ///
    /// If the signed time is an entry of a list of signatures, or a claim of a token, adds `time`
    /// there. Otherwise, ignores `time`: `received` must already contain the signed time.
    ///
    /// # Errors
    ///
    /// Returns an error if a signed part is missing.
    pub(crate) fn sign(
        &self,
        received: &Received<'_>,
        key: &Key,
        time: &str,
    ) -> Result<String, SignatureError> {
        let separator = self.separator.map(String::from).unwrap_or_default();
        let mut text = match self.time.as_ref().map(|time| &time.from) {
            Some(PartSource::Listed(name)) => format!("{name}{time}{separator}"),
            _ => String::new(),
        };
        text.push_str(self.prefix_for(key));
        if let Some(rule) = &self.jwt {
            text.push_str(&self.new_token(rule, received, key, time));
            text.push('.');
        }
        let expected = self.expected(received, &text, key)?;
        text.push_str(&expected.encode(self.encoding));
        Ok(text)
    }

    /// Returns the index of the first key that produces the signature; `None` if no key does.
    pub(crate) fn matching_key(&self, received: &Received<'_>, keys: &[Key]) -> Option<usize> {
        let text = self.signature_text(received).ok()?;
        let covers_body = self.jwt.as_ref().is_none_or(|rule| {
            self.token(&text).is_some_and(|token| rule.body.matches(&token, received.raw))
        });
        keys.iter().filter(|_| covers_body).position(|key| {
            let expected = self.expected(received, &text, key);
            let is_match =
                |expected: Expected<'_>| self.comparisons(&text, key, &expected).any(bool::from);
            self.names_key(received, &text, key) && expected.is_ok_and(is_match)
        })
    }

    /// Returns the text of the signed time.
    fn signed_time<'p>(
        &'p self,
        rule: &'p TimeRule,
        received: &Received<'p>,
        signature_text: &'p str,
    ) -> Option<Cow<'p, str>> {
        match self.part_bytes(&rule.from, received, signature_text).ok()? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    /// Returns the text of the signed time, for a message to the operator.
    pub(crate) fn time_text(&self, received: &Received<'_>) -> Option<String> {
        let text = self.signature_text(received).ok()?;
        self.signed_time(self.time.as_ref()?, received, &text).map(Cow::into_owned)
    }
}

/// Returns the text at `place`.
///
/// # Errors
///
/// Returns `missing` for a `place` without a text, and `Ambiguous` for alternatives with different
/// values.
fn value<'r>(
    place: &Locator,
    received: &Received<'r>,
    missing: impl FnOnce(String) -> SignatureError,
) -> Result<Cow<'r, str>, SignatureError> {
    place.text(received).ok_or_else(|| {
        let differs = matches!(place, Locator::OneOf(_)) && !place.is_absent(received);
        let place = place.to_string();
        if differs { SignatureError::Ambiguous { place } } else { missing(place) }
    })
}

#[cfg(test)]
mod published_digests;
#[cfg(test)]
mod tests;
