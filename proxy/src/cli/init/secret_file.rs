//! Files with the new secrets of a platform: key, token and secret settings.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use gatepost::{Definition, ProviderInfo, SampleError, SettingInfo, Timestamp};
use http::Uri;

use crate::cli::error::CommandError;

/// A file with a secret, next to the config file.
pub(super) struct SecretFile {
    pub(super) path: PathBuf,
    /// True if this command has created the file.
    pub(super) is_new: bool,
    /// True if the file for the platform's public key is missing. The operator must write this
    /// file.
    pub(super) is_missing: bool,
}

impl SecretFile {
    /// Creates the file with a random secret: a key if the platform signs, otherwise a token. Keeps
    /// a file that exists. Creates no file if the platform signs with a private key.
    pub(super) fn create(
        folder: &Path,
        definition: &Definition,
        provider: &ProviderInfo,
    ) -> Result<Self, CommandError> {
        let ending = if provider.keys { "key" } else { "token" };
        let path = folder.join(format!("{}.{ending}", provider.name));
        let prefix = definition.key_prefix();
        Self::create_if_fits(path, prefix, |secret| fits(definition, provider, secret))
    }

    /// Creates the file of the secret path segment if the platform signs callbacks, but not
    /// challenges.
    pub(super) fn create_token(
        folder: &Path,
        provider: &ProviderInfo,
    ) -> Result<Option<Self>, CommandError> {
        let path = folder.join(format!("{}.token", provider.name));
        let is_needed = provider.keys && provider.token;
        is_needed.then(|| Self::create_if_fits(path, None, |_| true)).transpose()
    }

    /// Creates a file for each secret setting of the provider, because the new config names these
    /// files. The operator replaces the random secrets with those of the platform.
    pub(super) fn create_settings(
        folder: &Path,
        provider: &ProviderInfo,
    ) -> Result<Vec<Self>, CommandError> {
        let secret = provider.settings.iter().filter(|setting| setting.secret);
        let path = |setting| folder.join(setting_file(provider, setting));
        secret.map(|setting| Self::create_if_fits(path(setting), None, |_| true)).collect()
    }

    /// Creates the file with the first form of a random secret for which `fits` returns true. If
    /// the platform's keys have a prefix, each form starts with the prefix.
    fn create_if_fits(
        path: PathBuf,
        prefix: Option<&str>,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Self, CommandError> {
        if path.exists() {
            return Ok(Self { path, is_new: false, is_missing: false });
        }
        let mut random = [0; 32];
        let source = rustls::crypto::ring::default_provider().secure_random;
        if source.fill(&mut random).is_err() {
            let problem = "expected random bytes, found none; check the operating system";
            return Err(CommandError::argument(path.display().to_string(), problem));
        }
        // The consoles of some platforms accept at most 32 letters and digits as a key.
        let plain = HEXLOWER.encode(&random[..16]);
        let encoded = BASE64.encode(&random);
        let forms = match prefix {
            None => vec![plain.clone(), format!("ID:{plain}")],
            Some(prefix) => vec![format!("{prefix}{encoded}"), format!("{prefix}{plain}")],
        };
        let Some(secret) = forms.into_iter().find(|form| fits(form)) else {
            return Ok(Self { path, is_new: false, is_missing: true });
        };
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = created.and_then(|mut file| writeln!(file, "{secret}"));
        written.map_err(|source| CommandError::File { path: path.clone(), source })?;
        Ok(Self { path, is_new: true, is_missing: false })
    }

    /// Returns the name of the file, as the config file writes it.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().display().to_string()
    }

    /// Removes the file if this command has created it.
    pub(super) fn remove_if_new(&self) {
        if self.is_new {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

/// Returns the name of the file with the value of a secret setting.
pub(super) fn setting_file(provider: &ProviderInfo, setting: &SettingInfo) -> String {
    format!("{}.{}", provider.name, setting.name)
}

/// Returns `true` if gatepost can sign a callback of the provider with this key.
fn fits(definition: &Definition, provider: &ProviderInfo, key: &str) -> bool {
    let kinds = provider.kinds.iter().map(|kind| &*kind.name);
    let signed = kinds.into_iter().find(|kind| definition.signs(kind));
    let sample = signed.and_then(|kind| definition.sample(kind));
    sample.is_none_or(|sample| {
        let request = sample.sign(key, Timestamp::from_secs(0)).request(&Uri::from_static("/"));
        !matches!(request, Err(SampleError::Key))
    })
}
