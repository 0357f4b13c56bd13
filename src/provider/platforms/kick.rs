// @generated from kick.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Kick.
//!
//! [`KickCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.kick.com/events/webhook-security>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `livestream_status` callbacks.
    ///
    /// A livestream has started or ended.
    pub struct LivestreamStatus prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<LivestreamStatusBroadcaster> = "broadcaster",
        /// True after the start of the livestream, false after its end.
        is_live: Option<bool> = "is_live",
        /// The title of the livestream.
        title: Option<String> = "title",
        /// The time of the start, in RFC 3339 format.
        started_at: Option<String> = "started_at",
        /// The time of the end, in RFC 3339 format.
        ended_at: Option<String> = "ended_at",
    }

    /// The object in [`LivestreamStatus::broadcaster`].
    pub struct LivestreamStatusBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `livestream_metadata` callbacks.
    ///
    /// The title, the language or the category of a livestream has changed.
    pub struct LivestreamMetadata prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<LivestreamMetadataBroadcaster> = "broadcaster",
        /// The new metadata.
        metadata: Option<Map<String, Value>> = "metadata",
    }

    /// The object in [`LivestreamMetadata::broadcaster`].
    pub struct LivestreamMetadataBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `chat_message` callbacks.
    ///
    /// A user has sent a message in the chat of a channel.
    pub struct ChatMessage prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<ChatMessageBroadcaster> = "broadcaster",
        /// The identifier of the message.
        message_id: Option<String> = "message_id",
        /// The text of the message.
        content: Option<String> = "content",
        /// The user who sent the message.
        sender: Option<Map<String, Value>> = "sender",
    }

    /// The object in [`ChatMessage::broadcaster`].
    pub struct ChatMessageBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `follow` callbacks.
    ///
    /// A user has started to follow a channel.
    pub struct Follow prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<FollowBroadcaster> = "broadcaster",
        /// The user who follows the channel.
        follower: Option<Map<String, Value>> = "follower",
    }

    /// The object in [`Follow::broadcaster`].
    pub struct FollowBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `subscription` callbacks.
    ///
    /// A user has subscribed to a channel.
    pub struct Subscription prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<SubscriptionBroadcaster> = "broadcaster",
        /// The user who has subscribed to the channel.
        subscriber: Option<Map<String, Value>> = "subscriber",
    }

    /// The object in [`Subscription::broadcaster`].
    pub struct SubscriptionBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `subscription_renewal` callbacks.
    ///
    /// A user has renewed a subscription.
    pub struct SubscriptionRenewal prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<SubscriptionRenewalBroadcaster> = "broadcaster",
        /// The user who has renewed the subscription.
        subscriber: Option<Map<String, Value>> = "subscriber",
    }

    /// The object in [`SubscriptionRenewal::broadcaster`].
    pub struct SubscriptionRenewalBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `subscription_gifts` callbacks.
    ///
    /// A user has given subscriptions to others.
    pub struct SubscriptionGifts prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<SubscriptionGiftsBroadcaster> = "broadcaster",
        /// The user who has given the subscriptions.
        gifter: Option<Map<String, Value>> = "gifter",
        /// The users who got a subscription.
        giftees: Option<Vec<Value>> = "giftees",
    }

    /// The object in [`SubscriptionGifts::broadcaster`].
    pub struct SubscriptionGiftsBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `ban` callbacks.
    ///
    /// A moderator has banned a user.
    pub struct Ban prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<BanBroadcaster> = "broadcaster",
        /// The banned user.
        banned_user: Option<Map<String, Value>> = "banned_user",
        /// The moderator who banned the user.
        moderator: Option<Map<String, Value>> = "moderator",
    }

    /// The object in [`Ban::broadcaster`].
    pub struct BanBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `gift` callbacks.
    ///
    /// A user has given Kicks, the virtual currency of Kick, to a channel.
    pub struct Gift prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<GiftBroadcaster> = "broadcaster",
        /// The gift, with its amount.
        gift: Option<Map<String, Value>> = "gift",
        /// The user who has given the Kicks.
        sender: Option<Map<String, Value>> = "sender",
    }

    /// The object in [`Gift::broadcaster`].
    pub struct GiftBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }

    /// Data of `event` callbacks.
    ///
    /// A callback for which the definition has no other kind.
    pub struct KickEvent prints(broadcaster) {
        /// The owner of the channel.
        broadcaster: Option<KickEventBroadcaster> = "broadcaster",
    }

    /// The object in [`KickEvent::broadcaster`].
    pub struct KickEventBroadcaster prints(channel_slug) {
        /// The identifier of the owner.
        user_id: Option<i64> = "user_id",
        /// The name of the channel in its URL.
        channel_slug: Option<String> = "channel_slug",
    }
}

describe! { "kick":
    LivestreamStatus = "livestream_status",
    LivestreamMetadata = "livestream_metadata",
    ChatMessage = "chat_message",
    Follow = "follow",
    Subscription = "subscription",
    SubscriptionRenewal = "subscription_renewal",
    SubscriptionGifts = "subscription_gifts",
    Ban = "ban",
    Gift = "gift",
    KickEvent = "event",
}

callback! { "kick":
    /// A callback of Kick, with a variant for each kind.
    pub enum KickCallback {
        /// A livestream has started or ended.
        LivestreamStatus(LivestreamStatus) = "livestream_status",
        /// The title, the language or the category of a livestream has changed.
        LivestreamMetadata(LivestreamMetadata) = "livestream_metadata",
        /// A user has sent a message in the chat of a channel.
        ChatMessage(ChatMessage) = "chat_message",
        /// A user has started to follow a channel.
        Follow(Follow) = "follow",
        /// A user has subscribed to a channel.
        Subscription(Subscription) = "subscription",
        /// A user has renewed a subscription.
        SubscriptionRenewal(SubscriptionRenewal) = "subscription_renewal",
        /// A user has given subscriptions to others.
        SubscriptionGifts(SubscriptionGifts) = "subscription_gifts",
        /// A moderator has banned a user.
        Ban(Ban) = "ban",
        /// A user has given Kicks, the virtual currency of Kick, to a channel.
        Gift(Gift) = "gift",
        /// A callback for which the definition has no other kind.
        Event(KickEvent) = "event",
    }
}
