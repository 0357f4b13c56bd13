// @generated from vdocipher.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of VdoCipher.
//!
//! [`VdocipherCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.vdocipher.com/blog/webhooks-get-video-status-via-api-tutorial/>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the VdoCipher callbacks that have only the fields common to all kinds.
    pub struct VdocipherEvent prints(event) {
        /// The platform's name of the kind, such as `video:ready`.
        event: Option<String> = "event",
    }
}

describe! { "vdocipher":
    VdocipherEvent = "video:ready"
        | "event",
}

callback! { "vdocipher":
    /// A callback of VdoCipher, with a variant for each kind.
    pub enum VdocipherCallback {
        /// A video is ready to play.
        VideoReady(VdocipherEvent) = "video:ready",
        /// A callback for which the definition has no other kind.
        Event(VdocipherEvent) = "event",
    }
}
