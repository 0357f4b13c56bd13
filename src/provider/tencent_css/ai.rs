//! Events of AI tasks: subtitles, removal of words, quality control, summaries and highlights.
//!
//! Sources, all read in 2026-11:
//!
//! - subtitles: <https://www.tencentcloud.com/document/product/267/73170>
//! - removal of words: <https://www.tencentcloud.com/document/product/267/73169>
//! - quality control: <https://www.tencentcloud.com/document/product/267/73166>
//! - scores: <https://www.tencentcloud.com/document/product/267/73167> and
//!   <https://www.tencentcloud.com/document/product/267/73168>
//! - summaries: <https://www.tencentcloud.com/document/product/267/74671>
//! - highlights: <https://www.tencentcloud.com/document/product/267/74672>

use serde_json::Value;

use crate::printable::print_only;
use crate::provider::view::{describe, view};

view! {
    /// Event with the subtitles of a live stream.
    ///
    /// The platform sends these events only while a viewer receives subtitles.
    pub struct Subtitles {
        /// The event type, always 338.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account. Absent from the sample in the documentation.
        pub appid: Option<i64>,
        /// The stream name.
        pub stream_id: String,
        /// The stream name, the same as `stream_id`.
        pub channel_id: Option<String>,
        /// The identifier of the task.
        pub task_id: Option<String>,
        /// The sentences of the subtitles.
        pub data: Option<SubtitlesData>,
    }

    /// The data of a [`Subtitles`] event.
    pub struct SubtitlesData {
        /// One element for each sentence.
        pub subtitle_tmp_res: Option<Vec<Subtitle>>,
    }

    /// One sentence of the subtitles.
    pub struct Subtitle {
        /// The recognized speech.
        pub src_txt: Option<String>,
        /// The translation of `src_txt`. Present only if the task translates.
        pub dst_txt: Option<String>,
        /// The start of the sentence: a presentation timestamp of the stream, in milliseconds.
        pub start_pts: Option<i64>,
        /// The end of the sentence: a presentation timestamp of the stream, in milliseconds.
        pub end_pts: Option<i64>,
        /// The start of the sentence, in Unix seconds.
        pub start_unix_time: Option<i64>,
        /// The end of the sentence, in Unix seconds.
        pub end_unix_time: Option<i64>,
        /// `true` if the sentence is final.
        pub steady_state: Option<bool>,
    }

    /// Event about words that the platform removed from the sound of a stream.
    pub struct SmartErasing {
        /// The event type, always 347.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account. Absent from the sample in the documentation.
        pub appid: Option<i64>,
        /// The stream name.
        pub stream_id: String,
        /// The stream name, the same as `stream_id`.
        pub channel_id: Option<String>,
        /// The identifier of the task.
        pub task_id: Option<String>,
        /// The sentences from which the platform removed words.
        pub data: Option<SmartErasingData>,
    }

    /// The data of a [`SmartErasing`] event.
    pub struct SmartErasingData {
        /// One element for each sentence.
        pub subtitle_tmp_res: Option<Vec<ErasedSentence>>,
    }

    /// One sentence from which the platform removed words.
    pub struct ErasedSentence {
        /// The recognized speech.
        pub src_txt: Option<String>,
        /// The start of the sentence: a presentation timestamp of the stream, in milliseconds.
        pub start_pts: Option<i64>,
        /// The end of the sentence: a presentation timestamp of the stream, in milliseconds.
        pub end_pts: Option<i64>,
        /// The start of the sentence, in Unix seconds.
        pub start_unix_time: Option<i64>,
        /// The end of the sentence, in Unix seconds.
        pub end_unix_time: Option<i64>,
        /// The removed words.
        pub keywords_info: Option<Vec<ErasedWord>>,
    }

    /// One word that the platform removed.
    pub struct ErasedWord {
        /// The word.
        pub word: Option<String>,
        /// The start of the word: a presentation timestamp of the stream, in milliseconds.
        pub begin_time: Option<i64>,
        /// The end of the word: a presentation timestamp of the stream, in milliseconds.
        pub end_time: Option<i64>,
    }

    /// Event about a defect that quality control found in a stream.
    pub struct QualityControl {
        /// The event type, always 343.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub appname: Option<String>,
        /// The stream name.
        pub stream_id: String,
        /// The time of the event, in Unix seconds.
        pub event_time: i64,
        /// The identifier of Tencent's transcoding template.
        pub transcode_template_id: Option<i64>,
        /// The identifier of Tencent's watermark template.
        pub watermark_template_id: Option<i64>,
        /// A score, on a scale that the platform does not document.
        pub score: Option<f64>,
        /// The name of the AI function, always `QualityControl`.
        pub function: Option<String>,
        /// The defect, such as `Blur` or `Silence`.
        pub class: Option<String>,
    }

    /// Event about the frames of a stream that score below a threshold.
    pub struct EvaluationLow {
        /// The event type, always 344.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub appname: Option<String>,
        /// The stream name.
        pub stream_id: String,
        /// The time of the event, in Unix seconds.
        pub event_time: i64,
        /// The identifier of Tencent's transcoding template.
        pub transcode_template_id: Option<i64>,
        /// The frames with a score below the threshold.
        pub frames: Option<Vec<Frame>>,
        /// The name of the AI function, always `Assessment`.
        pub function: Option<String>,
        /// The metric of the score: `PSNR`, `SSIM`, `VMAF` or `VQA`.
        pub class: Option<String>,
    }

    /// The score of one frame.
    #[derive(Debug)]
    pub struct Frame {
        /// The score, on the scale of the metric in the event's `class`.
        pub score: Option<f64>,
        /// The time of the frame, in Unix **milliseconds**.
        pub time: Option<i64>,
    }

    /// Event with the average score of a stream.
    pub struct EvaluationAverage {
        /// The event type: 345 in the documentation, 344 in the platform's sample.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub appname: Option<String>,
        /// The stream name.
        pub stream_id: String,
        /// The time of the event, in Unix seconds.
        pub event_time: i64,
        /// The identifier of Tencent's transcoding template.
        pub transcode_template_id: Option<i64>,
        /// The average score, on the scale of the metric in `class`.
        pub average_score: f64,
        /// The score of the best frame.
        pub max_score: Option<f64>,
        /// The score of the worst frame.
        pub min_score: Option<f64>,
        /// The name of the AI function, always `Assessment`.
        pub function: Option<String>,
        /// The metric of the score: `PSNR`, `SSIM`, `VMAF` or `VQA`.
        pub class: Option<String>,
    }

    /// Event with the summary of a section of a stream.
    pub struct Summary {
        /// The event type, always 348.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub path: Option<String>,
        /// The stream name.
        pub stream_id: String,
        /// The start of the section, in Unix seconds.
        pub begin_time: Option<i64>,
        /// The end of the section, in Unix seconds.
        pub end_time: Option<i64>,
        /// The title of the section.
        pub title: Option<String>,
        /// The summary, in a few sentences.
        pub summary: Option<String>,
        /// The keywords for a search.
        pub key_words: Option<Vec<Value>>,
        /// The main points of the section.
        pub key_points: Option<Vec<Value>>,
    }

    /// Event with the highlights of a stream.
    pub struct Highlights {
        /// The event type, always 349.
        pub event_type: i64,
        /// The APPID of the Tencent Cloud account.
        pub appid: Option<i64>,
        /// The push domain.
        pub domain: String,
        /// The push path.
        pub path: Option<String>,
        /// The stream name.
        pub stream_id: String,
        /// The highlights.
        pub items: Option<Vec<Highlight>>,
    }

    /// One highlight of a stream.
    pub struct Highlight {
        /// The start of the highlight, in Unix seconds.
        pub begin_time: Option<i64>,
        /// The end of the highlight, in Unix seconds.
        pub end_time: Option<i64>,
        /// The title of the highlight.
        pub title: Option<String>,
        /// The summary, in a few sentences.
        pub summary: Option<String>,
        /// The URL of the highlight's video.
        pub video_store_url: Option<String>,
        /// The URL of the cover picture. May be empty.
        pub cov_img_store_url: Option<String>,
        /// The keywords for a search.
        pub key_words: Option<Vec<Value>>,
    }
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
