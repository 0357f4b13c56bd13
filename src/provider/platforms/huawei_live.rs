// @generated from huawei_live.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Huawei Cloud Live.
//!
//! [`HuaweiLiveCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://support.huaweicloud.com/bestpractice-live/live_14_0003.html>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Huawei Cloud Live callbacks that have only the fields common to all kinds.
    pub struct HuaweiLiveEvent prints(app stream) {
        /// The platform's name of the kind: `PUBLISH` or `PUBLISH_DONE`.
        event: Option<String> = "event",
        /// The ingest domain.
        domain: Option<String> = "domain",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The query of the ingest URL, which may contain a token. A credential: do not log it.
        user_args: Option<String> = "user_args",
        /// The IP address of the publisher.
        client_ip: Option<String> = "client_ip",
        /// The IP address of Huawei's node.
        node_ip: Option<String> = "node_ip",
        /// The start of the stream, in Unix seconds. This time distinguishes streams with the same
        /// name.
        publish_timestamp: Option<i64> = "publish_timestamp",
    }
}

describe! { "huawei-live":
    HuaweiLiveEvent = "publish"
        | "publish_done",
}

callback! { "huawei-live":
    /// A callback of Huawei Cloud Live, with a variant for each kind.
    pub enum HuaweiLiveCallback {
        /// A stream has started.
        Publish(HuaweiLiveEvent) = "publish",
        /// A stream has ended.
        PublishDone(HuaweiLiveEvent) = "publish_done",
    }
}
