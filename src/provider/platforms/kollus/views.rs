// @generated from kollus.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Kollus.
//!
//! [`KollusCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.kollus.com/en/service-guide/vod/integration/callback/>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `live_play` callbacks.
    ///
    /// A request for permission to play a live broadcast.
    pub struct LivePlay prints(channel_key media_content_key) {
        /// The kind of the request, always 100.
        kind: Option<i64> = "kind",
        /// The user identifier from the token with which the player opened the broadcast.
        client_user_id: String = "client_user_id",
        /// The identifier of the player.
        player_id: Option<String> = "player_id",
        /// The identifier of the device's hardware.
        hardware_id: Option<String> = "hardware_id",
        /// The model of the device. May contain a slash.
        device_name: Option<String> = "device_name",
        /// The key of the live broadcast. This key does not identify a video.
        media_content_key: String = "media_content_key",
        /// The key of the channel.
        channel_key: String = "channel_key",
        /// The fields `uservalue0` to `uservalue99` that are set, by name.
        uservalues: Option<Map<String, Value>> = "uservalues",
        /// The time on the viewer's device, in Unix seconds. The device's clock may be wrong.
        localtime: Option<i64> = "localtime",
    }

    /// Data of `vod_play` callbacks.
    ///
    /// A request for permission to play a video. For a downloaded video, the player sends a `drm`
    /// callback instead.
    pub struct VodPlay prints(media_content_key) {
        /// The kind of the request: 1 before playback, 3 as soon as the player is ready.
        kind: i64 = "kind",
        /// The user identifier from the token with which the player opened the video.
        client_user_id: String = "client_user_id",
        /// The identifier of the player.
        player_id: Option<String> = "player_id",
        /// The identifier of the device's hardware.
        hardware_id: Option<String> = "hardware_id",
        /// The model of the device. May contain a slash.
        device_name: Option<String> = "device_name",
        /// The key of the video.
        media_content_key: String = "media_content_key",
        /// The fields `uservalue0` to `uservalue99` that are set, by name.
        uservalues: Option<Map<String, Value>> = "uservalues",
        /// The time on the viewer's device, in Unix seconds. The device's clock may be wrong.
        localtime: Option<i64> = "localtime",
    }

    /// Data of `drm` callbacks.
    ///
    /// Requests about downloads. The app's answer has one element for each request. One callback
    /// may mix requests with different values of `kind`.
    pub struct Drm prints() {
        /// The requests. Kollus documents a maximum of ten.
        items: Vec<DrmItem> = "items",
    }

    /// An element of [`Drm::items`].
    pub struct DrmItem prints() {
        /// The kind of the request: 1 asks to download a video, 2 reports a finished download, 3
        /// asks to play a download.
        kind: i64 = "kind",
        /// The key of the video.
        media_content_key: String = "media_content_key",
        /// The user identifier from the token with which the player opened the video.
        client_user_id: Option<String> = "client_user_id",
        /// The identifier of the player.
        player_id: Option<String> = "player_id",
        /// The identifier of the device's hardware.
        hardware_id: Option<String> = "hardware_id",
        /// The model of the device. May contain a slash.
        device_name: Option<String> = "device_name",
        /// The fields `uservalue0` to `uservalue99` that are set, by name.
        uservalues: Option<Map<String, Value>> = "uservalues",
        /// The session that the player assigned to this playback. Only in kind 3.
        session_key: Option<String> = "session_key",
        /// The start of playback on the viewer's device, in Unix seconds. Only in kind 3.
        start_at: Option<i64> = "start_at",
        /// The time on the viewer's device, in Unix seconds. The device's clock may be wrong.
        localtime: Option<i64> = "localtime",
        /// 1 if the download has expired on the device. Only in kind 3.
        content_expired: Option<i64> = "content_expired",
        /// 1 if the `check_expiration_date` of the download has passed. Only in kind 3.
        check_expired: Option<i64> = "check_expired",
        /// The purpose of a request of kind 3: 0 to play the download, 1 to refresh several
        /// downloads.
        reset_req: Option<i64> = "reset_req",
        /// The expiry time that the device has stored, in Unix seconds. Only in kind 3.
        expiration_date: Option<i64> = "expiration_date",
    }

    /// Data of `next_episode` callbacks.
    ///
    /// A request for the next video. The player sends the request at a configured position of the
    /// current video. The operator chooses the fields of the request in the Kollus console. Kollus
    /// does not document the fields of the reply, so gatepost sends the members of the app's JSON
    /// object unchanged.
    pub struct NextEpisode prints(media_content_key) {
        /// The user identifier from the token with which the player opened the video.
        client_user_id: Option<String> = "client_user_id",
        /// The key of the current video.
        media_content_key: Option<String> = "media_content_key",
        /// The fields `uservalue0` to `uservalue99` that are set, by name.
        uservalues: Option<Map<String, Value>> = "uservalues",
    }

    /// Data of `vod_lms` callbacks.
    ///
    /// The learning record of a video.
    pub struct VodLms prints(client_user_id) {
        /// The user identifier from the token with which the player opened the video.
        client_user_id: Option<String> = "client_user_id",
        /// The key of the video.
        media_content_key: Option<String> = "media_content_key",
        /// The identifier of the player.
        player_id: Option<String> = "player_id",
        /// The state of the player: `play`, `pause` or `stop`.
        play_status: Option<String> = "play_status",
        /// The host of the page that embeds the player.
        host_name: Option<String> = "host_name",
        /// The device, with its operating system and version.
        device: Option<String> = "device",
        /// The start of playback, in Unix seconds. Together with the user and the video, this time
        /// identifies the session.
        start_at: Option<i64> = "start_at",
        /// The learning record.
        json_data: Option<LmsData> = "json_data",
    }

    /// The object in [`VodLms::json_data`].
    pub struct LmsData prints() {
        /// The viewer and the device: `client_user_id`, `player_id`, `hardware_id`, `host_name` and
        /// `device`. This object also contains `content_provider_key`, the key of the service
        /// account. A credential: do not log it.
        user_info: Option<Map<String, Value>> = "user_info",
        /// The watched content, which `media_content_key`, `channel_key` and `encoding_profile`
        /// identify. Fields in seconds: `duration`; `playtime`; `real_playtime`, which counts
        /// double at double speed; `last_play_at`, the position; `runtime`, the time that the
        /// player ran; and `showtime`, the time that the video played. Field in Unix seconds:
        /// `start_at`.
        content_info: Option<Map<String, Value>> = "content_info",
        /// The parts that the viewer watched.
        block_info: Option<BlockInfo> = "block_info",
        /// The fields `uservalue0` to `uservalue99` that are set, by name.
        uservalues: Option<Map<String, Value>> = "uservalues",
    }

    /// The object in [`LmsData::block_info`].
    pub struct BlockInfo prints() {
        /// The number of parts of the video.
        block_count: Option<i64> = "block_count",
        /// The fields `bN`, `tN` and `pN` of the part with the number `N`, such as `b0`. Kollus
        /// does not document the meaning of these fields.
        blocks: Option<Map<String, Value>> = "blocks",
    }

    /// Data of `live_lms` callbacks.
    ///
    /// The learning record of a live broadcast.
    pub struct LiveLms prints(client_user_id) {
        /// The user identifier from the token with which the player opened the broadcast.
        client_user_id: Option<String> = "client_user_id",
        /// The key of the live broadcast.
        media_content_key: Option<String> = "media_content_key",
        /// The identifier of the player.
        player_id: Option<String> = "player_id",
        /// The state of the player: `play`, `pause` or `stop`.
        play_status: Option<String> = "play_status",
        /// The host of the page that embeds the player.
        host_name: Option<String> = "host_name",
        /// The device, with its operating system and version.
        device: Option<String> = "device",
        /// The start of playback, in Unix seconds. Together with the user and the broadcast, this
        /// time identifies the session.
        start_at: Option<i64> = "start_at",
        /// The learning record.
        json_data: Option<LmsData> = "json_data",
    }

    /// Data of `upload` callbacks.
    ///
    /// The upload of a file has ended.
    pub struct Upload prints(upload_file_key) {
        /// The key of the service account. A credential: do not log it.
        content_provider_key: Option<String> = "content_provider_key",
        /// The name of the file, with the folder.
        full_filename: Option<String> = "full_filename",
        /// The name of the file, without the folder.
        filename: Option<String> = "filename",
        /// The key of the uploaded file.
        upload_file_key: String = "upload_file_key",
    }

    /// Data of `transcoding` callbacks.
    ///
    /// The transcoding of a video has ended.
    pub struct Transcoding prints(upload_file_key) {
        /// The key of the service account. A credential: do not log it.
        content_provider_key: Option<String> = "content_provider_key",
        /// The name of the file, with the folder.
        filename: Option<String> = "filename",
        /// The key of the uploaded file.
        upload_file_key: Option<String> = "upload_file_key",
        /// The result of the transcoding: `success` or `fail`.
        transcoding_result: Option<String> = "transcoding_result",
    }

    /// Data of `content_update` callbacks.
    ///
    /// The data of a video has changed.
    pub struct ContentUpdate prints(upload_file_key) {
        /// The key of the service account. A credential: do not log it.
        content_provider_key: Option<String> = "content_provider_key",
        /// The name of the file, with the folder.
        full_filename: Option<String> = "full_filename",
        /// The name of the file, without the folder.
        filename: Option<String> = "filename",
        /// The key of the uploaded file.
        upload_file_key: Option<String> = "upload_file_key",
        /// The type of the change. Kollus does not document the values.
        update_type: Option<String> = "update_type",
    }

    /// Data of `channel_add` callbacks.
    ///
    /// A video is new in a channel.
    pub struct ChannelAdd prints(channel_key media_content_key) {
        /// The key of the service account. A credential: do not log it.
        content_provider_key: Option<String> = "content_provider_key",
        /// The name of the file, with the folder.
        full_filename: Option<String> = "full_filename",
        /// The name of the file, without the folder.
        filename: Option<String> = "filename",
        /// The key of the uploaded file.
        upload_file_key: Option<String> = "upload_file_key",
        /// The key of the video in the channel.
        media_content_key: Option<String> = "media_content_key",
        /// The key of the channel.
        channel_key: Option<String> = "channel_key",
        /// The name of the channel.
        channel_name: Option<String> = "channel_name",
        /// The encoding profiles, separated by `|`.
        profile_key: Option<String> = "profile_key",
        /// The type of the change. Kollus does not document the values.
        update_type: Option<String> = "update_type",
    }

    /// Data of `channel_delete` callbacks.
    ///
    /// A video is no longer in a channel.
    pub struct ChannelDelete prints(channel_key media_content_key) {
        /// The key of the service account. A credential: do not log it.
        content_provider_key: Option<String> = "content_provider_key",
        /// The name of the file, with the folder.
        full_filename: Option<String> = "full_filename",
        /// The name of the file, without the folder.
        filename: Option<String> = "filename",
        /// The key of the uploaded file.
        upload_file_key: Option<String> = "upload_file_key",
        /// The key of the video in the channel.
        media_content_key: Option<String> = "media_content_key",
        /// The key of the channel.
        channel_key: Option<String> = "channel_key",
        /// The name of the channel.
        channel_name: Option<String> = "channel_name",
        /// The encoding profiles, separated by `|`.
        profile_key: Option<String> = "profile_key",
        /// The type of the change. Kollus does not document the values.
        update_type: Option<String> = "update_type",
    }

    /// Data of `broadcast_state` callbacks.
    ///
    /// The state of a live broadcast has changed.
    pub struct BroadcastState prints(broadcast_key channel_key) {
        /// The identifier of the callback. Absent from some callbacks.
        request_id: Option<String> = "request_id",
        /// The version of the callback's format, such as `2018-11-01`.
        version: Option<String> = "version",
        /// The key of the service account. A credential: do not log it.
        service_account_key: Option<String> = "service_account_key",
        /// The key of the channel.
        channel_key: Option<String> = "channel_key",
        /// The key with which a device pushes the stream. A credential: do not log it.
        stream_key: Option<String> = "stream_key",
        /// The key of the live broadcast.
        broadcast_key: Option<String> = "broadcast_key",
        /// The new state: `start`, `stop`, `pause` (the broadcast has lost its stream) or `resume`
        /// (the broadcast has its stream again).
        broadcast_state: Option<String> = "broadcast_state",
    }

    /// Data of `recording_transfer` callbacks.
    ///
    /// The transfer of a recording has ended.
    pub struct RecordingTransfer prints(broadcast_key channel_key) {
        /// The identifier of the callback. Absent from some callbacks.
        request_id: Option<String> = "request_id",
        /// The version of the callback's format, such as `2018-11-01`.
        version: Option<String> = "version",
        /// The key of the service account. A credential: do not log it.
        service_account_key: Option<String> = "service_account_key",
        /// The key of the channel.
        channel_key: Option<String> = "channel_key",
        /// The key with which a device pushes the stream. A credential: do not log it.
        stream_key: Option<String> = "stream_key",
        /// The key of the live broadcast.
        broadcast_key: Option<String> = "broadcast_key",
        /// The identifier of the recording, a number as a string.
        recording_file_id: Option<String> = "recording_file_id",
        /// The name of the recording at the source, with the folder.
        recording_file_filename: Option<String> = "recording_file_filename",
        /// The type of the recording, such as `segment`.
        recording_file_kind: Option<String> = "recording_file_kind",
        /// The result of the transfer: 0 for a failure, 1 for success.
        recording_file_transfer_result: Option<i64> = "recording_file_transfer_result",
        /// The name of the recording at the destination.
        target_filename: Option<String> = "target_filename",
    }

    /// Data of `bookmark` callbacks.
    ///
    /// A viewer has set a bookmark, or has left a video at a position.
    pub struct Bookmark prints(client_user_id media_content_key) {
        /// The key of the uploaded file.
        upload_file_key: Option<String> = "upload_file_key",
        /// The key of the video.
        media_content_key: Option<String> = "media_content_key",
        /// The user identifier from the token with which the player opened the video.
        client_user_id: Option<String> = "client_user_id",
        /// The position of the bookmark or of the viewer, in seconds from the start of the video.
        position: Option<f64> = "position",
        /// The time on the viewer's device, in Unix seconds. The device's clock may be wrong.
        localtime: Option<i64> = "localtime",
        /// The title of the bookmark.
        value: Option<String> = "value",
        /// The title of the list that contains the bookmark.
        label: Option<String> = "label",
    }
}

