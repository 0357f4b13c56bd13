//! The callbacks to send. In each callback, the load replaces a run of zeros with a number.

use std::time::{SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::template::{DIGITS, Template};

const PUSH: &str = include_str!("../../vectors/tencent-css/push/body");
const PORN_DETECTION: &str = include_str!("../../vectors/tencent-css/porn_detection/body");
const PLAY: &str = "kind=100&client_user_id=user0000000000000000000&player_id=xxxxxxxxxxxxxxxx\
    &device_name=sargo%2FPixel+3a&media_content_key=20210909-ygpecl4n&channel_key=meaqfjq9uclaeuuc\
    &uservalues=%7B%22uservalue0%22%3A%22class_code_01%22%7D&localtime=1703731478";

/// Lifetime of a signature in seconds. gatepost accepts at most 900.
const LIFETIME: u64 = 800;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Work {
    /// A Tencent push with a `stream_param` that extends the body to about this number of bytes.
    LongPush(usize),
    Play,
    PornDetection,
    Push,
    /// A push whose stream has the number of the request as its name.
    PushOfStream,
}

impl Work {
    /// Formats the callback for a path. A Tencent callback has the push domain `domain`, and a
    /// signature with `key` that is valid for [`LIFETIME`] seconds.
    ///
    /// # Errors
    /// Returns an error if a sample does not have the expected form.
    pub(super) fn template(self, path: &str, domain: &str, key: &str) -> Result<Template, String> {
        if self == Self::Play {
            return Template::new(path, PLAY, "application/x-www-form-urlencoded");
        }
        Template::new(path, &self.tencent(domain, key)?, "application/json")
    }

    fn tencent(self, domain: &str, key: &str) -> Result<String, String> {
        let sample = if self == Self::PornDetection { PORN_DETECTION } else { PUSH };
        let mut event: Value = serde_json::from_str(sample).map_err(|error| error.to_string())?;
        let expires = now() + LIFETIME;
        let sign = Md5::digest(format!("{key}{expires}"));
        event["app"] = domain.into();
        event["t"] = expires.into();
        event["sign"] = sign.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        let number = "0".repeat(DIGITS);
        match self {
            Self::PornDetection => {
                event["img"] = format!("http://1.1.1.1/download/porn/{number}.jpg").into();
                lengthen(&mut event, 4096);
            }
            Self::LongPush(length) => {
                event["sequence"] = number.into();
                let missing = length.saturating_sub(event.to_string().len());
                event["stream_param"] = format!("stream_param=test{}", filler(missing)).into();
            }
            Self::PushOfStream => event["stream_id"] = number.into(),
            Self::Play | Self::Push => event["sequence"] = number.into(),
        }
        Ok(event.to_string())
    }
}

/// Adds findings to a moderation callback until the body has about `length` bytes.
fn lengthen(event: &mut Value, length: usize) {
    let finding = json!({
        "HitFlag": 1, "Scene": "Porn", "Suggestion": "Block", "Label": "Porn", "SubLabel": "PornHigh",
        "Score": 99, "Details": [{ "Id": 0, "Name": "PornHigh", "Score": 99 }]
    });
    while event.to_string().len() + finding.to_string().len() < length {
        let Some(results) = event.get_mut("labelResults").and_then(Value::as_array_mut) else {
            return;
        };
        results.push(finding.clone());
    }
}

fn filler(length: usize) -> String {
    "&token=40f38f69f574fd51126c421a3d96c374".chars().cycle().take(length).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_push_has_requested_length() {
        let body = Work::LongPush(1 << 16).tencent("push.example.com", "secret").unwrap();
        assert!(body.len().abs_diff(1 << 16) < 64, "expected 64 KB, found {} bytes", body.len());
    }

    #[test]
    fn moderation_body_has_about_4_kb() {
        let body = Work::PornDetection.tencent("push.example.com", "secret").unwrap();
        assert!((3800..=4096).contains(&body.len()), "expected 4 KB, found {} bytes", body.len());
    }
}
