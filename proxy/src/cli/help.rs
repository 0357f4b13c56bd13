//! `gatepost help`: explains a code, a status, a metric, a config key, a field of the log, or a
//! command.

use clap::Command;
use gatepost::{CodeGroup, CodeHelp, UnavailableKind, closest, code_help, codes};
use http::StatusCode;

use super::config_keys;
use super::error::CommandError;
use super::print::out;
use crate::telemetry::fields;
use crate::telemetry::metrics::{MetricHelp, Metrics};

/// Explains the code, the status, the metric, the config key, the field or the command called
/// `topic`. If there is no topic, prints the help of the program.
pub(super) fn run(topic: Option<&str>, program: &mut Command) -> Result<(), CommandError> {
    let Some(topic) = topic else {
        out(&program.render_long_help().to_string());
        return Ok(());
    };
    let topic = pasted(topic);
    match topic {
        "codes" => codes().for_each(|help| out(&format!("{}\t{}", help.code, help.meaning))),
        "metrics" => Metrics::help().iter().for_each(|metric| out(&line(metric))),
        _ => return explain(topic, program),
    }
    Ok(())
}

/// Returns the topic in `text`, which the operator has copied from a log line or from
/// `gatepost check`, such as `code="app_timeout"`, `"code":"app_timeout"` or `error[key_unknown]`.
fn pasted(text: &str) -> &str {
    let is_around = |c: char| c.is_whitespace() || "\"'`,;()[]{}".contains(c);
    let text = text.trim_matches(is_around);
    let starts = ["error[", "warning[", "code=", "code\":", "code:", "status=", "status\":"];
    let rest = starts.iter().find_map(|start| text.strip_prefix(start));
    rest.unwrap_or(text).trim_matches(is_around)
}

/// Explanations of statuses, in addition to the codes of refusals and failures.
const STATUSES: [(&[u16], &str); 8] = [
    (
        &[301, 302, 303, 307, 308],
        "gatepost sends a redirect only in its console. Any other redirect comes from the app (code app_status) or the \
         upstream, and gatepost does not follow it. The new address is in the log line about the app, or in `location` of the response to `curl -i -X POST URL`. Write this address into url.",
    ),
    (&[404], NOT_A_CALLBACK),
    (
        &[419],
        "A framework of the app, such as Laravel, sent the status because the event has no CSRF token (code \
         event_refused for a notification, app_status for a decision). Exempt the path of the events from the CSRF check.",
    ),
    (
        &[422],
        "The app sent the status to refuse a notification (code event_refused); for a decision, the code is \
         app_status. On /api, the status means that the edit makes the config invalid (code invalid).",
    ),
    (
        &[421],
        "The admin listener does not accept the name in the host header (code host_refused). Add the name to admin_hosts.",
    ),
    (
        &[431],
        "The head of the request is longer than 64 KiB (code head_too_large). Send shorter headers.",
    ),
    (
        &[502],
        "The upstream gave no usable response to a request that is not a callback (codes upstream_failed, \
         upstream_broken, upstream_incomplete, upstream_too_large). If an app sent the status, the code is app_status.",
    ),
    (
        &[504],
        "gatepost does not send this status: the app, the upstream or a server in front of gatepost sent it. If an \
         app sent the status, the code is app_status; for a callback without an answer in time, gatepost's code is app_timeout.",
    ),
];

/// Codes of failures that only decisions have. If the key for the reply is missing, gatepost
/// replies with 503, otherwise with on_failure.
const ONLY_OF_DECISIONS: [&str; 4] = [
    UnavailableKind::AnswerEmpty.as_str(),
    UnavailableKind::AnswerInvalid.as_str(),
    UnavailableKind::AnswerMalformed.as_str(),
    UnavailableKind::ReplyKeyMissing.as_str(),
];

/// Explanation of any other status.
const OF_OTHERS: &str = "gatepost does not send this status. The app sent it (code app_status or event_refused), or, for a request \
    that is not a callback, the upstream.";

/// Explanation of status 404, which no refusal has.
const NOT_A_CALLBACK: &str = "No route has this path, and the config has no upstream. Compare the path with \
    `gatepost routes`. The log line (code route_not_found) shows the path that arrived. Often, a proxy in front of gatepost \
    removes the start of the path, as nginx does with a path in `proxy_pass`.\nIf the config has an upstream, the upstream sent the status.\n\
    seen in: log, access log, gatepost_requests_not_found_total";

/// Returns the explanation of the status `topic`; an empty string if `topic` is not a known status.
fn of_status(topic: &str) -> String {
    let known = topic.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
    // 419 is a status of Laravel, and has no name in any RFC.
    let known =
        known.filter(|status| status.canonical_reason().is_some() || status.as_u16() == 419);
    let Some(status) = known.map(|status| status.as_u16()) else { return String::new() };
    let refusals = codes()
        .filter(|help| matches!(help.group, CodeGroup::Refusal(own) if own.as_u16() == status));
    let refusals = list("refusals", refusals);
    let is_failure = |group| matches!(group, CodeGroup::AppFailure | CodeGroup::StoreFailure);
    let failures = codes().filter(|help| status == 503 && is_failure(help.group));
    let (of_decisions, failures): (Vec<_>, Vec<_>) =
        failures.partition(|help| ONLY_OF_DECISIONS.contains(&help.code));
    let has_503 = |help: &CodeHelp| help.code == UnavailableKind::ReplyKeyMissing.as_str();
    let failures = list(
        "replies to a notification if gatepost has no usable answer of the app, or cannot queue the event",
        failures.into_iter(),
    );
    let of_decisions = of_decisions.into_iter().filter(has_503);
    let of_decisions = list("replies to a decision whose reply gatepost cannot sign", of_decisions);
    let other = STATUSES.iter().find(|(statuses, _)| statuses.contains(&status));
    let other = other.map(|(_, text)| (*text).to_owned()).unwrap_or_default();
    let all = [refusals, failures, of_decisions, other].into_iter().filter(|text| !text.is_empty());
    let all = all.collect::<Vec<_>>().join("\n\n");
    if all.is_empty() { OF_OTHERS.to_owned() } else { all }
}

