// @generated from mediamtx.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of MediaMTX.
//!
//! [`MediamtxCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://mediamtx.org/docs/features/authentication>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `publish` callbacks.
    ///
    /// A client asks to publish a stream.
    pub struct MediamtxPublish prints(path) {
        /// The user name that the client sent.
        user: Option<String> = "user",
        /// The password that the client sent. A credential: do not log it.
        password: Option<String> = "password",
        /// The token that the client sent. A credential: do not log it.
        token: Option<String> = "token",
        /// The IP address of the client.
        ip: String = "ip",
        /// The action for which the client asks: the name of the kind.
        action: Option<String> = "action",
        /// The path of the stream; empty for the actions `api`, `metrics` and `pprof`.
        path: Option<String> = "path",
        /// The protocol of the client: `rtsp`, `rtmp`, `hls`, `webrtc` or `srt`.
        protocol: Option<String> = "protocol",
        /// The identifier of the session.
        id: Option<String> = "id",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        query: Option<String> = "query",
        /// The name and version of the client.
        user_agent: Option<String> = "userAgent",
    }

    /// Data of `read` callbacks.
    ///
    /// A client asks to read a stream.
    pub struct Read prints(path) {
        /// The user name that the client sent.
        user: Option<String> = "user",
        /// The password that the client sent. A credential: do not log it.
        password: Option<String> = "password",
        /// The token that the client sent. A credential: do not log it.
        token: Option<String> = "token",
        /// The IP address of the client.
        ip: String = "ip",
        /// The action for which the client asks: the name of the kind.
        action: Option<String> = "action",
        /// The path of the stream; empty for the actions `api`, `metrics` and `pprof`.
        path: Option<String> = "path",
        /// The protocol of the client: `rtsp`, `rtmp`, `hls`, `webrtc` or `srt`.
        protocol: Option<String> = "protocol",
        /// The identifier of the session.
        id: Option<String> = "id",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        query: Option<String> = "query",
        /// The name and version of the client.
        user_agent: Option<String> = "userAgent",
    }

    /// Data of `playback` callbacks.
    ///
    /// A client asks to play a recording.
    pub struct Playback prints(path) {
        /// The user name that the client sent.
        user: Option<String> = "user",
        /// The password that the client sent. A credential: do not log it.
        password: Option<String> = "password",
        /// The token that the client sent. A credential: do not log it.
        token: Option<String> = "token",
        /// The IP address of the client.
        ip: String = "ip",
        /// The action for which the client asks: the name of the kind.
        action: Option<String> = "action",
        /// The path of the stream; empty for the actions `api`, `metrics` and `pprof`.
        path: Option<String> = "path",
        /// The protocol of the client: `rtsp`, `rtmp`, `hls`, `webrtc` or `srt`.
        protocol: Option<String> = "protocol",
        /// The identifier of the session.
        id: Option<String> = "id",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        query: Option<String> = "query",
        /// The name and version of the client.
        user_agent: Option<String> = "userAgent",
    }

    /// Data of `api` callbacks.
    ///
    /// A client asks to use the control API.
    pub struct Api prints(path) {
        /// The user name that the client sent.
        user: Option<String> = "user",
        /// The password that the client sent. A credential: do not log it.
        password: Option<String> = "password",
        /// The token that the client sent. A credential: do not log it.
        token: Option<String> = "token",
        /// The IP address of the client.
        ip: String = "ip",
        /// The action for which the client asks: the name of the kind.
        action: Option<String> = "action",
        /// The path of the stream; empty for the actions `api`, `metrics` and `pprof`.
        path: Option<String> = "path",
        /// The protocol of the client: `rtsp`, `rtmp`, `hls`, `webrtc` or `srt`.
        protocol: Option<String> = "protocol",
        /// The identifier of the session.
        id: Option<String> = "id",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        query: Option<String> = "query",
        /// The name and version of the client.
        user_agent: Option<String> = "userAgent",
    }

    /// Data of `metrics` callbacks.
    ///
    /// A client asks for the metrics.
    pub struct MediamtxMetrics prints(path) {
        /// The user name that the client sent.
        user: Option<String> = "user",
        /// The password that the client sent. A credential: do not log it.
        password: Option<String> = "password",
        /// The token that the client sent. A credential: do not log it.
        token: Option<String> = "token",
        /// The IP address of the client.
        ip: String = "ip",
        /// The action for which the client asks: the name of the kind.
        action: Option<String> = "action",
        /// The path of the stream; empty for the actions `api`, `metrics` and `pprof`.
        path: Option<String> = "path",
        /// The protocol of the client: `rtsp`, `rtmp`, `hls`, `webrtc` or `srt`.
        protocol: Option<String> = "protocol",
        /// The identifier of the session.
        id: Option<String> = "id",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        query: Option<String> = "query",
        /// The name and version of the client.
        user_agent: Option<String> = "userAgent",
    }

    /// Data of `pprof` callbacks.
    ///
    /// A client asks for performance profiles of the server.
    pub struct Pprof prints(path) {
        /// The user name that the client sent.
        user: Option<String> = "user",
        /// The password that the client sent. A credential: do not log it.
        password: Option<String> = "password",
        /// The token that the client sent. A credential: do not log it.
        token: Option<String> = "token",
        /// The IP address of the client.
        ip: String = "ip",
        /// The action for which the client asks: the name of the kind.
        action: Option<String> = "action",
        /// The path of the stream; empty for the actions `api`, `metrics` and `pprof`.
        path: Option<String> = "path",
        /// The protocol of the client: `rtsp`, `rtmp`, `hls`, `webrtc` or `srt`.
        protocol: Option<String> = "protocol",
        /// The identifier of the session.
        id: Option<String> = "id",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        query: Option<String> = "query",
        /// The name and version of the client.
        user_agent: Option<String> = "userAgent",
    }
}

describe! { "mediamtx":
    MediamtxPublish = "publish",
    Read = "read",
    Playback = "playback",
    Api = "api",
    MediamtxMetrics = "metrics",
    Pprof = "pprof",
}

callback! { "mediamtx":
    /// A callback of MediaMTX, with a variant for each kind.
    pub enum MediamtxCallback {
        /// A client asks to publish a stream.
        Publish(MediamtxPublish) = "publish",
        /// A client asks to read a stream.
        Read(Read) = "read",
        /// A client asks to play a recording.
        Playback(Playback) = "playback",
        /// A client asks to use the control API.
        Api(Api) = "api",
        /// A client asks for the metrics.
        Metrics(MediamtxMetrics) = "metrics",
        /// A client asks for performance profiles of the server.
        Pprof(Pprof) = "pprof",
    }
}
