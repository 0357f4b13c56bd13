//! Reply signing: formats a reply as plain JSON, or as a JSON Web Token (RFC 7519).
//!
//! The payload of the token is exactly the JSON of the reply. gatepost adds no registered claims
//! (such as `exp`), because platforms that require a token do not accept these claims.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::json::{Object, Value};
use crate::provider::digest::{Digest, Encoding, Key};
use crate::provider::locator::SettingIndex;
use crate::reply::Reply;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// `{"alg":"HS256","typ":"JWT"}` in base64url.
const HS256_HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// A definition's rule for signing replies.
#[derive(Clone, Debug)]
pub(crate) struct ReplySigningRule {
    pub(crate) form: ReplyFormRule,
    /// The setting that contains the signing key. If `None`, gatepost signs no replies.
    pub(crate) key: Option<SettingIndex>,
    /// The headers of a signed reply, each with the setting that contains the header's value.
    pub(crate) headers: Vec<(HeaderName, SettingIndex)>,
}

/// The form of a reply, or the setting that chooses the form.
#[derive(Clone, Debug)]
pub(crate) enum ReplyFormRule {
    Always(ReplyForm),
    Setting(SettingIndex),
}

/// The form of a reply's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyForm {
    /// A JSON Web Token, signed with HMAC-SHA256.
    Jwt,
    /// JSON.
    Plain,
}

impl ReplyForm {
    /// The names of the forms in a definition and in a setting.
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("jwt", Self::Jwt), ("plain", Self::Plain)];
}

/// A template's values for reply signing.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplySigning {
    /// True if the replies are tokens; false for plain JSON.
    pub(crate) is_signed: bool,
    /// The signing key, which also verifies the token of an app that signs its answers; `None` if
    /// the template has no key.
    pub(crate) key: Option<Key>,
    /// The headers of a signed reply.
    pub(crate) headers: Option<Arc<[(HeaderName, HeaderValue)]>>,
}

impl ReplySigning {
    /// Returns bytes that depend on the signing key and the headers. Returns no bytes for plain
    /// JSON.
    ///
    /// These bytes are part of the lookup key of a stored reply. After a change of the signing key,
    /// gatepost therefore does not repeat a reply with the old signature. The bytes do not reveal
    /// the signing key.
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        if !self.is_signed {
            return Vec::new();
        }
        let empty = self.sign(Vec::new());
        let headers = empty.extra.iter().flat_map(|extra| extra.iter());
        headers.fold(empty.body.to_vec(), |mut bytes, (_, value)| {
            bytes.extend_from_slice(value.as_bytes());
            bytes
        })
    }

    /// Returns the reply with the JSON `body`: a token, or plain JSON.
    pub(crate) fn sign(&self, body: Vec<u8>) -> Reply {
        let Some(key) = self.key.as_ref().filter(|_| self.is_signed) else {
            return Reply::new(StatusCode::OK, JSON, body.into());
        };
        let mut token = String::with_capacity(HS256_HEADER.len() + body.len() * 4 / 3 + 50);
        token.push_str(HS256_HEADER);
        token.push('.');
        token.push_str(&Encoding::Base64UrlUnpadded.encode(&body));
        let mut message = key.start();
        message.update(token.as_bytes());
        let signature = Encoding::Base64UrlUnpadded.encode(message.finish().as_slice());
        token.push('.');
        token.push_str(&signature);
        let extra = self.headers.clone();
        Reply { extra, ..Reply::new(StatusCode::OK, TEXT, token.into()) }
    }
}

impl ReplySigning {
    /// Returns the payload of a token that an app has signed with the same key; `None` for any
    /// other text.
    pub(crate) fn verified_payload(&self, token: &str) -> Option<Vec<u8>> {
        let key = self.key.as_ref()?;
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header = String::from_utf8(decoded(header)?).ok()?;
        let header = Object::from_json(&header).ok()?;
        // The algorithm is fixed: the token must not choose another algorithm.
        header.get("alg").and_then(Value::scalar).filter(|algorithm| algorithm == "HS256")?;
        let mut message = key.start();
        message.update(signed.as_bytes());
        let signature = Encoding::Base64UrlUnpadded.decode(signature, TOKEN_DIGEST.len())?;
        bool::from(message.finish().ct_eq(&signature)).then(|| decoded(payload))?
    }

    /// Returns the reply with the headers of a signed reply. A header that the app has set takes
    /// precedence.
    pub(crate) fn with_headers(&self, mut reply: Reply) -> Reply {
        let own = reply.extra.take().unwrap_or_default();
        let is_set = |name: &HeaderName| own.iter().any(|(set, _)| set == name);
        let added = self.headers.iter().flat_map(|headers| headers.iter());
        let added = added.filter(|(name, _)| !is_set(name));
        Reply { extra: Some(own.iter().chain(added).cloned().collect()), ..reply }
    }
}

/// Returns true if the text has the form of a token: three parts in base64url, of which the first
/// begins like an encoded JSON object.
pub(crate) fn is_token(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
    // `eyJ` encodes `{"`.
    text.starts_with("eyJ")
        && text.split('.').count() == 3
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_digit))
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(part.trim_end_matches('=').as_bytes()).ok()
}

/// The digest of tokens. Platforms require the algorithm `HS256`.
pub(crate) const TOKEN_DIGEST: Digest = Digest::HmacSha256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn token(payload: &str) -> String {
        let key = Some(TOKEN_DIGEST.key(Secret::new("test-security-key")));
        let reply = ReplySigning { is_signed: true, key, headers: None }.sign(payload.into());
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    #[test]
    fn token_contains_the_unchanged_payload() {
        assert_eq!(
            token(r#"{"data":{"result":1,"vmcheck":0,"disable_tvout":1}}"#),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJkYXRhIjp7InJlc3VsdCI6MSwidm1jaGVjayI6MCwiZGlz\
             YWJsZV90dm91dCI6MX19.x8jr9IhxkKe-EuePXgJCPwOy4onOfJLkrnVLlnQBPwg"
        );
        assert_eq!(
            token(r#"{"data":{"expiration_date":1893455999,"result":1}}"#),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJkYXRhIjp7ImV4cGlyYXRpb25fZGF0ZSI6MTg5MzQ1NTk5\
             OSwicmVzdWx0IjoxfX0.9ndI1I_ihs2Hvs6dvoc-AV7cElSbpVBGcQFff15FkhQ"
        );
        assert_eq!(
            token(r#"{"data":[{"kind":1,"media_content_key":"ljAq2vYw","result":1}]}"#),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJkYXRhIjpbeyJraW5kIjoxLCJtZWRpYV9jb250ZW50X2tl\
             eSI6ImxqQXEydll3IiwicmVzdWx0IjoxfV19.MVXsgeV4BdihbS5OKxV-y_lUWenfFImyceT2ZezDc-Y"
        );
    }
}
