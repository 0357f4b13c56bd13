//! Signatures in a field of a JSON body, over other fields.

use std::collections::BTreeMap;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::Sha256;

use super::{is_near, sha256};
use crate::Request;

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn members(body: &[u8]) -> Option<Members<'_>> {
    serde_json::from_slice(body).ok()
}

/// Returns the text of a string, or the JSON text of any other value. Returns `None` for `null`.
fn text(members: &Members<'_>, name: &str) -> Option<String> {
    let raw = members.get(name)?.get();
    let is_present = raw != "null";
    is_present.then(|| serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()))
}

/// Checks the MD5 of the key and the time. The MD5 and the time are members of the body or of its
/// `data` object: <https://www.tencentcloud.com/document/product/267/38080>.
pub fn plain(body: &[u8], t: &str, sign: &str, keys: &[&str], now: i64) -> bool {
    let Some(outer) = members(body) else { return false };
    let inner = outer.get("data").and_then(|raw| serde_json::from_str(raw.get()).ok());
    [Some(outer), inner].into_iter().flatten().any(|members: Members<'_>| {
        let (Some(time), Some(given)) = (text(&members, t), text(&members, sign)) else {
            return false;
        };
        let Ok(given) = hex::decode(given) else { return false };
        let mut keys = keys.iter().map(|key| Md5::digest(format!("{key}{time}")).to_vec());
        is_near(time.as_bytes(), now, 180, 900) && keys.any(|expected| expected == given)
    })
}

pub fn sign_plain(request: &mut Request, t: &str, sign: &str, key: &str) {
    let time = request.now + 600;
    change(request, |members| {
        members.insert(t.to_owned(), time.into());
        members.insert(sign.to_owned(), hex::encode(Md5::digest(format!("{key}{time}"))).into());
    });
}

fn change(request: &mut Request, change: impl FnOnce(&mut Map<String, Value>)) {
    let Ok(mut members) = serde_json::from_slice(&request.body) else { return };
    change(&mut members);
    request.body =
        Bytes::from(serde_json::to_vec(&members).expect("expected JSON, found an error"));
}

/// A digest of the key and of fields, which the platform sorts before it joins them.
#[derive(Clone, Copy, Debug)]
pub struct Sorted {
    keys: &'static [&'static str],
    names: &'static [&'static str],
    found_in: &'static str,
    digest: fn(&[u8]) -> Vec<u8>,
    time: Option<&'static str>,
}

/// <https://doc-zh.zego.im/article/9215>
pub const ZEGOCLOUD: Sorted = Sorted {
    // The second key is that of the published vector.
    keys: &["zego-callback-secret", "secret"],
    names: &["timestamp", "nonce"],
    found_in: "signature",
    digest: |text| Sha1::digest(text).to_vec(),
    time: Some("timestamp"),
};

/// <https://www.volcengine.com/docs/6348/69820>
pub const VOLCENGINE_RTC: Sorted = Sorted {
    keys: &["volcengine-rtc-key"],
    names: &["EventType", "EventData", "EventTime", "EventId", "AppId", "Version", "Nonce"],
    found_in: "Signature",
    digest: |text| Sha256::digest(text).to_vec(),
    time: None,
};

impl Sorted {
    fn digest(&self, key: &str, members: &Members<'_>) -> Option<Vec<u8>> {
        let values = self.names.iter().map(|name| text(members, name));
        let mut values: Vec<String> = values.collect::<Option<_>>()?;
        values.push(key.to_owned());
        values.sort_unstable();
        Some((self.digest)(values.concat().as_bytes()))
    }

    pub fn holds(&self, body: &[u8], now: i64) -> bool {
        let Some(members) = members(body) else { return false };
        let given = text(&members, self.found_in).and_then(|text| hex::decode(text).ok());
        let is_near =
            |name| text(&members, name).is_some_and(|time| is_near(time.as_bytes(), now, 300, 300));
        let mut keys = self.keys.iter();
        given.is_some()
            && keys.any(|key| given == self.digest(key, &members))
            && self.time.is_none_or(is_near)
    }

    pub fn sign(&self, request: &mut Request) {
        let now = request.now;
        change(request, |members| {
            for name in self.names {
                members.entry(*name).or_insert_with(|| "x".into());
            }
            if let Some(name) = self.time {
                members.insert(name.to_owned(), now.to_string().into());
            }
        });
        let digest = members(&request.body).and_then(|members| self.digest(self.keys[0], &members));
        let Some(digest) = digest else { return };
        change(request, |members| {
            members.insert(self.found_in.to_owned(), hex::encode(digest).into());
        });
    }
}

/// Signature of the recording callbacks of Huawei Live: an HMAC of fields, of which the last two
/// may be absent.
pub mod huawei_record {
    use super::{Members, Request, change, is_near, members, sha256, text};

    fn digest(members: &Members<'_>) -> Option<Vec<u8>> {
        let required = ["auth_timestamp", "event_type", "publish_domain", "app", "stream"];
        let values: Option<Vec<String>> = required.iter().map(|name| text(members, name)).collect();
        let mut message = values?.concat();
        let optional = ["download_url", "play_url"].iter().filter_map(|name| text(members, name));
        message.extend(optional);
        Some(sha256(b"huawei-record-key", &[message.as_bytes()]))
    }

    pub fn holds(body: &[u8], now: i64) -> bool {
        let Some(members) = members(body) else { return false };
        let given = text(&members, "auth_sign").and_then(|text| hex::decode(text).ok());
        let time = text(&members, "auth_timestamp").unwrap_or_default();
        given.is_some() && given == digest(&members) && is_near(time.as_bytes(), now, 0, 86_400)
    }

    pub fn sign(request: &mut Request) {
        let expiry = request.now + 600;
        change(request, |members| {
            for name in ["event_type", "publish_domain", "app", "stream"] {
                members.entry(name).or_insert_with(|| "x".into());
            }
            members.insert("auth_timestamp".to_owned(), expiry.into());
        });
        let Some(digest) = members(&request.body).and_then(|members| digest(&members)) else {
            return;
        };
        change(request, |members| {
            members.insert("auth_sign".to_owned(), hex::encode(digest).into());
        });
    }
}
