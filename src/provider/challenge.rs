//! Challenges: callbacks by which a platform checks that a server at the callback URL responds.
//! With some challenges, the platform also checks that the server has the key.
//!
//! gatepost replies to a challenge itself, with values of the request. gatepost replies only after
//! it has verified the signature of the challenge, or a value that must equal a setting. A client
//! that freely chooses the input of an HMAC can make gatepost sign callbacks. A value in the reply
//! therefore has at most 128 characters, each a letter, a digit, `_` or `-`.

use bytes::Bytes;
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::digest::{Encoding, Key};
use super::locator::{Locator, Received};
use crate::reply::Reply;

/// The rule for the reply to a challenge.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) given: Given,
    /// Pairs of the location of a value, such as the topic of a subscription, and the setting that
    /// the value must equal.
    pub(crate) expected: Vec<(Locator, Locator)>,
}

/// The body of the reply to a challenge.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// A JSON object with these members.
    Json(Vec<(Box<str>, GivenValue)>),
    /// The value alone, as text.
    Text(GivenValue),
}

/// A value of the reply to a challenge.
#[derive(Clone, Debug)]
pub(crate) struct GivenValue {
    /// The location of the value in the request.
    pub(crate) from: Locator,
    /// The encoding of the HMAC over the value; `None` for the value itself.
    pub(crate) hmac: Option<Encoding>,
}

/// The reason why gatepost cannot reply to a challenge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChallengeError {
    /// The value at this location is empty, too long, or contains a character other than letters,
    /// digits, `_` and `-`.
    Invalid(String),
    /// The request has no value at this location.
    Missing(String),
    /// The value at this location does not equal its setting, or the setting has no value.
    Unexpected(String),
    /// The request has no signature, so gatepost cannot determine the key.
    Unsigned,
}

/// The maximum length of a value, in bytes.
const MAX_BYTES: usize = 128;

impl Challenge {
    /// Returns `true` if the reply contains an HMAC.
    pub(crate) fn uses_key(&self) -> bool {
        match &self.given {
            Given::Json(members) => members.iter().any(|(_, value)| value.hmac.is_some()),
            Given::Text(value) => value.hmac.is_some(),
        }
    }

    /// Returns the reply. `key` is the key that has produced the signature of the request.
    ///
    /// # Errors
    ///
    /// Returns an error for a missing value, for a value that does not equal its setting, and for a
    /// value that the reply must not contain. Also returns an error if the reply contains an HMAC
    /// and `key` is `None`.
    pub(crate) fn reply(
        &self,
        received: &Received<'_>,
        key: Option<&Key>,
    ) -> Result<Reply, ChallengeError> {
        for (place, setting) in &self.expected {
            let value = text_at(place, received)?;
            if setting.text(received) != Some(value) {
                return Err(ChallengeError::Unexpected(place.to_string()));
            }
        }
        match &self.given {
            Given::Text(value) => Ok(text_reply(value.read(received, key)?)),
            Given::Json(members) => {
                let read = |(name, value): &(Box<str>, GivenValue)| {
                    Ok((name.to_string(), Value::from(value.read(received, key)?)))
                };
                let members: Map<_, _> = members.iter().map(read).collect::<Result<_, _>>()?;
                let json = HeaderValue::from_static("application/json");
                Ok(Reply::new(StatusCode::OK, json, Value::from(members).to_string().into()))
            }
        }
    }
}

impl GivenValue {
    fn read(&self, received: &Received<'_>, key: Option<&Key>) -> Result<String, ChallengeError> {
        let text = text_at(&self.from, received)?;
        let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if text.is_empty() || text.len() > MAX_BYTES || !text.bytes().all(is_harmless) {
            return Err(ChallengeError::Invalid(self.from.to_string()));
        }
        let Some(encoding) = self.hmac else { return Ok(text.into_owned()) };
        let mut message = key.ok_or(ChallengeError::Unsigned)?.start();
        message.update(text.as_bytes());
        Ok(encoding.encode(message.finish().as_slice()))
    }
}

fn text_at<'r>(
    place: &Locator,
    received: &Received<'r>,
) -> Result<std::borrow::Cow<'r, str>, ChallengeError> {
    place.text(received).ok_or_else(|| ChallengeError::Missing(place.to_string()))
}

/// Returns a text reply that no browser treats as another content type.
fn text_reply(text: String) -> Reply {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let nosniff = [(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))];
    Reply { extra: Some(nosniff.into()), ..Reply::new(StatusCode::OK, plain, Bytes::from(text)) }
}
