//! Why an edit, or a request for one, was not carried out.

use std::fmt;
use std::path::Path;

use gatepost::{ConfigError, Fault};
use http::StatusCode;
use serde::Serialize;

/// Why nothing was changed: what is wrong, and what to do about it.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// Each on its own, where there are several.
    pub(crate) flaws: Vec<Flaw>,
}

/// The kind of a problem; a stable word for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    BadRequest,
    BodyTooLarge,
    FileChanged,
    Internal,
    Invalid,
    MethodNotAllowed,
    NameTaken,
    NotFound,
    TemplateInUse,
    TemplateNotFound,
    TenantNotBound,
    TenantTaken,
    Unauthorized,
    UnsupportedMediaType,
}

impl Code {
    /// The word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::BodyTooLarge => "body_too_large",
            Self::FileChanged => "file_changed",
            Self::Internal => "internal",
            Self::Invalid => "invalid",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NameTaken => "name_taken",
            Self::NotFound => "not_found",
            Self::TemplateInUse => "template_in_use",
            Self::TemplateNotFound => "template_not_found",
            Self::TenantNotBound => "tenant_not_bound",
            Self::TenantTaken => "tenant_taken",
            Self::Unauthorized => "unauthorized",
            Self::UnsupportedMediaType => "unsupported_media_type",
        }
    }

    /// What the API answers with.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::FileChanged | Self::NameTaken | Self::TemplateInUse | Self::TenantTaken => {
                StatusCode::CONFLICT
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound | Self::TemplateNotFound | Self::TenantNotBound => StatusCode::NOT_FOUND,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

/// One of several things that are wrong. It never quotes a value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Flaw {
    /// The file, if it is another than the config itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The line in the file as it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    /// The key, as in `template[0].on.push`.
    pub(crate) key: String,
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

impl Flaw {
    /// A flaw of a request.
    pub(crate) fn new(key: &str, problem: &str, remedy: &str) -> Self {
        let (key, problem, remedy) = (key.to_owned(), problem.to_owned(), remedy.to_owned());
        Self { file: None, line: None, column: None, key, problem, remedy }
    }
}

impl From<&Fault> for Flaw {
    fn from(fault: &Fault) -> Self {
        Self {
            file: fault.file().map(str::to_owned),
            line: Some(fault.line()),
            column: Some(fault.column()),
            ..Self::new(fault.key(), fault.problem(), fault.remedy())
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), flaws: Vec::new() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }

    /// The file could not be read or written.
    pub(crate) fn io(path: &Path, what: &str, error: &std::io::Error) -> Self {
        Self::new(Code::Internal, format!("{}: the file cannot be {what}: {error}", path.display()))
    }

    /// The result of an edit does not check.
    pub(crate) fn unchecked(error: &ConfigError) -> Self {
        let message = "with this edit the file would not check, so it is left as it was";
        let flaws = error.faults().iter().map(Flaw::from).collect();
        Self { flaws, ..Self::invalid(message) }
    }
}

/// The message, and a line for each flaw.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.flaws.iter().try_for_each(|flaw| write!(f, "\n  {flaw}"))
    }
}
