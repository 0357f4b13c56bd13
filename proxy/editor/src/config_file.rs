//! Functions that read, check and atomically replace the files of a config.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatepost::{Config, ConfigFiles};

use crate::edit::EditedFile;
use crate::error::{EditError, EditErrorKind};
use crate::file_access::keep_access;
use crate::temporary_file::TemporaryNames;

/// Reads the config file at `path`, and the files that it includes.
///
/// # Errors
///
/// Returns [`EditErrorKind::Io`] if gatepost cannot read the config file. Returns
/// [`EditErrorKind::Invalid`] for a config file that is not TOML, and for an unreadable included
/// file.
pub fn read(path: &Path) -> Result<ConfigFiles, EditError> {
    ConfigFiles::read(path).map_err(|error| match error.faults() {
        [] => EditError::new(EditErrorKind::Io, format!("{error}, then try again")),
        [..] => EditError::unchecked(&error),
    })
}

/// Parses and checks the files of a config.
///
/// # Errors
///
/// Returns [`EditErrorKind::Invalid`] with all faults if `files` is not a valid config.
pub fn check(files: &ConfigFiles) -> Result<Config, EditError> {
    Config::from_files(files).map_err(|error| EditError::unchecked(&error))
}

/// Writes an edited file. See [`replace`].
///
/// # Errors
///
/// Returns the errors of [`replace`].
pub fn write(before: &ConfigFiles, edited: &EditedFile) -> Result<(), EditError> {
    let (before, after) = (before.iter().nth(edited.index), edited.text());
    let Some(((path, before), (_, after))) = before.zip(after) else { return Ok(()) };
    replace(path, before, after)
}

/// Replaces `before`, the content of the file at `path`, with `after`. Before this call, [`check`]
/// must have accepted `after`. Other processes read either the old or the new content, never a mix.
///
/// # Errors
///
/// Returns [`EditErrorKind::FileChanged`] if the content of the file differs from `before`. Returns
/// [`EditErrorKind::FileLinked`] if the file has several hard links. Returns [`EditErrorKind::Io`]
/// if gatepost cannot read or write the file. An error leaves the content of the file unchanged.
pub fn replace(path: &Path, before: &str, after: &str) -> Result<(), EditError> {
    if before == after {
        return Ok(());
    }
    check_has_one_name(path)?;
    match swap(path, before, after) {
        Ok(true) => Ok(()),
        Ok(false) => Err(conflict(path, Some(after))),
        Err(error) => Err(EditError::io(path, "write", &error)),
    }
}

/// Creates the error for a config file that has changed since the edit began. Saves `edited`, the
/// config text after the edit, in a new file next to the config file. If `edited` is `None`, saves
/// no file.
#[must_use]
pub fn conflict(path: &Path, edited: Option<&str>) -> EditError {
    let problem = format!(
        "{}: expected an unchanged file, found a file that has changed since the edit began",
        path.display()
    );
    let message = match edited.map(|text| save_rejected(path, text)) {
        None => format!("{problem}; repeat the edit"),
        Some(Ok(kept)) => {
            format!("{problem}; merge the edited config from {}", kept.display())
        }
        Some(Err(error)) => {
            format!(
                "{problem}; repeat the edit (gatepost failed to save the edited config: {error})"
            )
        }
    };
    EditError::new(EditErrorKind::FileChanged, message)
}

fn check_has_one_name(path: &Path) -> Result<(), EditError> {
    let links = fs::metadata(path).map_err(|error| EditError::io(path, "read", &error))?.nlink();
    if links <= 1 {
        return Ok(());
    }
    let message = format!(
        "{}: expected a file with one name, found {links} hard links; remove the other names, or \
         replace them by symbolic links",
        path.display()
    );
    Err(EditError::new(EditErrorKind::FileLinked, message))
}

