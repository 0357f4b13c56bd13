//! Learning records and bookmarks: what a viewer has watched, and marked.
//!
//! The player sends them itself, late and more than once. The names of the fields beside the
//! records stand in the customer's address; those here are the usual ones, all others are in
//! `extra`.
//!
//! <https://docs.kollus.com/en/dev-guide/vod/player-callback/lms-callback/>,
//! <https://docs.kollus.com/en/dev-guide/live/player/lms-callback/> and
//! <https://catenoid-support.atlassian.net/wiki/spaces/SUP/pages/3310391> (read 2026-11)

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::provider::view::{describe, print_only};

/// What a viewer has watched of a video.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VodLms {
    /// The user named in the play token.
    pub client_user_id: Option<String>,
    /// The video's key.
    pub media_content_key: Option<String>,
    /// The player's identifier.
    pub player_id: Option<String>,
    /// `play`, `pause` or `stop`.
    pub play_status: Option<String>,
    /// The host of the page that the player stands in.
    pub host_name: Option<String>,
    /// The device, with its system and version.
    pub device: Option<String>,
    /// Unix seconds when it started to play. With user and video it names the session.
    pub start_at: Option<i64>,
    /// The record.
    pub json_data: Option<LmsData>,
    /// The other fields of the customer's address, such as `uservalue0`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a viewer has watched of a live broadcast.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiveLms {
    /// The user named in the play token.
    pub client_user_id: Option<String>,
    /// The live broadcast's key.
    pub media_content_key: Option<String>,
    /// The player's identifier.
    pub player_id: Option<String>,
    /// `play`, `pause` or `stop`.
    pub play_status: Option<String>,
    /// The host of the page that the player stands in.
    pub host_name: Option<String>,
    /// The device, with its system and version.
    pub device: Option<String>,
    /// Unix seconds when it started to play. With user and broadcast it names the session.
    pub start_at: Option<i64>,
    /// The record.
    pub json_data: Option<LmsData>,
    /// The other fields of the customer's address, such as `run_time`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A learning record.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LmsData {
    /// Who watched where: `client_user_id`, `player_id`, `hardware_id`, `host_name`, `device`. Its
    /// `content_provider_key` is the service account's key: keep it out of logs.
    pub user_info: Option<Map<String, Value>>,
    /// What was watched: `media_content_key`, `channel_key`, `encoding_profile`; in seconds
    /// `duration`, `playtime`, `real_playtime` (at double speed twice the time), `last_play_at`
    /// (the position), `runtime` (the player ran), `showtime` (it played); `start_at` in unix
    /// seconds.
    pub content_info: Option<Map<String, Value>>,
    /// Which parts were watched.
    pub block_info: Option<BlockInfo>,
    /// `uservalue0` and on, those that were set.
    pub uservalues: Option<Map<String, Value>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Which parts of a video were watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BlockInfo {
    /// How many parts the video has.
    pub block_count: Option<i64>,
    /// Of the part numbered `n`: `bn`, `tn` and `pn`, whose meaning is not documented.
    pub blocks: Option<Map<String, Value>>,
    /// Other fields, such as `sessions`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A viewer has set a bookmark, or has left the video at this place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bookmark {
    /// The uploaded file's key.
    pub upload_file_key: Option<String>,
    /// The video's key.
    pub media_content_key: String,
    /// The user named in the play token.
    pub client_user_id: String,
    /// Seconds from the beginning.
    pub position: f64,
    /// Unix seconds on the viewer's device: whatever it is set to.
    pub localtime: Option<i64>,
    /// The bookmark's title.
    pub value: Option<String>,
    /// The title of the list that it stands in.
    pub label: Option<String>,
    /// Other fields: `uservalue0` to `uservalue9`, and what the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

describe! { "kollus":
    Bookmark = "bookmark",
    LiveLms = "live_lms",
    VodLms = "vod_lms",
}

print_only! {
    LiveLms: media_content_key start_at;
    LmsData: block_info;
    VodLms: media_content_key start_at;
}
