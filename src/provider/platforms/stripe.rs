// @generated from stripe.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Stripe.
//!
//! [`StripeCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.stripe.com/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of any type. The subject of gatepost's event is this type.
    pub struct StripeEvent prints(created type_) {
        /// The identifier of the callback.
        id: String = "id",
        /// The type of the object: `event` or `v2.core.event`.
        object: Option<String> = "object",
        /// The type of the callback, such as `invoice.paid`.
        type_: Option<String> = "type",
        /// The API version of the data.
        api_version: Option<String> = "api_version",
        /// The platform's time of the callback: in Unix seconds or, in the thin format, in RFC 3339
        /// format.
        created: Option<Value> = "created",
        /// The connected account. Present only in callbacks of Connect.
        account: Option<String> = "account",
        /// False in a sandbox.
        livemode: Option<bool> = "livemode",
        /// The details. The member `object` is the object that has changed.
        data: Option<Map<String, Value>> = "data",
    }
}

describe! { "stripe":
    StripeEvent = "event",
}

callback! { "stripe":
    /// A callback of Stripe, with a variant for each kind.
    pub enum StripeCallback {
        /// A callback of any type. The subject of gatepost's event is this type.
        Event(StripeEvent) = "event",
    }
}
