//! Data of the edits that create or change a template.

use toml_edit::{InlineTable, Value};

use crate::error::EditError;
use crate::toml_value::{TomlTable, TomlValue};

/// A template to create. No other template may have the same name. No other template of the same
/// provider may bind one of the tenants in `bind`.
///
/// ```
/// use gatepost_editor::{Edit, KeySource, KindEntry, NewTemplate};
///
/// let template = NewTemplate {
///     name: "prod".into(),
///     provider: "tencent-css".into(),
///     keys: vec![KeySource::Env("TENCENT_KEY".into())],
///     on: vec![("push".into(), KindEntry::Url("http://127.0.0.1:3000/push".into()))],
///     ..NewTemplate::default()
/// };
/// let text = Edit::Create(template).apply("")?;
/// assert!(text.starts_with("[[template]]\nname = \"prod\"\n"));
///
/// let unreachable = NewTemplate { name: "other".into(), ..NewTemplate::default() };
/// assert_eq!(Edit::Create(unreachable).apply(&text).unwrap_err().kind().as_str(), "invalid");
/// # Ok::<_, gatepost_editor::EditError>(())
/// ```
#[derive(Debug, Default)]
pub struct NewTemplate {
    /// Name of 1 to 30 characters, each a Chinese character, letter, digit, `_` or `-`.
    pub name: String,
    /// Name of the provider, for example `tencent-css`.
    pub provider: String,
    /// Description of up to 100 characters. The editor omits an empty description.
    pub description: Option<String>,
    /// Sources of the keys. gatepost accepts a signature made with any of these keys.
    pub keys: Vec<KeySource>,
    /// Tenants to bind; `*` means all tenants that no other template of the provider binds.
    pub bind: Vec<String>,
    /// Entries by kind. At least one entry must have an address or a fixed answer.
    pub on: Vec<(String, KindEntry)>,
    /// Values of the provider's settings, by name.
    pub settings: Vec<(String, TomlValue)>,
}

impl NewTemplate {
    /// Returns an error if a kind or a setting has two entries.
    pub(crate) fn check_names(&self) -> Result<(), EditError> {
        check_once("kind", self.on.iter().map(|(kind, _)| kind))?;
        check_once("setting", self.settings.iter().map(|(setting, _)| setting))
    }
}

/// A change to a template. A field with its default value changes nothing.
///
/// ```
/// use gatepost_editor::{Edit, TemplateChange};
///
/// let change = TemplateChange { rename: Some("live".into()), ..TemplateChange::default() };
/// let edit = Edit::Modify { name: "prod".into(), change };
/// let before = "[[template]]\nname = 'prod' # production\n";
/// assert_eq!(edit.apply(before)?, before.replace("'prod'", "\"live\""));
/// assert_eq!(edit.apply("").unwrap_err().kind().as_str(), "template_not_found");
/// # Ok::<_, gatepost_editor::EditError>(())
/// ```
#[derive(Debug, Default)]
pub struct TemplateChange {
    /// New name. The editor also updates the routes that name the template.
    pub rename: Option<String>,
    /// New description. An empty string removes the current description.
    pub description: Option<String>,
    /// Change to the list of keys.
    pub keys: KeyChange,
    /// New entries by kind; `None` removes the entry.
    pub on: Vec<(String, Option<KindEntry>)>,
    /// New values of settings, by name; `None` removes the setting.
    pub settings: Vec<(String, Option<TomlValue>)>,
}

impl TemplateChange {
    /// Returns `true` if every field has its default value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rename.is_none()
            && self.description.is_none()
            && self.keys.is_empty()
            && self.on.is_empty()
            && self.settings.is_empty()
    }

    /// Returns an error if a kind or a setting has two entries.
    pub(crate) fn check_names(&self) -> Result<(), EditError> {
        check_once("kind", self.on.iter().map(|(kind, _)| kind))?;
        check_once("setting", self.settings.iter().map(|(setting, _)| setting))
    }
}

fn check_once<'n>(what: &str, names: impl Iterator<Item = &'n String>) -> Result<(), EditError> {
    let mut seen: Vec<&String> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            let message =
                format!("expected one entry for the {what} `{name}`, found two; remove one entry");
            return Err(EditError::invalid(message));
        }
        seen.push(name);
    }
    Ok(())
}

/// A change to a template's keys.
#[derive(Debug)]
pub enum KeyChange {
    /// Replaces the list. A key that the old list also contains keeps its position.
    All(Vec<KeySource>),
    /// Removes keys from the list, then appends keys.
    Some {
        /// Keys to add. A key that is already in the list keeps its position.
        add: Vec<KeySource>,
        /// Keys to remove. Each key must be in the list.
        remove: Vec<KeySource>,
    },
}

impl Default for KeyChange {
    fn default() -> Self {
        Self::Some { add: Vec::new(), remove: Vec::new() }
    }
}

impl KeyChange {
    pub(crate) const fn is_empty(&self) -> bool {
        match self {
            Self::Some { add, remove } => add.is_empty() && remove.is_empty(),
            Self::All(_) => false,
        }
    }
}

/// Source from which gatepost reads a key. An edit never contains the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file, relative to the config file.
    File(String),
}

impl KeySource {
    /// Returns the source as a TOML value, for example `{ env = "NAME" }`.
    pub(crate) fn to_value(&self) -> Value {
        let (word, name) = match self {
            Self::Env(name) => ("env", name),
            Self::File(name) => ("file", name),
        };
        let mut table = InlineTable::new();
        table.insert(word, name.into());
        Value::InlineTable(table)
    }

    /// Parses a value of the config file. Returns `None` for a value that is not a source, for
    /// example the key itself.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let table = value.as_inline_table()?;
        let word = |key| table.get(key).and_then(Value::as_str).map(str::to_owned);
        word("env").map(Self::Env).or_else(|| word("file").map(Self::File))
    }
}

impl From<&KeySource> for TomlValue {
    fn from(source: &KeySource) -> Self {
        Self(source.to_value())
    }
}

/// Entry for a kind in the table `on` of a template.
#[derive(Clone, Debug)]
pub enum KindEntry {
    /// Fixed answer, which gatepost uses without asking the app.
    Answer(TomlTable),
    /// Table with all keys of the entry.
    Table(TomlTable),
    /// Address of the app.
    Url(String),
    /// Addresses of the app, which gatepost uses in turn.
    Urls(Vec<String>),
}

impl KindEntry {
    /// Returns the whole entry as a TOML value.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Answer(answer) => {
                let mut table = InlineTable::new();
                table.insert("answer", Value::InlineTable(answer.0.clone()));
                Value::InlineTable(table)
            }
            Self::Table(table) => Value::InlineTable(table.0.clone()),
            Self::Url(url) => url.into(),
            Self::Urls(urls) => Value::Array(urls.iter().collect()),
        }
    }
}
