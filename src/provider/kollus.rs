//! Typed views of Kollus' callbacks, and the replies to them.
//!
//! <https://docs.kollus.com/en/dev-guide/live/player/play-callback/> (read 2026-11)

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::View;

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

impl View for LivePlay {
    fn describes(provider: &str, kind: &str) -> bool {
        provider == "kollus" && kind == "live_play"
    }
}

/// The answer to a play callback.
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

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for PlayReply {
    fn into_response(self) -> axum_core::response::Response {
        let json = [(http::header::CONTENT_TYPE, "application/json")];
        match serde_json::to_vec(&self) {
            Ok(body) => (json, body).into_response(),
            Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
