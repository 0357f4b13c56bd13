//! `gatepost providers` and `gatepost schema`: print the providers, and the JSON Schemas of kinds
//! and of the config file.

use std::path::{Path, PathBuf};

use clap::Args;
use gatepost::{Definition, FieldInfo, Gate, ProviderInfo, closest, config_schema};

use super::diagnostics;
use super::error::CommandError;
use super::print::out;

/// Arguments of `gatepost providers`.
#[derive(Debug, Args)]
pub(super) struct ProvidersArguments {
    /// Provider or kind, for example `tencent-css` or `tencent-css.push`.
    name: Option<String>,
    /// File with the definition of your own provider.
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    /// Config file; the list also contains the providers in its `provider_files`.
    #[arg(short, long, value_name = "FILE", conflicts_with = "definition")]
    config: Option<PathBuf>,
}

/// Lists all providers and kinds. If the operator gives a name, lists the fields of the provider,
/// the group or the kind of this name. If the operator gives a definition, lists only the provider
/// of this definition.
pub(super) fn list(arguments: &ProvidersArguments) -> Result<(), CommandError> {
    let file = arguments.definition.as_deref();
    let own = match (file, &arguments.config) {
        (Some(file), _) => vec![definition_in(file)?],
        (None, Some(config)) => Gate::from_toml_file(config)?.own_definitions(),
        (None, None) => Vec::new(),
    };
    let mut all: Vec<_> = own.iter().map(Definition::info).collect();
    if file.is_none() {
        let is_replaced =
            |info: &ProviderInfo| own.iter().any(|definition| definition.info().name == info.name);
        all.extend(gatepost::providers().into_iter().filter(|info| !is_replaced(info)));
    }
    let Some(name) = &arguments.name else {
        list_all(&all);
        return Ok(());
    };
    if list_named(name, &all) {
        return Ok(());
    }
    let (provider, kind) = name.split_once('.').unwrap_or((name, ""));
    match own.iter().find(|definition| *definition.info().name == *provider) {
        Some(definition) => Err(unknown_kind(definition, kind)),
        None => Err(unknown_kind(&definition(provider, file)?, kind)),
    }
}

fn list_all(all: &[ProviderInfo]) {
    for provider in all {
        let evidence = provider.evidence.map_or("", gatepost::Evidence::as_str);
        out(&format!("{}\t{}\t{}\t{evidence}", provider.name, provider.title, provider.docs));
        for kind in &provider.kinds {
            let answer = match (kind.decision, kind.challenge) {
                (true, _) => "decision",
                (false, true) => "challenge",
                (false, false) => "notification",
            };
            out(&format!("  {}.{}\t{answer}{}", provider.name, kind.name, column(&kind.about)));
        }
        for group in &provider.groups {
            let what = "group: an address for its kinds that have no address of their own";
            out(&format!("  {}.{group}\t{what}", provider.name));
        }
    }
}

/// Lists a provider, a group or a kind. Returns `false` if there is none of this name.
fn list_named(name: &str, all: &[ProviderInfo]) -> bool {
    let mut is_known = false;
    for (provider, kind) in all.iter().flat_map(|own| own.kinds.iter().map(move |k| (own, k))) {
        let full = format!("{}.{}", provider.name, kind.name);
        let in_group = |group: &str| format!("{}.{group}", provider.name) == name;
        let is_in_group = kind.group.as_deref().is_some_and(in_group);
        if full != name && *provider.name != *name && !is_in_group {
            continue;
        }
        is_known = true;
        out(&format!("{full}{}", column(&kind.about)));
        out(&format!("  ce-type\t{}", kind.ce_type));
        out(&format!("  ce-id\t{}", kind.identity));
        if !kind.common.is_empty() {
            out(&format!("  common\t{}", kind.common.join(", ")));
        }
        event_lines(&kind.fields).iter().for_each(|line| out(line));
        if !kind.reply.is_empty() {
            out("  reply:");
            reply_lines(&kind.reply).iter().for_each(|line| out(line));
        }
    }
    for provider in all.iter().filter(|provider| *provider.name == *name) {
        is_known = true;
        if let Some(evidence) = provider.evidence {
            out(&format!("evidence\t{}", evidence.as_str()));
        }
        if let Some(text) = &provider.unproven {
            let words: Vec<_> = text.split_whitespace().collect();
            out(&format!("unproven\t{}", words.join(" ")));
        }
        for setting in &provider.settings {
            let words = setting.one_of.join(" or ");
            let what = if setting.secret { "secret" } else { &words };
            out(&format!("settings.{}\t{what}\t{}", setting.name, setting.about));
        }
    }
    is_known
}

