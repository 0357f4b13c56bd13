//! A second implementation of the signatures, from the platforms' documentation and with other
//! decoders.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderValue;
use md5::{Digest as _, Md5};
use serde_json::value::RawValue;
use sha1::Sha1;
use sha2::Sha256;
use std::collections::BTreeMap;

use crate::Request;

const CSS_KEYS: [&str; 2] = ["test", "older-key"];
const VOD_KEYS: [&str; 1] = ["vod-key"];

/// Signature scheme of a callback path of the vectors' gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Github,
    Mux,
    Ome,
    StandardWebhooks,
    TencentCss,
    TencentVod,
    /// A token as the last segment of the path.
    Token(&'static str),
    Trtc,
}

impl Scheme {
    pub fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/callbacks/github" => Self::Github,
            "/callbacks/mux" => Self::Mux,
            "/callbacks/ome" => Self::Ome,
            "/callbacks/standard-webhooks" => Self::StandardWebhooks,
            "/callbacks/tencent" | "/callbacks/tencent/pinned" => Self::TencentCss,
            "/callbacks/tencent-vod" => Self::TencentVod,
            "/callbacks/trtc" => Self::Trtc,
            path if path.starts_with("/callbacks/srs/") => Self::Token("srs-token"),
            path if path.starts_with("/callbacks/kollus") => Self::Token("vector-token"),
            _ => return None,
        })
    }

    /// Returns true if the request's signature or token is valid according to the platform's
    /// documentation.
    pub fn holds(self, request: &Request) -> bool {
        let body = &*request.body;
        let header = |name: &str| request.headers.get(name).map(HeaderValue::as_bytes);
        match self {
            Self::Token(token) => {
                // One slash may follow the token.
                let path = request.uri.path();
                path.strip_suffix('/').unwrap_or(path).rsplit('/').next() == Some(token)
            }
            Self::Github => header("x-hub-signature-256")
                .and_then(|text| text.strip_prefix(b"sha256="))
                .and_then(|text| hex::decode(text).ok())
                .is_some_and(|given| given == sha256(b"It's a Secret to Everybody", &[body])),
            Self::Ome => header("x-ome-signature")
                .and_then(|text| URL_SAFE_NO_PAD.decode(unpadded(text)).ok())
                .is_some_and(|given| given == sha1(b"ome-key", body)),
            Self::Trtc => header("sign")
                .and_then(|text| STANDARD_NO_PAD.decode(unpadded(text)).ok())
                .is_some_and(|given| given == sha256(b"123654", &[body])),
            Self::Mux => header("mux-signature").is_some_and(|list| mux(list, body, request.now)),
            Self::StandardWebhooks => {
                let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
                let (Some(id), Some(time)) = (id, time) else { return false };
                let list = header("webhook-signature").unwrap_or_default();
                let message = [id, b".", time, b".", body].concat();
                let digest = sha256(&webhooks_key(), &[&message]);
                let decode = |text: &[u8]| STANDARD_NO_PAD.decode(unpadded(text)).ok();
                let is_valid = |entry: &[u8]| match entry.trim_ascii() {
                    [b'v', b'1', b',', text @ ..] => {
                        decode(text).is_some_and(|given| given == digest)
                    }
                    [b'v', b'1', b'a', b',', text @ ..] => decode(text)
                        .is_some_and(|given| webhooks_public_key_verifies(&message, &given)),
                    _ => false,
                };
                is_near(time, request.now, 300, 300) && list.split(|b| *b == b' ').any(is_valid)
            }
            Self::TencentCss => plain(body, "t", "sign", &CSS_KEYS, request.now),
            Self::TencentVod => plain(body, "T", "Sign", &VOD_KEYS, request.now),
        }
    }

    /// Signs the request as the platform does.
    pub fn sign(self, request: &mut Request) {
        let body = request.body.clone();
        let now = request.now.to_string();
        let (name, value) = match self {
            Self::Github => {
                let digest = sha256(b"It's a Secret to Everybody", &[&body]);
                ("x-hub-signature-256", format!("sha256={}", hex::encode(digest)))
            }
            Self::Ome => ("x-ome-signature", URL_SAFE_NO_PAD.encode(sha1(b"ome-key", &body))),
            Self::Trtc => ("sign", STANDARD.encode(sha256(b"123654", &[&body]))),
            Self::Mux => {
                let digest = sha256(b"SuperSecret123", &[now.as_bytes(), b".", &body]);
                ("mux-signature", format!("t={now},v1={}", hex::encode(digest)))
            }
            Self::StandardWebhooks => {
                request.headers.insert("webhook-id", HeaderValue::from_static("id"));
                let time = HeaderValue::from_str(&now).expect("expected digits, found an error");
                request.headers.insert("webhook-timestamp", time);
                let digest = sha256(&webhooks_key(), &[b"id.", now.as_bytes(), b".", &body]);
                ("webhook-signature", format!("v1,{}", STANDARD.encode(digest)))
            }
            Self::TencentCss => return sign_plain(request, "t", "sign", CSS_KEYS[0]),
            Self::TencentVod => return sign_plain(request, "T", "Sign", VOD_KEYS[0]),
            Self::Token(_) => return,
        };
        request
            .headers
            .insert(name, HeaderValue::from_str(&value).expect("expected ASCII, found an error"));
    }
}

