//! The scenarios of the Send page: callbacks of several streams, and the times between callbacks.
//!
//! 1. The form accepts the text of a file for `gatepost send --scenario`. In place of the address
//!    and the key in the text, the page uses gatepost's own listener and the key of the template.
//! 2. gatepost checks all steps before it sends the first callback.
//! 3. A scenario has at most [`MAX_CALLBACKS`] callbacks.

mod example;
mod playback;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use http::{Method, StatusCode};
use pingora::protocols::http::ServerSession;
use serde_json::json;

use self::example::example;
pub(super) use self::playback::Playbacks;
use self::playback::{PlannedCallback, Playback, PlaybackState, Progress, ScenarioTarget};
use super::ConsoleRequest;
use super::form::{self, Form};
use super::layout::Layout;
use super::response::ConsoleResponse;
use crate::clock;
use crate::scenario::{Scenario, Speed, schedule};
use crate::served_config::ServedConfig;

/// Maximum number of callbacks of a scenario.
const MAX_CALLBACKS: u64 = 1000;

/// The value and the title of each speed in the form.
const SPEEDS: [(&str, &str); 4] = [
    ("max", "without waiting"),
    ("3600", "an hour in a second"),
    ("60", "a minute in a second"),
    ("1", "in real time"),
];

/// Handles `scenario` and the paths below `scenario/`.
pub(super) async fn answer(
    playbacks: &Playbacks,
    served: &Arc<ServedConfig>,
    session: &mut ServerSession,
    request: &ConsoleRequest,
    rest: &[&str],
) -> ConsoleResponse {
    if request.method == Method::POST && !request.may_change() {
        return request.read_only();
    }
    if rest.is_empty() {
        return compose(playbacks, served, session, request).await;
    }
    let Some(playback) = playbacks.last() else {
        let text = "gatepost has played no scenario. Choose a template on the page Send.";
        return request.notice(StatusCode::NOT_FOUND, "No scenario", text);
    };
    match (&request.method, rest) {
        (&Method::GET, ["run"]) => ConsoleResponse::page(&PlaybackPage::new(request, &playback)),
        (&Method::GET, ["feed"]) => feed(request, &playback),
        (&Method::POST, ["stop"]) => {
            playback.stop();
            tracing::info!("stopped a scenario from gatepost's console");
            ConsoleResponse::redirect("run")
        }
        _ => request.no_page(),
    }
}

/// Shows the form (GET), or starts the scenario (POST).
async fn compose(
    playbacks: &Playbacks,
    served: &Arc<ServedConfig>,
    session: &mut ServerSession,
    request: &ConsoleRequest,
) -> ConsoleResponse {
    let Some(mut page) = ScenarioPage::of(served, request) else {
        let text = "The config has no such template on this route. Choose one on the page Send.";
        return request.notice(StatusCode::NOT_FOUND, "Template not found", text);
    };
    if request.method == Method::GET {
        return ConsoleResponse::page(&page);
    }
    let Some(sent) = form::read(session).await else { return request.bad_form() };
    page.fill(&sent);
    let (scenario, speed) = match page.read(served) {
        Ok(read) => read,
        Err(problem) => return page.failed(problem, StatusCode::UNPROCESSABLE_ENTITY),
    };
    if !playbacks.start(served, scenario, page.target.clone(), speed) {
        let problem =
            "expected no other scenario, found one that is playing; wait for its end, or stop it";
        page.is_busy = true;
        return page.failed(problem.into(), StatusCode::CONFLICT);
    }
    tracing::info!(template = page.target.template, "started a scenario from gatepost's console");
    ConsoleResponse::redirect("scenario/run")
}

/// Returns the state of the playback, and the replies after the first `after` replies, as JSON.
fn feed(request: &ConsoleRequest, playback: &Playback) -> ConsoleResponse {
    let after = request.parameter("after").and_then(|text| text.parse().ok()).unwrap_or(0);
    let Progress { state, sent, .. } = playback.progress();
    ConsoleResponse::json(&json!({ "state": state, "sent": sent.get(after..).unwrap_or_default() }))
}

#[derive(Template)]
#[template(path = "scenario.html")]
struct ScenarioPage {
    layout: Layout,
    target: ScenarioTarget,
    provider: String,
    text: String,
    speed: String,
    problem: String,
    /// True if another scenario still plays.
    is_busy: bool,
}

