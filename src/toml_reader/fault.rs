//! Faults: each names a place in a file, a problem and a remedy.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::Path;

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
/// assert_eq!(fault.problem(), "expected a string, found a whole number");
/// assert_eq!(fault.remedy(), "write a string");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    file: Option<Box<str>>,
    line: usize,
    column: usize,
    key: String,
    problem: String,
    remedy: String,
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
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

/// A text to read, and the path of its file as faults show it.
#[derive(Clone, Copy)]
pub(crate) struct TomlText<'t> {
    /// `None` for a text whose file the caller names.
    pub(crate) file: Option<&'t str>,
    pub(crate) text: &'t str,
}

/// The faults found so far in the texts that the code reads together.
///
/// The list is in a [`RefCell`], so that several tables can add faults through shared references.
pub(crate) struct Faults<'t> {
    texts: Vec<TomlText<'t>>,
    list: RefCell<Vec<Fault>>,
}

print_only! { Faults<'_>: list; }

impl<'t> Faults<'t> {
    pub(crate) fn new(texts: &[TomlText<'t>]) -> Self {
        Self { texts: texts.to_vec(), list: RefCell::new(Vec::new()) }
    }

    pub(crate) fn add(&self, place: &Place, problem: impl Into<String>, remedy: impl Into<String>) {
        let (line, column) = self.position(place);
        self.list.borrow_mut().push(Fault {
            file: self.file_of(place).map(Into::into),
            line,
            column,
            key: place.key.clone(),
            problem: problem.into(),
            remedy: remedy.into(),
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
    pub(crate) fn add_text(&self, text: &Located<&str>, wanted: &str, remedy: impl Into<String>) {
        let found = match &text.place.variable {
            // The operator may have named the variable of a secret by mistake.
            Some(name) => format!("another text in the environment variable `{name}`"),
            None => format!("\"{}\"", printable(text.value)),
        };
        self.add(&text.place, format!("expected {wanted}, found {found}"), remedy);
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
        let shown = if word.place.variable.is_some() { "" } else { word.value };
        self.add_text(word, &format!("a known {noun}"), allowed(noun, shown, words));
    }

    /// Adds the faults of another file.
    pub(crate) fn take(&self, faults: impl IntoIterator<Item = Fault>) {
        self.list.borrow_mut().extend(faults);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// Returns the faults, sorted by file, line and column.
    pub(crate) fn into_sorted(self) -> Vec<Fault> {
        let mut list = self.list.into_inner();
        list.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        list.dedup();
        list
    }
}

/// The place of a value: its text, its byte range in this text, and its full key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Index of the text among the texts that the code reads together.
    pub(super) text: usize,
    pub(super) span: Range<usize>,
    pub(super) key: String,
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
    let suggestion = words
        .iter()
        .map(|word| (strsim::levenshtein(wrong, word), word))
        .min()
        // Permits one edit in a short word, and one edit for every three letters of a longer word.
        .filter(|(distance, word)| *distance <= 1.max(word.len() / 3))
        .map(|(_, word)| format!("did you mean `{word}`? "))
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
