// @generated from millicast.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Dolby Millicast.
//!
//! [`MillicastCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://optiview.dolby.com/docs/millicast/webhooks/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Dolby Millicast callbacks that have only the fields common to all kinds.
    pub struct MillicastEvent prints(event timestamp) {
        /// The platform's name of the group of callbacks, such as `feeds`.
        type_: Option<String> = "type",
        /// The change within the group, such as `started`.
        event: Option<String> = "event",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The details that the platform reports.
        data: Option<Map<String, Value>> = "data",
    }
}

describe! { "millicast":
    MillicastEvent = "feeds"
        | "media"
        | "transcoder"
        | "viewerConnection"
        | "event",
}

callback! { "millicast":
    /// A callback of Dolby Millicast, with a variant for each kind.
    pub enum MillicastCallback {
        /// A feed has started or ended.
        Feeds(MillicastEvent) = "feeds",
        /// A recording, clip or other media asset has changed.
        Media(MillicastEvent) = "media",
        /// The state of a transcoder has changed.
        Transcoder(MillicastEvent) = "transcoder",
        /// A viewer tries to connect, the first viewer has connected, or the last viewer has left.
        ViewerConnection(MillicastEvent) = "viewerConnection",
        /// A callback of a group for which the definition has no other kind.
        Event(MillicastEvent) = "event",
    }
}
