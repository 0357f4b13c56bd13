//! The file: read, checked, and replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatepost::Config;
use tempfile::NamedTempFile;

use super::problem::{Code, Problem};

/// Reads the file.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|error| Problem::io(path, "read", &error))
}

/// What a text says, as if it stood in the file.
pub(crate) fn check(path: &Path, text: &str) -> Result<Config, Problem> {
    Config::from_text(text, path).map_err(|error| Problem::unchecked(&error))
}

/// Puts `after`, which was checked, in the place of `before`, only if that is still there. A reader
/// sees the one or the other. After an error the file is as it was.
pub(crate) fn replace(path: &Path, before: &str, after: &str) -> Result<(), Problem> {
    if before == after {
        return Ok(());
    }
    match swap(path, before, after) {
        Ok(true) => Ok(()),
        Ok(false) => Err(changed(path, Some(after))),
        Err(error) => Err(Problem::io(path, "written", &error)),
    }
}

/// The refusal of an edit of a text that is not the file's any more. The edited text is kept too.
pub(crate) fn changed(path: &Path, edited: Option<&str>) -> Problem {
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
    // Opened now: once the file is replaced, nothing can be said to have failed.
    let holder = File::open(folder);
    // Two edits at once must not undo one another: the second finds the first one's text. Where
    // there are no locks, that leaves the moment between the look and the rename.
    let held = File::open(&target)?;
    lock(&held)?;
    if fs::read_to_string(&target)? != before {
        return Ok(false);
    }
    new.persist(&target).map_err(|error| error.error)?;
    if let Err(error) = holder.and_then(|folder| folder.sync_all()) {
        tracing::warn!("{}: the folder was not synced: {error}", folder.display());
    }
    Ok(true)
}

/// Waits a moment for whoever else holds the file, and no longer.
fn lock(file: &File) -> io::Result<()> {
    const PAUSE: Duration = Duration::from_millis(10);
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            // A system without locks is none to wait for.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another program holds it locked"))
}

fn keep_owner_and_mode(new: &NamedTempFile, old: &Path) -> io::Result<()> {
    let (old, own) = (fs::metadata(old)?, new.as_file().metadata()?);
    if (old.uid(), old.gid()) != (own.uid(), own.gid()) {
        fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    new.as_file().set_permissions(old.permissions())
}

/// Writes a text beside the file, with its mode, under a name made of the text: who tries the same
/// edit again and again leaves one copy.
fn keep(path: &Path, text: &str) -> io::Result<PathBuf> {
    let mode = fs::metadata(path).map_or(0o600, |file| file.mode() & 0o777);
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".rejected-{:016x}", hash.finish()));
    let kept = PathBuf::from(name);
    match OpenOptions::new().write(true).create_new(true).mode(mode).open(&kept) {
        Ok(mut file) => {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use tempfile::TempDir;

    use super::*;

    const BEFORE: &str = "# a\n[[route]]\npath = '/t'\nprovider = 'tencent-css'\n";
    const AFTER: &str = "# b\n[[route]]\npath = '/t'\nprovider = 'tencent-css'\n";

    fn file(text: &str) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("gatepost.toml");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_the_file_and_keeps_its_mode() {
        let (folder, path) = file(BEFORE);
        for mode in [0o640, 0o600, 0o664] {
            fs::write(&path, BEFORE).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            replace(&path, BEFORE, AFTER).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), AFTER);
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode);
        }
        assert_eq!(names(&folder), ["gatepost.toml"]);
    }

    #[test]
    fn keeps_the_owner_where_it_may() {
        let (_folder, path) = file(BEFORE);
        if std::os::unix::fs::chown(&path, Some(4321), Some(4322)).is_err() {
            // Nobody but root can try.
            return;
        }
        replace(&path, BEFORE, AFTER).unwrap();
        let file = fs::metadata(&path).unwrap();
        assert_eq!((file.uid(), file.gid()), (4321, 4322));
    }

    #[test]
    fn a_link_stays_one() {
        let (folder, path) = file(BEFORE);
        let link = folder.path().join("link.toml");
        symlink(&path, &link).unwrap();
        replace(&link, BEFORE, AFTER).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), AFTER);
    }

    #[test]
    fn what_does_not_check_is_not_written_and_every_fault_told() {
        let (folder, path) = file(BEFORE);
        let text = format!("colour = 1\n{AFTER}kind = 'x'\n");
        let problem = check(&path, &text).unwrap_err();
        assert_eq!(problem.code, Code::Invalid);
        let keys: Vec<_> = problem.flaws.iter().map(|flaw| &*flaw.key).collect();
        assert_eq!(keys, ["colour", "route[0].kind"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), BEFORE);
        assert_eq!(names(&folder), ["gatepost.toml"]);
    }

    #[test]
    fn both_versions_are_kept_when_somebody_changed_the_file() {
        let (folder, path) = file("# by hand\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for _ in 0..2 {
            let problem = replace(&path, BEFORE, AFTER).unwrap_err();
            assert_eq!(problem.code, Code::FileChanged);
            assert_eq!(fs::read_to_string(&path).unwrap(), "# by hand\n");
            let kept = problem.message.rsplit(' ').next().unwrap();
            assert!(kept.starts_with(&format!("{}.rejected-", path.display())), "{kept}");
            assert_eq!(fs::read_to_string(kept).unwrap(), AFTER);
            assert_eq!(fs::metadata(kept).unwrap().mode() & 0o777, 0o600);
        }
        assert_eq!(names(&folder).len(), 2, "the same text is kept once");
        let other = replace(&path, BEFORE, "# c\n").unwrap_err();
        assert_eq!(other.code, Code::FileChanged);
        assert_eq!(names(&folder).len(), 3, "a rejected text is never written over");
    }

    #[test]
    fn nobody_is_waited_for_for_long() {
        let (_folder, path) = file(BEFORE);
        let held = File::open(&path).unwrap();
        held.lock_shared().unwrap();
        let problem = replace(&path, BEFORE, AFTER).unwrap_err();
        assert!(problem.message.contains("another program holds it locked"), "{}", problem.message);
        assert_eq!(fs::read_to_string(&path).unwrap(), BEFORE);
    }

    #[test]
    fn of_two_edits_at_once_one_is_refused() {
        let (_folder, path) = file(BEFORE);
        let edit = |mark: char| {
            let path = path.clone();
            std::thread::spawn(move || {
                replace(&path, BEFORE, &format!("# {mark}\n{BEFORE}")).is_ok()
            })
        };
        let edits: Vec<_> = "abcdefgh".chars().map(edit).collect();
        let made = edits.into_iter().map(|edit| edit.join().unwrap());
        assert_eq!(made.filter(|made| *made).count(), 1);
    }
}
