//! What is asked for: a new template, or a change to one.

use toml_edit::{InlineTable, Value};

/// A template to be created.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) description: Option<String>,
    pub(crate) keys: Vec<KeySource>,
    pub(crate) bind: Vec<String>,
    pub(crate) on: Vec<(String, Entry)>,
    pub(crate) settings: Vec<(String, Value)>,
}

/// What is to become different in a template; everything else stays.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) rename: Option<String>,
    /// Empty to take it out.
    pub(crate) description: Option<String>,
    pub(crate) keys: KeyChange,
    /// `None` takes the kind's entry out.
    pub(crate) on: Vec<(String, Option<Entry>)>,
    /// `None` takes the setting out.
    pub(crate) settings: Vec<(String, Option<Value>)>,
}

impl Change {
    /// Whether nothing is to become different.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rename.is_none()
            && self.description.is_none()
            && self.keys.is_empty()
            && self.on.is_empty()
            && self.settings.is_empty()
    }
}

/// What is to become of a template's keys.
#[derive(Debug)]
pub(crate) enum KeyChange {
    /// These are added behind the others, and those taken out.
    Some { add: Vec<KeySource>, remove: Vec<KeySource> },
    /// These alone are to be left.
    All(Vec<KeySource>),
}

impl Default for KeyChange {
    fn default() -> Self {
        Self::Some { add: Vec::new(), remove: Vec::new() }
    }
}

impl KeyChange {
    /// Whether they stay as they are.
    pub(crate) const fn is_empty(&self) -> bool {
        match self {
            Self::Some { add, remove } => add.is_empty() && remove.is_empty(),
            Self::All(_) => false,
        }
    }
}

/// Where a key is. The key itself is never taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    Env(String),
    File(String),
}

impl KeySource {
    /// As the file has it: `{ env = "NAME" }`.
    pub(crate) fn to_value(&self) -> Value {
        let (word, name) = match self {
            Self::Env(name) => ("env", name),
            Self::File(name) => ("file", name),
        };
        let mut table = InlineTable::new();
        table.insert(word, name.into());
        Value::InlineTable(table)
    }

    /// From what the file has; nothing from a key that is written out.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let table = value.as_inline_table()?;
        let word = |key| table.get(key).and_then(Value::as_str).map(str::to_owned);
        word("env").map(Self::Env).or_else(|| word("file").map(Self::File))
    }
}

/// What is to happen to a kind.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// The template itself has the answer.
    Answer(InlineTable),
    /// The whole entry as a table.
    Table(InlineTable),
    /// The app is asked there.
    Url(String),
}

impl Entry {
    /// As the file has it, where there is nothing of the kind yet.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Answer(answer) => {
                let mut table = InlineTable::new();
                table.insert("answer", Value::InlineTable(answer.clone()));
                Value::InlineTable(table)
            }
            Self::Table(table) => Value::InlineTable(table.clone()),
            Self::Url(url) => url.into(),
        }
    }
}
