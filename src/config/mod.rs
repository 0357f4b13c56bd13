//! The config file: as written, checked whole, and compiled.
//!
//! Both doors read the same file. A check finds every fault at once, each with its line, key and
//! remedy; it never prints, never panics, and never echoes a value.

mod delivery;
mod error;
mod network;
mod plans;
mod proof;
mod route;
mod sources;
mod template;

use std::path::Path;
use std::sync::Arc;

pub use error::ConfigError;
pub use network::{AdminToken, ProxySettings};
pub(crate) use sources::{ConfigSources, read_config};

use self::delivery::breaker::{self, Breakers};
use self::plans::Plans;

use crate::breaker::Breaker;
use crate::client::Networks;
use crate::route::Routes;
use crate::template::Template;
use crate::toml_reader::{self, Fault, Faults, Item, Located, Table, allowed};

/// A callback's body is at most this long unless the config says otherwise.
pub const DEFAULT_MAX_BODY_BYTES: usize = 1024 * 1024;

/// The most that `max_body_bytes` may say.
pub const MAX_BODY_BYTES_CEILING: usize = 16 * 1024 * 1024;

/// Windows are at most this long.
const DAY_SECS: i64 = 86_400;

/// A checked config.
#[derive(Debug)]
pub struct Config {
    pub(crate) routes: Routes,
    templates: Vec<Arc<Template>>,
    pub(crate) circuits: Vec<Arc<Breaker>>,
    pub(crate) trusted: Networks,
    pub(crate) proxy: ProxySettings,
    pub(crate) warnings: Vec<Fault>,
}

impl Config {
    /// Reads and checks a config file. Files that it names are relative to it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or with everything that is wrong in it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::from_file_with(path.as_ref(), ConfigSources::default())
    }

    pub(crate) fn from_file_with(
        path: &Path,
        mut sources: ConfigSources,
    ) -> Result<Self, ConfigError> {
        sources.set_base(base_of(path));
        let text = read_config(path).map_err(|e| ConfigError::unreadable(e).at(path))?;
        Self::parse(&text, &sources).map_err(|e| e.at(path))
    }

    /// Checks a text as if it stood in this file: files that it names are relative to it.
    ///
    /// # Errors
    ///
    /// With everything that is wrong in the text.
    pub fn from_text(text: &str, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let mut sources = ConfigSources::default();
        sources.set_base(base_of(path));
        Self::parse(text, &sources).map_err(|e| e.at(path))
    }

    pub(crate) fn parse(text: &str, sources: &ConfigSources) -> Result<Self, ConfigError> {
        let warnings = Faults::new(text);
        let config = toml_reader::read(text, |table, faults| {
            let breakers = breaker::read(table, faults);
            ConfigReader { faults, warnings: &warnings, sources, breakers }.config(table)
        });
        match config {
            Ok(config) => Ok(Self { warnings: warnings.into_sorted(), ..config }),
            Err(faults) => Err(ConfigError::faults_in(faults)),
        }
    }

    /// The proxy's settings.
    #[must_use]
    pub const fn proxy(&self) -> &ProxySettings {
        &self.proxy
    }

    /// The paths of the routes, in the order of the file.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &*route.pattern)
    }

    /// The templates, in the order of the file.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.iter().map(|template| &**template)
    }

    /// What is allowed but not advised.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }
}

/// What the names in a config file are relative to.
fn base_of(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new(""))
}

/// Reads one file, writing down what is wrong.
struct ConfigReader<'f, 's> {
    faults: &'f Faults<'f>,
    warnings: &'s Faults<'s>,
    sources: &'s ConfigSources,
    breakers: Breakers,
}

impl<'f> ConfigReader<'f, '_> {
    /// On or off, where a table would say more.
    fn switch(&self, item: &Item<'f>, table: &str) -> Option<bool> {
        let switch = item.boolean();
        if switch.is_none() {
            let remedy = format!("write true, false, or {{ {table} }}");
            self.faults.add(&item.place, format!("this is {}", item.form.name()), remedy);
        }
        switch
    }

    /// One of several words.
    fn word<T: Copy>(&self, word: &Located<&str>, what: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value);
        if found.is_none() {
            let remedy = allowed(what, word.value, words.iter().map(|(name, _)| *name));
            self.faults.add(&word.place, format!("this {what} is unknown"), remedy);
        }
        found
    }

    fn config(&self, table: &Table<'f>) -> Option<Config> {
        let plans = self.plans(table);
        let proxy = self.proxy_settings(table);
        let trusted = self.trusted_proxies(table, &proxy);
        let signing = self.signing(table);
        let max_body_bytes = self.max_body_bytes(table).unwrap_or(DEFAULT_MAX_BODY_BYTES);
        let route_tables = table.tables("route");
        let template_tables = table.tables("template");
        table.finish();
        let (templates, bindings) = self.templates(&template_tables, &plans, signing.as_ref());
        let mut routes = Routes::default();
        for route in &route_tables {
            self.route(route, &plans, &templates, &bindings, max_body_bytes, &mut routes);
        }
        if route_tables.is_empty() {
            let remedy = "add a [[route]] with a path and a provider";
            self.faults.add(
                &table.place,
                "there is no route, so no callback would be taken",
                remedy,
            );
        }
        self.warn_of_unused(&template_tables, &templates, &routes);
        self.reserve_addresses(&template_tables, &templates, proxy.upstream.as_ref(), &mut routes);
        for (table, template) in template_tables.iter().zip(&templates) {
            for url in template.iter().flat_map(|template| template.urls()) {
                self.check_loop(&table.place_of("on"), url, &proxy.listen);
            }
        }
        if !proxy.listen.is_empty() && !table.has("upstream") {
            self.check_all_have_addresses(&template_tables, &templates);
            self.check_shadows_pass(&route_tables);
        }
        let templates = templates.into_iter().flatten().collect();
        let circuits = self.breakers.all();
        Some(Config { routes, templates, circuits, trusted, proxy, warnings: Vec::new() })
    }

    fn max_body_bytes(&self, table: &Table<'f>) -> Option<usize> {
        let ceiling = i64::try_from(MAX_BODY_BYTES_CEILING).unwrap_or(i64::MAX);
        table.integer("max_body_bytes", 1..=ceiling).and_then(|n| usize::try_from(n).ok())
    }
}
