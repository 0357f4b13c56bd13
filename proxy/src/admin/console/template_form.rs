//! The form of a template: what it shows, and the edit that it asks for.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _};

use gatepost::{Definition, ProviderInfo};
use gatepost_editor::{
    EditError, EditErrorKind, KeyChange, KeySource, KeyView, KindEntry, NewTemplate,
    TemplateChange, TemplateView, TomlValue,
};
use serde_json::Value as Json;

use super::form::{self, Form};

/// Number of kinds that the form shows at once. The rest is folded.
const SHOWN_KINDS: usize = 8;

/// The form, with the operator's values and the faults of the last attempt.
pub(super) struct TemplateForm {
    pub(super) name: FormField,
    pub(super) description: FormField,
    pub(super) provider: String,
    /// True if the platform signs.
    pub(super) has_keys: bool,
    pub(super) keys: Vec<KeyRow>,
    pub(super) keys_problem: String,
    /// Number of keys that are written in the config file. They stay as they are.
    pub(super) written_keys: usize,
    pub(super) kinds: Vec<KindField>,
    pub(super) settings: Vec<SettingField>,
    /// Faults that belong to no field.
    pub(super) problems: Vec<String>,
    /// State of the template that the form shows.
    pub(super) version: String,
}

/// A text field.
pub(super) struct FormField {
    pub(super) value: String,
    pub(super) problem: String,
}

/// The source of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyRow {
    pub(super) is_file: bool,
    pub(super) name: String,
}

/// The address for a kind.
pub(super) struct KindField {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) url: String,
    /// The entry in the config file, if the form cannot show it as an address.
    pub(super) other: String,
    pub(super) is_decision: bool,
    pub(super) is_folded: bool,
    pub(super) problem: String,
}

/// A setting of the provider.
pub(super) struct SettingField {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) value: String,
    pub(super) default: String,
    pub(super) one_of: Vec<String>,
    pub(super) is_secret: bool,
    pub(super) is_number: bool,
    pub(super) is_file: bool,
    /// True if the config file has the value itself, which the form never shows.
    pub(super) is_written: bool,
    pub(super) problem: String,
}

impl TemplateForm {
    /// Creates the form of a template, or an empty form for a provider.
    pub(super) fn new(provider: &str, view: Option<&TemplateView>) -> Self {
        let info = Definition::built_in(provider).map(|definition| definition.info());
        let text = |value: &str| FormField { value: value.to_owned(), problem: String::new() };
        let keys = view.map(|view| &*view.keys).unwrap_or_default();
        Self {
            name: text(view.map_or("", |view| &view.name)),
            description: text(view.map_or("", |view| &view.description)),
            provider: provider.to_owned(),
            has_keys: info.as_ref().is_none_or(|info| info.keys),
            keys: keys.iter().filter_map(KeyRow::of).collect(),
            keys_problem: String::new(),
            written_keys: keys.iter().filter(|key| matches!(key, KeyView::Secret(_))).count(),
            kinds: kinds(info.as_ref(), view),
            settings: settings(info.as_ref(), view),
            problems: Vec::new(),
            version: view.map(version).unwrap_or_default(),
        }
    }

