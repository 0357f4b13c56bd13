//! The argument for the config file, shared by the commands that need a config.

use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CommandError;

/// Config file that a command reads if the operator names no file.
pub(super) const DEFAULT_CONFIG: &str = "gatepost.toml";

/// Argument for the config file.
#[derive(Debug, Args)]
pub(super) struct ConfigArgument {
    /// Config file.
    #[arg(
        id = "config",
        short = 'c',
        long = "config",
        value_name = "FILE",
        default_value = DEFAULT_CONFIG
    )]
    path: PathBuf,
}

impl ConfigArgument {
    /// Returns the path of the config file.
    ///
    /// # Errors
    ///
    /// Returns an error if the path is [`DEFAULT_CONFIG`] and this file does not exist.
    pub(super) fn path(&self) -> Result<&Path, CommandError> {
        if self.path == Path::new(DEFAULT_CONFIG) && !self.path.exists() {
            return Err(CommandError::NoConfig);
        }
        Ok(&self.path)
    }
}
