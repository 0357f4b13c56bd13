// @generated from paypal.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of PayPal.
//!
//! [`PaypalCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of any type.
    pub struct PaypalEvent prints() {
        /// The identifier of the callback, the same in each resend.
        id: Option<String> = "id",
        /// The type of the callback, such as `PAYMENT.CAPTURE.COMPLETED`.
        event_type: Option<String> = "event_type",
        /// The platform's time of the callback, in RFC 3339 format.
        create_time: Option<String> = "create_time",
        /// The type of the resource, such as `capture`.
        resource_type: Option<String> = "resource_type",
        /// A sentence that describes the callback.
        summary: Option<String> = "summary",
        /// The resource that the callback is about.
        resource: Option<Map<String, Value>> = "resource",
    }
}

describe! { "paypal":
    PaypalEvent = "event",
}

callback! { "paypal":
    /// A callback of PayPal, with a variant for each kind.
    pub enum PaypalCallback {
        /// A callback of any type.
        Event(PaypalEvent) = "event",
    }
}
