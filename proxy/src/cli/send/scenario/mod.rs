//! `gatepost send --scenario`: the callbacks of several streams, with the gaps between them.

mod file;
mod schedule;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Definition, Timestamp};
use http::{Request, StatusCode};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use self::file::{KeySource, Scenario, Stream};
use self::schedule::{Due, schedule};
use super::{SendArguments, Sender, key_of_file, key_of_variable};
use crate::cli::error::CommandError;
use crate::cli::print::out;
use crate::cli::providers::{definition, unknown_kind};
use crate::clock;
use crate::table::plain;

/// Speed at which the time of a scenario passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speed {
    /// Multiple of real time.
    Times(f64),
    /// Without waiting.
    Max,
}

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
        speed.map(Self::Times).ok_or("expected a number above 0 or max; write, for example, 60")
    }
}

impl Speed {
    /// Returns the wait, in real time, for a time of the scenario.
    fn real(self, at: Duration) -> Duration {
        match self {
            Self::Times(speed) => {
                Duration::try_from_secs_f64(at.as_secs_f64() / speed).unwrap_or(Duration::MAX)
            }
            Self::Max => Duration::ZERO,
        }
    }

    async fn wait(self, start: Instant, at: Duration) {
        match start.checked_add(self.real(at)) {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

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
    // Build every callback in advance, so that gatepost reports each fault before it sends the
    // first callback.
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
    /// Moment at which the scenario started.
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

    /// Returns the callback, signed at the current time.
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
            let is_expected = match due.step.expect_status {
                Some(expected) => status.as_u16() == expected,
                None => status.is_success(),
            };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_speeds() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("60".parse(), Ok(Speed::Times(60.0)));
        for text in ["0", "-1", "inf", "NaN", "fast"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
        assert_eq!(Speed::Times(60.0).real(Duration::from_secs(300)), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn speed_divides_the_wait() {
        let start = Instant::now();
        Speed::Times(60.0).wait(start, Duration::from_secs(3600)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        Speed::Max.wait(start, Duration::from_secs(1_000_000)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(60));
    }
}
