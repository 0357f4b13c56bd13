// @generated from tencent_vod.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Tencent Cloud VOD.
//!
//! [`TencentVodCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://www.tencentcloud.com/document/product/266/33779>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// An upload has completed.
    pub struct NewFileUpload prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `FileUploadEvent`.
        file_upload_event: Option<Map<String, Value>> = "FileUploadEvent",
    }

    /// A task flow has changed its state.
    pub struct ProcedureStateChanged prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ProcedureStateChangeEvent`.
        procedure_state_change_event: Option<Map<String, Value>> = "ProcedureStateChangeEvent",
    }

    /// Files have been deleted.
    pub struct FileDeleted prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `FileDeleteEvent`.
        file_delete_event: Option<Map<String, Value>> = "FileDeleteEvent",
    }

    /// An upload by pulling from a URL has ended.
    pub struct PullComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `PullCompleteEvent`.
        pull_complete_event: Option<Map<String, Value>> = "PullCompleteEvent",
    }

    /// The data of the kind `EditMediaComplete`.
    pub struct EditMediaComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `EditMediaCompleteEvent`.
        edit_media_complete_event: Option<Map<String, Value>> = "EditMediaCompleteEvent",
    }

    /// The data of the kind `SplitMediaComplete`.
    pub struct SplitMediaComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `SplitMediaCompleteEvent`.
        split_media_complete_event: Option<Map<String, Value>> = "SplitMediaCompleteEvent",
    }

    /// The data of the kind `ComposeMediaComplete`.
    pub struct ComposeMediaComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ComposeMediaCompleteEvent`.
        compose_media_complete_event: Option<Map<String, Value>> = "ComposeMediaCompleteEvent",
    }

    /// The data of the kind `RestoreMediaComplete`.
    pub struct RestoreMediaComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `RestoreMediaCompleteEvent`.
        restore_media_complete_event: Option<Map<String, Value>> = "RestoreMediaCompleteEvent",
    }

    /// The data of the kind `WechatPublishComplete`.
    pub struct WechatPublishComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `WechatPublishCompleteEvent`.
        wechat_publish_complete_event: Option<Map<String, Value>> = "WechatPublishCompleteEvent",
    }

    /// The data of the kind `WechatMiniProgramPublishComplete`.
    pub struct WechatMiniProgramPublishComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `WechatMiniProgramPublishCompleteEvent`.
        wechat_mini_program_publish_complete_event: Option<Map<String, Value>> = "WechatMiniProgramPublishCompleteEvent",
    }

    /// The data of the kind `RemoveWatermark`.
    pub struct RemoveWatermark prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `RemoveWatermarkCompleteEvent`.
        remove_watermark_complete_event: Option<Map<String, Value>> = "RemoveWatermarkCompleteEvent",
    }

    /// The data of the kind `RebuildMediaComplete`.
    pub struct RebuildMediaComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `RebuildMediaCompleteEvent`.
        rebuild_media_complete_event: Option<Map<String, Value>> = "RebuildMediaCompleteEvent",
    }

    /// The data of the kind `ReviewAudioVideoComplete`.
    pub struct ReviewAudioVideoComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ReviewAudioVideoCompleteEvent`.
        review_audio_video_complete_event: Option<Map<String, Value>> = "ReviewAudioVideoCompleteEvent",
    }

    /// The data of the kind `ExtractTraceWatermarkComplete`.
    pub struct ExtractTraceWatermarkComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ExtractTraceWatermarkCompleteEvent`.
        extract_trace_watermark_complete_event: Option<Map<String, Value>> = "ExtractTraceWatermarkCompleteEvent",
    }

    /// The data of the kind `ExtractCopyRightWatermarkComplete`.
    pub struct ExtractCopyRightWatermarkComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ExtractCopyRightWatermarkCompleteEvent`.
        extract_copy_right_watermark_complete_event: Option<Map<String, Value>> = "ExtractCopyRightWatermarkCompleteEvent",
    }

    /// The data of the kind `ExtractBlindWatermarkComplete`.
    pub struct ExtractBlindWatermarkComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ExtractBlindWatermarkComplete`.
        extract_blind_watermark_complete: Option<Map<String, Value>> = "ExtractBlindWatermarkComplete",
    }

    /// The data of the kind `DescribeFileAttributesComplete`.
    pub struct DescribeFileAttributesComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `DescribeFileAttributesCompleteEvent`.
        describe_file_attributes_complete_event: Option<Map<String, Value>> = "DescribeFileAttributesCompleteEvent",
    }

    /// The data of the kind `QualityInspectComplete`.
    pub struct QualityInspectComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `QualityInspectCompleteEvent`.
        quality_inspect_complete_event: Option<Map<String, Value>> = "QualityInspectCompleteEvent",
    }

    /// The data of the kind `QualityEnhanceComplete`.
    pub struct QualityEnhanceComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `QualityEnhanceCompleteEvent`.
        quality_enhance_complete_event: Option<Map<String, Value>> = "QualityEnhanceCompleteEvent",
    }

    /// The data of the kind `MediaCastStatusChanged`.
    pub struct MediaCastStatusChanged prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `MediaCastStatusChangedEvent`.
        media_cast_status_changed_event: Option<Map<String, Value>> = "MediaCastStatusChangedEvent",
    }

    /// The data of the kind `PersistenceComplete`.
    pub struct PersistenceComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `PersistenceCompleteEvent`.
        persistence_complete_event: Option<Map<String, Value>> = "PersistenceCompleteEvent",
    }

    /// The data of the kind `ComplexAdaptiveDynamicStreamingComplete`.
    pub struct ComplexAdaptiveDynamicStreamingComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ComplexAdaptiveDynamicStreamingCompleteEvent`.
        complex_adaptive_dynamic_streaming_complete_event: Option<Map<String, Value>> = "ComplexAdaptiveDynamicStreamingCompleteEvent",
    }

    /// The data of the kind `ProcessMediaByMPSComplete`.
    pub struct ProcessMediaByMPSComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ProcessMediaByMPSCompleteEvent`.
        process_media_by_m_p_s_complete_event: Option<Map<String, Value>> = "ProcessMediaByMPSCompleteEvent",
    }

    /// The data of the kind `TranscodeComplete`.
    pub struct TranscodeComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `TranscodeCompleteEvent`.
        transcode_complete_event: Option<Map<String, Value>> = "TranscodeCompleteEvent",
    }

    /// The data of the kind `ConcatComplete`.
    pub struct ConcatComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ConcatCompleteEvent`.
        concat_complete_event: Option<Map<String, Value>> = "ConcatCompleteEvent",
    }

    /// The data of the kind `ClipComplete`.
    pub struct ClipComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `ClipCompleteEvent`.
        clip_complete_event: Option<Map<String, Value>> = "ClipCompleteEvent",
    }

    /// The data of the kind `CreateImageSpriteComplete`.
    pub struct CreateImageSpriteComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `CreateImageSpriteCompleteEvent`.
        create_image_sprite_complete_event: Option<Map<String, Value>> = "CreateImageSpriteCompleteEvent",
    }

    /// The data of the kind `CreateSnapshotByTimeOffsetComplete`.
    pub struct CreateSnapshotByTimeOffsetComplete prints() {
        /// The name of the event.
        event_type: Option<String> = "EventType",
        /// The field `SnapshotByTimeOffsetCompleteEvent`.
        snapshot_by_time_offset_complete_event: Option<Map<String, Value>> = "SnapshotByTimeOffsetCompleteEvent",
    }

    /// The data of the kind `event`.
    pub struct TencentVodEvent prints(event_type) {
        /// The name of the event.
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
    /// A callback of Tencent Cloud VOD, by its kind.
    pub enum TencentVodCallback {
        /// An upload has completed.
        NewFileUpload(NewFileUpload) = "NewFileUpload",
        /// A task flow has changed its state.
        ProcedureStateChanged(ProcedureStateChanged) = "ProcedureStateChanged",
        /// Files have been deleted.
        FileDeleted(FileDeleted) = "FileDeleted",
        /// An upload by pulling from a URL has ended.
        PullComplete(PullComplete) = "PullComplete",
        /// The kind `EditMediaComplete`.
        EditMediaComplete(EditMediaComplete) = "EditMediaComplete",
        /// The kind `SplitMediaComplete`.
        SplitMediaComplete(SplitMediaComplete) = "SplitMediaComplete",
        /// The kind `ComposeMediaComplete`.
        ComposeMediaComplete(ComposeMediaComplete) = "ComposeMediaComplete",
        /// The kind `RestoreMediaComplete`.
        RestoreMediaComplete(RestoreMediaComplete) = "RestoreMediaComplete",
        /// The kind `WechatPublishComplete`.
        WechatPublishComplete(WechatPublishComplete) = "WechatPublishComplete",
        /// The kind `WechatMiniProgramPublishComplete`.
        WechatMiniProgramPublishComplete(WechatMiniProgramPublishComplete) = "WechatMiniProgramPublishComplete",
        /// The kind `RemoveWatermark`.
        RemoveWatermark(RemoveWatermark) = "RemoveWatermark",
        /// The kind `RebuildMediaComplete`.
        RebuildMediaComplete(RebuildMediaComplete) = "RebuildMediaComplete",
        /// The kind `ReviewAudioVideoComplete`.
        ReviewAudioVideoComplete(ReviewAudioVideoComplete) = "ReviewAudioVideoComplete",
        /// The kind `ExtractTraceWatermarkComplete`.
        ExtractTraceWatermarkComplete(ExtractTraceWatermarkComplete) = "ExtractTraceWatermarkComplete",
        /// The kind `ExtractCopyRightWatermarkComplete`.
        ExtractCopyRightWatermarkComplete(ExtractCopyRightWatermarkComplete) = "ExtractCopyRightWatermarkComplete",
        /// The kind `ExtractBlindWatermarkComplete`.
        ExtractBlindWatermarkComplete(ExtractBlindWatermarkComplete) = "ExtractBlindWatermarkComplete",
        /// The kind `DescribeFileAttributesComplete`.
        DescribeFileAttributesComplete(DescribeFileAttributesComplete) = "DescribeFileAttributesComplete",
        /// The kind `QualityInspectComplete`.
        QualityInspectComplete(QualityInspectComplete) = "QualityInspectComplete",
        /// The kind `QualityEnhanceComplete`.
        QualityEnhanceComplete(QualityEnhanceComplete) = "QualityEnhanceComplete",
        /// The kind `MediaCastStatusChanged`.
        MediaCastStatusChanged(MediaCastStatusChanged) = "MediaCastStatusChanged",
        /// The kind `PersistenceComplete`.
        PersistenceComplete(PersistenceComplete) = "PersistenceComplete",
        /// The kind `ComplexAdaptiveDynamicStreamingComplete`.
        ComplexAdaptiveDynamicStreamingComplete(ComplexAdaptiveDynamicStreamingComplete) = "ComplexAdaptiveDynamicStreamingComplete",
        /// The kind `ProcessMediaByMPSComplete`.
        ProcessMediaByMPSComplete(ProcessMediaByMPSComplete) = "ProcessMediaByMPSComplete",
        /// The kind `TranscodeComplete`.
        TranscodeComplete(TranscodeComplete) = "TranscodeComplete",
        /// The kind `ConcatComplete`.
        ConcatComplete(ConcatComplete) = "ConcatComplete",
        /// The kind `ClipComplete`.
        ClipComplete(ClipComplete) = "ClipComplete",
        /// The kind `CreateImageSpriteComplete`.
        CreateImageSpriteComplete(CreateImageSpriteComplete) = "CreateImageSpriteComplete",
        /// The kind `CreateSnapshotByTimeOffsetComplete`.
        CreateSnapshotByTimeOffsetComplete(CreateSnapshotByTimeOffsetComplete) = "CreateSnapshotByTimeOffsetComplete",
        /// The kind `event`.
        Event(TencentVodEvent) = "event",
    }
}
