//! The form of a template: its values, and the edit of the config that the values describe.

mod faults;
mod fields;

use std::hash::{BuildHasher as _, Hasher as _};

use gatepost::ProviderInfo;
use gatepost_editor::{KeyChange, KeyView, NewTemplate, TemplateChange, TemplateView};

use self::fields::{KeyRow, KindField, SettingField, kinds, settings};
use super::form::{self, Form, FormField};

/// The form, with the operator's values and the faults of the last attempt.
pub(super) struct TemplateForm {
    pub(super) name: FormField,
    pub(super) description: FormField,
    pub(super) provider: String,
    /// False only for a known provider whose platform does not sign callbacks.
    pub(super) has_keys: bool,
    pub(super) keys: Vec<KeyRow>,
    pub(super) keys_problem: String,
    /// Maximum number of letters and digits that the platform's console accepts in a key.
    pub(super) console_key_chars: Option<usize>,
    /// Number of keys for which the config file contains the key itself, not a source. The form
    /// does not change these keys.
    pub(super) written_keys: usize,
    pub(super) kinds: Vec<KindField>,
    pub(super) settings: Vec<SettingField>,
    /// Faults that do not belong to a field.
    pub(super) problems: Vec<String>,
    /// Hash of the template that the form shows.
    pub(super) version: String,
    info: Option<ProviderInfo>,
}

impl TemplateForm {
    /// Creates the form of a template, or an empty form for a provider. If `info` is `None`, the
    /// form shows no settings, and of the kinds only `*` and those that have an entry.
    pub(super) fn new(
        provider: &str,
        info: Option<ProviderInfo>,
        view: Option<&TemplateView>,
    ) -> Self {
        let keys = view.map(|view| &*view.keys).unwrap_or_default();
        Self {
            name: FormField::new(view.map_or("", |view| &view.name)),
            description: FormField::new(view.map_or("", |view| &view.description)),
            provider: provider.to_owned(),
            has_keys: info.as_ref().is_none_or(|info| info.keys),
            keys: keys.iter().enumerate().filter_map(KeyRow::of).collect(),
            console_key_chars: info.as_ref().and_then(|info| info.console_key_chars),
            keys_problem: String::new(),
            written_keys: keys.iter().filter(|key| matches!(key, KeyView::Secret(_))).count(),
            kinds: kinds(info.as_ref(), view),
            settings: settings(info.as_ref(), view),
            problems: Vec::new(),
            version: view.map(version).unwrap_or_default(),
            info,
        }
    }

    /// Sets the values that the operator has sent.
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
            .map(|((_, source), (_, name))| KeyRow::new(source == "file", name));
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
        let entry = |kind: &KindField| Some((kind.name.clone(), kind.entry()?));
        let on = self.kinds.iter().filter_map(entry);
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
        let before = Self::new(&self.provider, self.info.clone(), Some(view));
        let differs =
            |new: &FormField, old: &FormField| (new.value != old.value).then(|| new.value.clone());
        let pairs = self.kinds.iter().zip(&before.kinds);
        let changed = pairs.filter(|(new, old)| !new.urls().eq(old.urls()));
        let on = changed.map(|(new, _)| (new.name.clone(), new.entry()));
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

