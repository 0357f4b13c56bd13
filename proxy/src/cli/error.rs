//! Reasons why a command fails, with the messages for the operator.

use std::io;
use std::path::PathBuf;

use gatepost::{ConfigError, SampleError, StoreError};
use gatepost_editor::EditError;
use gatepost_store::OpenError;
use http::StatusCode;

use super::recorded_request::RecordingError;
use crate::app::FetchError;
use crate::platform::PlatformError;
use crate::server::StartError;
use crate::tls::TlsError;
use crate::trusting_client::TrustError;

/// Reason why a command fails.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// A running gatepost rejects a request, or does not respond.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// An argument is invalid.
    #[error("{argument}: {problem}")]
    Argument { argument: String, problem: String },
    /// gatepost cannot read the config, or the config or a definition has faults.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The command has printed the faults of the config or of a definition.
    #[error("expected a config without faults, found some; correct the printed faults")]
    Faults,
    /// The operator names no config file, and the working directory has none.
    #[error(
        "gatepost.toml: expected a config file in this folder, found none; create one with \
         `gatepost init`, or name a file with -c"
    )]
    NoConfig,
    /// The plan for the account at a platform has conflicts. The command has printed the conflicts.
    #[error("expected a plan without conflicts, found {0}; resolve each conflict in the output")]
    Conflicts(usize),
    /// The operator has not confirmed the command.
    #[error("{0}")]
    NotConfirmed(String),
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The environment variable of a key is missing or not UTF-8. If the given name has unusual
    /// characters, `name` does not contain it, because the operator may have given the key itself.
    #[error("expected a key in the environment variable {name}, found {found}; set the variable")]
    Environment { name: String, found: &'static str },
    #[error(
        "{}: expected a file that gatepost can use, found an error: {source}; check the path and \
         permissions",
        path.display()
    )]
    File { path: PathBuf, source: io::Error },
    /// The status of the reply to a sent callback is not 2xx.
    #[error("expected a reply with a 2xx status, found {0}; see the log of the server")]
    NotAccepted(StatusCode),
    /// gatepost cannot use the app's answer to a replayed event.
    #[error(
        "expected an answer that gatepost can use, found the code {0}; see the answer, and `gatepost help {0}`"
    )]
    NotAnswered(String),
    #[error(transparent)]
    Platform(PlatformError),
    #[error("{}: {source}", path.display())]
    Recording { path: PathBuf, source: RecordingError },
    /// gatepost refuses the recorded request.
    #[error("expected a genuine callback, found one that gatepost refuses; see the explanation")]
    Refused,
    #[error(transparent)]
    OpenStore(#[from] OpenError),
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Some replies have other statuses than the scenario expects. The command has printed these
    /// replies.
    #[error(
        "expected the statuses in the scenario, found another status for {unexpected} of {all} \
         callbacks; see the log of the server"
    )]
    Scenario { unexpected: usize, all: usize },
    #[error(
        "expected a reply from {host}, found none: {source}; start the server, or correct --to"
    )]
    Send { host: String, source: FetchError },
    /// No admin listener responds to `gatepost health`.
    #[error(
        "expected a response from {host}, found none: {source}; start gatepost with `admin` in its \
         config, or write the address of `admin` as the argument: gatepost health \
         http://127.0.0.1:9900/healthz"
    )]
    Health { host: String, source: FetchError },
    #[error("{}: {source}", path.display())]
    Start { path: PathBuf, source: StartError },
    #[error("{}: {source}", path.display())]
    Tls { path: PathBuf, source: TlsError },
    /// The status of the admin listener's response is not 2xx.
    #[error("expected a 2xx status, found {0}; see the log of the server")]
    Unhealthy(StatusCode),
    /// An operation of the operating system fails.
    #[error(
        "expected an operation of the system to succeed, found an error: {0}; check the system's limits"
    )]
    System(#[from] io::Error),
}

/// Reason why a request to the admin API fails.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdminError {
    /// gatepost rejects the request.
    #[error("{message}")]
    Refused { status: StatusCode, message: String },
    /// No response has arrived.
    #[error(
        "{address}: expected a response, found an error: {problem}; check --admin, and start gatepost"
    )]
    Unreachable { address: String, problem: String },
    /// The response does not come from the API.
    #[error("expected a response of gatepost's API, found another response; check --admin")]
    Unknown,
}

impl CommandError {
    /// Returns the exit code: 2 if the operator must call the command in another way, otherwise 1.
    pub(super) const fn exit_code(&self) -> u8 {
        let is_usage = matches!(
            self,
            Self::Argument { .. } | Self::Environment { .. } | Self::NoConfig | Self::Sample(_)
        );
        if is_usage { 2 } else { 1 }
    }

    /// Returns the stable code of the error; `None` for an error without a code.
    pub(super) fn code(&self) -> Option<&'static str> {
        if let Self::OpenStore(error) = self {
            return Some(error.code());
        }
        if let Self::Start { source, .. } = self { source.code() } else { None }
    }

    pub(super) fn argument(argument: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Argument { argument: argument.into(), problem: problem.into() }
    }
}

impl From<PlatformError> for CommandError {
    fn from(error: PlatformError) -> Self {
        match error {
            PlatformError::Config { place, problem } => Self::argument(place, problem),
            other @ (PlatformError::Refused { .. }
            | PlatformError::NotMoved { .. }
            | PlatformError::Lost { .. }
            | PlatformError::Unknown { .. }
            | PlatformError::Unreachable { .. }) => Self::Platform(other),
        }
    }
}

impl From<TrustError> for CommandError {
    fn from(TrustError { file, problem }: TrustError) -> Self {
        Self::argument(file, problem)
    }
}
