//! Sources of a config. Only this file of the core reads files and environment variables.

use std::collections::HashMap;
use std::env::VarError;
use std::io;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use zeroize::Zeroizing;

use super::ConfigReader;
use crate::printable::print_only;
use crate::secret::Secret;
use crate::toml_reader::{FaultKind, Form, Item, Located, Table, is_usual_name};

/// Values that take precedence over environment variables.
#[derive(Default)]
pub(crate) struct ConfigSources {
    overrides: HashMap<String, Zeroizing<String>>,
}

impl ConfigSources {
    pub(crate) fn give(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.overrides.insert(name.into(), Zeroizing::new(value.into()));
    }

    /// Returns the value of a variable.
    ///
    /// # Errors
    ///
    /// Returns an error for a missing variable, and for a value that is not UTF-8.
    #[expect(clippy::disallowed_methods, reason = "only this file of the core reads sources")]
    pub(crate) fn variable(&self, name: &str) -> Result<Zeroizing<String>, VarError> {
        match self.overrides.get(name) {
            Some(value) => Ok(value.clone()),
            None => std::env::var(name).map(Zeroizing::new),
        }
    }

    /// Returns the value of a variable that contains no secret. Omits white space at the end of the
    /// value.
    ///
    /// # Errors
    ///
    /// Returns the problem of a missing variable, or of a value that is not UTF-8.
    pub(crate) fn plain_variable(&self, name: &str) -> Result<Zeroizing<String>, String> {
        match self.variable(name) {
            Ok(value) => Ok(value.trim_end().to_owned().into()),
            Err(error) => Err(unusable(name, &error)),
        }
    }
}

print_only! { ConfigSources:; }

/// Maximum size in bytes of a file that contains a secret.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Maximum size in bytes of a definition file, and of a file of certificates.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// Maximum size in bytes of an included file, and of a watched file.
const MAX_CONFIG_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a regular file of at most `max` bytes.
///
/// Returns an error for a larger file. Also returns an error for anything but a regular file: the
/// read of a device or a pipe may never end.
fn read_regular(path: &Path, max: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "a device, a pipe or a socket" };
        let problem = format!("expected a regular file, found {found}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read > max) {
        let problem = format!("expected at most {max} bytes, found more");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

/// Reads the text of a config file.
#[expect(clippy::disallowed_methods, reason = "only this file of the core reads sources")]
pub(crate) fn read_config(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// Reads the text of an included file.
pub(super) fn read_included(path: &Path) -> io::Result<String> {
    text(&read_regular(path, MAX_CONFIG_BYTES)?)
}

/// Reads a file for a comparison; `None` if gatepost cannot read the file.
pub(super) fn read_watched(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    read_regular(path, MAX_CONFIG_BYTES).ok()
}

fn text(bytes: &[u8]) -> io::Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(text.to_owned())
}

/// Returns `true` for a file that gatepost can read more than once, unlike a pipe.
pub(super) fn is_regular(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file())
}

