// @generated from tencent_vod.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Tencent Cloud VOD.
//!
//! [`TencentVodCallback`] has a variant for each kind.
//! Fields have the platform's names in snake case. Values have the platform's units.
//!
//! Source: <https://www.tencentcloud.com/document/product/266/33779>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `NewFileUpload` callbacks.
    ///
    /// An upload is complete.
    pub struct NewFileUpload prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        file_upload_event: Option<Map<String, Value>> = "FileUploadEvent",
    }

    /// Data of `ProcedureStateChanged` callbacks.
    ///
    /// The state of a task flow has changed.
    pub struct ProcedureStateChanged prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        procedure_state_change_event: Option<Map<String, Value>> = "ProcedureStateChangeEvent",
    }

    /// Data of `FileDeleted` callbacks.
    ///
    /// Files have been deleted.
    pub struct FileDeleted prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        file_delete_event: Option<Map<String, Value>> = "FileDeleteEvent",
    }

    /// Data of `PullComplete` callbacks.
    ///
    /// An upload from a URL has ended.
    pub struct PullComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        pull_complete_event: Option<Map<String, Value>> = "PullCompleteEvent",
    }

    /// Data of `EditMediaComplete` callbacks.
    pub struct EditMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        edit_media_complete_event: Option<Map<String, Value>> = "EditMediaCompleteEvent",
    }

    /// Data of `SplitMediaComplete` callbacks.
    pub struct SplitMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        split_media_complete_event: Option<Map<String, Value>> = "SplitMediaCompleteEvent",
    }

    /// Data of `ComposeMediaComplete` callbacks.
    pub struct ComposeMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        compose_media_complete_event: Option<Map<String, Value>> = "ComposeMediaCompleteEvent",
    }

    /// Data of `RestoreMediaComplete` callbacks.
    pub struct RestoreMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        restore_media_complete_event: Option<Map<String, Value>> = "RestoreMediaCompleteEvent",
    }

    /// Data of `WechatPublishComplete` callbacks.
    pub struct WechatPublishComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        wechat_publish_complete_event: Option<Map<String, Value>> = "WechatPublishCompleteEvent",
    }

    /// Data of `WechatMiniProgramPublishComplete` callbacks.
    pub struct WechatMiniProgramPublishComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        wechat_mini_program_publish_complete_event: Option<Map<String, Value>> = "WechatMiniProgramPublishCompleteEvent",
    }

    /// Data of `RemoveWatermark` callbacks.
    pub struct RemoveWatermark prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        remove_watermark_complete_event: Option<Map<String, Value>> = "RemoveWatermarkCompleteEvent",
    }

    /// Data of `RebuildMediaComplete` callbacks.
    pub struct RebuildMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        rebuild_media_complete_event: Option<Map<String, Value>> = "RebuildMediaCompleteEvent",
    }

    /// Data of `ReviewAudioVideoComplete` callbacks.
    pub struct ReviewAudioVideoComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        review_audio_video_complete_event: Option<Map<String, Value>> = "ReviewAudioVideoCompleteEvent",
    }

    /// Data of `ExtractTraceWatermarkComplete` callbacks.
    pub struct ExtractTraceWatermarkComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        extract_trace_watermark_complete_event: Option<Map<String, Value>> = "ExtractTraceWatermarkCompleteEvent",
    }

    /// Data of `ExtractCopyRightWatermarkComplete` callbacks.
    pub struct ExtractCopyRightWatermarkComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        extract_copy_right_watermark_complete_event: Option<Map<String, Value>> = "ExtractCopyRightWatermarkCompleteEvent",
    }

    /// Data of `ExtractBlindWatermarkComplete` callbacks.
    pub struct ExtractBlindWatermarkComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        extract_blind_watermark_complete: Option<Map<String, Value>> = "ExtractBlindWatermarkComplete",
    }

    /// Data of `DescribeFileAttributesComplete` callbacks.
    pub struct DescribeFileAttributesComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        describe_file_attributes_complete_event: Option<Map<String, Value>> = "DescribeFileAttributesCompleteEvent",
    }

    /// Data of `QualityInspectComplete` callbacks.
    pub struct QualityInspectComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        quality_inspect_complete_event: Option<Map<String, Value>> = "QualityInspectCompleteEvent",
    }

    /// Data of `QualityEnhanceComplete` callbacks.
    pub struct QualityEnhanceComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        quality_enhance_complete_event: Option<Map<String, Value>> = "QualityEnhanceCompleteEvent",
    }

    /// Data of `MediaCastStatusChanged` callbacks.
    pub struct MediaCastStatusChanged prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        media_cast_status_changed_event: Option<Map<String, Value>> = "MediaCastStatusChangedEvent",
    }

    /// Data of `PersistenceComplete` callbacks.
    pub struct PersistenceComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        persistence_complete_event: Option<Map<String, Value>> = "PersistenceCompleteEvent",
    }

    /// Data of `ComplexAdaptiveDynamicStreamingComplete` callbacks.
    pub struct ComplexAdaptiveDynamicStreamingComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        complex_adaptive_dynamic_streaming_complete_event: Option<Map<String, Value>> = "ComplexAdaptiveDynamicStreamingCompleteEvent",
    }

    /// Data of `ProcessMediaByMPSComplete` callbacks.
    pub struct ProcessMediaByMPSComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        process_media_by_m_p_s_complete_event: Option<Map<String, Value>> = "ProcessMediaByMPSCompleteEvent",
    }

    /// Data of `TranscodeComplete` callbacks.
    pub struct TranscodeComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        transcode_complete_event: Option<Map<String, Value>> = "TranscodeCompleteEvent",
    }

    /// Data of `ConcatComplete` callbacks.
    pub struct ConcatComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        concat_complete_event: Option<Map<String, Value>> = "ConcatCompleteEvent",
    }

    /// Data of `ClipComplete` callbacks.
    pub struct ClipComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        clip_complete_event: Option<Map<String, Value>> = "ClipCompleteEvent",
    }

    /// Data of `CreateImageSpriteComplete` callbacks.
    pub struct CreateImageSpriteComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        create_image_sprite_complete_event: Option<Map<String, Value>> = "CreateImageSpriteCompleteEvent",
    }

    /// Data of `CreateSnapshotByTimeOffsetComplete` callbacks.
    pub struct CreateSnapshotByTimeOffsetComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        snapshot_by_time_offset_complete_event: Option<Map<String, Value>> = "SnapshotByTimeOffsetCompleteEvent",
    }

    /// Data of `event` callbacks.
    pub struct TencentVodEvent prints(event_type) {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
    }
}

