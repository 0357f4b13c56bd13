// @generated from zoom.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Zoom.
//!
//! [`ZoomCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developers.zoom.us/docs/api/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Zoom callbacks that have only the fields common to all kinds.
    pub struct ZoomEvent prints(event event_ts) {
        /// The type of the callback, such as `meeting.started`.
        event: Option<String> = "event",
        /// The platform's time of the callback, in Unix milliseconds.
        event_ts: Option<i64> = "event_ts",
        /// The account, and the object that the callback is about.
        payload: Option<Map<String, Value>> = "payload",
    }
}

describe! { "zoom":
    ZoomEvent = "event"
        | "challenge",
}

callback! { "zoom":
    /// A callback of Zoom, with a variant for each kind.
    pub enum ZoomCallback {
        /// A callback of any type. The subject of gatepost's event is this type.
        Event(ZoomEvent) = "event",
        /// The check of the URL. gatepost sends the token and its HMAC in the reply.
        Challenge(ZoomEvent) = "challenge",
    }
}
