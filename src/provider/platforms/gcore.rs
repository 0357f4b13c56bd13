// @generated from gcore.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Gcore Video Streaming.
//!
//! [`GcoreCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://gcore.com/docs/streaming/extra-features/get-webhooks-from-the-streaming-platform>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Gcore Video Streaming callbacks that have only the fields common to all kinds.
    pub struct GcoreEvent prints() {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The main fields of the object that the callback is about.
        message: Option<Map<String, Value>> = "message",
    }
}

describe! { "gcore":
    GcoreEvent = "stream"
        | "video"
        | "video_delete"
        | "restream"
        | "event",
}

callback! { "gcore":
    /// A callback of Gcore Video Streaming, with a variant for each kind.
    pub enum GcoreCallback {
        /// A livestream has started or stopped.
        Stream(GcoreEvent) = "stream",
        /// The state of a video or of a recording has changed.
        Video(GcoreEvent) = "video",
        /// A video no longer exists.
        VideoDelete(GcoreEvent) = "video_delete",
        /// The state of a stream that Gcore sends to another platform has changed.
        Restream(GcoreEvent) = "restream",
        /// A callback for which the definition has no other kind.
        Event(GcoreEvent) = "event",
    }
}
