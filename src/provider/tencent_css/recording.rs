//! Recordings and screenshots.
//!
//! All read 2026-11:
//!
//! - file: <https://www.tencentcloud.com/document/product/267/38082>
//! - status: <https://www.tencentcloud.com/document/product/267/58590>
//! - exception: <https://www.tencentcloud.com/document/product/267/68622>
//! - screenshot: <https://www.tencentcloud.com/document/product/267/38083>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::provider::view::{describe, print_only};

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
    /// `record_start_succeeded`, `record_start_failed`, `record_paused`, `record_resumed`,
    /// `record_error` or `record_ended`.
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
    pub exception: Option<Map<String, Value>>,
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

describe! { "tencent-css":
    RecordingException = "recording_exception",
    RecordingFile = "recording_file",
    RecordingStatus = "recording_status",
    Screencapture = "screencapture",
}

print_only! {
    RecordingException: stream_id timestamp;
    RecordingFile: stream_id end_time;
    RecordingStatus: stream_id event_time;
    Screencapture: stream_id create_time;
}