/// Replaces the content of the file. If the content differs from `before`, changes nothing and
/// returns `false`.
fn swap(path: &Path, before: &str, after: &str) -> io::Result<bool> {
    // For a symbolic link, replace its target, not the link.
    let target = fs::canonicalize(path)?;
    let folder = target.parent().unwrap_or_else(|| Path::new("/"));
    // A failure to open or sync the folder causes only a warning, because the sync follows the
    // replacement of the file.
    let folder_handle = File::open(folder);
    // The lock makes concurrent edits wait for each other. The later edit then finds the result of
    // the earlier edit, and this function returns false. A file system without locks does not give
    // this protection.
    let held = File::open(&target)?;
    let is_locked = lock(&held)?;
    if !is_same_file(&held, &target)? || fs::read_to_string(&target)? != before {
        return Ok(false);
    }
    let names = TemporaryNames::of(&target);
    if is_locked {
        names.remove_leftovers(folder, &held);
    }
    let mut new = names.create_in(folder)?;
    // Set the access rights before the file has content.
    keep_access(new.as_file(), &held)?;
    new.write_all(after.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(&target).map_err(|error| error.error)?;
    if let Err(error) = folder_handle.and_then(|folder| folder.sync_all()) {
        tracing::warn!(
            "{}: expected a folder that syncs, found an error: {error}; check the disk",
            folder.display()
        );
    }
    Ok(true)
}

/// Returns true if `path` still names the open file. Returns false if `path` now names another
/// file.
fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
    let (open, named) = (file.metadata()?, fs::metadata(path)?);
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Locks the file. Waits at most one second, because the operator waits for the result. Returns
/// false if the file system has no locks.
fn lock(file: &File) -> io::Result<bool> {
    const PAUSE: Duration = Duration::from_millis(10);
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(_)) => return Ok(false),
        }
    }
    // `EditError::io` adds the remedy.
    Err(io::Error::new(io::ErrorKind::WouldBlock, "a lock of another program"))
}

