//! The platform's events: of the library and its channels, and of live broadcasts.
//!
//! Kollus sends one again, three times and five minutes apart, unless it is answered within three
//! seconds: expect each more than once.
//!
//! <https://docs.kollus.com/en/dev-guide/vod/api/platform-callback/> and
//! <https://docs.kollus.com/en/dev-guide/live/api/platform-callback/> (read 2026-11)

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::provider::view::{describe, print_only};

/// A file was uploaded.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Upload {
    /// The service account's key: keep it out of logs.
    pub content_provider_key: Option<String>,
    /// With its folder.
    pub full_filename: Option<String>,
    /// Without its folder.
    pub filename: String,
    /// The uploaded file's key.
    pub upload_file_key: String,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A video was transcoded, or could not be.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transcoding {
    /// The service account's key: keep it out of logs.
    pub content_provider_key: Option<String>,
    /// With its folder.
    pub filename: String,
    /// The uploaded file's key.
    pub upload_file_key: String,
    /// `success` or `fail`.
    pub transcoding_result: String,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A video's data changed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContentUpdate {
    /// The service account's key: keep it out of logs.
    pub content_provider_key: Option<String>,
    /// With its folder.
    pub full_filename: Option<String>,
    /// Without its folder.
    pub filename: String,
    /// The uploaded file's key.
    pub upload_file_key: String,
    /// What was done; the words are not documented.
    pub update_type: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A video was put into a channel.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChannelAdd {
    /// The service account's key: keep it out of logs.
    pub content_provider_key: Option<String>,
    /// With its folder.
    pub full_filename: Option<String>,
    /// Without its folder.
    pub filename: Option<String>,
    /// The uploaded file's key.
    pub upload_file_key: String,
    /// The video's key in the channel.
    pub media_content_key: String,
    /// The channel's key.
    pub channel_key: String,
    /// The channel's name.
    pub channel_name: Option<String>,
    /// The encoding profiles; several are joined by `|`.
    pub profile_key: Option<String>,
    /// What was done; the words are not documented.
    pub update_type: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A video was taken out of a channel.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChannelDelete {
    /// The service account's key: keep it out of logs.
    pub content_provider_key: Option<String>,
    /// With its folder.
    pub full_filename: Option<String>,
    /// Without its folder.
    pub filename: Option<String>,
    /// The uploaded file's key.
    pub upload_file_key: String,
    /// The video's key in the channel.
    pub media_content_key: String,
    /// The channel's key.
    pub channel_key: String,
    /// The channel's name.
    pub channel_name: Option<String>,
    /// The encoding profiles; several are joined by `|`.
    pub profile_key: Option<String>,
    /// What was done; the words are not documented.
    pub update_type: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A live broadcast started, stopped, lost its stream or got it back.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BroadcastState {
    /// Names the message; not in every one.
    pub request_id: Option<String>,
    /// The message's version, as in `2018-11-01`.
    pub version: Option<String>,
    /// The service account's key: keep it out of logs.
    pub service_account_key: Option<String>,
    /// The channel's key.
    pub channel_key: String,
    /// The key to push with: keep it out of logs.
    pub stream_key: String,
    /// The live broadcast's key.
    pub broadcast_key: String,
    /// `start`, `stop`, `pause` or `resume`.
    pub broadcast_state: String,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A recording was handed over, or could not be.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingTransfer {
    /// Names the message; not in every one.
    pub request_id: Option<String>,
    /// The message's version, as in `2018-11-01`.
    pub version: Option<String>,
    /// The service account's key: keep it out of logs.
    pub service_account_key: Option<String>,
    /// The channel's key.
    pub channel_key: String,
    /// The key to push with: keep it out of logs.
    pub stream_key: Option<String>,
    /// The live broadcast's key.
    pub broadcast_key: String,
    /// The recording; digits as text.
    pub recording_file_id: String,
    /// Where the recording was, with its folder.
    pub recording_file_filename: Option<String>,
    /// What it is of, as in `segment`.
    pub recording_file_kind: Option<String>,
    /// 0 for failed, 1 for done.
    pub recording_file_transfer_result: i64,
    /// What it is called where it went.
    pub target_filename: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
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
