// @generated from shopify.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Shopify.
//!
//! [`ShopifyCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://shopify.dev/docs/apps/build/webhooks>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `event` callbacks.
    ///
    /// A callback of any topic. The subject of gatepost's event is this topic.
    pub struct ShopifyEvent prints() {
        /// The identifier of the object that has changed.
        id: Option<Value> = "id",
    }
}

describe! { "shopify":
    ShopifyEvent = "event",
}

callback! { "shopify":
    /// A callback of Shopify, with a variant for each kind.
    pub enum ShopifyCallback {
        /// A callback of any topic. The subject of gatepost's event is this topic.
        Event(ShopifyEvent) = "event",
    }
}
