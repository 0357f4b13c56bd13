// @generated from realtimekit.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Cloudflare RealtimeKit (Dyte).
//!
//! [`RealtimekitCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.dyte.io/guides/capabilities/webhooks/signatures>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Cloudflare RealtimeKit (Dyte) callbacks that have only the fields common to all
    /// kinds.
    pub struct RealtimekitEvent prints(meeting) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The meeting.
        meeting: Option<RealtimekitEventMeeting> = "meeting",
    }

    /// The object in [`RealtimekitEvent::meeting`].
    pub struct RealtimekitEventMeeting prints(id) {
        /// The identifier of the meeting.
        id: Option<String> = "id",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The title of the meeting.
        title: Option<String> = "title",
    }

    /// Data of `meeting.ended` callbacks.
    ///
    /// The last participant has left a meeting, or the host has ended the meeting.
    pub struct MeetingEnded prints(meeting) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The meeting.
        meeting: Option<MeetingEndedMeeting> = "meeting",
        /// The reason for the end of the meeting: `HOST_ENDED_MEETING` or `ALL_PARTICIPANTS_LEFT`.
        reason: Option<String> = "reason",
    }

    /// The object in [`MeetingEnded::meeting`].
    pub struct MeetingEndedMeeting prints(id) {
        /// The identifier of the meeting.
        id: Option<String> = "id",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The title of the meeting.
        title: Option<String> = "title",
    }

    /// Data of `meeting.participantJoined` callbacks.
    ///
    /// A participant has joined a meeting.
    pub struct MeetingParticipantJoined prints(meeting) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The meeting.
        meeting: Option<MeetingParticipantJoinedMeeting> = "meeting",
        /// The participant, with `peerId` and `customParticipantId`.
        participant: Option<Map<String, Value>> = "participant",
    }

    /// The object in [`MeetingParticipantJoined::meeting`].
    pub struct MeetingParticipantJoinedMeeting prints(id) {
        /// The identifier of the meeting.
        id: Option<String> = "id",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The title of the meeting.
        title: Option<String> = "title",
    }

    /// Data of `meeting.participantLeft` callbacks.
    ///
    /// A participant has left a meeting.
    pub struct MeetingParticipantLeft prints(meeting) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The meeting.
        meeting: Option<MeetingParticipantLeftMeeting> = "meeting",
        /// The participant, with `peerId` and `customParticipantId`.
        participant: Option<Map<String, Value>> = "participant",
    }

    /// The object in [`MeetingParticipantLeft::meeting`].
    pub struct MeetingParticipantLeftMeeting prints(id) {
        /// The identifier of the meeting.
        id: Option<String> = "id",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The title of the meeting.
        title: Option<String> = "title",
    }

    /// Data of `recording.statusUpdate` callbacks.
    ///
    /// The status of a recording has changed.
    pub struct RecordingStatusUpdate prints(meeting) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The meeting.
        meeting: Option<RecordingStatusUpdateMeeting> = "meeting",
        /// The recording, with `id` and `status`: `INVOKED`, `RECORDING`, `UPLOADING`, `UPLOADED`
        /// or `ERRORED`.
        recording: Option<Map<String, Value>> = "recording",
    }

    /// The object in [`RecordingStatusUpdate::meeting`].
    pub struct RecordingStatusUpdateMeeting prints(id) {
        /// The identifier of the meeting.
        id: Option<String> = "id",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The title of the meeting.
        title: Option<String> = "title",
    }
}

describe! { "realtimekit":
    RealtimekitEvent = "meeting.started"
        | "event",
    MeetingEnded = "meeting.ended",
    MeetingParticipantJoined = "meeting.participantJoined",
    MeetingParticipantLeft = "meeting.participantLeft",
    RecordingStatusUpdate = "recording.statusUpdate",
}

callback! { "realtimekit":
    /// A callback of Cloudflare RealtimeKit (Dyte), with a variant for each kind.
    pub enum RealtimekitCallback {
        /// The first participant has joined a meeting.
        MeetingStarted(RealtimekitEvent) = "meeting.started",
        /// The last participant has left a meeting, or the host has ended the meeting.
        MeetingEnded(MeetingEnded) = "meeting.ended",
        /// A participant has joined a meeting.
        MeetingParticipantJoined(MeetingParticipantJoined) = "meeting.participantJoined",
        /// A participant has left a meeting.
        MeetingParticipantLeft(MeetingParticipantLeft) = "meeting.participantLeft",
        /// The status of a recording has changed.
        RecordingStatusUpdate(RecordingStatusUpdate) = "recording.statusUpdate",
        /// A callback for which the definition has no other kind, such as
        /// `livestreaming.statusUpdate` or `meeting.chatSynced`.
        Event(RealtimekitEvent) = "event",
    }
}
