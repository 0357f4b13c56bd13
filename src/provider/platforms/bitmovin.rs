// @generated from bitmovin.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Bitmovin.
//!
//! [`BitmovinCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developer.bitmovin.com/encoding/docs/webhooks>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of any type. The subject of gatepost's event is this type.
    pub struct BitmovinEvent prints(event_type) {
        /// The identifier of the callback.
        id: Option<String> = "id",
        /// The type of the callback, such as `ENCODING_FINISHED`.
        event_type: Option<String> = "eventType",
    }
}

describe! { "bitmovin":
    BitmovinEvent = "event",
}

callback! { "bitmovin":
    /// A callback of Bitmovin, with a variant for each kind.
    pub enum BitmovinCallback {
        /// A callback of any type. The subject of gatepost's event is this type.
        Event(BitmovinEvent) = "event",
    }
}
