//! Event signing. With a Standard Webhooks library, the app can verify that gatepost sent an event.
//!
//! The scheme is the symmetric signature of [Standard Webhooks] (read 2026-11):
//!
//! | header | value |
//! |---|---|
//! | `webhook-id` | the id of the event, the same in each delivery of the event |
//! | `webhook-timestamp` | the time of sending, in Unix seconds |
//! | `webhook-signature` | one signature for each secret, separated by spaces: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64 |
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

/// Prefix by which people and secret scanners recognize a signing secret.
const PREFIX: &[u8] = b"whsec_";

/// Permitted lengths of a decoded secret, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Keys with which gatepost signs events, prepared for HMAC.
#[derive(Debug)]
pub(crate) struct EventSigning {
    keys: Box<[Key]>,
}

impl EventSigning {
    pub(crate) fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self { keys: keys.into_iter().collect() }
    }

    /// Adds the three headers of the scheme to a request that gatepost sends at the time `now`.
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
        let texts =
            [(WEBHOOK_ID, id), (WEBHOOK_TIMESTAMP, &*time), (WEBHOOK_SIGNATURE, &*signatures)];
        // `filter_map` drops no header, because all three values are printable ASCII.
        let values =
            texts.into_iter().filter_map(|(n, v)| Some((n, HeaderValue::try_from(v).ok()?)));
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

/// Parses a secret: `whsec_`, then 24 to 64 bytes in padded base64.
///
/// Returns `None` for any other form, because some Standard Webhooks libraries reject other forms.
pub(crate) fn key(secret: &Secret) -> Option<Key> {
    let bytes = BASE64.decode(secret.expose().strip_prefix(PREFIX)?).ok()?;
    SECRET_BYTES.contains(&bytes.len()).then(|| Digest::HmacSha256.key(Secret::new(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_test_vector_of_standard_webhooks_libraries() {
        let key = key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let mut headers = HeaderMap::new();
        let signing = EventSigning::new([key.clone(), key]);
        let now = Timestamp::from_millis(1_614_265_330_999);
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        signing.write_headers(id, now, body, &mut headers);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers["webhook-signature"], format!("{signature} {signature}"));
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        assert_eq!(headers["webhook-id"], id);
    }

    #[test]
    fn secret_is_prefix_and_24_to_64_bytes_in_padded_base64() {
        let secret = |bytes: usize| format!("whsec_{}", BASE64.encode(&vec![7; bytes]));
        for bytes in [24, 25, 32, 64] {
            let key = key(&Secret::new(secret(bytes)));
            assert!(key.is_some(), "expected a key from {bytes} bytes, found none");
        }
        let padded = secret(25);
        let unpadded = padded.trim_end_matches('=').to_owned();
        let without_prefix = padded.replace("whsec_", "");
        let other_prefix = padded.replace("whsec_", "whpk_");
        let url_safe = format!("whsec_{}", "-_".repeat(16));
        let lengths = [secret(23), secret(65), "whsec_".into()];
        let forms = [unpadded, without_prefix, other_prefix, url_safe];
        for invalid in lengths.into_iter().chain(forms) {
            let key = key(&Secret::new(invalid.clone()));
            assert!(key.is_none(), "expected no key from {invalid}, found one");
        }
    }
}
