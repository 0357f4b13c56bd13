// @generated from wistia.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Wistia.
//!
//! [`WistiaCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.wistia.com/docs/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `events` callbacks.
    ///
    /// Events about videos or their viewers.
    pub struct Events prints() {
        /// The webhook, with its `uuid`.
        hook: Option<Map<String, Value>> = "hook",
        /// The events.
        events: Option<Vec<EventsEvents>> = "events",
    }

    /// An element of [`Events::events`].
    pub struct EventsEvents prints() {
        /// The identifier of the event.
        uuid: Option<String> = "uuid",
        /// The name of the event, such as `viewing_session.play` or `media.ready`.
        type_: Option<String> = "type",
        /// The details of the event.
        payload: Option<Value> = "payload",
        /// The identifiers of the account and of the object that the event is about.
        metadata: Option<Value> = "metadata",
        /// The time of the event, as RFC 3339.
        generated_at: Option<String> = "generated_at",
    }
}

describe! { "wistia":
    Events = "events",
}

callback! { "wistia":
    /// A callback of Wistia; each kind has a variant.
    pub enum WistiaCallback {
        /// Events about videos or their viewers.
        Events(Events) = "events",
    }
}