    /// Takes the values that the operator has sent.
    pub(super) fn fill(&mut self, sent: &Form) {
        let value = |name: &str| form::value(sent, name).map(|text| text.trim().to_owned());
        let put = |field: &mut String, name: &str| {
            if let Some(value) = value(name) {
                *field = value;
            }
        };
        put(&mut self.name.value, "name");
        put(&mut self.description.value, "description");
        let named = |(name, value): &'_ (String, String)| match &**name {
            "key_source" => Some((true, value.trim().to_owned())),
            "key_name" => Some((false, value.trim().to_owned())),
            _ => None,
        };
        let (sources, names): (Vec<_>, Vec<_>) =
            sent.iter().filter_map(named).partition(|(is_source, _)| *is_source);
        let rows = sources
            .into_iter()
            .zip(names)
            .map(|((_, source), (_, name))| KeyRow { is_file: source == "file", name });
        self.keys = rows.filter(|row| !row.name.is_empty()).collect();
        for kind in &mut self.kinds {
            put(&mut kind.url, &format!("on:{}", kind.name));
        }
        for setting in &mut self.settings {
            put(&mut setting.value, &format!("setting:{}", setting.name));
            setting.is_file = value(&format!("source:{}", setting.name)).as_deref() == Some("file");
        }
    }

    /// Returns the template that the form describes.
    pub(super) fn new_template(&self) -> NewTemplate {
        let url = |kind: &KindField| (kind.name.clone(), KindEntry::Url(kind.url.clone()));
        let on = self.kinds.iter().filter(|kind| !kind.url.is_empty()).map(url);
        let setting = |own: &SettingField| Some((own.name.clone(), own.toml()?));
        NewTemplate {
            name: self.name.value.clone(),
            provider: self.provider.clone(),
            description: Some(self.description.value.clone()),
            keys: self.keys.iter().map(KeyRow::source).collect(),
            on: on.collect(),
            settings: self.settings.iter().filter_map(setting).collect(),
            ..NewTemplate::default()
        }
    }

    /// Returns the difference between a template and the form.
    pub(super) fn change(&self, view: &TemplateView) -> TemplateChange {
        let before = Self::new(&self.provider, Some(view));
        let differs =
            |new: &FormField, old: &FormField| (new.value != old.value).then(|| new.value.clone());
        let pairs = self.kinds.iter().zip(&before.kinds);
        let on = pairs.filter(|(new, old)| new.url != old.url).map(|(new, _)| {
            let url = Some(new.url.clone()).filter(|url| !url.is_empty());
            (new.name.clone(), url.map(KindEntry::Url))
        });
        let pairs = self.settings.iter().zip(&before.settings);
        let changed = pairs.filter(|(new, old)| {
            new.value != old.value || (new.is_file != old.is_file && !new.value.is_empty())
        });
        let settings = changed.map(|(new, _)| (new.name.clone(), new.toml()));
        TemplateChange {
            rename: differs(&self.name, &before.name),
            description: differs(&self.description, &before.description),
            keys: key_change(&before.keys, &self.keys),
            on: on.collect(),
            settings: settings.collect(),
        }
    }

    /// Puts each fault to its field.
    pub(super) fn show(&mut self, error: &EditError) {
        if error.kind() == EditErrorKind::NameTaken {
            self.name.problem = error.message().to_owned();
            return;
        }
        for fault in error.faults() {
            let problem = format!("{}; {}", fault.problem, fault.remedy);
            match self.problem_at(&fault.key) {
                Some(field) if field.is_empty() => *field = problem,
                Some(field) => *field = format!("{field}. {problem}"),
                None => self.problems.push(format!("{}: {problem}", fault.key)),
            }
        }
        if error.faults().is_empty() {
            self.problems.push(error.message().to_owned());
        }
    }

    /// Returns the place for the problem of a key such as `template[0].on.push`.
    fn problem_at(&mut self, key: &str) -> Option<&mut String> {
        let (table, key) = key.split_once('.').unwrap_or(("", key));
        if !table.starts_with("template") {
            return None;
        }
        let (word, rest) = key.split_once(['.', '[']).unwrap_or((key, ""));
        let name = rest.split('.').next().unwrap_or_default().trim_matches(['"', '\'']);
        match word {
            "name" => Some(&mut self.name.problem),
            "description" => Some(&mut self.description.problem),
            "keys" => Some(&mut self.keys_problem),
            "on" => {
                let kind = self.kinds.iter_mut().find(|kind| kind.name == name)?;
                kind.is_folded = false;
                Some(&mut kind.problem)
            }
            "settings" => {
                let setting = self.settings.iter_mut().find(|setting| setting.name == name)?;
                Some(&mut setting.problem)
            }
            _ => None,
        }
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = &KindField> {
        self.kinds.iter().filter(|kind| !kind.is_folded)
    }

    pub(super) fn folded(&self) -> impl Iterator<Item = &KindField> {
        self.kinds.iter().filter(|kind| kind.is_folded)
    }

    /// Returns true if a fault is at a field.
    pub(super) fn has_problem(&self) -> bool {
        let kinds = self.kinds.iter().map(|kind| &kind.problem);
        let settings = self.settings.iter().map(|setting| &setting.problem);
        let own = [&self.name.problem, &self.description.problem, &self.keys_problem];
        own.into_iter().chain(kinds).chain(settings).any(|problem| !problem.is_empty())
    }
}

