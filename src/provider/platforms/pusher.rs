// @generated from pusher.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Pusher Channels.
//!
//! [`PusherCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://pusher.com/docs/channels/server_api/webhooks/>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `events` callbacks.
    ///
    /// A list of the platform's events about channels.
    pub struct Events prints(time_ms) {
        /// The time at which Pusher created the callback, in Unix milliseconds.
        time_ms: Option<i64> = "time_ms",
        /// The platform's events, each with `name` and `channel`.
        events: Option<Vec<Value>> = "events",
    }
}

describe! { "pusher":
    Events = "events",
}

callback! { "pusher":
    /// A callback of Pusher Channels, with a variant for each kind.
    pub enum PusherCallback {
        /// A list of the platform's events about channels.
        Events(Events) = "events",
    }
}
