//! What is wrong with a config: the operator's fault, all of it at once.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::toml_reader::Fault;

/// Why a config was not taken. Nothing was started.
///
/// Its `Display` is one line for each fault, `file:line:column: key: problem; remedy`, and never
/// shows a value of the file.
#[derive(Debug)]
pub struct ConfigError {
    path: Option<PathBuf>,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Faults(Vec<Fault>),
    Read(io::Error),
}

impl ConfigError {
    pub(crate) const fn faults_in(faults: Vec<Fault>) -> Self {
        Self { path: None, cause: Cause::Faults(faults) }
    }

    pub(crate) const fn unreadable(error: io::Error) -> Self {
        Self { path: None, cause: Cause::Read(error) }
    }

    /// Says which file it is about.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Every fault, in the order of the file; none if the file could not be read.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match &self.cause {
            Cause::Faults(faults) => faults,
            Cause::Read(_) => &[],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().unwrap_or_else(|| Path::new("config")).display();
        match &self.cause {
            Cause::Read(error) => write!(f, "{path}: the file cannot be read: {error}"),
            Cause::Faults(faults) => {
                for (index, fault) in faults.iter().enumerate() {
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

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Read(error) => Some(error),
            Cause::Faults(_) => None,
        }
    }
}
