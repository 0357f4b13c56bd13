// @generated from cloudflare_live.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Cloudflare Stream Live.
//!
//! [`CloudflareLiveCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developers.cloudflare.com/stream/stream-live/webhooks/>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Cloudflare Stream Live callbacks that have only the fields common to all kinds.
    pub struct CloudflareLiveEvent prints(data) {
        /// The name of the notification in the Cloudflare dashboard.
        name: Option<String> = "name",
        /// A sentence that describes the callback.
        text: Option<String> = "text",
        /// The platform's time of the callback, in Unix seconds.
        ts: Option<i64> = "ts",
        /// The details that the platform reports.
        data: Option<CloudflareLiveEventData> = "data",
    }

    /// The object in [`CloudflareLiveEvent::data`].
    pub struct CloudflareLiveEventData prints(input_id updated_at) {
        /// The identifier of the live input.
        input_id: Option<String> = "input_id",
        /// The platform's name of the kind, such as `live_input.connected`.
        event_type: Option<String> = "event_type",
        /// The platform's time of the callback, in RFC 3339 format.
        updated_at: Option<String> = "updated_at",
    }
}

describe! { "cloudflare-live":
    CloudflareLiveEvent = "connected"
        | "disconnected"
        | "errored"
        | "event"
        | "message",
}

callback! { "cloudflare-live":
    /// A callback of Cloudflare Stream Live, with a variant for each kind.
    pub enum CloudflareLiveCallback {
        /// An encoder has connected to a live input.
        Connected(CloudflareLiveEvent) = "connected",
        /// An encoder has disconnected from a live input.
        Disconnected(CloudflareLiveEvent) = "disconnected",
        /// A live input has failed.
        Errored(CloudflareLiveEvent) = "errored",
        /// A callback for which the definition has no other kind.
        Event(CloudflareLiveEvent) = "event",
        /// A callback that names no kind, such as the test of the webhook.
        Message(CloudflareLiveEvent) = "message",
    }
}
