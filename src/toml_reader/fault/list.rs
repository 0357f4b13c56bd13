//! The faults and warnings of a config file and of its included files, or of a definition.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::{AbsentKey, ConfigPlace, Fault};
use crate::printable::{print_only, printable};
use crate::toml_reader::excerpt::{Excerpt, Hidden};
use crate::toml_reader::fault_kind::{FaultKind, Problem};
use crate::toml_reader::place::{Located, Place};
use crate::toml_reader::suggestion::{allowed, closest};

/// A text to read, and the path of its file as faults show it.
#[derive(Clone, Copy)]
pub(crate) struct TomlText<'t> {
    /// Path of the file; `None` if the caller itself prints this path beside each fault.
    pub(crate) file: Option<&'t str>,
    pub(crate) text: &'t str,
}

/// The faults and warnings found so far in a config file and its included files, or in a definition.
///
/// The lists are in [`RefCell`]s, because several tables add faults through shared references.
pub(crate) struct Faults<'t> {
    texts: Vec<TomlText<'t>>,
    list: RefCell<Vec<Fault>>,
    /// The keys that the operator has probably misspelt, each in its correct spelling and with
    /// its table.
    typos: RefCell<Vec<AbsentKey>>,
    /// The keys that each sort of table may have, by the sort.
    known: RefCell<BTreeMap<String, BTreeSet<String>>>,
    /// The start of each value that cannot be a secret: the index of its text, and the byte offset
    /// in this text.
    shown: RefCell<HashSet<(usize, usize)>>,
    /// The parts of each text that may be secrets. Not set if at least one text is not TOML.
    hidden: OnceCell<Vec<Hidden>>,
    /// The [`FaultKind`] of a fault for which the caller gives no other.
    default_kind: FaultKind,
}

