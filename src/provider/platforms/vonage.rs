// @generated from vonage.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Vonage Video.
//!
//! [`VonageCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://developer.vonage.com/en/video/guides/secure-callbacks>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `connectionCreated` callbacks.
    ///
    /// A participant has connected to a session.
    pub struct ConnectionCreated prints(session_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The identifier of the project.
        project_id: Option<String> = "projectId",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The connection.
        connection: Option<Map<String, Value>> = "connection",
    }

    /// Data of `connectionDestroyed` callbacks.
    ///
    /// A participant has disconnected from a session.
    pub struct ConnectionDestroyed prints(session_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The identifier of the project.
        project_id: Option<String> = "projectId",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The reason for the disconnection, such as `clientDisconnected`.
        reason: Option<String> = "reason",
        /// The connection.
        connection: Option<Map<String, Value>> = "connection",
    }

    /// Data of `streamCreated` callbacks.
    ///
    /// A participant has started to publish a stream.
    pub struct StreamCreated prints(session_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The identifier of the project.
        project_id: Option<String> = "projectId",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The stream.
        stream: Option<Map<String, Value>> = "stream",
    }

    /// Data of `streamDestroyed` callbacks.
    ///
    /// A participant has stopped publishing a stream.
    pub struct StreamDestroyed prints(session_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The identifier of the project.
        project_id: Option<String> = "projectId",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The reason for the end of the stream, such as `clientDisconnected`.
        reason: Option<String> = "reason",
        /// The stream.
        stream: Option<Map<String, Value>> = "stream",
    }

    /// Data of `archive` callbacks.
    ///
    /// The state of a recording has changed.
    pub struct Archive prints(session_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The identifier of the project.
        project_id: Option<String> = "projectId",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
        /// The identifier of the recording.
        id: Option<String> = "id",
        /// The state of the recording, such as `started` or `available`.
        status: Option<String> = "status",
        /// The URL of the recording, which grants access. A credential: do not log it.
        url: Option<String> = "url",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind.
    pub struct VonageEvent prints(session_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the session.
        session_id: Option<String> = "sessionId",
        /// The identifier of the project.
        project_id: Option<String> = "projectId",
        /// The platform's time of the callback, in Unix milliseconds.
        timestamp: Option<i64> = "timestamp",
    }
}

describe! { "vonage":
    ConnectionCreated = "connectionCreated",
    ConnectionDestroyed = "connectionDestroyed",
    StreamCreated = "streamCreated",
    StreamDestroyed = "streamDestroyed",
    Archive = "archive",
    VonageEvent = "event",
}

callback! { "vonage":
    /// A callback of Vonage Video, with a variant for each kind.
    pub enum VonageCallback {
        /// A participant has connected to a session.
        ConnectionCreated(ConnectionCreated) = "connectionCreated",
        /// A participant has disconnected from a session.
        ConnectionDestroyed(ConnectionDestroyed) = "connectionDestroyed",
        /// A participant has started to publish a stream.
        StreamCreated(StreamCreated) = "streamCreated",
        /// A participant has stopped publishing a stream.
        StreamDestroyed(StreamDestroyed) = "streamDestroyed",
        /// The state of a recording has changed.
        Archive(Archive) = "archive",
        /// A callback for which the definition has no other kind.
        Event(VonageEvent) = "event",
    }
}
