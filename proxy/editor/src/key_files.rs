//! Folders for the key files that an edit may name.
//!
//! Without these folders, an edit over the network can name any file as a key, so the client can
//! learn from the errors which files exist.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::document::Document;
use crate::error::{EditError, EditFault};
use crate::toml_value::json_from_item;

/// Folders for key files: the folder of the config file, the given folders, and their subfolders.
#[derive(Clone, Copy, Debug)]
pub struct KeyFolders<'a> {
    config: &'a Path,
    others: &'a [PathBuf],
}

impl<'a> KeyFolders<'a> {
    /// Returns the folder of the config file at `config`, and the folders in `others`.
    #[must_use]
    pub const fn new(config: &'a Path, others: &'a [PathBuf]) -> Self {
        Self { config, others }
    }

    /// Checks an edit of a config text: each file `{ file = "…" }` that `after` names and `before`
    /// does not name must be in one of the folders.
    ///
    /// Also checks that an address in `before` names each environment variable that an address in
    /// `after` names. Otherwise, a client can send a secret from the environment to an app of its
    /// choice.
    ///
    /// Follows symbolic links and `..`. For a file outside of the folders, the error does not
    /// depend on the file.
    ///
    /// # Errors
    ///
    /// Returns [`EditErrorKind::Invalid`](crate::EditErrorKind::Invalid) if a file is not a regular
    /// file in one of the folders. Returns the same error if an address in `after` names an
    /// environment variable that no address in `before` names.
    pub fn check(self, before: &str, after: &str) -> Result<(), EditError> {
        check_variables(before, after)?;
        let known: HashSet<_> = files(before)?.into_iter().map(|(_, name)| name).collect();
        let outside = |(_, name): &(String, String)| !known.contains(name) && !self.contain(name);
        let faults: Vec<_> = files(after)?.into_iter().filter(outside).map(fault).collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(EditError::faulty(
            "expected key files that an edit may name, found other paths; correct these faults",
            faults,
        ))
    }

    fn contain(self, name: &str) -> bool {
        let base = match self.config.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let Ok(file) = fs::canonicalize(base.join(name)) else { return false };
        let is_below =
            |folder: &Path| fs::canonicalize(folder).is_ok_and(|folder| file.starts_with(folder));
        file.is_file() && (is_below(base) || self.others.iter().any(|folder| is_below(folder)))
    }
}

fn fault((key, _): (String, String)) -> EditFault {
    let problem = "expected a regular file in the folder of the config or in `key_dirs`, found \
                   another path";
    let remedy =
        "name an existing file in one of these folders, or add the folder of the file to key_dirs";
    EditFault::new(&key, problem, remedy)
}

/// Returns each key source `{ file = "…" }` of a config file. Each item contains the TOML path of
/// the setting, such as `template[0].keys[1].file`, and the name of the file.
fn files(text: &str) -> Result<Vec<(String, String)>, EditError> {
    let mut found = Vec::new();
    add_files("", &Document::parse(text)?.to_json(), &mut found);
    Ok(found)
}

/// Returns an error if an address in `after` names an environment variable that no address in
/// `before` names.
fn check_variables(before: &str, after: &str) -> Result<(), EditError> {
    let known = variables(before)?;
    let new =
        variables(after)?.into_iter().filter(|(_, name)| known.iter().all(|(_, own)| own != name));
    let fault = |(key, _): (String, String)| {
        let problem = "expected a value, found an environment variable that no address names yet";
        EditFault::new(&key, problem, "write the value, or edit the file by hand")
    };
    let faults: Vec<_> = new.map(fault).collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(EditError::faulty(
        "expected values, found environment variables; correct these faults",
        faults,
    ))
}

/// Returns each `{ env = "…" }` in the addresses of a config file. Each item contains the TOML
/// path of the setting and the name of the variable.
fn variables(text: &str) -> Result<Vec<(String, String)>, EditError> {
    let mut found = Vec::new();
    for (index, template) in Document::parse(text)?.templates().into_iter().enumerate() {
        if let Some(on) = template.get("on") {
            add_variables(&format!("template[{index}].on"), &json_from_item(on), &mut found);
        }
    }
    Ok(found)
}

