//! Events of the video library, of its channels and of live broadcasts.
//!
//! An app may receive an event more than once. If Kollus receives no reply within three seconds,
//! Kollus sends the callback again: up to three times, at intervals of five minutes.
//!
//! Sources: <https://docs.kollus.com/en/dev-guide/vod/api/platform-callback/> and
//! <https://docs.kollus.com/en/dev-guide/live/api/platform-callback/> (read in 2026-11)

use crate::printable::print_only;
use crate::provider::view::{describe, view};

view! {
    /// Event at the end of a file upload.
    pub struct Upload {
        /// The key of the service account. Keep this key out of logs.
        pub content_provider_key: Option<String>,
        /// The name of the file, with the folder.
        pub full_filename: Option<String>,
        /// The name of the file, without the folder.
        pub filename: String,
        /// The key of the uploaded file.
        pub upload_file_key: String,
    }

    /// Event at the end of a video's transcoding.
    pub struct Transcoding {
        /// The key of the service account. Keep this key out of logs.
        pub content_provider_key: Option<String>,
        /// The name of the file, with the folder.
        pub filename: String,
        /// The key of the uploaded file.
        pub upload_file_key: String,
        /// The result: `success` or `fail`.
        pub transcoding_result: String,
    }

    /// Event about a change of a video's data.
    pub struct ContentUpdate {
        /// The key of the service account. Keep this key out of logs.
        pub content_provider_key: Option<String>,
        /// The name of the file, with the folder.
        pub full_filename: Option<String>,
        /// The name of the file, without the folder.
        pub filename: String,
        /// The key of the uploaded file.
        pub upload_file_key: String,
        /// The type of the change. Kollus does not document the values.
        pub update_type: Option<String>,
    }

    /// Event about the addition of a video to a channel.
    pub struct ChannelAdd {
        /// The key of the service account. Keep this key out of logs.
        pub content_provider_key: Option<String>,
        /// The name of the file, with the folder.
        pub full_filename: Option<String>,
        /// The name of the file, without the folder.
        pub filename: Option<String>,
        /// The key of the uploaded file.
        pub upload_file_key: String,
        /// The key of the video in the channel.
        pub media_content_key: String,
        /// The key of the channel.
        pub channel_key: String,
        /// The name of the channel.
        pub channel_name: Option<String>,
        /// The encoding profiles, separated by `|`.
        pub profile_key: Option<String>,
        /// The type of the change. Kollus does not document the values.
        pub update_type: Option<String>,
    }

    /// Event about the removal of a video from a channel.
    pub struct ChannelDelete {
        /// The key of the service account. Keep this key out of logs.
        pub content_provider_key: Option<String>,
        /// The name of the file, with the folder.
        pub full_filename: Option<String>,
        /// The name of the file, without the folder.
        pub filename: Option<String>,
        /// The key of the uploaded file.
        pub upload_file_key: String,
        /// The key of the video in the channel.
        pub media_content_key: String,
        /// The key of the channel.
        pub channel_key: String,
        /// The name of the channel.
        pub channel_name: Option<String>,
        /// The encoding profiles, separated by `|`.
        pub profile_key: Option<String>,
        /// The type of the change. Kollus does not document the values.
        pub update_type: Option<String>,
    }

    /// Event about the state of a live broadcast.
    pub struct BroadcastState {
        /// The identifier of the callback. Absent from some callbacks.
        pub request_id: Option<String>,
        /// The version of the callback format, such as `2018-11-01`.
        pub version: Option<String>,
        /// The key of the service account. Keep this key out of logs.
        pub service_account_key: Option<String>,
        /// The key of the channel.
        pub channel_key: String,
        /// The key with which a device pushes the stream. Keep this key out of logs.
        pub stream_key: String,
        /// The key of the live broadcast.
        pub broadcast_key: String,
        /// The new state: `start`, `stop`, `pause` (the broadcast has lost its stream) or `resume`
        /// (the broadcast has its stream again).
        pub broadcast_state: String,
    }

    /// Event at the end of a recording's transfer.
    pub struct RecordingTransfer {
        /// The identifier of the callback. Absent from some callbacks.
        pub request_id: Option<String>,
        /// The version of the callback format, such as `2018-11-01`.
        pub version: Option<String>,
        /// The key of the service account. Keep this key out of logs.
        pub service_account_key: Option<String>,
        /// The key of the channel.
        pub channel_key: String,
        /// The key with which a device pushes the stream. Keep this key out of logs.
        pub stream_key: Option<String>,
        /// The key of the live broadcast.
        pub broadcast_key: String,
        /// The identifier of the recording, a number as a string.
        pub recording_file_id: String,
        /// The name of the recording at the source, with the folder.
        pub recording_file_filename: Option<String>,
        /// The type of the recording, such as `segment`.
        pub recording_file_kind: Option<String>,
        /// The result: 0 if the transfer failed, 1 if it succeeded.
        pub recording_file_transfer_result: i64,
        /// The name of the recording at the destination.
        pub target_filename: Option<String>,
    }
}

describe! { "kollus":
    BroadcastState = "broadcast_state",
    ChannelAdd = "channel_add",
    ChannelDelete = "channel_delete",
    ContentUpdate = "content_update",
    RecordingTransfer = "recording_transfer",
    Transcoding = "transcoding",
    Upload = "upload",
}

print_only! {
    BroadcastState: channel_key broadcast_key broadcast_state;
    ChannelAdd: channel_key media_content_key;
    ChannelDelete: channel_key media_content_key;
    ContentUpdate: upload_file_key update_type;
    RecordingTransfer: channel_key broadcast_key recording_file_transfer_result;
    Transcoding: upload_file_key transcoding_result;
    Upload: upload_file_key;
}
