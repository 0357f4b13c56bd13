// @generated from api_video.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of api.video.
//!
//! [`ApiVideoCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.api.video/reference/create-and-manage-webhooks>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the api.video callbacks that have only the fields common to all kinds.
    pub struct ApiVideoEvent prints(emitted_at live_stream_id type_ video_id) {
        /// The platform's name of the kind, such as `live-stream.broadcast.started`.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        emitted_at: Option<String> = "emittedAt",
        /// The identifier of the video.
        video_id: Option<String> = "videoId",
        /// The identifier of the live stream.
        live_stream_id: Option<String> = "liveStreamId",
        /// The format of the encoding: `hls` or `mp4`.
        encoding: Option<String> = "encoding",
        /// The quality of the encoding, such as `720p`.
        quality: Option<String> = "quality",
    }
}

describe! { "api-video":
    ApiVideoEvent = "live-stream.broadcast.started"
        | "live-stream.broadcast.ended"
        | "video.source.recorded"
        | "video.encoding.quality.completed"
        | "event",
}

callback! { "api-video":
    /// A callback of api.video, with a variant for each kind.
    pub enum ApiVideoCallback {
        /// A live stream has started.
        LiveStreamBroadcastStarted(ApiVideoEvent) = "live-stream.broadcast.started",
        /// A live stream has ended.
        LiveStreamBroadcastEnded(ApiVideoEvent) = "live-stream.broadcast.ended",
        /// The recording of a live stream has become a video.
        VideoSourceRecorded(ApiVideoEvent) = "video.source.recorded",
        /// The encoding of one quality of a video is complete.
        VideoEncodingQualityCompleted(ApiVideoEvent) = "video.encoding.quality.completed",
        /// A callback for which the definition has no other kind.
        Event(ApiVideoEvent) = "event",
    }
}
