//! The typed view of Tencent RTC's callbacks.
//!
//! Events of rooms, media, recording, relay, ingest, AI, slicing, moderation and transcription all
//! have the same form; what differs is the event's `Payload`. Field names are the platform's own,
//! and so are the units.
//!
//! Room and media: <https://trtc.io/document/39558>. Recording: <https://trtc.io/document/54914>.
//! Relay: <https://trtc.io/document/54913>. Ingest: <https://trtc.io/document/62717>. AI:
//! <https://trtc.io/document/68331>. Slicing: <https://trtc.io/document/73393>. Moderation:
//! <https://trtc.io/document/73394>. Transcription:
//! <https://cloud.tencent.com/document/product/647/129976>. (All read 2026-11.)

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::View;
use super::view::print_only;

/// Something happened in a room, or to one of its tasks.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Notification {
    /// 1 room, 2 media, 3 recording, 4 relay, 7 ingest, 8 web recording, 9 AI, 10 slicing, 11
    /// moderation, 14 transcription.
    pub event_group_id: Option<i64>,
    /// Which event it is, as in 103 for one who enters a room.
    pub event_type: Option<i64>,
    /// When it was sent: unix **milliseconds**. Group 7 says `CallbackMsTs` instead.
    pub callback_ts: Option<i64>,
    /// When it was sent: unix **milliseconds**.
    pub callback_ms_ts: Option<i64>,
    /// What happened.
    pub event_info: Option<EventInfo>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What happened.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct EventInfo {
    /// The room: a number or a string, as the room's identifier is; compare it as text, since some
    /// events write the number of a room as a string. Not of groups 7 and 8.
    pub room_id: Option<Value>,
    /// Unix seconds.
    pub event_ts: Option<i64>,
    /// Unix **milliseconds**. Events may come out of order: sort by it.
    pub event_ms_ts: Option<i64>,
    /// The user; of a task, its robot.
    pub user_id: Option<String>,
    /// An identifier that only apps get that took callbacks before 2021-07-30.
    pub unique_id: Option<i64>,
    /// 20 for an anchor, 21 for the audience.
    pub role: Option<i64>,
    /// 1 Windows, 2 Android, 3 iOS, 4 Linux, 100 other.
    pub terminal_type: Option<i64>,
    /// 1 WebRTC, 2 mini program, 3 native SDK.
    pub user_type: Option<i64>,
    /// Why: entering 1 normal, 2 network change, 3 retry, 4 cross-room; leaving 1 normal, 2
    /// timeout,
    /// 3 removed, 4 cross-room cancelled, 5 forced.
    pub reason: Option<i64>,
    /// 0 if the room's identifier is a number, 1 if it is a string. Group 4.
    pub room_type: Option<i64>,
    /// As `room_type`. Groups 9 and 14.
    pub room_id_type: Option<i64>,
    /// The task.
    pub task_id: Option<String>,
    /// The transcription's robot. Group 14.
    pub robot_id: Option<String>,
    /// The user whose stream was moderated. Event 1104.
    pub streamer_user_id: Option<String>,
    /// How it went. Event 701: 0 well, 1 failed, 2 started again; 702: 0. Other tasks say it in the
    /// `payload`.
    pub status: Option<i64>,
    /// What the task says: an object whose fields depend on the event. It may hold what people
    /// said.
    pub payload: Option<Value>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Every kind has the same form.
impl View for Notification {
    fn describes(provider: &str, _kind: &str) -> bool {
        provider == "tencent-trtc"
    }
}

print_only! {
    EventInfo: room_id event_ms_ts task_id status;
    Notification: event_type callback_ts event_info;
}
