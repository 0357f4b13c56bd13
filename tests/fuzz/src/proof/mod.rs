//! A second implementation of the signatures, from the platforms' documentation and with decoders
//! other than gatepost's.

mod fields;
mod public_keys;
mod token;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use fields::{Sorted, VOLCENGINE_RTC, ZEGOCLOUD, huawei_record, plain, sign_plain};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderName, HeaderValue};
use sha1::Sha1;
use sha2::Sha256;
use token::{LIVEKIT, Token, VONAGE};

use crate::Request;

const CSS_KEYS: [&str; 2] = ["test", "older-key"];
const VOD_KEYS: [&str; 1] = ["vod-key"];

/// Signature scheme of a callback path of the vectors' gate.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    /// A fixed token in a header.
    ApiKey {
        header: &'static str,
        key: &'static str,
    },
    Github,
    HuaweiRecord,
    Jwt(Token),
    Mux,
    Ome,
    Sendgrid,
    Sorted(Sorted),
    /// Standard Webhooks, with each prefix that the names of its headers may have.
    StandardWebhooks(&'static [&'static str]),
    TencentCss,
    TencentVod,
    /// A token as the last segment of the path.
    Token(&'static str),
    Trtc,
    VideoSdk,
}

impl Scheme {
    pub fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/callbacks/aws-ivs" => Self::ApiKey { header: "x-api-key", key: "aws-ivs-api-key" },
            "/callbacks/github" => Self::Github,
            "/callbacks/gitlab" => {
                Self::ApiKey { header: "x-gitlab-token", key: "gitlab-secret-token" }
            }
            "/callbacks/huawei-record" => Self::HuaweiRecord,
            "/callbacks/livekit" => Self::Jwt(LIVEKIT),
            "/callbacks/mux" => Self::Mux,
            "/callbacks/ome" => Self::Ome,
            "/callbacks/sendgrid" => Self::Sendgrid,
            "/callbacks/standard-webhooks" => Self::StandardWebhooks(&["webhook-"]),
            "/callbacks/svix" => Self::StandardWebhooks(&["svix-", "webhook-"]),
            "/callbacks/tencent" | "/callbacks/tencent/pinned" => Self::TencentCss,
            "/callbacks/tencent-vod" => Self::TencentVod,
            "/callbacks/trtc" => Self::Trtc,
            "/callbacks/videosdk" => Self::VideoSdk,
            "/callbacks/volcengine-rtc" => Self::Sorted(VOLCENGINE_RTC),
            "/callbacks/vonage" => Self::Jwt(VONAGE),
            "/callbacks/zegocloud" => Self::Sorted(ZEGOCLOUD),
            path if path.starts_with("/callbacks/mediamtx/") => Self::Token("mediamtx-token"),
            path if path.starts_with("/callbacks/nginx-rtmp/") => Self::Token("rtmp-token"),
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
            Self::StandardWebhooks(prefixes) => webhooks(prefixes, request),
            Self::TencentCss => plain(body, "t", "sign", &CSS_KEYS, request.now),
            Self::TencentVod => plain(body, "T", "Sign", &VOD_KEYS, request.now),
            Self::ApiKey { header: name, key } => header(name) == Some(key.as_bytes()),
            Self::HuaweiRecord => huawei_record::holds(body, request.now),
            Self::Jwt(token) => {
                header("authorization").is_some_and(|text| token.holds(text, body, request.now))
            }
            Self::Sendgrid => public_keys::sendgrid_holds(request),
            Self::Sorted(rule) => rule.holds(body, request.now),
            Self::VideoSdk => public_keys::videosdk_holds(request),
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
            Self::StandardWebhooks(prefixes) => return sign_webhooks(prefixes[0], request),
            Self::TencentCss => return sign_plain(request, "t", "sign", CSS_KEYS[0]),
            Self::TencentVod => return sign_plain(request, "T", "Sign", VOD_KEYS[0]),
            Self::ApiKey { header, key } => (header, key.to_owned()),
            Self::HuaweiRecord => return huawei_record::sign(request),
            Self::Jwt(token) => return token.sign(request),
            Self::Sendgrid => return public_keys::sign_sendgrid(request),
            Self::Sorted(rule) => return rule.sign(request),
            Self::Token(_) => return,
            Self::VideoSdk => return public_keys::sign_videosdk(request),
        };
        request
            .headers
            .insert(name, HeaderValue::from_str(&value).expect("expected ASCII, found an error"));
    }
}

/// Checks the header `t=…,v1=…`, in which `v1` is an HMAC of `t.body`:
/// <https://www.mux.com/docs/core/verify-webhook-signatures>.
fn mux(list: &[u8], body: &[u8], now: i64) -> bool {
    let entries: Vec<_> = list.split(|b| *b == b',').map(<[u8]>::trim_ascii).collect();
    let Some(time) = entries.iter().find_map(|e| e.strip_prefix(b"t=")) else { return false };
    let expected = sha256(b"SuperSecret123", &[time, b".", body]);
    let mut given = entries.iter().filter_map(|e| hex::decode(e.strip_prefix(b"v1=")?).ok());
    is_near(time, now, 300, 300) && given.any(|given| given == expected)
}

/// Checks the signatures of Standard Webhooks. The id, the time and the signatures may each be in a
/// header with any of the prefixes.
fn webhooks(prefixes: &[&str], request: &Request) -> bool {
    let values = |name: &'static str| {
        let names = prefixes.iter().map(move |prefix| format!("{prefix}{name}"));
        names.filter_map(|name| Some(request.headers.get(name)?.as_bytes()))
    };
    let decode = |text: &[u8]| STANDARD_NO_PAD.decode(unpadded(text)).ok();
    let verifies = |id: &[u8], time: &[u8], entry: &[u8]| {
        let message = [id, b".", time, b".", &request.body].concat();
        match entry.trim_ascii() {
            [b'v', b'1', b',', text @ ..] => {
                decode(text).is_some_and(|given| given == sha256(&webhooks_key(), &[&message]))
            }
            [b'v', b'1', b'a', b',', text @ ..] => {
                decode(text).is_some_and(|given| public_keys::webhooks_verifies(&message, &given))
            }
            _ => false,
        }
    };
    values("signature").flat_map(|list| list.split(|b| *b == b' ')).any(|entry| {
        values("timestamp")
            .filter(|time| is_near(time, request.now, 300, 300))
            .any(|time| values("id").any(|id| verifies(id, time, entry)))
    })
}

fn sign_webhooks(prefix: &str, request: &mut Request) {
    let now = request.now.to_string();
    let digest = sha256(&webhooks_key(), &[b"id.", now.as_bytes(), b".", &request.body]);
    let signature = format!("v1,{}", STANDARD.encode(digest));
    for (name, value) in [("id", "id"), ("timestamp", &*now), ("signature", &*signature)] {
        let name = HeaderName::from_bytes(format!("{prefix}{name}").as_bytes());
        let value = HeaderValue::from_str(value).expect("expected ASCII, found an error");
        request.headers.insert(name.expect("expected a name, found an error"), value);
    }
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

fn webhooks_key() -> Vec<u8> {
    STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("expected base64, found an error")
}
