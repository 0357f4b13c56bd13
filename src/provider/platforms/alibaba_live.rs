// @generated from alibaba_live.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Alibaba Cloud Live.
//!
//! [`AlibabaLiveCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.alibabacloud.com/help/doc-detail/54787.htm>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `publish` callbacks.
    ///
    /// A client has started to publish a stream. Alibaba sends a GET request.
    pub struct Publish prints(appname id) {
        /// In callbacks about recordings, the domain of the stream.
        domain: Option<String> = "domain",
        /// The application in the URL of the stream. In the kinds `publish` and `publish_done`, the
        /// ingest domain.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The name of the stream.
        id: Option<String> = "id",
        /// The application in the URL of the stream.
        appname: Option<String> = "appname",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        usrargs: Option<String> = "usrargs",
    }

    /// Data of `publish_done` callbacks.
    ///
    /// A client has stopped publishing a stream. Alibaba sends a GET request.
    pub struct PublishDone prints(appname id) {
        /// In callbacks about recordings, the domain of the stream.
        domain: Option<String> = "domain",
        /// The application in the URL of the stream. In the kinds `publish` and `publish_done`, the
        /// ingest domain.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The name of the stream.
        id: Option<String> = "id",
        /// The application in the URL of the stream.
        appname: Option<String> = "appname",
        /// The IP address of the client.
        ip: Option<String> = "ip",
        /// The query of the stream's URL, which may contain a token. A credential: do not log it.
        usrargs: Option<String> = "usrargs",
    }

    /// Data of `record_file` callbacks.
    ///
    /// A file of a recording is complete.
    pub struct RecordFile prints(app domain stream) {
        /// In callbacks about recordings, the domain of the stream.
        domain: Option<String> = "domain",
        /// The application in the URL of the stream. In the kinds `publish` and `publish_done`, the
        /// ingest domain.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The path of the file in its bucket.
        uri: Option<String> = "uri",
        /// The length of the file, in seconds.
        duration: Option<f64> = "duration",
    }

    /// Data of `record_status` callbacks.
    ///
    /// A recording has started, paused or resumed.
    pub struct RecordStatus prints(app domain stream) {
        /// In callbacks about recordings, the domain of the stream.
        domain: Option<String> = "domain",
        /// The application in the URL of the stream. In the kinds `publish` and `publish_done`, the
        /// ingest domain.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The new state of the recording, such as `record_started`.
        event: Option<String> = "event",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind, such as one about snapshots.
    pub struct AlibabaLiveEvent prints() {
        /// In callbacks about recordings, the domain of the stream.
        domain: Option<String> = "domain",
        /// The application in the URL of the stream. In the kinds `publish` and `publish_done`, the
        /// ingest domain.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
    }
}

describe! { "alibaba-live":
    Publish = "publish",
    PublishDone = "publish_done",
    RecordFile = "record_file",
    RecordStatus = "record_status",
    AlibabaLiveEvent = "event",
}

callback! { "alibaba-live":
    /// A callback of Alibaba Cloud Live, with a variant for each kind.
    pub enum AlibabaLiveCallback {
        /// A client has started to publish a stream. Alibaba sends a GET request.
        Publish(Publish) = "publish",
        /// A client has stopped publishing a stream. Alibaba sends a GET request.
        PublishDone(PublishDone) = "publish_done",
        /// A file of a recording is complete.
        RecordFile(RecordFile) = "record_file",
        /// A recording has started, paused or resumed.
        RecordStatus(RecordStatus) = "record_status",
        /// A callback for which the definition has no other kind, such as one about snapshots.
        Event(AlibabaLiveEvent) = "event",
    }
}
