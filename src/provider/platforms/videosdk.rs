// @generated from videosdk.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of VideoSDK.
//!
//! [`VideosdkCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.videosdk.live/api-reference/realtime-communication/webhook-verification>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback about a meeting, a recording or a livestream.
    pub struct VideosdkEvent prints() {
        /// The type of the callback.
        webhook_type: Option<String> = "webhookType",
        /// The details that the platform reports.
        data: Option<Map<String, Value>> = "data",
    }
}

describe! { "videosdk":
    VideosdkEvent = "event",
}

callback! { "videosdk":
    /// A callback of VideoSDK, with a variant for each kind.
    pub enum VideosdkCallback {
        /// A callback about a meeting, a recording or a livestream.
        Event(VideosdkEvent) = "event",
    }
}
