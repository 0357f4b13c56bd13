// @generated from cloudflare_stream.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Cloudflare Stream.
//!
//! [`CloudflareStreamCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Cloudflare Stream callbacks that have only the fields common to all kinds.
    pub struct CloudflareStreamEvent prints(created modified uid) {
        /// The identifier of the video.
        uid: Option<String> = "uid",
        /// True if viewers can play the video.
        ready_to_stream: Option<bool> = "readyToStream",
        /// The creation time of the video, in RFC 3339 format.
        created: Option<String> = "created",
        /// The time of the last change, in RFC 3339 format.
        modified: Option<String> = "modified",
        /// The duration of the video, in seconds. -1 means that the platform does not know the
        /// duration.
        duration: Option<f64> = "duration",
        /// The metadata that the uploader has set.
        meta: Option<Map<String, Value>> = "meta",
        /// The state of the processing.
        status: Option<CloudflareStreamEventStatus> = "status",
    }

    /// The object in [`CloudflareStreamEvent::status`].
    pub struct CloudflareStreamEventStatus prints() {
        /// The state of the video, such as `ready`, `error` or `queued`.
        state: Option<String> = "state",
        /// The code of the reason for the failure.
        error_reason_code: Option<String> = "errorReasonCode",
        /// A sentence that describes the reason for the failure.
        error_reason_text: Option<String> = "errorReasonText",
    }
}

describe! { "cloudflare-stream":
    CloudflareStreamEvent = "ready"
        | "error"
        | "event",
}

callback! { "cloudflare-stream":
    /// A callback of Cloudflare Stream, with a variant for each kind.
    pub enum CloudflareStreamCallback {
        /// A video is ready to play.
        Ready(CloudflareStreamEvent) = "ready",
        /// The processing of a video has failed.
        Error(CloudflareStreamEvent) = "error",
        /// A video has changed to a state for which the definition has no other kind.
        Event(CloudflareStreamEvent) = "event",
    }
}
