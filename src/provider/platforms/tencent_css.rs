// @generated from tencent_css.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Tencent Cloud CSS.
//!
//! [`TencentCssCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://www.tencentcloud.com/document/product/267/38080>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `push` callbacks.
    ///
    /// A push has started.
    pub struct Push prints(appname event_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        app: Option<String> = "app",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The stream name. In old callbacks, the value may differ from `stream_id`.
        channel_id: Option<String> = "channel_id",
        /// The platform's time of the callback, in Unix seconds.
        event_time: Option<i64> = "event_time",
        /// The identifier of the push: a number of more than 53 bits, as a string. The callback at
        /// the end of the push has the same value.
        sequence: Option<String> = "sequence",
        /// The IP address of the access node.
        node: Option<String> = "node",
        /// The IP address of the device that pushes the stream.
        user_ip: Option<String> = "user_ip",
        /// The parameters of the push URL, which contain push credentials. A credential: do not log
        /// it.
        stream_param: Option<String> = "stream_param",
        /// The error code: 0 if the push succeeded.
        errcode: Option<i64> = "errcode",
        /// The meaning of `errcode`.
        errmsg: Option<String> = "errmsg",
        /// The region: 1 to 6 in mainland China, 7 to 200 outside of mainland China.
        set_id: Option<i64> = "set_id",
        /// The width of the video, in pixels. May be 0.
        width: Option<i64> = "width",
        /// The height of the video, in pixels. May be 0.
        height: Option<i64> = "height",
    }

    /// Data of `interruption` callbacks.
    ///
    /// A push has ended.
    pub struct Interruption prints(appname event_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        app: Option<String> = "app",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The stream name. In old callbacks, the value may differ from `stream_id`.
        channel_id: Option<String> = "channel_id",
        /// The platform's time of the callback, in Unix seconds.
        event_time: Option<i64> = "event_time",
        /// The identifier of the push: a number of more than 53 bits, as a string. The callback at
        /// the start of the push has the same value.
        sequence: Option<String> = "sequence",
        /// The IP address of the access node.
        node: Option<String> = "node",
        /// The IP address of the device that pushes the stream.
        user_ip: Option<String> = "user_ip",
        /// The parameters of the push URL, which contain push credentials. A credential: do not log
        /// it.
        stream_param: Option<String> = "stream_param",
        /// The length of the push, in milliseconds, as a string.
        push_duration: Option<String> = "push_duration",
        /// The code of the reason why the push ended.
        errcode: Option<i64> = "errcode",
        /// The meaning of `errcode`.
        errmsg: Option<String> = "errmsg",
        /// The region: 1 to 6 in mainland China, 7 to 200 outside of mainland China.
        set_id: Option<i64> = "set_id",
        /// The width of the video, in pixels. May be 0.
        width: Option<i64> = "width",
        /// The height of the video, in pixels. May be 0.
        height: Option<i64> = "height",
    }

    /// Data of `recording_file` callbacks.
    ///
    /// The platform has created a recording file.
    pub struct RecordingFile prints(appname end_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        app: Option<String> = "app",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name. May contain `@` and `#`.
        stream_id: Option<String> = "stream_id",
        /// The stream name, the same as `stream_id`.
        channel_id: Option<String> = "channel_id",
        /// The identifier of the file in Tencent VOD.
        file_id: Option<String> = "file_id",
        /// The identifier of the recording.
        record_file_id: Option<String> = "record_file_id",
        /// The identifier of Tencent's recording template.
        record_temp_id: Option<String> = "record_temp_id",
        /// The format of the file: `flv`, `hls`, `mp4` or `aac`.
        file_format: Option<String> = "file_format",
        /// The identifier of the task that `CreateRecordTask` created. Absent for other recordings.
        task_id: Option<String> = "task_id",
        /// The start of the recording, in Unix seconds.
        start_time: Option<i64> = "start_time",
        /// The end of the recording, in Unix seconds.
        end_time: Option<i64> = "end_time",
        /// The microseconds to add to `start_time`.
        start_time_usec: Option<i64> = "start_time_usec",
        /// The microseconds to add to `end_time`.
        end_time_usec: Option<i64> = "end_time_usec",
        /// The length of the recording, in seconds.
        duration: Option<i64> = "duration",
        /// The size of the file, in bytes.
        file_size: Option<i64> = "file_size",
        /// The parameters of the push URL, which contain push credentials. A credential: do not log
        /// it.
        stream_param: Option<String> = "stream_param",
        /// The URL of the file.
        video_url: Option<String> = "video_url",
        /// The presentation timestamp at the start of the recording.
        media_start_time: Option<i64> = "media_start_time",
        /// The bit rate of the recording, in kilobits per second.
        record_bps: Option<i64> = "record_bps",
        /// The codec and the resolution. The platform advises against the use of this field.
        callback_ext: Option<Value> = "callback_ext",
        /// The identifier of the video. Only in old callbacks.
        video_id: Option<String> = "video_id",
    }

    /// Data of `recording_status` callbacks.
    ///
    /// A recording has started, paused, resumed, failed or ended.
    pub struct RecordingStatus prints(appname event_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name or, for a relay, the identifier of the relay task.
        stream_id: Option<String> = "stream_id",
        /// The platform's time of the callback, in Unix seconds.
        event_time: Option<i64> = "event_time",
        /// The change of the recording: `record_start_succeeded`, `record_start_failed`,
        /// `record_paused`, `record_resumed`, `record_error` or `record_ended`.
        record_event: Option<String> = "record_event",
        /// The format, bit rate and source of the recording.
        record_detail: Option<Value> = "record_detail",
        /// The identifier of the recording task.
        task_id: Option<String> = "task_id",
        /// The identifier of the recording session.
        session_id: Option<String> = "session_id",
        /// The sequence number of the callback: a number of more than 53 bits, as a string.
        seq: Option<String> = "seq",
    }

    /// Data of `recording_exception` callbacks.
    ///
    /// A recording has failed or is close to failing.
    pub struct RecordingException prints(path stream_id timestamp) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        path: Option<String> = "path",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The identifier of the recording session.
        session_id: Option<String> = "session_id",
        /// The format of the recording: `flv`, `ts`, `mp4` or `aac`.
        file_format: Option<String> = "file_format",
        /// The time of the exception, in Unix seconds.
        timestamp: Option<i64> = "timestamp",
        /// The severity of the exception: `info`, `warning` or `error`.
        exception_level: Option<String> = "exception_level",
        /// The exception: `type`, `desc` (the description) and `occurs` (the number of
        /// occurrences).
        exception: Option<Map<String, Value>> = "exception",
    }

    /// Data of `screencapture` callbacks.
    ///
    /// The platform has taken a screenshot of a stream.
    pub struct Screencapture prints(appname create_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        app: Option<String> = "app",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The stream name, the same as `stream_id`.
        channel_id: Option<String> = "channel_id",
        /// The time of the screenshot, in Unix seconds.
        create_time: Option<i64> = "create_time",
        /// The size of the picture, in bytes.
        file_size: Option<i64> = "file_size",
        /// The width of the picture, in pixels.
        width: Option<i64> = "width",
        /// The height of the picture, in pixels.
        height: Option<i64> = "height",
        /// The path of the picture in its bucket.
        pic_url: Option<String> = "pic_url",
        /// The URL of the picture.
        pic_full_url: Option<String> = "pic_full_url",
        /// The identifier of the screenshot task.
        task_id: Option<String> = "task_id",
        /// The parameters of the push URL, which contain push credentials. A credential: do not log
        /// it.
        stream_param: Option<String> = "stream_param",
    }

    /// Data of `porn_detection` callbacks.
    ///
    /// Image moderation has reported a finding in a stream.
    pub struct PornDetection prints(appname send_time stream_id) {
        /// The platform's code for the kind, always 317. Absent from callbacks of 2019.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        app: Option<String> = "app",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name.
        stream_id: Option<String> = "streamId",
        /// The stream name, the same as `streamId`.
        channel_id: Option<String> = "channelId",
        /// The URL of the screenshot.
        img: Option<String> = "img",
        /// The types of the findings. The meaning of a type has changed: use `label` instead.
        types: Option<Vec<Value>> = "type",
        /// The confidence of each finding, from 0 to 100.
        score: Option<Vec<Value>> = "score",
        /// The text in the picture.
        ocr_msg: Option<String> = "ocrMsg",
        /// The suggested action: `Block`, `Review` or `Pass`.
        suggestion: Option<String> = "suggestion",
        /// The category of the finding.
        label: Option<String> = "label",
        /// The subcategory of the finding.
        sub_label: Option<String> = "subLabel",
        /// The findings by category.
        label_results: Option<Vec<Value>> = "labelResults",
        /// The recognized objects.
        object_results: Option<Vec<Value>> = "objectResults",
        /// The findings in the text in the picture.
        ocr_results: Option<Vec<Value>> = "ocrResults",
        /// The matches with the operator's own picture libraries.
        lib_results: Option<Vec<Value>> = "libResults",
        /// The time of the screenshot, in Unix seconds.
        screenshot_time: Option<i64> = "screenshotTime",
        /// The time at which the platform sent the callback, in Unix seconds.
        send_time: Option<i64> = "sendTime",
        /// The parameters of the push URL, which contain push credentials. A credential: do not log
        /// it.
        stream_param: Option<String> = "stream_param",
    }

    /// Data of `error` callbacks.
    ///
    /// A push had errors during the last `report_interval`.
    pub struct PushError prints(data_time path stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        path: Option<String> = "path",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The IP address of the device that pushes the stream.
        user_ip: Option<String> = "user_ip",
        /// The identifier of the push: a number of more than 53 bits, as a string.
        sequence: Option<String> = "sequence",
        /// The parameters of the push URL, which contain push credentials. A credential: do not log
        /// it.
        stream_param: Option<String> = "stream_param",
        /// The time of the report, in Unix milliseconds.
        data_time: Option<i64> = "data_time",
        /// The interval between reports, in milliseconds.
        report_interval: Option<i64> = "report_interval",
        /// The time for which the platform waits for the reply, in milliseconds.
        timeout: Option<i64> = "timeout",
        /// The errors of the push, each with its number of occurrences.
        abnormal_event: Option<Vec<Value>> = "abnormal_event",
    }

    /// Data of `relay` callbacks.
    ///
    /// The state of a relay task has changed, or the task has raised an alarm. A relay task pulls a
    /// stream and pushes this stream to another URL.
    pub struct Relay prints(event_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The change of the task: `TaskStart`, `TaskExit`, `VodSourceFileStart`,
        /// `VodSourceFileFinish`, `ResetTaskConfig` or `TaskAlarm`. A task may exit several times.
        callback_event: Option<String> = "callback_event",
        /// The URLs that the task pulls.
        source_urls: Option<Vec<Value>> = "source_urls",
        /// The URL to which the task pushes. The URL contains push credentials. A credential: do
        /// not log it.
        to_url: Option<String> = "to_url",
        /// The stream name. Absent from `TaskExit`.
        stream_id: Option<String> = "stream_id",
        /// The identifier of the relay task. Absent from `TaskExit`.
        task_id: Option<String> = "task_id",
        /// The platform's time of the callback, in Unix seconds. Absent from the platform's
        /// samples.
        event_time: Option<i64> = "event_time",
        /// The details that the platform reports.
        msg: Option<RelayMessage> = "msg",
    }

    /// The object in [`Relay::msg`].
    pub struct RelayMessage prints() {
        /// The index of the file in the task's list of sources.
        index: Option<i64> = "index",
        /// The code of the reason why the task ended. If the task failed, the code is negative.
        code: Option<i64> = "code",
        /// The length of the file, in seconds.
        duration: Option<f64> = "duration",
        /// The start of the task, in Unix milliseconds; 0 in the platform's samples.
        task_start_time: Option<i64> = "task_start_time",
        /// The end of the task, in Unix milliseconds; 0 in the platform's samples.
        task_exit_time: Option<i64> = "task_exit_time",
        /// The URL of the file that the task pulls.
        url: Option<String> = "url",
        /// The meaning of `code`.
        message: Option<String> = "message",
        /// The alarm of `TaskAlarm`: `PullFileUnstable`, `PushStreamUnstable`, `PullFileFailed`,
        /// `PushStreamFailed` or `FileEndEarly`.
        alarm: Option<String> = "type",
    }

    /// Data of `audio_moderation` callbacks.
    ///
    /// Audio moderation has reported a finding in a stream.
    pub struct AudioModeration prints(path stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        path: Option<String> = "path",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The stream name, the same as `stream_id`.
        channel_id: Option<String> = "channel_id",
        /// 1 if audio moderation has a finding.
        hit_flag: Option<i64> = "HitFlag",
        /// The confidence of the finding, from 0 to 100.
        score: Option<f64> = "Score",
        /// A tag of the finding. The platform does not document the values.
        sub_tag: Option<String> = "SubTag",
        /// The identifier of the moderation task, a number as a string.
        task_id: Option<String> = "task_id",
        /// The status of the task; 2 in the platform's sample.
        status: Option<i64> = "status",
        /// The recognized speech.
        asr_text: Option<String> = "asr_text",
        /// The URL of the sound segment. May be empty.
        cdn_url: Option<String> = "cdn_url",
        /// The length of the sound segment, in seconds.
        duration: Option<f64> = "duration",
        /// The category of the finding.
        label: Option<String> = "label",
        /// The subcategory of the finding.
        sub_label: Option<String> = "sub_label",
        /// The suggested action: `Block`, `Review` or `Pass`.
        suggestion: Option<String> = "suggestion",
        /// The recognized languages.
        language_results: Option<Vec<Value>> = "language_results",
        /// The recognized moaning.
        moan_results: Option<Vec<Value>> = "moan_results",
        /// Other recognition results.
        recognition_results: Option<Vec<Value>> = "recognition_results",
        /// The recognized speakers.
        speaker_results: Option<Vec<Value>> = "speaker_results",
        /// The findings in the recognized speech.
        text_results: Option<Vec<Value>> = "text_results",
        /// The identifier of the moderation request.
        request_id: Option<String> = "request_id",
        /// The sequence number of the sound segment in the stream.
        seq: Option<i64> = "seq",
        /// The sound segments: `asr_tmp_full_results` is a list of objects with `url`, `periods`,
        /// `create_time` (Unix seconds), `appearing_point`, `confidence` (0 to 100) and `id`.
        data: Option<Map<String, Value>> = "data",
    }

    /// Data of `streamlive_push` callbacks.
    ///
    /// A push to the input of a StreamLive channel has started. StreamLive is another product of
    /// Tencent Cloud.
    pub struct StreamlivePush prints(channel_id input_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The identifier of the StreamLive channel.
        channel_id: Option<String> = "channel_id",
        /// The identifier of the channel's input.
        input_id: Option<String> = "input_id",
        /// The stream name. Empty in the platform's samples.
        stream_id: Option<String> = "stream_id",
        /// The pipeline of the channel: 0 or 1.
        pipeline: Option<i64> = "pipeline",
    }

    /// Data of `streamlive_interruption` callbacks.
    ///
    /// A push to the input of a StreamLive channel has ended. StreamLive is another product of
    /// Tencent Cloud.
    pub struct StreamliveInterruption prints(channel_id input_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The identifier of the StreamLive channel.
        channel_id: Option<String> = "channel_id",
        /// The identifier of the channel's input.
        input_id: Option<String> = "input_id",
        /// The stream name. Empty in the platform's samples.
        stream_id: Option<String> = "stream_id",
        /// The pipeline of the channel: 0 or 1.
        pipeline: Option<i64> = "pipeline",
    }

    /// Data of `subtitles` callbacks.
    ///
    /// The subtitles of a live stream. The platform sends these callbacks only while a viewer
    /// receives subtitles.
    pub struct Subtitles prints(stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The stream name, the same as `stream_id`.
        channel_id: Option<String> = "channel_id",
        /// The identifier of the task.
        task_id: Option<String> = "task_id",
        /// The sentences of the subtitles.
        data: Option<SubtitlesData> = "data",
    }

    /// The object in [`Subtitles::data`].
    pub struct SubtitlesData prints() {
        /// One element for each sentence.
        subtitle_tmp_res: Option<Vec<Subtitle>> = "subtitle_tmp_res",
    }

    /// An element of [`SubtitlesData::subtitle_tmp_res`].
    pub struct Subtitle prints() {
        /// The recognized speech.
        src_txt: Option<String> = "src_txt",
        /// The translation of `src_txt`. Present only if the task translates.
        dst_txt: Option<String> = "dst_txt",
        /// The start of the sentence: a presentation timestamp of the stream, in milliseconds.
        start_pts: Option<i64> = "start_pts",
        /// The end of the sentence: a presentation timestamp of the stream, in milliseconds.
        end_pts: Option<i64> = "end_pts",
        /// The start of the sentence, in Unix seconds.
        start_unix_time: Option<i64> = "start_unix_time",
        /// The end of the sentence, in Unix seconds.
        end_unix_time: Option<i64> = "end_unix_time",
        /// True if the sentence is final.
        steady_state: Option<bool> = "steady_state",
    }

    /// Data of `smart_erasing` callbacks.
    ///
    /// The platform has removed words from the sound of a stream.
    pub struct SmartErasing prints(stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The stream name, the same as `stream_id`.
        channel_id: Option<String> = "channel_id",
        /// The identifier of the task.
        task_id: Option<String> = "task_id",
        /// The sentences from which the platform removed words.
        data: Option<SmartErasingData> = "data",
    }

    /// The object in [`SmartErasing::data`].
    pub struct SmartErasingData prints() {
        /// One element for each sentence.
        subtitle_tmp_res: Option<Vec<ErasedSentence>> = "subtitle_tmp_res",
    }

    /// An element of [`SmartErasingData::subtitle_tmp_res`].
    pub struct ErasedSentence prints() {
        /// The recognized speech.
        src_txt: Option<String> = "src_txt",
        /// The start of the sentence: a presentation timestamp of the stream, in milliseconds.
        start_pts: Option<i64> = "start_pts",
        /// The end of the sentence: a presentation timestamp of the stream, in milliseconds.
        end_pts: Option<i64> = "end_pts",
        /// The start of the sentence, in Unix seconds.
        start_unix_time: Option<i64> = "start_unix_time",
        /// The end of the sentence, in Unix seconds.
        end_unix_time: Option<i64> = "end_unix_time",
        /// The removed words.
        keywords_info: Option<Vec<ErasedWord>> = "keywords_info",
    }

    /// An element of [`ErasedSentence::keywords_info`].
    pub struct ErasedWord prints() {
        /// The removed word.
        word: Option<String> = "word",
        /// The start of the word: a presentation timestamp of the stream, in milliseconds.
        begin_time: Option<i64> = "begin_time",
        /// The end of the word: a presentation timestamp of the stream, in milliseconds.
        end_time: Option<i64> = "end_time",
    }

    /// Data of `quality_control` callbacks.
    ///
    /// Quality control has found a defect in a stream.
    pub struct QualityControl prints(appname event_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The platform's time of the callback, in Unix seconds.
        event_time: Option<i64> = "event_time",
        /// The identifier of Tencent's transcoding template.
        transcode_template_id: Option<i64> = "transcode_template_id",
        /// The identifier of Tencent's watermark template.
        watermark_template_id: Option<i64> = "watermark_template_id",
        /// A score, on a scale that the platform does not document.
        score: Option<f64> = "score",
        /// The name of the AI function, always `QualityControl`.
        function: Option<String> = "function",
        /// The defect, such as `Blur` or `Silence`.
        class: Option<String> = "class",
    }

    /// Data of `evaluation_low` callbacks.
    ///
    /// Frames of a stream have scored below a threshold.
    pub struct EvaluationLow prints(appname event_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The platform's time of the callback, in Unix seconds.
        event_time: Option<i64> = "event_time",
        /// The identifier of Tencent's transcoding template.
        transcode_template_id: Option<i64> = "transcode_template_id",
        /// The name of the AI function, always `Assessment`.
        function: Option<String> = "function",
        /// The metric of the score: `PSNR`, `SSIM`, `VMAF` or `VQA`.
        class: Option<String> = "class",
        /// The frames with a score below the threshold.
        frames: Option<Vec<Frame>> = "frames",
    }

    /// An element of [`EvaluationLow::frames`].
    pub struct Frame prints() {
        /// The score, on the scale of the metric in the callback's `class`.
        score: Option<f64> = "score",
        /// The time of the frame, in Unix milliseconds.
        time: Option<i64> = "time",
    }

    /// Data of `evaluation_average` callbacks.
    ///
    /// The average score of a stream.
    pub struct EvaluationAverage prints(appname event_time stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        appname: Option<String> = "appname",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The platform's time of the callback, in Unix seconds.
        event_time: Option<i64> = "event_time",
        /// The identifier of Tencent's transcoding template.
        transcode_template_id: Option<i64> = "transcode_template_id",
        /// The average score, on the scale of the metric in `class`.
        average_score: Option<f64> = "average_score",
        /// The score of the best frame.
        max_score: Option<f64> = "max_score",
        /// The score of the worst frame.
        min_score: Option<f64> = "min_score",
        /// The name of the AI function, always `Assessment`.
        function: Option<String> = "function",
        /// The metric of the score: `PSNR`, `SSIM`, `VMAF` or `VQA`.
        class: Option<String> = "class",
    }

    /// Data of `summary` callbacks.
    ///
    /// The summary of a section of a stream.
    pub struct Summary prints(end_time path stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        path: Option<String> = "path",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The start of the section, in Unix seconds.
        begin_time: Option<i64> = "begin_time",
        /// The end of the section, in Unix seconds.
        end_time: Option<i64> = "end_time",
        /// The title of the section.
        title: Option<String> = "title",
        /// The summary, in a few sentences.
        summary: Option<String> = "summary",
        /// The keywords for a search.
        key_words: Option<Vec<Value>> = "key_words",
        /// The main points of the section.
        key_points: Option<Vec<Value>> = "key_points",
    }

    /// Data of `highlights` callbacks.
    ///
    /// The highlights of a stream.
    pub struct Highlights prints(path stream_id) {
        /// The platform's code for the kind, such as 1 for `push`.
        event_type: Option<i64> = "event_type",
        /// The APPID of the Tencent Cloud account.
        appid: Option<i64> = "appid",
        /// The push domain.
        domain: Option<String> = "domain",
        /// The push path.
        path: Option<String> = "path",
        /// The stream name.
        stream_id: Option<String> = "stream_id",
        /// The highlights.
        items: Option<Vec<Highlight>> = "items",
    }

    /// An element of [`Highlights::items`].
    pub struct Highlight prints() {
        /// The start of the highlight, in Unix seconds.
        begin_time: Option<i64> = "begin_time",
        /// The end of the highlight, in Unix seconds.
        end_time: Option<i64> = "end_time",
        /// The title of the highlight.
        title: Option<String> = "title",
        /// The summary, in a few sentences.
        summary: Option<String> = "summary",
        /// The URL of the highlight's video.
        video_store_url: Option<String> = "video_store_url",
        /// The URL of the cover picture. May be empty.
        cov_img_store_url: Option<String> = "cov_img_store_url",
        /// The keywords for a search.
        key_words: Option<Vec<Value>> = "key_words",
    }
}

