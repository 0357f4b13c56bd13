//! Provider definitions, for command lines and other tools.

use std::sync::Arc;

use crate::ProviderInfo;
use crate::config::ConfigError;
use crate::gate::Gate;
use crate::inspect::Sample;
use crate::inspect::schema;
use crate::provider::{Plan, built_in_named, built_in_names, definition};

/// The compiled definition of a platform.
///
/// # Examples
///
/// ```
/// use gatepost::Definition;
///
/// let definition = Definition::built_in("tencent-css").unwrap();
/// assert!(definition.signs("push"));
/// assert_eq!(definition.schema("push").unwrap()["title"], "tencent-css.push");
///
/// let error = Definition::parse("name = 'my-platform'").unwrap_err();
/// assert!(!error.faults().is_empty());
/// ```
#[derive(Debug)]
pub struct Definition(Arc<Plan>);

impl Definition {
    /// Returns the built-in definition with this name; `None` if the name is unknown.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        built_in_named(name).map(Arc::new).map(Self)
    }

    /// Returns the names of the built-in definitions.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        built_in_names()
    }

    /// Compiles the TOML text of a definition.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] with every fault of the definition. If the text is not TOML, the
    /// error contains only the first fault.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        definition::parse(text).map(Arc::new).map(Self).map_err(ConfigError::faults_in)
    }

    /// Returns the kinds, fields and settings that the definition declares.
    #[must_use]
    pub fn info(&self) -> ProviderInfo {
        ProviderInfo::from(&*self.0)
    }

    /// Returns `true` if the platform signs callbacks of the kind.
    #[must_use]
    pub fn signs(&self, kind: &str) -> bool {
        self.0.signature_of(self.0.kind_named(kind)).is_some()
    }

    /// Returns the text with which each key of the platform starts, for example `whsec_`; `None` if
    /// the definition names no such text.
    #[must_use]
    pub fn key_prefix(&self) -> Option<&str> {
        self.0.signature.as_ref()?.key.prefix.as_deref()
    }

    /// Returns a realistic callback of the kind; `None` if the definition does not declare the
    /// kind.
    #[must_use]
    pub fn sample(&self, kind: &str) -> Option<Sample<'_>> {
        self.0.kind_named(kind).map(|kind| Sample::new(&self.0, kind))
    }

    /// Returns the JSON Schema (draft 2020-12) of the kind's data, with the schema of the app's
    /// answer in `$defs`.
    ///
    /// Returns `None` if the definition does not declare the kind.
    #[must_use]
    pub fn schema(&self, kind: &str) -> Option<serde_json::Value> {
        self.0.kind_named(kind).map(|kind| schema::of_kind(&self.0, kind))
    }
}

impl Gate {
    /// Returns the definition of a provider, from `provider_files` or built in; `None` for an
    /// unknown provider.
    #[must_use]
    pub fn definition(&self, provider: &str) -> Option<Definition> {
        let own = self.own_plans().into_iter().find(|plan| *plan.name == *provider);
        own.map(Definition).or_else(|| Definition::built_in(provider))
    }

    /// Returns the definitions of `provider_files`, sorted by name.
    #[must_use]
    pub fn own_definitions(&self) -> Vec<Definition> {
        self.own_plans().into_iter().map(Definition).collect()
    }
}
