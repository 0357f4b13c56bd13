// @generated from agora.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Agora.
//!
//! [`AgoraCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.agora.io/en/api-reference/api-ref/rtc/channel-event-types>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// The data of kinds of Agora without fields of their own.
    pub struct AgoraEvent prints(event_ms event_type product_id) {
        /// The identifier of the notification, equal in resends.
        notice_id: String = "noticeId",
        /// The product: 1 is RTC channels.
        product_id: Option<i64> = "productId",
        /// The event. Its meaning depends on the product.
        event_type: Option<i64> = "eventType",
        /// The time at which Agora sent this copy, in milliseconds since 1970.
        notify_ms: Option<i64> = "notifyMs",
        /// The time of the event, in milliseconds since 1970.
        event_ms: Option<i64> = "eventMs",
        /// The identifier of the session.
        sid: Option<String> = "sid",
        /// The details of the event.
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
    /// A callback of Agora, by its kind.
    pub enum AgoraCallback {
        /// An event of a channel, such as a user who joins.
        RtcChannel(AgoraEvent) = "rtc_channel",
        /// An event of a cloud recording.
        CloudRecording(AgoraEvent) = "cloud_recording",
        /// An event of a stream that Agora pulls into a channel.
        MediaPull(AgoraEvent) = "media_pull",
        /// An event of a channel that Agora pushes to a CDN.
        MediaPush(AgoraEvent) = "media_push",
        /// An event of another product.
        Event(AgoraEvent) = "event",
    }
}
