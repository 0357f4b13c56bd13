//! Streams: pushed, interrupted, faulty, relayed.
//!
//! All read 2026-11:
//!
//! - push and interruption: <https://www.tencentcloud.com/document/product/267/38081>
//! - push error: <https://www.tencentcloud.com/document/product/267/53310>
//! - relay: <https://www.tencentcloud.com/document/product/267/42525>
//! - StreamLive: <https://www.tencentcloud.com/document/product/1048/73133>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::provider::view::{describe, print_only};

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
    pub abnormal_event: Option<Vec<Value>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A relay task, which pulls one stream and pushes another, started, ended or went wrong.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Relay {
    /// Always 314.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// `TaskStart`, `TaskExit`, `VodSourceFileStart`, `VodSourceFileFinish`, `ResetTaskConfig` or
    /// `TaskAlarm`. A task may exit several times.
    pub callback_event: String,
    /// Addresses that are pulled.
    pub source_urls: Option<Vec<Value>>,
    /// The address that is pushed to, with its credentials: keep it out of logs.
    pub to_url: Option<String>,
    /// The stream; not of `TaskExit`.
    pub stream_id: Option<String>,
    /// The relay task; not of `TaskExit`.
    pub task_id: Option<String>,
    /// Unix seconds; not in the platform's samples.
    pub event_time: Option<i64>,
    /// What happened, more closely.
    pub msg: Option<RelayMessage>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What happened to a relay task.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RelayMessage {
    /// The file that is pulled.
    pub url: Option<String>,
    /// The file's place in the list.
    pub index: Option<i64>,
    /// The file's length in seconds.
    pub duration: Option<f64>,
    /// Unix **milliseconds**; 0 in the platform's samples.
    pub task_start_time: Option<i64>,
    /// Unix **milliseconds**; 0 in the platform's samples.
    pub task_exit_time: Option<i64>,
    /// Why the task ended; negative for an error.
    pub code: Option<i64>,
    /// What `code` means.
    pub message: Option<String>,
    /// Of `TaskAlarm`: `PullFileUnstable`, `PushStreamUnstable`, `PullFileFailed`,
    /// `PushStreamFailed` or `FileEndEarly`.
    #[serde(rename = "type")]
    pub alarm: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// StreamLive, another product: a stream was pushed to a channel's input.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StreamlivePush {
    /// Always 329.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The StreamLive channel.
    pub channel_id: String,
    /// The channel's input.
    pub input_id: Option<String>,
    /// Empty in the platform's samples.
    pub stream_id: Option<String>,
    /// Which of the channel's pipelines: 0 or 1.
    pub pipeline: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// StreamLive, another product: the push to a channel's input ended.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StreamliveInterruption {
    /// Always 330.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The StreamLive channel.
    pub channel_id: String,
    /// The channel's input.
    pub input_id: Option<String>,
    /// Empty in the platform's samples.
    pub stream_id: Option<String>,
    /// Which of the channel's pipelines: 0 or 1.
    pub pipeline: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

describe! { "tencent-css":
    Interruption = "interruption",
    Push = "push",
    PushError = "error",
    Relay = "relay",
    StreamliveInterruption = "streamlive_interruption",
    StreamlivePush = "streamlive_push",
}

print_only! {
    Interruption: stream_id event_time;
    Push: stream_id event_time;
    PushError: stream_id data_time;
    Relay: callback_event stream_id task_id event_time;
    RelayMessage: index code alarm;
    StreamliveInterruption: channel_id input_id;
    StreamlivePush: channel_id input_id;
}
