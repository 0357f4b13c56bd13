//! Downloads: may this one be made, and be played?
//!
//! <https://docs.kollus.com/en/dev-guide/vod/player-callback/drm-callback/> (read 2026-11)

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PlaytimeType;
use crate::provider::view::describe;

/// Questions about downloads, of all kinds mixed; each wants an answer of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Drm {
    /// The questions: up to ten, as documented.
    pub items: Vec<DrmItem>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One question about one download.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DrmItem {
    /// 1 asks to download, 2 says that it is downloaded, 3 asks to play it.
    pub kind: i64,
    /// The video's key.
    pub media_content_key: String,
    /// The user named in the play token.
    pub client_user_id: Option<String>,
    /// The player's identifier.
    pub player_id: Option<String>,
    /// The hardware's identifier, on platforms that have one.
    pub hardware_id: Option<String>,
    /// The device's model, which may hold a slash.
    pub device_name: Option<String>,
    /// `uservalue0` and on, those that were set.
    pub uservalues: Option<Map<String, Value>>,
    /// The player's name for this playback. Kind 3.
    pub session_key: Option<String>,
    /// Unix seconds on the viewer's device when it started to play. Kind 3.
    pub start_at: Option<i64>,
    /// Unix seconds on the viewer's device: whatever it is set to.
    pub localtime: Option<i64>,
    /// 1 if it has expired on the device. Kind 3.
    pub content_expired: Option<i64>,
    /// 1 if its `check_expiration_date` has passed. Kind 3.
    pub check_expired: Option<i64>,
    /// 0 to play it, 1 to refresh many at once. Kind 3.
    pub reset_req: Option<i64>,
    /// When it expires as the device has it: unix seconds. Kind 3.
    pub expiration_date: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

describe! { "kollus":
    Drm = "drm",
}

/// The answer to a DRM callback: one for each of its items.
///
/// ```
/// use gatepost::kollus::{Drm, DrmItem, DrmItemReply, DrmReply};
///
/// let asked = r#"{"items":[{"kind":1,"media_content_key":"a","client_user_id":"user01"},
///                          {"kind":3,"media_content_key":"b","client_user_id":"user02"}]}"#;
/// let drm: Drm = serde_json::from_str(asked)?;
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

/// The answer to one item of a DRM callback.
///
/// What is not for the item's kind is left out of the reply; a value out of its range makes the
/// failure policy stand for this item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct DrmItemReply {
    kind: i64,
    media_content_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<i64>,
    result: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_playtime: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_playtime_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_refresh_popup: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vmcheck: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_abuse: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offline_bookmark: Option<OfflineBookmark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_delete: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_expiration_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_expired: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_expire_reset: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct OfflineBookmark {
    download: u8,
    readonly: u8,
}

impl DrmItemReply {
    /// Says yes: to the download, to having it, or to playing it.
    pub fn allow(item: &DrmItem) -> Self {
        Self {
            kind: item.kind,
            media_content_key: item.media_content_key.clone(),
            session_key: item.session_key.clone(),
            start_at: item.start_at,
            result: 1,
            ..Self::default()
        }
    }

    /// Says no; the player shows the message. To kind 2 it makes what was downloaded expire.
    pub fn deny(item: &DrmItem, message: impl Into<String>) -> Self {
        Self { result: 0, ..Self::allow(item) }.message(message)
    }

    /// What the player shows when it is refused or deleted.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Until when it may be played: unix seconds, at most 1893455999; 0 for no end. Kinds 1 and 3.
    pub const fn expiration_date(mut self, unix_secs: i64) -> Self {
        self.expiration_date = Some(unix_secs);
        self
    }

    /// How many times it may be played: at most 1000; 0 for no limit. Kinds 1 and 3.
    pub const fn expiration_count(mut self, times: u32) -> Self {
        self.expiration_count = Some(times);
        self
    }

    /// How long it may be played: from 60 to 604800 seconds; 0 for no limit. Kinds 1 and 3.
    pub const fn expiration_playtime(mut self, secs: u32) -> Self {
        self.expiration_playtime = Some(secs);
        self
    }

    /// What the seconds of `expiration_playtime` are. Kind 1.
    pub const fn expiration_playtime_type(mut self, counts: PlaytimeType) -> Self {
        self.expiration_playtime_type = Some(counts.on_the_wire());
        self
    }

    /// Whether a window offers to refresh what has expired; Kollus' own default is that none does.
    /// Kind 1.
    pub const fn expiration_refresh_popup(mut self, offer: bool) -> Self {
        self.expiration_refresh_popup = Some(offer as u8);
        self
    }

    /// Whether the PC player looks for a virtual machine and does not play in one; Kollus' own
    /// default is that it does. Kind 1.
    pub const fn vmcheck(mut self, check: bool) -> Self {
        self.vmcheck = Some(check as u8);
        self
    }

    /// Whether kind 3 is asked before each playback, so that none is offline; Kollus' own default
    /// is that it is not. Kinds 1 and 3.
    pub const fn check_abuse(mut self, check: bool) -> Self {
        self.check_abuse = Some(check as u8);
        self
    }

    /// Whether the index bookmarks are downloaded too, and whether the viewer may only read them.
    /// Kind 1.
    pub const fn offline_bookmark(mut self, download: bool, readonly: bool) -> Self {
        let (download, readonly) = (download as u8, readonly as u8);
        self.offline_bookmark = Some(OfflineBookmark { download, readonly });
        self
    }

    /// Whether it is deleted from the device; the player shows the message. Kinds 2 and 3.
    pub const fn content_delete(mut self, delete: bool) -> Self {
        self.content_delete = Some(delete as u8);
        self
    }

    /// By when kind 3 must have been asked again, or it expires: unix seconds; 0 for never. Kinds
    /// 2 and 3.
    pub const fn check_expiration_date(mut self, unix_secs: i64) -> Self {
        self.check_expiration_date = Some(unix_secs);
        self
    }

    /// Whether it has expired. One that has on the device does not play, whatever this says. Kind
    /// 3.
    pub const fn content_expired(mut self, expired: bool) -> Self {
        self.content_expired = Some(expired as u8);
        self
    }

    /// Whether its expiry starts anew; ignored beside `content_expired`. Kind 3.
    pub const fn content_expire_reset(mut self, reset: bool) -> Self {
        self.content_expire_reset = Some(reset as u8);
        self
    }
}
