//! Operation of the API that tests whether the running gatepost accepts a key for a template.
//! Neither the request nor the response contains the key: the client sends a nonce and its
//! HMAC-SHA256 with the key.

use data_encoding::HEXLOWER_PERMISSIVE;
use gatepost::Gate;
use ring::hmac::{self, HMAC_SHA256};
use serde_json::json;

use super::error::ApiError;
use super::reply::ApiReply;

/// Minimum and maximum length of a nonce, in bytes.
const NONCE_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// Handles a query with the parameters `nonce` and `mac`.
pub(super) fn answer(gate: &Gate, template: &str, query: &str) -> Result<ApiReply, ApiError> {
    let (mut nonce, mut mac) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "nonce" => nonce = Some(value.into_owned()),
            "mac" => mac = HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok(),
            _ => return Err(ApiError::unknown_parameter("nonce or mac")),
        }
    }
    let nonce = nonce.filter(|nonce| NONCE_BYTES.contains(&nonce.len()));
    let nonce = nonce.ok_or_else(|| ApiError::parameter("nonce", "16 to 64 bytes"))?;
    let mac = mac.ok_or_else(|| ApiError::parameter("mac", "hexadecimal digits"))?;
    let is_key = |key: &[u8]| {
        hmac::verify(&hmac::Key::new(HMAC_SHA256, key), nonce.as_bytes(), &mac).is_ok()
    };
    Ok(ApiReply::ok(&json!({ "accepted": gate.accepts_key(template, is_key) })))
}
