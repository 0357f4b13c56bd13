//! The gate: a compiled config, and the only door in.

use core::net::IpAddr;
use core::ops::Range;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use bytes::BytesMut;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::breaker::{Breaker, Circuit};
use crate::client::{Arrival, Client, LONGEST_V4, Networks};
use crate::config::{Config, ConfigError, ConfigSources, ProxySettings};
use crate::head::{Head, RequestContext, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::intake::{Intake, check_head};
use crate::limit::ClientBudgets;
use crate::memory::Memory;
use crate::route::{Found, Lookup, Mode, Route, Routes, SharedPathFilter};
use crate::shadow::Shadow;
use crate::time::Timestamp;
use crate::toml_reader::Fault;
use crate::verdict::{Refusal, RefusalCause, RefusalKind};

/// Judges callbacks. Cheap to clone; all clones share one config.
///
/// # Examples
///
/// A genuine push of Tencent CSS is accepted; with one other digit of `sign` it is not.
///
/// ```
/// use gatepost::{Admission, Gate, Head, RefusalKind, Timestamp};
/// use http::{HeaderMap, Method, Uri};
///
/// let gate = Gate::builder()
///     .toml(
///         r#"
///         [[route]]
///         path     = "/callbacks/tencent"
///         provider = "tencent-css"
///
///         [[template]]
///         name     = "prod-live"
///         provider = "tencent-css"
///         keys     = [{ env = "TENCENT_KEY" }]
///         bind     = ["test.domain.com"]
///         "#,
///     )
///     .variable("TENCENT_KEY", "test")
///     .build()?;
///
/// let now = Timestamp::from_secs(1_545_030_873);
/// let judge = |sign: &str| {
///     let uri = Uri::from_static("/callbacks/tencent");
///     let headers = HeaderMap::new();
///     let Admission::Callback(mut intake) = gate.admit(&Head::new(&Method::POST, &uri, &headers), now)
///     else {
///         panic!("this is a callback path")
///     };
///     let body = format!(
///         r#"{{"app":"test.domain.com","appname":"live","stream_id":"s","channel_id":"s",
///             "event_type":1,"event_time":1545030273,"sequence":"1","node":"10.0.0.1",
///             "user_ip":"10.0.0.2","stream_param":"","sign":"{sign}","t":1545030873}}"#
///     );
///     intake.push(body.into())?;
///     intake.finish(now)
/// };
///
/// let accepted = judge("ca3e25e5dc17a6f9909a9ae7281e300d").unwrap();
/// assert_eq!(accepted.event().ce_type(), "com.tencentcloud.css.push");
///
/// let refusal = judge("ca3e25e5dc17a6f9909a9ae7281e300e").unwrap_err();
/// assert_eq!(refusal.kind(), RefusalKind::SignatureMismatch);
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gate(Arc<GateState>);

/// What all clones have in common.
#[derive(Debug)]
struct GateState {
    path_filter: SharedPathFilter,
    current: ArcSwap<ActiveConfig>,
    memory: Arc<Memory>,
}

/// A config at work.
#[derive(Debug)]
struct ActiveConfig {
    routes: Arc<Routes>,
    circuits: Vec<Arc<Breaker>>,
    trusted: Networks,
    /// What client_budgets have left of their limits; `None` until a route has one.
    client_budgets: Option<Arc<ClientBudgets>>,
    proxy: ProxySettings,
    warnings: Vec<Fault>,
}

impl ActiveConfig {
    fn new(config: Config, earlier: Option<&Self>) -> Self {
        let Config { mut routes, circuits, trusted, proxy, warnings, .. } = config;
        if let Some(earlier) = earlier {
            routes.follow(&earlier.routes);
        }
        let limits_senders = routes.iter().any(|route| route.source_limit.is_some());
        let client_budgets = earlier.and_then(|earlier| earlier.client_budgets.clone());
        let client_budgets = client_budgets.or_else(|| limits_senders.then(Arc::default));
        Self { routes: Arc::new(routes), circuits, trusted, client_budgets, proxy, warnings }
    }

    /// Judges a request by its head alone.
    fn admit(
        &self,
        lookup: Lookup<'_, '_>,
        head: &Head<'_>,
        memory: &Arc<Memory>,
        recorded: bool,
        now: Timestamp,
    ) -> Admission {
        let refused = |fault: RefusalKind, pattern, plan| {
            let client = Client::of(head, &self.trusted);
            Refusal::new(fault.into(), pattern, plan).sent_by(&client)
        };
        let (found, admitted) = match lookup {
            Lookup::Other => return Admission::Other,
            Lookup::Callback(found, token) => {
                (found, self.admit_callback(found, token, head, memory, recorded, now))
            }
            Lookup::Reserved(address) => {
                let refusal = refused(RefusalKind::AddressReserved, &address.path, &address.plan);
                return Admission::Refused(refusal);
            }
            Lookup::Ambiguous(found) => {
                let route = self.routes.at(found);
                (found, Err(refused(RefusalKind::PathAmbiguous, &route.pattern, &route.plan)))
            }
        };
        Admission::on(self.routes.at(found), admitted)
    }

    /// Judges the head of a callback. A recorded request may not say which client sent it; then no
    /// rule about clients applies.
    fn admit_callback(
        &self,
        found: Found,
        token: Option<&str>,
        head: &Head<'_>,
        memory: &Arc<Memory>,
        recorded: bool,
        now: Timestamp,
    ) -> Result<Intake, Refusal> {
        let route = self.routes.at(found);
        let client = Client::of(head, &self.trusted);
        let source = if recorded && client.address.is_none() {
            Ok(())
        } else {
            route.check_source(&client, self.client_budgets.as_deref(), now)
        };
        let checked =
            source.map_err(RefusalCause::from).and_then(|()| check_head(head, route, token));
        match checked {
            Ok(checked) => {
                let arrival = Arrival { at: now, client };
                let (memory, routes) = (Arc::clone(memory), Arc::clone(&self.routes));
                Ok(Intake::new(memory, routes, found, checked, head, arrival))
            }
            Err(cause) => Err(Refusal::new(cause, &route.pattern, &route.plan).sent_by(&client)),
        }
    }
}

impl Gate {
    /// Reads a config file. Files that it names are relative to it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or with everything that is wrong in it.
    pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Config::from_file(path).map(Self::new)
    }

    /// Starts from a text or a file, with secrets from elsewhere than the environment.
    #[must_use]
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// From a checked config.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let (inner, path_filter) = (ActiveConfig::new(config, None), SharedPathFilter::default());
        inner.routes.add_to(&path_filter);
        let current = ArcSwap::from_pointee(inner);
        Self(Arc::new(GateState { path_filter, current, memory: Arc::default() }))
    }

    /// Judges by another config from now on, in this and all its clones. Callbacks in flight end as
    /// they began, limits go on where they stood, and what was remembered of callbacks stays; the
    /// proxy's listeners and threads stay as they are, and circuits begin closed.
    pub fn replace(&self, config: Config) {
        let earlier = self.0.current.load();
        let inner = ActiveConfig::new(config, Some(&earlier));
        // Before anybody judges by it.
        inner.routes.add_to(&self.0.path_filter);
        self.0.current.store(Arc::new(inner));
    }

    /// The apps' circuit breakers, by address.
    #[must_use]
    pub fn circuits(&self) -> Vec<Circuit> {
        self.0.current.load().circuits.iter().map(|breaker| breaker.circuit()).collect()
    }

    /// The proxy's settings.
    #[must_use]
    pub fn proxy_settings(&self) -> ProxySettings {
        self.0.current.load().proxy.clone()
    }

    /// What the config says that is allowed but not advised.
    #[must_use]
    pub fn warnings(&self) -> Vec<Fault> {
        self.0.current.load().warnings.clone()
    }

    pub(crate) fn with_routes<T>(&self, look: impl FnOnce(&Routes) -> T) -> T {
        look(&self.0.current.load().routes)
    }

    /// Finds the enforcing route whose path this is, letter by letter, for a door that reads
    /// callbacks faster than other requests: [`Gate::admit_on`] saves the second look-up.
    #[must_use]
    pub fn find_route(&self, path: &str) -> Option<FoundRoute> {
        let config = self.0.current.load();
        let (found, token) = config.routes.find_exact(path)?;
        let token = token.map(|token| {
            let start = token.as_ptr().addr() - path.as_ptr().addr();
            start..start + token.len()
        });
        Some(FoundRoute { found, token, config })
    }

    /// Judges the head of a request for the path that [`Gate::find_route`] found, as
    /// [`Gate::admit`] does.
    ///
    /// # Errors
    ///
    /// Returns the refusal; the body need not be read.
    pub fn admit_on(
        &self,
        route: &FoundRoute,
        head: &Head<'_>,
        now: Timestamp,
    ) -> Result<Intake, Refusal> {
        let token = route.token.clone().and_then(|token| head.path().get(token));
        route.config.admit_callback(route.found, token, head, &self.0.memory, false, now)
    }

    /// The first word on a request, from its head alone, which arrived at the moment `now`.
    #[must_use]
    pub fn admit(&self, head: &Head<'_>, now: Timestamp) -> Admission {
        self.admit_lazily(head.path(), || (*head, now))
    }

    /// As [`Gate::admit`]; the head and the time are asked for only if the path is somebody's.
    #[inline]
    pub(crate) fn admit_lazily<'h>(
        &self,
        path: &str,
        arrival: impl FnOnce() -> (Head<'h>, Timestamp),
    ) -> Admission {
        if self.0.path_filter.is_beyond(path) {
            return Admission::Other;
        }
        self.look_up(path, arrival)
    }

    #[inline(never)]
    fn look_up<'h>(
        &self,
        path: &str,
        arrival: impl FnOnce() -> (Head<'h>, Timestamp),
    ) -> Admission {
        let inner = self.0.current.load();
        let lookup = inner.routes.find(path);
        if matches!(lookup, Lookup::Other) {
            return Admission::Other;
        }
        let (head, now) = arrival();
        inner.admit(lookup, &head, &self.0.memory, false, now)
    }

    pub(crate) fn admit_recorded(&self, head: &Head<'_>, now: Timestamp) -> Admission {
        let inner = self.0.current.load();
        inner.admit(inner.routes.find(head.path()), head, &self.0.memory, true, now)
    }

    /// The headers that tell an app where a request came from that is passed on to it:
    /// `x-forwarded-for`, `-host` and `-proto`. Each replaces what the request has under its name;
    /// `None` removes it. What the request says itself is in them only if a trusted proxy sent it.
    pub fn forwarded_headers(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
    ) -> impl Iterator<Item = (HeaderName, Option<HeaderValue>)> + use<> {
        let names = [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];
        let mut text = BytesMut::with_capacity(LONGEST_V4);
        let values = self.client(head).forwarded(head, context, &mut text);
        names.into_iter().zip(values)
    }

    /// Whether a connection from this address may say that it stands for another, as the PROXY
    /// protocol does: any may, unless the config names its trusted proxies.
    #[must_use]
    pub fn may_speak_for_others(&self, peer: IpAddr) -> bool {
        let inner = self.0.current.load();
        inner.trusted.is_empty() || inner.trusted.contain(peer.to_canonical())
    }

    pub(crate) fn client(&self, head: &Head<'_>) -> Client {
        Client::of(head, &self.0.current.load().trusted)
    }
}

