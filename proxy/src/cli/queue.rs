//! `gatepost queue`: lists, shows, replays and drops the events of the store.

use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use gatepost::{Config, EntryState, Gate, QueueEntry, QueueFilter, Store};
use serde_json::json;
use tokio::runtime::Builder;

use super::config_argument::ConfigArgument;
use super::error::CommandError;
use super::print::out;
use crate::clock;
use crate::queue::{self, entry_json, event_json, masked, within_limit};
use crate::table;

#[derive(Debug, Subcommand)]
pub(super) enum QueueCommand {
    /// List events, the oldest first.
    List {
        #[command(flatten)]
        filter: QueueFilterArguments,
        /// Maximum number of events.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Show an event with its headers and its body. Mask values that may be secrets.
    Show {
        /// Number of the event.
        number: u64,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Queue delivered and dead events again. The app receives them with `gatepost-replay: 1`.
    Replay {
        #[command(flatten)]
        filter: QueueFilterArguments,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Remove events, except those that gatepost is sending. You cannot undo this.
    Drop {
        #[command(flatten)]
        filter: QueueFilterArguments,
        #[command(flatten)]
        output: OutputArguments,
    },
}

#[derive(Debug, Args)]
pub(super) struct OutputArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: QueueFormat,
}

/// Format of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum QueueFormat {
    #[default]
    Text,
    Json,
}

/// Conditions on events. A command selects the events that meet all conditions.
#[derive(Debug, Args)]
pub(super) struct QueueFilterArguments {
    /// Numbers of the events.
    numbers: Vec<u64>,
    /// State: `pending`, `delivered` or `dead`.
    #[arg(long, value_parser = state)]
    state: Option<EntryState>,
    /// Only pending events whose last attempt failed.
    #[arg(long)]
    failing: bool,
    /// Name of the template.
    #[arg(long)]
    template: Option<Box<str>>,
    /// Kind, for example `push`.
    #[arg(long)]
    kind: Option<Box<str>>,
    /// Subject, for example `live/stream-1`.
    #[arg(long)]
    subject: Option<Box<str>>,
    /// `ce-id` of the event.
    #[arg(long)]
    id: Option<Box<str>>,
}

fn state(word: &str) -> Result<EntryState, String> {
    EntryState::parse(word).ok_or_else(|| "expected pending, delivered or dead".to_owned())
}

impl QueueFilterArguments {
    fn to_filter(&self) -> QueueFilter {
        QueueFilter {
            numbers: self.numbers.clone(),
            state: self.state,
            is_failing: self.failing,
            template: self.template.clone(),
            kind: self.kind.clone(),
            subject: self.subject.clone(),
            id: self.id.clone(),
            ..QueueFilter::default()
        }
    }

    /// Returns the filter of a command that changes events. Returns an error for an empty filter.
    fn required(&self) -> Result<QueueFilter, CommandError> {
        let filter = self.to_filter();
        if filter == QueueFilter::default() {
            let problem = "expected a number or a filter, found none; write --state dead for all dead \
                           letters";
            return Err(CommandError::argument("queue", problem));
        }
        Ok(filter)
    }
}

/// Runs a `gatepost queue` command.
pub(super) fn run(command: &QueueCommand) -> Result<(), CommandError> {
    match command {
        QueueCommand::List { filter, limit, output } => {
            let filter = QueueFilter { limit: Some(*limit), ..filter.to_filter() };
            let gate = Gate::new(Config::from_file(output.config.path()?)?);
            let entries = on_store(output, async |store| within_limit(store.list(&filter)).await)?;
            let entries: Vec<_> = entries.into_iter().map(|entry| masked(&gate, entry)).collect();
            match output.format {
                QueueFormat::Text => lines(&entries).iter().for_each(|line| out(line)),
                QueueFormat::Json => {
                    let events: Vec<_> = entries.iter().map(entry_json).collect();
                    out(&json!({ "events": events }).to_string());
                }
            }
        }
        QueueCommand::Show { number, output } => {
            let gate = Gate::new(Config::from_file(output.config.path()?)?);
            let found = on_store(output, async |store| within_limit(store.show(*number)).await)?;
            let Some((entry, event)) = found else {
                let problem = format!(
                    "expected an event with the number {number}, found none; see gatepost queue list"
                );
                return Err(CommandError::argument("NUMBER", problem));
            };
            let shown = event_json(&gate, &masked(&gate, entry), &event);
            match output.format {
                QueueFormat::Text => out(&format!("{shown:#}")),
                QueueFormat::Json => out(&shown.to_string()),
            }
        }
        QueueCommand::Replay { filter, output } => {
            let filter = filter.required()?;
            let count = on_store(output, async |store| store.replay(&filter, clock::now()).await)?;
            report(output, "replayed", count);
        }
        QueueCommand::Drop { filter, output } => {
            let filter = filter.required()?;
            let count = on_store(output, async |store| store.remove(&filter, clock::now()).await)?;
            report(output, "dropped", count);
        }
    }
    Ok(())
}

fn report(output: &OutputArguments, done: &str, count: u64) {
    match output.format {
        QueueFormat::Text => {
            out(&format!("{done} {count} {}", if count == 1 { "event" } else { "events" }))
        }
        QueueFormat::Json => out(&json!({ done: count }).to_string()),
    }
}

/// Opens the store of the config, and runs an operation.
fn on_store<T>(
    output: &OutputArguments,
    operate: impl AsyncFnOnce(&dyn Store) -> Result<T, gatepost::StoreError>,
) -> Result<T, CommandError> {
    let path: &Path = output.config.path()?;
    let config = Config::from_file(path)?;
    let Some(settings) = &config.proxy().store else {
        let problem = "expected a [store] in the config, found none; add [store] with url = \"sqlite:gatepost.db\"";
        return Err(CommandError::argument(path.display().to_string(), problem));
    };
    let store = queue::attach(settings)?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(operate(&*store))?)
}

fn lines(entries: &[QueueEntry]) -> Vec<String> {
    let header = ["NUMBER", "STATE", "TEMPLATE/KIND", "SUBJECT", "RECEIVED", "ATTEMPTS", "REASON"];
    let rows = entries.iter().map(|entry| {
        [
            entry.number.to_string(),
            entry.state.as_str().to_owned(),
            table::plain(&entry.lane.to_string()),
            table::plain(entry.subject.as_deref().unwrap_or("-")),
            entry.received.to_string(),
            entry.attempts.to_string(),
            table::plain(&reason(entry)),
        ]
    });
    table::aligned(&[header.map(str::to_owned)].into_iter().chain(rows).collect::<Vec<_>>())
}

/// Returns the reason of the last failed attempt. A delivered event keeps the reason of an attempt
/// before its delivery.
fn reason(entry: &QueueEntry) -> String {
    let reason = entry.reason.as_deref().unwrap_or_default();
    let is_past = entry.state == EntryState::Delivered && !reason.is_empty();
    if is_past { format!("earlier failure: {reason}") } else { reason.to_owned() }
}
