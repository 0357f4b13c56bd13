//! Where a config's secrets come from: the one place that reads files and the environment.

use std::collections::HashMap;
use std::io::Read as _;
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

    /// A secret's file.
    pub(crate) fn file(&self, name: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        read_regular(&self.base.join(name), MAX_SECRET_BYTES)
    }
}

impl Sources {
    /// Where a named file is.
    pub(crate) fn path(&self, name: &Path) -> PathBuf {
        self.base.join(name)
    }

    /// A text file.
    pub(crate) fn text(&self, name: &Path) -> io::Result<String> {
        let bytes = read_regular(&self.path(name), MAX_TEXT_BYTES)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(text.to_owned())
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("base", &self.base).finish_non_exhaustive()
    }
}

/// No secret is longer.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// No definition is longer.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// Reads a file that has an end: a device or a pipe would never come to one.
fn read_regular(path: &Path, max: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no file"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read > max) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "this file is too large"));
    }
    Ok(bytes)
}

/// A config file's text.
#[expect(clippy::disallowed_methods, reason = "this is the one place for it")]
pub(crate) fn read_config(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}
