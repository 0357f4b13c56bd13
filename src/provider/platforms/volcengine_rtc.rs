// @generated from volcengine_rtc.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Volcengine RTC.
//!
//! [`VolcengineRtcCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.volcengine.com/docs/6348/69820>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback about a room, a stream or a recording. The subject of gatepost's event is this
    /// type.
    pub struct VolcengineRtcEvent prints(event_time event_type) {
        /// The type of the callback, such as `RecordStarted`.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports. Volcengine sends these details as JSON in a
        /// string.
        event_data: Option<Value> = "EventData",
        /// The platform's time of the callback, in ISO 8601 format.
        event_time: Option<String> = "EventTime",
        /// The identifier of the callback, the same in each resend.
        event_id: String = "EventId",
        /// The identifier of the RTC application.
        app_id: Option<String> = "AppId",
        /// The version of the callback's format.
        version: Option<String> = "Version",
        /// A random string of four characters.
        nonce: Option<String> = "Nonce",
    }
}

describe! { "volcengine-rtc":
    VolcengineRtcEvent = "event",
}

callback! { "volcengine-rtc":
    /// A callback of Volcengine RTC, with a variant for each kind.
    pub enum VolcengineRtcCallback {
        /// A callback about a room, a stream or a recording. The subject of gatepost's event is
        /// this type.
        Event(VolcengineRtcEvent) = "event",
    }
}
