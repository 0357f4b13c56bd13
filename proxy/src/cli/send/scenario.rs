//! `gatepost send --scenario`: the callbacks of several streams, each with its time.

use std::path::Path;

use bytes::Bytes;
use gatepost::{Definition, Timestamp};
use http::{Request, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use super::{SendArguments, Sender, key_of_file, key_of_variable};
use crate::cli::error::CommandError;
use crate::cli::print::out;
use crate::cli::providers::{definition, unknown_kind};
use crate::clock;
use crate::scenario::{Due, KeySource, Scenario, Stream, schedule};
use crate::table::plain;

/// Sends the callbacks of a scenario, and prints a line for each reply.
pub(super) fn run(path: &Path, arguments: &SendArguments) -> Result<(), CommandError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| CommandError::File { path: path.to_owned(), source })?;
    let mut scenario: Scenario = toml::from_str(&text).map_err(|error| {
        CommandError::argument(path.display().to_string(), error.to_string().trim_end())
    })?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    scenario.key = scenario.key.map(|key| key.within(folder));
    let player = Player::new(&scenario, arguments)?;
    let all = schedule(&scenario);
    // Build every callback in advance, so that the command reports a fault in any of them before it
    // sends the first callback.
    for due in &all {
        player.request(due)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(player.play(&all))
}

struct Player<'s> {
    scenario: &'s Scenario,
    arguments: &'s SendArguments,
    /// Definition of each stream.
    definitions: Vec<Definition>,
    key: Option<String>,
    sender: Sender,
    /// Start time of the scenario.
    start: Timestamp,
}

impl<'s> Player<'s> {
    fn new(scenario: &'s Scenario, arguments: &'s SendArguments) -> Result<Self, CommandError> {
        let of_stream = |stream: &Stream| {
            let name = stream.provider.as_deref().or(scenario.provider.as_deref());
            let name = name.ok_or_else(|| {
                let problem =
                    "expected a provider, found none; write provider at the top of the file";
                CommandError::argument(format!("stream {}", stream.name), problem)
            })?;
            definition(name, arguments.definition())
        };
        let definitions = scenario.streams.iter().map(of_stream).collect::<Result<_, _>>()?;
        let key = match (arguments.key()?, &scenario.key) {
            (None, Some(KeySource::Env(name))) => Some(key_of_variable(name)?),
            (None, Some(KeySource::File(path))) => Some(key_of_file(path)?),
            (key, _) => key,
        };
        let sender = Sender::new(arguments.cacert())?;
        Ok(Self { scenario, arguments, definitions, key, sender, start: clock::now() })
    }

    /// Returns the callback that is due. If there is a key, signs the callback at the current time.
    fn request(&self, due: &Due<'_>) -> Result<Request<Bytes>, CommandError> {
        let (definition, step) = (&self.definitions[due.index], due.step);
        let mut sample =
            definition.sample(&step.kind).ok_or_else(|| unknown_kind(definition, &step.kind))?;
        for (field, value) in due.fields(&self.scenario.fields, self.start.as_secs()) {
            sample.set(&field, &value).map_err(|error| {
                let place = format!("stream {}, {}", due.stream.name, step.kind);
                CommandError::argument(place, error.to_string())
            })?;
        }
        let to = step.to.as_ref().or(self.arguments.to()).or(self.scenario.to.as_ref());
        let to = to.ok_or_else(|| {
            let problem =
                "expected an address, found none; add --to, or write `to` into the scenario";
            CommandError::argument("--to", problem)
        })?;
        if let Some(key) = &self.key {
            sample = sample.sign(key.as_str(), clock::now());
        }
        Ok(sample.request(to)?)
    }

    async fn play(&self, all: &[Due<'_>]) -> Result<(), CommandError> {
        let start = Instant::now();
        let mut unexpected = 0;
        for due in all {
            self.arguments.speed().wait(start, due.at).await;
            let (head, body) = self.sender.send(self.request(due)?).await?;
            let status = head.status;
            let is_expected = due.step.is_expected(status);
            unexpected += usize::from(!is_expected);
            out(&self.line(due, status, &body, is_expected));
        }
        match unexpected {
            0 => Ok(()),
            _ => Err(CommandError::Scenario { unexpected, all: all.len() }),
        }
    }

    fn line(&self, due: &Due<'_>, status: StatusCode, body: &[u8], is_expected: bool) -> String {
        let body = String::from_utf8_lossy(body);
        let (seconds, stream, kind) = (due.at.as_secs_f64(), &due.stream.name, &due.step.kind);
        if self.arguments.prints_json() {
            return json!({
                "at_secs": seconds, "stream": stream, "kind": kind, "status": status.as_u16(),
                "body": body, "expected": is_expected,
            })
            .to_string();
        }
        let mark = if is_expected { "" } else { "  (unexpected)" };
        let line = format!(
            "{seconds:>9.1} s  {stream}  {kind}  {} {}{mark}",
            status.as_u16(),
            body.trim()
        );
        plain(line.trim_end())
    }
}
