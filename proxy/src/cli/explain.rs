//! `gatepost explain`: explains the verdict on a recorded request.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use gatepost::{Gate, Head, Timestamp};

use super::error::CommandError;
use super::print::out;
use super::recorded_request::RecordedRequest;
use crate::clock;

/// Arguments of `gatepost explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// Config file.
    #[arg(short, long)]
    config: PathBuf,
    /// File with the request in wire format: head, empty line, body.
    request: PathBuf,
    /// Moment of receipt, in Unix seconds; default: now.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
}

pub(super) fn run(arguments: &ExplainArguments) -> Result<(), CommandError> {
    let gate = Gate::from_toml_file(&arguments.config)?;
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
