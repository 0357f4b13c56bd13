//! Generator of the manual's page of all commands, from the definition of the command line.
//!
//! No crate fits: clap-markdown writes lists and its own headings, but no tables.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::Cli;
use crate::generated_page::{cell, check, first_line};

const LEAD: &str = "All commands of the program with their arguments, from the text that `gatepost COMMAND --help` prints.

[Commands](commands.md) shows the most useful ones with their output. Each command also takes `--log-format json` for
log lines in JSON, `-h` for brief help and `--help` for detailed help. `gatepost --version` prints the version.
";

/// Arguments of every command. Only the lead of the page names them.
const COMMON: [&str; 3] = ["help", "log_format", "version"];

/// Returns an argument as the operator writes it, for example `-c, --config <FILE>`.
fn spelling(argument: &Arg) -> String {
    let values: Vec<_> = argument.get_value_names().unwrap_or_default().iter().collect();
    let takes_value = argument.get_action().takes_values();
    let is_optional = argument.is_positional() && !argument.is_required_set();
    let (open, close) = if is_optional { ('[', ']') } else { ('<', '>') };
    let values: Vec<_> = values.iter().map(|name| format!("{open}{name}{close}")).collect();
    let values = values.join(" ");
    let short = argument.get_short().map(|letter| format!("-{letter}"));
    let long = argument.get_long().map(|name| format!("--{name}"));
    let flags: Vec<_> = short.into_iter().chain(long).collect();
    let several = if is_repeatable(argument) { "..." } else { "" };
    match (flags.is_empty(), takes_value) {
        (true, _) => format!("{values}{several}"),
        (false, true) => format!("{} {values}{several}", flags.join(", ")),
        (false, false) => flags.join(", "),
    }
}

fn is_repeatable(argument: &Arg) -> bool {
    let many = argument.get_num_args().is_some_and(|range| range.max_values() > 1);
    many || matches!(argument.get_action(), ArgAction::Append)
}

/// Returns `text` with its full stop, which clap removes.
fn sentence(text: &str) -> String {
    let text = cell(text);
    if text.is_empty() || text.ends_with('.') { text } else { text + "." }
}

/// Returns the help text of an argument, with the possible values and the default.
fn about(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = sentence(&help.map(ToString::to_string).unwrap_or_default());
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && !values.is_empty() {
        let words: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        write!(text, " Values: {}.", words.join(", ")).unwrap();
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.display()).collect();
    if argument.get_action().takes_values() && !argument.is_hide_default_value_set() {
        for default in defaults {
            write!(text, " Default: `{default}`.").unwrap();
        }
    }
    text
}

fn section(command: &Command, name: &str, out: &mut String) {
    let summary = command.get_long_about().or_else(|| command.get_about());
    let summary = sentence(&summary.map(ToString::to_string).unwrap_or_default());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    writeln!(out, "\n# `{name}`\n\n{summary}\n\n```text\n{usage}\n```").unwrap();
    let arguments = command.get_arguments().filter(|argument| {
        !COMMON.contains(&argument.get_id().as_str()) && !argument.is_hide_set()
    });
    let rows: String = arguments
        .map(|argument| {
            format!("| {} | {} |\n", cell(&format!("`{}`", spelling(argument))), about(argument))
        })
        .collect();
    if !rows.is_empty() {
        write!(out, "\n| argument | meaning |\n|---|---|\n{rows}").unwrap();
    }
    if let Some(more) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        writeln!(out, "\n```text\n{more}\n```").unwrap();
    }
}

fn sections(command: &Command, name: &str, out: &mut String) {
    for child in command.get_subcommands().filter(|child| !child.is_hide_set()) {
        let name = format!("{name} {}", child.get_name());
        if child.has_subcommands() {
            sections(child, &name, out);
        } else {
            section(child, &name, out);
        }
    }
}

#[test]
fn commands_page_has_every_argument() {
    let mut program = Cli::command();
    program.build();
    let mut text = first_line() + LEAD;
    let more = program.get_after_help().map(ToString::to_string).unwrap_or_default();
    writeln!(text, "\n{more}").unwrap();
    sections(&program, "gatepost", &mut text);
    check("cli.md", &text);
}
