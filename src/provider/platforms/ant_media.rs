// @generated from ant_media.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Ant Media Server.
//!
//! [`AntMediaCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.antmedia.io/guides/advanced-usage/webhooks/>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Ant Media Server callbacks that have only the fields common to all kinds.
    pub struct AntMediaEvent prints(id) {
        /// The identifier of the stream.
        id: Option<String> = "id",
        /// The platform's name of the kind, such as `liveStreamStarted`.
        action: Option<String> = "action",
        /// The name of the stream.
        stream_name: Option<String> = "streamName",
        /// The category of the stream.
        category: Option<String> = "category",
        /// The metadata of the stream.
        metadata: Option<Value> = "metadata",
    }

    /// Data of `vodReady` callbacks.
    ///
    /// A recording is ready.
    pub struct VodReady prints(id) {
        /// The identifier of the stream.
        id: Option<String> = "id",
        /// The platform's name of the kind, such as `liveStreamStarted`.
        action: Option<String> = "action",
        /// The name of the stream.
        stream_name: Option<String> = "streamName",
        /// The category of the stream.
        category: Option<String> = "category",
        /// The metadata of the stream.
        metadata: Option<Value> = "metadata",
        /// The name of the recording's file, without the folder.
        vod_name: Option<String> = "vodName",
        /// The identifier of the recording.
        vod_id: Option<String> = "vodId",
    }

    /// Data of `publish` callbacks.
    ///
    /// A client asks to publish a stream.
    pub struct Publish prints() {
        /// The identifier of the stream.
        id: Option<String> = "id",
        /// The platform's name of the kind, such as `liveStreamStarted`.
        action: Option<String> = "action",
        /// The name of the stream.
        stream_name: Option<String> = "streamName",
        /// The category of the stream.
        category: Option<String> = "category",
        /// The metadata of the stream.
        metadata: Option<Value> = "metadata",
        /// The name of the application on the server.
        app_name: Option<String> = "appName",
        /// The same value as `streamId`.
        name: Option<String> = "name",
        /// The identifier of the stream.
        stream_id: Option<String> = "streamId",
        /// The mode of the request, such as `live`.
        mode: Option<String> = "mode",
        /// The query of the stream's URL as text, which may contain a token. A credential: do not
        /// log it.
        query_params: Option<String> = "queryParams",
        /// The metadata that the operator has set for the stream.
        meta_data: Option<String> = "metaData",
    }

    /// Data of `play` callbacks.
    ///
    /// A client asks to play a stream over WebRTC.
    pub struct Play prints(stream_id) {
        /// The identifier of the stream.
        id: Option<String> = "id",
        /// The platform's name of the kind, such as `liveStreamStarted`.
        action: Option<String> = "action",
        /// The name of the stream.
        stream_name: Option<String> = "streamName",
        /// The category of the stream.
        category: Option<String> = "category",
        /// The metadata of the stream.
        metadata: Option<Value> = "metadata",
        /// The name of the application on the server.
        app_name: Option<String> = "appName",
        /// The identifier of the stream.
        stream_id: String = "streamId",
        /// The mode of the request, always `play`.
        mode: Option<String> = "mode",
        /// The domain of the page that plays the stream.
        origin: Option<String> = "origin",
        /// The token that the client sent. A credential: do not log it.
        token: Option<String> = "token",
        /// The identifier of the subscriber.
        subscriber_id: Option<String> = "subscriberId",
        /// The code of the subscriber. A credential: do not log it.
        subscriber_code: Option<String> = "subscriberCode",
        /// The metadata that the client sent.
        meta_data: Option<Value> = "metaData",
        /// The IP address of the client. Present only if an option of the server enables this
        /// field.
        ip_address: Option<String> = "ipAddress",
    }
}

describe! { "ant-media":
    AntMediaEvent = "liveStreamStarted"
        | "liveStreamEnded"
        | "liveStreamStatus"
        | "playStarted"
        | "playStopped"
        | "event",
    VodReady = "vodReady",
    Publish = "publish",
    Play = "play",
}

callback! { "ant-media":
    /// A callback of Ant Media Server, with a variant for each kind.
    pub enum AntMediaCallback {
        /// A stream has started.
        LiveStreamStarted(AntMediaEvent) = "liveStreamStarted",
        /// A stream has ended.
        LiveStreamEnded(AntMediaEvent) = "liveStreamEnded",
        /// A stream is still live.
        LiveStreamStatus(AntMediaEvent) = "liveStreamStatus",
        /// A recording is ready.
        VodReady(VodReady) = "vodReady",
        /// A viewer has started to play a stream.
        PlayStarted(AntMediaEvent) = "playStarted",
        /// A viewer has stopped playing a stream.
        PlayStopped(AntMediaEvent) = "playStopped",
        /// A callback for which the definition has no other kind, such as one about an error.
        Event(AntMediaEvent) = "event",
        /// A client asks to publish a stream.
        Publish(Publish) = "publish",
        /// A client asks to play a stream over WebRTC.
        Play(Play) = "play",
    }
}
