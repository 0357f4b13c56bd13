// @generated from volcengine_rtc.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Volcengine RTC.
//!
//! [`VolcengineRtcCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://www.volcengine.com/docs/6348/69820>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// An event of a room, a stream or a recording. Its type is the subject.
    pub struct VolcengineRtcEvent prints(event_time event_type) {
        /// The event, such as `RecordStarted`.
        event_type: Option<String> = "EventType",
        /// The details of the event, which Volcengine sends as JSON in a text.
        event_data: Option<Value> = "EventData",
        /// The time of the event, as ISO 8601.
        event_time: Option<String> = "EventTime",
        /// The identifier of the event, equal in resends.
        event_id: String = "EventId",
        /// The app.
        app_id: Option<String> = "AppId",
        /// The version of the event.
        version: Option<String> = "Version",
        /// A random text of four characters.
        nonce: Option<String> = "Nonce",
    }
}

describe! { "volcengine-rtc":
    VolcengineRtcEvent = "event",
}

callback! { "volcengine-rtc":
    /// A callback of Volcengine RTC, by its kind.
    pub enum VolcengineRtcCallback {
        /// An event of a room, a stream or a recording. Its type is the subject.
        Event(VolcengineRtcEvent) = "event",
    }
}
