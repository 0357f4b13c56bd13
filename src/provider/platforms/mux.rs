// @generated from mux.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Mux.
//!
//! [`MuxCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.mux.com/docs/core/verify-webhook-signatures>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Mux callbacks that have only the fields common to all kinds.
    pub struct MuxEvent prints(created_at) {
        /// The platform's name of the kind, such as `video.asset.ready`.
        event_type: Option<String> = "type",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The object that the callback is about: its `type` and its `id`.
        object: Option<Map<String, Value>> = "object",
        /// The Mux environment: its `name` and its `id`.
        environment: Option<Map<String, Value>> = "environment",
        /// The state of the object. The state of a live stream contains `stream_key`. A credential:
        /// do not log it.
        data: Option<Map<String, Value>> = "data",
        /// The platform's earlier attempts to send the callback.
        attempts: Option<Vec<Value>> = "attempts",
    }
}

describe! { "mux":
    MuxEvent = "video.asset.created"
        | "video.asset.ready"
        | "video.asset.errored"
        | "video.asset.updated"
        | "video.asset.deleted"
        | "video.asset.live_stream_completed"
        | "video.asset.warning"
        | "video.asset.non_standard_input_detected"
        | "video.asset.static_renditions.ready"
        | "video.asset.static_renditions.preparing"
        | "video.asset.static_renditions.deleted"
        | "video.asset.static_renditions.errored"
        | "video.asset.static_rendition.created"
        | "video.asset.static_rendition.ready"
        | "video.asset.static_rendition.errored"
        | "video.asset.static_rendition.deleted"
        | "video.asset.static_rendition.skipped"
        | "video.asset.master.ready"
        | "video.asset.master.preparing"
        | "video.asset.master.deleted"
        | "video.asset.master.errored"
        | "video.asset.track.created"
        | "video.asset.track.ready"
        | "video.asset.track.errored"
        | "video.asset.track.deleted"
        | "video.upload.created"
        | "video.upload.asset_created"
        | "video.upload.errored"
        | "video.upload.cancelled"
        | "video.live_stream.created"
        | "video.live_stream.connected"
        | "video.live_stream.recording"
        | "video.live_stream.active"
        | "video.live_stream.disconnected"
        | "video.live_stream.idle"
        | "video.live_stream.updated"
        | "video.live_stream.enabled"
        | "video.live_stream.disabled"
        | "video.live_stream.deleted"
        | "video.live_stream.warning"
        | "video.live_stream.simulcast_target.created"
        | "video.live_stream.simulcast_target.idle"
        | "video.live_stream.simulcast_target.starting"
        | "video.live_stream.simulcast_target.broadcasting"
        | "video.live_stream.simulcast_target.errored"
        | "video.live_stream.simulcast_target.deleted"
        | "video.live_stream.simulcast_target.updated"
        | "video.delivery.high_traffic"
        | "event",
}

