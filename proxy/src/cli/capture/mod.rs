//! `gatepost capture`, `gatepost tap` and `gatepost replay`: the callbacks that a running gatepost
//! has captured.

mod format;
mod rows;
mod vector;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use form_urlencoded::Serializer;
use serde_json::{Value as Json, json};

use self::format::{replayed, shown};
use self::rows::{CallbackTable, CapturedPage};
use super::admin_client::{AdminArguments, AdminClient};
use super::error::{AdminError, CommandError};
use super::print::{err, out};
use super::recorded_request::RecordedRequest;

/// Time for which one request of `gatepost tap` waits for a callback, in seconds.
const WAIT_SECS: u64 = 20;

/// Pause before `gatepost tap` connects again.
const RETRY: Duration = Duration::from_secs(1);

/// Commands of `gatepost capture`.
#[derive(Debug, Subcommand)]
pub(super) enum CaptureCommand {
    /// List the newest callbacks, oldest first.
    List {
        #[command(flatten)]
        admin: AdminArguments,
        #[command(flatten)]
        filter: FilterArguments,
        /// Maximum number of callbacks, up to 200.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: u64,
        /// Format of the output.
        #[arg(long, value_enum, default_value_t)]
        format: CaptureFormat,
    },
    /// Show a callback: request, steps of the verdict, event, answer, reply and times.
    Show {
        /// Number of the callback.
        id: u64,
        #[command(flatten)]
        admin: AdminArguments,
        /// Format of the output.
        #[arg(long, value_enum, default_value_t)]
        format: CaptureFormat,
    },
    /// Save a callback as a recorded request, which `gatepost explain` reads.
    Save {
        /// Number of the callback.
        id: u64,
        /// File to write; default: standard output.
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Folder for a test vector, in place of a recorded request: case.toml, body, and
        /// event.json if the callback has an event with JSON. Needs capture = "full", and a request
        /// without a token, a credential or a cut body.
        #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
        vector: Option<PathBuf>,
        #[command(flatten)]
        admin: AdminArguments,
    },
}

/// Arguments of `gatepost tap`.
#[derive(Debug, Args)]
pub(super) struct TapArguments {
    #[command(flatten)]
    admin: AdminArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// Number of earlier callbacks to print first, up to 200.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    last: u64,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: CaptureFormat,
}

/// Arguments of `gatepost replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// Number of the callback.
    id: u64,
    /// File whose content replaces the body of the event.
    #[arg(long, value_name = "FILE")]
    edit: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminArguments,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: CaptureFormat,
}

/// Conditions on callbacks.
#[derive(Debug, Args)]
pub(super) struct FilterArguments {
    /// Provider, for example tencent-css.
    #[arg(long)]
    provider: Option<String>,
    /// Name of the template.
    #[arg(long)]
    template: Option<String>,
    /// Kind, for example push.
    #[arg(long)]
    kind: Option<String>,
    /// Verdict.
    #[arg(long, value_parser = ["accepted", "refused"])]
    verdict: Option<String>,
    /// Code, for example `signature_mismatch`.
    #[arg(long)]
    code: Option<String>,
    /// Tenant, for example push.example.com.
    #[arg(long)]
    tenant: Option<String>,
    /// Text in the request, the event, the answer or the reply.
    #[arg(long)]
    text: Option<String>,
}

/// Format of captured callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum CaptureFormat {
    /// Text for a person.
    #[default]
    Human,
    /// JSON; one line for each callback of a list.
    Json,
}

