// @generated from qiniu_pili.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Qiniu Pili.
//!
//! [`QiniuPiliCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developer.qiniu.com/pili/kb/1719/server-about-the-live-status-callback>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Qiniu Pili callbacks that have only the fields common to all kinds.
    pub struct QiniuPiliEvent prints(title) {
        /// The name of the stream.
        title: Option<String> = "title",
        /// The state of the stream.
        status: Option<String> = "status",
        /// The IP address of the client.
        remote_i_p: Option<String> = "remoteIP",
    }
}

describe! { "qiniu-pili":
    QiniuPiliEvent = "connected"
        | "disconnected"
        | "event",
}

callback! { "qiniu-pili":
    /// A callback of Qiniu Pili, with a variant for each kind.
    pub enum QiniuPiliCallback {
        /// A client has started to publish a stream.
        Connected(QiniuPiliEvent) = "connected",
        /// A client has stopped publishing a stream.
        Disconnected(QiniuPiliEvent) = "disconnected",
        /// A stream has changed to a state for which the definition has no other kind.
        Event(QiniuPiliEvent) = "event",
    }
}
