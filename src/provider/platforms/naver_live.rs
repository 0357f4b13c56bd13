// @generated from naver_live.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of NAVER Cloud Live Station.
//!
//! [`NaverLiveCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://api.ncloud-docs.com/docs/en/media-livestation-event-callbacksetting>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the NAVER Cloud Live Station callbacks that have only the fields common to all
    /// kinds.
    pub struct NaverLiveEvent prints(id timestamp) {
        /// The identifier of the channel or of the object that has changed.
        id: Option<Value> = "id",
        /// The platform's name of the kind, such as `STREAM_UPDATE`.
        event: Option<String> = "event",
        /// The log level of the callback, such as `INFO`.
        log_level: Option<String> = "logLevel",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
    }
}

describe! { "naver-live":
    NaverLiveEvent = "STREAM_UPDATE"
        | "event",
}

callback! { "naver-live":
    /// A callback of NAVER Cloud Live Station, with a variant for each kind.
    pub enum NaverLiveCallback {
        /// The state of a stream has changed.
        STREAMUPDATE(NaverLiveEvent) = "STREAM_UPDATE",
        /// A callback for which the definition has no other kind.
        Event(NaverLiveEvent) = "event",
    }
}
