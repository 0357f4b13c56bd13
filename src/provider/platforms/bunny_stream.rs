// @generated from bunny_stream.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Bunny Stream.
//!
//! [`BunnyStreamCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.bunny.net/stream/webhooks>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Bunny Stream callbacks that have only the fields common to all kinds.
    pub struct BunnyStreamEvent prints(video_guid) {
        /// The identifier of the video library.
        video_library_id: Option<i64> = "VideoLibraryId",
        /// The identifier of the video.
        video_guid: Option<String> = "VideoGuid",
        /// The state of the video, from 0 to 10.
        status: Option<i64> = "Status",
    }
}

describe! { "bunny-stream":
    BunnyStreamEvent = "finished"
        | "resolution_finished"
        | "failed"
        | "event",
}

callback! { "bunny-stream":
    /// A callback of Bunny Stream, with a variant for each kind.
    pub enum BunnyStreamCallback {
        /// The processing of a video is complete.
        Finished(BunnyStreamEvent) = "finished",
        /// The processing of one resolution is complete, so viewers can play the video.
        ResolutionFinished(BunnyStreamEvent) = "resolution_finished",
        /// The processing of a video has failed.
        Failed(BunnyStreamEvent) = "failed",
        /// A video has changed to a state for which the definition has no other kind.
        Event(BunnyStreamEvent) = "event",
    }
}
