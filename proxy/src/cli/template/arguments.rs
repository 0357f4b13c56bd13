//! The command line of `gatepost template`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value as Json;
use toml_edit::{InlineTable, Value};

use crate::templates::draft::{Change, Draft, Entry, KeyChange, KeySource};
use crate::templates::json::to_table;

/// List, show and change the templates of a config file. Comments and order of everything else stay.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the templates: name, provider, tenants and kinds.
    List {
        #[command(flatten)]
        file: ConfigFile,
        /// For a machine.
        #[arg(long)]
        json: bool,
    },
    /// Show a template. A secret that is written in the file shows as [secret].
    Show {
        /// The template.
        name: String,
        #[command(flatten)]
        file: ConfigFile,
        /// For a machine.
        #[arg(long)]
        json: bool,
    },
    /// Create a template, with an address or an answer for at least one kind.
    Create(Create),
    /// Change a template; what is not named stays.
    Modify(Modify),
    /// Delete a template that nobody is bound to. This cannot be undone.
    Delete {
        /// The template.
        name: String,
        #[command(flatten)]
        file: ConfigFile,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Bind tenants to a template. A tenant has at most one template of a provider.
    Bind(Tenants),
    /// Take tenants from a template.
    Unbind(Tenants),
}

/// Which file.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The config file.
    #[arg(id = "config", short = 'c', long = "config", value_name = "FILE")]
    pub(super) path: PathBuf,
}

/// A new template.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// 1 to 30 Chinese characters, letters, digits, _ and -.
    name: String,
    #[command(flatten)]
    pub(super) file: ConfigFile,
    /// The platform; `gatepost providers` lists them.
    #[arg(long)]
    provider: String,
    /// Up to 100 characters.
    #[arg(long)]
    description: Option<String>,
    /// A tenant: a push domain or channel key, or * for every other one.
    #[arg(long, value_name = "TENANT")]
    bind: Vec<String>,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    entries: Entries,
}

/// A change to a template.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    /// The template.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) file: ConfigFile,
    /// The new name; routes that pin the template follow.
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// Up to 100 characters; an empty one takes it out.
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    keys: Keys,
    /// The environment variable of a key to take out.
    #[arg(long, value_name = "NAME")]
    remove_key_env: Vec<String>,
    /// The file of a key to take out.
    #[arg(long, value_name = "FILE")]
    remove_key_file: Vec<String>,
    #[command(flatten)]
    entries: Entries,
    /// A kind whose address or answer to take out.
    #[arg(long, value_name = "KIND")]
    off: Vec<String>,
    /// A setting to take out.
    #[arg(long, value_name = "NAME")]
    remove_setting: Vec<String>,
}

/// Keys to add.
#[derive(Debug, Args)]
struct Keys {
    /// The environment variable of a key; any of several will do.
    #[arg(long, value_name = "NAME")]
    key_env: Vec<String>,
    /// The file of a key, relative to the config file.
    #[arg(long, value_name = "FILE")]
    key_file: Vec<String>,
}

/// What to set for kinds, and settings.
#[derive(Debug, Args)]
struct Entries {
    /// Where a kind of event goes.
    #[arg(long, value_name = "KIND=URL", value_parser = pair)]
    on: Vec<(String, String)>,
    /// A fixed answer to a kind, as a JSON object; {} acknowledges.
    #[arg(long, value_name = "KIND=JSON", value_parser = answer)]
    answer: Vec<(String, InlineTable)>,
    /// A setting of the platform: a number, or a text.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    setting: Vec<(String, Value)>,
    /// The environment variable of a setting that is a secret.
    #[arg(long, value_name = "NAME=VARIABLE", value_parser = pair)]
    setting_env: Vec<(String, String)>,
}

/// Tenants of a template.
#[derive(Debug, Args)]
pub(crate) struct Tenants {
    /// The template.
    pub(super) name: String,
    /// Push domains or channel keys; * is every other one.
    #[arg(required = true, value_name = "TENANT")]
    pub(super) tenants: Vec<String>,
    #[command(flatten)]
    pub(super) file: ConfigFile,
}

impl Create {
    pub(super) fn to_draft(&self) -> Draft {
        Draft {
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

impl Modify {
    pub(super) fn to_change(&self) -> Change {
        let off = self.off.iter().map(|kind| (kind.clone(), None));
        let on = self.entries.deliveries().map(|(kind, entry)| (kind, Some(entry)));
        let unset = self.remove_setting.iter().map(|name| (name.clone(), None));
        let set = self.entries.settings().map(|(name, value)| (name, Some(value)));
        let remove = sources(&self.remove_key_env, &self.remove_key_file).collect();
        Change {
            rename: self.rename.clone(),
            description: self.description.clone(),
            keys: KeyChange::Some { add: self.keys.sources().collect(), remove },
            on: on.chain(off).collect(),
            settings: set.chain(unset).collect(),
        }
    }
}

impl Keys {
    fn sources(&self) -> impl Iterator<Item = KeySource> {
        sources(&self.key_env, &self.key_file)
    }
}

fn sources(env: &[String], file: &[String]) -> impl Iterator<Item = KeySource> {
    let env = env.iter().cloned().map(KeySource::Env);
    env.chain(file.iter().cloned().map(KeySource::File))
}

impl Entries {
    fn deliveries(&self) -> impl Iterator<Item = (String, Entry)> {
        let urls = self.on.iter().cloned().map(|(kind, url)| (kind, Entry::Url(url)));
        let answers = self.answer.iter().cloned();
        urls.chain(answers.map(|(kind, answer)| (kind, Entry::Answer(answer))))
    }

    fn settings(&self) -> impl Iterator<Item = (String, Value)> {
        let source = |(name, variable)| (name, KeySource::Env(variable).to_value());
        self.setting.iter().cloned().chain(self.setting_env.iter().cloned().map(source))
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write a name, = and a value".to_owned()),
    }
}

fn answer(text: &str) -> Result<(String, InlineTable), String> {
    let (kind, json) = pair(text)?;
    let object =
        serde_json::from_str(&json).ok().as_ref().and_then(Json::as_object).and_then(to_table);
    let remedy = "write a JSON object without null, as in live_play={\"result\":1}";
    Ok((kind, object.ok_or(remedy)?))
}

/// A value as TOML has it, and any other text as it is.
fn setting(text: &str) -> Result<(String, Value), String> {
    let (name, value) = pair(text)?;
    let parsed = value.parse().unwrap_or_else(|_| Value::from(value));
    Ok((name, parsed))
}
