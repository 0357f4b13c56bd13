//! Errors of config edits: kind, message and faults.

use std::fmt;
use std::path::Path;

use gatepost::{ConfigError, Fault};
use serde::Serialize;

/// Reason why an edit fails. The message contains the problem and, after `;`, the remedy if there
/// is one.
#[derive(Debug, thiserror::Error)]
pub struct EditError {
    kind: EditErrorKind,
    message: String,
    faults: Vec<EditFault>,
}

/// Kind of an [`EditError`], with a stable code for machines. The enum is exhaustive, so that a
/// mapping to HTTP statuses covers every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditErrorKind {
    /// The file has changed since gatepost read it.
    FileChanged,
    /// The edit itself is invalid, or would make the config invalid.
    Invalid,
    /// gatepost cannot read or write the file.
    Io,
    /// Another template already has the new name.
    NameTaken,
    /// Tenants are bound to the template, or a route names it.
    TemplateInUse,
    /// There is no template with this name.
    TemplateNotFound,
    /// The tenant is not bound to the template.
    TenantNotBound,
    /// The tenant is bound to another template of the same provider.
    TenantTaken,
}

impl EditErrorKind {
    /// Returns the stable code, for example `name_taken`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FileChanged => "file_changed",
            Self::Invalid => "invalid",
            Self::Io => "internal",
            Self::NameTaken => "name_taken",
            Self::TemplateInUse => "template_in_use",
            Self::TemplateNotFound => "template_not_found",
            Self::TenantNotBound => "tenant_not_bound",
            Self::TenantTaken => "tenant_taken",
        }
    }
}

impl EditError {
    /// Makes an error of this kind.
    #[must_use]
    pub fn new(kind: EditErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), faults: Vec::new() }
    }

    /// Makes an error of the kind [`EditErrorKind::Invalid`].
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(EditErrorKind::Invalid, message)
    }

    pub(crate) fn io(path: &Path, what: &str, error: &std::io::Error) -> Self {
        let message = format!("{}: the file cannot be {what}: {error}", path.display());
        Self::new(EditErrorKind::Io, message)
    }

    /// Makes the error for an edit that would make the config invalid.
    pub(crate) fn unchecked(error: &ConfigError) -> Self {
        let message = "the edit would make the config invalid, so the file is unchanged; \
                       correct these faults";
        let faults = error.faults().iter().map(EditFault::from).collect();
        Self { faults, ..Self::invalid(message) }
    }

    /// Adds a remedy to the message.
    #[must_use]
    pub fn with_remedy(mut self, remedy: &str) -> Self {
        self.message = format!("{}; {remedy}", self.message);
        self
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> EditErrorKind {
        self.kind
    }

    /// Returns the message, without the faults.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the faults that the config would have after the edit; empty if the edit fails for
    /// another reason.
    #[must_use]
    pub fn faults(&self) -> &[EditFault] {
        &self.faults
    }
}

/// Formats the message, then one line for each fault.
impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// One fault in the config after an edit, or in a request for an edit. It never contains the value
/// of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EditFault {
    /// File with the fault; `None` for the config file itself and for a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in the file after the edit, counted from 1; `None` for a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in the line, counted from 1; `None` for a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Full key, for example `template[0].on.push`.
    pub key: String,
    /// Problem with the key.
    pub problem: String,
    /// Remedy for the problem.
    pub remedy: String,
}

impl EditFault {
    /// Makes a fault without a file, line or column.
    #[must_use]
    pub fn new(key: &str, problem: &str, remedy: &str) -> Self {
        let (key, problem, remedy) = (key.to_owned(), problem.to_owned(), remedy.to_owned());
        Self { file: None, line: None, column: None, key, problem, remedy }
    }
}

impl From<&Fault> for EditFault {
    fn from(fault: &Fault) -> Self {
        Self {
            file: fault.file().map(str::to_owned),
            line: Some(fault.line()),
            column: Some(fault.column()),
            ..Self::new(fault.key(), fault.problem(), fault.remedy())
        }
    }
}

impl fmt::Display for EditFault {
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
