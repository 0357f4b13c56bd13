//! JSON Web Tokens (RFC 7519) as signatures. The definition sets the algorithm. gatepost refuses a
//! token that names another algorithm, even if the signature of the token is valid. The token must
//! also contain the body, or a digest of the body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::rule::{JwtBody, JwtRule, Signature, algorithm};
use super::{KeyName, SignatureError, TimeRule};
use crate::json::{Limits, Object};
use crate::provider::digest::{Encoding, Key};
use crate::provider::locator::Received;
use crate::time::{Timestamp, Unit};

/// The claims of RFC 7519, 4.1.
const REGISTERED: [&str; 7] = ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"];

/// The tolerated difference of clocks for `nbf` and `exp`, in seconds.
const LEEWAY_SECS: i64 = 60;

/// A token whose signature is not yet verified.
pub(super) struct Token<'t> {
    /// The header and the payload, encoded: the signed text.
    pub(super) signed: &'t str,
    header: String,
    payload: String,
}

impl<'t> Token<'t> {
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (signed, _) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if text.contains('=') {
            return None;
        }
        let decode = |text| String::from_utf8(Encoding::Base64UrlUnpadded.decode_bytes(text)?).ok();
        Some(Self { signed, header: decode(header)?, payload: decode(payload)? })
    }

    /// Returns `true` if the header names this algorithm and has no `crit`, which lists extensions
    /// that the receiver must support.
    fn has_algorithm(&self, expected: &str) -> bool {
        let Ok(header) = Object::from_json_within(&self.header, Limits::CALLBACK) else {
            return false;
        };
        let algorithm = header.get("alg").and_then(|value| value.scalar());
        algorithm.as_deref() == Some(expected) && header.get("crit").is_none()
    }

    /// Returns the text of a claim that is a string or a number.
    pub(super) fn claim(&self, name: &str) -> Option<String> {
        let payload = Object::from_json_within(&self.payload, Limits::CALLBACK).ok()?;
        payload.get(name)?.scalar().map(Cow::into_owned)
    }

    fn has_valid_payload(&self) -> bool {
        Object::from_json_within(&self.payload, Limits::CALLBACK).is_ok()
    }
}

impl Signature {
    /// Returns the token in the text at `found_in`, after the prefix.
    pub(super) fn token<'t>(&self, text: &'t str) -> Option<Token<'t>> {
        Token::parse(text.strip_prefix(&*self.prefix)?)
    }

    /// Checks that a token names the algorithm of the definition and covers the body of the
    /// callback. Also checks the claims `nbf` and `exp`. Does not verify the signature.
    pub(super) fn check_token(
        &self,
        rule: &JwtRule,
        received: &Received<'_>,
        text: &str,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let token = self.token(text).ok_or_else(|| self.malformed())?;
        let is_expected = algorithm(self.digest).is_some_and(|name| token.has_algorithm(name));
        if !is_expected || !token.has_valid_payload() {
            return Err(self.malformed());
        }
        if !rule.body.matches(&token, received.raw) {
            return Err(SignatureError::Mismatch);
        }
        let secs = |name| match token.claim(name) {
            None => Ok(None),
            Some(text) => Unit::Seconds.parse(&text).map(Some).ok_or(SignatureError::TimeMalformed),
        };
        let offset = |at: Timestamp| at.as_secs().saturating_sub(now.as_secs());
        if let Some(secs) = secs("nbf")?.map(offset).filter(|secs| *secs > LEEWAY_SECS) {
            return Err(SignatureError::TooFarAhead { secs, accepted_secs: LEEWAY_SECS });
        }
        if let Some(secs) = secs("exp")?.map(offset).filter(|secs| *secs < -LEEWAY_SECS) {
            let secs_ago = secs.saturating_neg();
            return Err(SignatureError::Expired { secs_ago, accepted_secs: LEEWAY_SECS });
        }
        Ok(())
    }

    /// Returns `true` if the callback names this key or the platform names no keys.
    pub(super) fn names_key(&self, received: &Received<'_>, text: &str, key: &Key) -> bool {
        let named = match &self.key.named_by {
            None => return true,
            Some(KeyName::Claim(claim)) => {
                self.token(text).and_then(|token| token.claim(claim)).map(Cow::Owned)
            }
            Some(KeyName::Value(place)) => place.text(received),
        };
        named.is_some() && named.as_deref() == key.id()
    }

    /// Returns the signed text of a sample's token.
    pub(super) fn new_token(
        &self,
        rule: &JwtRule,
        received: &Received<'_>,
        key: &Key,
        time: &str,
    ) -> String {
        let mut claims: Map<String, Value> = match rule.body {
            JwtBody::Payload => serde_json::from_slice(received.raw).unwrap_or_default(),
            JwtBody::Hash { .. } => Map::new(),
        };
        if let (Some(KeyName::Claim(claim)), Some(id)) = (&self.key.named_by, key.id()) {
            claims.insert((**claim).into(), id.into());
        }
        if let JwtBody::Hash { claim, digest, encoding } = &rule.body {
            claims.insert((**claim).into(), encoding.encode(&digest.of(received.raw)).into());
        }
        if let Some(claim) = self.time.as_ref().and_then(TimeRule::claim) {
            let time = time.parse::<i64>().map_or_else(|_| time.into(), Value::from);
            claims.insert(claim.into(), time);
        }
        let header =
            format!(r#"{{"alg":"{}","typ":"JWT"}}"#, algorithm(self.digest).unwrap_or("none"));
        let encode = |text: &str| Encoding::Base64UrlUnpadded.encode(text.as_bytes());
        format!("{}.{}", encode(&header), encode(&Value::from(claims).to_string()))
    }
}