describe! { "tencent-vod":
    NewFileUpload = "NewFileUpload",
    ProcedureStateChanged = "ProcedureStateChanged",
    FileDeleted = "FileDeleted",
    PullComplete = "PullComplete",
    EditMediaComplete = "EditMediaComplete",
    SplitMediaComplete = "SplitMediaComplete",
    ComposeMediaComplete = "ComposeMediaComplete",
    RestoreMediaComplete = "RestoreMediaComplete",
    WechatPublishComplete = "WechatPublishComplete",
    WechatMiniProgramPublishComplete = "WechatMiniProgramPublishComplete",
    RemoveWatermark = "RemoveWatermark",
    RebuildMediaComplete = "RebuildMediaComplete",
    ReviewAudioVideoComplete = "ReviewAudioVideoComplete",
    ExtractTraceWatermarkComplete = "ExtractTraceWatermarkComplete",
    ExtractCopyRightWatermarkComplete = "ExtractCopyRightWatermarkComplete",
    ExtractBlindWatermarkComplete = "ExtractBlindWatermarkComplete",
    DescribeFileAttributesComplete = "DescribeFileAttributesComplete",
    QualityInspectComplete = "QualityInspectComplete",
    QualityEnhanceComplete = "QualityEnhanceComplete",
    MediaCastStatusChanged = "MediaCastStatusChanged",
    PersistenceComplete = "PersistenceComplete",
    ComplexAdaptiveDynamicStreamingComplete = "ComplexAdaptiveDynamicStreamingComplete",
    ProcessMediaByMPSComplete = "ProcessMediaByMPSComplete",
    TranscodeComplete = "TranscodeComplete",
    ConcatComplete = "ConcatComplete",
    ClipComplete = "ClipComplete",
    CreateImageSpriteComplete = "CreateImageSpriteComplete",
    CreateSnapshotByTimeOffsetComplete = "CreateSnapshotByTimeOffsetComplete",
    TencentVodEvent = "event",
}

