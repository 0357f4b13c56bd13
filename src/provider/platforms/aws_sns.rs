// @generated from aws_sns.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Amazon SNS.
//!
//! [`AwsSnsCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>

use crate::provider::view::{callback, describe, view};

view! {
    /// A message of the topic.
    pub struct Notification prints(subject timestamp) {
        /// The sort of the message.
        type_: Option<String> = "Type",
        /// The identifier of the message, equal in resends.
        message_id: String = "MessageId",
        /// The topic.
        topic_arn: Option<String> = "TopicArn",
        /// The message: the text that was published, such as an event as JSON.
        message: Option<String> = "Message",
        /// The time of publication, as RFC 3339.
        timestamp: Option<String> = "Timestamp",
        /// The version of the signature. Only 2 is valid here.
        signature_version: Option<String> = "SignatureVersion",
        /// The address of the certificate. It is not signed.
        signing_cert_u_r_l: Option<String> = "SigningCertURL",
        /// The subject that the publisher gave the message.
        subject: Option<String> = "Subject",
        /// The address that ends the subscription. It is not signed.
        unsubscribe_u_r_l: Option<String> = "UnsubscribeURL",
    }

    /// SNS asks whether the subscription is wanted. The app opens `SubscribeURL` if the topic is
    /// its own.
    pub struct SubscriptionConfirmation prints(timestamp) {
        /// The sort of the message.
        type_: Option<String> = "Type",
        /// The identifier of the message, equal in resends.
        message_id: String = "MessageId",
        /// The topic.
        topic_arn: Option<String> = "TopicArn",
        /// The message: the text that was published, such as an event as JSON.
        message: Option<String> = "Message",
        /// The time of publication, as RFC 3339.
        timestamp: Option<String> = "Timestamp",
        /// The version of the signature. Only 2 is valid here.
        signature_version: Option<String> = "SignatureVersion",
        /// The address of the certificate. It is not signed.
        signing_cert_u_r_l: Option<String> = "SigningCertURL",
        /// The token of the confirmation. A credential: do not log it.
        token: Option<String> = "Token",
        /// The address that confirms the subscription. A credential: do not log it.
        subscribe_u_r_l: Option<String> = "SubscribeURL",
    }

    /// The subscription has ended. The app can open `SubscribeURL` to restore it.
    pub struct UnsubscribeConfirmation prints(timestamp) {
        /// The sort of the message.
        type_: Option<String> = "Type",
        /// The identifier of the message, equal in resends.
        message_id: String = "MessageId",
        /// The topic.
        topic_arn: Option<String> = "TopicArn",
        /// The message: the text that was published, such as an event as JSON.
        message: Option<String> = "Message",
        /// The time of publication, as RFC 3339.
        timestamp: Option<String> = "Timestamp",
        /// The version of the signature. Only 2 is valid here.
        signature_version: Option<String> = "SignatureVersion",
        /// The address of the certificate. It is not signed.
        signing_cert_u_r_l: Option<String> = "SigningCertURL",
        /// The token of the confirmation. A credential: do not log it.
        token: Option<String> = "Token",
        /// The address that restores the subscription. A credential: do not log it.
        subscribe_u_r_l: Option<String> = "SubscribeURL",
    }
}

describe! { "aws-sns":
    Notification = "Notification",
    SubscriptionConfirmation = "SubscriptionConfirmation",
    UnsubscribeConfirmation = "UnsubscribeConfirmation",
}

callback! { "aws-sns":
    /// A callback of Amazon SNS, by its kind.
    pub enum AwsSnsCallback {
        /// A message of the topic.
        Notification(Notification) = "Notification",
        /// SNS asks whether the subscription is wanted. The app opens `SubscribeURL` if the topic
        /// is its own.
        SubscriptionConfirmation(SubscriptionConfirmation) = "SubscriptionConfirmation",
        /// The subscription has ended. The app can open `SubscribeURL` to restore it.
        UnsubscribeConfirmation(UnsubscribeConfirmation) = "UnsubscribeConfirmation",
    }
}
