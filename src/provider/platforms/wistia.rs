// @generated from wistia.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Wistia.
//!
//! [`WistiaCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.wistia.com/docs/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `events` callbacks.
    ///
    /// A list of the platform's events about videos or their viewers.
    pub struct Events prints() {
        /// The webhook, with its `uuid`.
        hook: Option<Map<String, Value>> = "hook",
        /// The platform's events.
        events: Option<Vec<EventsEvents>> = "events",
    }

    /// An element of [`Events::events`].
    pub struct EventsEvents prints() {
        /// The identifier of the platform's event.
        uuid: Option<String> = "uuid",
        /// The type of the platform's event, such as `viewing_session.play` or `media.ready`.
        type_: Option<String> = "type",
        /// The details of the platform's event.
        payload: Option<Value> = "payload",
        /// The identifiers of the account and of the object that the platform's event is about.
        metadata: Option<Value> = "metadata",
        /// The time of the platform's event, in RFC 3339 format.
        generated_at: Option<String> = "generated_at",
    }
}

describe! { "wistia":
    Events = "events",
}

callback! { "wistia":
    /// A callback of Wistia, with a variant for each kind.
    pub enum WistiaCallback {
        /// A list of the platform's events about videos or their viewers.
        Events(Events) = "events",
    }
}
