// @generated from mux.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Mux.
//!
//! [`MuxCallback`] has a variant for each kind.
//! Fields have the platform's names in snake case. Values have the platform's units.
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
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The object that the callback is about: its `type` and its `id`.
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
    /// A callback of Mux, with a variant for each kind.
    pub enum MuxCallback {
        /// A `video.asset.created` callback.
        VideoAssetCreated(MuxEvent) = "video.asset.created",
        /// A `video.asset.ready` callback.
        VideoAssetReady(MuxEvent) = "video.asset.ready",
        /// A `video.asset.errored` callback.
        VideoAssetErrored(MuxEvent) = "video.asset.errored",
        /// A `video.asset.updated` callback.
        VideoAssetUpdated(MuxEvent) = "video.asset.updated",
        /// A `video.asset.deleted` callback.
        VideoAssetDeleted(MuxEvent) = "video.asset.deleted",
        /// A `video.asset.live_stream_completed` callback.
        VideoAssetLiveStreamCompleted(MuxEvent) = "video.asset.live_stream_completed",
        /// A `video.asset.warning` callback.
        VideoAssetWarning(MuxEvent) = "video.asset.warning",
        /// A `video.asset.non_standard_input_detected` callback.
        VideoAssetNonStandardInputDetected(MuxEvent) = "video.asset.non_standard_input_detected",
        /// A `video.asset.static_renditions.ready` callback.
        VideoAssetStaticRenditionsReady(MuxEvent) = "video.asset.static_renditions.ready",
        /// A `video.asset.static_renditions.preparing` callback.
        VideoAssetStaticRenditionsPreparing(MuxEvent) = "video.asset.static_renditions.preparing",
        /// A `video.asset.static_renditions.deleted` callback.
        VideoAssetStaticRenditionsDeleted(MuxEvent) = "video.asset.static_renditions.deleted",
        /// A `video.asset.static_renditions.errored` callback.
        VideoAssetStaticRenditionsErrored(MuxEvent) = "video.asset.static_renditions.errored",
        /// A `video.asset.static_rendition.created` callback.
        VideoAssetStaticRenditionCreated(MuxEvent) = "video.asset.static_rendition.created",
        /// A `video.asset.static_rendition.ready` callback.
        VideoAssetStaticRenditionReady(MuxEvent) = "video.asset.static_rendition.ready",
        /// A `video.asset.static_rendition.errored` callback.
        VideoAssetStaticRenditionErrored(MuxEvent) = "video.asset.static_rendition.errored",
        /// A `video.asset.static_rendition.deleted` callback.
        VideoAssetStaticRenditionDeleted(MuxEvent) = "video.asset.static_rendition.deleted",
        /// A `video.asset.static_rendition.skipped` callback.
        VideoAssetStaticRenditionSkipped(MuxEvent) = "video.asset.static_rendition.skipped",
        /// A `video.asset.master.ready` callback.
        VideoAssetMasterReady(MuxEvent) = "video.asset.master.ready",
        /// A `video.asset.master.preparing` callback.
        VideoAssetMasterPreparing(MuxEvent) = "video.asset.master.preparing",
        /// A `video.asset.master.deleted` callback.
        VideoAssetMasterDeleted(MuxEvent) = "video.asset.master.deleted",
        /// A `video.asset.master.errored` callback.
        VideoAssetMasterErrored(MuxEvent) = "video.asset.master.errored",
        /// A `video.asset.track.created` callback.
        VideoAssetTrackCreated(MuxEvent) = "video.asset.track.created",
        /// A `video.asset.track.ready` callback.
        VideoAssetTrackReady(MuxEvent) = "video.asset.track.ready",
        /// A `video.asset.track.errored` callback.
        VideoAssetTrackErrored(MuxEvent) = "video.asset.track.errored",
        /// A `video.asset.track.deleted` callback.
        VideoAssetTrackDeleted(MuxEvent) = "video.asset.track.deleted",
        /// A `video.upload.created` callback.
        VideoUploadCreated(MuxEvent) = "video.upload.created",
        /// A `video.upload.asset_created` callback.
        VideoUploadAssetCreated(MuxEvent) = "video.upload.asset_created",
        /// A `video.upload.errored` callback.
        VideoUploadErrored(MuxEvent) = "video.upload.errored",
        /// A `video.upload.cancelled` callback.
        VideoUploadCancelled(MuxEvent) = "video.upload.cancelled",
        /// A `video.live_stream.created` callback.
        VideoLiveStreamCreated(MuxEvent) = "video.live_stream.created",
        /// A `video.live_stream.connected` callback.
        VideoLiveStreamConnected(MuxEvent) = "video.live_stream.connected",
        /// A `video.live_stream.recording` callback.
        VideoLiveStreamRecording(MuxEvent) = "video.live_stream.recording",
        /// A `video.live_stream.active` callback.
        VideoLiveStreamActive(MuxEvent) = "video.live_stream.active",
        /// A `video.live_stream.disconnected` callback.
        VideoLiveStreamDisconnected(MuxEvent) = "video.live_stream.disconnected",
        /// A `video.live_stream.idle` callback.
        VideoLiveStreamIdle(MuxEvent) = "video.live_stream.idle",
        /// A `video.live_stream.updated` callback.
        VideoLiveStreamUpdated(MuxEvent) = "video.live_stream.updated",
        /// A `video.live_stream.enabled` callback.
        VideoLiveStreamEnabled(MuxEvent) = "video.live_stream.enabled",
        /// A `video.live_stream.disabled` callback.
        VideoLiveStreamDisabled(MuxEvent) = "video.live_stream.disabled",
        /// A `video.live_stream.deleted` callback.
        VideoLiveStreamDeleted(MuxEvent) = "video.live_stream.deleted",
        /// A `video.live_stream.warning` callback.
        VideoLiveStreamWarning(MuxEvent) = "video.live_stream.warning",
        /// A `video.live_stream.simulcast_target.created` callback.
        VideoLiveStreamSimulcastTargetCreated(MuxEvent) = "video.live_stream.simulcast_target.created",
        /// A `video.live_stream.simulcast_target.idle` callback.
        VideoLiveStreamSimulcastTargetIdle(MuxEvent) = "video.live_stream.simulcast_target.idle",
        /// A `video.live_stream.simulcast_target.starting` callback.
        VideoLiveStreamSimulcastTargetStarting(MuxEvent) = "video.live_stream.simulcast_target.starting",
        /// A `video.live_stream.simulcast_target.broadcasting` callback.
        VideoLiveStreamSimulcastTargetBroadcasting(MuxEvent) = "video.live_stream.simulcast_target.broadcasting",
        /// A `video.live_stream.simulcast_target.errored` callback.
        VideoLiveStreamSimulcastTargetErrored(MuxEvent) = "video.live_stream.simulcast_target.errored",
        /// A `video.live_stream.simulcast_target.deleted` callback.
        VideoLiveStreamSimulcastTargetDeleted(MuxEvent) = "video.live_stream.simulcast_target.deleted",
        /// A `video.live_stream.simulcast_target.updated` callback.
        VideoLiveStreamSimulcastTargetUpdated(MuxEvent) = "video.live_stream.simulcast_target.updated",
        /// A `video.delivery.high_traffic` callback.
        VideoDeliveryHighTraffic(MuxEvent) = "video.delivery.high_traffic",
        /// A `event` callback.
        Event(MuxEvent) = "event",
    }
}
