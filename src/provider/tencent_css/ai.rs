//! What a machine heard and saw in a stream: subtitles, quality, summaries.
//!
//! All read 2026-11:
//!
//! - subtitles: <https://www.tencentcloud.com/document/product/267/73170>
//! - erasing: <https://www.tencentcloud.com/document/product/267/73169>
//! - quality control: <https://www.tencentcloud.com/document/product/267/73166>
//! - scores: <https://www.tencentcloud.com/document/product/267/73167> and
//!   <https://www.tencentcloud.com/document/product/267/73168>
//! - summaries: <https://www.tencentcloud.com/document/product/267/74671>
//! - highlights: <https://www.tencentcloud.com/document/product/267/74672>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::provider::view::{describe, print_only};

/// What was said, as subtitles; sent only while someone pulls them.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subtitles {
    /// Always 338.
    pub event_type: i64,
    /// The account; not in the platform's sample.
    pub appid: Option<i64>,
    /// The stream.
    pub stream_id: String,
    /// The stream again.
    pub channel_id: Option<String>,
    /// The task.
    pub task_id: Option<String>,
    /// The subtitles.
    pub data: Option<SubtitlesData>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Subtitles.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubtitlesData {
    /// One for each sentence.
    pub subtitle_tmp_res: Option<Vec<Subtitle>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One sentence.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subtitle {
    /// What was said.
    pub src_txt: Option<String>,
    /// The same, translated; only of a task that translates.
    pub dst_txt: Option<String>,
    /// Milliseconds in the stream's own time.
    pub start_pts: Option<i64>,
    /// Milliseconds in the stream's own time.
    pub end_pts: Option<i64>,
    /// Unix seconds.
    pub start_unix_time: Option<i64>,
    /// Unix seconds.
    pub end_unix_time: Option<i64>,
    /// Whether the sentence is complete and will not change.
    pub steady_state: Option<bool>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// ParsedAnswer were erased from the sound.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SmartErasing {
    /// Always 347.
    pub event_type: i64,
    /// The account; not in the platform's sample.
    pub appid: Option<i64>,
    /// The stream.
    pub stream_id: String,
    /// The stream again.
    pub channel_id: Option<String>,
    /// The task.
    pub task_id: Option<String>,
    /// What was said and erased.
    pub data: Option<SmartErasingData>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What was said and erased.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SmartErasingData {
    /// One for each sentence.
    pub subtitle_tmp_res: Option<Vec<ErasedSentence>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One sentence that words were erased from.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErasedSentence {
    /// What was said.
    pub src_txt: Option<String>,
    /// Milliseconds in the stream's own time.
    pub start_pts: Option<i64>,
    /// Milliseconds in the stream's own time.
    pub end_pts: Option<i64>,
    /// Unix seconds.
    pub start_unix_time: Option<i64>,
    /// Unix seconds.
    pub end_unix_time: Option<i64>,
    /// The words that were erased.
    pub keywords_info: Option<Vec<ErasedWord>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One word that was erased.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErasedWord {
    /// The word.
    pub word: Option<String>,
    /// Milliseconds in the stream's own time.
    pub begin_time: Option<i64>,
    /// Milliseconds in the stream's own time.
    pub end_time: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Quality control found a fault.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QualityControl {
    /// Always 343.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub appname: Option<String>,
    /// The stream.
    pub stream_id: String,
    /// Unix seconds.
    pub event_time: i64,
    /// The transcoding template.
    pub transcode_template_id: Option<i64>,
    /// The watermark template.
    pub watermark_template_id: Option<i64>,
    /// Its scale is not documented.
    pub score: Option<f64>,
    /// Always `QualityControl`.
    pub function: Option<String>,
    /// What was found, as in `Blur` or `Silence`.
    pub class: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Frames scored below the threshold.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvaluationLow {
    /// Always 344.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub appname: Option<String>,
    /// The stream.
    pub stream_id: String,
    /// Unix seconds.
    pub event_time: i64,
    /// The transcoding template.
    pub transcode_template_id: Option<i64>,
    /// The frames.
    pub frames: Option<Vec<Frame>>,
    /// Always `Assessment`.
    pub function: Option<String>,
    /// How it was measured: `PSNR`, `SSIM`, `VMAF` or `VQA`.
    pub class: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One frame's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Frame {
    /// On the scale of the `class`.
    pub score: Option<f64>,
    /// Unix **milliseconds**.
    pub time: Option<i64>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A stream's score, on average.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvaluationAverage {
    /// 345, or 344 as in the platform's sample.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub appname: Option<String>,
    /// The stream.
    pub stream_id: String,
    /// Unix seconds.
    pub event_time: i64,
    /// The transcoding template.
    pub transcode_template_id: Option<i64>,
    /// On the scale of the `class`.
    pub average_score: f64,
    /// The best frame's.
    pub max_score: Option<f64>,
    /// The worst frame's.
    pub min_score: Option<f64>,
    /// Always `Assessment`.
    pub function: Option<String>,
    /// How it was measured: `PSNR`, `SSIM`, `VMAF` or `VQA`.
    pub class: Option<String>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a stretch of a stream was about.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Always 348.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub path: Option<String>,
    /// The stream.
    pub stream_id: String,
    /// Unix seconds.
    pub begin_time: Option<i64>,
    /// Unix seconds.
    pub end_time: Option<i64>,
    /// A title for it.
    pub title: Option<String>,
    /// A few sentences.
    pub summary: Option<String>,
    /// ParsedAnswer to find it by.
    pub key_words: Option<Vec<Value>>,
    /// Its subjects.
    pub key_points: Option<Vec<Value>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Highlights were cut out of a stream.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Highlights {
    /// Always 349.
    pub event_type: i64,
    /// The account.
    pub appid: Option<i64>,
    /// The push domain.
    pub domain: String,
    /// The push path.
    pub path: Option<String>,
    /// The stream.
    pub stream_id: String,
    /// The highlights.
    pub items: Option<Vec<Highlight>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One highlight.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Highlight {
    /// Unix seconds.
    pub begin_time: Option<i64>,
    /// Unix seconds.
    pub end_time: Option<i64>,
    /// A title for it.
    pub title: Option<String>,
    /// A few sentences.
    pub summary: Option<String>,
    /// Where the video can be fetched.
    pub video_store_url: Option<String>,
    /// Where the cover picture can be fetched; may be empty.
    pub cov_img_store_url: Option<String>,
    /// ParsedAnswer to find it by.
    pub key_words: Option<Vec<Value>>,
    /// Fields that the platform has added since.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

describe! { "tencent-css":
    EvaluationAverage = "evaluation_average",
    EvaluationLow = "evaluation_low",
    Highlights = "highlights",
    QualityControl = "quality_control",
    SmartErasing = "smart_erasing",
    Subtitles = "subtitles",
    Summary = "summary",
}

print_only! {
    ErasedSentence: start_pts end_pts;
    ErasedWord: begin_time end_time;
    EvaluationAverage: stream_id event_time class;
    EvaluationLow: stream_id event_time class;
    Highlight: begin_time end_time;
    Highlights: stream_id;
    QualityControl: stream_id event_time class;
    SmartErasing: stream_id task_id;
    SmartErasingData:;
    Subtitle: start_pts end_pts steady_state;
    Subtitles: stream_id task_id;
    SubtitlesData:;
    Summary: stream_id begin_time end_time;
}
