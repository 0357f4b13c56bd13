// @generated from mux.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Mux.
//!
//! [`MuxCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://www.mux.com/docs/core/verify-webhook-signatures>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of Mux callbacks whose kind has no fields of its own.
    pub struct MuxEvent prints(created_at) {
        /// The platform's name of the kind, such as `video.asset.ready`.
        event_type: Option<String> = "type",
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The time of the event, as RFC 3339.
        created_at: Option<String> = "created_at",
        /// The object that the event is about: its `type` and its `id`.
        object: Option<Map<String, Value>> = "object",
        /// The Mux environment: its `name` and its `id`.
        environment: Option<Map<String, Value>> = "environment",
        /// The state of the object. The state of a live stream contains `stream_key`. A credential:
        /// do not log it.
        data: Option<Map<String, Value>> = "data",
        /// The earlier attempts to deliver the callback.
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
    /// A callback of Mux; each kind has a variant.
    pub enum MuxCallback {
        /// The kind `video.asset.created`.
        VideoAssetCreated(MuxEvent) = "video.asset.created",
        /// The kind `video.asset.ready`.
        VideoAssetReady(MuxEvent) = "video.asset.ready",
        /// The kind `video.asset.errored`.
        VideoAssetErrored(MuxEvent) = "video.asset.errored",
        /// The kind `video.asset.updated`.
        VideoAssetUpdated(MuxEvent) = "video.asset.updated",
        /// The kind `video.asset.deleted`.
        VideoAssetDeleted(MuxEvent) = "video.asset.deleted",
        /// The kind `video.asset.live_stream_completed`.
        VideoAssetLiveStreamCompleted(MuxEvent) = "video.asset.live_stream_completed",
        /// The kind `video.asset.warning`.
        VideoAssetWarning(MuxEvent) = "video.asset.warning",
        /// The kind `video.asset.non_standard_input_detected`.
        VideoAssetNonStandardInputDetected(MuxEvent) = "video.asset.non_standard_input_detected",
        /// The kind `video.asset.static_renditions.ready`.
        VideoAssetStaticRenditionsReady(MuxEvent) = "video.asset.static_renditions.ready",
        /// The kind `video.asset.static_renditions.preparing`.
        VideoAssetStaticRenditionsPreparing(MuxEvent) = "video.asset.static_renditions.preparing",
        /// The kind `video.asset.static_renditions.deleted`.
        VideoAssetStaticRenditionsDeleted(MuxEvent) = "video.asset.static_renditions.deleted",
        /// The kind `video.asset.static_renditions.errored`.
        VideoAssetStaticRenditionsErrored(MuxEvent) = "video.asset.static_renditions.errored",
        /// The kind `video.asset.static_rendition.created`.
        VideoAssetStaticRenditionCreated(MuxEvent) = "video.asset.static_rendition.created",
        /// The kind `video.asset.static_rendition.ready`.
        VideoAssetStaticRenditionReady(MuxEvent) = "video.asset.static_rendition.ready",
        /// The kind `video.asset.static_rendition.errored`.
        VideoAssetStaticRenditionErrored(MuxEvent) = "video.asset.static_rendition.errored",
        /// The kind `video.asset.static_rendition.deleted`.
        VideoAssetStaticRenditionDeleted(MuxEvent) = "video.asset.static_rendition.deleted",
        /// The kind `video.asset.static_rendition.skipped`.
        VideoAssetStaticRenditionSkipped(MuxEvent) = "video.asset.static_rendition.skipped",
        /// The kind `video.asset.master.ready`.
        VideoAssetMasterReady(MuxEvent) = "video.asset.master.ready",
        /// The kind `video.asset.master.preparing`.
        VideoAssetMasterPreparing(MuxEvent) = "video.asset.master.preparing",
        /// The kind `video.asset.master.deleted`.
        VideoAssetMasterDeleted(MuxEvent) = "video.asset.master.deleted",
        /// The kind `video.asset.master.errored`.
        VideoAssetMasterErrored(MuxEvent) = "video.asset.master.errored",
        /// The kind `video.asset.track.created`.
        VideoAssetTrackCreated(MuxEvent) = "video.asset.track.created",
        /// The kind `video.asset.track.ready`.
        VideoAssetTrackReady(MuxEvent) = "video.asset.track.ready",
        /// The kind `video.asset.track.errored`.
        VideoAssetTrackErrored(MuxEvent) = "video.asset.track.errored",
        /// The kind `video.asset.track.deleted`.
        VideoAssetTrackDeleted(MuxEvent) = "video.asset.track.deleted",
        /// The kind `video.upload.created`.
        VideoUploadCreated(MuxEvent) = "video.upload.created",
        /// The kind `video.upload.asset_created`.
        VideoUploadAssetCreated(MuxEvent) = "video.upload.asset_created",
        /// The kind `video.upload.errored`.
        VideoUploadErrored(MuxEvent) = "video.upload.errored",
        /// The kind `video.upload.cancelled`.
        VideoUploadCancelled(MuxEvent) = "video.upload.cancelled",
        /// The kind `video.live_stream.created`.
        VideoLiveStreamCreated(MuxEvent) = "video.live_stream.created",
        /// The kind `video.live_stream.connected`.
        VideoLiveStreamConnected(MuxEvent) = "video.live_stream.connected",
        /// The kind `video.live_stream.recording`.
        VideoLiveStreamRecording(MuxEvent) = "video.live_stream.recording",
        /// The kind `video.live_stream.active`.
        VideoLiveStreamActive(MuxEvent) = "video.live_stream.active",
        /// The kind `video.live_stream.disconnected`.
        VideoLiveStreamDisconnected(MuxEvent) = "video.live_stream.disconnected",
        /// The kind `video.live_stream.idle`.
        VideoLiveStreamIdle(MuxEvent) = "video.live_stream.idle",
        /// The kind `video.live_stream.updated`.
        VideoLiveStreamUpdated(MuxEvent) = "video.live_stream.updated",
        /// The kind `video.live_stream.enabled`.
        VideoLiveStreamEnabled(MuxEvent) = "video.live_stream.enabled",
        /// The kind `video.live_stream.disabled`.
        VideoLiveStreamDisabled(MuxEvent) = "video.live_stream.disabled",
        /// The kind `video.live_stream.deleted`.
        VideoLiveStreamDeleted(MuxEvent) = "video.live_stream.deleted",
        /// The kind `video.live_stream.warning`.
        VideoLiveStreamWarning(MuxEvent) = "video.live_stream.warning",
        /// The kind `video.live_stream.simulcast_target.created`.
        VideoLiveStreamSimulcastTargetCreated(MuxEvent) = "video.live_stream.simulcast_target.created",
        /// The kind `video.live_stream.simulcast_target.idle`.
        VideoLiveStreamSimulcastTargetIdle(MuxEvent) = "video.live_stream.simulcast_target.idle",
        /// The kind `video.live_stream.simulcast_target.starting`.
        VideoLiveStreamSimulcastTargetStarting(MuxEvent) = "video.live_stream.simulcast_target.starting",
        /// The kind `video.live_stream.simulcast_target.broadcasting`.
        VideoLiveStreamSimulcastTargetBroadcasting(MuxEvent) = "video.live_stream.simulcast_target.broadcasting",
        /// The kind `video.live_stream.simulcast_target.errored`.
        VideoLiveStreamSimulcastTargetErrored(MuxEvent) = "video.live_stream.simulcast_target.errored",
        /// The kind `video.live_stream.simulcast_target.deleted`.
        VideoLiveStreamSimulcastTargetDeleted(MuxEvent) = "video.live_stream.simulcast_target.deleted",
        /// The kind `video.live_stream.simulcast_target.updated`.
        VideoLiveStreamSimulcastTargetUpdated(MuxEvent) = "video.live_stream.simulcast_target.updated",
        /// The kind `video.delivery.high_traffic`.
        VideoDeliveryHighTraffic(MuxEvent) = "video.delivery.high_traffic",
        /// The kind `event`.
        Event(MuxEvent) = "event",
    }
}
