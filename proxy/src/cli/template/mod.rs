//! `gatepost template`: the edits, from the command line.

mod arguments;
mod print;

use std::io::{self, BufRead, IsTerminal as _};
use std::path::Path;

use gatepost::Config;
use serde_json::json;

pub(crate) use self::arguments::Command;
use super::print::say;
use crate::templates::edit::Edit;
use crate::templates::problem::{Code, Problem};
use crate::templates::store;
use crate::templates::view::{view, views};

/// Carries a command out.
pub(crate) fn run(command: &Command) -> Result<(), String> {
    carry_out(command).map_err(|problem| problem.to_string())
}

fn carry_out(command: &Command) -> Result<(), Problem> {
    match command {
        Command::List { file, json } => list(&file.path, *json),
        Command::Show { name, file, json } => show(&file.path, name, *json),
        Command::Create(create) => {
            let draft = create.to_draft();
            let done = format!("created `{}`", draft.name);
            edit(&create.file.path, &Edit::Create(draft), &done)
        }
        Command::Modify(modify) => {
            let (name, change) = (modify.name.clone(), modify.to_change());
            let done = format!("modified `{name}`");
            edit(&modify.file.path, &Edit::Modify { name, change }, &done)
        }
        Command::Delete { name, file, yes } => delete(&file.path, name, *yes),
        Command::Bind(bind) => {
            let (name, tenants) = (bind.name.clone(), bind.tenants.clone());
            let done = format!("bound {} to `{name}`", tenants.join(", "));
            edit(&bind.file.path, &Edit::Bind { name, tenants }, &done)
        }
        Command::Unbind(unbind) => {
            let (name, tenants) = (unbind.name.clone(), unbind.tenants.clone());
            let done = format!("took {} from `{name}`", tenants.join(", "));
            edit(&unbind.file.path, &Edit::Unbind { name, tenants }, &done)
        }
    }
}

fn list(path: &Path, as_json: bool) -> Result<(), Problem> {
    let text = store::read(path)?;
    // A file that does not check can be looked at too.
    let config = Config::from_text(&text, path).ok();
    let views = views(&text, config.as_ref())?;
    if as_json {
        say(io::stdout(), &json!({ "templates": views }).to_string());
    } else {
        print::table(&views).iter().for_each(|line| say(io::stdout(), line));
    }
    Ok(())
}

fn show(path: &Path, name: &str, as_json: bool) -> Result<(), Problem> {
    let text = store::read(path)?;
    let config = Config::from_text(&text, path).ok();
    let view = view(&text, config.as_ref(), name)?;
    if as_json {
        say(io::stdout(), &json!(view).to_string());
    } else {
        print::page(&view).iter().for_each(|line| say(io::stdout(), line));
    }
    Ok(())
}

fn edit(path: &Path, edit: &Edit, done: &str) -> Result<(), Problem> {
    let before = store::read(path)?;
    let after = edit.apply(&before)?;
    write(path, &before, &after, done)
}

fn write(path: &Path, before: &str, after: &str, done: &str) -> Result<(), Problem> {
    let config = store::check(path, after)?;
    store::replace(path, before, after)?;
    let known = Config::from_text(before, path).ok();
    let known = known.as_ref().map(Config::warnings).unwrap_or_default();
    for warning in config.warnings() {
        let same = |own: &gatepost::Fault| {
            own.key() == warning.key() && own.problem() == warning.problem()
        };
        // That nobody is bound yet, or any more, is what the console's steps are like.
        let is_of_all = warning.key().ends_with(']');
        if !is_of_all && !known.iter().any(same) {
            say(io::stderr(), &format!("{}:{warning} (warning)", path.display()));
        }
    }
    let effect = "a gatepost that runs takes it up on SIGHUP";
    say(io::stdout(), &format!("{done} in {}; {effect}", path.display()));
    Ok(())
}

fn delete(path: &Path, name: &str, yes: bool) -> Result<(), Problem> {
    let before = store::read(path)?;
    let after = Edit::Delete { name: name.to_owned() }.apply(&before)?;
    if !yes {
        let stdin = io::stdin();
        let is_terminal = stdin.is_terminal();
        confirm(name, is_terminal, stdin.lock(), |question| say(io::stderr(), question))?;
    }
    write(path, &before, &after, &format!("deleted `{name}`"))
}

/// Asks whoever sits at the terminal.
fn confirm(
    name: &str,
    is_terminal: bool,
    mut answers: impl BufRead,
    ask: impl FnOnce(&str),
) -> Result<(), Problem> {
    let warning = format!("deleting `{name}` cannot be undone");
    if !is_terminal {
        let message = format!("{warning}, and there is no terminal to ask on; add --yes");
        return Err(Problem::invalid(message));
    }
    ask(&format!("{warning}; delete it? [y/N]"));
    let mut answer = String::new();
    let read = answers.read_line(&mut answer);
    let said_yes = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if said_yes { Ok(()) } else { Err(Problem::new(Code::Invalid, "nothing was deleted")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(is_terminal: bool, answer: &str) -> (Result<(), String>, Option<String>) {
        let mut asked = None;
        let result = confirm("x", is_terminal, answer.as_bytes(), |q| asked = Some(q.to_owned()));
        (result.map_err(|problem| problem.to_string()), asked)
    }

    #[test]
    fn deletes_only_on_yes() {
        let question = "deleting `x` cannot be undone; delete it? [y/N]".to_owned();
        assert_eq!(answered(true, "y\n"), (Ok(()), Some(question.clone())));
        for answer in ["n\n", "\n", "", "maybe y\n"] {
            let refused = Err("nothing was deleted".to_owned());
            assert_eq!(answered(true, answer), (refused, Some(question.clone())), "{answer:?}");
        }
    }

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        let (result, asked) = answered(false, "y\n");
        assert!(result.unwrap_err().ends_with("no terminal to ask on; add --yes"));
        assert_eq!(asked, None);
    }
}