    /// Marks each key that the platform's console does not accept. `keys` calls its argument with
    /// each key of the template.
    pub(super) fn warn_of_keys(&mut self, keys: impl FnOnce(&mut dyn FnMut(&[u8]))) {
        let Some(most) = self.console_key_chars else { return };
        let mut fits = Vec::new();
        keys(&mut |key| {
            fits.push(key.len() <= most && key.iter().all(u8::is_ascii_alphanumeric));
        });
        for row in &mut self.keys {
            row.is_unfit = row.index.and_then(|index| fits.get(index)) == Some(&false);
        }
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = &KindField> {
        self.kinds.iter().filter(|kind| !kind.is_folded)
    }

    pub(super) fn folded(&self) -> impl Iterator<Item = &KindField> {
        self.kinds.iter().filter(|kind| kind.is_folded)
    }
}

/// Returns the change of the keys. Keys that the form does not show remain in the config file.
fn key_change(before: &[KeyRow], after: &[KeyRow]) -> KeyChange {
    let missing = |from: &[KeyRow], of: &[KeyRow]| {
        of.iter().filter(|key| !from.iter().any(|own| own.is(key))).map(KeyRow::source).collect()
    };
    KeyChange::Some { add: missing(before, after), remove: missing(after, before) }
}

/// Returns a hash of the template.
pub(super) fn version(view: &TemplateView) -> String {
    version_of_all(std::slice::from_ref(view))
}

/// Returns a hash of all templates.
pub(super) fn version_of_all(views: &[TemplateView]) -> String {
    let mut hasher = foldhash::quality::FixedState::with_seed(1).build_hasher();
    hasher.write(serde_json::to_string(views).unwrap_or_default().as_bytes());
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use gatepost::{ConfigFiles, Definition};
    use gatepost_editor::{KeySource, KindEntry};

    use super::fields::SHOWN_KINDS;
    use super::*;

    const TEXT: &str = "[[template]]\nname = 'a'\nprovider = 'tencent-css'\n\
                        keys = ['s3cret', { env = 'OLD' }]\n[template.on]\n\
                        push = { url = 'http://a/push', timeout_ms = 9 }\nerror = { answer = {} }\n\
                        interruption = ['http://a/end', 'http://b/end']\n\
                        '*' = 'http://a/rest'\n";

    fn view() -> TemplateView {
        let files = ConfigFiles::with_text(TEXT, "gatepost.toml").unwrap();
        TemplateView::named(&files, None, "a").unwrap()
    }

    fn info() -> Option<ProviderInfo> {
        Definition::built_in("tencent-css").map(|definition| definition.info())
    }

    fn filled(pairs: &[(&str, &str)]) -> TemplateForm {
        let mut form = TemplateForm::new("tencent-css", info(), Some(&view()));
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let keys = [("key_source", "env"), ("key_name", "OLD")];
        let keys = keys.iter().filter(|_| pairs.iter().all(|(name, _)| *name != "key_name"));
        form.fill(&keys.chain(pairs).map(own).collect());
        form
    }

    #[test]
    fn form_without_changes_causes_no_edit() {
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
    fn change_contains_only_fields_that_differ() {
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
        let KeyChange::Some { add, remove } = change.keys else {
            panic!("expected a change of some keys, found another change")
        };
        assert_eq!(add, [KeySource::File("new.key".into())]);
        assert_eq!(remove, [KeySource::Env("OLD".into())]);
    }

    #[test]
    fn form_edits_each_address_of_a_list() {
        let form = filled(&[]);
        let end = form.kinds.iter().find(|kind| kind.name == "interruption").unwrap();
        assert_eq!((&*end.url, &*end.other), ("http://a/end http://b/end", ""));
        let same = filled(&[("on:interruption", " http://a/end  http://b/end ")]);
        assert!(same.change(&view()).is_empty());
        let more = filled(&[("on:interruption", "http://a/end http://c/end")]).change(&view());
        assert!(matches!(&*more.on, [(_, Some(KindEntry::Urls(urls)))]
            if *urls == ["http://a/end", "http://c/end"]));
        let one = filled(&[("on:interruption", "http://a/end")]).change(&view());
        assert!(matches!(&*one.on, [(_, Some(KindEntry::Url(url)))] if url == "http://a/end"));
    }

    #[test]
    fn changed_description_has_only_characters_that_platforms_console_accepts() {
        for (text, is_valid) in
            [("", true), ("直播_a-1", true), ("two words", false), ("<b>", false)]
        {
            let mut form = filled(&[("description", text)]);
            assert_eq!(form.check_description("old"), is_valid, "{text}");
            assert_eq!(form.description.problem.is_empty(), is_valid, "{text}");
            assert!(
                form.check_description(text),
                "expected the form to accept the unchanged description {text:?}, found a problem"
            );
        }
    }

    #[test]
    fn form_shows_fault_at_its_field() {
        let mut form = filled(&[]);
        let places = [
            ("template[3].name", true),
            ("template[0].on.highlights", true),
            ("template[0].on.push.url", true),
            ("template[0].on.interruption[1]", true),
            ("template[0].on.\"*\"", true),
            ("template[0].keys[1]", true),
            ("template[0].settings.grace_secs", true),
            ("route[0].path", false),
            ("template[0].bind", false),
        ];
        for (key, is_field) in places {
            assert_eq!(form.problem_at(key).is_some(), is_field, "{key}");
        }
        assert!(
            form.shown().any(|kind| kind.name == "highlights"),
            "expected `highlights` unfolded, found it folded"
        );
    }
}
