//! The builder of a gate, which accepts the config as a string or a file, and secrets as arguments.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::Gate;
use crate::config::{Config, ConfigError, ConfigFiles, ConfigSources};
use crate::printable::print_only;

/// Builder of a [`Gate`].
///
/// # Examples
///
/// ```
/// use gatepost::Gate;
///
/// let route = "[[route]]\npath = '/callbacks/{token}'\nprovider = 'kollus'\n";
/// let config = format!("{route}token = {{ env = 'KOLLUS_TOKEN' }}");
/// let gate = Gate::builder().toml(&*config).variable("KOLLUS_TOKEN", "t0ken").build();
/// assert!(gate.is_ok());
///
/// let error = Gate::builder().toml(format!("{route}tokn = 't0ken'")).build().unwrap_err();
/// assert!(error.to_string().contains("tokn"));
/// ```
#[derive(Default)]
#[must_use]
pub struct GateBuilder {
    input: ConfigInput,
    sources: ConfigSources,
}

/// Source of the config text. The type has no `Debug`, because the text may contain secrets.
enum ConfigInput {
    File(PathBuf),
    Text(Zeroizing<String>),
}

impl Default for ConfigInput {
    fn default() -> Self {
        Self::Text(Zeroizing::default())
    }
}

print_only! { GateBuilder:; }

impl GateBuilder {
    /// Sets the text of the config. gatepost resolves relative paths in the text against the
    /// working directory.
    pub fn toml(mut self, text: impl Into<String>) -> Self {
        self.input = ConfigInput::Text(Zeroizing::new(text.into()));
        self
    }

    /// Sets the config file. gatepost resolves relative paths in the file against the file's
    /// folder.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.input = ConfigInput::File(path.into());
        self
    }

    /// Sets the value for `{ env = "NAME" }`. This value overrides the environment variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.sources.give(name, value);
        self
    }

    /// Checks the config and compiles it. If the crate has the feature `tracing`, logs each
    /// warning.
    ///
    /// # Errors
    ///
    /// Returns an error for an unreadable file, and for an invalid config. For an invalid config,
    /// the error lists all faults.
    pub fn build(self) -> Result<Gate, ConfigError> {
        let files = match self.input {
            ConfigInput::File(path) => ConfigFiles::read(path),
            ConfigInput::Text(text) => ConfigFiles::without_path(&text),
        };
        Config::parse(&files?, &self.sources).map(Gate::with_logged_warnings)
    }
}
