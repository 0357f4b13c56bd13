//! The config: its format, its checks and its compilation.
//!
//! The layer and the proxy use the same config format. gatepost reports all faults at once, each
//! with line, key and remedy. A fault never contains the value of a secret.

mod addresses;
mod admin;
mod contents;
mod delivery;
mod error;
mod files;
mod inspector;
mod nats;
mod network;
mod outgoing_tls;
mod plans;
mod proof;
mod proxy;
mod route;
mod sources;
mod store;
mod telemetry;
mod template;
mod tenant;
mod tls;
mod watched_files;

use core::ops::RangeInclusive;
use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

pub use admin::{AdminAddress, AdminToken};
pub use error::ConfigError;
pub use files::ConfigFiles;
pub use inspector::{Capture, InspectorSettings};
pub(crate) use inspector::{KEEP_CEILING, MAX_BYTES_CEILING, MIN_MAX_BYTES};
pub(crate) use nats::MAX_REPLICAS;
pub use nats::{ExposedNatsLogin, NatsSettings};
pub use proxy::ProxySettings;
pub(crate) use proxy::{MAX_CONNECTIONS_CEILING, MAX_UNJUDGED_BYTES_CEILING, MIN_UNJUDGED_BYTES};
pub(crate) use sources::ConfigSources;
pub(crate) use store::{MAX_RETENTION_SECS, MAX_STORE_BYTES, MIN_STORE_BYTES};
pub use store::{StoreLocation, StoreSettings};
pub use telemetry::{AccessLogSettings, LogCallbacks, TelemetrySettings};
pub use tls::{CertificateFiles, TlsSettings, TlsVersion};
pub use watched_files::WatchedFiles;

use self::addresses::{PathOwner, Servers};
use self::delivery::breaker::{self, Breakers};
pub(crate) use self::delivery::queue::{MAX_GIVE_UP_SECS, MAX_RETRY_MS};
use self::watched_files::TextHash;

use crate::breaker::Breaker;
use crate::client::Networks;
use crate::outgoing_tls::OutgoingTls;
use crate::provider::Plan;
use crate::route::Routes;
use crate::secret::Secret;
use crate::template::Template;
use crate::toml_reader::{
    self, Fault, FaultKind, Faults, Item, Located, Place, Table, TomlText, Warnings,
};

/// Default of `max_body_bytes`, the maximum length of a callback's body in bytes.
pub const DEFAULT_MAX_BODY_BYTES: usize = 1024 * 1024;

/// Largest value that `max_body_bytes` accepts.
pub const MAX_BODY_BYTES_CEILING: usize = 16 * 1024 * 1024;

/// Upper limit of the time windows and ages in a config, in seconds.
const DAY_SECS: i64 = 86_400;

/// A checked config.
///
/// # Examples
///
/// ```
/// use gatepost::Config;
///
/// let text = "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";
/// let config = Config::from_text(text, "gatepost.toml")?;
/// assert_eq!(config.routes().collect::<Vec<_>>(), ["/callbacks/tencent"]);
///
/// let misspelled = text.replace("path", "paht");
/// assert!(Config::from_text(&misspelled, "gatepost.toml").is_err());
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Config {
    pub(crate) routes: Routes,
    pub(crate) templates: Vec<Arc<Template>>,
    pub(crate) circuits: Vec<Arc<Breaker>>,
    pub(crate) trusted: Networks,
    pub(crate) proxy: ProxySettings,
    /// Every `[[outgoing_tls]]`, in the order of the file.
    outgoing_tls: Vec<Arc<OutgoingTls>>,
    /// Definitions of `provider_files`, sorted by name.
    pub(crate) own_plans: Vec<Arc<Plan>>,
    /// Keys whose values came from environment variables, with the names of the variables.
    variables: Vec<(String, String)>,
    pub(crate) warnings: Vec<Fault>,
    watched: WatchedFiles,
    fingerprint: Box<str>,
    /// Every secret of the config, as its source contains it.
    pub(crate) secrets: Vec<Secret>,
}

