// @generated from livepeer.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Livepeer Studio.
//!
//! [`LivepeerCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.livepeer.org/developers/guides/setup-and-listen-to-webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// The data of kinds of Livepeer Studio without fields of their own.
    pub struct LivepeerEvent prints(created_at event) {
        /// The identifier of the event, equal in resends.
        id: String = "id",
        /// The identifier of the webhook.
        webhook_id: Option<String> = "webhookId",
        /// The time of the event, in milliseconds since 1970.
        created_at: Option<i64> = "createdAt",
        /// The time at which Livepeer sent this copy, in milliseconds since 1970.
        timestamp: Option<i64> = "timestamp",
        /// The event, such as `stream.started`.
        event: Option<String> = "event",
        /// The stream, for events of streams.
        stream: Option<Map<String, Value>> = "stream",
        /// The details of the event.
        payload: Option<Map<String, Value>> = "payload",
    }
}

describe! { "livepeer":
    LivepeerEvent = "stream.started"
        | "stream.idle"
        | "recording.ready"
        | "playback.accessControl"
        | "event",
}

callback! { "livepeer":
    /// A callback of Livepeer Studio, by its kind.
    pub enum LivepeerCallback {
        /// A stream has started.
        StreamStarted(LivepeerEvent) = "stream.started",
        /// A stream has ended.
        StreamIdle(LivepeerEvent) = "stream.idle",
        /// A recording is ready.
        RecordingReady(LivepeerEvent) = "recording.ready",
        /// A viewer asks to play a stream or an asset. A status from 200 to 299 allows it.
        PlaybackAccessControl(LivepeerEvent) = "playback.accessControl",
        /// Any other event. Its name is the subject.
        Event(LivepeerEvent) = "event",
    }
}
