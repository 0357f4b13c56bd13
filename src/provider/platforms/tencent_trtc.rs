// @generated from tencent_trtc.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Tencent RTC.
//!
//! [`TencentTrtcCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.tencentcloud.com/document/product/647/39558>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Tencent RTC callbacks that have only the fields common to all kinds.
    pub struct Notification prints(event_info event_type) {
        /// The group of the kind: 1 room, 2 media, 3 recording, 4 relay, 7 ingest, 8 web recording,
        /// 9 AI, 10 slicing, 11 moderation, 14 transcription.
        event_group_id: Option<i64> = "EventGroupId",
        /// The platform's code for the kind. For example, 103 means that a user has entered a room.
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
        /// A number that Tencent does not explain. Absent if the TRTC application did not use
        /// callbacks before 2021-07-30.
        unique_id: Option<i64> = "UniqueId",
        /// The role of the user: 20 for an anchor, 21 for the audience.
        role: Option<i64> = "Role",
        /// The operating system of the user's device: 1 Windows, 2 Android, 3 iOS, 4 Linux, 100
        /// other.
        terminal_type: Option<i64> = "TerminalType",
        /// The SDK that the user uses: 1 WebRTC, 2 mini program, 3 native SDK.
        user_type: Option<i64> = "UserType",
        /// The reason why the user entered or left the room. If the user entered: 1 normal, 2
        /// network change, 3 retry, 4 cross-room. If the user left: 1 normal, 2 timeout, 3 removed,
        /// 4 cross-room canceled, 5 forced.
        reason: Option<i64> = "Reason",
        /// The type of the room identifier: 0 for a number, 1 for a string. Only in group 4.
        room_type: Option<i64> = "RoomType",
        /// The type of the room identifier: 0 for a number, 1 for a string. Only in groups 9 and
        /// 14.
        room_id_type: Option<i64> = "RoomIdType",
        /// The identifier of the task.
        task_id: Option<String> = "TaskId",
        /// The result of the task. If `EventType` is 701: 0 succeeded, 1 failed, 2 restarted. If
        /// `EventType` is 702: always 0. Other tasks report the result in `Payload`.
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
        /// A new room.
        CreateRoom(Notification) = "create_room",
        /// The end of a room.
        DismissRoom(Notification) = "dismiss_room",
        /// A user has entered a room.
        EnterRoom(Notification) = "enter_room",
        /// A user has left a room.
        ExitRoom(Notification) = "exit_room",
        /// A user has changed their role in a room.
        ChangeRole(Notification) = "change_role",
        /// A user has started to publish the main video.
        StartVideo(Notification) = "start_video",
        /// A user has stopped publishing the main video.
        StopVideo(Notification) = "stop_video",
        /// A user has started to publish audio.
        StartAudio(Notification) = "start_audio",
        /// A user has stopped publishing audio.
        StopAudio(Notification) = "stop_audio",
        /// A user has started to publish the substream, such as a shared screen.
        StartSubstream(Notification) = "start_substream",
        /// A user has stopped publishing the substream.
        StopSubstream(Notification) = "stop_substream",
        /// The recorder of a task has started.
        RecorderStart(Notification) = "recorder_start",
        /// The recorder of a task has stopped.
        RecorderStop(Notification) = "recorder_stop",
        /// The upload of recorded files has started.
        UploadStart(Notification) = "upload_start",
        /// The recorder has created and uploaded its first index file.
        FileInfo(Notification) = "file_info",
        /// The upload of recorded files has ended.
        UploadStop(Notification) = "upload_stop",
        /// A recording task has moved to another server.
        Failover(Notification) = "failover",
        /// The recorder has created the first segment and its index file.
        FileSlice(Notification) = "file_slice",
        /// The recorder failed to download an image, such as a background or a watermark.
        DownloadImageError(Notification) = "download_image_error",
        /// The recording of MP4 files has ended. `Payload` has the files.
        Mp4Stop(Notification) = "mp4_stop",
        /// The recorder has uploaded a file to Tencent VOD. `Payload` has its identifier.
        VodCommit(Notification) = "vod_commit",
        /// The upload of recorded files to Tencent VOD has ended.
        VodStop(Notification) = "vod_stop",
        /// The state of a relay to a CDN has changed.
        CdnStatus(Notification) = "cdn_status",
        /// The ingest of an online stream into a room has started.
        StreamIngestStart(Notification) = "stream_ingest_start",
        /// The ingest of an online stream into a room has stopped.
        StreamIngestStop(Notification) = "stream_ingest_stop",
        /// The recording of a web page has started.
        WebRecorderStart(Notification) = "web_recorder_start",
        /// The recording of a web page has stopped.
        WebRecorderStop(Notification) = "web_recorder_stop",
        /// The state of the recording of a web page has changed.
        WebRecorderStatus(Notification) = "web_recorder_status",
        /// The recording of a web page has reached a limit of its resources.
        WebRecorderResourceLimit(Notification) = "web_recorder_resource_limit",
        /// A task of conversational AI has started.
        AiServiceStart(Notification) = "ai_service_start",
        /// A task of conversational AI has stopped.
        AiServiceStop(Notification) = "ai_service_stop",
        /// A recognized sentence, or a complete response of the AI.
        AiServiceMessage(Notification) = "ai_service_message",
        /// A participant of a conversation with an AI has started a sentence.
        AiStartOfSpeech(Notification) = "ai_start_of_speech",
        /// The AI has finished speaking.
        AiSpeakingFinished(Notification) = "ai_speaking_finished",
        /// The measured values of a conversation with an AI, such as its latency.
        AiMetric(Notification) = "ai_metric",
        /// The errors of a conversation with an AI.
        AiErrorMetric(Notification) = "ai_error_metric",
        /// The state of a conversation with an AI has changed.
        AiSessionStatus(Notification) = "ai_session_status",
        /// A slicing task has started.
        SliceStart(Notification) = "slice_start",
        /// A slicing task has stopped.
        SliceStop(Notification) = "slice_stop",
        /// The upload of slices has started.
        SliceUploadStart(Notification) = "slice_upload_start",
        /// The slicing task has created a file.
        SliceFileInfo(Notification) = "slice_file_info",
        /// The upload of slices has ended.
        SliceUploadStop(Notification) = "slice_upload_stop",
        /// The upload of slices has failed.
        SliceUploadError(Notification) = "slice_upload_error",
        /// A moderation task has started.
        ModerationStart(Notification) = "moderation_start",
        /// A moderation task has stopped.
        ModerationStop(Notification) = "moderation_stop",
        /// The moderation task has started to send streams for moderation.
        ModerationSendStart(Notification) = "moderation_send_start",
        /// The result of the moderation of a stream.
        ModerationTaskInfo(Notification) = "moderation_task_info",
        /// The moderation task has stopped sending streams.
        ModerationSendStop(Notification) = "moderation_send_stop",
        /// The upload of a moderated file has failed.
        ModerationUploadError(Notification) = "moderation_upload_error",
        /// A transcription task has started.
        TranscriptionStart(Notification) = "transcription_start",
        /// A transcription task has stopped.
        TranscriptionStop(Notification) = "transcription_stop",
        /// Recognized speech.
        TranscriptionMessage(Notification) = "transcription_message",
        /// Translated speech.
        TranslationMessage(Notification) = "translation_message",
        /// A callback for which the definition has no other kind.
        Event(Notification) = "event",
    }
}
