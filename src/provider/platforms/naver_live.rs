// @generated from naver_live.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of NAVER Cloud Live Station.
//!
//! [`NaverLiveCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://api.ncloud-docs.com/docs/en/media-livestation-event-callbacksetting>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// The data of kinds of NAVER Cloud Live Station without fields of their own.
    pub struct NaverLiveEvent prints(id timestamp) {
        /// The identifier of the channel or of the object that has changed.
        id: Option<Value> = "id",
        /// The event, such as `STREAM_UPDATE`.
        event: Option<String> = "event",
        /// The level of the event, such as `INFO`.
        log_level: Option<String> = "logLevel",
        /// The time of the event, in milliseconds since 1970.
        timestamp: Option<i64> = "timestamp",
    }
}

describe! { "naver-live":
    NaverLiveEvent = "STREAM_UPDATE"
        | "event",
}

callback! { "naver-live":
    /// A callback of NAVER Cloud Live Station, by its kind.
    pub enum NaverLiveCallback {
        /// The state of a stream has changed.
        STREAMUPDATE(NaverLiveEvent) = "STREAM_UPDATE",
        /// Any other event.
        Event(NaverLiveEvent) = "event",
    }
}
