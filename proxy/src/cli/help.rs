//! `gatepost help`: explains a code, or a command.

use clap::Command;
use gatepost::{CodeGroup, CodeHelp, closest, code_help, codes};

use super::error::CommandError;
use super::print::out;

/// Explains the code or the command called `topic`. Without a topic, prints the help of the program.
pub(super) fn run(topic: Option<&str>, program: &mut Command) -> Result<(), CommandError> {
    let Some(topic) = topic else {
        out(&program.render_long_help().to_string());
        return Ok(());
    };
    if let Some(help) = code_help(topic) {
        out(&page(&help));
        return Ok(());
    }
    if topic == "codes" {
        codes().for_each(|help| out(&format!("{}\t{}", help.code, help.meaning)));
        return Ok(());
    }
    program.build();
    if let Some(command) = program.find_subcommand_mut(topic) {
        out(&command.render_long_help().to_string());
        return Ok(());
    }
    Err(unknown(topic, program))
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
    let commands = program.get_subcommands().map(Command::get_name);
    let topics: Vec<_> = codes().map(|help| help.code).chain(commands).collect();
    let suggestion =
        closest(topic, topics).map(|topic| format!("did you mean `{topic}`? ")).unwrap_or_default();
    let remedy = "`gatepost help codes` lists the codes, `gatepost help` the commands";
    let problem = format!("expected a code or a command, found `{topic}`; {suggestion}{remedy}");
    CommandError::argument(topic, problem)
}
