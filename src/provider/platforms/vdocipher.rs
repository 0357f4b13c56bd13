// @generated from vdocipher.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of VdoCipher.
//!
//! [`VdocipherCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://www.vdocipher.com/blog/webhooks-get-video-status-via-api-tutorial/>

use crate::provider::view::{callback, describe, view};

view! {
    /// The data of kinds of VdoCipher without fields of their own.
    pub struct VdocipherEvent prints(event) {
        /// The event, such as `video:ready`.
        event: Option<String> = "event",
    }
}

describe! { "vdocipher":
    VdocipherEvent = "video:ready"
        | "event",
}

callback! { "vdocipher":
    /// A callback of VdoCipher, by its kind.
    pub enum VdocipherCallback {
        /// A video is ready to be played.
        VideoReady(VdocipherEvent) = "video:ready",
        /// Any other event.
        Event(VdocipherEvent) = "event",
    }
}
