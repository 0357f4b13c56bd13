// @generated from volcengine_vod.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Volcengine VOD.
//!
//! [`VolcengineVodCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://www.volcengine.com/docs/4/116752>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of Volcengine VOD callbacks whose kind has no fields of its own.
    pub struct VolcengineVodEvent prints(event_time) {
        /// The platform's name of the kind, such as `FileUploadComplete`.
        event_type: Option<String> = "EventType",
        /// The time of the event in UTC, as ISO 8601.
        event_time: Option<String> = "EventTime",
        /// The identifier of the request that caused the event.
        request_id: Option<String> = "RequestId",
        /// The version of the format.
        version: Option<String> = "Version",
        /// The details of the event.
        data: Option<Map<String, Value>> = "Data",
    }
}

describe! { "volcengine-vod":
    VolcengineVodEvent = "FileUploadComplete"
        | "event",
}

callback! { "volcengine-vod":
    /// A callback of Volcengine VOD; each kind has a variant.
    pub enum VolcengineVodCallback {
        /// The upload of a file is complete.
        FileUploadComplete(VolcengineVodEvent) = "FileUploadComplete",
        /// A callback of any other kind.
        Event(VolcengineVodEvent) = "event",
    }
}