describe! { "tencent-css":
    Push = "push",
    Interruption = "interruption",
    RecordingFile = "recording_file",
    RecordingStatus = "recording_status",
    RecordingException = "recording_exception",
    Screencapture = "screencapture",
    PornDetection = "porn_detection",
    PushError = "error",
    Relay = "relay",
    AudioModeration = "audio_moderation",
    StreamlivePush = "streamlive_push",
    StreamliveInterruption = "streamlive_interruption",
    Subtitles = "subtitles",
    SmartErasing = "smart_erasing",
    QualityControl = "quality_control",
    EvaluationLow = "evaluation_low",
    EvaluationAverage = "evaluation_average",
    Summary = "summary",
    Highlights = "highlights",
}

callback! { "tencent-css":
    /// A callback of Tencent Cloud CSS, with a variant for each kind.
    pub enum TencentCssCallback {
        /// A push has started.
        Push(Push) = "push",
        /// A push has ended.
        Interruption(Interruption) = "interruption",
        /// The platform has created a recording file.
        RecordingFile(RecordingFile) = "recording_file",
        /// A recording has started, paused, resumed, failed or ended.
        RecordingStatus(RecordingStatus) = "recording_status",
        /// A recording has failed or is close to failing.
        RecordingException(RecordingException) = "recording_exception",
        /// The platform has taken a screenshot of a stream.
        Screencapture(Screencapture) = "screencapture",
        /// Image moderation has reported a finding in a stream.
        PornDetection(PornDetection) = "porn_detection",
        /// A push had errors during the last `report_interval`.
        Error(PushError) = "error",
        /// The state of a relay task has changed, or the task has raised an alarm. A relay task
        /// pulls a stream and pushes this stream to another URL.
        Relay(Relay) = "relay",
        /// Audio moderation has reported a finding in a stream.
        AudioModeration(AudioModeration) = "audio_moderation",
        /// A push to the input of a StreamLive channel has started. StreamLive is another product
        /// of Tencent Cloud.
        StreamlivePush(StreamlivePush) = "streamlive_push",
        /// A push to the input of a StreamLive channel has ended. StreamLive is another product of
        /// Tencent Cloud.
        StreamliveInterruption(StreamliveInterruption) = "streamlive_interruption",
        /// The subtitles of a live stream. The platform sends these callbacks only while a viewer
        /// receives subtitles.
        Subtitles(Subtitles) = "subtitles",
        /// The platform has removed words from the sound of a stream.
        SmartErasing(SmartErasing) = "smart_erasing",
        /// Quality control has found a defect in a stream.
        QualityControl(QualityControl) = "quality_control",
        /// Frames of a stream have scored below a threshold.
        EvaluationLow(EvaluationLow) = "evaluation_low",
        /// The average score of a stream.
        EvaluationAverage(EvaluationAverage) = "evaluation_average",
        /// The summary of a section of a stream.
        Summary(Summary) = "summary",
        /// The highlights of a stream.
        Highlights(Highlights) = "highlights",
    }
}
