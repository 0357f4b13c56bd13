// @generated from cloudinary.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Cloudinary.
//!
//! [`CloudinaryCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://cloudinary.com/documentation/notification_signatures>

use serde_json::Value;

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `upload` callbacks.
    ///
    /// An upload is complete.
    pub struct Upload prints(public_id) {
        /// The platform's name of the kind, such as `upload`.
        notification_type: Option<String> = "notification_type",
        /// The platform's time of the callback, in RFC 3339 format.
        timestamp: Option<String> = "timestamp",
        /// The identifier of the request that caused the callback.
        request_id: Option<String> = "request_id",
        /// The name of the asset.
        public_id: Option<String> = "public_id",
        /// The type of the asset, such as `video`.
        resource_type: Option<String> = "resource_type",
        /// The URL of the asset.
        secure_url: Option<String> = "secure_url",
        /// The size of the asset, in bytes.
        bytes: Option<i64> = "bytes",
    }

    /// Data of `eager` callbacks.
    ///
    /// Transformations of an asset are complete.
    pub struct Eager prints(public_id) {
        /// The platform's name of the kind, such as `upload`.
        notification_type: Option<String> = "notification_type",
        /// The platform's time of the callback, in RFC 3339 format.
        timestamp: Option<String> = "timestamp",
        /// The identifier of the request that caused the callback.
        request_id: Option<String> = "request_id",
        /// The name of the asset.
        public_id: Option<String> = "public_id",
        /// The type of the asset, such as `video`.
        resource_type: Option<String> = "resource_type",
        /// The results of the transformations.
        eager: Option<Vec<Value>> = "eager",
        /// The identifier of the batch of transformations.
        batch_id: Option<String> = "batch_id",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind, such as `delete` or `moderation`.
    pub struct CloudinaryEvent prints(public_id) {
        /// The platform's name of the kind, such as `upload`.
        notification_type: Option<String> = "notification_type",
        /// The platform's time of the callback, in RFC 3339 format.
        timestamp: Option<String> = "timestamp",
        /// The identifier of the request that caused the callback.
        request_id: Option<String> = "request_id",
        /// The name of the asset.
        public_id: Option<String> = "public_id",
        /// The type of the asset, such as `video`.
        resource_type: Option<String> = "resource_type",
    }
}

describe! { "cloudinary":
    Upload = "upload",
    Eager = "eager",
    CloudinaryEvent = "event",
}

callback! { "cloudinary":
    /// A callback of Cloudinary, with a variant for each kind.
    pub enum CloudinaryCallback {
        /// An upload is complete.
        Upload(Upload) = "upload",
        /// Transformations of an asset are complete.
        Eager(Eager) = "eager",
        /// A callback for which the definition has no other kind, such as `delete` or `moderation`.
        Event(CloudinaryEvent) = "event",
    }
}
