// @generated from optiview_live.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Dolby OptiView Live.
//!
//! [`OptiviewLiveCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://optiview.dolby.com/docs/theolive/platform/real-time-update-with-webhooks>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of any type. The subject of gatepost's event is this type.
    pub struct OptiviewLiveEvent prints(type_) {
        /// The type of the callback, such as `channel.started`.
        type_: Option<String> = "type",
    }
}

describe! { "optiview-live":
    OptiviewLiveEvent = "event",
}

callback! { "optiview-live":
    /// A callback of Dolby OptiView Live, with a variant for each kind.
    pub enum OptiviewLiveCallback {
        /// A callback of any type. The subject of gatepost's event is this type.
        Event(OptiviewLiveEvent) = "event",
    }
}
