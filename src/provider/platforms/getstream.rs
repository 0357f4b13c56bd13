// @generated from getstream.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Stream.
//!
//! [`GetstreamCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://getstream.io/docs/platform/webhooks/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `call.live_started` callbacks.
    ///
    /// A livestream has started.
    pub struct CallLiveStarted prints(call_cid created_at) {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The type and the identifier of the call, such as `livestream:stage`.
        call_cid: Option<String> = "call_cid",
        /// The call whose livestream has started.
        call: Option<Map<String, Value>> = "call",
    }

    /// Data of `call.session_started` callbacks.
    ///
    /// A session of a call has started.
    pub struct CallSessionStarted prints(call_cid created_at) {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The type and the identifier of the call, such as `livestream:stage`.
        call_cid: Option<String> = "call_cid",
        /// The identifier of the session.
        session_id: Option<String> = "session_id",
    }

    /// Data of `call.session_ended` callbacks.
    ///
    /// A session of a call has ended.
    pub struct CallSessionEnded prints(call_cid created_at) {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The type and the identifier of the call, such as `livestream:stage`.
        call_cid: Option<String> = "call_cid",
        /// The identifier of the session.
        session_id: Option<String> = "session_id",
    }

    /// Data of `call.session_participant_joined` callbacks.
    ///
    /// A participant has joined a session.
    pub struct CallSessionParticipantJoined prints(call_cid created_at) {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The type and the identifier of the call, such as `livestream:stage`.
        call_cid: Option<String> = "call_cid",
        /// The identifier of the session.
        session_id: Option<String> = "session_id",
        /// The participant who has joined.
        participant: Option<Map<String, Value>> = "participant",
    }

    /// Data of `call.recording_ready` callbacks.
    ///
    /// A recording is ready.
    pub struct CallRecordingReady prints(call_cid created_at) {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The type and the identifier of the call, such as `livestream:stage`.
        call_cid: Option<String> = "call_cid",
        /// The recording, with its `url`.
        call_recording: Option<Map<String, Value>> = "call_recording",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind, such as one about a chat.
    pub struct GetstreamEvent prints(call_cid created_at) {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The type and the identifier of the call, such as `livestream:stage`.
        call_cid: Option<String> = "call_cid",
    }
}

describe! { "getstream":
    CallLiveStarted = "call.live_started",
    CallSessionStarted = "call.session_started",
    CallSessionEnded = "call.session_ended",
    CallSessionParticipantJoined = "call.session_participant_joined",
    CallRecordingReady = "call.recording_ready",
    GetstreamEvent = "event",
}

callback! { "getstream":
    /// A callback of Stream, with a variant for each kind.
    pub enum GetstreamCallback {
        /// A livestream has started.
        CallLiveStarted(CallLiveStarted) = "call.live_started",
        /// A session of a call has started.
        CallSessionStarted(CallSessionStarted) = "call.session_started",
        /// A session of a call has ended.
        CallSessionEnded(CallSessionEnded) = "call.session_ended",
        /// A participant has joined a session.
        CallSessionParticipantJoined(CallSessionParticipantJoined) = "call.session_participant_joined",
        /// A recording is ready.
        CallRecordingReady(CallRecordingReady) = "call.recording_ready",
        /// A callback for which the definition has no other kind, such as one about a chat.
        Event(GetstreamEvent) = "event",
    }
}
