// @generated from aws_ivs.toml by `UPDATE_VIEWS=1 cargo test --test it _files`.

//! Typed views of the callbacks of Amazon IVS.
//!
//! [`AwsIvsCallback`] has a variant for each kind.
//! Fields have the platform's names and units.
//!
//! Source: <https://docs.aws.amazon.com/ivs/latest/userguide/eventbridge.html>

use serde_json::{Map, Value};

use crate::provider::view::{callback, describe, view};

view! {
    /// The data of kinds of Amazon IVS without fields of their own.
    pub struct AwsIvsEvent prints(time) {
        /// The identifier of the event.
        id: String = "id",
        /// The sort of the event, such as `IVS Stream State Change`.
        detail_type: Option<String> = "detail-type",
        /// The service, `aws.ivs`.
        source: Option<String> = "source",
        /// The AWS account.
        account: Option<String> = "account",
        /// The time of the event, as RFC 3339.
        time: Option<String> = "time",
        /// The AWS region.
        region: Option<String> = "region",
        /// The ARNs of the channel and of other resources.
        resources: Option<Vec<Value>> = "resources",
        /// The details of the event.
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
    /// A callback of Amazon IVS, by its kind.
    pub enum AwsIvsCallback {
        /// A session has been created, or a stream has started or ended: see `event_name` in
        /// `detail`.
        StreamState(AwsIvsEvent) = "stream_state",
        /// A recording has started, ended or failed: see `recording_status` in `detail`.
        RecordingState(AwsIvsEvent) = "recording_state",
        /// The health of a stream has changed, for example by starvation.
        StreamHealth(AwsIvsEvent) = "stream_health",
        /// A limit of the account is reached.
        LimitBreach(AwsIvsEvent) = "limit_breach",
        /// Any other event.
        Event(AwsIvsEvent) = "event",
    }
}
