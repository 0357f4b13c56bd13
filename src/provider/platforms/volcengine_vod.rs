// @generated from volcengine_vod.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Volcengine VOD.
//!
//! [`VolcengineVodCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.volcengine.com/docs/4/116752>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Volcengine VOD callbacks that have only the fields common to all kinds.
    pub struct VolcengineVodEvent prints(event_time) {
        /// The platform's name of the kind, such as `FileUploadComplete`.
        event_type: Option<String> = "EventType",
        /// The platform's time of the callback in UTC, in ISO 8601 format.
        event_time: Option<String> = "EventTime",
        /// The identifier of the request that caused the callback.
        request_id: Option<String> = "RequestId",
        /// The version of the callback's format.
        version: Option<String> = "Version",
        /// The details that the platform reports.
        data: Option<Map<String, Value>> = "Data",
    }
}

describe! { "volcengine-vod":
    VolcengineVodEvent = "FileUploadComplete"
        | "event",
}

callback! { "volcengine-vod":
    /// A callback of Volcengine VOD, with a variant for each kind.
    pub enum VolcengineVodCallback {
        /// The upload of a file is complete.
        FileUploadComplete(VolcengineVodEvent) = "FileUploadComplete",
        /// A callback for which the definition has no other kind.
        Event(VolcengineVodEvent) = "event",
    }
}
