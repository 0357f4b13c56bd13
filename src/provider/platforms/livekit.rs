// @generated from livekit.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of LiveKit.
//!
//! [`LivekitCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.livekit.io/home/server/webhooks/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the LiveKit callbacks that have only the fields common to all kinds.
    pub struct LivekitEvent prints(created_at room) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<LivekitEventRoom> = "room",
        /// The participant.
        participant: Option<LivekitEventParticipant> = "participant",
    }

    /// The object in [`LivekitEvent::room`].
    pub struct LivekitEventRoom prints(name) {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`LivekitEvent::participant`].
    pub struct LivekitEventParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }

    /// Data of `track_published` callbacks.
    ///
    /// A participant has published a track.
    pub struct TrackPublished prints(created_at room) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<TrackPublishedRoom> = "room",
        /// The participant.
        participant: Option<TrackPublishedParticipant> = "participant",
        /// The published track.
        track: Option<Map<String, Value>> = "track",
    }

    /// The object in [`TrackPublished::room`].
    pub struct TrackPublishedRoom prints(name) {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`TrackPublished::participant`].
    pub struct TrackPublishedParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }

    /// Data of `track_unpublished` callbacks.
    ///
    /// A participant has withdrawn a track.
    pub struct TrackUnpublished prints(created_at room) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<TrackUnpublishedRoom> = "room",
        /// The participant.
        participant: Option<TrackUnpublishedParticipant> = "participant",
        /// The withdrawn track.
        track: Option<Map<String, Value>> = "track",
    }

    /// The object in [`TrackUnpublished::room`].
    pub struct TrackUnpublishedRoom prints(name) {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`TrackUnpublished::participant`].
    pub struct TrackUnpublishedParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }

    /// Data of `egress_started` callbacks.
    ///
    /// A recording or an outgoing stream has started.
    pub struct EgressStarted prints(created_at) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<EgressStartedRoom> = "room",
        /// The participant.
        participant: Option<EgressStartedParticipant> = "participant",
        /// The recording or stream, with `egressId`, `roomName` and `status`.
        egress_info: Option<Map<String, Value>> = "egressInfo",
    }

    /// The object in [`EgressStarted::room`].
    pub struct EgressStartedRoom prints() {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`EgressStarted::participant`].
    pub struct EgressStartedParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }

    /// Data of `egress_updated` callbacks.
    ///
    /// The state of a recording or an outgoing stream has changed.
    pub struct EgressUpdated prints(created_at) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<EgressUpdatedRoom> = "room",
        /// The participant.
        participant: Option<EgressUpdatedParticipant> = "participant",
        /// The recording or stream, with `egressId`, `roomName` and `status`.
        egress_info: Option<Map<String, Value>> = "egressInfo",
    }

    /// The object in [`EgressUpdated::room`].
    pub struct EgressUpdatedRoom prints() {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`EgressUpdated::participant`].
    pub struct EgressUpdatedParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }

    /// Data of `egress_ended` callbacks.
    ///
    /// A recording or an outgoing stream has ended.
    pub struct EgressEnded prints(created_at) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<EgressEndedRoom> = "room",
        /// The participant.
        participant: Option<EgressEndedParticipant> = "participant",
        /// The recording or stream, with `egressId`, `roomName` and `status`.
        egress_info: Option<Map<String, Value>> = "egressInfo",
    }

    /// The object in [`EgressEnded::room`].
    pub struct EgressEndedRoom prints() {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`EgressEnded::participant`].
    pub struct EgressEndedParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }

    /// Data of `ingress_started` callbacks.
    ///
    /// An incoming stream has started.
    pub struct IngressStarted prints(created_at) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<IngressStartedRoom> = "room",
        /// The participant.
        participant: Option<IngressStartedParticipant> = "participant",
        /// The incoming stream, with `ingressId`, `roomName` and `state`.
        ingress_info: Option<Map<String, Value>> = "ingressInfo",
    }

    /// The object in [`IngressStarted::room`].
    pub struct IngressStartedRoom prints() {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`IngressStarted::participant`].
    pub struct IngressStartedParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }

    /// Data of `ingress_ended` callbacks.
    ///
    /// An incoming stream has ended.
    pub struct IngressEnded prints(created_at) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in Unix seconds, as a string.
        created_at: Option<Value> = "createdAt",
        /// The number of callbacks that LiveKit has dropped since the previous callback.
        num_dropped: Option<i64> = "numDropped",
        /// The room.
        room: Option<IngressEndedRoom> = "room",
        /// The participant.
        participant: Option<IngressEndedParticipant> = "participant",
        /// The incoming stream, with `ingressId`, `roomName` and `state`.
        ingress_info: Option<Map<String, Value>> = "ingressInfo",
    }

    /// The object in [`IngressEnded::room`].
    pub struct IngressEndedRoom prints() {
        /// The identifier of the session of the room.
        sid: Option<String> = "sid",
        /// The name of the room.
        name: Option<String> = "name",
    }

    /// The object in [`IngressEnded::participant`].
    pub struct IngressEndedParticipant prints() {
        /// The identifier of the participant's session.
        sid: Option<String> = "sid",
        /// The identity that the app gave the participant.
        identity: Option<String> = "identity",
    }
}

describe! { "livekit":
    LivekitEvent = "room_started"
        | "room_finished"
        | "participant_joined"
        | "participant_left"
        | "participant_connection_aborted"
        | "event",
    TrackPublished = "track_published",
    TrackUnpublished = "track_unpublished",
    EgressStarted = "egress_started",
    EgressUpdated = "egress_updated",
    EgressEnded = "egress_ended",
    IngressStarted = "ingress_started",
    IngressEnded = "ingress_ended",
}

callback! { "livekit":
    /// A callback of LiveKit, with a variant for each kind.
    pub enum LivekitCallback {
        /// A room has started.
        RoomStarted(LivekitEvent) = "room_started",
        /// A room has ended.
        RoomFinished(LivekitEvent) = "room_finished",
        /// A participant has joined a room.
        ParticipantJoined(LivekitEvent) = "participant_joined",
        /// A participant has left a room.
        ParticipantLeft(LivekitEvent) = "participant_left",
        /// The connection of a participant has failed.
        ParticipantConnectionAborted(LivekitEvent) = "participant_connection_aborted",
        /// A participant has published a track.
        TrackPublished(TrackPublished) = "track_published",
        /// A participant has withdrawn a track.
        TrackUnpublished(TrackUnpublished) = "track_unpublished",
        /// A recording or an outgoing stream has started.
        EgressStarted(EgressStarted) = "egress_started",
        /// The state of a recording or an outgoing stream has changed.
        EgressUpdated(EgressUpdated) = "egress_updated",
        /// A recording or an outgoing stream has ended.
        EgressEnded(EgressEnded) = "egress_ended",
        /// An incoming stream has started.
        IngressStarted(IngressStarted) = "ingress_started",
        /// An incoming stream has ended.
        IngressEnded(IngressEnded) = "ingress_ended",
        /// A callback for which the definition has no other kind.
        Event(LivekitEvent) = "event",
    }
}
