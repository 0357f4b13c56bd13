//! Reasons why a command fails, as they are printed to the operator.

use std::io;
use std::path::PathBuf;

use gatepost::{ConfigError, SampleError};
use gatepost_editor::EditError;

use super::recorded_request::RecordingError;
use crate::app::FetchError;
use crate::server::StartError;

/// Reason why a command fails.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// An argument cannot be used.
    #[error("{argument}: {problem}")]
    Argument { argument: String, problem: String },
    /// The config or a definition has faults.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operator did not confirm.
    #[error("{0}")]
    NotConfirmed(String),
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The environment variable of a key is not set. Its name may be the key, put there by mistake,
    /// so a name of unusual characters is not printed.
    #[error("the environment variable {0} is not set")]
    Environment(String),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The server did not accept the request that was sent.
    #[error("it was not accepted")]
    NotAccepted,
    #[error("{}: {source}", path.display())]
    Recording { path: PathBuf, source: RecordingError },
    /// The recorded request is refused.
    #[error("refused")]
    Refused,
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error("{host}: {source}")]
    Send { host: String, source: FetchError },
    #[error("{}: {source}", path.display())]
    Start { path: PathBuf, source: StartError },
    /// The system refused a resource.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl CommandError {
    pub(super) fn argument(argument: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Argument { argument: argument.into(), problem: problem.into() }
    }
}