impl ScenarioPage {
    /// Creates the page of the template and the route that the query names; `None` if the config
    /// does not have both.
    fn of(served: &ServedConfig, request: &ConsoleRequest) -> Option<Self> {
        let [route, template] =
            ["route", "template"].map(|name| request.parameter(name).unwrap_or_default());
        let target = ScenarioTarget { route, template };
        let routes = served.routes();
        let route = routes.iter().find(|own| *own.label == *target.route)?;
        route.templates.iter().find(|own| *own.name == *target.template)?;
        let provider = served.gate().definition(&route.provider)?.info();
        Some(Self {
            layout: request.layout("send"),
            text: example(served.gate(), &target, &provider),
            target,
            provider: provider.name.to_string(),
            speed: "max".to_owned(),
            problem: String::new(),
            is_busy: false,
        })
    }

    fn fill(&mut self, sent: &Form) {
        // A browser sends the line ends of a form as CR LF.
        self.text = form::value(sent, "scenario").unwrap_or_default().replace("\r\n", "\n");
        form::value(sent, "speed").unwrap_or_default().clone_into(&mut self.speed);
    }

    /// Parses the scenario, and builds the first callback of each step to find faults.
    fn read(&self, served: &ServedConfig) -> Result<(Scenario, Speed), String> {
        let speed = self.speed.parse()?;
        let scenario: Scenario = toml::from_str(&self.text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = self.text.get(..start).unwrap_or_default().matches('\n').count() + 1;
            let found = error.message();
            format!(
                "expected a scenario in TOML, found a fault in line {line}: {found}; correct it"
            )
        })?;
        self.check(&scenario)?;
        for due in schedule(&scenario).iter().filter(|due| due.is_first()) {
            self.target.callback(served.gate(), &scenario, due, clock::now())?;
        }
        Ok((scenario, speed))
    }

    fn check(&self, scenario: &Scenario) -> Result<(), String> {
        let steps = || scenario.streams.iter().flat_map(|stream| &stream.steps);
        let count: u64 = steps().map(|step| u64::from(step.times)).sum();
        if !(1..=MAX_CALLBACKS).contains(&count) {
            return Err(format!(
                "expected 1 to {MAX_CALLBACKS} callbacks, found {count}; change the steps"
            ));
        }
        let streams = scenario.streams.iter().map(|stream| &stream.provider);
        let mut providers = streams.chain([&scenario.provider]).flatten();
        if let Some(other) = providers.find(|own| **own != self.provider) {
            return Err(format!(
                "expected the provider {}, found {other}; choose a template of {other}",
                self.provider
            ));
        }
        match steps().find(|step| step.to.is_some()) {
            Some(step) => Err(format!(
                "{}: expected no `to` in a step, found one; use gatepost send --scenario for another \
                 address",
                step.kind
            )),
            None => Ok(()),
        }
    }

    /// Returns the value and the title of each speed, and true for the selected speed.
    fn speeds(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        SPEEDS.into_iter().map(|(value, title)| (value, title, value == self.speed))
    }

    fn failed(mut self, problem: String, status: StatusCode) -> ConsoleResponse {
        self.problem = problem;
        ConsoleResponse::page(&self).with_status(status)
    }
}

#[derive(Template)]
#[template(path = "playback.html")]
struct PlaybackPage<'p> {
    layout: Layout,
    playback: &'p Playback,
    progress: Progress,
}

impl<'p> PlaybackPage<'p> {
    fn new(request: &ConsoleRequest, playback: &'p Playback) -> Self {
        Self { layout: request.layout("send"), playback, progress: playback.progress() }
    }

    fn is_playing(&self) -> bool {
        self.progress.state == PlaybackState::Playing
    }

    /// Returns each callback with the time at which it is due, and its reply.
    fn rows(
        &self,
    ) -> impl Iterator<Item = (String, &PlannedCallback, Option<&playback::SentCallback>)> {
        let planned = self.playback.planned.iter().enumerate();
        planned.map(|(index, own)| (clock_time(own.at), own, self.progress.sent.get(index)))
    }
}

/// Formats a time of the scenario as hours, minutes and seconds.
fn clock_time(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_time_counts_hours_beyond_a_day() {
        let shown = [0, 59, 3_661, 90_000].map(|secs| clock_time(Duration::from_secs(secs)));
        assert_eq!(shown, ["0:00:00", "0:00:59", "1:01:01", "25:00:00"]);
    }
}