/// The gate's first word on a request, from its head alone.
#[derive(Debug)]
pub enum Admission {
    /// A callback: give it the body.
    Callback(Intake),
    /// Nobody's path: pass it on, after [`strip_reserved`](crate::strip_reserved).
    Other,
    /// Refused already; the body need not be read.
    Refused(Refusal),
    /// A request on a route in shadow mode: pass it on like [`Admission::Other`], and have its body
    /// [observed](Shadow::observe).
    Shadow(Shadow),
}

impl Admission {
    /// Applies the mode of the route.
    fn on(route: &Route, admitted: Result<Intake, Refusal>) -> Self {
        match (route.mode, admitted) {
            (Mode::Enforce, Ok(intake)) => Self::Callback(intake),
            (Mode::Enforce, Err(refusal)) => Self::Refused(refusal),
            (Mode::Shadow, admitted) => {
                let (pattern, provider) = (Arc::clone(&route.pattern), &route.plan.name);
                let admitted = admitted.map(Intake::in_shadow);
                Self::Shadow(Shadow::new(admitted, pattern, Arc::clone(provider)))
            }
        }
    }
}

/// A route that [`Gate::find_route`] found, in the config of that moment.
pub struct FoundRoute {
    found: Found,
    /// Position of the secret segment in the path.
    token: Option<Range<usize>>,
    config: Guard<Arc<ActiveConfig>>,
}