callback! { "mux":
    /// A callback of Mux, with a variant for each kind.
    pub enum MuxCallback {
        /// Mux has created a video, and is preparing it.
        VideoAssetCreated(MuxEvent) = "video.asset.created",
        /// A video is ready to play.
        VideoAssetReady(MuxEvent) = "video.asset.ready",
        /// Mux has failed to process a video. `data.errors` has the reason.
        VideoAssetErrored(MuxEvent) = "video.asset.errored",
        /// The data of a video has changed.
        VideoAssetUpdated(MuxEvent) = "video.asset.updated",
        /// A video no longer exists.
        VideoAssetDeleted(MuxEvent) = "video.asset.deleted",
        /// The live stream that a video records has ended.
        VideoAssetLiveStreamCompleted(MuxEvent) = "video.asset.live_stream_completed",
        /// Mux has found a problem with a video, but continues to process it.
        VideoAssetWarning(MuxEvent) = "video.asset.warning",
        /// The input of a video has properties that Mux must convert, so the processing of the
        /// video takes longer.
        VideoAssetNonStandardInputDetected(MuxEvent) = "video.asset.non_standard_input_detected",
        /// The MP4 files of a video are ready.
        VideoAssetStaticRenditionsReady(MuxEvent) = "video.asset.static_renditions.ready",
        /// Mux is preparing the MP4 files of a video.
        VideoAssetStaticRenditionsPreparing(MuxEvent) = "video.asset.static_renditions.preparing",
        /// The MP4 files of a video no longer exist.
        VideoAssetStaticRenditionsDeleted(MuxEvent) = "video.asset.static_renditions.deleted",
        /// Mux has failed to prepare the MP4 files of a video.
        VideoAssetStaticRenditionsErrored(MuxEvent) = "video.asset.static_renditions.errored",
        /// Mux has started to prepare a static rendition of a video.
        VideoAssetStaticRenditionCreated(MuxEvent) = "video.asset.static_rendition.created",
        /// A static rendition of a video is ready.
        VideoAssetStaticRenditionReady(MuxEvent) = "video.asset.static_rendition.ready",
        /// Mux has failed to prepare a static rendition of a video.
        VideoAssetStaticRenditionErrored(MuxEvent) = "video.asset.static_rendition.errored",
        /// A static rendition of a video no longer exists.
        VideoAssetStaticRenditionDeleted(MuxEvent) = "video.asset.static_rendition.deleted",
        /// Mux has not prepared a static rendition, because the video is unsuitable, for example
        /// because its resolution is lower than that of the rendition.
        VideoAssetStaticRenditionSkipped(MuxEvent) = "video.asset.static_rendition.skipped",
        /// The master file of a video is ready to download.
        VideoAssetMasterReady(MuxEvent) = "video.asset.master.ready",
        /// Mux is preparing the master file of a video.
        VideoAssetMasterPreparing(MuxEvent) = "video.asset.master.preparing",
        /// The master file of a video no longer exists.
        VideoAssetMasterDeleted(MuxEvent) = "video.asset.master.deleted",
        /// Mux has failed to prepare the master file of a video.
        VideoAssetMasterErrored(MuxEvent) = "video.asset.master.errored",
        /// Mux has created a track of a video, such as subtitles.
        VideoAssetTrackCreated(MuxEvent) = "video.asset.track.created",
        /// A track of a video is ready.
        VideoAssetTrackReady(MuxEvent) = "video.asset.track.ready",
        /// Mux has failed to process a track of a video.
        VideoAssetTrackErrored(MuxEvent) = "video.asset.track.errored",
        /// A track of a video no longer exists.
        VideoAssetTrackDeleted(MuxEvent) = "video.asset.track.deleted",
        /// Mux has created a URL for a direct upload.
        VideoUploadCreated(MuxEvent) = "video.upload.created",
        /// A direct upload is complete, and Mux has created a video from it.
        VideoUploadAssetCreated(MuxEvent) = "video.upload.asset_created",
        /// A direct upload has failed.
        VideoUploadErrored(MuxEvent) = "video.upload.errored",
        /// A canceled direct upload.
        VideoUploadCancelled(MuxEvent) = "video.upload.cancelled",
        /// Mux has created a live stream. An encoder can connect to it.
        VideoLiveStreamCreated(MuxEvent) = "video.live_stream.created",
        /// An encoder has connected to a live stream.
        VideoLiveStreamConnected(MuxEvent) = "video.live_stream.connected",
        /// Mux receives and records the media of a live stream, but viewers cannot play the live
        /// stream yet.
        VideoLiveStreamRecording(MuxEvent) = "video.live_stream.recording",
        /// A live stream is active: viewers can play it.
        VideoLiveStreamActive(MuxEvent) = "video.live_stream.active",
        /// The encoder has disconnected from a live stream. It may connect again within the
        /// reconnect window.
        VideoLiveStreamDisconnected(MuxEvent) = "video.live_stream.disconnected",
        /// A live stream has ended: after its reconnect window, or after its completion.
        VideoLiveStreamIdle(MuxEvent) = "video.live_stream.idle",
        /// The data of a live stream has changed.
        VideoLiveStreamUpdated(MuxEvent) = "video.live_stream.updated",
        /// A live stream is enabled: it accepts encoders again.
        VideoLiveStreamEnabled(MuxEvent) = "video.live_stream.enabled",
        /// A live stream is disabled: it refuses encoders.
        VideoLiveStreamDisabled(MuxEvent) = "video.live_stream.disabled",
        /// A live stream no longer exists.
        VideoLiveStreamDeleted(MuxEvent) = "video.live_stream.deleted",
        /// Mux has found a problem with a live stream, but continues to process it.
        VideoLiveStreamWarning(MuxEvent) = "video.live_stream.warning",
        /// A new simulcast target of a live stream.
        VideoLiveStreamSimulcastTargetCreated(MuxEvent) = "video.live_stream.simulcast_target.created",
        /// A simulcast target receives nothing, because the live stream is not active.
        VideoLiveStreamSimulcastTargetIdle(MuxEvent) = "video.live_stream.simulcast_target.idle",
        /// Mux is connecting to a simulcast target.
        VideoLiveStreamSimulcastTargetStarting(MuxEvent) = "video.live_stream.simulcast_target.starting",
        /// Mux sends the live stream to a simulcast target.
        VideoLiveStreamSimulcastTargetBroadcasting(MuxEvent) = "video.live_stream.simulcast_target.broadcasting",
        /// Mux has failed to send the live stream to a simulcast target.
        VideoLiveStreamSimulcastTargetErrored(MuxEvent) = "video.live_stream.simulcast_target.errored",
        /// A removed simulcast target of a live stream.
        VideoLiveStreamSimulcastTargetDeleted(MuxEvent) = "video.live_stream.simulcast_target.deleted",
        /// The data of a simulcast target has changed.
        VideoLiveStreamSimulcastTargetUpdated(MuxEvent) = "video.live_stream.simulcast_target.updated",
        /// The traffic of a video has reached a threshold.
        VideoDeliveryHighTraffic(MuxEvent) = "video.delivery.high_traffic",
        /// A callback for which the definition has no other kind.
        Event(MuxEvent) = "event",
    }
}