impl Config {
    /// Reads and checks a config file, and the files that it includes.
    ///
    /// Resolves relative paths in a file against the folder of the file.
    ///
    /// # Errors
    ///
    /// Returns an error for an unreadable file, and for an invalid config. For an invalid config,
    /// the error lists all faults.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::from_files(&ConfigFiles::read(path)?)
    }

    /// Checks a text as the content of the file at `path`. For a text that belongs to no file, use
    /// [`str::parse`].
    ///
    /// Resolves relative paths in the text against the folder of `path`. Does not read the file at
    /// `path`. That file need not exist.
    ///
    /// # Errors
    ///
    /// Returns an error with all faults if the config is invalid.
    pub fn from_text(text: &str, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::from_files(&ConfigFiles::with_text(text, path)?)
    }

    /// Checks the texts of a config. Reads the other files and the environment variables that the
    /// texts name.
    ///
    /// # Errors
    ///
    /// Returns an error with all faults if the config is invalid.
    pub fn from_files(files: &ConfigFiles) -> Result<Self, ConfigError> {
        Self::parse(files, &ConfigSources::default())
    }

    pub(crate) fn parse(files: &ConfigFiles, sources: &ConfigSources) -> Result<Self, ConfigError> {
        let config = files.with_texts(|texts| Self::parse_texts(texts, files, sources));
        config.map_err(|faults| {
            let error = ConfigError::faults_in(faults);
            if files.path() == Path::new("") { error } else { error.at(files.path()) }
        })
    }

    fn parse_texts(
        texts: &[TomlText<'_>],
        files: &ConfigFiles,
        sources: &ConfigSources,
    ) -> Result<Self, Vec<Fault>> {
        let (watched, fingerprint) = (files.watched().into(), files.fingerprint().into());
        let lookup = |name: &str| sources.plain_variable(name);
        let secrets = RefCell::default();
        let state = (&watched, &fingerprint, &secrets);
        let (config, warnings) = toml_reader::read_all(
            texts,
            FaultKind::ValueInvalid,
            Some(&lookup),
            |tables, faults| {
                faults.take(files.warnings.iter().cloned());
                let breakers = breaker::read(tables.first()?, faults);
                let servers = Servers::read(tables.first()?, faults);
                let has_store = tables.first()?.has("store");
                let (warnings, (watched, fingerprint, secrets)) = (Warnings(faults), state);
                let paths = RefCell::default();
                ConfigReader {
                    faults,
                    warnings,
                    files,
                    sources,
                    watched,
                    fingerprint,
                    secrets,
                    breakers,
                    servers,
                    has_store,
                    paths,
                }
                .config(tables)
            },
        )?;
        let (watched, fingerprint) = (watched.into_inner(), fingerprint.into_inner().finish());
        Ok(Self { warnings, watched, fingerprint, secrets: secrets.into_inner(), ..config })
    }
}

/// Checks a text. Relative paths in the text start at the working directory.
///
/// ```
/// use gatepost::{Config, Gate};
///
/// let config: Config = "[[route]]\npath = '/hook'\nprovider = 'mux'".parse()?;
/// assert_eq!(config.routes().collect::<Vec<_>>(), ["/hook"]);
/// assert!("[[route]]\npath = 'hook'".parse::<Config>().is_err());
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
impl FromStr for Config {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::from_files(&ConfigFiles::without_path(text)?)
    }
}

/// Reader of one config, with the faults and warnings so far.
struct ConfigReader<'f, 's> {
    faults: &'f Faults<'f>,
    warnings: Warnings<'f>,
    files: &'s ConfigFiles,
    sources: &'s ConfigSources,
    watched: &'s RefCell<WatchedFiles>,
    fingerprint: &'s RefCell<TextHash>,
    secrets: &'s RefCell<Vec<Secret>>,
    breakers: Breakers,
    servers: Servers,
    has_store: bool,
    /// Places of the routes' paths.
    paths: RefCell<HashMap<&'f str, Place>>,
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads the boolean of a key that accepts a boolean or a table.
    ///
    /// `table` is an example of the table's content, for the remedy.
    fn switch(&self, item: &Item<'f>, table: &str) -> Option<bool> {
        let switch = item.boolean();
        if switch.is_none() {
            let remedy = format!("write true, false, or {{ {table} }}");
            let problem = format!("expected a boolean or a table, found {}", item.form.name());
            self.faults.add(&item.place, FaultKind::TypeMismatch.because(problem), remedy);
        }
        switch
    }

