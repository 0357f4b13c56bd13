// @generated from agora.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Agora.
//!
//! [`AgoraCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.agora.io/en/api-reference/api-ref/rtc/channel-event-types>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Agora callbacks that have only the fields common to all kinds.
    pub struct AgoraEvent prints(event_ms event_type product_id) {
        /// The identifier of the callback, the same in each resend.
        notice_id: String = "noticeId",
        /// The number that identifies the product, such as 1 for RTC channels.
        product_id: Option<i64> = "productId",
        /// The type of the callback. The meaning of the number depends on the product.
        event_type: Option<i64> = "eventType",
        /// The time at which Agora sent this copy of the callback, in Unix milliseconds.
        notify_ms: Option<i64> = "notifyMs",
        /// The time of the reported change, in Unix milliseconds.
        event_ms: Option<i64> = "eventMs",
        /// The identifier of the session.
        sid: Option<String> = "sid",
        /// The details that the platform reports.
        payload: Option<Map<String, Value>> = "payload",
    }
}

describe! { "agora":
    AgoraEvent = "rtc_channel"
        | "cloud_recording"
        | "media_pull"
        | "media_push"
        | "event",
}

callback! { "agora":
    /// A callback of Agora, with a variant for each kind.
    pub enum AgoraCallback {
        /// A callback about a channel, for example after a user has joined.
        RtcChannel(AgoraEvent) = "rtc_channel",
        /// A callback about a cloud recording.
        CloudRecording(AgoraEvent) = "cloud_recording",
        /// A callback about a stream that Agora pulls into a channel.
        MediaPull(AgoraEvent) = "media_pull",
        /// A callback about a channel that Agora pushes to a CDN.
        MediaPush(AgoraEvent) = "media_push",
        /// A callback about a product for which the definition has no other kind.
        Event(AgoraEvent) = "event",
    }
}
