//! The scenario that the form contains at first.

use std::fmt::Write as _;

use gatepost::{Gate, KindInfo, ProviderInfo};
use serde_json::Value as Json;

use super::playback::ScenarioTarget;

/// Returns a scenario with two streams. Each stream uses the platform's kinds for its start, its
/// recordings and its end. If the platform has none of these kinds, each stream uses the first
/// three kinds of the template.
pub(super) fn example(gate: &Gate, target: &ScenarioTarget, provider: &ProviderInfo) -> String {
    let is_sent = |kind: &&KindInfo| {
        !kind.challenge
            && gate.template_sample(&target.route, &target.template, &kind.name).is_some()
    };
    let kinds: Vec<_> = provider.kinds.iter().filter(is_sent).collect();
    let life = ["started", "publish_requested", "recorded", "ended"].map(|event| {
        let kind = kinds.iter().find(|kind| kind.common.contains(&event));
        kind.map(|kind| (*kind, event, if event == "recorded" { "30m" } else { "5m" }))
    });
    let [started, requested, recorded, ended] = life;
    let mut life: Vec<_> = [started.or(requested), recorded, ended].into_iter().flatten().collect();
    if life.is_empty() {
        life = kinds.iter().take(3).map(|kind| (*kind, "", "1m")).collect();
    }
    let mut text = format!("provider = \"{}\"\n", provider.name);
    for (name, start) in [("first", ""), ("second", "10m")] {
        let _written = write!(text, "\n[[stream]]\nname = \"{name}\"\n");
        if !start.is_empty() {
            let _written = writeln!(text, "start = \"{start}\"");
        }
        for (number, (kind, event, gap)) in life.iter().enumerate() {
            let _written = write!(text, "\n[[stream.step]]\nkind = \"{}\"\n", kind.name);
            if number > 0 {
                let _written = writeln!(text, "after = \"{gap}\"");
            }
            if *event == "recorded" {
                text.push_str("times = 2\n");
            }
            let fields = fields(gate, target, kind, event);
            if !fields.is_empty() {
                let _written = writeln!(text, "fields = {{ {} }}", fields.join(", "));
            }
        }
    }
    text
}

/// Returns the fields of a kind that differ between the callbacks of a scenario: stream, time, and
/// the field that selects the common event.
fn fields(gate: &Gate, target: &ScenarioTarget, kind: &KindInfo, event: &str) -> Vec<String> {
    let Some(source) = gate.template_sample(&target.route, &target.template, &kind.name) else {
        return Vec::new();
    };
    let sample = Json::from(source.sample().fields().clone());
    let is_text = |place: &&str| sample.pointer(place).is_some_and(Json::is_string);
    let is_seconds = |place: &&str| sample.pointer(place).is_some_and(is_unix_seconds);
    let stream = kind.subject.last().map(|place| &**place).filter(is_text);
    let time = kind.time.iter().map(|place| &**place).find(is_seconds);
    let stream = stream.map(|place| format!("{} = \"{{stream}}\"", key(place)));
    let time = time.map(|place| format!("{} = \"{{now}}\"", key(place)));
    let chosen = source.event_field(event);
    let chosen = chosen.map(|(place, value)| format!("{} = {value:?}", key(&place)));
    stream.into_iter().chain(time).chain(chosen).collect()
}

/// Returns true for a string or a number of ten digits, which is a Unix time in seconds from 2001
/// to 2286.
fn is_unix_seconds(value: &Json) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the TOML key for a JSON Pointer. If the pointer names a top-level field, the key is the
/// name of the field. Otherwise, the key is the pointer in quotes.
fn key(place: &str) -> String {
    let is_bare = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match place.strip_prefix('/').filter(is_bare) {
        Some(name) => name.to_owned(),
        None => format!("{place:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Scenario, schedule};

    fn example_of(provider: &str) -> String {
        let keys = if provider == "kollus" { "" } else { "keys = ['s1gning-k3y']\n" };
        let config = format!(
            "[[route]]\npath = '/hook'\nprovider = '{provider}'\ntemplate = 'all'\n\
             [[template]]\nname = 'all'\nprovider = '{provider}'\n{keys}"
        );
        let gate = Gate::builder().toml(config).build().unwrap();
        let target = ScenarioTarget { route: "/hook".into(), template: "all".into() };
        example(&gate, &target, &gate.definition(provider).unwrap().info())
    }

    #[test]
    fn example_starts_records_and_ends_two_streams() {
        let text = example_of("tencent-css");
        assert!(
            text.contains("fields = { stream_id = \"{stream}\", event_time = \"{now}\" }"),
            "{text}"
        );
        let scenario: Scenario = toml::from_str(&text).unwrap();
        let all = schedule(&scenario);
        let shown: Vec<_> = all
            .iter()
            .map(|due| (due.at.as_secs() / 60, &*due.stream.name, &*due.step.kind))
            .collect();
        assert_eq!(
            shown,
            [
                (0, "first", "push"),
                (10, "second", "push"),
                (30, "first", "recording_file"),
                (40, "second", "recording_file"),
                (60, "first", "recording_file"),
                (65, "first", "interruption"),
                (70, "second", "recording_file"),
                (75, "second", "interruption"),
            ]
        );
    }

    #[test]
    fn example_sets_field_that_selects_the_common_event() {
        let text = example_of("kollus");
        let states = ["start", "stop"].map(|state| format!("broadcast_state = \"{state}\""));
        assert!(
            states.iter().all(|state| text.matches(state).count() == 2),
            "expected each state twice, found {text}"
        );
    }

    #[test]
    fn example_of_platform_without_streams_uses_its_first_kinds() {
        let scenario: Scenario = toml::from_str(&example_of("github")).unwrap();
        assert_eq!(scenario.streams.len(), 2);
        assert_eq!(scenario.streams[0].steps.len(), 3);
    }
}
