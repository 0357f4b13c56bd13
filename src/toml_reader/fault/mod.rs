//! Faults: each names a place in a file, a problem and a remedy.

mod config_place;
mod list;

use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::excerpt::Excerpt;
use super::fault_kind::FaultKind;
use super::place::Place;
pub use config_place::ConfigPlace;
pub(crate) use list::{Faults, TomlText, Warnings};

/// A problem at one place of a file, with its remedy.
///
/// # Examples
///
/// ```
/// use gatepost::Config;
///
/// let text = "[[route]]\npath = '/callbacks/tencent'\nprovider = 5\n";
/// let error = Config::from_text(text, "gatepost.toml").unwrap_err();
/// let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
/// assert_eq!((fault.line(), fault.column(), fault.key()), (3, 12, "route[0].provider"));
/// assert_eq!(fault.kind().as_str(), "type_mismatch");
/// assert_eq!(fault.problem(), "expected a string, found a whole number");
/// assert_eq!(fault.remedy(), "write a string");
/// // A value of the wrong type may be a secret.
/// assert_eq!((fault.excerpt(), &fault.excerpt()[fault.marked()]), ("provider = …", "…"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    file: Option<Box<str>>,
    /// Index of the text that contains the fault; `None` after gatepost has created the excerpt.
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
    /// The keys that the fault reports as missing: one of them is enough.
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

    /// Returns the text of the fault's line, without a comment. `…` replaces each value that may be
    /// a secret.
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

    /// Returns `true` if both faults report the same problem at the same place. All faults of a
    /// reply at the same place count as one problem.
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
