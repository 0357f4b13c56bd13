//! Faults of an app's answer.

use crate::conclusion::{Unavailable, UnavailableKind};
use crate::json::BodyError;
use crate::provider::field::FieldError;

/// A fault in an answer. The message contains names and types, never a value. If the answer is in a
/// config, the config error adds the remedy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    /// The answer sets a field both inside and beside the envelope, or only beside it.
    #[error("expected `{field}` inside `{envelope}`, found it beside `{envelope}`")]
    BesideEnvelope { field: Box<str>, envelope: Box<str> },
    /// The answer sets a field twice: by two members, or by a member and by `allow`.
    #[error("expected one value for `{field}`, found two")]
    SetTwice { field: Box<str> },
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("{list}[{index}]: {fault}")]
    Item { list: Box<str>, index: usize, fault: Box<str> },
    #[error("expected a JSON object as the answer, found malformed JSON or another type")]
    Malformed,
    #[error("expected UTF-8 as the answer, found another encoding")]
    NotUtf8,
    #[error("expected an answer to this item, found none")]
    NotAnswered,
    #[error("expected an item for each element, found no item for {count} of them")]
    Unmatched { count: usize },
    #[error("expected a declared reply field, found `{field}`")]
    Unknown { field: Box<str> },
}

pub(super) fn misspelt(name: &str, meant: &str) -> AnswerError {
    FieldError::Misspelt { field: name.into(), meant: meant.into() }.into()
}

impl From<BodyError> for AnswerError {
    fn from(defect: BodyError) -> Self {
        match defect {
            BodyError::Duplicate(field) => Self::SetTwice { field: field.into() },
            BodyError::FormMalformed
            | BodyError::InvalidUtf8
            | BodyError::JsonMalformed
            | BodyError::NotAnObject
            | BodyError::TooDeep
            | BodyError::TooMany(_) => Self::Malformed,
        }
    }
}

impl From<AnswerError> for Unavailable {
    fn from(fault: AnswerError) -> Self {
        match fault {
            AnswerError::Malformed => UnavailableKind::AnswerMalformed.into(),
            AnswerError::NotUtf8 => {
                Self::with(UnavailableKind::AnswerMalformed, &fault.to_string())
            }
            AnswerError::BesideEnvelope { .. }
            | AnswerError::SetTwice { .. }
            | AnswerError::Field(_)
            | AnswerError::Item { .. }
            | AnswerError::NotAnswered
            | AnswerError::Unmatched { .. }
            | AnswerError::Unknown { .. } => {
                Self::with(UnavailableKind::AnswerInvalid, &fault.to_string())
            }
        }
    }
}
