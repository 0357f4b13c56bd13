//! Definitions: what a provider sends and expects, for tools.

use crate::ProviderInfo;
use crate::config::ConfigError;
use crate::inspect::Sample;
use crate::inspect::schema;
use crate::provider::{Plan, built_in_named, built_in_names, definition};

/// A provider's definition, compiled.
#[derive(Debug)]
pub struct Definition(Plan);

impl Definition {
    /// One that comes with the crate.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        built_in_named(name).map(Self)
    }

    /// The names of those that come with the crate.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        built_in_names()
    }

    /// One of your own, as TOML.
    ///
    /// # Errors
    ///
    /// With everything that is wrong in it.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        definition::parse(text).map(Self).map_err(ConfigError::faults_in)
    }

    /// What it says, for people and tools.
    #[must_use]
    pub fn info(&self) -> ProviderInfo {
        ProviderInfo::from(&self.0)
    }

    /// Whether callbacks of the kind are signed.
    #[must_use]
    pub fn signs(&self, kind: &str) -> bool {
        self.0.signature_of(self.0.kind_named(kind)).is_some()
    }

    /// A realistic callback of the kind.
    #[must_use]
    pub fn sample(&self, kind: &str) -> Option<Sample<'_>> {
        self.0.kind_named(kind).map(|kind| Sample::new(&self.0, kind))
    }

    /// The JSON Schema (2020-12) of the kind's data, with that of its answer in `$defs`.
    #[must_use]
    pub fn schema(&self, kind: &str) -> Option<serde_json::Value> {
        self.0.kind_named(kind).map(|kind| schema::of_kind(&self.0, kind))
    }
}
