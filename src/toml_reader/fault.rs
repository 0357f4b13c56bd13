//! Faults: each names a place in a file, a problem and a remedy.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::excerpt::{Excerpt, Hidden};
use super::fault_kind::{FaultKind, Problem};
use crate::printable::{print_only, printable};

/// A problem at one place of a file, with its remedy.
///
/// # Examples
///
/// ```
/// use gatepost::Config;
///
/// let text = "[[route]]\npath = '/callbacks/tencent'\nprovider = 5\n";
/// let error = Config::from_text(text, "gatepost.toml").unwrap_err();
/// let [fault] = error.faults() else { panic!("expected one fault") };
/// assert_eq!((fault.line(), fault.column(), fault.key()), (3, 12, "route[0].provider"));
/// assert_eq!(fault.kind().as_str(), "type_mismatch");
/// assert_eq!(fault.problem(), "expected a string, found a whole number");
/// assert_eq!(fault.remedy(), "write a string");
/// // A value of a wrong type may be a secret.
/// assert_eq!((fault.excerpt(), &fault.excerpt()[fault.marked()]), ("provider = …", "…"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    file: Option<Box<str>>,
    /// Index of the text that contains the fault; `None` after gatepost has cut out the excerpt.
    text: Option<usize>,
    kind: FaultKind,
    span: Range<usize>,
    line: usize,
    column: usize,
    key: String,
    problem: String,
    remedy: String,
    suggestion: Option<String>,
    excerpt: Excerpt,
    count: usize,
    /// The keys that the fault reports as missing: one of them would be enough.
    absent: Vec<AbsentKey>,
}

/// A key that a table lacks, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AbsentKey {
    /// Index of the text with the table.
    text: usize,
    /// Full key of the table.
    table: String,
    key: String,
}

impl AbsentKey {
    fn new(table: &Place, key: &str) -> Self {
        Self { text: table.text, table: table.key.clone(), key: key.to_owned() }
    }
}

impl Fault {
    /// Returns the path of the included file or the definition file that contains the fault; `None`
    /// if the fault is in the config file itself.
    ///
    /// The config lists these files in `include` and `provider_files`.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    pub(crate) fn in_file(self, file: &str) -> Self {
        Self { file: Some(file.into()), ..self }
    }

    /// Returns the kind, which has a stable code.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Returns the line, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, counted from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// Returns the range of the fault in the text of the file, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns the full key, for example `template[0].on.push`; empty if the fault concerns the
    /// whole file.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the problem: lower case, without a full stop.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// Returns the remedy: an imperative for the operator.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// Returns the word that the operator probably meant; `None` if no known word is close.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }

    /// Returns the line of the file, without its comment. `…` replaces each value that may be a
    /// secret.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt.text
    }

    /// Returns the range of the fault in [`Fault::excerpt`], in bytes.
    #[must_use]
    pub fn marked(&self) -> Range<usize> {
        self.excerpt.marked.clone()
    }

    /// Returns the number of equal faults at this place, for example one for each kind to which an
    /// entry applies.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Returns `true` if both faults report the same problem at the same place.
    fn repeats(&self, other: &Self) -> bool {
        let place = |fault: &Self| (fault.text, fault.span.clone());
        let is_same_place =
            place(self) == place(other) && self.file == other.file && self.key == other.key;
        let varies = self.kind == FaultKind::ReplyInvalid;
        is_same_place && self.kind == other.kind && (varies || self.problem == other.problem)
    }
}