impl KeyRow {
    fn of(view: &KeyView) -> Option<Self> {
        match view {
            KeyView::Env(name) => Some(Self { is_file: false, name: name.clone() }),
            KeyView::File(name) => Some(Self { is_file: true, name: name.clone() }),
            KeyView::Secret(_) => None,
        }
    }

    fn source(&self) -> KeySource {
        let name = self.name.clone();
        if self.is_file { KeySource::File(name) } else { KeySource::Env(name) }
    }
}

impl SettingField {
    /// Returns `None` for an empty field.
    fn toml(&self) -> Option<TomlValue> {
        if self.value.is_empty() {
            return None;
        }
        if self.is_secret {
            let row = KeyRow { is_file: self.is_file, name: self.value.clone() };
            return Some(TomlValue::from(&row.source()));
        }
        // A text that is no number reaches the check, which names the fault.
        let number = self.value.parse::<i64>().ok().filter(|_| self.is_number);
        TomlValue::from_json(&number.map_or_else(|| Json::from(&*self.value), Json::from))
    }
}

/// Returns the change that leaves the keys of the config file that the form does not show.
fn key_change(before: &[KeyRow], after: &[KeyRow]) -> KeyChange {
    let missing = |from: &[KeyRow], of: &[KeyRow]| {
        of.iter().filter(|key| !from.contains(key)).map(KeyRow::source).collect()
    };
    KeyChange::Some { add: missing(before, after), remove: missing(after, before) }
}

/// Returns a word that changes with the template.
pub(super) fn version(view: &TemplateView) -> String {
    let mut hasher = foldhash::quality::FixedState::with_seed(1).build_hasher();
    hasher.write(serde_json::to_string(view).unwrap_or_default().as_bytes());
    format!("{:016x}", hasher.finish())
}

fn kinds(info: Option<&ProviderInfo>, view: Option<&TemplateView>) -> Vec<KindField> {
    let entries = view.map(|view| &*view.on).unwrap_or_default();
    let declared = info.iter().flat_map(|info| &info.kinds);
    let declared = declared.filter(|kind| !kind.challenge).map(|kind| {
        (kind.name.to_string(), kind.about.as_deref().unwrap_or_default().to_owned(), kind.decision)
    });
    let groups = info.iter().flat_map(|info| &info.groups);
    let groups = groups
        .map(|group| (group.to_string(), "Kinds of this group without an address.".into(), false));
    let mut all: Vec<_> = declared.chain(groups).collect();
    let known: BTreeSet<_> = all.iter().map(|(name, ..)| name.clone()).collect();
    let others = entries.iter().map(|(name, _)| name).filter(|name| !known.contains(*name));
    let others =
        others.filter(|name| *name != "*").map(|name| (name.clone(), String::new(), false));
    all.extend(others);
    all.push(("*".into(), "All kinds without an address of their own.".into(), false));
    let count = all.len();
    let field = |(index, (name, about, is_decision)): (usize, (String, String, bool))| {
        let entry = entries.iter().find(|(own, _)| *own == name).map(|(_, entry)| entry);
        let (url, other) = entry.map(written).unwrap_or_default();
        let is_folded = index >= SHOWN_KINDS && index + 1 < count && entry.is_none();
        KindField { name, about, url, other, is_decision, is_folded, problem: String::new() }
    };
    all.into_iter().enumerate().map(field).collect()
}

/// Returns the address of an entry, or the entry as JSON if it has no single address.
fn written(entry: &Json) -> (String, String) {
    match entry.as_str().or_else(|| entry.get("url")?.as_str()) {
        Some(url) => (url.to_owned(), String::new()),
        None => (String::new(), entry.to_string()),
    }
}

