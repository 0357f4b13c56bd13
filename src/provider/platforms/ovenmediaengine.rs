// @generated from ovenmediaengine.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of OvenMediaEngine.
//!
//! [`OvenmediaengineCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.ovenmediaengine.com/access-control/admission-webhooks>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `opening` callbacks.
    ///
    /// A publisher or viewer asks to open a session.
    pub struct Opening prints(request) {
        /// The publisher or viewer.
        client: Option<OpeningClient> = "client",
        /// The request for a stream.
        request: OpeningRequest = "request",
    }

    /// The object in [`Opening::client`].
    pub struct OpeningClient prints() {
        /// The IP address of the connection.
        address: Option<String> = "address",
        /// The port of the connection.
        port: Option<i64> = "port",
        /// The IP address that a proxy in front of OvenMediaEngine reports.
        real_ip: Option<String> = "real_ip",
        /// The user agent of the publisher or viewer.
        user_agent: Option<String> = "user_agent",
    }

    /// The object in [`Opening::request`].
    pub struct OpeningRequest prints(time) {
        /// The direction of the stream: `incoming` from a publisher, `outgoing` to a viewer.
        direction: String = "direction",
        /// The protocol of the connection, such as `RTMP` or `WebRTC`.
        protocol: Option<String> = "protocol",
        /// The change of the session: `opening` or `closing`.
        status: Option<String> = "status",
        /// The URL of the stream, which may contain a token. A credential: do not log it.
        url: String = "url",
        /// The URL to which the app redirected the session. The URL may contain a token. A
        /// credential: do not log it.
        new_url: Option<String> = "new_url",
        /// The time of the request, in RFC 3339 format.
        time: Option<String> = "time",
    }

    /// Data of `closing` callbacks.
    ///
    /// A session has ended.
    pub struct Closing prints(request) {
        /// The publisher or viewer.
        client: Option<ClosingClient> = "client",
        /// The request for a stream.
        request: Option<ClosingRequest> = "request",
    }

    /// The object in [`Closing::client`].
    pub struct ClosingClient prints() {
        /// The IP address of the connection.
        address: Option<String> = "address",
        /// The port of the connection.
        port: Option<i64> = "port",
        /// The IP address that a proxy in front of OvenMediaEngine reports.
        real_ip: Option<String> = "real_ip",
        /// The user agent of the publisher or viewer.
        user_agent: Option<String> = "user_agent",
    }

    /// The object in [`Closing::request`].
    pub struct ClosingRequest prints(time) {
        /// The direction of the stream: `incoming` from a publisher, `outgoing` to a viewer.
        direction: Option<String> = "direction",
        /// The protocol of the connection, such as `RTMP` or `WebRTC`.
        protocol: Option<String> = "protocol",
        /// The change of the session: `opening` or `closing`.
        status: Option<String> = "status",
        /// The URL of the stream, which may contain a token. A credential: do not log it.
        url: Option<String> = "url",
        /// The URL to which the app redirected the session. The URL may contain a token. A
        /// credential: do not log it.
        new_url: Option<String> = "new_url",
        /// The time of the request, in RFC 3339 format.
        time: Option<String> = "time",
    }
}

describe! { "ovenmediaengine":
    Opening = "opening",
    Closing = "closing",
}

callback! { "ovenmediaengine":
    /// A callback of OvenMediaEngine, with a variant for each kind.
    pub enum OvenmediaengineCallback {
        /// A publisher or viewer asks to open a session.
        Opening(Opening) = "opening",
        /// A session has ended.
        Closing(Closing) = "closing",
    }
}
