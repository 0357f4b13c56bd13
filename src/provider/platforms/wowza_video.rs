// @generated from wowza_video.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Wowza Video.
//!
//! [`WowzaVideoCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developer.wowza.com/docs/wowza-video/reference/webhooks/receive-wowza-video-event-notifications-with-webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of any type.
    pub struct WowzaVideoEvent prints(object_id) {
        /// The identifier of the callback.
        event_id: String = "event_id",
        /// The type of the callback, such as `video.updated`.
        event_type: Option<String> = "event_type",
        /// The platform's time of the callback: in ISO 8601 format or, in the legacy format, in
        /// Unix seconds.
        event_time: Option<Value> = "event_time",
        /// The identifier of the object that has changed.
        object_id: Option<String> = "object_id",
        /// The details that the platform reports.
        payload: Option<Map<String, Value>> = "payload",
    }
}

describe! { "wowza-video":
    WowzaVideoEvent = "event",
}

callback! { "wowza-video":
    /// A callback of Wowza Video, with a variant for each kind.
    pub enum WowzaVideoCallback {
        /// A callback of any type.
        Event(WowzaVideoEvent) = "event",
    }
}
