//! Events of image and audio moderation.
//!
//! Sources, all read in 2026-11:
//!
//! - pictures: <https://www.tencentcloud.com/document/product/267/38084>
//! - sound: <https://www.tencentcloud.com/document/product/267/58643>

use serde_json::{Map, Value};

use crate::printable::print_only;
use crate::provider::view::{describe, view};

view! {
    /// Event about a finding of image moderation in a stream.
    pub struct PornDetection {
        /// The event type, always 317. Absent from callbacks of 2019.
        pub event_type: Option<i64>,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub app: String,
        /// The push path.
        pub appname: String,
        /// The stream name.
        #[serde(rename = "streamId")]
        pub stream_id: Option<String>,
        /// The stream name, the same as `stream_id`.
        #[serde(rename = "channelId")]
        pub channel_id: Option<String>,
        /// The URL of the screenshot.
        pub img: String,
        /// The types of the findings. The meaning of a type has changed: use `label` instead.
        #[serde(rename = "type")]
        pub types: Option<Vec<Value>>,
        /// The confidence of each finding, from 0 to 100.
        pub score: Option<Vec<Value>>,
        /// The text in the picture.
        #[serde(rename = "ocrMsg")]
        pub ocr_msg: Option<String>,
        /// The suggested action: `Block`, `Review` or `Pass`.
        pub suggestion: Option<String>,
        /// The category of the finding.
        pub label: Option<String>,
        /// The subcategory of the finding.
        #[serde(rename = "subLabel")]
        pub sub_label: Option<String>,
        /// The findings by category.
        #[serde(rename = "labelResults")]
        pub label_results: Option<Vec<Value>>,
        /// The recognized objects.
        #[serde(rename = "objectResults")]
        pub object_results: Option<Vec<Value>>,
        /// The findings in the text in the picture.
        #[serde(rename = "ocrResults")]
        pub ocr_results: Option<Vec<Value>>,
        /// The matches with the operator's own picture libraries.
        #[serde(rename = "libResults")]
        pub lib_results: Option<Vec<Value>>,
        /// The time of the screenshot, in Unix seconds.
        #[serde(rename = "screenshotTime")]
        pub screenshot_time: i64,
        /// The time at which the platform sent the callback, in Unix seconds.
        #[serde(rename = "sendTime")]
        pub send_time: i64,
        /// The parameters of the push URL. Keep them out of logs: they contain push credentials.
        pub stream_param: Option<String>,
    }

    /// Event about a finding of audio moderation in a stream.
    pub struct AudioModeration {
        /// The event type, always 315.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub path: Option<String>,
        /// The stream name.
        pub stream_id: String,
        /// The stream name, the same as `stream_id`.
        pub channel_id: Option<String>,
        /// 1 if audio moderation has a finding.
        #[serde(rename = "HitFlag")]
        pub hit_flag: Option<i64>,
        /// The confidence, from 0 to 100.
        #[serde(rename = "Score")]
        pub score: Option<f64>,
        /// A tag of the finding. The platform does not document the values.
        #[serde(rename = "SubTag")]
        pub sub_tag: Option<String>,
        /// The identifier of the moderation task, a number as a string.
        pub task_id: Option<String>,
        /// The status of the task; 2 in the platform's sample.
        pub status: Option<i64>,
        /// The recognized speech.
        pub asr_text: Option<String>,
        /// The URL of the sound segment. May be empty.
        pub cdn_url: Option<String>,
        /// The length of the sound segment, in seconds.
        pub duration: Option<f64>,
        /// The category of the finding.
        pub label: Option<String>,
        /// The subcategory of the finding.
        pub sub_label: Option<String>,
        /// The suggested action: `Block`, `Review` or `Pass`.
        pub suggestion: Option<String>,
        /// The recognized languages.
        pub language_results: Option<Vec<Value>>,
        /// The recognized moaning.
        pub moan_results: Option<Vec<Value>>,
        /// Other recognition results.
        pub recognition_results: Option<Vec<Value>>,
        /// The recognized speakers.
        pub speaker_results: Option<Vec<Value>>,
        /// The findings in the recognized speech.
        pub text_results: Option<Vec<Value>>,
        /// The identifier of the moderation request.
        pub request_id: Option<String>,
        /// The sequence number of the sound segment in the stream.
        pub seq: Option<i64>,
        /// The sound segments: `asr_tmp_full_results` is a list of objects with `url`, `periods`,
        /// `create_time` (Unix seconds), `appearing_point`, `confidence` (0 to 100) and `id`.
        pub data: Option<Map<String, Value>>,
    }
}

describe! { "tencent-css":
    AudioModeration = "audio_moderation",
    PornDetection = "porn_detection",
}

print_only! {
    AudioModeration: stream_id seq;
    PornDetection: stream_id send_time;
}
