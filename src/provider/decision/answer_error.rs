//! Faults of an app's answer.

use crate::conclusion::{Unavailable, UnavailableKind};
use crate::json::BodyError;
use crate::provider::field::FieldError;

/// A fault in an answer. The text of the error contains names and types, never a value. If the
/// answer is in a config, the config error adds the remedy.
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
    #[error("expected an answer in UTF-8, found another encoding")]
    NotUtf8,
    #[error("expected an answer to this item, found none")]
    NotAnswered,
    #[error("expected an item for each element, found none for {count} of the elements")]
    Unmatched { count: usize },
    #[error("expected at most {max} elements in the list of the answer, found {count}")]
    TooManyElements { max: usize, count: usize },
    /// The member `member` of a fixed answer has an invalid text with fields of the callback.
    #[error("{member}: {fault}")]
    Text { member: Box<str>, fault: TextFault },
    #[error("expected a declared reply field, found `{field}`")]
    Unknown { field: Box<str> },
}

/// A fault in a text that contains fields of the callback.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextFault {
    #[error("expected a closing brace for each opening brace, found a single brace")]
    Brace,
    #[error("expected `text`, and at most `missing = \"empty\"`, found another member or value")]
    Form,
    #[error("expected no field in the host of an address, found `{field}`")]
    Host { field: Box<str> },
    #[error(
        "expected a field that each callback contains, found `{field}`, which a callback may lack"
    )]
    Optional { field: Box<str> },
    #[error("expected a string, a number or a boolean, found {found} in `{field}`")]
    Shape { field: Box<str>, found: &'static str },
    #[error("expected a field without a secret, found `{field}`")]
    Secret { field: Box<str> },
    #[error("expected a field of the callback, found `{field}`")]
    Unknown { field: Box<str> },
}

impl TextFault {
    /// Returns the remedy. For an unknown field, the caller lists the known fields instead.
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::Brace => "write {{ and }} for braces in the text",
            Self::Form => {
                "write { text = \"…{field}…\" }, with missing = \"empty\" if a callback may lack \
                 the field"
            }
            Self::Host { .. } => "write scheme and host of the address without fields",
            Self::Optional { .. } => {
                "add missing = \"empty\" to leave the field out of the text if the callback lacks it"
            }
            Self::Shape { .. } => {
                "write the path of a string in the object, such as {/user/id}; for an array, use \
                 another field"
            }
            Self::Secret { .. } | Self::Unknown { .. } => "use another field",
        }
    }
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
            | AnswerError::Text { .. }
            | AnswerError::TooManyElements { .. }
            | AnswerError::Unmatched { .. }
            | AnswerError::Unknown { .. } => {
                Self::with(UnavailableKind::AnswerInvalid, &fault.to_string())
            }
        }
    }
}