impl Fault {
    /// Displays the fault after the path of its file. `config` is the path of the config file.
    ///
    /// # Examples
    ///
    /// ```
    /// use gatepost::Config;
    ///
    /// let error = Config::from_text("listn = []", "gatepost.toml").unwrap_err();
    /// let path = "gatepost.toml".as_ref();
    /// assert!(error.faults()[0].located_in(path).to_string().starts_with("gatepost.toml:1:1: "));
    /// ```
    pub fn located_in<'a>(&'a self, config: &'a Path) -> impl fmt::Display + 'a {
        let file =
            self.file.as_deref().map_or_else(|| config.display(), |f| Path::new(f).display());
        fmt::from_fn(move |f| write!(f, "{file}:{self}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.problem, self.remedy)?;
        if self.count > 1 {
            write!(f, " ({} times)", self.count)?;
        }
        Ok(())
    }
}

/// A text to read, and the path of its file as faults show it.
#[derive(Clone, Copy)]
pub(crate) struct TomlText<'t> {
    /// `None` for a text whose file the caller names.
    pub(crate) file: Option<&'t str>,
    pub(crate) text: &'t str,
}

/// The faults and warnings found so far in the texts that the code reads together.
///
/// The lists are in [`RefCell`]s, so that several tables can add faults through shared references.
pub(crate) struct Faults<'t> {
    texts: Vec<TomlText<'t>>,
    list: RefCell<Vec<Fault>>,
    /// The places of unknown keys that are probably misspelt: the table, and the right key.
    typos: RefCell<Vec<AbsentKey>>,
    /// The keys that each sort of table may have.
    known: RefCell<Vec<AbsentKey>>,
    /// The start of each value that cannot be a secret: the index of its text, and the byte in this
    /// text.
    shown: RefCell<HashSet<(usize, usize)>>,
    /// The kind of each fault that the code adds without a kind.
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

    /// Records another missing key that would also correct the latest fault.
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
            Some(name) => format!("another text in the environment variable `{name}`"),
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
        // A suggestion would reveal the contents of an environment variable.
        let shown = if word.place.variable.is_some() { "" } else { word.value };
        self.add_text(word, wanted, allowed(noun, shown, words.iter().copied()));
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
    pub(super) fn note_typo(&self, table: &Place) {
        let key = self.list.borrow().last().and_then(|fault| fault.suggestion.clone());
        let typo = key.map(|key| AbsentKey::new(table, &key));
        self.typos.borrow_mut().extend(typo);
    }

    /// Records the keys that a table of a sort may have. All tables of the sort have the same keys.
    pub(super) fn note_table(&self, table: &Place, keys: &[&str]) {
        let sort = sort_of(&table.key);
        if self.known.borrow().iter().all(|own| own.table != sort) {
            self.note_known(&sort, keys);
        }
    }