/// Checks `t=…,v1=…`, computed over `t.body`:
/// <https://www.mux.com/docs/core/verify-webhook-signatures>.
fn mux(list: &[u8], body: &[u8], now: i64) -> bool {
    let entries: Vec<_> = list.split(|b| *b == b',').map(<[u8]>::trim_ascii).collect();
    let Some(time) = entries.iter().find_map(|e| e.strip_prefix(b"t=")) else { return false };
    let expected = sha256(b"SuperSecret123", &[time, b".", body]);
    let mut given = entries.iter().filter_map(|e| hex::decode(e.strip_prefix(b"v1=")?).ok());
    is_near(time, now, 300, 300) && given.any(|given| given == expected)
}

/// Checks the MD5 of the key and the time, which is a member of the body or of its `data` object:
/// <https://www.tencentcloud.com/document/product/267/38080>.
fn plain(body: &[u8], t: &str, sign: &str, keys: &[&str], now: i64) -> bool {
    type Members<'a> = BTreeMap<String, &'a RawValue>;
    let Ok(outer) = serde_json::from_slice::<Members<'_>>(body) else { return false };
    let inner = outer.get("data").and_then(|raw| serde_json::from_str(raw.get()).ok());
    [Some(outer), inner].into_iter().flatten().any(|members: Members<'_>| {
        let text = |name: &str| {
            let raw = members.get(name)?.get();
            Some(serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()))
        };
        let (Some(time), Some(given)) = (text(t), text(sign)) else { return false };
        let Ok(given) = hex::decode(given) else { return false };
        let mut keys = keys.iter().map(|key| Md5::digest(format!("{key}{time}")).to_vec());
        is_near(time.as_bytes(), now, 180, 900) && keys.any(|expected| expected == given)
    })
}

fn sign_plain(request: &mut Request, t: &str, sign: &str, key: &str) {
    let parsed = serde_json::from_slice::<serde_json::Map<_, _>>(&request.body);
    let Ok(mut members) = parsed else { return };
    let time = request.now + 600;
    members.insert(t.to_owned(), time.into());
    members.insert(sign.to_owned(), hex::encode(Md5::digest(format!("{key}{time}"))).into());
    request.body =
        serde_json::to_vec(&members).expect("expected a map of text, found an error").into();
}

fn is_near(time: &[u8], now: i64, past: i64, ahead: i64) -> bool {
    let time = std::str::from_utf8(time).ok().and_then(|time| time.parse::<i128>().ok());
    let off = time.map(|time| time - i128::from(now));
    off.is_some_and(|off| (-i128::from(past)..=i128::from(ahead)).contains(&off))
}

fn unpadded(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
    &text[..end]
}

pub fn sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn sha1(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC accepts keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// Verifies a `v1a` signature with a library that gatepost does not use.
fn webhooks_public_key_verifies(message: &[u8], signature: &[u8]) -> bool {
    let key = STANDARD.decode("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=").ok();
    let key = key
        .and_then(|key| VerifyingKey::try_from(&*key).ok())
        .expect("expected a public key, found none");
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn webhooks_key() -> Vec<u8> {
    STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("expected base64, found an error")
}