impl fmt::Debug for FoundRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundRoute").finish_non_exhaustive()
    }
}

/// Builds a [`Gate`].
#[derive(Default)]
pub struct GateBuilder {
    origin: ConfigInput,
    sources: ConfigSources,
}

/// Neither is printed: a text may hold secrets.
enum ConfigInput {
    File(PathBuf),
    Text(Zeroizing<String>),
}

impl Default for ConfigInput {
    fn default() -> Self {
        Self::Text(Zeroizing::default())
    }
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder").finish_non_exhaustive()
    }
}

impl GateBuilder {
    /// Takes the config from this text. Files that it names are relative to the working directory.
    #[must_use]
    pub fn toml(mut self, text: impl Into<String>) -> Self {
        self.origin = ConfigInput::Text(Zeroizing::new(text.into()));
        self
    }

    /// Takes the config from this file. Files that it names are relative to it.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.origin = ConfigInput::File(path.into());
        self
    }

    /// Gives the value for `{ env = "NAME" }`, before the environment's own.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.sources.give(name, value);
        self
    }

    /// Checks and compiles.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or with everything that is wrong in the config.
    pub fn build(self) -> Result<Gate, ConfigError> {
        match self.origin {
            ConfigInput::File(path) => Config::from_file_with(&path, self.sources),
            ConfigInput::Text(text) => Config::parse(&text, &self.sources),
        }
        .map(Gate::new)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    fn config(path: &str) -> Config {
        let text = format!("[[route]]\npath = '{path}'\nprovider = 'tencent-css'\n");
        Config::parse(&text, &ConfigSources::default()).unwrap()
    }

    fn is_somebodys(gate: &Gate, path: &'static str) -> bool {
        let (uri, headers) = (http::Uri::from_static(path), HeaderMap::new());
        let head = Head::new(&Method::POST, &uri, &headers);
        !matches!(gate.admit(&head, Timestamp::from_secs(0)), Admission::Other)
    }

    #[test]
    fn a_config_that_replaces_another_knows_its_own_paths() {
        let gate = Gate::new(config("/callbacks/one"));
        assert!(is_somebodys(&gate, "/callbacks/one"));
        assert!(!is_somebodys(&gate, "/hooks/another"));
        gate.replace(config("/hooks/another"));
        assert!(is_somebodys(&gate, "/hooks/another"));
        assert!(!is_somebodys(&gate, "/callbacks/one"));
    }
}
