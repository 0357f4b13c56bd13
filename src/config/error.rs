//! The error for a config that gatepost cannot read or does not accept.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::toml_reader::Fault;

/// Reason why gatepost cannot read or does not accept a config.
///
/// `Display` writes one line for each fault, `file:line:column: key: problem; remedy`. No line
/// contains the value of a secret.
///
/// # Examples
///
/// ```
/// use gatepost::Config;
///
/// let text = "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent'\n";
/// let error = Config::from_text(text, "gatepost.toml").unwrap_err();
/// assert_eq!(error.faults().len(), 1);
/// assert!(error.to_string().starts_with(
///     "gatepost.toml:3:12: route[0].provider: expected a known provider, "
/// ));
/// ```
///
/// `Debug` prints the same as `Display`, for programs that unwrap the error or return it from
/// `main`.
pub struct ConfigError {
    path: Option<PathBuf>,
    cause: Cause,
}

enum Cause {
    Faults { errors: Vec<Fault>, warnings: Vec<Fault> },
    Read(io::Error),
}

impl ConfigError {
    /// Creates the error for a list of faults and warnings.
    pub(crate) fn faults_in(faults: Vec<Fault>) -> Self {
        let (warnings, errors) = faults.into_iter().partition(|fault| fault.kind().is_warning());
        Self { path: None, cause: Cause::Faults { errors, warnings } }
    }

    pub(crate) const fn unreadable(error: io::Error) -> Self {
        Self { path: None, cause: Cause::Read(error) }
    }

    /// Sets the path of the config file, for `Display`.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Returns the faults, in the order of the file. If gatepost cannot read the file, the list is
    /// empty.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match &self.cause {
            Cause::Faults { errors, .. } => errors,
            Cause::Read(_) => &[],
        }
    }

    /// Returns a warning for each setting that is allowed but not recommended, in the order of the
    /// file. `Display` omits the warnings.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        match &self.cause {
            Cause::Faults { warnings, .. } => warnings,
            Cause::Read(_) => &[],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().unwrap_or_else(|| Path::new("config")).display();
        match &self.cause {
            Cause::Read(error) => {
                write!(f, "{path}: {}; check the path and permissions", unreadable_file(error))
            }
            Cause::Faults { errors, .. } => {
                for (index, fault) in errors.iter().enumerate() {
                    let newline = if index > 0 { "\n" } else { "" };
                    match fault.file() {
                        Some(file) => write!(f, "{newline}{file}:{fault}")?,
                        None => write!(f, "{newline}{path}:{fault}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Read(error) => Some(error),
            Cause::Faults { .. } => None,
        }
    }
}

/// Describes a file that gatepost cannot read.
pub(super) fn unreadable_file(error: &io::Error) -> String {
    let kind = error.kind();
    let found = if kind == io::ErrorKind::NotFound {
        "none".to_owned()
    } else if kind == io::ErrorKind::PermissionDenied {
        "a file without permission to read".to_owned()
    } else if kind == io::ErrorKind::IsADirectory {
        "a folder".to_owned()
    } else {
        format!("an error: {error}")
    };
    format!("expected a readable file, found {found}")
}