fn settings(info: Option<&ProviderInfo>, view: Option<&TemplateView>) -> Vec<SettingField> {
    let entries = view.map(|view| &*view.settings).unwrap_or_default();
    let entry = |name: &str| entries.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let declared = info.iter().flat_map(|info| &info.settings).map(|setting| SettingField {
        about: setting.about.to_string(),
        default: setting.default.as_deref().unwrap_or_default().to_owned(),
        one_of: setting.one_of.iter().map(ToString::to_string).collect(),
        is_secret: setting.secret,
        ..SettingField::of(&setting.name, entry(&setting.name))
    });
    let window = info.iter().flat_map(|info| &info.window);
    let window = window.map(|name| SettingField {
        about: "Limit of the age of a signed time, in seconds.".into(),
        is_number: true,
        ..SettingField::of(name, entry(name))
    });
    declared.chain(window).collect()
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

#[cfg(test)]
mod tests {
    use gatepost::ConfigFiles;

    use super::*;

    const TEXT: &str = "[[template]]\nname = 'a'\nprovider = 'tencent-css'\n\
                        keys = ['s3cret', { env = 'OLD' }]\n[template.on]\n\
                        push = { url = 'http://a/push', timeout_ms = 9 }\nerror = { answer = {} }\n\
                        '*' = 'http://a/rest'\n";

    fn view() -> TemplateView {
        let files = ConfigFiles::with_text(TEXT, "gatepost.toml").unwrap();
        TemplateView::named(&files, None, "a").unwrap()
    }

    fn filled(pairs: &[(&str, &str)]) -> TemplateForm {
        let mut form = TemplateForm::new("tencent-css", Some(&view()));
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let keys = [("key_source", "env"), ("key_name", "OLD")];
        let keys = keys.iter().filter(|_| pairs.iter().all(|(name, _)| *name != "key_name"));
        form.fill(&keys.chain(pairs).map(own).collect());
        form
    }

    #[test]
    fn unchanged_form_changes_nothing() {
        let form = filled(&[("name", "a"), ("on:push", "http://a/push"), ("on:error", "")]);
        assert!(form.change(&view()).is_empty());
        let shown: Vec<_> = form.shown().map(|kind| &*kind.name).collect();
        assert_eq!(shown.len(), SHOWN_KINDS + 1, "{shown:?}");
        assert_eq!((shown[0], shown[8]), ("push", "*"));
        assert_eq!((form.written_keys, form.keys.len()), (1, 1));
        let error = form.kinds.iter().find(|kind| kind.name == "error").unwrap();
        assert_eq!((&*error.url, &*error.other), ("", "{\"answer\":{}}"));
    }

    #[test]
    fn changes_only_what_differs() {
        let form = filled(&[
            ("name", "b"),
            ("on:push", "http://b/push "),
            ("on:*", ""),
            ("key_source", "file"),
            ("key_name", "new.key"),
        ]);
        let change = form.change(&view());
        assert_eq!(change.rename.as_deref(), Some("b"));
        assert!(matches!(&*change.on, [(push, Some(KindEntry::Url(url))), (rest, None)]
            if push == "push" && url == "http://b/push" && rest == "*"));
        let KeyChange::Some { add, remove } = change.keys else { panic!("expected some") };
        assert_eq!(add, [KeySource::File("new.key".into())]);
        assert_eq!(remove, [KeySource::Env("OLD".into())]);
    }

    #[test]
    fn shows_fault_at_its_field() {
        let mut form = filled(&[]);
        let places = [
            ("template[3].name", true),
            ("template[0].on.highlights", true),
            ("template[0].on.push.url", true),
            ("template[0].on.\"*\"", true),
            ("template[0].keys[1]", true),
            ("template[0].settings.grace_secs", true),
            ("route[0].path", false),
            ("template[0].bind", false),
        ];
        for (key, is_field) in places {
            assert_eq!(form.problem_at(key).is_some(), is_field, "{key}");
        }
        assert!(form.shown().any(|kind| kind.name == "highlights"), "expected it unfolded");
    }
}
