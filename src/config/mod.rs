//! The config file: as written, checked whole, and compiled.
//!
//! Both doors read the same file. A check finds every fault at once, each with its line, key and
//! remedy; it never prints, never panics, and never echoes a value.

mod address;
mod admin;
mod breaker;
mod delivery;
mod error;
mod failure;
mod proof;
mod resend;
mod route;
mod seal;
mod secret;
mod signing;
mod source;
mod sources;
mod template;

use core::net::SocketAddr;
use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

pub use admin::AdminToken;
pub use error::ConfigError;
pub(crate) use sources::{Sources, read_config};

use self::breaker::Breakers;

use crate::breaker::Breaker;
use crate::document::{self, Fault, Faults, Item, Located, Table, allowed};
use crate::provider::{Plan, built_in_named, built_in_names, definition};
use crate::route::Routes;
use crate::source::Networks;
use crate::template::Template;

/// A callback's body is at most this long unless the config says otherwise.
pub const DEFAULT_MAX_BODY_BYTES: usize = 1024 * 1024;

/// The most that `max_body_bytes` may say.
pub const MAX_BODY_BYTES_CEILING: usize = 16 * 1024 * 1024;

/// How long requests in flight have when the proxy stops, unless the config says otherwise.
const DEFAULT_STOP_TIMEOUT_SECS: i64 = 30;

/// Windows are at most this long.
const DAY_SECS: i64 = 86_400;

/// A checked config.
#[derive(Debug)]
pub struct Config {
    routes: Routes,
    templates: Vec<Arc<Template>>,
    circuits: Vec<Arc<Breaker>>,
    trusted: Networks,
    proxy: ProxySettings,
    warnings: Vec<Fault>,
}

/// What a gate is made from.
pub(crate) struct Parts {
    pub(crate) routes: Routes,
    pub(crate) circuits: Vec<Arc<Breaker>>,
    pub(crate) trusted: Networks,
    pub(crate) proxy: ProxySettings,
    pub(crate) warnings: Vec<Fault>,
}

/// What only the proxy asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxySettings {
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Where every path goes that is no callback's.
    pub upstream: Option<Uri>,
    /// Where health and metrics are served.
    pub admin: Option<SocketAddr>,
    /// Who may change templates there; without it nobody may.
    pub admin_token: Option<AdminToken>,
    /// Worker threads; one per core if not set.
    pub threads: Option<NonZeroUsize>,
    /// How long requests in flight have when the proxy stops.
    pub stop_timeout: Duration,
    /// Whether each connection to `listen` starts with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Where it hands its listeners over to a successor; without it they cannot be.
    pub upgrade_socket: Option<PathBuf>,
}

impl Config {
    /// Reads and checks a config file. Files that it names are relative to it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or with everything that is wrong in it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::from_file_with(path.as_ref(), Sources::default())
    }

    pub(crate) fn from_file_with(path: &Path, mut sources: Sources) -> Result<Self, ConfigError> {
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
        let mut sources = Sources::default();
        sources.set_base(base_of(path));
        Self::parse(text, &sources).map_err(|e| e.at(path))
    }

    pub(crate) fn parse(text: &str, sources: &Sources) -> Result<Self, ConfigError> {
        let warnings = Faults::new(text);
        let config = document::read(text, |table, faults| {
            let breakers = breaker::read(table, faults);
            Reader { faults, warnings: &warnings, sources, breakers }.config(table)
        });
        match config {
            Ok(config) => Ok(Self { warnings: warnings.into_sorted(), ..config }),
            Err(faults) => Err(ConfigError::faults_in(faults)),
        }
    }

    pub(crate) fn into_parts(self) -> Parts {
        let Self { routes, circuits, trusted, proxy, warnings, .. } = self;
        Parts { routes, circuits, trusted, proxy, warnings }
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
struct Reader<'f, 's> {
    faults: &'f Faults<'f>,
    warnings: &'s Faults<'s>,
    sources: &'s Sources,
    breakers: Breakers,
}

/// The definitions, compiled when they are first named.
struct Plans {
    /// Whether some of the user's own could not be read.
    incomplete: bool,
    own: HashMap<Arc<str>, Arc<Plan>>,
    built_in: RefCell<HashMap<Arc<str>, Arc<Plan>>>,
}

impl Plans {
    fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.own.keys().map(|name| &**name);
        own.chain(built_in_names().map(|name: &str| name))
    }

    fn get(&self, name: &str) -> Option<Arc<Plan>> {
        if let Some(plan) = self.own.get(name) {
            return Some(Arc::clone(plan));
        }
        let known = self.built_in.borrow().get(name).cloned();
        known.or_else(|| {
            let plan = Arc::new(built_in_named(name)?);
            self.built_in.borrow_mut().insert(Arc::clone(&plan.name), Arc::clone(&plan));
            Some(plan)
        })
    }
}

