//! `gatepost help`: explains a code, a metric, a field of the log, or a command.

use clap::Command;
use gatepost::{CodeGroup, CodeHelp, closest, code_help, codes};

use super::error::CommandError;
use super::print::out;
use crate::telemetry::fields;
use crate::telemetry::metrics::{MetricHelp, Metrics};

/// Explains the code, the metric, the field or the command called `topic`. Without a topic, prints
/// the help of the program.
pub(super) fn run(topic: Option<&str>, program: &mut Command) -> Result<(), CommandError> {
    let Some(topic) = topic else {
        out(&program.render_long_help().to_string());
        return Ok(());
    };
    if let Some(help) = code_help(topic) {
        out(&page(&help));
        return Ok(());
    }
    match topic {
        "codes" => codes().for_each(|help| out(&format!("{}\t{}", help.code, help.meaning))),
        "metrics" => Metrics::help().iter().for_each(|metric| out(&line(metric))),
        _ => return explain(topic, program),
    }
    Ok(())
}

/// Explains a topic that is not a code: a metric, a command or a field of the log.
fn explain(topic: &str, program: &mut Command) -> Result<(), CommandError> {
    if let Some(metric) = Metrics::help().into_iter().find(|metric| metric.has_series(topic)) {
        out(&metric_page(&metric));
        return Ok(());
    }
    program.build();
    if let Some(command) = program.find_subcommand_mut(topic) {
        out(&command.render_long_help().to_string());
        return Ok(());
    }
    let meanings: Vec<_> = fields::help(topic).collect();
    for (log, meaning) in &meanings {
        out(&format!("{topic}: field of the {log}\n\nmeaning: {meaning}"));
    }
    if meanings.is_empty() { Err(unknown(topic, program)) } else { Ok(()) }
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
        CodeGroup::Note => "note about a callback".to_owned(),
        CodeGroup::Shadow => "outcome in shadow mode".to_owned(),
        CodeGroup::Connection => "end of a request or connection on any path".to_owned(),
        CodeGroup::Operation => "condition of the program".to_owned(),
        CodeGroup::AdminApi => "error of the admin API".to_owned(),
        _ => "code".to_owned(),
    };
    let causes = help.causes.map(|causes| format!("cause:   {causes}\n")).unwrap_or_default();
    let CodeHelp { code, meaning, seen_in, remedy, .. } = help;
    format!("{code}: {group}\n\nmeaning: {meaning}\n{causes}seen in: {seen_in}\nremedy:  {remedy}")
}

fn unknown(topic: &str, program: &Command) -> CommandError {
    let metrics = Metrics::help();
    let mut topics: Vec<&str> = codes().map(|help| help.code).chain(fields::names()).collect();
    topics.extend(program.get_subcommands().map(Command::get_name));
    topics.extend(metrics.iter().map(|metric| &*metric.name));
    let suggestion =
        closest(topic, topics).map(|topic| format!("did you mean `{topic}`? ")).unwrap_or_default();
    let remedy = "`gatepost help codes` lists the codes, `gatepost help metrics` the metrics, and \
                  `gatepost help` the commands";
    let expected = "expected a code, a metric, a field of the log or a command";
    let problem = format!("{expected}, found `{topic}`; {suggestion}{remedy}");
    CommandError::argument(topic, problem)
}