fn add_variables(key: &str, json: &Json, found: &mut Vec<(String, String)>) {
    match json {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                add_variables(&format!("{key}[{index}]"), item, found);
            }
        }
        Json::Object(map) => {
            if let Some(Json::String(name)) = map.get("env").filter(|_| map.len() == 1) {
                found.push((key.to_owned(), name.clone()));
            }
            for (name, value) in map {
                add_variables(&format!("{key}.{name}"), value, found);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn add_files(key: &str, json: &Json, found: &mut Vec<(String, String)>) {
    match json {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                add_files(&format!("{key}[{index}]"), item, found);
            }
        }
        Json::Object(map) => {
            // In `template.on`, each key is a kind.
            if let Some(Json::String(name)) = map.get("file").filter(|_| !key.ends_with("].on")) {
                found.push((format!("{key}.file"), name.clone()));
            }
            // A fixed answer may have a field of any name, and never contains a key source.
            let is_kind = key.contains("].on.");
            for (name, value) in map.iter().filter(|(name, _)| !is_kind || *name != "answer") {
                let dot = if key.is_empty() { "" } else { "." };
                add_files(&format!("{key}{dot}{name}"), value, found);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn with_key(name: &str) -> String {
        format!("[[template]]\nname = 'a'\nkeys = [{{ env = 'X' }}, {{ file = '{name}' }}]\n")
    }

    /// Creates a folder with a key file in each of four subfolders, a key file outside of these
    /// subfolders, and symbolic links.
    fn folder() -> TempDir {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["config", "config/sub", "keys", "configs"] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(&format!("{name}/own.key")), "k").unwrap();
        }
        fs::write(path("outside.key"), "k").unwrap();
        symlink(path("outside.key"), path("config/link.key")).unwrap();
        symlink(folder.path(), path("config/up")).unwrap();
        symlink(path("config/own.key"), path("keys/inward.key")).unwrap();
        symlink("/dev/zero", path("config/zero.key")).unwrap();
        folder
    }

    #[test]
    fn permits_only_files_in_the_folders() {
        let folder = folder();
        let config = folder.path().join("config/gatepost.toml");
        let others = [folder.path().join("keys"), folder.path().join("absent")];
        let folders = KeyFolders::new(&config, &others);
        let absolute = folder.path().join("keys/own.key");
        let absolute = absolute.to_str().unwrap();
        for name in [
            "own.key",
            "./sub/../own.key",
            "sub/own.key",
            "../keys/own.key",
            "../keys/inward.key",
            absolute,
        ] {
            folders.check("", &with_key(name)).unwrap();
        }
        let mut texts = Vec::new();
        for name in [
            "../outside.key",
            "link.key",
            "up/outside.key",
            "up/absent.key",
            "zero.key",
            "sub",
            "absent.key",
            "../configs/own.key",
            "/etc/passwd",
            "/dev/zero",
            "/proc/self/environ",
            "/proc/self/cwd/Cargo.toml",
            "/absent",
            "",
            "../absent/../outside.key",
        ] {
            let error = folders.check("", &with_key(name)).unwrap_err();
            assert_eq!(error.kind().as_str(), "invalid");
            assert_eq!(error.faults()[0].key, "template[0].keys[1].file");
            texts.push(error.to_string());
        }
        texts.dedup();
        assert_eq!(texts.len(), 1, "expected the same error for each file, found {texts:?}");
    }

    #[test]
    fn permits_file_that_the_config_already_names() {
        let folder = folder();
        let config = folder.path().join("config/gatepost.toml");
        let folders = KeyFolders::new(&config, &[]);
        let before = with_key("../outside.key");
        folders.check(&before, &before.replace("'a'", "'b'")).unwrap();
        assert!(folders.check(&before, &with_key("../keys/own.key")).is_err());
    }

    #[test]
    fn finds_sources_in_settings_and_subtables() {
        let text = "[[template]]\n[template.settings]\nlms_key = { file = '/a' }\n\
                    answer = { file = '/d' }\n\
                    [template.on]\nfile = 'http://a/'\npush = { answer = { file = '/no' }, x = { file = '/b' } }\n\
                    [template.settings.other]\nfile = '/c'\n";
        let names: Vec<_> = files(text).unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(["/a", "/b", "/c", "/d"].iter().all(|name| names.iter().any(|own| own == name)));
    }

    #[test]
    fn permits_only_variables_that_an_address_already_names() {
        let folder = folder();
        let config = folder.path().join("config/gatepost.toml");
        let folders = KeyFolders::new(&config, &[]);
        let text = |on: &str| format!("[[template]]\nname = 'a'\nkeys = {{ env = 'K' }}\n{on}\n");
        let before = text("on.push = { env = 'URL' }");
        folders.check(&before, &text("on.error = [{ env = 'URL' }, 'http://b']")).unwrap();
        for on in
            ["on.push = { env = 'K' }", "on.push = { url = 'http://a', host = { env = 'K' } }"]
        {
            let error = folders.check(&before, &text(on)).unwrap_err();
            assert_eq!(
                error.faults()[0].problem,
                "expected a value, found an environment variable that no address names yet"
            );
        }
    }
}
