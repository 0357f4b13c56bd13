// @generated from daily.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Daily.
//!
//! [`DailyCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.daily.co/reference/rest-api/webhooks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// The test of a new webhook.
    pub struct Test prints() {
        /// Always `test`.
        test: Option<String> = "test",
    }

    /// An event. Its type is the subject.
    pub struct DailyEvent prints(type_) {
        /// The version of the event's format.
        version: Option<String> = "version",
        /// The event, such as `recording.started`.
        type_: Option<String> = "type",
        /// The identifier of the event.
        id: String = "id",
        /// The details of the event.
        payload: Option<Map<String, Value>> = "payload",
        /// The time at which Daily sent the event, in seconds since 1970.
        event_ts: Option<f64> = "event_ts",
    }
}

describe! { "daily":
    Test = "test",
    DailyEvent = "event",
}

callback! { "daily":
    /// A callback of Daily, by its kind.
    pub enum DailyCallback {
        /// The test of a new webhook.
        Test(Test) = "test",
        /// An event. Its type is the subject.
        Event(DailyEvent) = "event",
    }
}
