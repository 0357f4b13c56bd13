//! Signatures for the app: how it proves, in any language and with a stock library, that an event
//! came through the gate.
//!
//! They are those of [Standard Webhooks], symmetric (read 2026-11):
//!
//! | header | holds |
//! |---|---|
//! | `webhook-id` | the event's id: the same for a resend |
//! | `webhook-timestamp` | when the gate sent it, in Unix seconds |
//! | `webhook-signature` | for each secret `v1,` and, in base64, the HMAC-SHA256 of `id.timestamp.body`; a blank between them |
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::provider::digest::{Digest, Encoding, Key};
use crate::secret::Secret;
use crate::time::Timestamp;

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");

/// What a secret starts with, so that people and scanners know it for one.
const PREFIX: &[u8] = b"whsec_";

/// How many bytes a secret has, once decoded.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that events are signed with, prepared.
#[derive(Debug)]
pub(crate) struct EventSigning {
    keys: Box<[Key]>,
}

impl EventSigning {
    pub(crate) fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self { keys: keys.into_iter().collect() }
    }

    /// Signs a request to the app, sent at the moment `now`.
    pub(crate) fn write_headers(
        &self,
        id: &str,
        now: Timestamp,
        body: &[u8],
        headers: &mut HeaderMap,
    ) {
        let time = now.as_secs().to_string();
        let signatures: Vec<_> = self.keys.iter().map(|key| sign(key, id, &time, body)).collect();
        let signatures = signatures.join(" ");
        let written =
            [(WEBHOOK_ID, id), (WEBHOOK_TIMESTAMP, &*time), (WEBHOOK_SIGNATURE, &*signatures)];
        // All three are printable ASCII.
        let values =
            written.into_iter().filter_map(|(n, v)| Some((n, HeaderValue::try_from(v).ok()?)));
        headers.extend(values);
    }
}

fn sign(key: &Key, id: &str, time: &str, body: &[u8]) -> String {
    let mut message = key.start();
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        message.update(part);
    }
    format!("v1,{}", Encoding::Base64.encode(message.finish().as_slice()))
}

/// Reads a secret: `whsec_`, and 24 to 64 bytes in base64 as every library reads it.
pub(crate) fn key(secret: &Secret) -> Option<Key> {
    let bytes = BASE64.decode(secret.expose().strip_prefix(PREFIX)?).ok()?;
    SECRET_BYTES.contains(&bytes.len()).then(|| Digest::HmacSha256.key(Secret::new(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of the specification's own libraries.
    #[test]
    fn signs_as_the_specifications_libraries_do() {
        let key = key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let mut headers = HeaderMap::new();
        let signing = EventSigning::new([key.clone(), key]);
        let now = Timestamp::from_millis(1_614_265_330_999);
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        signing.write_headers(id, now, body, &mut headers);
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers["webhook-signature"], format!("{one} {one}"));
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        assert_eq!(headers["webhook-id"], id);
    }

    #[test]
    fn a_secret_is_24_to_64_bytes_in_base64_behind_its_prefix() {
        let written = |bytes: usize| format!("whsec_{}", BASE64.encode(&vec![7; bytes]));
        for bytes in [24, 25, 32, 64] {
            assert!(key(&Secret::new(written(bytes))).is_some(), "{bytes}");
        }
        let padded = written(25);
        let unpadded = padded.trim_end_matches('=').to_owned();
        let bare = padded.replace("whsec_", "");
        let foreign = padded.replace("whsec_", "whpk_");
        let url_safe = format!("whsec_{}", "-_".repeat(16));
        for wrong in [written(23), written(65), unpadded, bare, foreign, url_safe, "whsec_".into()]
        {
            assert!(key(&Secret::new(wrong.clone())).is_none(), "{wrong}");
        }
    }
}
