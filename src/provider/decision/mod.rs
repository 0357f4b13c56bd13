//! Decisions: the conversion of an app's answer to the reply that the platform expects.
//!
//! An app answers in one of three forms:
//!
//! - native: `{"data":{"result":1}}`, the platform's fields in its envelope (here `data`);
//! - flat: `{"result":1}`, the platform's fields without the envelope;
//! - common: `{"allow":false,"message":"…"}`, the same fields for every platform.
//!
//! gatepost converts each form to the native form, and each value to its declared type. A reply
//! *allows* or *denies* the request that the callback contains.
//!
//! A callback may ask about several items, such as downloads. The app then answers with a list of
//! elements, one for each item, or with one answer for all items. [`list`] assigns the elements to
//! the items.

mod answer;
mod answer_error;
mod by_status;
mod fixed;
mod list;
mod reply_field;
mod reply_signing;
mod write;

pub(crate) use answer_error::{AnswerError, TextFault};
pub(crate) use by_status::{Redirect, StatusLine, StatusRule, VERDICT};
pub(crate) use fixed::{CallbackFields, FixedAnswer};
pub(crate) use list::{ItemList, ProtectedItems};
pub(crate) use reply_field::{ReplyField, ReplyFieldName, first_of_other_type, read_reply_fields};
pub(crate) use reply_signing::{
    ReplyForm, ReplyFormRule, ReplySigning, ReplySigningRule, TOKEN_DIGEST, is_token,
};
pub(crate) use write::WrittenReply;

use super::field::Fields;

/// The rules for the reply to a decision.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// The member of the reply that contains the fields. If `None`, the fields are at the top
    /// level.
    pub(crate) envelope: Option<Box<str>>,
    /// The rules for the items; `None` if the callback contains no list of items.
    pub(crate) item_list: Option<ItemList>,
    /// The fields of a reply that allows the request.
    pub(crate) allow: Vec<ReplyField>,
    /// The fields of a reply that denies the request.
    pub(crate) deny: Vec<ReplyField>,
    /// The index in `fields` of the field that the member `message` of an answer sets. If `None`,
    /// gatepost drops the message.
    pub(crate) message: Option<usize>,
    pub(crate) fields: Fields,
    /// The statuses of the reply; `None` if the platform reads the permission from the body. The
    /// status of the reply is then 200.
    pub(crate) by_status: Option<StatusRule>,
    /// The index in `fields` of the field that a bare answer sets: a single value, such as `1`,
    /// instead of an object. If `None`, a bare answer is invalid.
    pub(crate) bare: Option<usize>,
    /// True if an answer may contain undeclared fields, because the platform does not document all
    /// fields.
    pub(crate) open: bool,
    pub(crate) reply_signing: ReplySigningRule,
}

/// The meaning of an empty answer: a 2xx status with an empty or blank body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmptyAnswer {
    Allow,
    Deny,
}

impl EmptyAnswer {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("allow", Self::Allow), ("deny", Self::Deny)];
}

impl Decision {
    /// Returns the default meaning of an empty answer, which applies if the config sets none.
    ///
    /// If the platform reads the body of the reply, an empty answer grants no permission. If the
    /// platform reads the status, a 2xx status grants permission, with or without a body.
    pub(crate) const fn default_empty_answer(&self) -> EmptyAnswer {
        match self.by_status {
            Some(_) => EmptyAnswer::Allow,
            None => EmptyAnswer::Deny,
        }
    }

    /// Returns the names of the fields on which the reply depends: fields of the callback, or of
    /// its items.
    pub(crate) fn callback_fields(&self) -> impl Iterator<Item = &str> {
        let items = self.item_list.as_ref();
        let protect = items.and_then(|items| items.protect.as_ref()).map(|protect| &protect.when);
        let conditions = self.fields.iter().filter_map(|field| field.when.as_ref()).chain(protect);
        let echo = items.into_iter().flat_map(|items| &items.echo);
        conditions.map(|condition| &*condition.field).chain(echo.map(|name| &**name))
    }
}

/// The settings of a template for one decision.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// The failure policy: the fields of the reply if gatepost has no usable answer from the app.
    pub(crate) on_failure: Vec<ReplyField>,
    /// The fields that gatepost adds to a reply that allows the request. A field of the answer
    /// takes precedence.
    pub(crate) defaults: Vec<ReplyField>,
    pub(crate) empty_answer: EmptyAnswer,
    pub(crate) reply_signing: ReplySigning,
}

/// The source of the reply to a decision.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DecisionInput<'a> {
    /// The body of the app's answer.
    Answer(&'a [u8]),
    /// An approval without fields: the app's answer is empty, and [`EmptyAnswer::Allow`] applies.
    Allow,
    /// A denial without fields: the app's answer is empty, and [`EmptyAnswer::Deny`] applies.
    Empty,
    /// A denial, with the body of the app's answer. The body may contain a message, in any form.
    Deny(&'a [u8]),
    /// The failure policy, [`Policy::on_failure`].
    Failure,
    /// A fixed answer of the template. gatepost does not ask the app.
    Fixed(&'a [ReplyField]),
}
