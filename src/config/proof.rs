//! The config keys of callback signatures (`keys`, `insecure_unsigned`, `signature_reuse`,
//! `[template.settings]`) and of event signing (`signing_secret`).

use std::sync::Arc;

use super::{ConfigReader, DAY_SECS};
use crate::event_signing::{self, EventSigning};
use crate::provider::Plan;
use crate::provider::digest::Key;
use crate::provider::locator::Locator;
use crate::provider::setting::{Setting, SettingType};
use crate::provider::signature::{MAX_AHEAD_KEY, Signature, TimeRule, Window};
use crate::secret::Secret;
use crate::template::{KindKeys, Proof, Reuse};
use crate::toml_reader::{
    FaultKind, Form, Item, Located, Place, Table, allowed, closest, duration_key,
};

/// Kinds that gatepost accepts without a signature, as indices in `plan.kinds`.
#[derive(Debug, Default)]
pub(super) enum Unsigned {
    All,
    #[default]
    None,
    Kinds(Vec<usize>),
}

/// The settings and the time window of one template.
pub(super) struct Settings {
    /// One value for each setting, in the order of the definition; `None` if neither the template
    /// nor the definition gives a value.
    pub(super) values: Vec<Option<Secret>>,
    /// Time window of the plan's signature; `None` if gatepost checks no time.
    window: Option<Window>,
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads `insecure_unsigned`: `true`, `false`, or a list of kinds.
    pub(super) fn unsigned(&self, item: &Item<'f>, plan: &Plan) -> Unsigned {
        match item.boolean() {
            Some(true) => return Unsigned::All,
            Some(false) => return Unsigned::None,
            None => {}
        }
        let kinds = item.strings();
        if kinds.is_empty() || kinds.len() != item.len() {
            let remedy = "write true, false, or a list of kinds that the platform sends unsigned";
            let found = item.found();
            let problem = format!("expected a boolean or a non-empty list of kinds, found {found}");
            self.faults.add(&item.place, FaultKind::TypeMismatch.because(problem), remedy);
        }
        let find = |name: &Located<&str>| {
            let kind = plan.kind_named(name.value);
            if kind.is_none() {
                self.faults.add_unknown(name, "kind", plan.kinds.iter().map(|kind| &*kind.name));
            }
            kind
        };
        Unsigned::Kinds(kinds.iter().filter_map(find).collect())
    }

    /// Reads `signature_reuse`. If every signature covers the body and the id, reports a fault: a
    /// client cannot send such a signature again with a different body or id.
    pub(super) fn reuse(&self, word: &Located<&str>, plan: &Plan) -> Reuse {
        let covers_all = |kind: usize| {
            plan.signature_of(Some(kind)).is_none_or(|signature| {
                let id = &plan.kind(Some(kind)).id;
                signature.covers_body() && id.iter().all(|id| signature.covers(id))
            })
        };
        if (0..plan.kinds.len()).all(covers_all) {
            let found = format!("found {}, which signs every body and id", plan.title);
            let problem = format!("expected no signature_reuse, {found}");
            let problem = FaultKind::KeyUnused.because(problem);
            self.faults.add(&word.place, problem, "remove signature_reuse");
        }
        self.word(word, "value", &Reuse::WORDS).unwrap_or_default()
    }

    /// Reads the settings that the definition declares, and the limits of the time window.
    ///
    /// If the template omits a setting or a limit, uses the value of the definition.
    pub(super) fn settings(&self, table: Option<&Table<'f>>, plan: &Plan) -> Settings {
        let default =
            |setting: &Setting| setting.default().map(|text| Secret::new(text.as_bytes()));
        let mut values: Vec<_> = plan.settings.iter().map(default).collect();
        self.faults.note_known("template.settings", &setting_names(plan));
        let time = plan.signature.as_ref().and_then(|signature| signature.time.as_ref());
        let mut window = time.and_then(TimeRule::default_window);
        for (name, item) in table.iter().flat_map(|table| table.entries()) {
            let past_key = time.map(|time| time.meaning.past_key());
            match (plan.setting(name), time, table) {
                (Some(index), ..) => {
                    let declared = plan.settings.get(index);
                    let read = declared.map(|setting| self.setting(setting, &item));
                    if let (Some(read), Some(value)) = (read, values.get_mut(index)) {
                        *value = read;
                    }
                }
                (None, Some(time), Some(table))
                    if past_key.is_some_and(|key| is_duration(name, key)) =>
                {
                    let window = window.get_or_insert(time.window);
                    let past = secs(table, time.meaning.past_key());
                    window.past_secs = past.unwrap_or(window.past_secs);
                }
                (None, Some(time), Some(table)) if is_duration(name, MAX_AHEAD_KEY) => {
                    let window = window.get_or_insert(time.window);
                    let max_ahead = secs(table, MAX_AHEAD_KEY);
                    window.max_ahead_secs = max_ahead.unwrap_or(window.max_ahead_secs);
                }
                _ => {
                    let place = table.map_or(item.place, |table| table.place_of(name));
                    self.unknown_setting(name, &place, plan);
                }
            }
        }
        Settings { values, window }
    }

