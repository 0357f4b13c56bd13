// @generated from discord.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Discord.
//!
//! [`DiscordCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://discord.com/developers/docs/events/webhook-events>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `ping` callbacks.
    ///
    /// Discord checks the URL, and expects only an acknowledgement.
    pub struct Ping prints() {
        /// The version of the callback's format.
        version: Option<i64> = "version",
        /// The identifier of the Discord application.
        application_id: Option<String> = "application_id",
        /// 0 for the check of the URL, 1 for any other callback.
        type_: Option<i64> = "type",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback about a Discord event of any type. The `type` in `event` becomes the subject of
    /// gatepost's event.
    pub struct DiscordEvent prints() {
        /// The version of the callback's format.
        version: Option<i64> = "version",
        /// The identifier of the Discord application.
        application_id: Option<String> = "application_id",
        /// 0 for the check of the URL, 1 for any other callback.
        type_: Option<i64> = "type",
        /// The details that the platform reports: `type`, `timestamp` and `data`.
        event: Option<Map<String, Value>> = "event",
    }
}

describe! { "discord":
    Ping = "ping",
    DiscordEvent = "event",
}

callback! { "discord":
    /// A callback of Discord, with a variant for each kind.
    pub enum DiscordCallback {
        /// Discord checks the URL, and expects only an acknowledgement.
        Ping(Ping) = "ping",
        /// A callback about a Discord event of any type. The `type` in `event` becomes the subject
        /// of gatepost's event.
        Event(DiscordEvent) = "event",
    }
}
