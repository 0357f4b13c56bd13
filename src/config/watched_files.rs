//! The files from which gatepost has read a config, and a comparison with their present contents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::sources;
use crate::printable::print_only;

/// SHA-256 of a file's content.
type ContentHash = [u8; 32];

/// Number of characters in a fingerprint.
const FINGERPRINT_LENGTH: usize = 16;

/// The files from which gatepost has read a config (the config file, included files, definitions,
/// certificates and secrets), with hashes of their contents.
///
/// The comparison uses contents, not times. A file with a new time and equal content is therefore
/// unchanged, and a symbolic link that now leads to other content is a change. If
/// [`WatchedFiles::look`] returns equal values before and after a pause, no program has changed the
/// files during the pause.
///
/// # Examples
///
/// ```
/// use gatepost::Config;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("gatepost.toml");
/// let text = "[[route]]\npath = '/hook'\nprovider = 'mux'\n";
/// std::fs::write(&path, text)?;
/// let config = Config::from_file(&path)?;
/// let loaded = config.watched_files();
/// std::fs::write(&path, text)?;
/// assert_eq!(loaded.difference(&loaded.look()), None);
///
/// std::fs::write(&path, text.replace("/hook", "/mux"))?;
/// assert_eq!(loaded.difference(&loaded.look()), Some(&*path));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WatchedFiles {
    /// Hash of each file's content; `None` for a file that gatepost cannot read.
    contents: BTreeMap<PathBuf, Option<ContentHash>>,
    /// Patterns of `include`. A new file that matches a pattern is a change.
    patterns: Vec<String>,
}

print_only! { WatchedFiles: patterns; }

impl WatchedFiles {
    pub(super) fn new(patterns: &[String]) -> Self {
        Self { contents: BTreeMap::new(), patterns: patterns.to_vec() }
    }

    /// Adds a file whose content is `bytes`; `None` if gatepost cannot read the file.
    pub(super) fn add(&mut self, path: PathBuf, bytes: Option<&[u8]>) {
        self.contents.insert(path, bytes.map(|bytes| Sha256::digest(bytes).into()));
    }

    /// Returns the paths of the files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.contents.keys().map(|path| &**path)
    }

    /// Reads the same files again, and the files that match a pattern of `include` now.
    #[must_use]
    pub fn look(&self) -> Self {
        let mut now = Self::new(&self.patterns);
        let matching = self.patterns.iter().filter_map(|pattern| sources::matches(pattern).ok());
        for path in self.contents.keys().cloned().chain(matching.flatten()) {
            let bytes = sources::read_watched(&path);
            now.add(path, bytes.as_ref().map(|bytes| &***bytes));
        }
        now
    }

    /// Returns the first file whose content differs in `other`.
    #[must_use]
    pub fn difference<'a>(&'a self, other: &'a Self) -> Option<&'a Path> {
        let differs = |path: &&PathBuf| self.contents.get(*path) != other.contents.get(*path);
        let mut all = self.contents.keys().chain(other.contents.keys());
        all.find(differs).map(|path| &**path)
    }
}

/// Hash of the texts of a config, without the secrets in other files.
#[derive(Default)]
pub(super) struct TextHash(Sha256);

impl TextHash {
    pub(super) fn add(&mut self, text: &str) {
        // The hash of each text has a fixed length, so the result depends on the position at which
        // each text ends.
        self.0.update(Sha256::digest(text));
    }

    pub(super) fn finish(self) -> Box<str> {
        let mut text = data_encoding::HEXLOWER.encode(&self.0.finalize());
        text.truncate(FINGERPRINT_LENGTH);
        text.into()
    }
}
