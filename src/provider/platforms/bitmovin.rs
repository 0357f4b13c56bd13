// @generated from bitmovin.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Bitmovin.
//!
//! [`BitmovinCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://developer.bitmovin.com/encoding/docs/webhooks>

use crate::provider::view::{callback, describe, view};

view! {
    /// An event. Its type is the subject.
    pub struct BitmovinEvent prints(event_type) {
        /// The identifier of the notification.
        id: Option<String> = "id",
        /// The event, such as `ENCODING_FINISHED`.
        event_type: Option<String> = "eventType",
    }
}

describe! { "bitmovin":
    BitmovinEvent = "event",
}

callback! { "bitmovin":
    /// A callback of Bitmovin, by its kind.
    pub enum BitmovinCallback {
        /// An event. Its type is the subject.
        Event(BitmovinEvent) = "event",
    }
}
