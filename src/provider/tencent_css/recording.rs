//! Events of recordings and screenshots.
//!
//! Sources, all read in 2026-11:
//!
//! - file: <https://www.tencentcloud.com/document/product/267/38082>
//! - status: <https://www.tencentcloud.com/document/product/267/58590>
//! - exception: <https://www.tencentcloud.com/document/product/267/68622>
//! - screenshot: <https://www.tencentcloud.com/document/product/267/38083>

use serde_json::{Map, Value};

use crate::printable::print_only;
use crate::provider::view::{describe, view};

view! {
    /// Event about a recording file that the platform created.
    pub struct RecordingFile {
        /// The event type, always 100.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub app: Option<String>,
        /// The push path.
        pub appname: Option<String>,
        /// The stream name. May contain `@` and `#`.
        pub stream_id: String,
        /// The stream name, the same as `stream_id`.
        pub channel_id: String,
        /// The identifier of the file in Tencent VOD.
        pub file_id: String,
        /// The identifier of the recording.
        pub record_file_id: Option<String>,
        /// The identifier of Tencent's recording template.
        pub record_temp_id: Option<String>,
        /// The format: `flv`, `hls`, `mp4` or `aac`.
        pub file_format: String,
        /// The identifier of the task that `CreateRecordTask` created. Absent for other recordings.
        pub task_id: Option<String>,
        /// The start of the recording, in Unix seconds.
        pub start_time: i64,
        /// The end of the recording, in Unix seconds.
        pub end_time: i64,
        /// The microseconds to add to `start_time`.
        pub start_time_usec: Option<i64>,
        /// The microseconds to add to `end_time`.
        pub end_time_usec: Option<i64>,
        /// The length of the recording, in seconds.
        pub duration: Option<i64>,
        /// The size of the file, in bytes.
        pub file_size: i64,
        /// The parameters of the push URL. Keep them out of logs: they contain push credentials.
        pub stream_param: Option<String>,
        /// The URL of the file.
        pub video_url: String,
        /// The presentation timestamp at the start of the recording.
        pub media_start_time: Option<i64>,
        /// The bit rate, in kilobits per second.
        pub record_bps: Option<i64>,
        /// The codec and the resolution. The platform advises against the use of this field.
        pub callback_ext: Option<Value>,
        /// The identifier of the video. Only in old callbacks.
        pub video_id: Option<String>,
    }

    /// Event about a recording that starts, pauses, resumes, fails or ends.
    pub struct RecordingStatus {
        /// The event type, always 332.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub appname: String,
        /// The stream name or, for a relay, the identifier of the relay task.
        pub stream_id: String,
        /// The time of the event, in Unix seconds.
        pub event_time: i64,
        /// The change: `record_start_succeeded`, `record_start_failed`, `record_paused`,
        /// `record_resumed`, `record_error` or `record_ended`.
        pub record_event: String,
        /// The format, bit rate and source.
        pub record_detail: Option<Value>,
        /// The identifier of the recording task.
        pub task_id: Option<String>,
        /// The identifier of the recording session.
        pub session_id: Option<String>,
        /// The sequence number of the event: a number of more than 53 bits, as a string.
        pub seq: Option<String>,
    }

    /// Event about a recording that fails or is close to failing.
    pub struct RecordingException {
        /// The event type, always 341.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub path: String,
        /// The stream name.
        pub stream_id: String,
        /// The identifier of the recording session.
        pub session_id: Option<String>,
        /// The format: `flv`, `ts`, `mp4` or `aac`.
        pub file_format: Option<String>,
        /// The time of the exception, in Unix seconds.
        pub timestamp: i64,
        /// The severity: `info`, `warning` or `error`.
        pub exception_level: Option<String>,
        /// The exception: `type`, `desc` (the description) and `occurs` (the number of
        /// occurrences).
        pub exception: Option<Map<String, Value>>,
    }

    /// Event about a screenshot that the platform took of a stream.
    pub struct Screencapture {
        /// The event type, always 200.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account. The platform does not document this field here.
        pub appid: Option<i64>,
        /// The push domain.
        pub app: String,
        /// The push path.
        pub appname: String,
        /// The stream name.
        pub stream_id: String,
        /// The stream name, the same as `stream_id`.
        pub channel_id: String,
        /// The time of the screenshot, in Unix seconds.
        pub create_time: i64,
        /// The size of the picture, in bytes.
        pub file_size: i64,
        /// The width in pixels.
        pub width: i64,
        /// The height in pixels.
        pub height: i64,
        /// The path of the picture in its bucket.
        pub pic_url: String,
        /// The URL of the picture.
        pub pic_full_url: String,
        /// The identifier of the screenshot task.
        pub task_id: Option<String>,
        /// The parameters of the push URL. Keep them out of logs: they contain push credentials.
        pub stream_param: Option<String>,
    }
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
