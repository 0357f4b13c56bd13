// @generated from alibaba_vod.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Alibaba Cloud VOD.
//!
//! [`AlibabaVodCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.alibabacloud.com/help/en/vod/user-guide/http-callbacks>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `FileUploadComplete` callbacks.
    ///
    /// The upload of a video is complete.
    pub struct FileUploadComplete prints(event_time video_id) {
        /// The platform's name of the kind, such as `TranscodeComplete`.
        event_type: Option<String> = "EventType",
        /// The platform's time of the callback in UTC, in ISO 8601 format.
        event_time: Option<String> = "EventTime",
        /// The identifier of the video.
        video_id: Option<String> = "VideoId",
        /// The result of the upload or job: `success` or `fail`.
        status: Option<String> = "Status",
        /// The URL of the uploaded file.
        file_url: Option<String> = "FileUrl",
        /// The size of the file, in bytes.
        size: Option<i64> = "Size",
    }

    /// Data of the Alibaba Cloud VOD callbacks that have only the fields common to all kinds.
    pub struct AlibabaVodEvent prints(event_time video_id) {
        /// The platform's name of the kind, such as `TranscodeComplete`.
        event_type: Option<String> = "EventType",
        /// The platform's time of the callback in UTC, in ISO 8601 format.
        event_time: Option<String> = "EventTime",
        /// The identifier of the video.
        video_id: Option<String> = "VideoId",
        /// The result of the upload or job: `success` or `fail`.
        status: Option<String> = "Status",
    }
}

describe! { "alibaba-vod":
    FileUploadComplete = "FileUploadComplete",
    AlibabaVodEvent = "TranscodeComplete"
        | "SnapshotComplete"
        | "event",
}

callback! { "alibaba-vod":
    /// A callback of Alibaba Cloud VOD, with a variant for each kind.
    pub enum AlibabaVodCallback {
        /// The upload of a video is complete.
        FileUploadComplete(FileUploadComplete) = "FileUploadComplete",
        /// The transcoding of a video is complete.
        TranscodeComplete(AlibabaVodEvent) = "TranscodeComplete",
        /// The snapshots of a video are complete.
        SnapshotComplete(AlibabaVodEvent) = "SnapshotComplete",
        /// A callback for which the definition has no other kind.
        Event(AlibabaVodEvent) = "event",
    }
}