impl FilterArguments {
    fn query(&self, more: &[(&str, u64)]) -> String {
        let mut query = Serializer::new(String::new());
        let given = [
            ("provider", &self.provider),
            ("template", &self.template),
            ("kind", &self.kind),
            ("verdict", &self.verdict),
            ("code", &self.code),
            ("tenant", &self.tenant),
            ("text", &self.text),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        for (name, number) in more {
            query.append_pair(name, &number.to_string());
        }
        format!("/api/capture?{}", query.finish())
    }
}

pub(super) fn run(command: &CaptureCommand) -> Result<(), CommandError> {
    match command {
        CaptureCommand::List { admin, filter, limit, format } => {
            let page = AdminClient::new(admin)?.get(&filter.query(&[("limit", *limit)]))?;
            warn_of(&page);
            CallbackTable::new(*format).lines(&page).iter().for_each(|line| out(line));
            Ok(())
        }
        CaptureCommand::Show { id, admin, format } => {
            let view: Json = AdminClient::new(admin)?.get(&format!("/api/capture/{id}"))?;
            out(&if *format == CaptureFormat::Json { view.to_string() } else { shown(&view) });
            Ok(())
        }
        CaptureCommand::Save { id, out, vector, admin } => {
            let client = AdminClient::new(admin)?;
            let request = client.get_bytes(&format!("/api/capture/{id}/request"))?;
            if let Some(folder) = vector {
                let view = client.get(&format!("/api/capture/{id}"))?;
                let parsed = RecordedRequest::parse(&request);
                let path = || PathBuf::from(format!("callback {id}"));
                let parsed =
                    parsed.map_err(|source| CommandError::Recording { path: path(), source })?;
                return vector::save(folder, &view, &parsed);
            }
            match out {
                None => Ok(io::stdout().write_all(&request)?),
                Some(path) => std::fs::write(path, &request)
                    .map_err(|source| CommandError::File { path: path.clone(), source }),
            }
        }
    }
}

/// Prints callbacks as they arrive, until the operator stops the command or closes the output.
pub(super) fn tap(arguments: &TapArguments) -> Result<(), CommandError> {
    let client = AdminClient::new(&arguments.admin)?;
    let first = ("limit", arguments.last.max(1));
    let mut page: CapturedPage = client.get(&arguments.filter.query(&[first]))?;
    warn_of(&page);
    if arguments.last == 0 {
        page.callbacks.clear();
    }
    let mut table = CallbackTable::new(arguments.format);
    let mut is_lost = false;
    loop {
        // Print the header with the first callback, whose values determine the column widths.
        let lines = if page.callbacks.is_empty() { Vec::new() } else { table.lines(&page) };
        for line in lines {
            if writeln!(io::stdout(), "{line}").is_err() {
                return Ok(());
            }
        }
        let query = arguments.filter.query(&[("after", page.last), ("wait", WAIT_SECS)]);
        page = match client.get(&query) {
            Ok(page) => page,
            Err(error @ AdminError::Unreachable { .. }) => {
                if !is_lost {
                    err(&format!("{error}; trying again every second"));
                }
                is_lost = true;
                thread::sleep(RETRY);
                page.callbacks.clear();
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        is_lost = false;
        if page.missed > 0 {
            let missed = page.missed;
            err(&format!("gatepost dropped {missed} callbacks that this command has not printed"));
        }
    }
}

/// Sends an event to the app again, and prints the answer. Fails if gatepost cannot use the answer.
pub(super) fn replay(arguments: &ReplayArguments) -> Result<(), CommandError> {
    let body = match &arguments.edit {
        None => json!({}),
        Some(path) => {
            let file = |source| CommandError::File { path: path.clone(), source };
            json!({ "body": std::fs::read_to_string(path).map_err(file)? })
        }
    };
    let client = AdminClient::new(&arguments.admin)?;
    let result: Json = client.post(&format!("/api/capture/{}/replay", arguments.id), &body)?;
    let is_json = arguments.format == CaptureFormat::Json;
    out(&if is_json { result.to_string() } else { replayed(&result) });
    let code = result["code"].as_str().unwrap_or_default();
    if code == "app" { Ok(()) } else { Err(CommandError::NotAnswered(code.to_owned())) }
}

fn warn_of(page: &CapturedPage) {
    if page.capture == "none" {
        err(
            "expected captured callbacks, found capture = \"none\"; set capture = \"masked\" in [inspector]",
        );
    }
}