print_only! { Faults<'_>: list; }

impl<'t> Faults<'t> {
    pub(crate) fn new(texts: &[TomlText<'t>], default_kind: FaultKind) -> Self {
        Self {
            texts: texts.to_vec(),
            list: RefCell::default(),
            typos: RefCell::default(),
            known: RefCell::default(),
            shown: RefCell::default(),
            hidden: OnceCell::new(),
            default_kind,
        }
    }

    pub(crate) fn add(
        &self,
        place: &Place,
        problem: impl Into<Problem>,
        remedy: impl Into<String>,
    ) {
        self.push(self.default_kind, place, problem.into(), remedy.into());
    }

    /// Adds a fault about a key that is missing in a table. If the table has a misspelt form of
    /// this key, gatepost reports only the misspelt key.
    pub(crate) fn add_missing(
        &self,
        (table, key): (&Place, &str),
        place: &Place,
        problem: impl Into<Problem>,
        remedy: impl Into<String>,
    ) {
        let mut problem = problem.into();
        problem.kind.get_or_insert(FaultKind::KeyMissing);
        self.push(self.default_kind, place, problem, remedy.into());
        self.also_missing(table, key);
    }

    /// Records another missing key. Adding this key also corrects the latest fault.
    pub(crate) fn also_missing(&self, table: &Place, key: &str) {
        if let Some(fault) = self.list.borrow_mut().last_mut() {
            fault.absent.push(AbsentKey::new(table, key));
        }
    }

    fn push(&self, default: FaultKind, place: &Place, problem: Problem, remedy: String) {
        let (line, column) = self.position(place);
        self.list.borrow_mut().push(Fault {
            file: self.file_of(place).map(Into::into),
            text: Some(place.text),
            kind: problem.kind.unwrap_or(default),
            span: place.span.clone(),
            line,
            column,
            key: place.key.clone(),
            problem: problem.text,
            remedy,
            suggestion: None,
            excerpt: Excerpt::default(),
            count: 1,
            absent: Vec::new(),
        });
    }

    fn file_of(&self, place: &Place) -> Option<&'t str> {
        self.texts.get(place.text).and_then(|text| text.file)
    }

    /// Returns the line and the column of a place, counted from 1.
    fn position(&self, place: &Place) -> (usize, usize) {
        let text = self.texts.get(place.text).map_or("", |text| text.text);
        let before = text.get(..place.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Returns the place for faults that gatepost finds after it has read the texts. Call this
    /// method after the values of the line are read, because the excerpt shows only these.
    pub(crate) fn config_place(&self, place: &Place) -> ConfigPlace {
        let (line, column) = self.position(place);
        let shown = self.shown.borrow();
        ConfigPlace {
            file: self.file_of(place).map(Into::into),
            span: place.span.clone(),
            line,
            column,
            key: place.key.clone(),
            excerpt: self.excerpt(place.text, &place.span, &shown).unwrap_or_default(),
        }
    }

    /// Sets the parts of each text that may be secrets.
    pub(in crate::toml_reader) fn set_hidden(&self, hidden: Vec<Hidden>) {
        self.hidden.get_or_init(|| hidden);
    }

    fn excerpt(
        &self,
        index: usize,
        span: &Range<usize>,
        shown: &HashSet<(usize, usize)>,
    ) -> Option<Excerpt> {
        let text = self.texts.get(index)?;
        let hidden = self.hidden.get().and_then(|all| all.get(index)).unwrap_or(&Hidden::Unread);
        Some(Excerpt::new(text.text, span, hidden, &|start| shown.contains(&(index, start))))
    }

    /// Returns ` in FILE:LINE` for a place in another text than `here`; an empty string for a place
    /// in the same text.
    pub(crate) fn elsewhere(&self, place: &Place, here: &Place) -> String {
        if place.text == here.text {
            return String::new();
        }
        let file = self.file_of(place).unwrap_or("the config file");
        format!(" in {file}:{}", self.position(place).0)
    }

    /// Adds a fault that shows `text`. Never pass a text that may be a secret.
    pub(crate) fn add_text(
        &self,
        text: &Located<&str>,
        wanted: impl Into<Problem>,
        remedy: impl Into<String>,
    ) {
        let found = match &text.place.variable {
            // The operator may have named the variable of a secret by mistake.
            Some(name) => format!("another string in the environment variable `{name}`"),
            None if may_contain_password(text.value) => "an address with a user".to_owned(),
            None => {
                self.show(&text.place);
                format!("\"{}\"", printable(text.value))
            }
        };
        let wanted = wanted.into();
        let problem = format!("expected {}, found {found}", wanted.text);
        self.add(&text.place, Problem { text: problem, ..wanted }, remedy);
    }

    /// Adds a fault that shows `word`, which is not in `words`. Never pass a word that may be a
    /// secret.
    ///
    /// `noun` is a noun for such a word, such as `key`.
    pub(crate) fn add_unknown<'w>(
        &self,
        word: &Located<&str>,
        noun: &str,
        words: impl Iterator<Item = &'w str>,
    ) {
        let kind = match noun {
            "key" => FaultKind::KeyUnknown,
            "kind" => FaultKind::KindUnknown,
            "provider" => FaultKind::ProviderUnknown,
            "setting" => FaultKind::SettingUnknown,
            _ => FaultKind::WordUnknown,
        };
        let words: Vec<_> = words.collect();
        let wanted = kind.because(format!("a known {noun}"));
        // A suggestion reveals the contents of an environment variable.
        let shown = if word.place.variable.is_some() { "" } else { word.value };
        let mut remedy = allowed(noun, shown, words.iter().copied());
        if noun == "key" && remedy.ends_with(" more") {
            let is_definition = self.default_kind == FaultKind::DefinitionInvalid;
            let page = if is_definition { "language" } else { "config" };
            remedy.push_str(&format!("; the page `{page}` of the manual lists all keys"));
        }
        let is_root_key = noun == "key" && !word.place.key.contains('.');
        let is_of_config = self.default_kind != FaultKind::DefinitionInvalid;
        if is_root_key && is_of_config && self.file_of(&word.place).is_some() {
            remedy.push_str(
                "; all other top-level keys belong in the config file that includes this file",
            );
        }
        self.add_text(word, wanted, remedy);
        if !shown.is_empty() {
            self.suggest(closest(shown, words).map(str::to_owned));
        }
    }

    /// Adds a suggestion to the latest fault.
    pub(crate) fn suggest(&self, suggestion: Option<String>) {
        if let Some(fault) = self.list.borrow_mut().last_mut() {
            fault.suggestion = suggestion;
        }
    }

    /// Records that the latest fault is about a key of `table` that the operator has probably
    /// misspelt.
    pub(in crate::toml_reader) fn note_typo(&self, table: &Place) {
        let key = self.list.borrow().last().and_then(|fault| fault.suggestion.clone());
        let typo = key.map(|key| AbsentKey::new(table, &key));
        self.typos.borrow_mut().extend(typo);
    }

    /// Records the keys that all tables of a sort may have.
    pub(in crate::toml_reader) fn note_table(&self, table: &Place, keys: &[&str]) {
        let sort = sort_of(&table.key);
        if !self.known.borrow().contains_key(&sort) {
            self.note_known(&sort, keys);
        }
    }

    /// Records the keys that a table may have.
    pub(crate) fn note_known(&self, table: &str, keys: &[&str]) {
        let mut known = self.known.borrow_mut();
        let own = known.entry(sort_of(table)).or_default();
        own.extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// Records that the value at this place cannot be a secret, so that an excerpt may show it.
    pub(crate) fn show(&self, place: &Place) {
        self.shown.borrow_mut().insert((place.text, place.span.start));
    }

    /// Adds the faults of another file.
    pub(crate) fn take(&self, faults: impl IntoIterator<Item = Fault>) {
        self.list.borrow_mut().extend(faults);
    }

    /// Returns `true` if there are no errors. There may be warnings.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.borrow().iter().all(|fault| fault.kind.is_warning())
    }

    /// Returns `true` if there is an error about `key`, or about a key inside of `key`. Also
    /// returns `true` if a top-level key is probably a misspelt form of `key`.
    pub(crate) fn are_in(&self, key: &str) -> bool {
        let is_key = |typo: &AbsentKey| typo.table.is_empty() && typo.key == key;
        if self.typos.borrow().iter().any(is_key) {
            return true;
        }
        self.list.borrow().iter().any(|fault| {
            let rest = fault.key.strip_prefix(key);
            !fault.kind.is_warning() && rest.is_some_and(|rest| !rest.starts_with(is_name))
        })
    }

    /// Returns the faults, sorted by file, line and column. Omits repetitions, and faults that a
    /// misspelt key causes.
    pub(in crate::toml_reader) fn into_sorted(self) -> Vec<Fault> {
        let (list, typos) = (self.list.take(), self.typos.take());
        let (known, shown) = (self.known.take(), self.shown.take());
        let is_definition = self.default_kind == FaultKind::DefinitionInvalid;
        let mut kept: Vec<Fault> = Vec::with_capacity(list.len());
        for mut fault in list {
            if fault.absent.iter().any(|absent| typos.contains(absent)) {
                continue;
            }
            if let Some(first) = kept.iter_mut().find(|first| first.repeats(&fault)) {
                first.count += fault.count;
                continue;
            }
            if let Some(remedy) = moved(&fault, &known, is_definition) {
                (fault.remedy, fault.suggestion) = (remedy, None);
            }
            if let Some(index) = fault.text {
                fault.excerpt = self.excerpt(index, &fault.span, &shown).unwrap_or_default();
            }
            kept.push(fault);
        }
        kept.iter_mut().for_each(|fault| fault.text = None);
        kept.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        kept
    }
}

/// Returns the full key of a table without its indices, and without the name of a kind: all tables
/// of one sort have the same keys.
fn sort_of(key: &str) -> String {
    let parts = key.split('.').map(|part| part.split('[').next().unwrap_or_default());
    let parts: Vec<_> = parts.collect();
    match &*parts {
        ["template", "on", _] => "template.on".to_owned(),
        parts => parts.join("."),
    }
}

/// Returns true for a URL with a user, such as `nats://user:password@host`.
fn may_contain_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// Returns the remedy for a key that belongs in another table of the config or the definition.
fn moved(
    fault: &Fault,
    known: &BTreeMap<String, BTreeSet<String>>,
    is_definition: bool,
) -> Option<String> {
    if fault.kind != FaultKind::KeyUnknown {
        return None;
    }
    let (table, key) = fault.key.rsplit_once('.').unwrap_or(("", &fault.key));
    let table = sort_of(table);
    let place = |own: &str| match own {
        "" if is_definition => Some("above the first table of the definition, such as [request]"),
        "" => Some("above the first [[route]] or [[template]]"),
        "request" if is_definition => Some("under [request]"),
        "signature" if is_definition => Some("under [signature]"),
        "route" => Some("under a [[route]]"),
        "template" => Some("under a [[template]], before [template.on]"),
        "template.settings" => Some("under [template.settings]"),
        "template.on" => Some("into the entry of a kind, { … }, under [template.on]"),
        _ => None,
    };
    let others = known.iter().filter(|(own, keys)| **own != table && keys.contains(key));
    let right = others.map(|(own, _)| own.as_str()).find_map(place)?;
    Some(format!("move `{key}` {right}"))
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// A view of [`Faults`] that adds warnings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Warnings<'f>(pub(crate) &'f Faults<'f>);

impl Warnings<'_> {
    pub(crate) fn add(
        &self,
        place: &Place,
        problem: impl Into<Problem>,
        remedy: impl Into<String>,
    ) {
        self.0.push(FaultKind::SettingRisky, place, problem.into(), remedy.into());
    }
}
