//! Typed views of Kollus callbacks, and typed answers.
//!
//! | topic | callbacks | answer |
//! |---|---|---|
//! | playing | [`LivePlay`] | [`PlayReply`] |
//! | | [`VodPlay`] | [`VodPlayReply`] |
//! | | [`NextEpisode`] | any JSON object, because Kollus does not document the fields |
//! | downloads | [`Drm`] | [`DrmReply`] |
//! | learning records | [`VodLms`], [`LiveLms`], [`Bookmark`] | |
//! | video library | [`Upload`], [`Transcoding`], [`ContentUpdate`], [`ChannelAdd`], [`ChannelDelete`] | |
//! | live broadcasts | [`BroadcastState`], [`RecordingTransfer`] | |
//!
//! [`KollusCallback`] has a variant for each kind. Fields have the names and units that Kollus uses.
//! If a decision, or the identity of a callback, depends on a field, the field is required. Any
//! other field is an `Option`.
//!
//! ```
//! use gatepost::kollus::VodPlay;
//!
//! let data = r#"{"kind":1,"client_user_id":"user01","media_content_key":"a"}"#;
//! let play: VodPlay = serde_json::from_str(data)?;
//! assert_eq!(play.client_user_id, "user01");
//!
//! let without_user = r#"{"kind":1,"media_content_key":"a"}"#;
//! assert!(serde_json::from_str::<VodPlay>(without_user).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Source: <https://docs.kollus.com/en/service-guide/vod/integration/callback/> (read in 2026-11)

mod drm;
mod play;
mod views;

pub use drm::{DrmItemReply, DrmReply};
pub use play::{PlayReply, VodPlayReply};
pub use views::*;

/// The time that `expiration_playtime` measures.
///
/// ```
/// use gatepost::kollus::{PlaytimeType, VodPlayReply};
///
/// let answer = VodPlayReply::allow()
///     .expiration_playtime(600)
///     .expiration_playtime_type(PlaytimeType::WallClock);
/// assert_eq!(
///     serde_json::to_string(&answer)?,
///     r#"{"result":1,"expiration_playtime":600,"expiration_playtime_type":1}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaytimeType {
    /// Seconds of the video: playback at double speed counts double. Kollus uses this type by
    /// default. The JSON value is 0.
    Video,
    /// Seconds of real time during playback. The JSON value is 1.
    WallClock,
}

impl PlaytimeType {
    const fn as_number(self) -> u8 {
        match self {
            Self::Video => 0,
            Self::WallClock => 1,
        }
    }
}

/// Implements `IntoResponse` for typed answers: an axum handler can then return an answer.
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
    use crate::provider::field::Conversion;

    /// Checks that `answer` has exactly the fields that the definition declares and Kollus
    /// documents. The caller sets every optional field.
    ///
    /// `echo` names the fields that only identify the item of the callback.
    fn check_fields(kind: &str, answer: &impl serde::Serialize, echo: &[&str]) {
        let kollus = built_in_named("kollus").unwrap();
        let kind = kollus.kinds.into_iter().find(|found| *found.name == *kind).unwrap();
        let fields = kind.decision.unwrap().fields;
        let answer = serde_json::to_string(answer).unwrap();
        let object = Object::from_json(&answer).unwrap();
        let mut out = Vec::new();
        fields
            .write_message(
                &object,
                &mut Conversion::of_answer(),
                |name| echo.contains(&name.text()),
                &mut out,
            )
            .unwrap();
        let present: BTreeSet<_> = object.iter().map(|(name, _)| name).collect();
        let declared = fields.iter().map(|field| &*field.name).chain(echo.iter().copied());
        // The definition declares these fields, but the answer types have no setters for them,
        // because Kollus does not document them.
        const UNDOCUMENTED: [&str; 3] = ["kind", "cpcheck", "processblock"];
        let declared: BTreeSet<_> = declared
            .filter(|name| present.contains(name) || !UNDOCUMENTED.contains(name))
            .collect();
        assert_eq!(present, declared);
    }

    #[test]
    fn typed_answers_have_the_fields_that_the_definition_declares() {
        check_fields("live_play", &PlayReply::deny("no").vmcheck(true).disable_tvout(true), &[]);
        let reply = VodPlayReply::deny("no")
            .expiration_date(0)
            .vmcheck(false)
            .disable_tvout(true)
            .expiration_playtime(0)
            .expiration_playtime_type(PlaytimeType::WallClock)
            .play_section(0, 1)
            .content_expired(true);
        check_fields("vod_play", &reply, &[]);
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
        check_fields("drm", &reply, &["kind", "media_content_key", "session_key", "start_at"]);
    }
}
