// @generated from aws_sns.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Amazon SNS.
//!
//! [`AwsSnsCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of `Notification` callbacks.
    ///
    /// A message that a publisher has sent to the topic.
    pub struct Notification prints(subject timestamp) {
        /// The type of the message.
        type_: Option<String> = "Type",
        /// The identifier of the message, the same in each resend.
        message_id: String = "MessageId",
        /// The ARN of the topic.
        topic_arn: Option<String> = "TopicArn",
        /// The published text, such as JSON. In confirmations, a text from SNS for the operator.
        message: Option<String> = "Message",
        /// The time of publication, in RFC 3339 format.
        timestamp: Option<String> = "Timestamp",
        /// The version of the signature. gatepost accepts only version 2.
        signature_version: Option<String> = "SignatureVersion",
        /// The URL of the certificate. The signature does not cover this URL.
        signing_cert_u_r_l: Option<String> = "SigningCertURL",
        /// The subject that the publisher has set.
        subject: Option<String> = "Subject",
        /// The URL that ends the subscription. The signature does not cover this URL.
        unsubscribe_u_r_l: Option<String> = "UnsubscribeURL",
    }

    /// Data of `SubscriptionConfirmation` callbacks.
    ///
    /// SNS asks for the confirmation of a subscription. If the operator owns the topic, the app
    /// confirms by opening `SubscribeURL`.
    pub struct SubscriptionConfirmation prints(timestamp) {
        /// The type of the message.
        type_: Option<String> = "Type",
        /// The identifier of the message, the same in each resend.
        message_id: String = "MessageId",
        /// The ARN of the topic.
        topic_arn: Option<String> = "TopicArn",
        /// The published text, such as JSON. In confirmations, a text from SNS for the operator.
        message: Option<String> = "Message",
        /// The time of publication, in RFC 3339 format.
        timestamp: Option<String> = "Timestamp",
        /// The version of the signature. gatepost accepts only version 2.
        signature_version: Option<String> = "SignatureVersion",
        /// The URL of the certificate. The signature does not cover this URL.
        signing_cert_u_r_l: Option<String> = "SigningCertURL",
        /// The token of the confirmation. A credential: do not log it.
        token: Option<String> = "Token",
        /// The URL that confirms the subscription. A credential: do not log it.
        subscribe_u_r_l: Option<String> = "SubscribeURL",
    }

    /// Data of `UnsubscribeConfirmation` callbacks.
    ///
    /// The subscription has ended. To restore it, the app can open `SubscribeURL`.
    pub struct UnsubscribeConfirmation prints(timestamp) {
        /// The type of the message.
        type_: Option<String> = "Type",
        /// The identifier of the message, the same in each resend.
        message_id: String = "MessageId",
        /// The ARN of the topic.
        topic_arn: Option<String> = "TopicArn",
        /// The published text, such as JSON. In confirmations, a text from SNS for the operator.
        message: Option<String> = "Message",
        /// The time of publication, in RFC 3339 format.
        timestamp: Option<String> = "Timestamp",
        /// The version of the signature. gatepost accepts only version 2.
        signature_version: Option<String> = "SignatureVersion",
        /// The URL of the certificate. The signature does not cover this URL.
        signing_cert_u_r_l: Option<String> = "SigningCertURL",
        /// The token of the confirmation. A credential: do not log it.
        token: Option<String> = "Token",
        /// The URL that restores the subscription. A credential: do not log it.
        subscribe_u_r_l: Option<String> = "SubscribeURL",
    }
}

describe! { "aws-sns":
    Notification = "Notification",
    SubscriptionConfirmation = "SubscriptionConfirmation",
    UnsubscribeConfirmation = "UnsubscribeConfirmation",
}

callback! { "aws-sns":
    /// A callback of Amazon SNS, with a variant for each kind.
    pub enum AwsSnsCallback {
        /// A message that a publisher has sent to the topic.
        Notification(Notification) = "Notification",
        /// SNS asks for the confirmation of a subscription. If the operator owns the topic, the app
        /// confirms by opening `SubscribeURL`.
        SubscriptionConfirmation(SubscriptionConfirmation) = "SubscriptionConfirmation",
        /// The subscription has ended. To restore it, the app can open `SubscribeURL`.
        UnsubscribeConfirmation(UnsubscribeConfirmation) = "UnsubscribeConfirmation",
    }
}
