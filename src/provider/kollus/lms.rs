//! Learning records and bookmarks.
//!
//! The player sends these callbacks, often late and more than once. The callback URL, which the
//! operator configures in Kollus, sets the names of the fields next to `json_data`. The types below
//! declare the usual names; all other fields are in `extra`.
//!
//! Sources: <https://docs.kollus.com/en/dev-guide/vod/player-callback/lms-callback/>,
//! <https://docs.kollus.com/en/dev-guide/live/player/lms-callback/> and
//! <https://catenoid-support.atlassian.net/wiki/spaces/SUP/pages/3310391> (read in 2026-11)

use serde_json::{Map, Value};

use crate::printable::print_only;
use crate::provider::view::{describe, view};

view! {
    /// The learning record of a video.
    pub struct VodLms {
        /// The user identifier from the token with which the player opened the video.
        pub client_user_id: Option<String>,
        /// The key of the video.
        pub media_content_key: Option<String>,
        /// The identifier of the player.
        pub player_id: Option<String>,
        /// The state of the player: `play`, `pause` or `stop`.
        pub play_status: Option<String>,
        /// The host of the page that embeds the player.
        pub host_name: Option<String>,
        /// The device, with its operating system and version.
        pub device: Option<String>,
        /// The start of playback, in Unix seconds. Together with the user and the video, this time
        /// identifies the session.
        pub start_at: Option<i64>,
        /// The learning record.
        pub json_data: Option<LmsData>,
    }

    /// The learning record of a live broadcast.
    pub struct LiveLms {
        /// The user identifier from the token with which the player opened the broadcast.
        pub client_user_id: Option<String>,
        /// The key of the live broadcast.
        pub media_content_key: Option<String>,
        /// The identifier of the player.
        pub player_id: Option<String>,
        /// The state of the player: `play`, `pause` or `stop`.
        pub play_status: Option<String>,
        /// The host of the page that embeds the player.
        pub host_name: Option<String>,
        /// The device, with its operating system and version.
        pub device: Option<String>,
        /// The start of playback, in Unix seconds. Together with the user and the broadcast, this
        /// time identifies the session.
        pub start_at: Option<i64>,
        /// The learning record.
        pub json_data: Option<LmsData>,
    }

    /// The contents of a learning record.
    pub struct LmsData {
        /// The viewer and the device: `client_user_id`, `player_id`, `hardware_id`, `host_name` and
        /// `device`. This object also contains `content_provider_key`, the key of the service
        /// account. Keep this key out of logs.
        pub user_info: Option<Map<String, Value>>,
        /// The watched content, which `media_content_key`, `channel_key` and `encoding_profile`
        /// identify. Fields in seconds: `duration`; `playtime`; `real_playtime`, which counts
        /// double at double speed; `last_play_at`, the position; `runtime`, the time that the
        /// player ran; and `showtime`, the time that the video played. Field in Unix seconds:
        /// `start_at`.
        pub content_info: Option<Map<String, Value>>,
        /// The parts that the viewer watched.
        pub block_info: Option<BlockInfo>,
        /// The fields `uservalue0` to `uservalue99` that are set, by name.
        pub uservalues: Option<Map<String, Value>>,
    }

    /// The parts of a video that the viewer watched.
    #[derive(Debug)]
    pub struct BlockInfo {
        /// The number of parts of the video.
        pub block_count: Option<i64>,
        /// The fields `bN`, `tN` and `pN` of the part with the number `N`, such as `b0`. Kollus
        /// does not document the meaning of these fields.
        pub blocks: Option<Map<String, Value>>,
    }

    /// A bookmark that a viewer sets, or the position at which a viewer leaves a video.
    #[derive(Debug)]
    pub struct Bookmark {
        /// The key of the uploaded file.
        pub upload_file_key: Option<String>,
        /// The key of the video.
        pub media_content_key: String,
        /// The user identifier from the token with which the player opened the video.
        pub client_user_id: String,
        /// The position, in seconds from the start of the video.
        pub position: f64,
        /// The time on the viewer's device, in Unix seconds. The device's clock may be wrong.
        pub localtime: Option<i64>,
        /// The title of the bookmark.
        pub value: Option<String>,
        /// The title of the list that contains the bookmark.
        pub label: Option<String>,
    }
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
