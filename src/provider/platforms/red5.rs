// @generated from red5.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Red5 Pro.
//!
//! [`Red5Callback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.red5.net/docs/special/webhooks/>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Red5 Pro callbacks that have only the fields common to all kinds.
    pub struct Red5Event prints(guid) {
        /// The platform's name of the kind, such as `stream-published`.
        event: Option<String> = "event",
        /// The path of the stream or, in callbacks about a connection, the identifier of the
        /// connection.
        guid: Option<String> = "guid",
        /// The name of the user.
        username: Option<String> = "username",
        /// The name and version of the user's software.
        user_agent: Option<String> = "userAgent",
        /// The type of the node in a cluster.
        cluster_node_type: Option<String> = "clusterNodeType",
    }
}

describe! { "red5":
    Red5Event = "connection-connect"
        | "connection-disconnect"
        | "stream-published"
        | "stream-unpublished"
        | "stream-subscribed"
        | "stream-unsubscribed"
        | "event",
}

callback! { "red5":
    /// A callback of Red5 Pro, with a variant for each kind.
    pub enum Red5Callback {
        /// A user of the platform has connected.
        ConnectionConnect(Red5Event) = "connection-connect",
        /// A user of the platform has disconnected.
        ConnectionDisconnect(Red5Event) = "connection-disconnect",
        /// A stream has started.
        StreamPublished(Red5Event) = "stream-published",
        /// A stream has ended.
        StreamUnpublished(Red5Event) = "stream-unpublished",
        /// A viewer has started to play a stream.
        StreamSubscribed(Red5Event) = "stream-subscribed",
        /// A viewer has stopped playing a stream.
        StreamUnsubscribed(Red5Event) = "stream-unsubscribed",
        /// A callback for which the definition has no other kind.
        Event(Red5Event) = "event",
    }
}