/// Returns a line for each field of an event. As in `gatepost types`, a field is optional unless
/// gatepost refuses a callback without the field.
pub(super) fn event_lines(fields: &[FieldInfo]) -> Vec<String> {
    let mut lines = Vec::new();
    add_lines(&mut lines, fields, "  ", |field| !field.identifying);
    lines
}

/// Returns a line for each field of a reply.
pub(super) fn reply_lines(fields: &[FieldInfo]) -> Vec<String> {
    let mut lines = Vec::new();
    add_lines(&mut lines, fields, "  ", |field| field.optional);
    lines
}

/// Adds a line for each field, and a line with more indentation for each field inside it.
fn add_lines(
    lines: &mut Vec<String>,
    fields: &[FieldInfo],
    indent: &str,
    is_optional: fn(&FieldInfo) -> bool,
) {
    for field in fields {
        let optional = if is_optional(field) { ", optional" } else { "" };
        let secret = if field.secret { ", secret" } else { "" };
        let about = column(&field.about);
        lines.push(format!("{indent}{}\t{}{optional}{secret}{about}", field.name, field.ty));
        add_lines(lines, &field.fields, &format!("{indent}  "), is_optional);
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
        if !of.contains('.') && file.is_none() && closest(of, ["config"]).is_some() {
            let problem =
                format!("expected `config` or a kind, found `{of}`; did you mean `config`?");
            return Err(CommandError::argument(of, problem));
        }
        let definition = definition(provider, file)?;
        definition.schema(kind).ok_or_else(|| unknown_kind(&definition, kind))?
    };
    out(&format!("{schema:#}"));
    Ok(())
}

/// Returns the definition of the provider called `name`: built in, or read from `file`.
pub(super) fn definition(name: &str, file: Option<&Path>) -> Result<Definition, CommandError> {
    let Some(path) = file else {
        return Definition::built_in(name).ok_or_else(|| unknown_provider(name));
    };
    let definition = definition_in(path)?;
    let own = &*definition.info().name;
    if own == name {
        return Ok(definition);
    }
    let problem = format!("expected provider {name}, found {own}; pass the definition of {name}");
    Err(CommandError::argument(path.display().to_string(), problem))
}

/// Reads the definition in a file. Prints its faults as `gatepost check` does.
pub(super) fn definition_in(path: &Path) -> Result<Definition, CommandError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| CommandError::File { path: path.to_owned(), source })?;
    Definition::parse(&text).map_err(|error| {
        diagnostics::print_human(&diagnostics::of_error(&error, path), path);
        CommandError::Faults
    })
}

fn unknown_provider(name: &str) -> CommandError {
    let suggestion = did_you_mean(name, Definition::built_in_names());
    let remedy = "run `gatepost providers` for a list";
    let problem = format!("expected a known provider, found `{name}`; {suggestion}{remedy}");
    CommandError::argument(name, problem)
}

/// Creates the error for a kind that the definition does not have, or for a group of kinds.
pub(super) fn unknown_kind(definition: &Definition, wrong: &str) -> CommandError {
    let info = definition.info();
    let provider = &info.name;
    let full = format!("{provider}.{wrong}");
    let of_group = info.kinds.iter().filter(|kind| kind.group.as_deref() == Some(wrong));
    let members: Vec<_> = of_group.map(|kind| format!("`{provider}.{}`", kind.name)).collect();
    if !members.is_empty() {
        let members = members.join(", ");
        let problem = format!("expected a kind, found a group of kinds; use one of {members}");
        return CommandError::argument(full, problem);
    }
    let suggestion = did_you_mean(wrong, info.kinds.iter().map(|kind| &*kind.name));
    let remedy = format!("run `gatepost providers {provider}` for a list");
    let found = if wrong.is_empty() { "none".to_owned() } else { format!("`{wrong}`") };
    let problem = format!("expected a kind of {provider}, found {found}; {suggestion}{remedy}");
    CommandError::argument(full, problem)
}

/// Returns the start of a remedy: the word that the operator probably meant.
fn did_you_mean<'w>(wrong: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    closest(wrong, words).map(|word| format!("did you mean `{word}`? ")).unwrap_or_default()
}