impl JwtBody {
    pub(super) fn matches(&self, token: &Token<'_>, body: &[u8]) -> bool {
        match self {
            Self::Hash { claim, digest, encoding } => {
                let given = token.claim(claim).and_then(|text| encoding.decode_bytes(&text));
                given.is_some_and(|given| digest.of(body).ct_eq(&given).into())
            }
            Self::Payload => {
                std::str::from_utf8(body).is_ok_and(|body| is_body(&token.payload, body))
            }
        }
    }
}

type Members<'t> = BTreeMap<Cow<'t, str>, &'t RawValue>;

/// Returns `true` if a payload has all members of the body, with equal values, and no other members
/// except for registered claims.
fn is_body(payload: &str, body: &str) -> bool {
    let read = |text| serde_json::from_str::<Members<'_>>(text).ok();
    let Some((payload, body)) = read(payload).zip(read(body)) else { return false };
    let is_in_body = |name: &str| body.contains_key(name) || REGISTERED.contains(&name);
    payload.keys().all(|name| is_in_body(name))
        && body.iter().all(|(name, value)| {
            payload.get(name).is_some_and(|other| is_equal(value.get(), other.get()))
        })
}

/// Returns `true` if two JSON texts are equal, except for white space, the order of members and the
/// escapes of strings. Numbers must have the same text, because programs round long numbers
/// differently.
fn is_equal(one: &str, other: &str) -> bool {
    fn both<'t, T: serde::Deserialize<'t>>(one: &'t str, other: &'t str) -> Option<(T, T)> {
        Some((serde_json::from_str(one).ok()?, serde_json::from_str(other).ok()?))
    }
    match one.as_bytes().first() {
        Some(b'{') => both::<Members<'_>>(one, other).is_some_and(|(a, b)| {
            a.len() == b.len()
                && a.iter().all(|(name, value)| {
                    b.get(name).is_some_and(|other| is_equal(value.get(), other.get()))
                })
        }),
        Some(b'[') => both::<Vec<&RawValue>>(one, other).is_some_and(|(a, b)| {
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| is_equal(a.get(), b.get()))
        }),
        Some(b'"') => both::<String>(one, other).is_some_and(|(a, b)| a == b),
        _ => one == other,
    }
}