fn list(title: &str, codes: impl Iterator<Item = CodeHelp>) -> String {
    let lines: Vec<_> = codes.map(|help| format!("{}\t{}", help.code, help.meaning)).collect();
    if lines.is_empty() { String::new() } else { format!("{title}:\n{}", lines.join("\n")) }
}

/// Returns an explanation of each config key called `topic`.
fn of_config_key(topic: &str) -> Vec<String> {
    let keys = config_keys::named(topic).into_iter().map(|key| {
        let range = key.range.map(|(least, most)| format!("\nvalues:  {least} to {most}"));
        let range = range.unwrap_or_default();
        let form = if key.is_table { "table" } else { "key" };
        let place = match &*key.table {
            "" => format!("top-level {form} of the config"),
            table => format!("{form} of the config, in {table}"),
        };
        format!("{topic}: {place}\n\nmeaning: {}{range}", key.meaning)
    });
    keys.collect()
}

/// Explains a code, a status, a metric, a command, a config key or a field of the log.
fn explain(topic: &str, program: &mut Command) -> Result<(), CommandError> {
    if let Some(metric) = Metrics::help().into_iter().find(|metric| metric.has_series(topic)) {
        out(&metric_page(&metric));
        return Ok(());
    }
    let statuses = of_status(topic);
    if !statuses.is_empty() {
        out(&format!("{topic}: status of a reply\n\n{statuses}"));
        return Ok(());
    }
    let code = code_help(topic).map(|help| page(&help));
    program.build();
    if code.is_none()
        && let Some(command) = program.find_subcommand_mut(topic)
    {
        out(&command.render_long_help().to_string());
        return Ok(());
    }
    let of_log = fields::help(topic);
    let of_log =
        of_log.map(|(log, meaning)| format!("{topic}: field of the {log}\n\nmeaning: {meaning}"));
    let pages: Vec<_> = code.into_iter().chain(of_config_key(topic)).chain(of_log).collect();
    if pages.is_empty() {
        return Err(unknown(topic, program));
    }
    out(&pages.join("\n\n"));
    Ok(())
}

fn line(metric: &MetricHelp) -> String {
    format!("{}\t{}", metric.name, metric.about)
}

fn metric_page(metric: &MetricHelp) -> String {
    let line = |title: &str, text: &str| {
        if text.is_empty() { String::new() } else { format!("\n{title:<8} {text}") }
    };
    let MetricHelp { subject, name, labels, about, .. } = metric;
    let details = line("labels:", &labels.join(", ")) + &line("unit:", metric.unit());
    let form = metric.form();
    format!("{name}: metric of the type {form}\n\nmeaning: {about}\nsubject: {subject}{details}")
}

fn page(help: &CodeHelp) -> String {
    let group = match help.group {
        CodeGroup::ConfigError => "error in a config or definition".to_owned(),
        CodeGroup::ConfigWarning => "warning about a config".to_owned(),
        CodeGroup::Refusal(status) => format!("refusal with status {}", status.as_u16()),
        CodeGroup::AppFailure => "failure of the app".to_owned(),
        CodeGroup::StoreFailure => "failure of gatepost's store".to_owned(),
        CodeGroup::Note => "note about a callback".to_owned(),
        CodeGroup::Shadow => "outcome in shadow mode".to_owned(),
        CodeGroup::Connection => "end of a request or connection on any path".to_owned(),
        CodeGroup::Operation => "condition of the program".to_owned(),
        CodeGroup::AdminApi => "error of the admin API".to_owned(),
        CodeGroup::Value => "value of a label or of the access log".to_owned(),
        _ => "code".to_owned(),
    };
    let causes = help.causes.map(|causes| format!("cause:   {causes}\n")).unwrap_or_default();
    let in_layer = help.in_layer.map(|remedy| format!("\nin a Rust app: {remedy}"));
    let in_layer = in_layer.unwrap_or_default();
    let CodeHelp { code, meaning, seen_in, remedy, .. } = help;
    format!(
        "{code}: {group}\n\nmeaning: {meaning}\n{causes}seen in: {seen_in}\nremedy:  {remedy}{in_layer}"
    )
}

fn unknown(topic: &str, program: &Command) -> CommandError {
    let metrics = Metrics::help();
    let keys = config_keys::names();
    let mut topics: Vec<&str> = codes().map(|help| help.code).chain(fields::names()).collect();
    topics.extend(keys.iter().map(|key| &**key));
    topics.extend(program.get_subcommands().map(Command::get_name));
    topics.extend(metrics.iter().map(|metric| &*metric.name));
    let suggestion =
        closest(topic, topics).map(|topic| format!("did you mean `{topic}`? ")).unwrap_or_default();
    let remedy = "`gatepost help codes` lists the codes, `gatepost help metrics` lists the metrics, \
                  and `gatepost help` lists the commands";
    let expected =
        "expected a code, a status, a metric, a config key, a field of the log or a command";
    let problem = format!("{expected}, found `{topic}`; {suggestion}{remedy}");
    CommandError::argument(topic, problem)
}
