//! Typed views of Tencent Cloud CSS' event notifications.
//!
//! | subject | events |
//! |---|---|
//! | streams | [`Push`], [`Interruption`], [`PushError`], [`Relay`], [`StreamlivePush`], [`StreamliveInterruption`] |
//! | recordings | [`RecordingFile`], [`RecordingStatus`], [`RecordingException`], [`Screencapture`] |
//! | moderation | [`PornDetection`], [`AudioModeration`] |
//! | subtitles, quality, summaries | [`Subtitles`], [`SmartErasing`], [`QualityControl`], [`EvaluationLow`], [`EvaluationAverage`], [`Summary`], [`Highlights`] |
//!
//! Field names are the platform's own, and so are the units. The signature's fields, `t` and
//! `sign`, are consumed by the gate. A view prints its stream and time, and little else: its other
//! fields hold addresses and words of people and credentials to push.
//!
//! <https://www.tencentcloud.com/document/product/267/38080> (read 2026-11)

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
