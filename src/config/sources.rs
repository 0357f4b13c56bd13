//! Where a config's secrets come from: the one place that reads files and the environment.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use zeroize::Zeroizing;

/// Reads what a config file names.
#[derive(Default)]
pub(crate) struct Sources {
    /// What relative file names are relative to.
    base: PathBuf,
    /// Values that stand before the environment's.
    given: HashMap<String, Zeroizing<String>>,
}

impl Sources {
    pub(crate) fn set_base(&mut self, base: impl Into<PathBuf>) {
        self.base = base.into();
    }

    pub(crate) fn give(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.given.insert(name.into(), Zeroizing::new(value.into()));
    }

    /// An environment variable, if it is set to text.
    #[expect(clippy::disallowed_methods, reason = "this is the one place for it")]
    pub(crate) fn variable(&self, name: &str) -> Option<Zeroizing<String>> {
        match self.given.get(name) {
            Some(value) => Some(value.clone()),
            None => std::env::var(name).ok().map(Zeroizing::new),
        }
    }

    /// A file's contents.
    #[expect(clippy::disallowed_methods, reason = "this is the one place for it")]
    pub(crate) fn file(&self, name: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        std::fs::read(self.base.join(name)).map(Zeroizing::new)
    }
}

impl Sources {
    /// Where a named file is.
    pub(crate) fn path(&self, name: &Path) -> PathBuf {
        self.base.join(name)
    }

    /// A text file.
    pub(crate) fn text(&self, name: &Path) -> io::Result<String> {
        read_config(&self.path(name))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A config file's text.
#[expect(clippy::disallowed_methods, reason = "this is the one place for it")]
pub(crate) fn read_config(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}
