//! Requested edits of a template, as plain data.

use toml_edit::{InlineTable, Value};

use crate::error::EditError;
use crate::toml_value::{TomlTable, TomlValue};

/// A template to create. Its name must be free and its tenants not bound elsewhere.
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
    /// 1 to 30 Chinese characters, letters, digits, `_` and `-`.
    pub name: String,
    /// Name of the provider, as in `tencent-css`.
    pub provider: String,
    /// Up to 100 characters; an empty one is not written.
    pub description: Option<String>,
    /// Sources of the keys; a signature by any of them is taken.
    pub keys: Vec<KeySource>,
    /// Tenants, or `*` for every other one.
    pub bind: Vec<String>,
    /// Entries by kind; at least one must have an address or an answer.
    pub on: Vec<(String, KindEntry)>,
    /// Settings of the provider.
    pub settings: Vec<(String, TomlValue)>,
}

impl NewTemplate {
    /// Refuses a kind or a setting that is named twice.
    pub(crate) fn check_names(&self) -> Result<(), EditError> {
        check_once("kind", self.on.iter().map(|(kind, _)| kind))?;
        check_once("setting", self.settings.iter().map(|(setting, _)| setting))
    }
}

/// A change to a template. A field with its default value leaves that part as it is.
///
/// ```
/// use gatepost_editor::{Edit, TemplateChange};
///
/// let change = TemplateChange { rename: Some("live".into()), ..TemplateChange::default() };
/// let edit = Edit::Modify { name: "prod".into(), change };
/// let before = "[[template]]\nname = 'prod' # ours\n";
/// assert_eq!(edit.apply(before)?, before.replace("'prod'", "\"live\""));
/// assert_eq!(edit.apply("").unwrap_err().kind().as_str(), "template_not_found");
/// # Ok::<_, gatepost_editor::EditError>(())
/// ```
#[derive(Debug, Default)]
pub struct TemplateChange {
    /// New name; routes that pin the template follow.
    pub rename: Option<String>,
    /// New description; an empty one removes it.
    pub description: Option<String>,
    /// Keys to add and to remove.
    pub keys: KeyChange,
    /// Entries by kind; `None` removes the entry.
    pub on: Vec<(String, Option<KindEntry>)>,
    /// Settings; `None` removes the setting.
    pub settings: Vec<(String, Option<TomlValue>)>,
}

impl TemplateChange {
    /// Returns true if every part stays as it is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rename.is_none()
            && self.description.is_none()
            && self.keys.is_empty()
            && self.on.is_empty()
            && self.settings.is_empty()
    }

    /// Refuses a kind or a setting that is named twice.
    pub(crate) fn check_names(&self) -> Result<(), EditError> {
        check_once("kind", self.on.iter().map(|(kind, _)| kind))?;
        check_once("setting", self.settings.iter().map(|(setting, _)| setting))
    }
}

fn check_once<'n>(what: &str, names: impl Iterator<Item = &'n String>) -> Result<(), EditError> {
    let mut seen: Vec<&String> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            let message = format!("the {what} `{name}` is given twice; give it once");
            return Err(EditError::invalid(message));
        }
        seen.push(name);
    }
    Ok(())
}

/// A change to a template's keys.
#[derive(Debug)]
pub enum KeyChange {
    /// Replaces the list.
    All(Vec<KeySource>),
    /// Adds keys behind the others, and removes some.
    Some {
        /// Keys to add; one that is there already stays in its place.
        add: Vec<KeySource>,
        /// Keys to remove; each must be there.
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

/// Place of a key. An edit never carries the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file, relative to the config file.
    File(String),
}

impl KeySource {
    /// Formats it as the file has it: `{ env = "NAME" }`.
    pub(crate) fn to_value(&self) -> Value {
        let (word, name) = match self {
            Self::Env(name) => ("env", name),
            Self::File(name) => ("file", name),
        };
        let mut table = InlineTable::new();
        table.insert(word, name.into());
        Value::InlineTable(table)
    }

    /// Parses a value of the file. `None` for a key that is written out.
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

/// Entry of a kind in a template's `on`.
#[derive(Clone, Debug)]
pub enum KindEntry {
    /// Fixed answer, given without asking the app.
    Answer(TomlTable),
    /// Whole entry.
    Table(TomlTable),
    /// Address of the app.
    Url(String),
}

impl KindEntry {
    /// Formats it for a template that has no entry of the kind yet.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Answer(answer) => {
                let mut table = InlineTable::new();
                table.insert("answer", Value::InlineTable(answer.0.clone()));
                Value::InlineTable(table)
            }
            Self::Table(table) => Value::InlineTable(table.0.clone()),
            Self::Url(url) => url.into(),
        }
    }
}
