//! JSON Web Tokens with HMAC-SHA256, in which a claim has the digest of the body:
//! <https://www.rfc-editor.org/rfc/rfc7519>.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{sha256, unpadded};
use crate::Request;

/// The token of a platform in the header `Authorization`.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    prefix: &'static str,
    key: &'static str,
    /// The claim with the name of the key, and this name.
    key_name: (&'static str, &'static str),
    /// The claim with the digest of the body, and true if the digest is in hex.
    digest: (&'static str, bool),
    /// The claim with the time, and the seconds by which the time may be in the past and in the
    /// future.
    time: (&'static str, i64, i64),
}

/// <https://docs.livekit.io/home/server/webhooks>
pub const LIVEKIT: Token = Token {
    prefix: "",
    key: "livekit-secret",
    key_name: ("iss", "APIabc123"),
    digest: ("sha256", false),
    time: ("exp", 60, 86_400),
};

/// <https://developer.vonage.com/en/getting-started/concepts/webhooks>
pub const VONAGE: Token = Token {
    prefix: "Bearer ",
    key: "vonage-signature-secret",
    key_name: ("api_key", "a123456b"),
    digest: ("payload_hash", true),
    time: ("iat", 300, 300),
};

impl Token {
    pub fn holds(&self, text: &[u8], body: &[u8], now: i64) -> bool {
        self.check(text, body, now).unwrap_or(false)
    }

    fn check(&self, text: &[u8], body: &[u8], now: i64) -> Option<bool> {
        let text = std::str::from_utf8(text).ok()?.strip_prefix(self.prefix)?;
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let object = |text: &str| serde_json::from_slice::<Map<_, _>>(&decode(text)?).ok();
        let (header, claims) = (object(header)?, object(claims)?);
        let given = claims.get(self.digest.0)?.as_str()?;
        let given = match self.digest.1 {
            true => hex::decode(given).ok()?,
            false => STANDARD_NO_PAD.decode(unpadded(given.as_bytes())).ok()?,
        };
        let secs = |name: &str| claims.get(name).map(number);
        let (time, past, ahead) = self.time;
        let off = secs(time)?? - now;
        Some(
            header.get("alg")? == "HS256"
                && claims.get(self.key_name.0)? == self.key_name.1
                && decode(signature)? == sha256(self.key.as_bytes(), &[signed.as_bytes()])
                && given == *Sha256::digest(body)
                && (-past..=ahead).contains(&off)
                && secs("nbf").is_none_or(|secs| secs.is_some_and(|secs| secs <= now + 60))
                && secs("exp").is_none_or(|secs| secs.is_some_and(|secs| secs >= now - 60)),
        )
    }

    pub fn sign(&self, request: &mut Request) {
        let digest = Sha256::digest(&request.body);
        let digest = if self.digest.1 { hex::encode(digest) } else { STANDARD.encode(digest) };
        let claims = json!({
            self.key_name.0: self.key_name.1, self.digest.0: digest, self.time.0: request.now
        });
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(json!({ "alg": "HS256" })), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(sha256(self.key.as_bytes(), &[signed.as_bytes()]));
        let value = format!("{}{signed}.{signature}", self.prefix);
        let value = HeaderValue::from_str(&value).expect("expected ASCII, found an error");
        request.headers.insert("authorization", value);
    }
}

/// Returns the number in a claim. The number may also be a string.
fn number(claim: &Value) -> Option<i64> {
    claim.as_i64().or_else(|| claim.as_str()?.parse().ok())
}
