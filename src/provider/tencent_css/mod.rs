//! Typed views of the callbacks of Tencent Cloud CSS (Cloud Streaming Services).
//!
//! | subject | events |
//! |---|---|
//! | streams | [`Push`], [`Interruption`], [`PushError`], [`Relay`], [`StreamlivePush`], [`StreamliveInterruption`] |
//! | recordings | [`RecordingFile`], [`RecordingStatus`], [`RecordingException`], [`Screencapture`] |
//! | moderation | [`PornDetection`], [`AudioModeration`] |
//! | subtitles, quality, summaries | [`Subtitles`], [`SmartErasing`], [`QualityControl`], [`EvaluationLow`], [`EvaluationAverage`], [`Summary`], [`Highlights`] |
//!
//! Fields have the platform's names and units. An event omits `t` and `sign`, which only serve the
//! signature. The `Debug` output of a view contains little more than the stream and the time,
//! because other fields may contain personal data or push credentials.
//!
//! ```
//! use gatepost::tencent_css::Highlights;
//!
//! let data = r#"{"event_type":349,"domain":"push.example.com","stream_id":"cam1","items":[]}"#;
//! let highlights: Highlights = serde_json::from_str(data)?;
//! assert_eq!(highlights.stream_id, "cam1");
//!
//! let without_stream = data.replace("stream_id", "other");
//! assert!(serde_json::from_str::<Highlights>(&without_stream).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Source: <https://www.tencentcloud.com/document/product/267/38080> (read in 2026-11)

mod ai;
mod moderation;
mod recording;
mod stream;

pub use ai::{
    ErasedSentence, ErasedWord, EvaluationAverage, EvaluationLow, Frame, Highlight, Highlights,
    QualityControl, SmartErasing, SmartErasingData, Subtitle, Subtitles, SubtitlesData, Summary,
};
pub use moderation::{AudioModeration, PornDetection};
pub use recording::{RecordingException, RecordingFile, RecordingStatus, Screencapture};
pub use stream::{
    Interruption, Push, PushError, Relay, RelayMessage, StreamliveInterruption, StreamlivePush,
};
