//! `gatepost explain`: why a recorded request is accepted or refused.

use std::path::PathBuf;
use std::{fs, io};

use clap::Args;
use gatepost::{Gate, Head, Timestamp};

use super::print::{Problem, say};
use super::recorded_request::Recorded;
use crate::clock;

/// Which request, and by which config.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The config file.
    #[arg(short, long)]
    config: PathBuf,
    /// The request as it stood on the wire: head, empty line, body.
    request: PathBuf,
    /// When it was received, in Unix seconds; now without it.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
}

pub(crate) fn run(explain: &Explain) -> Result<(), Problem> {
    let gate = Gate::from_toml_file(&explain.config).map_err(|error| error.to_string())?;
    let path = explain.request.display();
    let wire = fs::read(&explain.request).map_err(|error| format!("{path}: {error}"))?;
    let recorded = Recorded::parse(&wire).map_err(|why| format!("{path}: {why}"))?;
    let now = explain.at.map_or_else(clock::now, Timestamp::from_secs);
    let head = Head::new(&recorded.method, &recorded.uri, &recorded.headers);
    let explanation = gate.explain(&head, recorded.body, now);
    say(io::stdout(), &explanation.to_string());
    match explanation.verdict {
        Some(Err(_)) => Err("refused".into()),
        Some(Ok(_)) | None => Ok(()),
    }
}
