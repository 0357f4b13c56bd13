// @generated from tencent_trtc.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Tencent RTC.
//!
//! [`TencentTrtcCallback`] has a variant for each kind.
//! Fields have the platform's names in snake case. Values have the platform's units.
//!
//! Source: <https://www.tencentcloud.com/document/product/647/39558>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of Tencent RTC callbacks whose kind has no fields of its own.
    pub struct Notification prints(event_info event_type) {
        /// The group of the kind: 1 room, 2 media, 3 recording, 4 relay, 7 ingest, 8 web recording,
        /// 9 AI, 10 slicing, 11 moderation, 14 transcription.
        event_group_id: Option<i64> = "EventGroupId",
        /// The platform's number of the kind. For example, 103 means that a user has entered a
        /// room.
        event_type: Option<i64> = "EventType",
        /// The time at which the platform sent the callback, in Unix milliseconds. Absent from
        /// group 7, which has `CallbackMsTs` instead.
        callback_ts: Option<i64> = "CallbackTs",
        /// The time at which the platform sent the callback, in Unix milliseconds. Only in group 7.
        callback_ms_ts: Option<i64> = "CallbackMsTs",
        /// The details that the platform reports.
        event_info: Option<EventInfo> = "EventInfo",
    }

    /// The object in [`Notification::event_info`].
    pub struct EventInfo prints(event_ms_ts room_id) {
        /// The identifier of the room, a number or a string. Compare identifiers as text: some
        /// callbacks contain a numeric identifier as a string. Absent from groups 7 and 8.
        room_id: Option<Value> = "RoomId",
        /// The time of the reported change, in Unix seconds.
        event_ts: Option<i64> = "EventTs",
        /// The time of the reported change, in Unix milliseconds. Sort callbacks by this time,
        /// because they may arrive in a different order.
        event_ms_ts: Option<i64> = "EventMsTs",
        /// The identifier of the user or, in callbacks about a task, of the robot that runs the
        /// task.
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
        /// The result. If `EventType` is 701: 0 succeeded, 1 failed, 2 restarted. If `EventType` is
        /// 702: always 0. Other tasks report the result in `Payload`.
        status: Option<i64> = "Status",
        /// The details of a task: an object whose fields depend on `EventType`. The object may
        /// contain recognized speech.
        payload: Option<Map<String, Value>> = "Payload",
        /// The identifier of the transcription robot. Only in group 14.
        robot_id: Option<String> = "RobotId",
        /// The identifier of the user whose stream the platform moderated. Present only if
        /// `EventType` is 1104.
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
    /// A callback of Tencent RTC, with a variant for each kind.
    pub enum TencentTrtcCallback {
        /// A `create_room` callback.
        CreateRoom(Notification) = "create_room",
        /// A `dismiss_room` callback.
        DismissRoom(Notification) = "dismiss_room",
        /// A `enter_room` callback.
        EnterRoom(Notification) = "enter_room",
        /// A `exit_room` callback.
        ExitRoom(Notification) = "exit_room",
        /// A `change_role` callback.
        ChangeRole(Notification) = "change_role",
        /// A `start_video` callback.
        StartVideo(Notification) = "start_video",
        /// A `stop_video` callback.
        StopVideo(Notification) = "stop_video",
        /// A `start_audio` callback.
        StartAudio(Notification) = "start_audio",
        /// A `stop_audio` callback.
        StopAudio(Notification) = "stop_audio",
        /// A `start_substream` callback.
        StartSubstream(Notification) = "start_substream",
        /// A `stop_substream` callback.
        StopSubstream(Notification) = "stop_substream",
        /// A `recorder_start` callback.
        RecorderStart(Notification) = "recorder_start",
        /// A `recorder_stop` callback.
        RecorderStop(Notification) = "recorder_stop",
        /// A `upload_start` callback.
        UploadStart(Notification) = "upload_start",
        /// A `file_info` callback.
        FileInfo(Notification) = "file_info",
        /// A `upload_stop` callback.
        UploadStop(Notification) = "upload_stop",
        /// A `failover` callback.
        Failover(Notification) = "failover",
        /// A `file_slice` callback.
        FileSlice(Notification) = "file_slice",
        /// A `download_image_error` callback.
        DownloadImageError(Notification) = "download_image_error",
        /// A `mp4_stop` callback.
        Mp4Stop(Notification) = "mp4_stop",
        /// A `vod_commit` callback.
        VodCommit(Notification) = "vod_commit",
        /// A `vod_stop` callback.
        VodStop(Notification) = "vod_stop",
        /// A `cdn_status` callback.
        CdnStatus(Notification) = "cdn_status",
        /// A `stream_ingest_start` callback.
        StreamIngestStart(Notification) = "stream_ingest_start",
        /// A `stream_ingest_stop` callback.
        StreamIngestStop(Notification) = "stream_ingest_stop",
        /// A `web_recorder_start` callback.
        WebRecorderStart(Notification) = "web_recorder_start",
        /// A `web_recorder_stop` callback.
        WebRecorderStop(Notification) = "web_recorder_stop",
        /// A `web_recorder_status` callback.
        WebRecorderStatus(Notification) = "web_recorder_status",
        /// A `web_recorder_resource_limit` callback.
        WebRecorderResourceLimit(Notification) = "web_recorder_resource_limit",
        /// A `ai_service_start` callback.
        AiServiceStart(Notification) = "ai_service_start",
        /// A `ai_service_stop` callback.
        AiServiceStop(Notification) = "ai_service_stop",
        /// A `ai_service_message` callback.
        AiServiceMessage(Notification) = "ai_service_message",
        /// A `ai_start_of_speech` callback.
        AiStartOfSpeech(Notification) = "ai_start_of_speech",
        /// A `ai_speaking_finished` callback.
        AiSpeakingFinished(Notification) = "ai_speaking_finished",
        /// A `ai_metric` callback.
        AiMetric(Notification) = "ai_metric",
        /// A `ai_error_metric` callback.
        AiErrorMetric(Notification) = "ai_error_metric",
        /// A `ai_session_status` callback.
        AiSessionStatus(Notification) = "ai_session_status",
        /// A `slice_start` callback.
        SliceStart(Notification) = "slice_start",
        /// A `slice_stop` callback.
        SliceStop(Notification) = "slice_stop",
        /// A `slice_upload_start` callback.
        SliceUploadStart(Notification) = "slice_upload_start",
        /// A `slice_file_info` callback.
        SliceFileInfo(Notification) = "slice_file_info",
        /// A `slice_upload_stop` callback.
        SliceUploadStop(Notification) = "slice_upload_stop",
        /// A `slice_upload_error` callback.
        SliceUploadError(Notification) = "slice_upload_error",
        /// A `moderation_start` callback.
        ModerationStart(Notification) = "moderation_start",
        /// A `moderation_stop` callback.
        ModerationStop(Notification) = "moderation_stop",
        /// A `moderation_send_start` callback.
        ModerationSendStart(Notification) = "moderation_send_start",
        /// A `moderation_task_info` callback.
        ModerationTaskInfo(Notification) = "moderation_task_info",
        /// A `moderation_send_stop` callback.
        ModerationSendStop(Notification) = "moderation_send_stop",
        /// A `moderation_upload_error` callback.
        ModerationUploadError(Notification) = "moderation_upload_error",
        /// A `transcription_start` callback.
        TranscriptionStart(Notification) = "transcription_start",
        /// A `transcription_stop` callback.
        TranscriptionStop(Notification) = "transcription_stop",
        /// A `transcription_message` callback.
        TranscriptionMessage(Notification) = "transcription_message",
        /// A `translation_message` callback.
        TranslationMessage(Notification) = "translation_message",
        /// A `event` callback.
        Event(Notification) = "event",
    }
}
