//! Moderation of pictures and of sound.
//!
//! All read 2026-11:
//!
//! - pictures: <https://www.tencentcloud.com/document/product/267/38084>
//! - sound: <https://www.tencentcloud.com/document/product/267/58643>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::provider::view::{describe, print_only};

/// Image moderation found something.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PornDetection {
    /// 317; absent in callbacks of 2019.
    pub event_type: Option<i64>,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub app: String,
    /// The push path.
    pub appname: String,
    /// The stream.
    #[serde(rename = "streamId")]
    pub stream_id: Option<String>,
    /// The stream again.
    #[serde(rename = "channelId")]
    pub channel_id: Option<String>,
    /// Where the picture can be fetched.
    pub img: String,
    /// What was found; its meaning has changed over the years: see `label`.
    #[serde(rename = "type")]
    pub types: Option<Vec<Value>>,
    /// How sure, from 0 to 100.
    pub score: Option<Vec<Value>>,
    /// Text in the picture.
    #[serde(rename = "ocrMsg")]
    pub ocr_msg: Option<String>,
    /// `Block`, `Review` or `Pass`.
    pub suggestion: Option<String>,
    /// What was found.
    pub label: Option<String>,
    /// What was found, more closely.
    #[serde(rename = "subLabel")]
    pub sub_label: Option<String>,
    /// Findings by label.
    #[serde(rename = "labelResults")]
    pub label_results: Option<Vec<Value>>,
    /// Findings by object.
    #[serde(rename = "objectResults")]
    pub object_results: Option<Vec<Value>>,
    /// Findings in text.
    #[serde(rename = "ocrResults")]
    pub ocr_results: Option<Vec<Value>>,
    /// Findings in your own libraries.
    #[serde(rename = "libResults")]
    pub lib_results: Option<Vec<Value>>,
    /// Unix seconds.
    #[serde(rename = "screenshotTime")]
    pub screenshot_time: i64,
    /// Unix seconds.
    #[serde(rename = "sendTime")]
    pub send_time: i64,
    /// Parameters of the push URL. Holds the credentials to push: keep it out of logs.
    pub stream_param: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Audio moderation found something.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AudioModeration {
    /// Always 315.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub path: Option<String>,
    /// The stream.
    pub stream_id: String,
    /// The stream again.
    pub channel_id: Option<String>,
    /// 1 if something was found.
    #[serde(rename = "HitFlag")]
    pub hit_flag: Option<i64>,
    /// How sure, from 0 to 100.
    #[serde(rename = "Score")]
    pub score: Option<f64>,
    /// What was found, as a tag; not described any closer.
    #[serde(rename = "SubTag")]
    pub sub_tag: Option<String>,
    /// The moderation task; digits as text.
    pub task_id: Option<String>,
    /// How far the task is; 2 in the platform's sample.
    pub status: Option<i64>,
    /// What was said.
    pub asr_text: Option<String>,
    /// Where the sound can be fetched; may be empty.
    pub cdn_url: Option<String>,
    /// The piece's length in seconds.
    pub duration: Option<f64>,
    /// What was found.
    pub label: Option<String>,
    /// What was found, more closely.
    pub sub_label: Option<String>,
    /// `Block`, `Review` or `Pass`.
    pub suggestion: Option<String>,
    /// What was found of languages.
    pub language_results: Option<Vec<Value>>,
    /// What was found of moaning.
    pub moan_results: Option<Vec<Value>>,
    /// What was recognised.
    pub recognition_results: Option<Vec<Value>>,
    /// What was found of speakers.
    pub speaker_results: Option<Vec<Value>>,
    /// What was found in the words.
    pub text_results: Option<Vec<Value>>,
    /// The moderation's request.
    pub request_id: Option<String>,
    /// The piece's place in the order.
    pub seq: Option<i64>,
    /// The pieces of sound: `asr_tmp_full_results`, a list of `url`, `periods`, `create_time` (unix
    /// seconds), `appearing_point`, `confidence` (0 to 100) and `id`.
    pub data: Option<Map<String, Value>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

describe! { "tencent-css":
    AudioModeration = "audio_moderation",
    PornDetection = "porn_detection",
}

print_only! {
    AudioModeration: stream_id seq;
    PornDetection: stream_id send_time;
}
