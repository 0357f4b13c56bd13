// @generated from huawei_record.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Huawei Cloud Live (recording).
//!
//! [`HuaweiRecordCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://support.huaweicloud.com/iLive-live/live_01_0011.html>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Huawei Cloud Live (recording) callbacks that have only the fields common to all
    /// kinds.
    pub struct HuaweiRecordEvent prints(app stream) {
        /// The platform's name of the kind.
        event_type: Option<String> = "event_type",
        /// The ingest domain.
        publish_domain: Option<String> = "publish_domain",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The identifier of the recording.
        job_id: Option<String> = "job_id",
        /// The time at which the callback expires, in Unix seconds.
        auth_timestamp: Option<i64> = "auth_timestamp",
    }

    /// Data of `file_complete` callbacks.
    ///
    /// A file of a recording is complete.
    pub struct FileComplete prints(app stream) {
        /// The platform's name of the kind.
        event_type: Option<String> = "event_type",
        /// The ingest domain.
        publish_domain: Option<String> = "publish_domain",
        /// The application in the URL of the stream.
        app: Option<String> = "app",
        /// The name of the stream.
        stream: Option<String> = "stream",
        /// The identifier of the recording.
        job_id: Option<String> = "job_id",
        /// The time at which the callback expires, in Unix seconds.
        auth_timestamp: Option<i64> = "auth_timestamp",
        /// The URL of the file.
        download_url: Option<String> = "download_url",
        /// The URL at which viewers play the file.
        play_url: Option<String> = "play_url",
        /// The size of the file, in bytes.
        file_size: Option<i64> = "file_size",
        /// The length of the file, in seconds.
        record_duration: Option<i64> = "record_duration",
    }
}

describe! { "huawei-record":
    HuaweiRecordEvent = "record_start"
        | "new_file"
        | "record_over"
        | "record_failed"
        | "event",
    FileComplete = "file_complete",
}

callback! { "huawei-record":
    /// A callback of Huawei Cloud Live (recording), with a variant for each kind.
    pub enum HuaweiRecordCallback {
        /// A recording has started.
        RecordStart(HuaweiRecordEvent) = "record_start",
        /// A recording has started a new file.
        NewFile(HuaweiRecordEvent) = "new_file",
        /// A file of a recording is complete.
        FileComplete(FileComplete) = "file_complete",
        /// A recording has ended.
        RecordOver(HuaweiRecordEvent) = "record_over",
        /// A recording has failed.
        RecordFailed(HuaweiRecordEvent) = "record_failed",
        /// A callback for which the definition has no other kind.
        Event(HuaweiRecordEvent) = "event",
    }
}
