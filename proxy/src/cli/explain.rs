//! `gatepost explain`: explains the verdict on a recorded request.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use gatepost::{Config, Gate, Head, Timestamp};

use super::config_argument::ConfigArgument;
use super::error::CommandError;
use super::print::out;
use super::recorded_request::RecordedRequest;
use crate::clock;

/// Arguments of `gatepost explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// File with the request in wire format: head, empty line, body.
    request: PathBuf,
    /// Moment of receipt, in Unix seconds; default: now.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
}

pub(super) fn run(arguments: &ExplainArguments) -> Result<(), CommandError> {
    let gate = Gate::new(Config::from_file(arguments.config.path()?)?);
    let path = || arguments.request.clone();
    let wire = fs::read(&arguments.request);
    let wire = wire.map_err(|source| CommandError::File { path: path(), source })?;
    let recorded = RecordedRequest::parse(&wire)
        .map_err(|source| CommandError::Recording { path: path(), source })?;
    let now = arguments.at.map_or_else(clock::now, Timestamp::from_secs);
    let head = Head::new(&recorded.method, &recorded.uri, &recorded.headers);
    let explanation = gate.explain(&head, recorded.body, now);
    out(&explanation.to_string());
    match explanation.verdict {
        Some(Err(_)) => Err(CommandError::Refused),
        Some(Ok(_)) | None => Ok(()),
    }
}
