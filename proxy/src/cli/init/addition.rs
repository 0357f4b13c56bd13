//! `gatepost init --add`: writes a file with a route and a template beside an existing config.
//!
//! 1. The config file includes the new file. If the config file has no `include`, gatepost adds
//!    this key with a comment, and changes no other line. If `include` has a list that does not
//!    match the new file, gatepost returns an error.
//! 2. gatepost checks the whole config before it changes the config file. If the file of the
//!    platform's public key is missing, gatepost checks only the values of the options. If the
//!    check fails, gatepost removes the new file.

use std::fs;
use std::path::{Path, PathBuf};

use gatepost::{Config, ConfigFiles, Fault};
use gatepost_editor::config_file;

use super::option_faults::error_of_options;
use crate::cli::error::CommandError;

/// Pattern of `include` for the files that this command writes.
const PATTERN: &str = "*.platform.toml";

/// The file with the route and the template of a platform.
pub(super) struct Addition<'p> {
    /// Path of the existing config file.
    config: &'p Path,
    pub(super) file: PathBuf,
}

impl<'p> Addition<'p> {
    pub(super) fn new(config: &'p Path, provider: &str) -> Result<Self, CommandError> {
        let file = config.with_file_name(format!("{provider}.platform.toml"));
        if file.exists() {
            let problem =
                "expected a new file, found an existing one; edit this file, or remove it first";
            return Err(CommandError::argument(file.display().to_string(), problem));
        }
        Ok(Self { config, file })
    }

    /// Writes `text` into the new file. If the config file has no `include`, adds an `include` that
    /// matches the new file. If `is_complete` is true (no key file is missing), checks the whole
    /// config, otherwise only the values of the options. Returns true if the config file has changed.
    pub(super) fn write(&self, text: &str, is_complete: bool) -> Result<bool, CommandError> {
        let wrong = |source| CommandError::File { path: self.file.clone(), source };
        fs::write(&self.file, text).map_err(wrong)?;
        let written = self.include(is_complete);
        if written.is_err() {
            let _gone = fs::remove_file(&self.file);
        }
        written
    }

    fn include(&self, is_complete: bool) -> Result<bool, CommandError> {
        let before = ConfigFiles::read(self.config)?;
        let main = before.iter().next().map_or("", |(_, text)| text).to_owned();
        let is_included = |files: &ConfigFiles| {
            let own = fs::canonicalize(&self.file).ok();
            files.iter().any(|(path, _)| own.is_some() && fs::canonicalize(path).ok() == own)
        };
        let (files, after) = if is_included(&before) {
            (before, main.clone())
        } else if has_include(&main) {
            let problem = format!(
                "expected `include` to match {}, found another list; add \"{PATTERN}\" to \
                 `include`, then repeat the command",
                self.file.display()
            );
            return Err(CommandError::argument(self.config.display().to_string(), problem));
        } else {
            let after = with_include(&main);
            (ConfigFiles::with_text(after.clone(), self.config)?, after)
        };
        if let Err(error) = Config::from_files(&files) {
            let name = self.file.file_name();
            let is_new = |fault: &Fault| {
                fault.file().is_some_and(|file| Path::new(file).file_name() == name)
            };
            if let Some(of_options) = error_of_options(&error, is_new) {
                return Err(of_options);
            }
            if is_complete {
                return Err(error.into());
            }
        }
        config_file::replace(self.config, &main, &after)?;
        Ok(main != after)
    }
}

/// Returns true if the config file has the top-level key `include`.
fn has_include(text: &str) -> bool {
    let mut keys = text.lines().map(str::trim_start).take_while(|line| !line.starts_with('['));
    keys.any(|line| {
        let rest = line.strip_prefix("include").map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with('='))
    })
}

/// Adds `include` with a comment. If an empty line follows the comments at the top, adds `include`
/// below these comments. Otherwise, adds `include` at the top, so that the comments of the first
/// key stay above that key.
fn with_include(text: &str) -> String {
    let is_comment = |line: &&str| line.starts_with('#');
    let head: usize = text.split_inclusive('\n').take_while(is_comment).map(str::len).sum();
    let (head, rest) = text.split_at(head);
    let (head, rest) = if rest.starts_with('\n') { (head, rest) } else { ("", text) };
    let gap = if head.is_empty() { "" } else { "\n" };
    let end = if rest.starts_with('\n') { "" } else { "\n" };
    format!("{head}{gap}# Files with further platforms.\ninclude = [\"{PATTERN}\"]\n{end}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_only_include_with_its_comment_and_keeps_all_lines() {
        for text in [
            "# A.\n# B.\n\n# Of listen.\nlisten = [\"127.0.0.1:1\"]\n",
            "# Of listen.\nlisten = [\"127.0.0.1:1\"]\n",
            "listen = [\"127.0.0.1:1\"]",
            "[[route]]\npath = \"/a\"\n",
            "",
            "\n\n# x\n",
        ] {
            let after = with_include(text);
            assert!(has_include(&after) && after.parse::<toml::Table>().is_ok(), "{after}");
            let added: Vec<_> =
                after.lines().filter(|line| !text.lines().any(|own| own == *line)).collect();
            let added: Vec<_> = added.into_iter().filter(|line| !line.is_empty()).collect();
            assert_eq!(
                added,
                ["# Files with further platforms.", "include = [\"*.platform.toml\"]"]
            );
            let mut rest = after.lines();
            assert!(text.lines().all(|line| rest.any(|own| own == line)), "{after}");
        }
        let after = with_include("# A.\n\n# Of listen.\nlisten = []\n");
        assert!(after.ends_with("\n\n# Of listen.\nlisten = []\n"), "{after}");
    }
}
