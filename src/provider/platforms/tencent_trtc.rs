// @generated from tencent_trtc.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Tencent RTC.
//!
//! [`TencentTrtcCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://www.tencentcloud.com/document/product/647/39558>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of Tencent RTC callbacks whose kind has no fields of its own.
    pub struct Notification prints(event_info event_type) {
        /// The group of the event: 1 room, 2 media, 3 recording, 4 relay, 7 ingest, 8 web
        /// recording, 9 AI, 10 slicing, 11 moderation, 14 transcription.
        event_group_id: Option<i64> = "EventGroupId",
        /// The event type. For example, 103 means that a user has entered a room.
        event_type: Option<i64> = "EventType",
        /// The time at which the platform sent the callback, in Unix milliseconds. Absent from
        /// group 7, which has `CallbackMsTs` instead.
        callback_ts: Option<i64> = "CallbackTs",
        /// The time at which the platform sent the callback, in Unix milliseconds. Only in group 7.
        callback_ms_ts: Option<i64> = "CallbackMsTs",
        /// Details of the event.
        event_info: Option<EventInfo> = "EventInfo",
    }

    /// The object [`Notification::event_info`].
    pub struct EventInfo prints(event_ms_ts room_id) {
        /// The identifier of the room, a number or a string. Compare identifiers as text: some
        /// events contain a numeric identifier as a string. Absent from groups 7 and 8.
        room_id: Option<Value> = "RoomId",
        /// The time of the event, in Unix seconds.
        event_ts: Option<i64> = "EventTs",
        /// The time of the event, in Unix milliseconds. Sort events by this time, because they may
        /// arrive in a different order.
        event_ms_ts: Option<i64> = "EventMsTs",
        /// The identifier of the user or, in events of a task, of the robot that runs the task.
        user_id: Option<String> = "UserId",
        /// An identifier. Absent if the application used no callbacks before 2021-07-30.
        unique_id: Option<i64> = "UniqueId",
        /// The role: 20 for an anchor, 21 for the audience.
        role: Option<i64> = "Role",
        /// The operating system: 1 Windows, 2 Android, 3 iOS, 4 Linux, 100 other.
        terminal_type: Option<i64> = "TerminalType",
        /// The SDK: 1 WebRTC, 2 mini program, 3 native SDK.
        user_type: Option<i64> = "UserType",
        /// The reason. If a user enters: 1 normal, 2 network change, 3 retry, 4 cross-room. If a
        /// user leaves: 1 normal, 2 timeout, 3 removed, 4 cross-room canceled, 5 forced.
        reason: Option<i64> = "Reason",
        /// The type of the room identifier: 0 for a number, 1 for a string. Only in group 4.
        room_type: Option<i64> = "RoomType",
        /// The type of the room identifier: 0 for a number, 1 for a string. Only in groups 9 and
        /// 14.
        room_id_type: Option<i64> = "RoomIdType",
        /// The identifier of the task.
        task_id: Option<String> = "TaskId",
        /// The result. In event 701: 0 succeeded, 1 failed, 2 restarted. In event 702: always 0.
        /// Other tasks report the result in `Payload`.
        status: Option<i64> = "Status",
        /// Details of a task: an object whose fields depend on the event. The object may contain
        /// recognized speech.
        payload: Option<Map<String, Value>> = "Payload",
        /// The identifier of the transcription robot. Only in group 14.
        robot_id: Option<String> = "RobotId",
        /// The identifier of the user whose stream the platform moderated. Only in event 1104.
        streamer_user_id: Option<String> = "StreamerUserId",
    }
}

describe! { "tencent-trtc":
    Notification = "create_room"
        | "dismiss_room"
        | "enter_room"
        | "exit_room"
        | "change_role"
        | "start_video"
        | "stop_video"
        | "start_audio"
        | "stop_audio"
        | "start_substream"
        | "stop_substream"
        | "recorder_start"
        | "recorder_stop"
        | "upload_start"
        | "file_info"
        | "upload_stop"
        | "failover"
        | "file_slice"
        | "download_image_error"
        | "mp4_stop"
        | "vod_commit"
        | "vod_stop"
        | "cdn_status"
        | "stream_ingest_start"
        | "stream_ingest_stop"
        | "web_recorder_start"
        | "web_recorder_stop"
        | "web_recorder_status"
        | "web_recorder_resource_limit"
        | "ai_service_start"
        | "ai_service_stop"
        | "ai_service_message"
        | "ai_start_of_speech"
        | "ai_speaking_finished"
        | "ai_metric"
        | "ai_error_metric"
        | "ai_session_status"
        | "slice_start"
        | "slice_stop"
        | "slice_upload_start"
        | "slice_file_info"
        | "slice_upload_stop"
        | "slice_upload_error"
        | "moderation_start"
        | "moderation_stop"
        | "moderation_send_start"
        | "moderation_task_info"
        | "moderation_send_stop"
        | "moderation_upload_error"
        | "transcription_start"
        | "transcription_stop"
        | "transcription_message"
        | "translation_message"
        | "event",
}