    fn unknown_setting(&self, name: &str, place: &Place, plan: &Plan) {
        let names = setting_names(plan);
        let known = names.clone();
        let remedy = if names.is_empty() {
            format!("remove this setting, because {} has no settings", plan.title)
        } else {
            allowed("setting", name, names.into_iter())
        };
        let name = Located { value: name, place: place.clone() };
        let suggestion = closest(name.value, known).map(str::to_owned);
        self.faults.add_text(&name, FaultKind::SettingUnknown.because("a known setting"), remedy);
        self.faults.suggest(suggestion);
    }

    fn setting(&self, setting: &Setting, item: &Item<'f>) -> Option<Secret> {
        let words = match (&setting.ty, &item.form) {
            (SettingType::OneOf(words), _) => words,
            (SettingType::Secret, _) => return self.secret(item),
            (SettingType::Text { .. }, Form::String(text)) => {
                return Some(Secret::new(text.as_bytes()));
            }
            (SettingType::Text { .. }, Form::Table(_) | Form::Other(_)) => {
                return self.sourced(item);
            }
        };
        let word = match &item.form {
            Form::String(word) => *word,
            Form::Table(_) | Form::Other(_) => "",
        };
        if !words.iter().any(|allowed| **allowed == *word) {
            // The fault omits the word, because the operator may have written a secret instead.
            let found = match &item.form {
                Form::String(_) => "a word that is not allowed",
                Form::Table(_) | Form::Other(_) => item.form.name(),
            };
            let remedy = allowed("value", word, words.iter().map(|word| &**word));
            let problem = format!("expected an allowed value, found {found}");
            self.faults.add(&item.place, FaultKind::WordUnknown.because(problem), remedy);
        }
        Some(Secret::new(word.as_bytes()))
    }

