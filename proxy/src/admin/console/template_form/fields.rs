//! The fields of the form: keys, an address for each kind, and settings.

use std::collections::BTreeSet;

use gatepost::ProviderInfo;
use gatepost_editor::{KeySource, KeyView, KindEntry, TemplateView, TomlValue};
use serde_json::Value as Json;

/// Number of kinds that the form always shows unfolded. Of the other kinds, the form folds those
/// without an entry, except `*`.
pub(super) const SHOWN_KINDS: usize = 8;

/// The source of a key.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct KeyRow {
    pub(in super::super) is_file: bool,
    pub(in super::super) name: String,
    pub(in super::super) problem: String,
    /// Index of the key in the template; `None` for a new key.
    pub(super) index: Option<usize>,
    /// True if the platform's console does not accept the key.
    pub(in super::super) is_unfit: bool,
}

/// The addresses for a kind.
#[derive(Default)]
pub(in super::super) struct KindField {
    pub(in super::super) name: String,
    /// The platform's own name of the kind; empty if the platform has none.
    pub(in super::super) title: String,
    pub(in super::super) about: String,
    /// The addresses, separated by spaces.
    pub(in super::super) url: String,
    /// The entry in the config file that the form cannot show as addresses; empty for any other
    /// entry.
    pub(in super::super) other: String,
    pub(in super::super) is_decision: bool,
    pub(in super::super) is_folded: bool,
    pub(in super::super) problem: String,
}

/// A setting of the provider.
pub(in super::super) struct SettingField {
    pub(in super::super) name: String,
    pub(in super::super) about: String,
    pub(in super::super) value: String,
    pub(in super::super) default: String,
    pub(in super::super) one_of: Vec<String>,
    pub(in super::super) is_secret: bool,
    pub(in super::super) is_number: bool,
    pub(in super::super) is_file: bool,
    /// True if the config file contains the secret itself. The form never shows the secret.
    pub(in super::super) is_written: bool,
    pub(in super::super) problem: String,
}

impl KindField {
    fn new(name: &str, about: &str) -> Self {
        Self { name: name.to_owned(), about: about.to_owned(), ..Self::default() }
    }

    pub(super) fn urls(&self) -> impl Iterator<Item = &str> {
        self.url.split_whitespace()
    }

    /// Returns the entry for the config; `None` if the field has no address.
    pub(super) fn entry(&self) -> Option<KindEntry> {
        let mut urls: Vec<_> = self.urls().map(ToOwned::to_owned).collect();
        match urls.len() {
            0 => None,
            1 => urls.pop().map(KindEntry::Url),
            _ => Some(KindEntry::Urls(urls)),
        }
    }
}

impl KeyRow {
    pub(super) fn new(is_file: bool, name: String) -> Self {
        Self { is_file, name, ..Self::default() }
    }

    pub(super) fn of((index, view): (usize, &KeyView)) -> Option<Self> {
        let row = |is_file, name: &String| {
            Some(Self { index: Some(index), ..Self::new(is_file, name.clone()) })
        };
        match view {
            KeyView::Env(name) => row(false, name),
            KeyView::File(name) => row(true, name),
            KeyView::Secret(_) => None,
        }
    }

    /// Returns true if both rows name the same source.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.is_file, &self.name) == (other.is_file, &other.name)
    }

    pub(super) fn source(&self) -> KeySource {
        let name = self.name.clone();
        if self.is_file { KeySource::File(name) } else { KeySource::Env(name) }
    }
}

impl SettingField {
    /// Returns the value for the config; `None` for an empty field.
    pub(super) fn toml(&self) -> Option<TomlValue> {
        if self.value.is_empty() {
            return None;
        }
        if self.is_secret {
            let row = KeyRow::new(self.is_file, self.value.clone());
            return Some(TomlValue::from(&row.source()));
        }
        // A value that is not a number remains a string. The check of the config then reports it.
        let number = self.value.parse::<i64>().ok().filter(|_| self.is_number);
        TomlValue::from_json(&number.map_or_else(|| Json::from(&*self.value), Json::from))
    }
}

