// @generated from srs.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of SRS.
//!
//! [`SrsCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://ossrs.io/lts/en-us/docs/v7/doc/http-callback>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the SRS callbacks that have only the fields common to all kinds.
    pub struct SrsEvent prints(app stream) {
        /// The name of the callback, such as `on_publish`.
        action: Option<String> = "action",
        /// The identifier of the SRS server.
        server_id: Option<String> = "server_id",
        /// The identifier of the SRS process, which changes at each start.
        service_id: Option<String> = "service_id",
        /// The identifier of the connection.
        client_id: Option<String> = "client_id",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The virtual host.
        vhost: Option<String> = "vhost",
        /// The application in the stream URL.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tc_url: Option<String> = "tcUrl",
        /// The query of the stream URL, which may contain a token. A credential: do not log it.
        param: Option<String> = "param",
        /// The URL of the page that embeds the player.
        page_url: Option<String> = "pageUrl",
        /// The path of the stream, such as `/live/livestream`.
        stream_url: Option<String> = "stream_url",
        /// The identifier of the stream source.
        stream_id: Option<String> = "stream_id",
    }

    /// Data of `on_close` callbacks.
    ///
    /// A client has disconnected.
    pub struct OnClose prints(app stream) {
        /// The name of the callback, such as `on_publish`.
        action: Option<String> = "action",
        /// The identifier of the SRS server.
        server_id: Option<String> = "server_id",
        /// The identifier of the SRS process, which changes at each start.
        service_id: Option<String> = "service_id",
        /// The identifier of the connection.
        client_id: Option<String> = "client_id",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The virtual host.
        vhost: Option<String> = "vhost",
        /// The application in the stream URL.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tc_url: Option<String> = "tcUrl",
        /// The query of the stream URL, which may contain a token. A credential: do not log it.
        param: Option<String> = "param",
        /// The URL of the page that embeds the player.
        page_url: Option<String> = "pageUrl",
        /// The path of the stream, such as `/live/livestream`.
        stream_url: Option<String> = "stream_url",
        /// The identifier of the stream source.
        stream_id: Option<String> = "stream_id",
        /// The number of bytes that SRS sent to the client.
        send_bytes: Option<i64> = "send_bytes",
        /// The number of bytes that SRS received from the client.
        recv_bytes: Option<i64> = "recv_bytes",
    }

    /// Data of `on_dvr` callbacks.
    ///
    /// SRS has written a recording file.
    pub struct OnDvr prints(app stream) {
        /// The name of the callback, such as `on_publish`.
        action: Option<String> = "action",
        /// The identifier of the SRS server.
        server_id: Option<String> = "server_id",
        /// The identifier of the SRS process, which changes at each start.
        service_id: Option<String> = "service_id",
        /// The identifier of the connection.
        client_id: Option<String> = "client_id",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The virtual host.
        vhost: Option<String> = "vhost",
        /// The application in the stream URL.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tc_url: Option<String> = "tcUrl",
        /// The query of the stream URL, which may contain a token. A credential: do not log it.
        param: Option<String> = "param",
        /// The URL of the page that embeds the player.
        page_url: Option<String> = "pageUrl",
        /// The path of the stream, such as `/live/livestream`.
        stream_url: Option<String> = "stream_url",
        /// The identifier of the stream source.
        stream_id: Option<String> = "stream_id",
        /// The working directory of SRS.
        cwd: Option<String> = "cwd",
        /// The path of the recording file.
        file: Option<String> = "file",
    }

    /// Data of `on_hls` callbacks.
    ///
    /// SRS has written an HLS segment.
    pub struct OnHls prints(app stream) {
        /// The name of the callback, such as `on_publish`.
        action: Option<String> = "action",
        /// The identifier of the SRS server.
        server_id: Option<String> = "server_id",
        /// The identifier of the SRS process, which changes at each start.
        service_id: Option<String> = "service_id",
        /// The identifier of the connection.
        client_id: Option<String> = "client_id",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The virtual host.
        vhost: Option<String> = "vhost",
        /// The application in the stream URL.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tc_url: Option<String> = "tcUrl",
        /// The query of the stream URL, which may contain a token. A credential: do not log it.
        param: Option<String> = "param",
        /// The URL of the page that embeds the player.
        page_url: Option<String> = "pageUrl",
        /// The path of the stream, such as `/live/livestream`.
        stream_url: Option<String> = "stream_url",
        /// The identifier of the stream source.
        stream_id: Option<String> = "stream_id",
        /// The length of the segment, in seconds.
        duration: Option<f64> = "duration",
        /// The working directory of SRS.
        cwd: Option<String> = "cwd",
        /// The path of the segment file.
        file: Option<String> = "file",
        /// The URL of the segment, relative to the root of SRS's HTTP server.
        url: Option<String> = "url",
        /// The path of the playlist file.
        m3u8: Option<String> = "m3u8",
        /// The URL of the playlist, relative to the root of SRS's HTTP server.
        m3u8_url: Option<String> = "m3u8_url",
        /// The sequence number of the segment.
        seq_no: Option<i64> = "seq_no",
    }
}

describe! { "srs":
    SrsEvent = "on_connect"
        | "on_publish"
        | "on_play"
        | "on_forward"
        | "on_unpublish"
        | "on_stop",
    OnClose = "on_close",
    OnDvr = "on_dvr",
    OnHls = "on_hls",
}

callback! { "srs":
    /// A callback of SRS, with a variant for each kind.
    pub enum SrsCallback {
        /// A client connects over RTMP.
        OnConnect(SrsEvent) = "on_connect",
        /// A client asks to publish a stream.
        OnPublish(SrsEvent) = "on_publish",
        /// A client asks to play a stream.
        OnPlay(SrsEvent) = "on_play",
        /// SRS asks for the URLs to which it forwards a published stream.
        OnForward(SrsEvent) = "on_forward",
        /// A client has disconnected.
        OnClose(OnClose) = "on_close",
        /// A client has stopped publishing a stream.
        OnUnpublish(SrsEvent) = "on_unpublish",
        /// A client has stopped playing a stream.
        OnStop(SrsEvent) = "on_stop",
        /// SRS has written a recording file.
        OnDvr(OnDvr) = "on_dvr",
        /// SRS has written an HLS segment.
        OnHls(OnHls) = "on_hls",
    }
}
