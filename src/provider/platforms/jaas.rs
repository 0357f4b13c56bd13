// @generated from jaas.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of 8x8 JaaS (Jitsi).
//!
//! [`JaasCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developer.8x8.com/jaas/docs/webhooks-signatures>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the 8x8 JaaS (Jitsi) callbacks that have only the fields common to all kinds.
    pub struct JaasEvent prints(fqn timestamp) {
        /// The identifier of the callback, the same in each resend.
        idempotency_key: String = "idempotencyKey",
        /// The identifier of the customer.
        customer_id: Option<String> = "customerId",
        /// The identifier of the JaaS application.
        app_id: Option<String> = "appId",
        /// The platform's name of the kind.
        event_type: Option<String> = "eventType",
        /// The identifier of the session of the meeting.
        session_id: Option<String> = "sessionId",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The identifier of the JaaS application and the name of the room, separated by a slash.
        fqn: Option<String> = "fqn",
        /// The details that the platform reports.
        data: Option<Map<String, Value>> = "data",
    }
}

describe! { "jaas":
    JaasEvent = "room_created"
        | "room_destroyed"
        | "participant_joined"
        | "participant_left"
        | "live_stream_started"
        | "live_stream_ended"
        | "recording_started"
        | "recording_ended"
        | "recording_uploaded"
        | "event",
}

callback! { "jaas":
    /// A callback of 8x8 JaaS (Jitsi), with a variant for each kind.
    pub enum JaasCallback {
        /// The first participant has joined a room.
        RoomCreated(JaasEvent) = "room_created",
        /// All participants have left a room.
        RoomDestroyed(JaasEvent) = "room_destroyed",
        /// A participant has joined a room.
        ParticipantJoined(JaasEvent) = "participant_joined",
        /// A participant has left a room.
        ParticipantLeft(JaasEvent) = "participant_left",
        /// A livestream of a meeting has started.
        LiveStreamStarted(JaasEvent) = "live_stream_started",
        /// A livestream of a meeting has ended.
        LiveStreamEnded(JaasEvent) = "live_stream_ended",
        /// A recording of a meeting has started.
        RecordingStarted(JaasEvent) = "recording_started",
        /// A recording of a meeting has ended.
        RecordingEnded(JaasEvent) = "recording_ended",
        /// The file of a recording is ready.
        RecordingUploaded(JaasEvent) = "recording_uploaded",
        /// A callback for which the definition has no other kind.
        Event(JaasEvent) = "event",
    }
}
