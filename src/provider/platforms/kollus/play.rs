//! The app's answers to callbacks in which a player asks for permission to play.
//!
//! Sources: <https://docs.kollus.com/en/dev-guide/live/player/play-callback/> and
//! <https://docs.kollus.com/en/dev-guide/vod/player-callback/play-callback/> (read in 2026-11)

use serde::Serialize;

use super::PlaytimeType;
use crate::provider::view::answer;

answer! {
    /// The app's answer to a [`LivePlay`](super::LivePlay) callback.
    ///
    /// ```
    /// use gatepost::kollus::PlayReply;
    ///
    /// let json = |reply| serde_json::to_string(&reply).unwrap();
    /// assert_eq!(json(PlayReply::allow().disable_tvout(true)), r#"{"result":1,"disable_tvout":1}"#);
    /// assert_eq!(json(PlayReply::deny("No ticket")), r#"{"result":0,"message":"No ticket"}"#);
    /// ```
    pub struct PlayReply {
        result: u8 = 1,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String> = None,
    } optional {
        /// Sets whether a player on a PC refuses to play in a virtual machine.
        ///
        /// By default, the player refuses.
        vmcheck(check: bool) -> u8 = check as u8,

        /// Sets whether the player blocks output to a TV.
        ///
        /// The value overrides the channel's policy.
        disable_tvout(disable: bool) -> u8 = disable as u8,
    }
}

impl PlayReply {
    /// Allows the viewer to play.
    pub const fn allow() -> Self {
        Self::EMPTY
    }

    /// Denies playback. The player shows `message`.
    pub fn deny(message: impl Into<String>) -> Self {
        Self { result: 0, message: Some(message.into()), ..Self::EMPTY }
    }
}

answer! {
    /// The app's answer to a [`VodPlay`](super::VodPlay) callback.
    ///
    /// In the documentation of the setters, *kind* means the callback's field `kind`. gatepost
    /// omits fields that do not apply to this kind. If a value is out of range, gatepost discards
    /// the answer and applies the config key `on_failure`.
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
    pub struct VodPlayReply {
        result: u8 = 1,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String> = None,
    } optional {
        /// Sets the expiry of the video to `unix_secs`, which is at most 1893455999; 0 means no
        /// expiry. Applies only to kind 1.
        expiration_date(unix_secs: i64) -> i64 = unix_secs,

        /// Sets whether a player on a PC refuses to play in a virtual machine. Applies only to kind
        /// 1.
        ///
        /// By default, the player refuses.
        vmcheck(check: bool) -> u8 = check as u8,

        /// Sets whether the player blocks output to a TV. Applies only to kind 1.
        ///
        /// The value overrides the channel's policy.
        disable_tvout(disable: bool) -> u8 = disable as u8,

        /// Limits the playback time to `secs`; 0 means no limit. Applies only to kind 1.
        expiration_playtime(secs: u32) -> u32 = secs,

        /// Sets the time that `expiration_playtime` measures. Applies only to kind 1.
        expiration_playtime_type(meaning: PlaytimeType) -> u8 = meaning.as_number(),

        /// Limits playback to a preview from `start` to `end`, in seconds from the start of the
        /// video. Applies only to kind 1.
        ///
        /// `end` must be greater than `start`.
        play_section(start: u32, end: u32) -> PlaySection = PlaySection { start_time: start, end_time: end },

        /// Sets whether the player treats the video as expired and refuses to play. Applies only to
        /// kind 3.
        content_expired(expired: bool) -> u8 = expired as u8,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct PlaySection {
    start_time: u32,
    end_time: u32,
}

impl VodPlayReply {
    /// Allows the viewer to play.
    pub const fn allow() -> Self {
        Self::EMPTY
    }

    /// Denies playback. The player shows `message`.
    pub fn deny(message: impl Into<String>) -> Self {
        Self { result: 0, message: Some(message.into()), ..Self::EMPTY }
    }
}
