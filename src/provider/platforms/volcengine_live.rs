// @generated from volcengine_live.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Volcengine Live.
//!
//! [`VolcengineLiveCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.volcengine.com/docs/6469/1126932>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Volcengine Live callbacks that have only the fields common to all kinds.
    pub struct VolcengineLiveEvent prints(app stream) {
        /// The platform's name of the kind, such as `push_start`.
        event_type: Option<String> = "event_type",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
    }
}

describe! { "volcengine-live":
    VolcengineLiveEvent = "push_start"
        | "push_end"
        | "event",
}

callback! { "volcengine-live":
    /// A callback of Volcengine Live, with a variant for each kind.
    pub enum VolcengineLiveCallback {
        /// A stream has started.
        PushStart(VolcengineLiveEvent) = "push_start",
        /// A stream has ended.
        PushEnd(VolcengineLiveEvent) = "push_end",
        /// A callback for which the definition has no other kind, such as one about a recording, a
        /// snapshot or a review.
        Event(VolcengineLiveEvent) = "event",
    }
}
