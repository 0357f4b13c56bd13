//! Typed views of Tencent Cloud CSS' event notifications.
//!
//! Field names are the platform's own, and so are the units. The signature's fields, `t` and
//! `sign`, are consumed by the gate.
//!
//! <https://www.tencentcloud.com/document/product/267/38080> (read 2026-11)

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::View;

/// A stream was pushed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Push {
    /// Always 1.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub app: String,
    /// The push path.
    pub appname: String,
    /// The stream.
    pub stream_id: String,
    /// The stream again; another name in old callbacks.
    pub channel_id: String,
    /// Unix seconds.
    pub event_time: i64,
    /// Pairs a push with its interruption; more than 53 bits.
    pub sequence: String,
    /// Address of the access point.
    pub node: String,
    /// Address of the pusher.
    pub user_ip: String,
    /// Parameters of the push URL. Holds the credentials to push: keep it out of logs.
    pub stream_param: String,
    /// 0 when all is well.
    pub errcode: Option<i64>,
    /// What `errcode` means.
    pub errmsg: Option<String>,
    /// 1 to 6 in mainland China, 7 to 200 elsewhere.
    pub set_id: Option<i64>,
    /// Pixels; may be 0.
    pub width: Option<i64>,
    /// Pixels; may be 0.
    pub height: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A push ended.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Interruption {
    /// Always 0.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub app: String,
    /// The push path.
    pub appname: String,
    /// The stream.
    pub stream_id: String,
    /// The stream again; another name in old callbacks.
    pub channel_id: String,
    /// Unix seconds.
    pub event_time: i64,
    /// Pairs an interruption with its push; more than 53 bits.
    pub sequence: String,
    /// Address of the access point.
    pub node: String,
    /// Address of the pusher.
    pub user_ip: String,
    /// Parameters of the push URL. Holds the credentials to push: keep it out of logs.
    pub stream_param: String,
    /// Milliseconds, as text.
    pub push_duration: Option<String>,
    /// Why it ended.
    pub errcode: Option<i64>,
    /// What `errcode` means.
    pub errmsg: Option<String>,
    /// 1 to 6 in mainland China, 7 to 200 elsewhere.
    pub set_id: Option<i64>,
    /// Pixels; may be 0.
    pub width: Option<i64>,
    /// Pixels; may be 0.
    pub height: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A recording was written.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingFile {
    /// Always 100.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub app: Option<String>,
    /// The push path.
    pub appname: Option<String>,
    /// The stream; may hold `@` and `#`.
    pub stream_id: String,
    /// The stream again.
    pub channel_id: String,
    /// The file in Tencent VOD.
    pub file_id: String,
    /// The recording.
    pub record_file_id: Option<String>,
    /// The recording template.
    pub record_temp_id: Option<String>,
    /// `flv`, `hls`, `mp4` or `aac`.
    pub file_format: String,
    /// The task, of a recording that CreateRecordTask started.
    pub task_id: Option<String>,
    /// Unix seconds.
    pub start_time: i64,
    /// Unix seconds.
    pub end_time: i64,
    /// Microseconds beyond `start_time`.
    pub start_time_usec: Option<i64>,
    /// Microseconds beyond `end_time`.
    pub end_time_usec: Option<i64>,
    /// Seconds.
    pub duration: Option<i64>,
    /// Bytes.
    pub file_size: i64,
    /// Parameters of the push URL. Holds the credentials to push: keep it out of logs.
    pub stream_param: Option<String>,
    /// Where the file can be fetched.
    pub video_url: String,
    /// First presentation time stamp.
    pub media_start_time: Option<i64>,
    /// Kilobits per second.
    pub record_bps: Option<i64>,
    /// Codec and resolution; the platform says not to rely on it.
    pub callback_ext: Option<Value>,
    /// The video, in old callbacks.
    pub video_id: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A recording started, paused, resumed, failed or ended.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingStatus {
    /// Always 332.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub appname: String,
    /// The stream; of a relay, its task.
    pub stream_id: String,
    /// Unix seconds.
    pub event_time: i64,
    /// `record_start_succeeded`, `record_start_failed`, `record_paused`, `record_resumed`, `record_error` or `record_ended`.
    pub record_event: String,
    /// Format, bit rate and source.
    pub record_detail: Option<Value>,
    /// The recording task.
    pub task_id: Option<String>,
    /// The recording session.
    pub session_id: Option<String>,
    /// Order; more than 53 bits.
    pub seq: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A screenshot was taken.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Screencapture {
    /// Always 200.
    pub event_type: i64,
    /// The account; not documented for this event.
    pub appid: Option<i64>,
    /// The push domain.
    pub app: String,
    /// The push path.
    pub appname: String,
    /// The stream.
    pub stream_id: String,
    /// The stream again.
    pub channel_id: String,
    /// Unix seconds.
    pub create_time: i64,
    /// Bytes.
    pub file_size: i64,
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// Path of the picture in its bucket.
    pub pic_url: String,
    /// Where the picture can be fetched.
    pub pic_full_url: String,
    /// The screenshot task.
    pub task_id: Option<String>,
    /// Parameters of the push URL. Holds the credentials to push: keep it out of logs.
    pub stream_param: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

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

/// Something was wrong with a push in the last interval.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PushError {
    /// Always 321.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub path: String,
    /// The stream.
    pub stream_id: String,
    /// Address of the pusher.
    pub user_ip: Option<String>,
    /// The push; more than 53 bits.
    pub sequence: Option<String>,
    /// Parameters of the push URL. Holds the credentials to push: keep it out of logs.
    pub stream_param: Option<String>,
    /// Unix **milliseconds**.
    pub data_time: i64,
    /// Milliseconds.
    pub report_interval: Option<i64>,
    /// Milliseconds.
    pub timeout: Option<i64>,
    /// What was wrong, and how often.
    pub abnormal_event: Vec<Value>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A recording went wrong, or nearly so.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingException {
    /// Always 341.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub path: String,
    /// The stream.
    pub stream_id: String,
    /// The recording session.
    pub session_id: Option<String>,
    /// `flv`, `ts`, `mp4` or `aac`.
    pub file_format: Option<String>,
    /// Unix seconds.
    pub timestamp: i64,
    /// `info`, `warning` or `error`.
    pub exception_level: Option<String>,
    /// What happened and how often: `type`, `desc`, `occurs`.
    pub exception: Map<String, Value>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What each view describes. A view prints its stream and time only: its other fields hold
/// addresses of people and credentials to push.
macro_rules! describe {
    ($($view:ident: $kind:literal, $stream:ident, $time:ident;)*) => {$(
        impl View for $view {
            fn describes(provider: &str, kind: &str) -> bool {
                provider == "tencent-css" && kind == $kind
            }
        }

        impl fmt::Debug for $view {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($view))
                    .field(stringify!($stream), &self.$stream)
                    .field(stringify!($time), &self.$time)
                    .finish_non_exhaustive()
            }
        }
    )*};
}

describe! {
    Interruption: "interruption", stream_id, event_time;
    PornDetection: "porn_detection", stream_id, send_time;
    Push: "push", stream_id, event_time;
    PushError: "error", stream_id, data_time;
    RecordingException: "recording_exception", stream_id, timestamp;
    RecordingFile: "recording_file", stream_id, end_time;
    RecordingStatus: "recording_status", stream_id, event_time;
    Screencapture: "screencapture", stream_id, create_time;
}
