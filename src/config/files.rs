//! The texts of a config: the config file, and the files that it lists in `include`.
//!
//! 1. A path without a wildcard names one file, which must exist. A pattern without a match causes
//!    a warning.
//! 2. Relative paths in `include` start at the folder of the config file.
//! 3. gatepost includes a file once, even if several patterns match the file.
//! 4. An included file must not contain `include`, so includes cannot form a cycle.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::{ConfigError, unreadable_file};
use super::sources::{self, read_config};
use super::watched_files::{TextHash, WatchedFiles};
use crate::printable::print_only;
use crate::toml_reader::{self, Fault, FaultKind, Faults, Located, TomlText, Warnings};

/// The texts of a config: the config file first, then the files that it includes.
///
/// # Examples
///
/// ```
/// use gatepost::{Config, ConfigFiles};
///
/// let text = "[[route]]\npath = '/hook'\nprovider = 'mux'\n";
/// let files = ConfigFiles::with_text(text, "gatepost.toml")?;
/// assert_eq!(files.iter().collect::<Vec<_>>(), [("gatepost.toml".as_ref(), text)]);
/// assert_eq!(Config::from_files(&files)?.routes().collect::<Vec<_>>(), ["/hook"]);
///
/// let text = format!("include = 'absent.toml'\n{text}");
/// assert!(ConfigFiles::with_text(text, "gatepost.toml").is_err());
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigFiles {
    main: ConfigText,
    included: Vec<ConfigText>,
    /// Patterns of `include`, each joined to the folder of the config file.
    patterns: Vec<String>,
    /// Warnings about `include`.
    pub(super) warnings: Vec<Fault>,
}

/// The text of one file. The type has no `Debug`, because the text may contain secrets.
#[derive(Clone, PartialEq, Eq)]
struct ConfigText {
    path: PathBuf,
    text: Zeroizing<String>,
}

print_only! { ConfigFiles: patterns; }

impl ConfigFiles {
    /// Reads a config file and the files that it includes.
    ///
    /// # Errors
    ///
    /// Returns an error for an unreadable file, for a config file that is not TOML, and for an
    /// invalid `include`.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = read_config(path).map_err(|error| ConfigError::unreadable(error).at(path))?;
        Self::with_text(text, path)
    }

    /// Reads the files that `text` includes, as if `text` were the content of the file at `path`.
    /// That file need not exist.
    ///
    /// # Errors
    ///
    /// Returns an error for an unreadable included file, for a `text` that is not TOML, and for an
    /// invalid `include`.
    pub fn with_text(text: impl Into<String>, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let main = ConfigText { path: path.to_owned(), text: Zeroizing::new(text.into()) };
        Self::of(main).map_err(|faults| ConfigError::faults_in(faults).at(path))
    }

    /// Returns the texts of a config that is not in a file.
    pub(crate) fn without_path(text: &str) -> Result<Self, ConfigError> {
        let text = Zeroizing::new(text.to_owned());
        Self::of(ConfigText { path: PathBuf::new(), text }).map_err(ConfigError::faults_in)
    }

    fn of(main: ConfigText) -> Result<Self, Vec<Fault>> {
        let ((included, patterns), warnings) =
            toml_reader::read(&main.text, FaultKind::ValueInvalid, |table, faults| {
                let mut reader = IncludeReader {
                    main: &main.path,
                    faults,
                    warnings: Warnings(faults),
                    included: Vec::new(),
                    patterns: Vec::new(),
                    known: sources::identity(&main.path).into_iter().collect(),
                };
                table.strings("include").iter().for_each(|path| reader.include(path));
                Some((reader.included, reader.patterns))
            })?;
        Ok(Self { main, included, patterns, warnings })
    }

    /// Returns the path and the text of each file, the config file first.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.all().map(|file| (&*file.path, &**file.text))
    }

    /// Returns the same files, but with `text` for the file at `index` in the order of
    /// [`ConfigFiles::iter`].
    #[must_use]
    pub fn replace(&self, index: usize, text: String) -> Self {
        let mut files = self.clone();
        let mut all = std::iter::once(&mut files.main).chain(&mut files.included);
        if let Some(file) = all.nth(index) {
            file.text = Zeroizing::new(text);
        }
        files
    }

    /// Returns the path of the config file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.main.path
    }

    /// Returns the folder against which gatepost resolves the relative paths in the file at
    /// `index`.
    pub(super) fn base(&self, index: usize) -> &Path {
        base_of(self.all().nth(index).map_or(&self.main.path, |file| &file.path))
    }

    /// Calls `act` with the texts, each included text together with the path of its file.
    pub(super) fn with_texts<T>(&self, act: impl FnOnce(&[TomlText<'_>]) -> T) -> T {
        let shown: Vec<_> = self.included.iter().map(|f| f.path.display().to_string()).collect();
        let main = TomlText { file: None, text: &self.main.text };
        let included = self.included.iter().zip(&shown);
        let included = included.map(|(file, path)| TomlText { file: Some(path), text: &file.text });
        act(&std::iter::once(main).chain(included).collect::<Vec<_>>())
    }

    /// Returns the config files that `watch` observes, without other files that the texts name,
    /// such as key files.
    pub(super) fn watched(&self) -> WatchedFiles {
        let mut watched = WatchedFiles::new(&self.patterns);
        for file in self.all().filter(|file| sources::is_regular(&file.path)) {
            watched.add(file.path.clone(), Some(file.text.as_bytes()));
        }
        watched
    }

    /// Returns the fingerprint of the texts, without the definitions that the texts name.
    pub(super) fn fingerprint(&self) -> TextHash {
        let mut fingerprint = TextHash::default();
        self.all().for_each(|file| fingerprint.add(&file.text));
        fingerprint
    }

    fn all(&self) -> impl Iterator<Item = &ConfigText> {
        std::iter::once(&self.main).chain(&self.included)
    }
}

/// Returns the folder against which gatepost resolves the relative paths in a config file.
fn base_of(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new(""))
}

