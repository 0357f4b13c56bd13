//! `gatepost explain`: explains the verdict on a recorded request.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use gatepost::{Config, Gate, Head, Timestamp};

use super::config_argument::ConfigArgument;
use super::error::CommandError;
use super::print::out;
use super::recorded_request::RecordedRequest;
use crate::capture::RecordedVerdict;
use crate::clock;
use crate::table::plain;

/// Arguments of `gatepost explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// File with the request in wire format (head, empty line, body), for example the output of
    /// `gatepost send --print` or `gatepost capture save`.
    request: PathBuf,
    /// Time of the request's arrival, in Unix seconds; default: the time in the recorded request,
    /// or the current time if the request has no time.
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
    if let Some(verdict) = recorded.recorded.as_ref().filter(|verdict| verdict.is_masked) {
        return print_recorded(verdict);
    }
    let at = arguments.at.or_else(|| Some(recorded.recorded.as_ref()?.at));
    let now = at.map_or_else(clock::now, Timestamp::from_secs);
    let head = Head::new(&recorded.method, &recorded.uri, &recorded.headers);
    let explanation = gate.explain(&head, recorded.body, now);
    out(&explanation.to_string());
    match explanation.verdict {
        Some(Err(_)) => Err(CommandError::Refused),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Prints the recorded verdict on a masked request, because gatepost cannot judge the request
/// again.
fn print_recorded(verdict: &RecordedVerdict) -> Result<(), CommandError> {
    for (name, found) in &verdict.steps {
        out(&plain(&format!("{name:<10} {found}")));
    }
    out(&plain(&format!("{:<10} {}", "verdict", verdict.explanation)));
    if verdict.is_of_earlier_config {
        let note = "computed with a config that gatepost loaded after the verdict";
        out(&format!("{:<10} {note}", "steps"));
    }
    out(&format!("{:<10} the recorded verdict; a part of the request is masked or cut", "source"));
    if verdict.verdict == "refused" { Err(CommandError::Refused) } else { Ok(()) }
}
