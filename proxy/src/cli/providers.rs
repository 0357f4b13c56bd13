//! `gatepost providers` and `gatepost schema`: print the providers and their JSON Schemas.

use std::path::Path;

use gatepost::{Definition, FieldInfo, config_schema};

use super::error::CommandError;
use super::print::out;

/// Lists all providers and kinds, or the fields of the provider or kind called `name`.
pub(super) fn list(name: Option<&str>) -> Result<(), CommandError> {
    match name {
        None => list_all(),
        Some(name) => list_named(name)?,
    }
    Ok(())
}

fn list_all() {
    for provider in gatepost::providers() {
        out(&format!("{}\t{}\t{}", provider.name, provider.title, provider.docs));
        for kind in &provider.kinds {
            let answer = if kind.decision { "decision" } else { "notification" };
            out(&format!("  {}.{}\t{answer}{}", provider.name, kind.name, column(&kind.about)));
        }
        for group in &provider.groups {
            let what = "shared address of kinds without their own address";
            out(&format!("  {}.{group}\t{what}", provider.name));
        }
    }
}

fn list_named(name: &str) -> Result<(), CommandError> {
    let mut is_known = false;
    let all = gatepost::providers();
    for (provider, kind) in all.iter().flat_map(|own| own.kinds.iter().map(move |k| (own, k))) {
        let full = format!("{}.{}", provider.name, kind.name);
        if full != name && *provider.name != *name {
            continue;
        }
        is_known = true;
        out(&format!("{full}{}", column(&kind.about)));
        list_fields(&kind.fields, "  ");
        if !kind.reply.is_empty() {
            out("  reply:");
            list_fields(&kind.reply, "  ");
        }
    }
    for provider in all.iter().filter(|provider| *provider.name == *name) {
        for setting in &provider.settings {
            let words = setting.one_of.join(" or ");
            let what = if setting.secret { "secret" } else { &words };
            out(&format!("settings.{}\t{what}\t{}", setting.name, setting.about));
        }
    }
    if is_known { Ok(()) } else { Err(unknown(name, "provider or kind")) }
}

/// Lists fields, and the fields inside each field with more indentation.
fn list_fields(fields: &[FieldInfo], indent: &str) {
    for field in fields {
        let optional = if field.optional { ", optional" } else { "" };
        let secret = if field.secret { ", secret" } else { "" };
        let about = column(&field.about);
        out(&format!("{indent}{}\t{}{optional}{secret}{about}", field.name, field.ty));
        list_fields(&field.fields, &format!("{indent}  "));
    }
}

/// Returns a description as a further column; an empty string if there is no description.
fn column(about: &Option<Box<str>>) -> String {
    about.as_deref().map(|about| format!("\t{about}")).unwrap_or_default()
}

/// Prints the JSON Schema of the config file, or of a kind.
pub(super) fn schema(of: &str, file: Option<&Path>) -> Result<(), CommandError> {
    let schema = if of == "config" {
        config_schema()
    } else {
        let (provider, kind) = of.split_once('.').unwrap_or((of, ""));
        definition(provider, file)?.schema(kind).ok_or_else(|| unknown(of, "kind"))?
    };
    out(&format!("{schema:#}"));
    Ok(())
}

/// Returns the definition of the provider called `name`: built in, or read from `file`.
pub(super) fn definition(name: &str, file: Option<&Path>) -> Result<Definition, CommandError> {
    let Some(path) = file else {
        return Definition::built_in(name).ok_or_else(|| unknown(name, "provider"));
    };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| CommandError::File { path: path.to_owned(), source })?;
    let definition = Definition::parse(&text).map_err(|error| error.at(path))?;
    let own = &*definition.info().name;
    if own == name {
        return Ok(definition);
    }
    let problem = format!("expected provider {name}, found {own}; pass the definition of {name}");
    Err(CommandError::argument(path.display().to_string(), problem))
}

fn unknown(name: &str, what: &str) -> CommandError {
    let problem =
        format!("expected a known {what}, found `{name}`; run `gatepost providers` for a list");
    CommandError::argument(name, problem)
}