pub(super) fn kinds(info: Option<&ProviderInfo>, view: Option<&TemplateView>) -> Vec<KindField> {
    let entries = view.map(|view| &*view.on).unwrap_or_default();
    let declared = info.iter().flat_map(|info| &info.kinds).filter(|kind| !kind.challenge);
    let declared = declared.map(|kind| KindField {
        title: kind.title.as_deref().unwrap_or_default().to_owned(),
        is_decision: kind.decision,
        ..KindField::new(&kind.name, kind.about.as_deref().unwrap_or_default())
    });
    let groups = info.iter().flat_map(|info| info.groups.iter().map(move |group| (info, group)));
    let groups = groups.map(|(info, group)| KindField::new(group, &group_about(info, group)));
    let mut all: Vec<_> = declared.chain(groups).collect();
    let known: BTreeSet<_> = all.iter().map(|kind| kind.name.clone()).collect();
    let others = entries.iter().map(|(name, _)| name).filter(|name| !known.contains(*name));
    all.extend(others.filter(|name| *name != "*").map(|name| KindField::new(name, "")));
    all.push(KindField::new("*", "All kinds without an address of their own."));
    let count = all.len();
    for (index, kind) in all.iter_mut().enumerate() {
        let entry = entries.iter().find(|(own, _)| *own == kind.name).map(|(_, entry)| entry);
        (kind.url, kind.other) = entry.map(written).unwrap_or_default();
        kind.is_folded = index >= SHOWN_KINDS && index + 1 < count && entry.is_none();
    }
    all
}

/// Returns the description of a group, with the kinds to which its address applies.
fn group_about(info: &ProviderInfo, group: &str) -> String {
    let kinds = info.kinds.iter().filter(|kind| kind.group.as_deref() == Some(group));
    let names: Vec<_> = kinds.map(|kind| &*kind.name).collect();
    format!(
        "The address applies to each of these kinds that has no address of its own: {}.",
        names.join(", ")
    )
}

/// Returns the addresses of an entry, or the entry as JSON if it has no address.
fn written(entry: &Json) -> (String, String) {
    match texts(entry).or_else(|| texts(entry.get("url")?)) {
        Some(urls) => (urls.join(" "), String::new()),
        None => (String::new(), entry.to_string()),
    }
}

/// Returns a single string, or the strings of a list; `None` for another value.
fn texts(value: &Json) -> Option<Vec<&str>> {
    match value {
        Json::String(text) => Some(vec![text]),
        Json::Array(items) => items.iter().map(Json::as_str).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => None,
    }
}

pub(super) fn settings(
    info: Option<&ProviderInfo>,
    view: Option<&TemplateView>,
) -> Vec<SettingField> {
    let entries = view.map(|view| &*view.settings).unwrap_or_default();
    let entry = |name: &str| entries.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let declared = info.iter().flat_map(|info| &info.settings).map(|setting| SettingField {
        about: sentence(&setting.about),
        default: setting.default.as_deref().unwrap_or_default().to_owned(),
        one_of: setting.one_of.iter().map(ToString::to_string).collect(),
        is_secret: setting.secret,
        ..SettingField::of(&setting.name, entry(&setting.name))
    });
    let window = info.iter().flat_map(|info| &info.window);
    let window = window.map(|(name, default)| SettingField {
        about: window_about(name).into(),
        default: default.map(|secs| secs.to_string()).unwrap_or_default(),
        is_number: true,
        ..SettingField::of(name, entry(name))
    });
    declared.chain(window).collect()
}

/// Turns a note of a definition into a sentence.
fn sentence(note: &str) -> String {
    let mut text = note.to_owned();
    if !note.starts_with("gatepost")
        && let Some(first) = text.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    if !note.is_empty() && !note.ends_with('.') {
        text.push('.');
    }
    text
}

/// Returns the description of a limit for a signed time.
fn window_about(name: &str) -> &'static str {
    match name {
        "grace_secs" => "Seconds after the expiry for which gatepost still accepts a callback.",
        "max_ahead_secs" => "Seconds by which a signed time may be ahead of the clock of gatepost.",
        _ => "Maximum age of a signed time, in seconds.",
    }
}

impl SettingField {
    fn of(name: &str, entry: Option<&Json>) -> Self {
        let source = |word: &str| entry?.get(word)?.as_str().map(ToOwned::to_owned);
        let plain = entry.filter(|entry| !entry.is_object()).map(|entry| match entry.as_str() {
            Some(text) => text.to_owned(),
            None => entry.to_string(),
        });
        let (env, file) = (source("env"), source("file"));
        Self {
            name: name.to_owned(),
            about: String::new(),
            is_file: file.is_some(),
            is_written: entry.is_some_and(|entry| entry.get("secret").is_some()),
            value: plain.or(env).or(file).unwrap_or_default(),
            default: String::new(),
            one_of: Vec::new(),
            is_secret: false,
            is_number: false,
            problem: String::new(),
        }
    }
}
