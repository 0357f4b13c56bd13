// @generated from paypal.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of PayPal.
//!
//! [`PaypalCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://developer.paypal.com/api/rest/webhooks/rest/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// An event of the account.
    pub struct PaypalEvent prints() {
        /// The identifier of the event, equal in resends.
        id: Option<String> = "id",
        /// The event, such as `PAYMENT.CAPTURE.COMPLETED`.
        event_type: Option<String> = "event_type",
        /// The time of the event, as RFC 3339.
        create_time: Option<String> = "create_time",
        /// The type of the resource, such as `capture`.
        resource_type: Option<String> = "resource_type",
        /// The event in a sentence.
        summary: Option<String> = "summary",
        /// The resource that the event is about.
        resource: Option<Map<String, Value>> = "resource",
    }
}

describe! { "paypal":
    PaypalEvent = "event",
}

callback! { "paypal":
    /// A callback of PayPal, by its kind.
    pub enum PaypalCallback {
        /// An event of the account.
        Event(PaypalEvent) = "event",
    }
}
