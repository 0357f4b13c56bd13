//! The config file: as written, checked whole, and compiled.
//!
//! Both doors read the same file. A check finds every fault at once, each with its line, key and
//! remedy; it never prints, never panics, and never echoes a value.

mod delivery;
mod error;
mod sources;
mod template;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

pub use error::ConfigError;
pub(crate) use sources::{Sources, read_config};

use crate::document::{self, Fault, Faults, Form, Item, Located, Table, allowed};
use crate::provider::{Plan, built_in};
use crate::route::{Route, Routes, TOKEN_SEGMENT, is_canonical};
use crate::secret::Secret;
use crate::template::Template;
use template::BoundTenants;

/// A callback's body is at most this long unless the config says otherwise.
pub const DEFAULT_MAX_BODY_BYTES: usize = 1024 * 1024;

/// The most that `max_body_bytes` may say.
pub const MAX_BODY_BYTES_CEILING: usize = 16 * 1024 * 1024;

/// How long requests in flight have when the proxy stops, unless the config says otherwise.
const DEFAULT_STOP_TIMEOUT_SECS: i64 = 30;

/// A checked config.
#[derive(Debug)]
pub struct Config {
    routes: Routes,
    templates: Vec<Arc<Template>>,
    proxy: ProxySettings,
    warnings: Vec<Fault>,
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
    /// Worker threads; one per core if not set.
    pub threads: Option<NonZeroUsize>,
    /// How long requests in flight have when the proxy stops.
    pub stop_timeout: Duration,
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
        sources.set_base(path.parent().unwrap_or_else(|| Path::new("")));
        let text = read_config(path).map_err(|e| ConfigError::unreadable(e).at(path))?;
        Self::parse(&text, &sources).map_err(|e| e.at(path))
    }

    pub(crate) fn parse(text: &str, sources: &Sources) -> Result<Self, ConfigError> {
        let warnings = Faults::new(text);
        let config = document::read(text, |table, faults| {
            Reader { faults, warnings: &warnings, sources }.config(table)
        });
        match config {
            Ok(config) => Ok(Self { warnings: warnings.into_sorted(), ..config }),
            Err(faults) => Err(ConfigError::faults_in(faults)),
        }
    }

    pub(crate) fn into_parts(self) -> (Routes, ProxySettings, Vec<Fault>) {
        (self.routes, self.proxy, self.warnings)
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

/// Reads one file, writing down what is wrong.
struct Reader<'f, 's> {
    faults: &'f Faults<'f>,
    warnings: &'s Faults<'s>,
    sources: &'s Sources,
}

type Plans = HashMap<Arc<str>, Arc<Plan>>;

impl<'f> Reader<'f, '_> {
    fn config(&self, table: &Table<'f>) -> Option<Config> {
        let plans = built_in_plans();
        let proxy = self.proxy_settings(table);
        let max_body_bytes = self.max_body_bytes(table).unwrap_or(DEFAULT_MAX_BODY_BYTES);
        let route_tables = table.tables("route");
        let template_tables = table.tables("template");
        table.finish();
        let (templates, bindings) = self.templates(&template_tables, &plans);
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
        if !proxy.listen.is_empty() && !table.has("upstream") {
            self.check_all_have_addresses(&template_tables, &templates);
        }
        let templates = templates.into_iter().flatten().collect();
        Some(Config { routes, templates, proxy, warnings: Vec::new() })
    }

    fn proxy_settings(&self, table: &Table<'f>) -> ProxySettings {
        let listen = table.strings("listen");
        let mut listen: Vec<_> =
            listen.iter().filter_map(|text| self.located_address(text)).collect();
        let upstream = table.string("upstream").and_then(|text| self.origin(&text));
        let admin = table.string("admin").and_then(|text| self.located_address(&text));
        self.check_addresses(listen.iter().chain(&admin));
        let admin = admin.map(|address| address.value);
        let listen = listen.drain(..).map(|address| address.value).collect();
        let threads = table.integer("threads", 1..=1024);
        let threads = threads.and_then(|n| usize::try_from(n).ok()).and_then(NonZeroUsize::new);
        let stop = table.integer("stop_timeout_secs", 0..=3600);
        let stop = stop.unwrap_or(DEFAULT_STOP_TIMEOUT_SECS).unsigned_abs();
        ProxySettings { listen, upstream, admin, threads, stop_timeout: Duration::from_secs(stop) }
    }

    fn located_address(&self, text: &Located<&str>) -> Option<Located<SocketAddr>> {
        let address = text.value.parse().ok();
        if address.is_none() {
            let remedy = "write an address and a port, as in \"127.0.0.1:8080\" or \"[::]:8080\"";
            self.faults.add(&text.place, "this is no address to listen on", remedy);
        }
        address.map(|value| Located { value, place: text.place.clone() })
    }

    fn check_addresses<'a>(&self, addresses: impl Iterator<Item = &'a Located<SocketAddr>>) {
        let mut taken = HashSet::new();
        for address in addresses {
            if !taken.insert(address.value) {
                let remedy = "give each listener an address of its own";
                self.faults.add(
                    &address.place,
                    "this address is taken by another listener",
                    remedy,
                );
            }
        }
    }

    /// An address of a server alone.
    fn origin(&self, text: &Located<&str>) -> Option<Uri> {
        let url = self.url(text)?;
        if url.path_and_query().is_some_and(|rest| rest != "/") {
            let remedy = "leave out everything behind the port: each request keeps its own path";
            self.faults.add(&text.place, "this address has a path", remedy);
            return None;
        }
        Some(url)
    }

    fn url(&self, text: &Located<&str>) -> Option<Uri> {
        let url: Option<Uri> = text.value.parse().ok();
        let fits = |url: &Uri| {
            matches!(url.scheme_str(), Some("http" | "https"))
                && url.host().is_some_and(|host| !host.is_empty())
                && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && has_good_port(url)
        };
        let url = url.filter(fits);
        if url.is_none() {
            let remedy = "write http:// or https://, a host and a path, without a user name";
            self.faults.add(&text.place, "this is no address", remedy);
        }
        url
    }

    fn max_body_bytes(&self, table: &Table<'f>) -> Option<usize> {
        let ceiling = i64::try_from(MAX_BODY_BYTES_CEILING).unwrap_or(i64::MAX);
        table.integer("max_body_bytes", 1..=ceiling).and_then(|n| usize::try_from(n).ok())
    }

    /// The plan that a table's `provider` names.
    fn plan(&self, table: &Table<'f>, plans: &Plans) -> Option<Arc<Plan>> {
        let provider =
            table.require_string("provider", "name the platform, as in \"tencent-css\"")?;
        let plan = plans.get(provider.value).cloned();
        if plan.is_none() {
            let remedy = allowed("provider", provider.value, plans.keys().map(|name| &**name));
            self.faults.add(&provider.place, "this provider is unknown", remedy);
        }
        plan
    }

    fn route(
        &self,
        table: &Table<'f>,
        plans: &Plans,
        templates: &[Option<Arc<Template>>],
        bindings: &BoundTenants,
        max_body_bytes: usize,
        routes: &mut Routes,
    ) {
        let path = table.require_string("path", "write the path that the platform calls");
        let plan = self.plan(table, plans);
        let token = table.any("token");
        let kind = table.string("kind");
        let template = table.string("template");
        let max_body_bytes = self.max_body_bytes(table).unwrap_or(max_body_bytes);
        table.finish();
        let path = path.filter(|path| self.path_fits(path));
        let token = self.token(table, path.as_ref(), token);
        let (Some(plan), Some(path)) = (plan, path) else { return };
        if plan.signature.is_none() && token.is_none() {
            let problem =
                format!("{} does not sign, and this path has no secret segment", plan.title);
            let remedy = "end the path with /{token} and set token, or let nobody else reach it";
            self.warnings.add(&table.place, problem, remedy);
        }
        let route = Route {
            pattern: path.value.into(),
            kind: kind.and_then(|kind| self.kind(&kind, &plan)),
            template: template.and_then(|name| self.pinned(&name, &plan, templates)),
            bindings: bindings.get(&plan.name).cloned().unwrap_or_default(),
            plan,
            token,
            max_body_bytes,
        };
        if let Err(taken) = routes.add(route) {
            let remedy = format!("give it another path than {taken}");
            self.faults.add(&path.place, "another route has this path", remedy);
        }
    }

    fn path_fits(&self, path: &Located<&str>) -> bool {
        let fits = is_canonical(path.value);
        if !fits {
            let remedy = "start it with /, and leave out %, ;, //, dots between slashes and a slash \
                          at the end; {token} may stand for a whole segment";
            self.faults.add(&path.place, "this path has more than one spelling", remedy);
        }
        fits
    }

    /// The secret segment: in the path and in `token`, or in neither.
    fn token(
        &self,
        table: &Table<'f>,
        path: Option<&Located<&str>>,
        token: Option<Item<'f>>,
    ) -> Option<Secret> {
        let in_path = path.map(|path| path.value.split('/').any(|s| s == TOKEN_SEGMENT));
        match (in_path, token) {
            (Some(true), None) => {
                let remedy = "add token = { env = \"…\" }";
                self.faults.add(
                    &table.place_of("path"),
                    "the path has a {token}, but no token is set",
                    remedy,
                );
                None
            }
            (Some(false), Some(_)) => {
                let remedy = "put {token} into the path where the secret segment stands";
                self.faults.add(
                    &table.place_of("token"),
                    "a token is set, but the path has no {token}",
                    remedy,
                );
                None
            }
            (_, Some(token)) => {
                let secret = self.secret(&token);
                let fits = |secret: &Secret| is_segment(secret.expose());
                if secret.as_ref().is_some_and(|secret| !fits(secret)) {
                    let remedy = "use letters, digits, -, . _ and ~, and more than dots";
                    self.faults.add(&token.place, "this token cannot stand in a path", remedy);
                }
                secret
            }
            (_, None) => None,
        }
    }

    fn kind(&self, kind: &Located<&str>, plan: &Plan) -> Option<usize> {
        let index = plan.kind_named(kind.value);
        if index.is_none() {
            let remedy = allowed("kind", kind.value, plan.kinds.iter().map(|kind| &*kind.name));
            self.faults.add(&kind.place, "this kind is unknown", remedy);
        }
        index
    }

    fn pinned(
        &self,
        name: &Located<&str>,
        plan: &Plan,
        templates: &[Option<Arc<Template>>],
    ) -> Option<Arc<Template>> {
        let own = || templates.iter().flatten().filter(|t| t.plan.name == plan.name);
        let template = own().find(|template| *template.name == *name.value);
        if template.is_none() {
            let remedy = allowed("template", name.value, own().map(|template| &*template.name));
            self.faults.add(&name.place, "this provider has no template of that name", remedy);
        }
        template.cloned()
    }

    /// `{ env = "NAME" }`, `{ file = "name" }`, or the secret itself, which is warned of.
    fn secret(&self, item: &Item<'f>) -> Option<Secret> {
        let (bytes, place) = match &item.form {
            Form::String(literal) => {
                let remedy = "keep it out of the file: { env = \"NAME\" } or { file = \"name\" }";
                self.warnings.add(&item.place, "this secret is written in the config", remedy);
                (literal.as_bytes().to_vec(), &item.place)
            }
            Form::Table(table) => (self.secret_from(table)?, &table.place),
            Form::Other(_) => {
                let problem = format!("this is {}", item.form.name());
                let remedy = "write { env = \"NAME\" } or { file = \"name\" }";
                self.faults.add(&item.place, problem, remedy);
                return None;
            }
        };
        if bytes.is_empty() {
            self.faults.add(place, "this secret is empty", "set it");
            return None;
        }
        Some(Secret::new(bytes))
    }

    fn secret_from(&self, table: &Table<'f>) -> Option<Vec<u8>> {
        let (env, file) = (table.string("env"), table.string("file"));
        table.finish();
        match (env, file) {
            (Some(env), None) => {
                let value = self.sources.variable(env.value);
                if value.is_none() {
                    self.faults.add(&env.place, not_set(env.value), "set it before the start");
                }
                Some(value?.as_bytes().trim_ascii_end().to_vec())
            }
            (None, Some(file)) => match self.sources.file(Path::new(file.value)) {
                Ok(bytes) => Some(bytes.trim_ascii_end().to_vec()),
                Err(error) => {
                    let problem = format!("the file cannot be read: {}", error.kind());
                    self.faults.add(&file.place, problem, "a name is relative to the config file");
                    None
                }
            },
            (None, None) | (Some(_), Some(_)) => {
                let remedy = "write either { env = \"NAME\" } or { file = \"name\" }";
                self.faults.add(&table.place, "this does not say where the secret is", remedy);
                None
            }
        }
    }
}

/// Whether the text is a path segment that nobody encodes or resolves.
fn is_segment(text: &[u8]) -> bool {
    let unreserved = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
    text.iter().all(unreserved) && text.iter().any(|b| *b != b'.')
}

/// Whether the port, if one is written, is one: `http` keeps any digits and then has none.
fn has_good_port(url: &Uri) -> bool {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let written = authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    !written || url.port_u16().is_some_and(|port| port > 0)
}

/// Names the variable, unless it looks like somebody wrote the secret itself.
fn not_set(name: &str) -> String {
    let usual = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if name.bytes().all(usual) {
        format!("the environment variable `{name}` is not set")
    } else {
        "this environment variable is not set".to_owned()
    }
}

/// The built-in definitions by name.
fn built_in_plans() -> Plans {
    built_in().map(|plan| (Arc::clone(&plan.name), Arc::new(plan))).collect()
}
