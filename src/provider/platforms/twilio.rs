// @generated from twilio.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Twilio.
//!
//! [`TwilioCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `room_created` callbacks.
    ///
    /// Twilio has created a video room.
    pub struct RoomCreated prints(room_name) {
        /// The identifier of the account.
        account_sid: Option<String> = "AccountSid",
        /// The name of the room.
        room_name: Option<String> = "RoomName",
        /// The identifier of the room.
        room_sid: Option<String> = "RoomSid",
        /// The platform's time of the callback, in RFC 3339 format.
        timestamp: Option<String> = "Timestamp",
    }

    /// Data of `room_ended` callbacks.
    ///
    /// A video room has ended.
    pub struct RoomEnded prints(room_name) {
        /// The identifier of the account.
        account_sid: Option<String> = "AccountSid",
        /// The name of the room.
        room_name: Option<String> = "RoomName",
        /// The identifier of the room.
        room_sid: Option<String> = "RoomSid",
        /// The duration of the room, in seconds.
        room_duration: Option<i64> = "RoomDuration",
    }

    /// Data of `participant_connected` callbacks.
    ///
    /// A participant has joined a video room.
    pub struct ParticipantConnected prints(room_name) {
        /// The identifier of the account.
        account_sid: Option<String> = "AccountSid",
        /// The name of the room.
        room_name: Option<String> = "RoomName",
        /// The identity that the app gave the participant.
        participant_identity: Option<String> = "ParticipantIdentity",
    }

    /// Data of `participant_disconnected` callbacks.
    ///
    /// A participant has left a video room.
    pub struct ParticipantDisconnected prints(room_name) {
        /// The identifier of the account.
        account_sid: Option<String> = "AccountSid",
        /// The name of the room.
        room_name: Option<String> = "RoomName",
        /// The identity that the app gave the participant.
        participant_identity: Option<String> = "ParticipantIdentity",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind, such as one about a call or a
    /// message.
    pub struct TwilioEvent prints() {
        /// The identifier of the account.
        account_sid: Option<String> = "AccountSid",
    }
}

describe! { "twilio":
    RoomCreated = "room_created",
    RoomEnded = "room_ended",
    ParticipantConnected = "participant_connected",
    ParticipantDisconnected = "participant_disconnected",
    TwilioEvent = "event",
}

callback! { "twilio":
    /// A callback of Twilio, with a variant for each kind.
    pub enum TwilioCallback {
        /// Twilio has created a video room.
        RoomCreated(RoomCreated) = "room_created",
        /// A video room has ended.
        RoomEnded(RoomEnded) = "room_ended",
        /// A participant has joined a video room.
        ParticipantConnected(ParticipantConnected) = "participant_connected",
        /// A participant has left a video room.
        ParticipantDisconnected(ParticipantDisconnected) = "participant_disconnected",
        /// A callback for which the definition has no other kind, such as one about a call or a
        /// message.
        Event(TwilioEvent) = "event",
    }
}
