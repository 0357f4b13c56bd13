//! Arguments of `gatepost template`.

use clap::{Args, Subcommand};
use gatepost_editor::{
    KeyChange, KeySource, KindEntry, NewTemplate, TemplateChange, TomlTable, TomlValue,
};
use serde_json::Value as Json;

use crate::cli::config_argument::ConfigArgument;

/// List, show and change the templates of a config file. Keep the comments and the order of the
/// file.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// List the templates: name, provider, tenants and kinds.
    List {
        #[command(flatten)]
        file: ConfigArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a template, with `[secret]` instead of each secret that the file contains.
    Show {
        /// Name of the template.
        name: String,
        #[command(flatten)]
        file: ConfigArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Create a template, with an address or a fixed answer for at least one kind.
    Create(CreateArguments),
    /// Change a template. The command changes only the values for which you write an option.
    Modify(ModifyArguments),
    /// Delete a template that has no tenants and that no route names. You cannot undo this.
    Delete {
        /// Name of the template.
        name: String,
        #[command(flatten)]
        file: ConfigArgument,
        /// Delete the template without a confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// Bind tenants to a template. A tenant has at most one template per provider.
    Bind(TenantArguments),
    /// Unbind tenants from a template.
    Unbind(TenantArguments),
}

/// A new template.
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// Name of 1 to 30 characters: Chinese characters, letters, digits, _ or -.
    name: String,
    #[command(flatten)]
    pub(super) file: ConfigArgument,
    /// Name of the provider; `gatepost providers` lists all providers.
    #[arg(long)]
    provider: String,
    /// Description of up to 100 characters.
    #[arg(long)]
    description: Option<String>,
    /// Tenant: push domain or channel key, or * for all tenants that no other template of the
    /// provider binds.
    #[arg(long, value_name = "TENANT")]
    bind: Vec<String>,
    #[command(flatten)]
    keys: KeyArguments,
    #[command(flatten)]
    entries: EntryArguments,
}

/// A change to a template.
#[derive(Debug, Args)]
pub(crate) struct ModifyArguments {
    /// Name of the template.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) file: ConfigArgument,
    /// New name. The command also changes the name in each route that selects this template.
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// New description of up to 100 characters; an empty string removes the description.
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    keys: KeyArguments,
    /// Environment variable of a key to remove.
    #[arg(long, value_name = "NAME")]
    remove_key_env: Vec<String>,
    /// File of a key to remove.
    #[arg(long, value_name = "FILE")]
    remove_key_file: Vec<String>,
    #[command(flatten)]
    entries: EntryArguments,
    /// Kind whose address or fixed answer the command removes from the template.
    #[arg(long, value_name = "KIND")]
    off: Vec<String>,
    /// Setting to remove.
    #[arg(long, value_name = "NAME")]
    remove_setting: Vec<String>,
}

/// Keys to add.
#[derive(Debug, Args)]
struct KeyArguments {
    /// Environment variable of a key to add. gatepost accepts a signature by any key of the template.
    #[arg(long, value_name = "NAME")]
    key_env: Vec<String>,
    /// File of a key to add, relative to the config file.
    #[arg(long, value_name = "FILE")]
    key_file: Vec<String>,
}

/// Entries and settings to set.
#[derive(Debug, Args)]
struct EntryArguments {
    /// Address for the events of a kind.
    #[arg(long, value_name = "KIND=URL", value_parser = pair)]
    on: Vec<(String, String)>,
    /// Fixed answer to the callbacks of a kind, as a JSON object, for example {} to acknowledge.
    #[arg(long, value_name = "KIND=JSON", value_parser = answer)]
    answer: Vec<(String, TomlTable)>,
    /// Setting of the provider: a number or a string.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    setting: Vec<(String, TomlValue)>,
    /// Secret setting of the provider, and the environment variable with its value.
    #[arg(long, value_name = "NAME=VARIABLE", value_parser = pair)]
    setting_env: Vec<(String, String)>,
}

/// Tenants of a template.
#[derive(Debug, Args)]
pub(crate) struct TenantArguments {
    /// Name of the template.
    pub(super) name: String,
    /// Push domains or channel keys; * means all tenants that no other template of the provider
    /// binds.
    #[arg(required = true, value_name = "TENANT")]
    pub(super) tenants: Vec<String>,
    #[command(flatten)]
    pub(super) file: ConfigArgument,
}

impl CreateArguments {
    pub(super) fn to_template(&self) -> NewTemplate {
        NewTemplate {
            name: self.name.clone(),
            provider: self.provider.clone(),
            description: self.description.clone(),
            keys: self.keys.sources().collect(),
            bind: self.bind.clone(),
            on: self.entries.deliveries().collect(),
            settings: self.entries.settings().collect(),
        }
    }
}

impl ModifyArguments {
    pub(super) fn to_change(&self) -> TemplateChange {
        let off = self.off.iter().map(|kind| (kind.clone(), None));
        let on = self.entries.deliveries().map(|(kind, entry)| (kind, Some(entry)));
        let unset = self.remove_setting.iter().map(|name| (name.clone(), None));
        let set = self.entries.settings().map(|(name, value)| (name, Some(value)));
        let remove = sources(&self.remove_key_env, &self.remove_key_file).collect();
        TemplateChange {
            rename: self.rename.clone(),
            description: self.description.clone(),
            keys: KeyChange::Some { add: self.keys.sources().collect(), remove },
            on: on.chain(off).collect(),
            settings: set.chain(unset).collect(),
        }
    }
}

impl KeyArguments {
    fn sources(&self) -> impl Iterator<Item = KeySource> {
        sources(&self.key_env, &self.key_file)
    }
}

fn sources(env: &[String], file: &[String]) -> impl Iterator<Item = KeySource> {
    let env = env.iter().cloned().map(KeySource::Env);
    env.chain(file.iter().cloned().map(KeySource::File))
}

impl EntryArguments {
    fn deliveries(&self) -> impl Iterator<Item = (String, KindEntry)> {
        let urls = self.on.iter().cloned().map(|(kind, url)| (kind, KindEntry::Url(url)));
        let answers = self.answer.iter().cloned();
        urls.chain(answers.map(|(kind, answer)| (kind, KindEntry::Answer(answer))))
    }

    fn settings(&self) -> impl Iterator<Item = (String, TomlValue)> {
        let source = |(name, variable)| (name, TomlValue::from(&KeySource::Env(variable)));
        self.setting.iter().cloned().chain(self.setting_env.iter().cloned().map(source))
    }
}

/// Reason why an argument is invalid.
#[derive(Debug, thiserror::Error)]
enum ArgumentError {
    #[error(
        "expected a JSON object without null, found malformed JSON, null or another type; write, for \
         example, live_play={{\"result\":1}}"
    )]
    Answer,
    #[error("expected NAME=VALUE, found no =, no name or no value; write all three")]
    Pair,
}

fn pair(text: &str) -> Result<(String, String), ArgumentError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(ArgumentError::Pair),
    }
}

fn answer(text: &str) -> Result<(String, TomlTable), ArgumentError> {
    let (kind, json) = pair(text)?;
    let json: Json = serde_json::from_str(&json).map_err(|_| ArgumentError::Answer)?;
    let answer = json.as_object().and_then(TomlTable::from_json).ok_or(ArgumentError::Answer)?;
    Ok((kind, answer))
}

fn setting(text: &str) -> Result<(String, TomlValue), ArgumentError> {
    let (name, value) = pair(text)?;
    Ok((name, TomlValue::from_text(&value)))
}