callback! { "tencent-vod":
    /// A callback of Tencent Cloud VOD, with a variant for each kind.
    pub enum TencentVodCallback {
        /// An upload is complete.
        NewFileUpload(NewFileUpload) = "NewFileUpload",
        /// The state of a task flow has changed.
        ProcedureStateChanged(ProcedureStateChanged) = "ProcedureStateChanged",
        /// Files have been deleted.
        FileDeleted(FileDeleted) = "FileDeleted",
        /// An upload from a URL has ended.
        PullComplete(PullComplete) = "PullComplete",
        /// A `EditMediaComplete` callback.
        EditMediaComplete(EditMediaComplete) = "EditMediaComplete",
        /// A `SplitMediaComplete` callback.
        SplitMediaComplete(SplitMediaComplete) = "SplitMediaComplete",
        /// A `ComposeMediaComplete` callback.
        ComposeMediaComplete(ComposeMediaComplete) = "ComposeMediaComplete",
        /// A `RestoreMediaComplete` callback.
        RestoreMediaComplete(RestoreMediaComplete) = "RestoreMediaComplete",
        /// A `WechatPublishComplete` callback.
        WechatPublishComplete(WechatPublishComplete) = "WechatPublishComplete",
        /// A `WechatMiniProgramPublishComplete` callback.
        WechatMiniProgramPublishComplete(WechatMiniProgramPublishComplete) = "WechatMiniProgramPublishComplete",
        /// A `RemoveWatermark` callback.
        RemoveWatermark(RemoveWatermark) = "RemoveWatermark",
        /// A `RebuildMediaComplete` callback.
        RebuildMediaComplete(RebuildMediaComplete) = "RebuildMediaComplete",
        /// A `ReviewAudioVideoComplete` callback.
        ReviewAudioVideoComplete(ReviewAudioVideoComplete) = "ReviewAudioVideoComplete",
        /// A `ExtractTraceWatermarkComplete` callback.
        ExtractTraceWatermarkComplete(ExtractTraceWatermarkComplete) = "ExtractTraceWatermarkComplete",
        /// A `ExtractCopyRightWatermarkComplete` callback.
        ExtractCopyRightWatermarkComplete(ExtractCopyRightWatermarkComplete) = "ExtractCopyRightWatermarkComplete",
        /// A `ExtractBlindWatermarkComplete` callback.
        ExtractBlindWatermarkComplete(ExtractBlindWatermarkComplete) = "ExtractBlindWatermarkComplete",
        /// A `DescribeFileAttributesComplete` callback.
        DescribeFileAttributesComplete(DescribeFileAttributesComplete) = "DescribeFileAttributesComplete",
        /// A `QualityInspectComplete` callback.
        QualityInspectComplete(QualityInspectComplete) = "QualityInspectComplete",
        /// A `QualityEnhanceComplete` callback.
        QualityEnhanceComplete(QualityEnhanceComplete) = "QualityEnhanceComplete",
        /// A `MediaCastStatusChanged` callback.
        MediaCastStatusChanged(MediaCastStatusChanged) = "MediaCastStatusChanged",
        /// A `PersistenceComplete` callback.
        PersistenceComplete(PersistenceComplete) = "PersistenceComplete",
        /// A `ComplexAdaptiveDynamicStreamingComplete` callback.
        ComplexAdaptiveDynamicStreamingComplete(ComplexAdaptiveDynamicStreamingComplete) = "ComplexAdaptiveDynamicStreamingComplete",
        /// A `ProcessMediaByMPSComplete` callback.
        ProcessMediaByMPSComplete(ProcessMediaByMPSComplete) = "ProcessMediaByMPSComplete",
        /// A `TranscodeComplete` callback.
        TranscodeComplete(TranscodeComplete) = "TranscodeComplete",
        /// A `ConcatComplete` callback.
        ConcatComplete(ConcatComplete) = "ConcatComplete",
        /// A `ClipComplete` callback.
        ClipComplete(ClipComplete) = "ClipComplete",
        /// A `CreateImageSpriteComplete` callback.
        CreateImageSpriteComplete(CreateImageSpriteComplete) = "CreateImageSpriteComplete",
        /// A `CreateSnapshotByTimeOffsetComplete` callback.
        CreateSnapshotByTimeOffsetComplete(CreateSnapshotByTimeOffsetComplete) = "CreateSnapshotByTimeOffsetComplete",
        /// A `event` callback.
        Event(TencentVodEvent) = "event",
    }
}
