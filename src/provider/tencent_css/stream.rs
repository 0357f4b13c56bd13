//! Events about pushes and relays. A push is the transmission of a stream to the platform.
//!
//! Sources, all read in 2026-11:
//!
//! - push and interruption: <https://www.tencentcloud.com/document/product/267/38081>
//! - push error: <https://www.tencentcloud.com/document/product/267/53310>
//! - relay: <https://www.tencentcloud.com/document/product/267/42525>
//! - StreamLive: <https://www.tencentcloud.com/document/product/1048/73133>

use serde_json::Value;

use crate::printable::print_only;
use crate::provider::view::{describe, view};

view! {
    /// Event at the start of a push.
    pub struct Push {
        /// The event type, always 1.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub app: String,
        /// The push path.
        pub appname: String,
        /// The stream name.
        pub stream_id: String,
        /// The stream name. Old callbacks may contain a different name.
        pub channel_id: String,
        /// The time of the event, in Unix seconds.
        pub event_time: i64,
        /// The identifier of the push: a number of more than 53 bits, as a string. The
        /// [`Interruption`] at the end of the push has the same value.
        pub sequence: String,
        /// The IP address of the access node.
        pub node: String,
        /// The IP address of the device that pushes the stream.
        pub user_ip: String,
        /// The parameters of the push URL. Keep them out of logs: they contain push credentials.
        pub stream_param: String,
        /// The error code: 0 if the push succeeded.
        pub errcode: Option<i64>,
        /// The meaning of `errcode`.
        pub errmsg: Option<String>,
        /// The region: 1 to 6 in mainland China, 7 to 200 outside of mainland China.
        pub set_id: Option<i64>,
        /// The width in pixels. May be 0.
        pub width: Option<i64>,
        /// The height in pixels. May be 0.
        pub height: Option<i64>,
    }

    /// Event at the end of a push.
    pub struct Interruption {
        /// The event type, always 0.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub app: String,
        /// The push path.
        pub appname: String,
        /// The stream name.
        pub stream_id: String,
        /// The stream name. Old callbacks may contain a different name.
        pub channel_id: String,
        /// The time of the event, in Unix seconds.
        pub event_time: i64,
        /// The identifier of the push: a number of more than 53 bits, as a string. The [`Push`] at
        /// the start of the push has the same value.
        pub sequence: String,
        /// The IP address of the access node.
        pub node: String,
        /// The IP address of the device that pushes the stream.
        pub user_ip: String,
        /// The parameters of the push URL. Keep them out of logs: they contain push credentials.
        pub stream_param: String,
        /// The length of the push in milliseconds, as a string.
        pub push_duration: Option<String>,
        /// The code of the reason why the push ended.
        pub errcode: Option<i64>,
        /// The meaning of `errcode`.
        pub errmsg: Option<String>,
        /// The region: 1 to 6 in mainland China, 7 to 200 outside of mainland China.
        pub set_id: Option<i64>,
        /// The width in pixels. May be 0.
        pub width: Option<i64>,
        /// The height in pixels. May be 0.
        pub height: Option<i64>,
    }

    /// Event about the errors of a push during the last `report_interval`.
    pub struct PushError {
        /// The event type, always 321.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub path: String,
        /// The stream name.
        pub stream_id: String,
        /// The IP address of the device that pushes the stream.
        pub user_ip: Option<String>,
        /// The identifier of the push: a number of more than 53 bits, as a string.
        pub sequence: Option<String>,
        /// The parameters of the push URL. Keep them out of logs: they contain push credentials.
        pub stream_param: Option<String>,
        /// The time of the report, in Unix **milliseconds**.
        pub data_time: i64,
        /// The interval between reports, in milliseconds.
        pub report_interval: Option<i64>,
        /// The time for which the platform waits for the reply, in milliseconds.
        pub timeout: Option<i64>,
        /// The errors, each with its number of occurrences.
        pub abnormal_event: Option<Vec<Value>>,
    }

    /// Event about a relay task that starts, ends or has an error.
    ///
    /// A relay task pulls one stream and pushes it to another address.
    pub struct Relay {
        /// The event type, always 314.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The change: `TaskStart`, `TaskExit`, `VodSourceFileStart`, `VodSourceFileFinish`,
        /// `ResetTaskConfig` or `TaskAlarm`. A task may exit several times.
        pub callback_event: String,
        /// The URLs that the task pulls.
        pub source_urls: Option<Vec<Value>>,
        /// The URL to which the task pushes. Keep it out of logs: it contains push credentials.
        pub to_url: Option<String>,
        /// The stream name. Absent from `TaskExit`.
        pub stream_id: Option<String>,
        /// The identifier of the relay task. Absent from `TaskExit`.
        pub task_id: Option<String>,
        /// The time of the event, in Unix seconds. Absent from the platform's samples.
        pub event_time: Option<i64>,
        /// Details of the event.
        pub msg: Option<RelayMessage>,
    }

    /// Details of a [`Relay`] event.
    pub struct RelayMessage {
        /// The URL of the file that the task pulls.
        pub url: Option<String>,
        /// The index of the file in the task's list of sources.
        pub index: Option<i64>,
        /// The length of the file, in seconds.
        pub duration: Option<f64>,
        /// The start of the task, in Unix **milliseconds**; 0 in the platform's samples.
        pub task_start_time: Option<i64>,
        /// The end of the task, in Unix **milliseconds**; 0 in the platform's samples.
        pub task_exit_time: Option<i64>,
        /// The code of the reason why the task ended. The code is negative if the task failed.
        pub code: Option<i64>,
        /// The meaning of `code`.
        pub message: Option<String>,
        /// The alarm of `TaskAlarm`: `PullFileUnstable`, `PushStreamUnstable`, `PullFileFailed`,
        /// `PushStreamFailed` or `FileEndEarly`.
        #[serde(rename = "type")]
        pub alarm: Option<String>,
    }

    /// Event at the start of a push to the input of a StreamLive channel.
    ///
    /// StreamLive is another product of Tencent Cloud.
    pub struct StreamlivePush {
        /// The event type, always 329.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The identifier of the StreamLive channel.
        pub channel_id: String,
        /// The identifier of the channel's input.
        pub input_id: Option<String>,
        /// The stream name. Empty in the platform's samples.
        pub stream_id: Option<String>,
        /// The pipeline of the channel: 0 or 1.
        pub pipeline: Option<i64>,
    }

    /// Event at the end of a push to the input of a StreamLive channel.
    ///
    /// StreamLive is another product of Tencent Cloud.
    pub struct StreamliveInterruption {
        /// The event type, always 330.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The identifier of the StreamLive channel.
        pub channel_id: String,
        /// The identifier of the channel's input.
        pub input_id: Option<String>,
        /// The stream name. Empty in the platform's samples.
        pub stream_id: Option<String>,
        /// The pipeline of the channel: 0 or 1.
        pub pipeline: Option<i64>,
    }
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