callback! { "tencent-trtc":
    /// A callback of Tencent RTC; each kind has a variant.
    pub enum TencentTrtcCallback {
        /// The kind `create_room`.
        CreateRoom(Notification) = "create_room",
        /// The kind `dismiss_room`.
        DismissRoom(Notification) = "dismiss_room",
        /// The kind `enter_room`.
        EnterRoom(Notification) = "enter_room",
        /// The kind `exit_room`.
        ExitRoom(Notification) = "exit_room",
        /// The kind `change_role`.
        ChangeRole(Notification) = "change_role",
        /// The kind `start_video`.
        StartVideo(Notification) = "start_video",
        /// The kind `stop_video`.
        StopVideo(Notification) = "stop_video",
        /// The kind `start_audio`.
        StartAudio(Notification) = "start_audio",
        /// The kind `stop_audio`.
        StopAudio(Notification) = "stop_audio",
        /// The kind `start_substream`.
        StartSubstream(Notification) = "start_substream",
        /// The kind `stop_substream`.
        StopSubstream(Notification) = "stop_substream",
        /// The kind `recorder_start`.
        RecorderStart(Notification) = "recorder_start",
        /// The kind `recorder_stop`.
        RecorderStop(Notification) = "recorder_stop",
        /// The kind `upload_start`.
        UploadStart(Notification) = "upload_start",
        /// The kind `file_info`.
        FileInfo(Notification) = "file_info",
        /// The kind `upload_stop`.
        UploadStop(Notification) = "upload_stop",
        /// The kind `failover`.
        Failover(Notification) = "failover",
        /// The kind `file_slice`.
        FileSlice(Notification) = "file_slice",
        /// The kind `download_image_error`.
        DownloadImageError(Notification) = "download_image_error",
        /// The kind `mp4_stop`.
        Mp4Stop(Notification) = "mp4_stop",
        /// The kind `vod_commit`.
        VodCommit(Notification) = "vod_commit",
        /// The kind `vod_stop`.
        VodStop(Notification) = "vod_stop",
        /// The kind `cdn_status`.
        CdnStatus(Notification) = "cdn_status",
        /// The kind `stream_ingest_start`.
        StreamIngestStart(Notification) = "stream_ingest_start",
        /// The kind `stream_ingest_stop`.
        StreamIngestStop(Notification) = "stream_ingest_stop",
        /// The kind `web_recorder_start`.
        WebRecorderStart(Notification) = "web_recorder_start",
        /// The kind `web_recorder_stop`.
        WebRecorderStop(Notification) = "web_recorder_stop",
        /// The kind `web_recorder_status`.
        WebRecorderStatus(Notification) = "web_recorder_status",
        /// The kind `web_recorder_resource_limit`.
        WebRecorderResourceLimit(Notification) = "web_recorder_resource_limit",
        /// The kind `ai_service_start`.
        AiServiceStart(Notification) = "ai_service_start",
        /// The kind `ai_service_stop`.
        AiServiceStop(Notification) = "ai_service_stop",
        /// The kind `ai_service_message`.
        AiServiceMessage(Notification) = "ai_service_message",
        /// The kind `ai_start_of_speech`.
        AiStartOfSpeech(Notification) = "ai_start_of_speech",
        /// The kind `ai_speaking_finished`.
        AiSpeakingFinished(Notification) = "ai_speaking_finished",
        /// The kind `ai_metric`.
        AiMetric(Notification) = "ai_metric",
        /// The kind `ai_error_metric`.
        AiErrorMetric(Notification) = "ai_error_metric",
        /// The kind `ai_session_status`.
        AiSessionStatus(Notification) = "ai_session_status",
        /// The kind `slice_start`.
        SliceStart(Notification) = "slice_start",
        /// The kind `slice_stop`.
        SliceStop(Notification) = "slice_stop",
        /// The kind `slice_upload_start`.
        SliceUploadStart(Notification) = "slice_upload_start",
        /// The kind `slice_file_info`.
        SliceFileInfo(Notification) = "slice_file_info",
        /// The kind `slice_upload_stop`.
        SliceUploadStop(Notification) = "slice_upload_stop",
        /// The kind `slice_upload_error`.
        SliceUploadError(Notification) = "slice_upload_error",
        /// The kind `moderation_start`.
        ModerationStart(Notification) = "moderation_start",
        /// The kind `moderation_stop`.
        ModerationStop(Notification) = "moderation_stop",
        /// The kind `moderation_send_start`.
        ModerationSendStart(Notification) = "moderation_send_start",
        /// The kind `moderation_task_info`.
        ModerationTaskInfo(Notification) = "moderation_task_info",
        /// The kind `moderation_send_stop`.
        ModerationSendStop(Notification) = "moderation_send_stop",
        /// The kind `moderation_upload_error`.
        ModerationUploadError(Notification) = "moderation_upload_error",
        /// The kind `transcription_start`.
        TranscriptionStart(Notification) = "transcription_start",
        /// The kind `transcription_stop`.
        TranscriptionStop(Notification) = "transcription_stop",
        /// The kind `transcription_message`.
        TranscriptionMessage(Notification) = "transcription_message",
        /// The kind `translation_message`.
        TranslationMessage(Notification) = "translation_message",
        /// The kind `event`.
        Event(Notification) = "event",
    }
}