/// Returns the path of a file without symbolic links; `None` if gatepost cannot resolve the path.
pub(super) fn identity(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// Returns `true` if a path of `include` contains a wildcard.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Returns a pattern that starts at the folder `base`; `None` if the name of the folder is not
/// UTF-8.
pub(super) fn pattern_below(base: &Path, pattern: &str) -> Option<String> {
    let full = Path::new(&Pattern::escape(base.to_str()?)).join(pattern);
    full.into_os_string().into_string().ok()
}

/// Returns the files that match a pattern, in alphabetical order. A hidden file matches only a
/// pattern that spells out the dot at the start of the file's name.
///
/// # Errors
///
/// Returns the problem with an invalid pattern, or with an unreadable folder.
pub(super) fn matches(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let found = glob::glob_with(pattern, options);
    let found = found.map_err(|e| format!("expected a pattern, found an error: {}", e.msg))?;
    let found = found.map(|path| {
        path.map_err(|error| format!("expected a readable folder, found an error: {error}"))
    });
    found.collect()
}

impl<'f> ConfigReader<'f, '_> {
    /// Resolves a path against the folder of the file that names the path.
    pub(super) fn path(&self, name: &Located<&'f str>) -> PathBuf {
        self.files.base(name.place.text()).join(name.value)
    }

    /// Reads a file of certificates, up to 1 MiB, as UTF-8 text.
    pub(super) fn certificate_text(&self, name: &Located<&'f str>) -> io::Result<String> {
        text(&self.watched_file(name, MAX_TEXT_BYTES)?)
    }

    /// Reads a definition file, up to 1 MiB of UTF-8. Adds the text to the fingerprint of the
    /// config.
    pub(super) fn definition_text(&self, name: &Located<&'f str>) -> io::Result<String> {
        let text = text(&self.watched_file(name, MAX_TEXT_BYTES)?)?;
        self.fingerprint.borrow_mut().add(&text);
        Ok(text)
    }

    /// Reads a file of certificates, up to 1 MiB, as bytes.
    pub(super) fn certificates(&self, name: &Located<&'f str>) -> io::Result<Zeroizing<Vec<u8>>> {
        self.watched_file(name, MAX_TEXT_BYTES)
    }

    /// Reads a file that the config names. With `watch = true`, gatepost reloads the config after a
    /// change of the file.
    pub(super) fn watched_file(
        &self,
        name: &Located<&'f str>,
        max: u64,
    ) -> io::Result<Zeroizing<Vec<u8>>> {
        let path = self.path(name);
        let bytes = read_regular(&path, max);
        let content = bytes.as_ref().ok().map(|bytes| &***bytes);
        self.watched.borrow_mut().add(path, content);
        bytes
    }

    /// Reads a secret: `{ env = "NAME" }`, `{ file = "name" }`, or the literal secret. Warns of a
    /// literal secret. Adds the secret to those that `Gate::redacted` replaces.
    pub(super) fn secret(&self, item: &Item<'f>) -> Option<Secret> {
        let secret = self.sourced(item)?;
        self.secrets.borrow_mut().push(secret.clone());
        Some(secret)
    }

    /// Reads a value that has the same sources as a secret.
    pub(super) fn sourced(&self, item: &Item<'f>) -> Option<Secret> {
        let (bytes, place) = match &item.form {
            Form::String(literal) => {
                let remedy = "write { env = \"NAME\" } or { file = \"name\" }";
                let problem = "expected a source, found a literal secret";
                self.warnings.add(&item.place, FaultKind::SecretLiteral.because(problem), remedy);
                (literal.as_bytes().to_vec(), &item.place)
            }
            Form::Table(table) => (self.secret_from(table)?, &table.place),
            Form::Other(_) => {
                let problem = format!("expected a secret, found {}", item.form.name());
                let remedy = "write { env = \"NAME\" } or { file = \"name\" }";
                self.faults.add(&item.place, FaultKind::TypeMismatch.because(problem), remedy);
                return None;
            }
        };
        if bytes.is_empty() {
            let problem = "expected a secret, found an empty value";
            self.faults.add(place, FaultKind::SecretUnreadable.because(problem), "set the secret");
            return None;
        }
        Some(Secret::new(bytes))
    }

    fn secret_from(&self, table: &Table<'f>) -> Option<Vec<u8>> {
        // The operator may have written the secret in place of the name.
        let (env, file) = (table.hidden_string("env"), table.hidden_string("file"));
        if let Some(env) = env.as_ref().filter(|env| is_usual_name(env.value)) {
            self.faults.show(&env.place);
        }
        table.finish();
        match (env, file) {
            (Some(env), None) => match self.sources.variable(env.value) {
                Ok(value) => Some(value.as_bytes().trim_ascii_end().to_vec()),
                Err(error) => {
                    let remedy = "set the variable to UTF-8 text before gatepost starts";
                    let problem = unusable(env.value, &error);
                    let problem = FaultKind::SecretUnreadable.because(problem);
                    self.faults.add(&env.place, problem, remedy);
                    None
                }
            },
            (None, Some(file)) => match self.watched_file(&file, MAX_SECRET_BYTES) {
                Ok(bytes) => Some(bytes.trim_ascii_end().to_vec()),
                Err(error) => {
                    let path = self.path(&file);
                    let problem = unreadable(file.value, &path, &error);
                    let problem = FaultKind::SecretUnreadable.because(problem);
                    self.faults.add(&file.place, problem, "write the path of a readable file");
                    None
                }
            },
            (env, _) => {
                let found = if env.is_some() { "both" } else { "neither" };
                let problem = format!("expected either `env` or `file`, found {found}");
                let remedy = "write either { env = \"NAME\" } or { file = \"name\" }";
                if !self.faults.are_in(&table.place.key) {
                    self.faults.add(&table.place, problem, remedy);
                }
                None
            }
        }
    }
}

/// Describes an unreadable file for a secret. `path` is the path of the file `name`.
///
/// Omits a name that does not look like a file name. The operator may have written the secret
/// instead.
fn unreadable(name: &str, path: &Path, error: &io::Error) -> String {
    let is_path_char = |c: char| c.is_alphanumeric() || "._-/ ".contains(c);
    let is_usual = name.contains(['.', '/']) && name.chars().all(is_path_char);
    let place = match is_usual {
        true => format!("at {}", path.display()),
        false => "of this name".to_owned(),
    };
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound {
        format!("expected a file {place}, found none")
    } else if kind == io::ErrorKind::PermissionDenied {
        format!("expected a readable file {place}, found a file without permission to read")
    } else {
        format!("expected a readable file {place}, found an error: {error}")
    }
}

/// Describes a missing environment variable, or a value that is not UTF-8.
///
/// Omits a name with unusual characters. The operator may have written the secret instead of a
/// name.
fn unusable(name: &str, error: &VarError) -> String {
    let found = match error {
        VarError::NotPresent => "none",
        VarError::NotUnicode(_) => "bytes that are not UTF-8",
    };
    if is_usual_name(name) {
        format!("expected a value of the environment variable `{name}`, found {found}")
    } else {
        format!("expected a value of this environment variable, found {found}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_variable_that_is_not_utf8_from_variable_that_is_not_set() {
        let not_utf8 = VarError::NotUnicode("hunter2".into());
        let found = |name, error| unusable(name, error).replace("expected a value of ", "");
        let other = "found bytes that are not UTF-8";
        assert_eq!(found("KEY", &not_utf8), format!("the environment variable `KEY`, {other}"));
        assert_eq!(found("hunter2", &not_utf8), format!("this environment variable, {other}"));
        let absent = VarError::NotPresent;
        assert_eq!(found("KEY", &absent), "the environment variable `KEY`, found none");
    }
}
