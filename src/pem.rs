//! PEM files of a config. The core reads them, the proxy parses them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::secret::Secret;
use crate::toml_reader::ConfigPlace;

/// The content of a PEM file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PemFile {
    /// The path, as written in the config.
    pub name: PathBuf,
    /// The content.
    pub content: Arc<[u8]>,
    /// The place of the path in the config.
    pub place: ConfigPlace,
}

/// Compares paths and contents. Ignores the place, because a line that moves changes no setting.
impl PartialEq for PemFile {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.content) == (&other.name, &other.content)
    }
}

impl Eq for PemFile {}

/// A private key in PEM.
///
/// `Debug` redacts the key, and drop zeroes the key.
#[derive(Clone, Debug)]
pub struct PrivateKeyPem {
    key: Secret,
    place: ConfigPlace,
}

impl PrivateKeyPem {
    pub(crate) const fn new(key: Secret, place: ConfigPlace) -> Self {
        Self { key, place }
    }

    /// Returns the PEM text of the key, for parsing. Never print the text.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.key.expose()
    }

    /// Returns the place of the key's source in the config.
    #[must_use]
    pub const fn place(&self) -> &ConfigPlace {
        &self.place
    }
}

/// Compares the keys in constant time. Ignores the places.
impl PartialEq for PrivateKeyPem {
    fn eq(&self, other: &Self) -> bool {
        self.key.matches(other.key.expose())
    }
}
