//! Errors of the API, each with a status and a code.

use std::time::Duration;

use gatepost::StoreError;
use gatepost_editor::{EditError, EditErrorKind, EditFault};
use http::StatusCode;

use crate::capture::{FilterError, ReplayError};
use crate::telemetry::metrics::AdminRefusal;

/// Error of a request to the API.
#[derive(Debug, thiserror::Error)]
pub(in crate::admin) enum ApiError {
    #[error(
        "expected JSON as the body, found a syntax error; correct line {line}, column {column}"
    )]
    BodyNotJson { line: usize, column: usize },
    #[error("expected a body of at most {limit} bytes, found more; send a shorter body")]
    BodyTooLarge { limit: usize },
    #[error(
        "expected a JSON body, found another content-type; send content-type: application/json"
    )]
    BodyType,
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Filter(FilterError),
    #[error(
        "expected a host of the admin API, found another name; use an IP address or localhost, or \
         add the name to admin_hosts"
    )]
    HostRefused,
    #[error("expected the whole request body within 10 s, found a part of it; send the whole body")]
    Incomplete,
    #[error("{message}")]
    InvalidBody { message: &'static str, faults: Vec<EditFault> },
    #[error("expected a method of the path, found an unsupported method; use {allow}")]
    MethodNotAllowed { allow: String },
    #[error(
        "expected admin_token or admin_read_token in the config, found neither; set admin_token"
    )]
    NoApi,
    #[error("expected a captured callback with this number, found none; see /api/capture")]
    NoCapture,
    #[error("expected a queued event with this number, found none; see /api/queue")]
    NoEvent,
    #[error(
        "expected a [store] in the config, found none; add [store] with url = \"sqlite:gatepost.db\""
    )]
    NoStore,
    #[error("expected a path of the API, found an unknown path; see /api/openapi.json")]
    NotFound,
    #[error("expected a response, found a fault of gatepost; see its log")]
    Panicked,
    #[error("{0}")]
    Parameter(String),
    #[error(
        "expected percent-encoded UTF-8 in the path, found an invalid encoding; encode each name"
    )]
    PathEncoding,
    #[error(
        "expected the admin_token for a change, found the admin_read_token; send the admin_token"
    )]
    ReadOnly,
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "expected a pause after wrong tokens, found another token, which gatepost did not compare; \
         wait {} s (retry-after)",
        whole_secs(*delay)
    )]
    TooManyAttempts { delay: Duration },
    #[error(
        "expected the admin_token or the admin_read_token, found no token or a wrong token; send \
         authorization: Bearer TOKEN"
    )]
    Unauthorized,
}

/// Returns a delay in seconds, rounded up, so that the client does not send its next token too
/// early.
pub(super) fn whole_secs(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

impl ApiError {
    /// Returns the status of the response, and the stable code in its body.
    pub(super) const fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BodyNotJson { .. }
            | Self::Filter(_)
            | Self::Incomplete
            | Self::Parameter(_)
            | Self::PathEncoding => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::Edit(error) => (edit_status(error.kind()), error.kind().as_str()),
            Self::HostRefused => {
                (StatusCode::MISDIRECTED_REQUEST, AdminRefusal::HostRefused.as_str())
            }
            Self::InvalidBody { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NoCapture => (StatusCode::NOT_FOUND, "callback_not_found"),
            Self::NoEvent => (StatusCode::NOT_FOUND, "event_not_found"),
            Self::NoStore => (StatusCode::NOT_FOUND, "no_store"),
            Self::NoApi | Self::NotFound => {
                (StatusCode::NOT_FOUND, AdminRefusal::NotFound.as_str())
            }
            Self::ReadOnly => (StatusCode::FORBIDDEN, AdminRefusal::ReadOnly.as_str()),
            Self::Replay(_) => (StatusCode::CONFLICT, "not_replayable"),
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
            Self::TooManyAttempts { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, AdminRefusal::TooManyAttempts.as_str())
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, AdminRefusal::Unauthorized.as_str()),
        }
    }

    /// Returns the code under which gatepost counts a request that the API has not admitted; `None`
    /// for an error of an admitted request.
    pub(super) const fn refusal(&self) -> Option<AdminRefusal> {
        match self {
            Self::HostRefused => Some(AdminRefusal::HostRefused),
            Self::NoApi => Some(AdminRefusal::NotFound),
            Self::ReadOnly => Some(AdminRefusal::ReadOnly),
            Self::TooManyAttempts { .. } => Some(AdminRefusal::TooManyAttempts),
            Self::Unauthorized => Some(AdminRefusal::Unauthorized),
            Self::BodyNotJson { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyType
            | Self::Edit(_)
            | Self::Filter(_)
            | Self::Incomplete
            | Self::InvalidBody { .. }
            | Self::MethodNotAllowed { .. }
            | Self::NoCapture
            | Self::NoEvent
            | Self::NoStore
            | Self::NotFound
            | Self::Panicked
            | Self::Parameter(_)
            | Self::PathEncoding
            | Self::Replay(_)
            | Self::Store(_) => None,
        }
    }

    pub(super) fn parameter(name: &str, wanted: &str) -> Self {
        Self::Parameter(format!("{name}: expected {wanted}, found another value; write {wanted}"))
    }

    pub(super) fn unknown_parameter(known: &str) -> Self {
        Self::Parameter(format!("expected a known parameter, found another; use {known}"))
    }

    /// Returns the message without the faults.
    pub(super) fn message(&self) -> String {
        if let Self::Edit(error) = self { error.message().to_owned() } else { self.to_string() }
    }

    /// Returns the faults of the request body or of the edited config.
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
        | EditErrorKind::FileLinked
        | EditErrorKind::NameTaken
        | EditErrorKind::RestartNeeded
        | EditErrorKind::TemplateInUse
        | EditErrorKind::TenantTaken => StatusCode::CONFLICT,
        EditErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        EditErrorKind::TemplateNotFound | EditErrorKind::TenantNotBound => StatusCode::NOT_FOUND,
        EditErrorKind::Io => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
