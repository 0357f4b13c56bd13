// @generated from nginx_rtmp.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of nginx-rtmp.
//!
//! [`NginxRtmpCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://github.com/arut/nginx-rtmp-module/wiki/Directives#notify>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `connect` callbacks.
    ///
    /// A client connects.
    pub struct Connect prints(app) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: String = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The start of the connection on the clock of nginx-rtmp, in milliseconds, as an unsigned
        /// 32-bit number.
        epoch: Option<i64> = "epoch",
    }

    /// Data of `publish` callbacks.
    ///
    /// A client asks to publish a stream.
    pub struct Publish prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: String = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the stream.
        name: String = "name",
        /// The type of the stream: `live`, `record` or `append`.
        stream_type: Option<String> = "type",
    }

    /// Data of `play` callbacks.
    ///
    /// A client asks to play a stream.
    pub struct Play prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: String = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the stream.
        name: String = "name",
        /// The position at which the client starts to play, in milliseconds, as an unsigned 32-bit
        /// number.
        start: Option<i64> = "start",
        /// The duration that the client asks for, in milliseconds, as an unsigned 32-bit number.
        duration: Option<i64> = "duration",
        /// 1 if the client replaces the stream that it plays.
        reset: Option<i64> = "reset",
    }

    /// Data of `update_publish` callbacks.
    ///
    /// A client still publishes a stream. If the reply is a denial, nginx-rtmp closes the
    /// connection. The directive `notify_update_timeout` sets the interval between these callbacks,
    /// 30 s by default.
    pub struct UpdatePublish prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: String = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the stream.
        name: String = "name",
        /// The time since the start of the stream, in seconds.
        time: Option<i64> = "time",
        /// The RTMP timestamp of the stream, in milliseconds.
        timestamp: Option<i64> = "timestamp",
    }

    /// Data of `update_play` callbacks.
    ///
    /// A client still plays a stream. If the reply is a denial, nginx-rtmp closes the connection.
    /// The directive `notify_update_timeout` sets the interval between these callbacks, 30 s by
    /// default.
    pub struct UpdatePlay prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: String = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the stream.
        name: String = "name",
        /// The time since the start of the stream, in seconds.
        time: Option<i64> = "time",
        /// The RTMP timestamp of the stream, in milliseconds.
        timestamp: Option<i64> = "timestamp",
    }

    /// Data of `publish_done` callbacks.
    ///
    /// A client has stopped publishing a stream.
    pub struct PublishDone prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: Option<String> = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the stream.
        name: Option<String> = "name",
    }

    /// Data of `play_done` callbacks.
    ///
    /// A client has stopped playing a stream.
    pub struct PlayDone prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: Option<String> = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the stream.
        name: Option<String> = "name",
    }

    /// Data of `done` callbacks.
    ///
    /// A client has stopped publishing or playing a stream.
    pub struct Done prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: Option<String> = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the stream.
        name: Option<String> = "name",
    }

    /// Data of `record_done` callbacks.
    ///
    /// A recording is complete.
    pub struct RecordDone prints(app name) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: Option<String> = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
        /// The name of the recorder in nginx.conf. Empty if the application records without a named
        /// recorder.
        recorder: Option<String> = "recorder",
        /// The name of the stream.
        name: Option<String> = "name",
        /// The path of the recording on the server.
        path: Option<String> = "path",
    }

    /// Data of `disconnect` callbacks.
    ///
    /// A client has disconnected.
    pub struct Disconnect prints(app) {
        /// The name of the callback, such as `publish`.
        call: Option<String> = "call",
        /// The name of the application in nginx.conf.
        app: Option<String> = "app",
        /// The IP address of the client; `unix:` for a local relay.
        addr: Option<String> = "addr",
        /// The number that identifies the connection.
        clientid: Option<String> = "clientid",
        /// The name and version of the client.
        flashver: Option<String> = "flashver",
        /// The URL of the player.
        swfurl: Option<String> = "swfurl",
        /// The URL of the RTMP connection, which may contain a token. A credential: do not log it.
        tcurl: Option<String> = "tcurl",
        /// The URL of the page that embeds the player.
        pageurl: Option<String> = "pageurl",
    }
}

describe! { "nginx-rtmp":
    Connect = "connect",
    Publish = "publish",
    Play = "play",
    UpdatePublish = "update_publish",
    UpdatePlay = "update_play",
    PublishDone = "publish_done",
    PlayDone = "play_done",
    Done = "done",
    RecordDone = "record_done",
    Disconnect = "disconnect",
}

callback! { "nginx-rtmp":
    /// A callback of nginx-rtmp, with a variant for each kind.
    pub enum NginxRtmpCallback {
        /// A client connects.
        Connect(Connect) = "connect",
        /// A client asks to publish a stream.
        Publish(Publish) = "publish",
        /// A client asks to play a stream.
        Play(Play) = "play",
        /// A client still publishes a stream. If the reply is a denial, nginx-rtmp closes the
        /// connection. The directive `notify_update_timeout` sets the interval between these
        /// callbacks, 30 s by default.
        UpdatePublish(UpdatePublish) = "update_publish",
        /// A client still plays a stream. If the reply is a denial, nginx-rtmp closes the
        /// connection. The directive `notify_update_timeout` sets the interval between these
        /// callbacks, 30 s by default.
        UpdatePlay(UpdatePlay) = "update_play",
        /// A client has stopped publishing a stream.
        PublishDone(PublishDone) = "publish_done",
        /// A client has stopped playing a stream.
        PlayDone(PlayDone) = "play_done",
        /// A client has stopped publishing or playing a stream.
        Done(Done) = "done",
        /// A recording is complete.
        RecordDone(RecordDone) = "record_done",
        /// A client has disconnected.
        Disconnect(Disconnect) = "disconnect",
    }
}
