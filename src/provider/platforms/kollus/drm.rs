//! The app's answer to a DRM callback. In each item of this callback, the player asks to download a
//! video, reports a finished download, or asks to play a download.
//!
//! Source: <https://docs.kollus.com/en/dev-guide/vod/player-callback/drm-callback/> (read in 2026-11)

use serde::Serialize;

use super::{DrmItem, PlaytimeType};
use crate::provider::view::answer;

/// The app's answer to a [`Drm`](super::Drm) callback: one [`DrmItemReply`] for each item.
///
/// ```
/// use gatepost::kollus::{Drm, DrmItem, DrmItemReply, DrmReply};
///
/// let data = r#"{"items":[{"kind":1,"media_content_key":"a","client_user_id":"user01"},
///                          {"kind":3,"media_content_key":"b","client_user_id":"user02"}]}"#;
/// let drm: Drm = serde_json::from_str(data)?;
/// let answer = |item: &DrmItem| match item.client_user_id.as_deref() {
///     Some("user01") => DrmItemReply::allow(item).expiration_count(3),
///     _ => DrmItemReply::deny(item, "No ticket"),
/// };
/// let reply: DrmReply = drm.items.iter().map(answer).collect();
/// assert_eq!(
///     serde_json::to_string(&reply)?,
///     r#"[{"kind":1,"media_content_key":"a","result":1,"expiration_count":3},"#.to_owned()
///         + r#"{"kind":3,"media_content_key":"b","result":0,"message":"No ticket"}]"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct DrmReply(Vec<DrmItemReply>);

impl FromIterator<DrmItemReply> for DrmReply {
    fn from_iter<I: IntoIterator<Item = DrmItemReply>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

answer! {
    /// The app's answer to one item of a [`Drm`](super::Drm) callback.
    ///
    /// In the documentation of the methods, *kind* means the item's field `kind`. gatepost omits
    /// fields that do not apply to this kind. If a value is out of range, gatepost discards the
    /// answer to this item and applies the config key `on_failure`.
    ///
    /// ```
    /// use gatepost::kollus::{DrmItem, DrmItemReply};
    ///
    /// let item: DrmItem = serde_json::from_str(r#"{"kind":2,"media_content_key":"a"}"#)?;
    /// let keep = serde_json::to_value(DrmItemReply::allow(&item))?;
    /// assert_eq!(keep["result"], 1);
    /// let expire = serde_json::to_value(DrmItemReply::deny(&item, "No ticket"))?;
    /// assert_eq!(expire["result"], 0);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct DrmItemReply {
        kind: i64 = 0,
        media_content_key: String = String::new(),
        #[serde(skip_serializing_if = "Option::is_none")]
        session_key: Option<String> = None,
        #[serde(skip_serializing_if = "Option::is_none")]
        start_at: Option<i64> = None,
        result: u8 = 1,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String> = None,
    } optional {
        /// Sets the expiry of the download to `unix_secs`, which is at most 1893455999; 0 means no
        /// expiry. Applies only to kinds 1 and 3.
        expiration_date(unix_secs: i64) -> i64 = unix_secs,

        /// Limits the number of playbacks to `times`, which is at most 1000; 0 means no limit.
        /// Applies only to kinds 1 and 3.
        expiration_count(times: u32) -> u32 = times,

        /// Limits the playback time to `secs`, which is 60 to 604800; 0 means no limit. Applies
        /// only to kinds 1 and 3.
        expiration_playtime(secs: u32) -> u32 = secs,

        /// Sets the time that `expiration_playtime` measures. Applies only to kind 1.
        expiration_playtime_type(meaning: PlaytimeType) -> u8 = meaning.as_number(),

        /// Sets whether the player offers to refresh an expired download. Applies only to kind 1.
        ///
        /// By default, the player does not offer a refresh.
        expiration_refresh_popup(offer: bool) -> u8 = offer as u8,

        /// Sets whether a player on a PC refuses to play in a virtual machine. Applies only to kind
        /// 1.
        ///
        /// By default, the player refuses.
        vmcheck(check: bool) -> u8 = check as u8,

        /// Sets whether the player sends a request of kind 3 before each playback. Applies only to
        /// kinds 1 and 3.
        ///
        /// If `check` is `true`, the viewer cannot play offline. By default, the player does not
        /// send this request.
        check_abuse(check: bool) -> u8 = check as u8,

        /// Sets whether the player also downloads the video's index bookmarks, and whether the
        /// downloaded bookmarks are read-only. Applies only to kind 1.
        offline_bookmark(download: bool, readonly: bool) -> OfflineBookmark = OfflineBookmark { download: download as u8, readonly: readonly as u8 },

        /// Sets whether the player deletes the download and shows the [`message`](Self::message).
        /// Applies only to kinds 2 and 3.
        content_delete(delete: bool) -> u8 = delete as u8,

        /// Sets the deadline for the player's next request of kind 3, in Unix seconds; 0 means no
        /// deadline. Applies only to kinds 2 and 3.
        ///
        /// If the player misses the deadline, the download expires.
        check_expiration_date(unix_secs: i64) -> i64 = unix_secs,

        /// Sets whether the player treats the download as expired. Applies only to kind 3.
        ///
        /// A download that has expired on the device does not play, even if `expired` is `false`.
        content_expired(expired: bool) -> u8 = expired as u8,

        /// Sets whether the player restarts the expiry period. Applies only to kind 3.
        ///
        /// If `content_expired` is also set, Kollus ignores this field.
        content_expire_reset(reset: bool) -> u8 = reset as u8,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct OfflineBookmark {
    download: u8,
    readonly: u8,
}

impl DrmItemReply {
    /// Allows the request. For kind 2, the player keeps the download.
    pub fn allow(item: &DrmItem) -> Self {
        Self {
            kind: item.kind,
            media_content_key: item.media_content_key.clone(),
            session_key: item.session_key.clone(),
            start_at: item.start_at,
            ..Self::EMPTY
        }
    }

    /// Denies the request. The player shows `message`. For kind 2, the download expires.
    pub fn deny(item: &DrmItem, message: impl Into<String>) -> Self {
        Self { result: 0, ..Self::allow(item) }.message(message)
    }

    /// Sets the message that the player shows when the app denies a request or deletes a download.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}
