// @generated from frame_io.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Frame.io.
//!
//! [`FrameIoCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developer.frame.io/platform/v4/docs/guides/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Frame.io callbacks that have only the fields common to all kinds.
    pub struct FrameIoEvent prints() {
        /// The platform's name of the kind.
        type_: Option<String> = "type",
        /// The object that the callback is about: its `type` and its `id`.
        resource: Option<Map<String, Value>> = "resource",
        /// The account, with its `id`.
        account: Option<Map<String, Value>> = "account",
        /// The workspace, with its `id`.
        workspace: Option<Map<String, Value>> = "workspace",
        /// The project, with its `id`.
        project: Option<Map<String, Value>> = "project",
        /// The user who caused the callback, with an `id`.
        user: Option<Map<String, Value>> = "user",
    }
}

describe! { "frame-io":
    FrameIoEvent = "file_created"
        | "file_ready"
        | "comment_created"
        | "event",
}

callback! { "frame-io":
    /// A callback of Frame.io, with a variant for each kind.
    pub enum FrameIoCallback {
        /// A user has created a file. The upload of the file may be incomplete.
        FileCreated(FrameIoEvent) = "file_created",
        /// All renditions of a file are complete.
        FileReady(FrameIoEvent) = "file_ready",
        /// A user has written a comment, possibly below another comment.
        CommentCreated(FrameIoEvent) = "comment_created",
        /// A callback for which the definition has no other kind.
        Event(FrameIoEvent) = "event",
    }
}
