//! The typed view of Tencent RTC's callbacks.
//!
//! One type describes all events. The structure of the field `Payload` depends on the event. Fields
//! have the platform's names and units.
//!
//! ```
//! use gatepost::tencent_trtc::Notification;
//!
//! let data = r#"{"EventGroupId":1,"EventType":103,"EventInfo":{"RoomId":8489,"UserId":"u1"}}"#;
//! let event: Notification = serde_json::from_str(data)?;
//! assert_eq!(event.event_type, Some(103));
//!
//! let wrong_type = data.replace("103", "\"103\"");
//! assert!(serde_json::from_str::<Notification>(&wrong_type).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Sources, all read in 2026-11:
//!
//! - room and media: <https://trtc.io/document/39558>
//! - recording: <https://trtc.io/document/54914>
//! - relay: <https://trtc.io/document/54913>
//! - ingest: <https://trtc.io/document/62717>
//! - AI: <https://trtc.io/document/68331>
//! - slicing: <https://trtc.io/document/73393>
//! - moderation: <https://trtc.io/document/73394>
//! - transcription: <https://cloud.tencent.com/document/product/647/129976>

use serde_json::Value;

use super::View;
use super::view::view;
use crate::printable::print_only;

view! {
    /// An event in a room, or in one of the room's tasks.
    #[serde(rename_all = "PascalCase")]
    pub struct Notification {
        /// The group of the event: 1 room, 2 media, 3 recording, 4 relay, 7 ingest, 8 web
        /// recording, 9 AI, 10 slicing, 11 moderation, 14 transcription.
        pub event_group_id: Option<i64>,
        /// The event type. For example, 103 means that a user has entered a room.
        pub event_type: Option<i64>,
        /// The time at which the platform sent the callback, in Unix **milliseconds**. Absent from
        /// group 7, which has `CallbackMsTs` instead.
        pub callback_ts: Option<i64>,
        /// The time at which the platform sent the callback, in Unix **milliseconds**. Only in
        /// group 7.
        pub callback_ms_ts: Option<i64>,
        /// Details of the event.
        pub event_info: Option<EventInfo>,
    }

    /// Details of an event.
    #[serde(rename_all = "PascalCase")]
    pub struct EventInfo {
        /// The identifier of the room, a number or a string. Compare identifiers as text: some
        /// events contain a numeric identifier as a string. Absent from groups 7 and 8.
        pub room_id: Option<Value>,
        /// The time of the event, in Unix seconds.
        pub event_ts: Option<i64>,
        /// The time of the event, in Unix **milliseconds**. Sort events by this time, because they
        /// may arrive in a different order.
        pub event_ms_ts: Option<i64>,
        /// The identifier of the user or, in events of a task, of the robot that runs the task.
        pub user_id: Option<String>,
        /// An identifier. Absent if the application used no callbacks before 2021-07-30.
        pub unique_id: Option<i64>,
        /// The role: 20 for an anchor, 21 for the audience.
        pub role: Option<i64>,
        /// The operating system: 1 Windows, 2 Android, 3 iOS, 4 Linux, 100 other.
        pub terminal_type: Option<i64>,
        /// The SDK: 1 WebRTC, 2 mini program, 3 native SDK.
        pub user_type: Option<i64>,
        /// The reason. If a user enters: 1 normal, 2 network change, 3 retry, 4 cross-room. If a
        /// user leaves: 1 normal, 2 timeout, 3 removed, 4 cross-room canceled, 5 forced.
        pub reason: Option<i64>,
        /// The type of the room identifier: 0 for a number, 1 for a string. Only in group 4.
        pub room_type: Option<i64>,
        /// The type of the room identifier: 0 for a number, 1 for a string. Only in groups
        /// 9 and 14.
        pub room_id_type: Option<i64>,
        /// The identifier of the task.
        pub task_id: Option<String>,
        /// The identifier of the transcription robot. Only in group 14.
        pub robot_id: Option<String>,
        /// The identifier of the user whose stream the platform moderated. Only in event 1104.
        pub streamer_user_id: Option<String>,
        /// The result. In event 701: 0 succeeded, 1 failed, 2 restarted. In event 702: always 0.
        /// Other tasks report the result in `payload`.
        pub status: Option<i64>,
        /// Details of a task: an object whose fields depend on the event. The object may contain
        /// recognized speech.
        pub payload: Option<Value>,
    }
}

impl View for Notification {
    // One type describes all kinds.
    fn describes(provider: &str, _kind: &str) -> bool {
        provider == "tencent-trtc"
    }
}

print_only! {
    EventInfo: room_id event_ms_ts task_id status;
    Notification: event_type callback_ts event_info;
}
