//! What a platform expects to hear, and how an app's words become it.
//!
//! The app of a decision may answer in three forms; each becomes the platform's own, with every
//! value of the declared type and range:
//!
//! - native: `{"data":{"result":1}}`, the platform's envelope and fields;
//! - flat: `{"result":1}`, the fields alone;
//! - common: `{"allow":false,"message":"…"}`, the same words for every platform.
//!
//! A callback that asks about several items at once is answered with a list of either of the first
//! two, or with one answer for all of them.

mod answer;
mod list;
mod reply_signing;
mod write;

pub(crate) use answer::{ReplyField, ReplyFieldName, read_reply_fields};
pub(crate) use list::{ItemList, ProtectedItems};
pub(crate) use reply_signing::{
    ReplyForm, ReplyFormRule, ReplySigning, ReplySigningRule, TOKEN_DIGEST,
};

use super::field::Fields;

/// How a kind whose answer matters is replied to.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// The member that holds the fields, if they do not stand alone.
    pub(crate) envelope: Option<Box<str>>,
    /// The callback asks about a list of items, and wants one answer for each.
    pub(crate) item_list: Option<ItemList>,
    pub(crate) allow: Vec<ReplyField>,
    pub(crate) deny: Vec<ReplyField>,
    /// The field that a common answer's `message` fills.
    pub(crate) message: Option<usize>,
    pub(crate) fields: Fields,
    /// The field that an answer stands for which is no object.
    pub(crate) bare: Option<usize>,
    /// Whether the platform's fields are not all known, so that any name goes through.
    pub(crate) open: bool,
    pub(crate) reply_signing: ReplySigningRule,
}

/// What the template says of a decision.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) on_failure: Vec<ReplyField>,
    /// What an accepting answer is filled up with.
    pub(crate) defaults: Vec<ReplyField>,
    pub(crate) reply_signing: ReplySigning,
}

/// What there is to be said to the platform.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DecisionInput<'a> {
    /// An answer of the app's.
    Answer(&'a [u8]),
    /// Yes, without a word more.
    Allow,
    /// No, with the message that the answer holds in any of its forms.
    Deny(&'a [u8]),
    /// What the failure policy says.
    Failure,
    /// What the template says, without the app.
    Fixed(&'a [ReplyField]),
}
