// @generated from imagekit.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of ImageKit.
//!
//! [`ImagekitCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://imagekit.io/docs/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the ImageKit callbacks that have only the fields common to all kinds.
    pub struct ImagekitEvent prints() {
        /// The identifier of the callback, the same in each resend.
        id: String = "id",
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The platform's time of the callback, in RFC 3339 format.
        created_at: Option<String> = "created_at",
        /// The details that the platform reports.
        data: Option<Map<String, Value>> = "data",
        /// The request that caused the callback, with `x_request_id` and `url`.
        request: Option<Map<String, Value>> = "request",
    }
}

describe! { "imagekit":
    ImagekitEvent = "video_accepted"
        | "video_ready"
        | "video_error"
        | "pre_transform_ready"
        | "pre_transform_error"
        | "post_transform_ready"
        | "post_transform_error"
        | "event",
}

callback! { "imagekit":
    /// A callback of ImageKit, with a variant for each kind.
    pub enum ImagekitCallback {
        /// ImageKit has accepted a transformation of a video.
        VideoAccepted(ImagekitEvent) = "video_accepted",
        /// A transformation of a video is complete.
        VideoReady(ImagekitEvent) = "video_ready",
        /// A transformation of a video has failed.
        VideoError(ImagekitEvent) = "video_error",
        /// A pre-upload transformation is complete, and the file is in the media library.
        PreTransformReady(ImagekitEvent) = "pre_transform_ready",
        /// A pre-upload transformation has failed.
        PreTransformError(ImagekitEvent) = "pre_transform_error",
        /// A post-upload transformation is complete.
        PostTransformReady(ImagekitEvent) = "post_transform_ready",
        /// A post-upload transformation has failed. The original file remains available.
        PostTransformError(ImagekitEvent) = "post_transform_error",
        /// A callback for which the definition has no other kind, such as one about a file.
        Event(ImagekitEvent) = "event",
    }
}
