//! Errors of config edits: category, message and faults.

use std::fmt;
use std::path::Path;

use gatepost::{ConfigError, Fault};
use serde::Serialize;

/// Error returned if gatepost cannot read, check, edit or replace the config file. The message
/// states the problem, then an optional remedy after `;`.
#[derive(Debug, thiserror::Error)]
pub struct EditError {
    kind: EditErrorKind,
    message: String,
    faults: Vec<EditFault>,
}

/// Category of an [`EditError`], with a stable code. The enum is exhaustive, so the compiler checks
/// that a mapping to HTTP statuses covers every variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditErrorKind {
    /// The config file has changed since gatepost read it.
    FileChanged,
    /// The config file has several hard links.
    FileLinked,
    /// The current config, the edit or the edited config is invalid.
    Invalid,
    /// gatepost cannot read or write the config file.
    Io,
    /// Another template already has the new name.
    NameTaken,
    /// A changed setting applies only after a restart.
    RestartNeeded,
    /// The template has bound tenants, or a route names the template.
    TemplateInUse,
    /// The config has no template with the given name.
    TemplateNotFound,
    /// The template does not bind the tenant.
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
            Self::FileLinked => "file_linked",
            Self::Invalid => "invalid",
            Self::Io => "internal",
            Self::NameTaken => "name_taken",
            Self::RestartNeeded => "restart_needed",
            Self::TemplateInUse => "template_in_use",
            Self::TemplateNotFound => "template_not_found",
            Self::TenantNotBound => "tenant_not_bound",
            Self::TenantTaken => "tenant_taken",
        }
    }
}

impl EditError {
    /// Creates an error with this category and message.
    #[must_use]
    pub fn new(kind: EditErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), faults: Vec::new() }
    }

    /// Creates an error of the category [`EditErrorKind::Invalid`].
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(EditErrorKind::Invalid, message)
    }

    /// Creates the error for a failed `action`, which is `read` or `write`.
    pub(crate) fn io(path: &Path, action: &str, error: &std::io::Error) -> Self {
        let message = format!(
            "{}: expected a file that gatepost can {action}, found an error: {error}; check the path \
             and the permissions, then try again",
            path.display()
        );
        Self::new(EditErrorKind::Io, message)
    }

    /// Creates the error for an invalid config, with all faults of the config.
    pub(crate) fn unchecked(error: &ConfigError) -> Self {
        let message = "expected a valid config, found faults, so gatepost keeps the old config; \
                       correct these faults";
        Self::faulty(message, error.faults().iter().map(EditFault::from).collect())
    }

    /// Creates the error for an edit with these faults.
    pub(crate) fn faulty(message: &str, faults: Vec<EditFault>) -> Self {
        Self { faults, ..Self::invalid(message) }
    }

    /// Adds a remedy to the message.
    #[must_use]
    pub fn with_remedy(mut self, remedy: &str) -> Self {
        self.message = format!("{}; {remedy}", self.message);
        self
    }

    /// Adds the path of the config file to each fault of this file.
    #[must_use]
    pub fn in_config_file(mut self, path: &Path) -> Self {
        let of_file = |fault: &&mut EditFault| fault.file.is_none() && fault.line.is_some();
        let faults = self.faults.iter_mut().filter(of_file);
        faults.for_each(|fault| fault.file = Some(path.display().to_string()));
        self
    }

    /// Returns the category.
    #[must_use]
    pub const fn kind(&self) -> EditErrorKind {
        self.kind
    }

    /// Returns the message, without the faults.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the faults of the config or of the API request. If the error has another cause, the
    /// slice is empty.
    #[must_use]
    pub fn faults(&self) -> &[EditFault] {
        &self.faults
    }
}

/// Writes the message, then one line for each fault.
impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// One fault in a config, or in an API request for an edit. The fault never contains the value of a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EditFault {
    /// Path of the file with the fault; `None` for the config file and for an API request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of the fault in the checked file, counted from 1; `None` if the fault is not from the
    /// check of a config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column of the fault in the line, counted from 1; `None` if the fault is not from the check
    /// of a config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Stable code of the fault; `None` if the fault is not from the check of a config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Full path of the key with the fault, for example `template[0].on.push`.
    pub key: String,
    /// Description of the problem.
    pub problem: String,
    /// Remedy for the problem.
    pub remedy: String,
}

impl EditFault {
    /// Creates a fault without a file, line, column or code.
    #[must_use]
    pub fn new(key: &str, problem: &str, remedy: &str) -> Self {
        let (key, problem, remedy) = (key.to_owned(), problem.to_owned(), remedy.to_owned());
        Self { file: None, line: None, column: None, code: None, key, problem, remedy }
    }
}

impl From<&Fault> for EditFault {
    fn from(fault: &Fault) -> Self {
        Self {
            file: fault.file().map(str::to_owned),
            line: Some(fault.line()),
            column: Some(fault.column()),
            code: Some(fault.kind().as_str()),
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