/// Reader of the files that a config file includes.
struct IncludeReader<'f> {
    main: &'f Path,
    faults: &'f Faults<'f>,
    warnings: Warnings<'f>,
    included: Vec<ConfigText>,
    patterns: Vec<String>,
    /// Files that are already part of the config, as paths without symbolic links.
    known: HashSet<PathBuf>,
}

impl<'f> IncludeReader<'f> {
    fn include(&mut self, path: &Located<&'f str>) {
        let base = base_of(self.main);
        if !sources::is_pattern(path.value) {
            self.add(path, base.join(path.value));
            return;
        }
        let pattern = sources::pattern_below(base, path.value);
        let pattern = pattern.ok_or_else(|| {
            "expected a folder with a UTF-8 name, found another encoding".to_owned()
        });
        match pattern.and_then(|pattern| Ok((sources::matches(&pattern)?, pattern))) {
            Ok((files, pattern)) => {
                self.patterns.push(pattern);
                self.warn_of_none(path, &files);
                files.into_iter().for_each(|file| self.add(path, file));
            }
            Err(problem) => {
                let remedy = "write a pattern such as \"templates/*.toml\", in a readable folder with \
                              a UTF-8 name";
                self.faults.add(&path.place, problem, remedy);
            }
        }
    }

    fn warn_of_none(&self, pattern: &Located<&str>, files: &[PathBuf]) {
        if files.is_empty() {
            let problem = "expected a file that matches the pattern, found none";
            let remedy = "correct the pattern, or add a file";
            self.warnings.add(&pattern.place, problem, remedy);
        }
    }

    fn add(&mut self, name: &Located<&str>, path: PathBuf) {
        let identity = sources::identity(&path);
        if identity.is_some() && identity == sources::identity(self.main) {
            let remedy = "write a path or a pattern of other files";
            let problem = "expected a file other than the config file, found the config file";
            self.faults.add(&name.place, problem, remedy);
            return;
        }
        match sources::read_included(&path) {
            Ok(text) => {
                if identity.is_none_or(|identity| self.known.insert(identity)) {
                    self.included.push(ConfigText { path, text: Zeroizing::new(text) });
                }
            }
            Err(error) => {
                let problem = format!("{}: {}", path.display(), unreadable_file(&error));
                let problem = FaultKind::FileUnreadable.because(problem);
                self.faults.add(&name.place, problem, "write the path of a readable file");
            }
        }
    }
}
