//! `gatepost template`: lists, shows and edits templates.

mod arguments;
mod format;

use std::io::{self, IsTerminal as _};
use std::path::Path;

use gatepost::{Config, ConfigFiles};
use gatepost_editor::{Edit, EditError, EditedFile, TemplateView, config_file};
use serde_json::json;

pub(super) use self::arguments::TemplateCommand;
use super::confirmation::Confirmation;
use super::error::CommandError;
use super::print::{err, out};

/// Runs a `gatepost template` command.
pub(super) fn run(command: &TemplateCommand) -> Result<(), CommandError> {
    match command {
        TemplateCommand::List { file, json } => Ok(list(file.path()?, *json)?),
        TemplateCommand::Show { name, file, json } => Ok(show(file.path()?, name, *json)?),
        TemplateCommand::Create(create) => {
            let template = create.to_template();
            let done = format!("created `{}`", template.name);
            Ok(edit(create.file.path()?, &Edit::Create(template), &done)?)
        }
        TemplateCommand::Modify(modify) => {
            let (name, change) = (modify.name.clone(), modify.to_change());
            let done = format!("modified `{name}`");
            Ok(edit(modify.file.path()?, &Edit::Modify { name, change }, &done)?)
        }
        TemplateCommand::Delete { name, file, yes } => delete(file.path()?, name, *yes),
        TemplateCommand::Bind(bind) => {
            let (name, tenants) = (bind.name.clone(), bind.tenants.clone());
            let done = format!("bound {} to `{name}`", tenants.join(", "));
            Ok(edit(bind.file.path()?, &Edit::Bind { name, tenants }, &done)?)
        }
        TemplateCommand::Unbind(unbind) => {
            let (name, tenants) = (unbind.name.clone(), unbind.tenants.clone());
            let done = format!("unbound {} from `{name}`", tenants.join(", "));
            Ok(edit(unbind.file.path()?, &Edit::Unbind { name, tenants }, &done)?)
        }
    }
}

fn list(path: &Path, as_json: bool) -> Result<(), EditError> {
    let files = config_file::read(path)?;
    // If the config has faults, list its templates, but hide each setting that may be a secret.
    let config = Config::from_files(&files).ok();
    let templates = TemplateView::all(&files, config.as_ref())?;
    if as_json {
        out(&json!({ "templates": templates }).to_string());
    } else {
        format::table(&templates).iter().for_each(|line| out(line));
    }
    Ok(())
}

fn show(path: &Path, name: &str, as_json: bool) -> Result<(), EditError> {
    let files = config_file::read(path)?;
    let config = Config::from_files(&files).ok();
    let template = TemplateView::named(&files, config.as_ref(), name)?;
    if as_json {
        out(&json!(template).to_string());
    } else {
        format::page(&template).iter().for_each(|line| out(line));
    }
    Ok(())
}

fn edit(path: &Path, edit: &Edit, done: &str) -> Result<(), EditError> {
    let before = config_file::read(path)?;
    write(&before, &edit.apply_to(&before)?, done)
}

fn write(before: &ConfigFiles, edited: &EditedFile, done: &str) -> Result<(), EditError> {
    let config = config_file::check(&edited.files)?;
    config_file::write(before, edited)?;
    let known = Config::from_files(before).ok();
    let known = known.as_ref().map(Config::warnings).unwrap_or_default();
    for warning in config.warnings() {
        let same = |own: &gatepost::Fault| {
            own.key() == warning.key() && own.problem() == warning.problem()
        };
        // Omit warnings about a template without tenants. After `create` and `unbind`, a template
        // may have no tenants until the operator binds one.
        let is_on_template = warning.key().ends_with(']');
        if !is_on_template && !known.iter().any(same) {
            err(&format!("{} (warning)", warning.located_in(before.path())));
        }
    }
    let effect = if config.proxy().watch {
        "a running gatepost loads the file within seconds"
    } else {
        "send a running gatepost a SIGHUP to reload the config"
    };
    let path = edited.text().map_or(before.path(), |(path, _)| path);
    out(&format!("{done} in {}; {effect}", path.display()));
    Ok(())
}

fn delete(path: &Path, name: &str, yes: bool) -> Result<(), CommandError> {
    let before = config_file::read(path)?;
    let edited = Edit::Delete { name: name.to_owned() }.apply_to(&before)?;
    if !yes {
        let stdin = io::stdin();
        let is_terminal = stdin.is_terminal();
        let confirmation = Confirmation {
            warning: &format!("you cannot undo the deletion of `{name}`"),
            question: &format!("delete `{name}`"),
            refused: "gatepost deleted nothing",
        };
        confirmation.ask(is_terminal, stdin.lock(), err)?;
    }
    Ok(write(&before, &edited, &format!("deleted `{name}`"))?)
}
