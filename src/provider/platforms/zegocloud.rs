// @generated from zegocloud.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of ZEGOCLOUD.
//!
//! [`ZegocloudCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.zegocloud.com/article/9805>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `stream_create` callbacks.
    ///
    /// A user has started to publish a stream.
    pub struct StreamCreate prints(room_id stream_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the ZEGOCLOUD project; a number or a string.
        appid: Option<Value> = "appid",
        /// The time at which ZEGOCLOUD sent the callback, in Unix seconds; a number or a string.
        timestamp: Option<Value> = "timestamp",
        /// A random number, as a number or a string.
        nonce: Option<Value> = "nonce",
        /// The identifier of the room.
        room_id: Option<String> = "room_id",
        /// The identifier of the stream.
        stream_id: Option<String> = "stream_id",
        /// The identifier of the user.
        user_id: Option<String> = "user_id",
    }

    /// Data of `stream_close` callbacks.
    ///
    /// A user has stopped publishing a stream.
    pub struct StreamClose prints(room_id stream_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the ZEGOCLOUD project; a number or a string.
        appid: Option<Value> = "appid",
        /// The time at which ZEGOCLOUD sent the callback, in Unix seconds; a number or a string.
        timestamp: Option<Value> = "timestamp",
        /// A random number, as a number or a string.
        nonce: Option<Value> = "nonce",
        /// The identifier of the room.
        room_id: Option<String> = "room_id",
        /// The identifier of the stream.
        stream_id: Option<String> = "stream_id",
        /// The identifier of the user.
        user_id: Option<String> = "user_id",
    }

    /// Data of the ZEGOCLOUD callbacks that have only the fields common to all kinds.
    pub struct ZegocloudEvent prints(room_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the ZEGOCLOUD project; a number or a string.
        appid: Option<Value> = "appid",
        /// The time at which ZEGOCLOUD sent the callback, in Unix seconds; a number or a string.
        timestamp: Option<Value> = "timestamp",
        /// A random number, as a number or a string.
        nonce: Option<Value> = "nonce",
        /// The identifier of the room.
        room_id: Option<String> = "room_id",
    }
}

describe! { "zegocloud":
    StreamCreate = "stream_create",
    StreamClose = "stream_close",
    ZegocloudEvent = "room_create"
        | "room_close"
        | "event",
}

callback! { "zegocloud":
    /// A callback of ZEGOCLOUD, with a variant for each kind.
    pub enum ZegocloudCallback {
        /// A user has started to publish a stream.
        StreamCreate(StreamCreate) = "stream_create",
        /// A user has stopped publishing a stream.
        StreamClose(StreamClose) = "stream_close",
        /// A new room.
        RoomCreate(ZegocloudEvent) = "room_create",
        /// The end of a room.
        RoomClose(ZegocloudEvent) = "room_close",
        /// A callback for which the definition has no other kind.
        Event(ZegocloudEvent) = "event",
    }
}