describe! { "kollus":
    LivePlay = "live_play",
    VodPlay = "vod_play",
    Drm = "drm",
    NextEpisode = "next_episode",
    VodLms = "vod_lms",
    LiveLms = "live_lms",
    Upload = "upload",
    Transcoding = "transcoding",
    ContentUpdate = "content_update",
    ChannelAdd = "channel_add",
    ChannelDelete = "channel_delete",
    BroadcastState = "broadcast_state",
    RecordingTransfer = "recording_transfer",
    Bookmark = "bookmark",
}

callback! { "kollus":
    /// A callback of Kollus, with a variant for each kind.
    pub enum KollusCallback {
        /// A request for permission to play a live broadcast.
        LivePlay(LivePlay) = "live_play",
        /// A request for permission to play a video. For a downloaded video, the player sends a
        /// `drm` callback instead.
        VodPlay(VodPlay) = "vod_play",
        /// Requests about downloads. The app's answer has one element for each request. One
        /// callback may mix requests with different values of `kind`.
        Drm(Drm) = "drm",
        /// A request for the next video. The player sends the request at a configured position of
        /// the current video. The operator chooses the fields of the request in the Kollus console.
        /// Kollus does not document the fields of the reply, so gatepost sends the members of the
        /// app's JSON object unchanged.
        NextEpisode(NextEpisode) = "next_episode",
        /// The learning record of a video.
        VodLms(VodLms) = "vod_lms",
        /// The learning record of a live broadcast.
        LiveLms(LiveLms) = "live_lms",
        /// The upload of a file has ended.
        Upload(Upload) = "upload",
        /// The transcoding of a video has ended.
        Transcoding(Transcoding) = "transcoding",
        /// The data of a video has changed.
        ContentUpdate(ContentUpdate) = "content_update",
        /// A video is new in a channel.
        ChannelAdd(ChannelAdd) = "channel_add",
        /// A video is no longer in a channel.
        ChannelDelete(ChannelDelete) = "channel_delete",
        /// The state of a live broadcast has changed.
        BroadcastState(BroadcastState) = "broadcast_state",
        /// The transfer of a recording has ended.
        RecordingTransfer(RecordingTransfer) = "recording_transfer",
        /// A viewer has set a bookmark, or has left a video at a position.
        Bookmark(Bookmark) = "bookmark",
    }
}
