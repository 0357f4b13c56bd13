// @generated from pusher.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Pusher Channels.
//!
//! [`PusherCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://pusher.com/docs/channels/server_api/webhooks/>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Events of channels: a single one, or several in a batch.
    pub struct Events prints(time_ms) {
        /// The time at which Pusher created the webhook, in milliseconds since 1970.
        time_ms: Option<i64> = "time_ms",
        /// The events, each with `name` and `channel`.
        events: Option<Vec<Value>> = "events",
    }
}

describe! { "pusher":
    Events = "events",
}

callback! { "pusher":
    /// A callback of Pusher Channels, by its kind.
    pub enum PusherCallback {
        /// Events of channels: a single one, or several in a batch.
        Events(Events) = "events",
    }
}
