//! Playing: may this viewer, and what comes next?
//!
//! <https://docs.kollus.com/en/dev-guide/live/player/play-callback/>,
//! <https://docs.kollus.com/en/dev-guide/vod/player-callback/play-callback/> and
//! <https://docs.kollus.com/en/dev-guide/vod/player-callback/next-episode-callback/> (read 2026-11)

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PlaytimeType;
use crate::provider::view::describe;

/// "May this viewer play?", asked when a live broadcast is about to be played (`kind=100`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LivePlay {
    /// Always 100.
    pub kind: i64,
    /// The user named in the play token.
    pub client_user_id: String,
    /// The player's identifier.
    pub player_id: Option<String>,
    /// The hardware's identifier, on platforms that have one.
    pub hardware_id: Option<String>,
    /// The device's model, which may hold a slash.
    pub device_name: Option<String>,
    /// The live broadcast's key; no VOD key.
    pub media_content_key: String,
    /// The channel's key.
    pub channel_key: String,
    /// `uservalue0` to `uservalue99`, those that were set.
    pub uservalues: Option<Map<String, Value>>,
    /// UTC on the viewer's device: whatever it is set to.
    pub localtime: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// "May this viewer play?", asked when a video is about to be played. A downloaded one asks as
/// [`Drm`](super::Drm).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VodPlay {
    /// 1 before playback, 3 when the player is ready.
    pub kind: i64,
    /// The user named in the play token.
    pub client_user_id: String,
    /// The player's identifier.
    pub player_id: Option<String>,
    /// The hardware's identifier, on platforms that have one.
    pub hardware_id: Option<String>,
    /// The device's model, which may hold a slash.
    pub device_name: Option<String>,
    /// The video's key.
    pub media_content_key: String,
    /// `uservalue0` to `uservalue99`, those that were set.
    pub uservalues: Option<Map<String, Value>>,
    /// Unix seconds on the viewer's device: whatever it is set to.
    pub localtime: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// "What comes next?", asked by the player at a set moment of the video.
///
/// Which fields come is chosen in the console, and those of the reply are not documented: the
/// app's JSON object goes through as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NextEpisode {
    /// The user named in the play token.
    pub client_user_id: Option<String>,
    /// The key of the video that plays.
    pub media_content_key: Option<String>,
    /// `uservalue0` to `uservalue99`, those that were set.
    pub uservalues: Option<Map<String, Value>>,
    /// The other fields chosen in the console.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

describe! { "kollus":
    LivePlay = "live_play",
    NextEpisode = "next_episode",
    VodPlay = "vod_play",
}

/// The answer to a live play callback.
///
/// ```
/// use gatepost::kollus::PlayReply;
///
/// let json = |reply| serde_json::to_string(&reply).unwrap();
/// assert_eq!(json(PlayReply::allow().disable_tvout(true)), r#"{"result":1,"disable_tvout":1}"#);
/// assert_eq!(json(PlayReply::deny("No ticket")), r#"{"result":0,"message":"No ticket"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use]
pub struct PlayReply {
    result: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vmcheck: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_tvout: Option<u8>,
}

impl PlayReply {
    /// Lets the viewer play.
    pub const fn allow() -> Self {
        Self { result: 1, message: None, vmcheck: None, disable_tvout: None }
    }

    /// Refuses; the player shows the message.
    pub fn deny(message: impl Into<String>) -> Self {
        Self { result: 0, message: Some(message.into()), ..Self::allow() }
    }

    /// Whether the PC player looks for a virtual machine and does not play in one; Kollus' own
    /// default is that it does.
    pub const fn vmcheck(mut self, check: bool) -> Self {
        self.vmcheck = Some(check as u8);
        self
    }

    /// Whether output to a TV is blocked, instead of what the channel's policy says.
    pub const fn disable_tvout(mut self, disable: bool) -> Self {
        self.disable_tvout = Some(disable as u8);
        self
    }
}

/// The answer to a VOD play callback.
///
/// Kollus asks twice, and each time reads other fields. What is not for the time that asks is left
/// out of the reply; a value out of its range makes the failure policy stand.
///
/// ```
/// use gatepost::kollus::VodPlayReply;
///
/// let json = |reply| serde_json::to_string(&reply).unwrap();
/// let preview = VodPlayReply::allow().expiration_date(1_893_455_999).play_section(0, 60);
/// assert_eq!(
///     json(preview),
///     r#"{"result":1,"expiration_date":1893455999,"play_section":{"start_time":0,"end_time":60}}"#
/// );
/// assert_eq!(json(VodPlayReply::deny("No ticket")), r#"{"result":0,"message":"No ticket"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use]
pub struct VodPlayReply {
    result: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vmcheck: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_tvout: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_playtime: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_playtime_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    play_section: Option<PlaySection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_expired: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct PlaySection {
    start_time: u32,
    end_time: u32,
}

impl VodPlayReply {
    /// Lets the viewer play.
    pub const fn allow() -> Self {
        Self {
            result: 1,
            message: None,
            expiration_date: None,
            vmcheck: None,
            disable_tvout: None,
            expiration_playtime: None,
            expiration_playtime_type: None,
            play_section: None,
            content_expired: None,
        }
    }

    /// Refuses; the player shows the message.
    pub fn deny(message: impl Into<String>) -> Self {
        Self { result: 0, message: Some(message.into()), ..Self::allow() }
    }

    /// Until when it may be played: unix seconds, at most 1893455999; 0 for no end. Kind 1.
    pub const fn expiration_date(mut self, unix_secs: i64) -> Self {
        self.expiration_date = Some(unix_secs);
        self
    }

    /// Whether the PC player looks for a virtual machine and does not play in one; Kollus' own
    /// default is that it does. Kind 1.
    pub const fn vmcheck(mut self, check: bool) -> Self {
        self.vmcheck = Some(check as u8);
        self
    }

    /// Whether output to a TV is blocked, instead of what the channel's policy says. Kind 1.
    pub const fn disable_tvout(mut self, disable: bool) -> Self {
        self.disable_tvout = Some(disable as u8);
        self
    }

    /// How long it may be played: seconds; 0 for no limit. Kind 1.
    pub const fn expiration_playtime(mut self, secs: u32) -> Self {
        self.expiration_playtime = Some(secs);
        self
    }

    /// What the seconds of `expiration_playtime` are. Kind 1.
    pub const fn expiration_playtime_type(mut self, counts: PlaytimeType) -> Self {
        self.expiration_playtime_type = Some(counts.on_the_wire());
        self
    }

    /// A preview: only this part plays, in seconds from the beginning; `end` is after `start`.
    /// Kind 1.
    pub const fn play_section(mut self, start: u32, end: u32) -> Self {
        self.play_section = Some(PlaySection { start_time: start, end_time: end });
        self
    }

    /// Whether the video has expired, and does not play. Kind 3.
    pub const fn content_expired(mut self, expired: bool) -> Self {
        self.content_expired = Some(expired as u8);
        self
    }
}
