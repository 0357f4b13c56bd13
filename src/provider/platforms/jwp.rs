// @generated from jwp.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of JWP.
//!
//! [`JwpCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.jwplayer.com/platform/reference/learn-about-webhooks>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `channel_active` callbacks.
    ///
    /// A live channel has become active.
    pub struct ChannelActive prints(channel_id event_time) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the webhook.
        webhook_id: Option<String> = "webhook_id",
        /// The identifier of the JWP property (site).
        site_id: Option<String> = "site_id",
        /// The platform's time of the callback, in RFC 3339 format.
        event_time: Option<String> = "event_time",
        /// The identifier of the live channel.
        channel_id: Option<String> = "channel_id",
    }

    /// Data of `channel_idle` callbacks.
    ///
    /// A live channel has become idle.
    pub struct ChannelIdle prints(channel_id event_time) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the webhook.
        webhook_id: Option<String> = "webhook_id",
        /// The identifier of the JWP property (site).
        site_id: Option<String> = "site_id",
        /// The platform's time of the callback, in RFC 3339 format.
        event_time: Option<String> = "event_time",
        /// The identifier of the live channel.
        channel_id: Option<String> = "channel_id",
    }

    /// Data of `conversions_complete` callbacks.
    ///
    /// The thumbnail and all renditions of a new video are ready.
    pub struct ConversionsComplete prints(event_time media_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the webhook.
        webhook_id: Option<String> = "webhook_id",
        /// The identifier of the JWP property (site).
        site_id: Option<String> = "site_id",
        /// The platform's time of the callback, in RFC 3339 format.
        event_time: Option<String> = "event_time",
        /// The identifier of the video.
        media_id: Option<String> = "media_id",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind.
    pub struct JwpEvent prints(event_time media_id) {
        /// The platform's name of the kind.
        event: Option<String> = "event",
        /// The identifier of the webhook.
        webhook_id: Option<String> = "webhook_id",
        /// The identifier of the JWP property (site).
        site_id: Option<String> = "site_id",
        /// The platform's time of the callback, in RFC 3339 format.
        event_time: Option<String> = "event_time",
        /// The identifier of the video.
        media_id: Option<String> = "media_id",
    }
}

describe! { "jwp":
    ChannelActive = "channel_active",
    ChannelIdle = "channel_idle",
    ConversionsComplete = "conversions_complete",
    JwpEvent = "event",
}

callback! { "jwp":
    /// A callback of JWP, with a variant for each kind.
    pub enum JwpCallback {
        /// A live channel has become active.
        ChannelActive(ChannelActive) = "channel_active",
        /// A live channel has become idle.
        ChannelIdle(ChannelIdle) = "channel_idle",
        /// The thumbnail and all renditions of a new video are ready.
        ConversionsComplete(ConversionsComplete) = "conversions_complete",
        /// A callback for which the definition has no other kind.
        Event(JwpEvent) = "event",
    }
}