/// Writes `text` to a new file next to the config file, and returns the path of the new file. The
/// new file gives access only to users who have access to the config file. The file name contains a
/// hash of `text`, so repeated saves of the same text create only one file.
fn save_rejected(path: &Path, text: &str) -> io::Result<PathBuf> {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".rejected-{:016x}", hash.finish()));
    let kept = PathBuf::from(name);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&kept) {
        Ok(mut file) => {
            // If this call fails, the new file keeps its mode, which gives access only to the
            // owner.
            let _narrower = File::open(path).and_then(|config| keep_access(&file, &config));
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
    fn keeps_mode_of_file() {
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
    fn keeps_owner_of_file() {
        let (_folder, path) = file(BEFORE);
        if std::os::unix::fs::chown(&path, Some(4321), Some(4322)).is_err() {
            // Skip the test, because only root can change the owner.
            return;
        }
        replace(&path, BEFORE, AFTER).unwrap();
        let file = fs::metadata(&path).unwrap();
        assert_eq!((file.uid(), file.gid()), (4321, 4322));
    }

    #[test]
    fn returns_error_for_file_with_several_names() {
        let (folder, path) = file(BEFORE);
        let other = folder.path().join("other.toml");
        fs::hard_link(&path, &other).unwrap();
        let link = folder.path().join("link.toml");
        symlink(&path, &link).unwrap();
        for name in [&path, &other, &link] {
            let problem = replace(name, BEFORE, AFTER).unwrap_err();
            assert_eq!(problem.kind(), EditErrorKind::FileLinked);
            assert!(problem.message().contains("found 2 hard links"), "{}", problem.message());
        }
        assert_eq!(fs::read_to_string(&other).unwrap(), BEFORE);
        fs::remove_file(&other).unwrap();
        replace(&path, BEFORE, AFTER).unwrap();
        assert_eq!(names(&folder), ["gatepost.toml", "link.toml"]);
    }

    #[test]
    fn removes_temporary_file_of_killed_edit_and_nothing_else() {
        let (folder, path) = file(BEFORE);
        let plant = |name: &str| fs::write(folder.path().join(name), BEFORE).unwrap();
        let left = TemporaryNames::of(&path).create_in(folder.path()).unwrap().keep().unwrap().1;
        let others = [
            ".gatepost-backup",
            ".gatepost-Ab12Cd",
            ".gatepost-gatepost.toml-short.tmp",
            ".gatepost-gatepost.toml-0123456789ab",
            ".gatepost-gatepost.toml-0123456789-b.tmp",
            ".gatepost-gatepost.toml-x-0123456789ab.tmp",
            ".gatepost-other.toml-0123456789ab.tmp",
            "gatepost.toml-0123456789ab.tmp",
        ];
        others.iter().for_each(|name| plant(name));
        let (link, linked) = (
            ".gatepost-gatepost.toml-aaaaaaaaaaaa.tmp",
            ".gatepost-gatepost.toml-bbbbbbbbbbbb.tmp",
        );
        symlink(&path, folder.path().join(link)).unwrap();
        fs::hard_link(folder.path().join(others[0]), folder.path().join(linked)).unwrap();
        fs::create_dir(folder.path().join(".gatepost-gatepost.toml-cccccccccccc.tmp")).unwrap();
        let before = names(&folder);
        replace(&path, BEFORE, AFTER).unwrap();
        assert!(!left.exists(), "expected no file of the killed edit, found one");
        assert_eq!(names(&folder).len() + 1, before.len(), "{:?}", names(&folder));
    }

    #[test]
    fn keeps_temporary_file_of_running_edit() {
        let (folder, path) = file(BEFORE);
        let running = TemporaryNames::of(&path).create_in(folder.path()).unwrap();
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        assert!(replace(&path, BEFORE, AFTER).is_err());
        assert!(running.path().exists());
    }

    #[test]
    fn replaces_target_of_symbolic_link() {
        let (folder, path) = file(BEFORE);
        let link = folder.path().join("link.toml");
        symlink(&path, &link).unwrap();
        replace(&link, BEFORE, AFTER).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), AFTER);
    }

    #[test]
    fn check_reports_every_fault_and_writes_nothing() {
        let (folder, path) = file(BEFORE);
        let text = format!("colour = 1\n{AFTER}kind = 'x'\n");
        let files = ConfigFiles::with_text(text, &path).unwrap();
        let problem = check(&files).unwrap_err();
        assert_eq!(problem.kind(), EditErrorKind::Invalid);
        let keys: Vec<_> = problem.faults().iter().map(|fault| &*fault.key).collect();
        assert_eq!(keys, ["colour", "route[0].kind"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), BEFORE);
        assert_eq!(names(&folder), ["gatepost.toml"]);
    }

    #[test]
    fn saves_edited_text_if_file_has_changed() {
        let (folder, path) = file("# by hand\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for _ in 0..2 {
            let problem = replace(&path, BEFORE, AFTER).unwrap_err();
            assert_eq!(problem.kind(), EditErrorKind::FileChanged);
            assert_eq!(fs::read_to_string(&path).unwrap(), "# by hand\n");
            let kept = problem.message().rsplit(' ').next().unwrap();
            assert!(kept.starts_with(&format!("{}.rejected-", path.display())), "{kept}");
            assert_eq!(fs::read_to_string(kept).unwrap(), AFTER);
            assert_eq!(fs::metadata(kept).unwrap().mode() & 0o777, 0o600);
        }
        let found = names(&folder);
        assert_eq!(found.len(), 2, "expected the config and one saved file, found {found:?}");
        let other = replace(&path, BEFORE, "# c\n").unwrap_err();
        assert_eq!(other.kind(), EditErrorKind::FileChanged);
        let found = names(&folder);
        assert_eq!(found.len(), 3, "expected a new file for another text, found {found:?}");
    }

    #[test]
    fn fails_if_another_program_has_locked_the_file() {
        let (_folder, path) = file(BEFORE);
        let held = File::open(&path).unwrap();
        held.lock_shared().unwrap();
        let problem = replace(&path, BEFORE, AFTER).unwrap_err();
        assert!(problem.message().contains("a lock of another program"), "{}", problem.message());
        assert_eq!(fs::read_to_string(&path).unwrap(), BEFORE);
    }

    #[test]
    fn permits_only_one_of_concurrent_edits() {
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