    /// Parses one of the words in `words`. `noun` is the noun for such a word in a fault.
    fn word<T: Copy>(&self, word: &Located<&str>, noun: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value);
        if found.is_none() {
            self.faults.add_unknown(word, noun, words.iter().map(|(name, _)| *name));
        }
        found
    }

    /// Reads the root tables: of the config file first, then of the included files.
    fn config(&self, tables: &[Table<'f>]) -> Option<Config> {
        let (table, included) = tables.split_first()?;
        let plans = self.plans(tables);
        let proxy = self.proxy_settings(table);
        let listens = table.has("listen") || table.has("listen_tls");
        self.servers.set_path_owner(PathOwner { upstream: proxy.upstream.clone(), listens });
        let trusted = self.trusted_proxies(table, &proxy);
        let signing = self.signing(table);
        let max_body_bytes = self.max_body_bytes(table).unwrap_or(DEFAULT_MAX_BODY_BYTES);
        let route_tables: Vec<_> = tables.iter().flat_map(|t| t.tables("route")).collect();
        let template_tables: Vec<_> = tables.iter().flat_map(|t| t.tables("template")).collect();
        // `ConfigFiles` has checked this key.
        table.any("include");
        included.iter().for_each(|table| self.check_includes_nothing(table));
        tables.iter().for_each(Table::finish);
        let (templates, bindings) = self.templates(&template_tables, &plans, signing.as_ref());
        let mut routes = Routes::default();
        for route in &route_tables {
            self.route(route, &plans, &templates, &bindings, max_body_bytes, &mut routes);
        }
        if route_tables.is_empty() && !self.faults.are_in("route") {
            let remedy = "add a [[route]] with a path and a provider";
            let problem = "expected at least one route, found none";
            self.faults.add_missing((&table.place, "route"), &table.place, problem, remedy);
        }
        // A fault in one of the tables causes false warnings about the other tables.
        if !self.faults.are_in("route") && !self.faults.are_in("template") {
            self.warn_of_unused(&template_tables, &templates, &routes);
            self.warn_of_routes_without_template(&route_tables, &templates, &routes);
            self.warn_of_kinds_without_tenant(&route_tables, &routes);
        }
        let longest = routes.iter().map(|route| route.max_body_bytes).max();
        self.warn_of_small_budget(table, &proxy, longest.unwrap_or_default());
        let upstream = proxy.upstream.as_deref();
        self.reserve_addresses(&template_tables, &templates, upstream, &mut routes);
        routes.reserve_routes(|route| {
            let of_route = |template: &Template| template.plan.name == route.plan.name;
            let keeps_path = |t: &Template| route.is_passthrough() || t.has_delivery_without_url();
            templates.iter().flatten().any(|t| of_route(t) && keeps_path(t))
        });
        self.warn_of_other_hosts(&template_tables, &templates, upstream, &routes);
        if !proxy.addresses().is_empty() && !table.has("upstream") {
            self.check_all_have_addresses(&template_tables, &templates);
            self.check_shadows_pass(&route_tables);
        }
        let templates = templates.into_iter().flatten().collect();
        let circuits = self.breakers.all();
        let variables = table.used_variables();
        let (warnings, watched, fingerprint, secrets) = Default::default();
        Some(Config {
            routes,
            templates,
            circuits,
            trusted,
            outgoing_tls: self.checked_tls(proxy.store.as_ref()),
            proxy,
            own_plans: plans.into_own(),
            variables,
            warnings,
            watched,
            fingerprint,
            secrets,
        })
    }

    /// Reports `include` in an included file.
    fn check_includes_nothing(&self, table: &Table<'f>) {
        if table.any("include").is_some() {
            let problem = "expected no `include` in an included file, found one";
            let remedy = "list all files in `include` of the config file";
            self.faults.add(&table.place_of("include"), problem, remedy);
        }
    }

    fn max_body_bytes(&self, table: &Table<'f>) -> Option<usize> {
        let ceiling = i64::try_from(MAX_BODY_BYTES_CEILING).unwrap_or(i64::MAX);
        table.integer("max_body_bytes", 1..=ceiling).and_then(|n| usize::try_from(n).ok())
    }
}

/// Reads an integer in `range`, which must not contain zero.
fn positive<'f>(
    table: &Table<'f>,
    key: &'f str,
    range: RangeInclusive<i64>,
) -> Option<NonZeroUsize> {
    let number = table.integer(key, range)?;
    usize::try_from(number).ok().and_then(NonZeroUsize::new)
}
