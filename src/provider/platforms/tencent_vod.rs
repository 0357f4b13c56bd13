// @generated from tencent_vod.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Tencent Cloud VOD.
//!
//! [`TencentVodCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
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
    /// A deletion of files.
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
    ///
    /// An editing task has ended.
    pub struct EditMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        edit_media_complete_event: Option<Map<String, Value>> = "EditMediaCompleteEvent",
    }

    /// Data of `SplitMediaComplete` callbacks.
    ///
    /// The splitting of a video has ended.
    pub struct SplitMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        split_media_complete_event: Option<Map<String, Value>> = "SplitMediaCompleteEvent",
    }

    /// Data of `ComposeMediaComplete` callbacks.
    ///
    /// The composition of a media file has ended.
    pub struct ComposeMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        compose_media_complete_event: Option<Map<String, Value>> = "ComposeMediaCompleteEvent",
    }

    /// Data of `RestoreMediaComplete` callbacks.
    ///
    /// The restoration of a file from archive storage has ended.
    pub struct RestoreMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        restore_media_complete_event: Option<Map<String, Value>> = "RestoreMediaCompleteEvent",
    }

    /// Data of `WechatPublishComplete` callbacks.
    ///
    /// The publication of a video in WeChat has ended.
    pub struct WechatPublishComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        wechat_publish_complete_event: Option<Map<String, Value>> = "WechatPublishCompleteEvent",
    }

    /// Data of `WechatMiniProgramPublishComplete` callbacks.
    ///
    /// The publication of a video in a WeChat mini program has ended.
    pub struct WechatMiniProgramPublishComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        wechat_mini_program_publish_complete_event: Option<Map<String, Value>> = "WechatMiniProgramPublishCompleteEvent",
    }

    /// Data of `RemoveWatermark` callbacks.
    ///
    /// The removal of a watermark has ended.
    pub struct RemoveWatermark prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        remove_watermark_complete_event: Option<Map<String, Value>> = "RemoveWatermarkCompleteEvent",
    }

    /// Data of `RebuildMediaComplete` callbacks.
    ///
    /// The remastering of a video has ended.
    pub struct RebuildMediaComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        rebuild_media_complete_event: Option<Map<String, Value>> = "RebuildMediaCompleteEvent",
    }

    /// Data of `ReviewAudioVideoComplete` callbacks.
    ///
    /// The moderation of a media file has ended.
    pub struct ReviewAudioVideoComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        review_audio_video_complete_event: Option<Map<String, Value>> = "ReviewAudioVideoCompleteEvent",
    }

    /// Data of `ExtractTraceWatermarkComplete` callbacks.
    ///
    /// The extraction of a tracing watermark has ended.
    pub struct ExtractTraceWatermarkComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        extract_trace_watermark_complete_event: Option<Map<String, Value>> = "ExtractTraceWatermarkCompleteEvent",
    }

    /// Data of `ExtractCopyRightWatermarkComplete` callbacks.
    ///
    /// The extraction of a copyright watermark has ended.
    pub struct ExtractCopyRightWatermarkComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        extract_copy_right_watermark_complete_event: Option<Map<String, Value>> = "ExtractCopyRightWatermarkCompleteEvent",
    }

    /// Data of `ExtractBlindWatermarkComplete` callbacks.
    ///
    /// The extraction of a digital watermark has ended.
    pub struct ExtractBlindWatermarkComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        extract_blind_watermark_complete: Option<Map<String, Value>> = "ExtractBlindWatermarkComplete",
    }

    /// Data of `DescribeFileAttributesComplete` callbacks.
    ///
    /// The query of a file's attributes has ended.
    pub struct DescribeFileAttributesComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        describe_file_attributes_complete_event: Option<Map<String, Value>> = "DescribeFileAttributesCompleteEvent",
    }

    /// Data of `QualityInspectComplete` callbacks.
    ///
    /// The inspection of a file's quality has ended.
    pub struct QualityInspectComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        quality_inspect_complete_event: Option<Map<String, Value>> = "QualityInspectCompleteEvent",
    }

    /// Data of `QualityEnhanceComplete` callbacks.
    ///
    /// The enhancement of a file's quality has ended.
    pub struct QualityEnhanceComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        quality_enhance_complete_event: Option<Map<String, Value>> = "QualityEnhanceCompleteEvent",
    }

    /// Data of `MediaCastStatusChanged` callbacks.
    ///
    /// The state of a broadcast of media files has changed.
    pub struct MediaCastStatusChanged prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        media_cast_status_changed_event: Option<Map<String, Value>> = "MediaCastStatusChangedEvent",
    }

    /// Data of `PersistenceComplete` callbacks.
    ///
    /// The storage of a part of a live recording as a file has ended.
    pub struct PersistenceComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        persistence_complete_event: Option<Map<String, Value>> = "PersistenceCompleteEvent",
    }

    /// Data of `ComplexAdaptiveDynamicStreamingComplete` callbacks.
    ///
    /// A transcoding to adaptive bitrates with several tracks has ended.
    pub struct ComplexAdaptiveDynamicStreamingComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        complex_adaptive_dynamic_streaming_complete_event: Option<Map<String, Value>> = "ComplexAdaptiveDynamicStreamingCompleteEvent",
    }

    /// Data of `ProcessMediaByMPSComplete` callbacks.
    ///
    /// A task of Tencent MPS for a file has ended.
    pub struct ProcessMediaByMPSComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        process_media_by_m_p_s_complete_event: Option<Map<String, Value>> = "ProcessMediaByMPSCompleteEvent",
    }

    /// Data of `TranscodeComplete` callbacks.
    ///
    /// A transcoding has ended (API of 2017).
    pub struct TranscodeComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        transcode_complete_event: Option<Map<String, Value>> = "TranscodeCompleteEvent",
    }

    /// Data of `ConcatComplete` callbacks.
    ///
    /// The joining of videos has ended (API of 2017).
    pub struct ConcatComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        concat_complete_event: Option<Map<String, Value>> = "ConcatCompleteEvent",
    }

    /// Data of `ClipComplete` callbacks.
    ///
    /// The clipping of a video has ended (API of 2017).
    pub struct ClipComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        clip_complete_event: Option<Map<String, Value>> = "ClipCompleteEvent",
    }

    /// Data of `CreateImageSpriteComplete` callbacks.
    ///
    /// The creation of an image sprite has ended (API of 2017).
    pub struct CreateImageSpriteComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        create_image_sprite_complete_event: Option<Map<String, Value>> = "CreateImageSpriteCompleteEvent",
    }

    /// Data of `CreateSnapshotByTimeOffsetComplete` callbacks.
    ///
    /// The creation of screenshots at given times has ended (API of 2017).
    pub struct CreateSnapshotByTimeOffsetComplete prints() {
        /// The platform's name of the kind.
        event_type: Option<String> = "EventType",
        /// The details that the platform reports.
        snapshot_by_time_offset_complete_event: Option<Map<String, Value>> = "SnapshotByTimeOffsetCompleteEvent",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind.
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
        /// A deletion of files.
        FileDeleted(FileDeleted) = "FileDeleted",
        /// An upload from a URL has ended.
        PullComplete(PullComplete) = "PullComplete",
        /// An editing task has ended.
        EditMediaComplete(EditMediaComplete) = "EditMediaComplete",
        /// The splitting of a video has ended.
        SplitMediaComplete(SplitMediaComplete) = "SplitMediaComplete",
        /// The composition of a media file has ended.
        ComposeMediaComplete(ComposeMediaComplete) = "ComposeMediaComplete",
        /// The restoration of a file from archive storage has ended.
        RestoreMediaComplete(RestoreMediaComplete) = "RestoreMediaComplete",
        /// The publication of a video in WeChat has ended.
        WechatPublishComplete(WechatPublishComplete) = "WechatPublishComplete",
        /// The publication of a video in a WeChat mini program has ended.
        WechatMiniProgramPublishComplete(WechatMiniProgramPublishComplete) = "WechatMiniProgramPublishComplete",
        /// The removal of a watermark has ended.
        RemoveWatermark(RemoveWatermark) = "RemoveWatermark",
        /// The remastering of a video has ended.
        RebuildMediaComplete(RebuildMediaComplete) = "RebuildMediaComplete",
        /// The moderation of a media file has ended.
        ReviewAudioVideoComplete(ReviewAudioVideoComplete) = "ReviewAudioVideoComplete",
        /// The extraction of a tracing watermark has ended.
        ExtractTraceWatermarkComplete(ExtractTraceWatermarkComplete) = "ExtractTraceWatermarkComplete",
        /// The extraction of a copyright watermark has ended.
        ExtractCopyRightWatermarkComplete(ExtractCopyRightWatermarkComplete) = "ExtractCopyRightWatermarkComplete",
        /// The extraction of a digital watermark has ended.
        ExtractBlindWatermarkComplete(ExtractBlindWatermarkComplete) = "ExtractBlindWatermarkComplete",
        /// The query of a file's attributes has ended.
        DescribeFileAttributesComplete(DescribeFileAttributesComplete) = "DescribeFileAttributesComplete",
        /// The inspection of a file's quality has ended.
        QualityInspectComplete(QualityInspectComplete) = "QualityInspectComplete",
        /// The enhancement of a file's quality has ended.
        QualityEnhanceComplete(QualityEnhanceComplete) = "QualityEnhanceComplete",
        /// The state of a broadcast of media files has changed.
        MediaCastStatusChanged(MediaCastStatusChanged) = "MediaCastStatusChanged",
        /// The storage of a part of a live recording as a file has ended.
        PersistenceComplete(PersistenceComplete) = "PersistenceComplete",
        /// A transcoding to adaptive bitrates with several tracks has ended.
        ComplexAdaptiveDynamicStreamingComplete(ComplexAdaptiveDynamicStreamingComplete) = "ComplexAdaptiveDynamicStreamingComplete",
        /// A task of Tencent MPS for a file has ended.
        ProcessMediaByMPSComplete(ProcessMediaByMPSComplete) = "ProcessMediaByMPSComplete",
        /// A transcoding has ended (API of 2017).
        TranscodeComplete(TranscodeComplete) = "TranscodeComplete",
        /// The joining of videos has ended (API of 2017).
        ConcatComplete(ConcatComplete) = "ConcatComplete",
        /// The clipping of a video has ended (API of 2017).
        ClipComplete(ClipComplete) = "ClipComplete",
        /// The creation of an image sprite has ended (API of 2017).
        CreateImageSpriteComplete(CreateImageSpriteComplete) = "CreateImageSpriteComplete",
        /// The creation of screenshots at given times has ended (API of 2017).
        CreateSnapshotByTimeOffsetComplete(CreateSnapshotByTimeOffsetComplete) = "CreateSnapshotByTimeOffsetComplete",
        /// A callback for which the definition has no other kind.
        Event(TencentVodEvent) = "event",
    }
}
