// @generated from twitch.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Twitch EventSub.
//!
//! [`TwitchCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://dev.twitch.tv/docs/eventsub/handling-webhook-events>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `notification` callbacks.
    ///
    /// A callback for a subscription. The type of the subscription becomes the subject of
    /// gatepost's event.
    pub struct Notification prints(subscription) {
        /// The subscription to which the callback belongs.
        subscription: Option<NotificationSubscription> = "subscription",
        /// The details that the platform reports.
        event: Option<Map<String, Value>> = "event",
    }

    /// The object in [`Notification::subscription`].
    pub struct NotificationSubscription prints(type_) {
        /// The identifier of the subscription.
        id: Option<String> = "id",
        /// The type of the subscription, such as `stream.online`.
        type_: Option<String> = "type",
        /// The state of the subscription. In a revocation, the reason for the revocation.
        status: Option<String> = "status",
    }

    /// Data of `revocation` callbacks.
    ///
    /// Twitch has ended the subscription.
    pub struct Revocation prints(subscription) {
        /// The subscription to which the callback belongs.
        subscription: Option<RevocationSubscription> = "subscription",
    }

    /// The object in [`Revocation::subscription`].
    pub struct RevocationSubscription prints(type_) {
        /// The identifier of the subscription.
        id: Option<String> = "id",
        /// The type of the subscription, such as `stream.online`.
        type_: Option<String> = "type",
        /// The state of the subscription. In a revocation, the reason for the revocation.
        status: Option<String> = "status",
    }

    /// Data of `challenge` callbacks.
    ///
    /// The challenge of a new subscription. gatepost sends the reply.
    pub struct Challenge prints(subscription) {
        /// The subscription to which the callback belongs.
        subscription: Option<ChallengeSubscription> = "subscription",
        /// The text that gatepost sends in the reply.
        challenge: Option<String> = "challenge",
    }

    /// The object in [`Challenge::subscription`].
    pub struct ChallengeSubscription prints(type_) {
        /// The identifier of the subscription.
        id: Option<String> = "id",
        /// The type of the subscription, such as `stream.online`.
        type_: Option<String> = "type",
        /// The state of the subscription. In a revocation, the reason for the revocation.
        status: Option<String> = "status",
    }
}

describe! { "twitch":
    Notification = "notification",
    Revocation = "revocation",
    Challenge = "challenge",
}

callback! { "twitch":
    /// A callback of Twitch EventSub, with a variant for each kind.
    pub enum TwitchCallback {
        /// A callback for a subscription. The type of the subscription becomes the subject of
        /// gatepost's event.
        Notification(Notification) = "notification",
        /// Twitch has ended the subscription.
        Revocation(Revocation) = "revocation",
        /// The challenge of a new subscription. gatepost sends the reply.
        Challenge(Challenge) = "challenge",
    }
}
