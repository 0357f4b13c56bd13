//! Temporary files of edits.
//!
//! The name of a temporary file contains the name of the config file, for example
//! `.gatepost-gatepost.toml-k3J9aZ0qPw2x.tmp`. On a file system with locks, an edit creates the
//! temporary file only while it has locked the config file. If the next edit, which holds the lock,
//! finds a temporary file, an earlier edit ended before it removed the file.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

const SUFFIX: &str = ".tmp";

/// Number of random characters in a name.
const RANDOM_CHARS: usize = 12;

/// Names of the temporary files of one config file.
pub(crate) struct TemporaryNames {
    prefix: OsString,
}

impl TemporaryNames {
    /// Returns the names for the config file at `path`.
    pub(crate) fn of(path: &Path) -> Self {
        let mut prefix = OsString::from(".gatepost-");
        prefix.push(path.file_name().unwrap_or_default());
        prefix.push("-");
        Self { prefix }
    }

    /// Creates a temporary file that only the user of this process can read.
    pub(crate) fn create_in(&self, folder: &Path) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(&self.prefix).suffix(SUFFIX).rand_bytes(RANDOM_CHARS).tempfile_in(folder)
    }

    /// Removes the temporary files of earlier edits. The caller must hold the lock of `config`.
    pub(crate) fn remove_leftovers(&self, folder: &Path, config: &File) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if self.fits(&entry.file_name())
                && is_ours(&entry, config)
                && let Err(error) = fs::remove_file(entry.path())
            {
                let path = entry.path();
                tracing::warn!(
                    "{}: expected a temporary file that gatepost can remove, found an error: {error}; remove the file by hand",
                    path.display()
                );
            }
        }
    }

    fn fits(&self, name: &OsStr) -> bool {
        let random = name.as_bytes().strip_prefix(self.prefix.as_bytes());
        let random = random.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
        random.is_some_and(|random| {
            random.len() == RANDOM_CHARS && random.iter().all(u8::is_ascii_alphanumeric)
        })
    }
}

/// Returns true for a regular file with one name, whose owner is the user of this process or the
/// owner of the config file. An edit creates only files of this form.
fn is_ours(entry: &DirEntry, config: &File) -> bool {
    let (Ok(file), Ok(config)) = (entry.metadata(), config.metadata()) else { return false };
    let owners = [rustix::process::geteuid().as_raw(), config.uid()];
    file.is_file() && file.nlink() == 1 && owners.contains(&file.uid())
}