    /// Prepares the keys of the template, and of each kind that has a signature rule of its own.
    pub(super) fn proof(
        &self,
        plan: &Plan,
        items: &[Item<'f>],
        settings: &Settings,
        unsigned: Unsigned,
        reuse: Reuse,
        settings_place: &Place,
    ) -> Proof {
        let secrets: Vec<_> = items.iter().map(|item| (&item.place, self.secret(item))).collect();
        let keys = |signature: &Signature| -> Vec<Key> {
            let from_setting =
                signature.key.setting.map(|index| settings.values.get(index)?.as_ref());
            let from_keys =
                secrets.iter().filter_map(|(place, secret)| Some((*place, secret.as_ref()?)));
            let all: Vec<_> = match from_setting {
                Some(secret) => secret.map(|secret| (settings_place, secret)).into_iter().collect(),
                None => from_keys.collect(),
            };
            all.into_iter().filter_map(|(place, key)| self.key(signature, place, key)).collect()
        };
        let kind_keys = plan.kinds.iter().enumerate().filter_map(|(index, kind)| {
            let signature = kind.signature.as_ref()?;
            self.check_covered(signature, plan, settings, settings_place);
            Some(KindKeys { kind: index, keys: keys(signature) })
        });
        let kind_keys: Vec<_> = kind_keys.collect();
        let template_keys = plan.signature.as_ref().map(|signature| {
            self.check_covered(signature, plan, settings, settings_place);
            keys(signature)
        });
        let template_keys = template_keys.unwrap_or_default();
        let expected = plan.kinds.iter().filter_map(|kind| kind.challenge.as_ref());
        for (_, setting) in expected.flat_map(|challenge| &challenge.expected) {
            self.check_setting(setting, plan, settings, "expects in a challenge", settings_place);
        }
        let unsigned = match unsigned {
            Unsigned::Kinds(kinds) => kinds,
            Unsigned::All | Unsigned::None => Vec::new(),
        };
        // gatepost accepts unsigned callbacks of a kind without a key. If the template has keys,
        // the operator must therefore set the kind's key or list the kind as unsigned.
        let without_key = |own: &&KindKeys| own.keys.is_empty() && !template_keys.is_empty();
        for own in kind_keys.iter().filter(without_key) {
            if !unsigned.contains(&own.kind) {
                let kind = plan.kind(Some(own.kind));
                let setting = kind.signature.as_ref().and_then(|signature| signature.key.setting);
                let setting = setting.and_then(|index| plan.settings.get(index));
                let key = setting.map_or("keys", |setting| &setting.name);
                let name = &kind.name;
                let remedy = format!("set `{key}`, or add insecure_unsigned = [\"{name}\"]");
                let problem = format!("expected a key for {name}, found none");
                let problem = FaultKind::SecretMissing.because(problem);
                self.faults.add(settings_place, problem, remedy);
            }
        }
        Proof { keys: template_keys, window: settings.window, kind_keys, unsigned, reuse }
    }

    /// Reports each setting that the signature covers but that has no value. If the value is
    /// missing, no signature can match.
    fn check_covered(
        &self,
        signature: &Signature,
        plan: &Plan,
        settings: &Settings,
        place: &Place,
    ) {
        for place_of_part in signature.parts.iter().filter_map(|part| part.from.place()) {
            self.check_setting(place_of_part, plan, settings, "signs", place);
        }
    }

    /// Reports a setting without a value. `use_of` describes the platform's use of the setting.
    fn check_setting(
        &self,
        locator: &Locator,
        plan: &Plan,
        settings: &Settings,
        use_of: &str,
        place: &Place,
    ) {
        let Locator::Setting(index, name) = locator else { return };
        if settings.values.get(*index).is_none_or(Option::is_none) {
            let problem = format!("expected `{name}`, which {} {use_of}, found none", plan.title);
            let problem = FaultKind::SecretMissing.because(problem);
            self.faults.add(place, problem, "set this setting under [template.settings]");
        }
    }

    /// Decodes a key from the platform's format. Warns of a key that is easy to guess, and of a key
    /// without the prefix of the platform's keys.
    fn key(&self, signature: &Signature, place: &Place, secret: &Secret) -> Option<Key> {
        match signature.prepare(secret) {
            Ok((key, is_weak)) => {
                if is_weak {
                    let remedy = "create a key with a random generator, and set it in the platform's console and in the config";
                    let problem = FaultKind::SecretWeak.because(
                        "expected a key that is hard to guess, found a key that is easy to guess",
                    );
                    self.warnings.add(place, problem, remedy);
                }
                if let Some(prefix) = signature.missing_prefix(secret) {
                    let problem = FaultKind::SecretUnprefixed.because(format!(
                        "expected a key that starts with {prefix}, found another key"
                    ));
                    let remedy = "copy the complete key from the platform's console";
                    self.warnings.add(place, problem, remedy);
                }
                Some(key)
            }
            Err(error) => {
                let remedy = "copy the complete key from the platform's console";
                let problem = FaultKind::SecretInvalid.because(error.to_string());
                self.faults.add(place, problem, remedy);
                None
            }
        }
    }
}

/// Returns the config keys that `[template.settings]` may have.
fn setting_names(plan: &Plan) -> Vec<&str> {
    let time = plan.signature.as_ref().and_then(|signature| signature.time.as_ref());
    let of_window = time.iter().flat_map(|time| [time.meaning.past_key(), MAX_AHEAD_KEY]);
    let of_window = of_window.flat_map(|key| [key, duration_key(key).0]);
    plan.settings.iter().map(|setting| &*setting.name).chain(of_window).collect()
}

/// Returns `true` if `name` is `key`, the key of a duration, with or without the unit at the end.
fn is_duration(name: &str, key: &str) -> bool {
    name == key || name == duration_key(key).0
}

fn secs<'f>(table: &Table<'f>, key: &'f str) -> Option<i64> {
    table.duration(key, 0..=DAY_SECS)
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads `signing_secret`: one secret, or a list of secrets for rotation.
    pub(super) fn signing(&self, table: &Table<'f>) -> Option<Arc<EventSigning>> {
        let items = table.list("signing_secret");
        if !table.has("signing_secret") {
            return None;
        }
        if items.is_empty() {
            let remedy = "add a secret, or remove signing_secret";
            let problem = "expected at least one secret, found an empty list";
            let problem = FaultKind::SecretMissing.because(problem);
            self.faults.add(&table.place_of("signing_secret"), problem, remedy);
        }
        let keys = items.iter().filter_map(|item| self.signing_key(item));
        Some(Arc::new(EventSigning::new(keys)))
    }

    fn signing_key(&self, item: &Item<'f>) -> Option<Key> {
        let secret = self.secret(item)?;
        let key = event_signing::key(&secret);
        if key.is_none() {
            let found = if secret.expose().starts_with(b"whsec_") {
                "a wrong length or invalid base64"
            } else {
                "text without whsec_"
            };
            let problem =
                format!("expected whsec_ followed by 24 to 64 bytes in base64, found {found}");
            let remedy = "create a secret: echo \"whsec_$(openssl rand -base64 32)\"";
            self.faults.add(&item.place, FaultKind::SecretInvalid.because(problem), remedy);
        }
        key
    }
}
