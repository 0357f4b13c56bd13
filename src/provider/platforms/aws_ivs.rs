// @generated from aws_ivs.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Amazon IVS.
//!
//! [`AwsIvsCallback`] has a variant for each kind.
//! Field names follow the platform's names, in snake case.
//! Values have the platform's units.
//!
//! Source: <https://docs.aws.amazon.com/ivs/latest/userguide/eventbridge.html>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// Data of the Amazon IVS callbacks that have only the fields common to all kinds.
    pub struct AwsIvsEvent prints(time) {
        /// The identifier of the callback.
        id: String = "id",
        /// The platform's name of the kind, such as `IVS Stream State Change`.
        detail_type: Option<String> = "detail-type",
        /// The name of the service: `aws.ivs`.
        source: Option<String> = "source",
        /// The AWS account.
        account: Option<String> = "account",
        /// The platform's time of the callback, in RFC 3339 format.
        time: Option<String> = "time",
        /// The AWS region.
        region: Option<String> = "region",
        /// The ARNs of the channel and of other resources.
        resources: Option<Vec<Value>> = "resources",
        /// The details that the platform reports.
        detail: Option<Map<String, Value>> = "detail",
    }
}

describe! { "aws-ivs":
    AwsIvsEvent = "stream_state"
        | "recording_state"
        | "stream_health"
        | "limit_breach"
        | "event",
}

callback! { "aws-ivs":
    /// A callback of Amazon IVS, with a variant for each kind.
    pub enum AwsIvsCallback {
        /// Amazon IVS has created a session, or a stream has started or ended. The field
        /// `event_name` of `detail` names the change.
        StreamState(AwsIvsEvent) = "stream_state",
        /// A recording has started, ended or failed. The field `recording_status` of `detail` names
        /// the change.
        RecordingState(AwsIvsEvent) = "recording_state",
        /// The health of a stream has changed, for example because its data has stopped arriving
        /// (starvation).
        StreamHealth(AwsIvsEvent) = "stream_health",
        /// The account has reached a limit.
        LimitBreach(AwsIvsEvent) = "limit_breach",
        /// A callback for which the definition has no other kind.
        Event(AwsIvsEvent) = "event",
    }
}
