// @generated from daily.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Daily.
//!
//! [`DailyCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.daily.co/reference/rest-api/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `test` callbacks.
    ///
    /// The test of a new webhook.
    pub struct Test prints() {
        /// The word `test`.
        test: Option<String> = "test",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback of any type. The subject of gatepost's event is this type.
    pub struct DailyEvent prints(type_) {
        /// The version of the callback's format.
        version: Option<String> = "version",
        /// The type of the callback, such as `recording.started`.
        type_: Option<String> = "type",
        /// The identifier of the callback.
        id: String = "id",
        /// The details that the platform reports.
        payload: Option<Map<String, Value>> = "payload",
        /// The time at which Daily sent the callback, in Unix seconds.
        event_ts: Option<f64> = "event_ts",
    }
}

describe! { "daily":
    Test = "test",
    DailyEvent = "event",
}

callback! { "daily":
    /// A callback of Daily, with a variant for each kind.
    pub enum DailyCallback {
        /// The test of a new webhook.
        Test(Test) = "test",
        /// A callback of any type. The subject of gatepost's event is this type.
        Event(DailyEvent) = "event",
    }
}
