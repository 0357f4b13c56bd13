// @generated from livepeer.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Livepeer Studio.
//!
//! [`LivepeerCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.livepeer.org/developers/guides/setup-and-listen-to-webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Livepeer Studio callbacks that have only the fields common to all kinds.
    pub struct LivepeerEvent prints(created_at event) {
        /// The identifier of the callback, the same in each resend.
        id: String = "id",
        /// The identifier of the webhook.
        webhook_id: Option<String> = "webhookId",
        /// The platform's time of the callback, in Unix milliseconds.
        created_at: Option<i64> = "createdAt",
        /// The time at which Livepeer sent this copy of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The platform's name of the kind, such as `stream.started`.
        event: Option<String> = "event",
        /// The stream. Present only in callbacks about streams.
        stream: Option<Map<String, Value>> = "stream",
        /// The details that the platform reports.
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
    /// A callback of Livepeer Studio, with a variant for each kind.
    pub enum LivepeerCallback {
        /// A stream has started.
        StreamStarted(LivepeerEvent) = "stream.started",
        /// A stream has ended.
        StreamIdle(LivepeerEvent) = "stream.idle",
        /// A recording is ready.
        RecordingReady(LivepeerEvent) = "recording.ready",
        /// A viewer asks to play a stream or an asset. A reply with a status from 200 to 299 allows
        /// the viewer to play.
        PlaybackAccessControl(LivepeerEvent) = "playback.accessControl",
        /// A callback for which the definition has no other kind. The platform's name of the kind
        /// becomes the subject of gatepost's event.
        Event(LivepeerEvent) = "event",
    }
}
