//! Typed views of Kollus' callbacks, and the replies to them.
//!
//! | subject | callbacks | reply |
//! |---|---|---|
//! | playing | [`LivePlay`] | [`PlayReply`] |
//! | | [`VodPlay`] | [`VodPlayReply`] |
//! | | [`NextEpisode`] | any JSON object: Kollus does not document its fields |
//! | downloads | [`Drm`] | [`DrmReply`] |
//! | learning records | [`VodLms`], [`LiveLms`], [`Bookmark`] | |
//! | VOD platform | [`Upload`], [`Transcoding`], [`ContentUpdate`], [`ChannelAdd`], [`ChannelDelete`] | |
//! | live platform | [`BroadcastState`], [`RecordingTransfer`] | |
//!
//! Field names are the platform's own, and so are the units.
//!
//! <https://docs.kollus.com/en/service-guide/vod/integration/callback/> (read 2026-11)

mod drm;
mod lms;
mod platform;
mod play;

pub use drm::{Drm, DrmItem, DrmItemReply, DrmReply};
pub use lms::{BlockInfo, Bookmark, LiveLms, LmsData, VodLms};
pub use platform::{
    BroadcastState, ChannelAdd, ChannelDelete, ContentUpdate, RecordingTransfer, Transcoding,
    Upload,
};
pub use play::{LivePlay, NextEpisode, PlayReply, VodPlay, VodPlayReply};

/// What `expiration_playtime` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaytimeType {
    /// Seconds of the video, so that playing at double speed counts double; 0 on the wire, and
    /// Kollus' own default.
    Video,
    /// Seconds on the clock while it plays; 1 on the wire.
    WallClock,
}

impl PlaytimeType {
    const fn on_the_wire(self) -> u8 {
        match self {
            Self::Video => 0,
            Self::WallClock => 1,
        }
    }
}

/// Lets a handler return the replies.
#[cfg(feature = "axum")]
macro_rules! respond {
    ($($reply:ty),*) => {$(
        impl axum_core::response::IntoResponse for $reply {
            fn into_response(self) -> axum_core::response::Response {
                let json = [(http::header::CONTENT_TYPE, "application/json")];
                match serde_json::to_vec(&self) {
                    Ok(body) => (json, body).into_response(),
                    Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                }
            }
        }
    )*};
}

#[cfg(feature = "axum")]
respond!(DrmReply, PlayReply, VodPlayReply);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::json::Object;
    use crate::provider::built_in_named;
    use crate::provider::field::SentBy;

    /// Holds a reply that says all it can against its definition, without the fields that only
    /// `repeat` what was asked.
    fn hold(kind: &str, reply: &impl serde::Serialize, repeat: &[&str]) {
        let kollus = built_in_named("kollus").unwrap();
        let kind = kollus.kinds.into_iter().find(|own| *own.name == *kind).unwrap();
        let fields = kind.decision.unwrap().fields;
        let reply = serde_json::to_string(reply).unwrap();
        let object = Object::from_json(&reply).unwrap();
        let mut out = Vec::new();
        fields
            .write_object(&object, SentBy::App, |name| repeat.contains(&name.text()), &mut out)
            .unwrap();
        let said: BTreeSet<_> = object.iter().map(|(name, _)| name).collect();
        let declared = fields.iter().map(|field| &*field.name).chain(repeat.iter().copied());
        // What the platform does not document is taken from an app, and not offered to one.
        const UNDOCUMENTED: [&str; 3] = ["kind", "cpcheck", "processblock"];
        let declared: BTreeSet<_> =
            declared.filter(|name| said.contains(name) || !UNDOCUMENTED.contains(name)).collect();
        assert_eq!(said, declared);
    }

    #[test]
    fn every_reply_has_the_fields_of_its_definition() {
        hold("live_play", &PlayReply::deny("no").vmcheck(true).disable_tvout(true), &[]);
        let reply = VodPlayReply::deny("no")
            .expiration_date(0)
            .vmcheck(false)
            .disable_tvout(true)
            .expiration_playtime(0)
            .expiration_playtime_type(PlaytimeType::WallClock)
            .play_section(0, 1)
            .content_expired(true);
        hold("vod_play", &reply, &[]);
        let item = r#"{"kind":3,"media_content_key":"a","client_user_id":"b","session_key":"c","start_at":1}"#;
        let item: DrmItem = serde_json::from_str(item).unwrap();
        let reply = DrmItemReply::deny(&item, "no")
            .expiration_date(0)
            .expiration_count(0)
            .expiration_playtime(0)
            .expiration_playtime_type(PlaytimeType::Video)
            .expiration_refresh_popup(true)
            .vmcheck(false)
            .check_abuse(true)
            .offline_bookmark(true, false)
            .content_delete(true)
            .check_expiration_date(0)
            .content_expired(false)
            .content_expire_reset(true);
        hold("drm", &reply, &["kind", "media_content_key", "session_key", "start_at"]);
    }
}
