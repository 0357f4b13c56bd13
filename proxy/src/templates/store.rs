//! The file: read, checked, and replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use gatepost::Config;
use tempfile::NamedTempFile;

use super::problem::{Code, Problem};
use crate::clock;

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|error| Problem::io(path, "read", &error))
}

/// Puts `after` in the place of `before`: only if it checks, and only if `before` is still there.
/// A reader sees the one or the other.
pub(super) fn replace(path: &Path, before: &str, after: &str) -> Result<Config, Problem> {
    let config = Config::from_text(after, path).map_err(|error| Problem::unchecked(&error))?;
    if before == after {
        return Ok(config);
    }
    match swap(path, before, after) {
        Ok(true) => Ok(config),
        Ok(false) => Err(changed(path, Some(after))),
        Err(error) => Err(Problem::io(path, "written", &error)),
    }
}

/// The refusal of an edit of a text that is not the file's any more. The edited text is kept too.
pub(super) fn changed(path: &Path, edited: Option<&str>) -> Problem {
    let problem =
        format!("{}: the file was changed by hand meanwhile, and is left as it is", path.display());
    let message = match edited.map(|text| keep(path, text)) {
        None => problem,
        Some(Ok(kept)) => {
            format!("{problem}; what the edit would have made of it is in {}", kept.display())
        }
        Some(Err(error)) => format!("{problem}; the edit could not be kept beside it: {error}"),
    };
    Problem::new(Code::FileChanged, message)
}

/// Replaces the file; not if it holds something else than `before`.
fn swap(path: &Path, before: &str, after: &str) -> io::Result<bool> {
    // A link stays one: what it points to is replaced.
    let target = fs::canonicalize(path)?;
    let folder = target.parent().unwrap_or_else(|| Path::new("/"));
    let mut new = tempfile::Builder::new().prefix(".gatepost-").tempfile_in(folder)?;
    new.write_all(after.as_bytes())?;
    keep_owner_and_mode(&new, &target)?;
    new.as_file().sync_all()?;
    // Two edits at once must not undo one another: the second finds the first one's text. Where
    // there are no locks, that leaves the moment between the look and the rename.
    let held = File::open(&target)?;
    let _unsupported = held.lock();
    if fs::read_to_string(&target)? != before {
        return Ok(false);
    }
    new.persist(&target).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()?;
    Ok(true)
}

fn keep_owner_and_mode(new: &NamedTempFile, old: &Path) -> io::Result<()> {
    let (old, own) = (fs::metadata(old)?, new.as_file().metadata()?);
    if (old.uid(), old.gid()) != (own.uid(), own.gid()) {
        fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    new.as_file().set_permissions(old.permissions())
}

/// Writes a text beside the file, with its mode, and never over another one.
fn keep(path: &Path, text: &str) -> io::Result<PathBuf> {
    const TRIES: i64 = 100;
    let mode = fs::metadata(path).map_or(0o600, |file| file.mode() & 0o777);
    let now = clock::now().as_secs();
    for second in now..now + TRIES {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".rejected-{second}"));
        let kept = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&kept) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(kept);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