    /// Records the keys that a table may have.
    pub(crate) fn note_known(&self, table: &str, keys: &[&str]) {
        let table = sort_of(table);
        let mut known = self.known.borrow_mut();
        for key in keys {
            if !known.iter().any(|own| own.table == table && own.key == *key) {
                known.push(AbsentKey { text: 0, table: table.clone(), key: (*key).to_owned() });
            }
        }
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

    /// Returns `true` for an error about the key, for an error about a key inside it, and for a key
    /// of the file that is probably a misspelt form of the key.
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
    pub(super) fn into_sorted(self, hidden: &[Hidden]) -> Vec<Fault> {
        let (list, typos) = (self.list.into_inner(), self.typos.into_inner());
        let (known, shown) = (self.known.into_inner(), self.shown.into_inner());
        let mut kept: Vec<Fault> = Vec::with_capacity(list.len());
        for mut fault in list {
            if fault.absent.iter().any(|absent| typos.contains(absent)) {
                continue;
            }
            if let Some(first) = kept.iter_mut().find(|first| first.repeats(&fault)) {
                first.count += fault.count;
                continue;
            }
            if let Some(remedy) = moved(&fault, &known) {
                (fault.remedy, fault.suggestion) = (remedy, None);
            }
            if let Some(index) = fault.text
                && let (Some(text), Some(hidden)) = (self.texts.get(index), hidden.get(index))
            {
                let is_shown = |start| shown.contains(&(index, start));
                fault.excerpt = Excerpt::new(text.text, &fault.span, hidden, &is_shown);
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
pub(super) fn may_contain_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// Returns the remedy for a key that belongs in another table.
fn moved(fault: &Fault, known: &[AbsentKey]) -> Option<String> {
    let (table, key) = fault.key.rsplit_once('.').unwrap_or(("", &fault.key));
    let table = sort_of(table);
    let is_wrong = fault.kind == FaultKind::KeyUnknown;
    let is_here = |own: &&AbsentKey| own.key == key && own.table != table;
    let place = |own: &AbsentKey| match &*own.table {
        "" => Some("above the first [[route]] or [[template]]"),
        "route" => Some("under a [[route]]"),
        "template" => Some("under a [[template]], before [template.on]"),
        "template.settings" => Some("under [template.settings]"),
        "template.on" => Some("into the entry of a kind, { … }, under [template.on]"),
        _ => None,
    };
    let right = known.iter().filter(|_| is_wrong).filter(is_here).find_map(place)?;
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

/// The place of a value: its text, its byte range in this text, and its full key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Index of the text among the texts that the code reads together.
    pub(super) text: usize,
    pub(super) span: Range<usize>,
    pub(crate) key: String,
    /// Environment variable from which the value came; `None` for a value of the text.
    pub(super) variable: Option<Box<str>>,
}

impl Place {
    pub(super) fn child(&self, key: &str, span: Range<usize>) -> Self {
        let is_bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let key = if is_bare && !key.is_empty() { key.to_owned() } else { format!("{key:?}") };
        let key = if self.key.is_empty() { key } else { format!("{}.{key}", self.key) };
        Self { text: self.text, span, key, variable: None }
    }

    pub(super) fn element(&self, index: usize, span: Range<usize>) -> Self {
        Self { text: self.text, span, key: format!("{}[{index}]", self.key), variable: None }
    }

    /// Returns the index of the text among the texts that the code reads together.
    pub(crate) const fn text(&self) -> usize {
        self.text
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// Returns the word that is closest to `wrong`; `None` if no word is close.
///
/// Ignores case, and takes `-` for `_`. Two neighbouring characters in the wrong order count as one
/// edit. If no word is close, returns the first word that starts with `wrong`.
///
/// # Examples
///
/// ```
/// let kinds = ["push", "interruption"];
/// assert_eq!(gatepost::closest("psuh", kinds), Some("push"));
/// assert_eq!(gatepost::closest("inter", kinds), Some("interruption"));
/// assert_eq!(gatepost::closest("recording", kinds), None);
/// ```
#[must_use]
pub fn closest<'w>(wrong: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_unstable();
    let distances = words.iter().map(|word| (strsim::osa_distance(&wrong, &plain(word)), *word));
    // Permits one edit in a short word, and one edit for every three letters of a longer word.
    let close = distances.min().filter(|(distance, word)| *distance <= 1.max(word.len() / 3));
    // Two letters are the start of too many words.
    let starts = |word: &&&str| wrong.len() > 2 && plain(word).starts_with(&wrong);
    close.map(|(_, word)| word).or_else(|| words.iter().find(starts).copied())
}

/// Formats a remedy that lists the allowed words. Suggests a word that is close to `wrong`.
///
/// `noun` is a noun for one such word, such as `key`.
pub(crate) fn allowed<'w>(noun: &str, wrong: &str, words: impl Iterator<Item = &'w str>) -> String {
    let mut words: Vec<_> = words.collect();
    if words.is_empty() {
        return format!("add this {noun}, or remove the key");
    }
    words.sort_unstable();
    words.dedup();
    let suggestion = closest(wrong, words.iter().copied())
        .map(|word| format!("did you mean `{word}`? "))
        .unwrap_or_default();
    format!("{suggestion}use one of these {noun}s: {}", list(&words))
}

/// Formats words as a list of at most 8 words in backticks.
pub(crate) fn list(words: &[&str]) -> String {
    const MAX_WORDS: usize = 8;
    let shown: Vec<_> = words.iter().take(MAX_WORDS).map(|word| format!("`{word}`")).collect();
    let more = match words.len().saturating_sub(MAX_WORDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_a_word_close_to_the_wrong_word() {
        let words = || ["upstream", "listen", "admin"].into_iter();
        assert!(allowed("key", "upstraem", words()).starts_with("did you mean `upstream`?"));
        assert!(allowed("key", "zebra", words()).starts_with("use one of these keys"));
    }

    #[test]
    fn lists_at_most_eight_words() {
        let words = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        assert_eq!(list(&words[..2]), "`1`, `2`");
        assert!(list(&words[..8]).ends_with(", `8`"));
        assert!(list(&words).ends_with(", `8` and 1 more"));
        let none = allowed("template", "x", std::iter::empty());
        assert_eq!(none, "add this template, or remove the key");
    }
}