impl<'f> Reader<'f, '_> {
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

    fn proxy_settings(&self, table: &Table<'f>) -> ProxySettings {
        let listen = table.strings("listen");
        let listen: Vec<_> = listen.iter().filter_map(|text| self.located_address(text)).collect();
        let upstream = table.string("upstream").and_then(|text| self.origin(&text));
        let admin = table.string("admin").and_then(|text| self.located_address(&text));
        self.check_addresses(listen.iter().chain(&admin));
        let admin = admin.map(|address| address.value);
        let admin_token = self.admin_token(table, admin);
        let listen: Vec<_> = listen.into_iter().map(|address| address.value).collect();
        let threads = table.integer("threads", 1..=1024);
        let threads = threads.and_then(|n| usize::try_from(n).ok()).and_then(NonZeroUsize::new);
        let stop = table.integer("stop_timeout_secs", 0..=3600);
        let stop = stop.unwrap_or(DEFAULT_STOP_TIMEOUT_SECS).unsigned_abs();
        if let Some(upstream) = &upstream {
            self.check_loop(&table.place_of("upstream"), upstream, &listen);
        }
        let stop_timeout = Duration::from_secs(stop);
        let proxy_protocol = table.boolean("proxy_protocol").unwrap_or_default();
        let upgrade_socket = table.string("upgrade_socket");
        let upgrade_socket = upgrade_socket.map(|path| self.sources.path(Path::new(path.value)));
        ProxySettings {
            listen,
            upstream,
            admin,
            admin_token,
            threads,
            stop_timeout,
            proxy_protocol,
            upgrade_socket,
        }
    }

    fn max_body_bytes(&self, table: &Table<'f>) -> Option<usize> {
        let ceiling = i64::try_from(MAX_BODY_BYTES_CEILING).unwrap_or(i64::MAX);
        table.integer("max_body_bytes", 1..=ceiling).and_then(|n| usize::try_from(n).ok())
    }

    /// The definitions by name: the built-in ones, and those of the user's own files.
    fn plans(&self, table: &Table<'f>) -> Plans {
        let mut incomplete = false;
        let mut own: HashMap<Arc<str>, Arc<Plan>> = HashMap::new();
        let taken = |own: &HashMap<_, _>, plan: &Plan| {
            own.contains_key(&plan.name) || built_in_names().any(|name| *name == *plan.name)
        };
        for name in table.strings("provider_files") {
            let text = self.sources.text(Path::new(name.value));
            let plan = match text {
                Ok(text) => definition::parse(&text),
                Err(error) => {
                    let problem = format!("the file cannot be read: {error}");
                    self.faults.add(&name.place, problem, "a name is relative to the config file");
                    incomplete = true;
                    continue;
                }
            };
            match plan {
                Ok(plan) if taken(&own, &plan) => {
                    let problem = format!("there is a provider named {} already", plan.name);
                    self.faults.add(&name.place, problem, "give it another name");
                }
                Ok(plan) => drop(own.insert(Arc::clone(&plan.name), Arc::new(plan))),
                Err(faults) => {
                    incomplete = true;
                    let file = self.sources.path(Path::new(name.value)).display().to_string();
                    self.faults.take(faults.into_iter().map(|fault| fault.in_file(&file)));
                }
            }
        }
        Plans { incomplete, own, built_in: RefCell::default() }
    }

    /// The plan that a table's `provider` names.
    fn plan(&self, table: &Table<'f>, plans: &Plans) -> Option<Arc<Plan>> {
        let provider =
            table.require_string("provider", "name the platform, as in \"tencent-css\"")?;
        let plan = plans.get(provider.value);
        // It may be one whose file has a fault, which is said already.
        if plan.is_none() && !plans.incomplete {
            let remedy = allowed("provider", provider.value, plans.names());
            self.faults.add(&provider.place, "this provider is unknown", remedy);
        }
        plan
    }
}
