// @generated from zlmediakit.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of ZLMediaKit.
//!
//! [`ZlmediakitCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.zlmediakit.com/guide/media_server/web_hook_api.html>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `on_publish` callbacks.
    ///
    /// A client asks to publish a stream.
    pub struct OnPublish prints(app stream vhost) {
        /// The name of the server, from its config.
        media_server_id: Option<String> = "mediaServerId",
        /// The virtual host of the stream.
        vhost: Option<String> = "vhost",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The protocol of the stream, such as `rtmp`.
        schema: Option<String> = "schema",
        /// The identifier of the connection.
        id: Option<String> = "id",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The port of the client.
        port: Option<i64> = "port",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        params: Option<String> = "params",
    }

    /// Data of `on_play` callbacks.
    ///
    /// A client asks to play a stream.
    pub struct OnPlay prints(app stream vhost) {
        /// The name of the server, from its config.
        media_server_id: Option<String> = "mediaServerId",
        /// The virtual host of the stream.
        vhost: Option<String> = "vhost",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The protocol of the stream, such as `rtmp`.
        schema: Option<String> = "schema",
        /// The identifier of the connection.
        id: Option<String> = "id",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The port of the client.
        port: Option<i64> = "port",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        params: Option<String> = "params",
    }

    /// Data of `on_stream_changed` callbacks.
    ///
    /// A stream has started or ended in one protocol. ZLMediaKit sends a callback for each protocol
    /// in which it serves the stream.
    pub struct OnStreamChanged prints(app stream vhost) {
        /// The name of the server, from its config.
        media_server_id: Option<String> = "mediaServerId",
        /// The virtual host of the stream.
        vhost: Option<String> = "vhost",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The protocol of the stream, such as `rtmp`.
        schema: Option<String> = "schema",
        /// True after the start of the stream, false after its end.
        regist: Option<bool> = "regist",
    }

    /// Data of `on_record_mp4` callbacks.
    ///
    /// A recording is complete.
    pub struct OnRecordMp4 prints(app start_time stream vhost) {
        /// The name of the server, from its config.
        media_server_id: Option<String> = "mediaServerId",
        /// The virtual host of the stream.
        vhost: Option<String> = "vhost",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The protocol of the stream, such as `rtmp`.
        schema: Option<String> = "schema",
        /// The start of the recording, in Unix seconds.
        start_time: Option<i64> = "start_time",
        /// The length of the recording, in seconds.
        time_len: Option<f64> = "time_len",
        /// The path of the file on the server.
        file_path: Option<String> = "file_path",
        /// The size of the file, in bytes.
        file_size: Option<i64> = "file_size",
        /// The path of the file in URLs of ZLMediaKit.
        url: Option<String> = "url",
    }

    /// Data of `on_flow_report` callbacks.
    ///
    /// A client that has sent or received data has disconnected.
    pub struct OnFlowReport prints(app stream vhost) {
        /// The name of the server, from its config.
        media_server_id: Option<String> = "mediaServerId",
        /// The virtual host of the stream.
        vhost: Option<String> = "vhost",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The protocol of the stream, such as `rtmp`.
        schema: Option<String> = "schema",
        /// True for a client that played the stream, false for a client that published it.
        player: Option<bool> = "player",
        /// The duration of the connection, in seconds.
        duration: Option<i64> = "duration",
        /// The size of the transferred data, in bytes.
        total_bytes: Option<i64> = "totalBytes",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        params: Option<String> = "params",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback that needs only an acknowledgement, and for which the definition has no other
    /// kind, such as `on_server_started`.
    pub struct ZlmediakitEvent prints(app stream vhost) {
        /// The name of the server, from its config.
        media_server_id: Option<String> = "mediaServerId",
        /// The virtual host of the stream.
        vhost: Option<String> = "vhost",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The protocol of the stream, such as `rtmp`.
        schema: Option<String> = "schema",
    }
}

describe! { "zlmediakit":
    OnPublish = "on_publish",
    OnPlay = "on_play",
    OnStreamChanged = "on_stream_changed",
    OnRecordMp4 = "on_record_mp4",
    OnFlowReport = "on_flow_report",
    ZlmediakitEvent = "event",
}

callback! { "zlmediakit":
    /// A callback of ZLMediaKit, with a variant for each kind.
    pub enum ZlmediakitCallback {
        /// A client asks to publish a stream.
        OnPublish(OnPublish) = "on_publish",
        /// A client asks to play a stream.
        OnPlay(OnPlay) = "on_play",
        /// A stream has started or ended in one protocol. ZLMediaKit sends a callback for each
        /// protocol in which it serves the stream.
        OnStreamChanged(OnStreamChanged) = "on_stream_changed",
        /// A recording is complete.
        OnRecordMp4(OnRecordMp4) = "on_record_mp4",
        /// A client that has sent or received data has disconnected.
        OnFlowReport(OnFlowReport) = "on_flow_report",
        /// A callback that needs only an acknowledgement, and for which the definition has no other
        /// kind, such as `on_server_started`.
        Event(ZlmediakitEvent) = "event",
    }
}
