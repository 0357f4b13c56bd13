// @generated from sendbird.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Sendbird.
//!
//! [`SendbirdCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://sendbird.com/docs/chat/platform-api/v3/webhook/webhook-overview>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Sendbird callbacks that have only the fields common to all kinds.
    pub struct SendbirdEvent prints() {
        /// The platform's name of the kind.
        category: Option<String> = "category",
        /// The identifier of the Sendbird application.
        app_id: Option<String> = "app_id",
        /// The channel, with its `channel_url`.
        channel: Option<Map<String, Value>> = "channel",
        /// The user who sent the message.
        sender: Option<Map<String, Value>> = "sender",
        /// The message.
        payload: Option<Map<String, Value>> = "payload",
    }
}

describe! { "sendbird":
    SendbirdEvent = "group_message"
        | "open_message"
        | "event",
}

callback! { "sendbird":
    /// A callback of Sendbird, with a variant for each kind.
    pub enum SendbirdCallback {
        /// A user has sent a message in a group channel.
        GroupMessage(SendbirdEvent) = "group_message",
        /// A user has sent a message in an open channel, such as the chat of a livestream.
        OpenMessage(SendbirdEvent) = "open_message",
        /// A callback for which the definition has no other kind.
        Event(SendbirdEvent) = "event",
    }
}
