//! Reasons why a request to the API is refused.

use gatepost_editor::{EditError, EditErrorKind, EditFault};
use http::StatusCode;

/// Reason why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the body is not JSON: line {line}, column {column}")]
    BodyNotJson { line: usize, column: usize },
    #[error("the body is longer than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the body must be JSON; send content-type: application/json")]
    BodyType,
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error("incomplete request body")]
    Incomplete,
    #[error("{message}")]
    InvalidBody { message: &'static str, faults: Vec<EditFault> },
    #[error("this cannot be done here; use {allow}")]
    MethodNotAllowed { allow: String },
    #[error("there is no API without admin_token in the config")]
    NoApi,
    #[error("there is no such page; see /api/openapi.json")]
    NotFound,
    #[error("the edit broke off; see the log")]
    Panicked,
    #[error("the path is not percent-encoded UTF-8; encode each name in it")]
    PathEncoding,
    #[error("the token is missing or wrong; send authorization: Bearer and the admin_token")]
    Unauthorized,
}

impl ApiError {
    /// Returns the status, and the stable code of the reply's body.
    pub(super) const fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BodyNotJson { .. } | Self::Incomplete | Self::PathEncoding => {
                (StatusCode::BAD_REQUEST, "bad_request")
            }
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::Edit(error) => (edit_status(error.kind()), error.kind().as_str()),
            Self::InvalidBody { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NoApi | Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
        }
    }

    /// Returns the message, without the faults.
    pub(super) fn message(&self) -> String {
        if let Self::Edit(error) = self { error.message().to_owned() } else { self.to_string() }
    }

    /// Returns the faults of the body, or of the config that the edit would give.
    pub(super) fn faults(&self) -> &[EditFault] {
        if let Self::Edit(error) = self {
            return error.faults();
        }
        if let Self::InvalidBody { faults, .. } = self { faults } else { &[] }
    }
}

const fn edit_status(kind: EditErrorKind) -> StatusCode {
    match kind {
        EditErrorKind::FileChanged
        | EditErrorKind::NameTaken
        | EditErrorKind::TemplateInUse
        | EditErrorKind::TenantTaken => StatusCode::CONFLICT,
        EditErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        EditErrorKind::TemplateNotFound | EditErrorKind::TenantNotBound => StatusCode::NOT_FOUND,
        EditErrorKind::Io => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
