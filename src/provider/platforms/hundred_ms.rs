// @generated from hundred_ms.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of 100ms.
//!
//! [`HundredMsCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.100ms.live/docs/server-side/v2/how-to-guides/configure-webhooks/overview>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of any type. The subject of gatepost's event is this type.
    pub struct HundredMsEvent prints(timestamp type_) {
        /// The version of the callback's format.
        version: Option<String> = "version",
        /// The identifier of the callback, the same in each resend.
        id: String = "id",
        /// The identifier of the account.
        account_id: Option<String> = "account_id",
        /// The identifier of the 100ms application.
        app_id: Option<String> = "app_id",
        /// The platform's time of the callback, in RFC 3339 format.
        timestamp: Option<String> = "timestamp",
        /// The type of the callback, such as `peer.join.success`.
        type_: Option<String> = "type",
        /// The details that the platform reports.
        data: Option<Map<String, Value>> = "data",
    }
}

describe! { "hundred-ms":
    HundredMsEvent = "event",
}

callback! { "hundred-ms":
    /// A callback of 100ms, with a variant for each kind.
    pub enum HundredMsCallback {
        /// A callback of any type. The subject of gatepost's event is this type.
        Event(HundredMsEvent) = "event",
    }
}
