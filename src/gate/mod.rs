//! The gate, which judges requests by a compiled config.

mod active_config;
mod admission;
mod builder;
mod config_data;
mod headers;
mod redaction;

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};
use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use http::Uri;

pub use admission::Admission;
pub use builder::GateBuilder;

use self::active_config::ActiveConfig;

use crate::config::{Config, ConfigError};
use crate::head::Head;
use crate::intake::Intake;
use crate::memory::Memory;
use crate::printable::print_only;
use crate::route::{Lookup, RouteIndex, SharedPathFilter, Target, may_contain_path};
use crate::template::Reach;
use crate::time::Timestamp;
use crate::verdict::Refusal;

/// A compiled config that judges requests. Clones are cheap and share the config.
///
/// # Examples
///
/// The gate accepts a genuine `push` callback from Tencent CSS, and refuses a copy whose signature
/// differs in one digit:
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
///     let head = Head::new(&Method::POST, &uri, &headers);
///     let Admission::Callback(mut intake) = gate.admit(&head, now) else {
///         panic!("expected a callback, found another admission")
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

/// State that all clones of a gate share.
#[derive(Debug)]
struct GateState {
    /// Filter that rules out most paths without a route. gatepost checks this filter before
    /// `current`.
    path_filter: SharedPathFilter,
    /// True if gatepost signs the events of at least one template of the current config.
    signs_events: AtomicBool,
    /// True if any config that this gate has had contains a route with the key `query`. gatepost
    /// never clears this flag.
    reads_queries: AtomicBool,
    current: ArcSwap<ActiveConfig>,
    memory: Arc<Memory>,
}

impl Gate {
    /// Reads and compiles a config file. gatepost resolves relative paths in the file against the
    /// file's folder. If the crate has the feature `tracing`, logs each warning.
    ///
    /// # Errors
    ///
    /// Returns an error for an unreadable file, and for an invalid config. For an invalid config,
    /// the error lists all faults.
    pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Config::from_file(path).map(Self::with_logged_warnings)
    }

    /// Compiles a checked config, and logs the config's warnings. A program that shows the warnings
    /// itself calls [`Gate::new`].
    fn with_logged_warnings(config: Config) -> Self {
        #[cfg(feature = "tracing")]
        for warning in config.warnings() {
            tracing::warn!(code = warning.kind().as_str(), "config: {warning}");
        }
        Self::new(config)
    }

    /// Returns a builder. The builder accepts the config as a file or as a string, and secrets as
    /// arguments.
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// Compiles a checked config.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let signs_events = AtomicBool::new(config.signs_events());
        let (active, path_filter) = (ActiveConfig::new(config, None), SharedPathFilter::default());
        active.routes.add_to(&path_filter);
        let reads_queries = AtomicBool::new(active.routes.has_front_controllers());
        let current = ArcSwap::from_pointee(active);
        let memory = Arc::default();
        Self(Arc::new(GateState { path_filter, signs_events, reads_queries, current, memory }))
    }

    /// Replaces the config of this gate and of all its clones.
    ///
    /// - gatepost finishes callbacks in flight with the previous config.
    /// - A route whose `path` and `query` do not change keeps the state of its `limit`.
    /// - Each client keeps the state of its `source_limit`.
    /// - The gate still recognizes resends of earlier callbacks.
    /// - Every circuit breaker starts closed.
    /// - The listeners and threads of the proxy do not change.
    pub fn replace(&self, config: Config) {
        let earlier = self.0.current.load();
        self.0.signs_events.store(config.signs_events(), Ordering::Relaxed);
        let active = ActiveConfig::new(config, Some(&earlier));
        // Before the new config is visible, the filter must contain the new paths, and the flag
        // must cover the new queries. Otherwise, a callback on a new path can reach the app without
        // a verdict.
        active.routes.add_to(&self.0.path_filter);
        self.0.reads_queries.fetch_or(active.routes.has_front_controllers(), Ordering::Relaxed);
        self.0.current.store(Arc::new(active));
    }

    /// Returns the route in enforce mode that matches `path` and `query` byte for byte. A slash at
    /// the end of `path` makes no difference.
    ///
    /// A server that separates callbacks from other requests calls this method to recognize
    /// callbacks. The server then calls [`Gate::admit_on`], which judges the head without a second
    /// lookup.
    #[must_use]
    pub fn find_route(&self, path: &str, query: Option<&str>) -> Option<FoundRoute> {
        let config = self.0.current.load();
        let (route, token) = config.routes.find_exact(path, query)?;
        let token = token.map(|token| {
            // `token` is a slice of `path`, so the difference of the two addresses is the offset.
            let start = token.as_ptr().addr() - path.as_ptr().addr();
            start..start + token.len()
        });
        Some(FoundRoute { route, token, config })
    }

    /// Judges the head of a request, like [`Gate::admit`], on the route that [`Gate::find_route`]
    /// returned for the path of the request.
    ///
    /// Refuses a CORS preflight. Use [`Gate::admit`] for a request with the method `OPTIONS`.
    ///
    /// # Errors
    ///
    /// Returns the refusal if gatepost refuses the head. The server then need not read the body.
    pub fn admit_on(
        &self,
        found: FoundRoute,
        head: &Head<'_>,
        now: Timestamp,
    ) -> Result<Intake, Refusal> {
        let FoundRoute { route, token, config } = found;
        let token = token.and_then(|token| head.path().get(token));
        config.admit_callback(route, token, head, &self.0.memory, false, now)
    }

    /// Judges the head of a request that arrived at the time `now`.
    #[must_use]
    pub fn admit(&self, head: &Head<'_>, now: Timestamp) -> Admission {
        self.admit_lazily(head.uri(), Reach::Exact, || (*head, now))
    }

    /// Judges the head of a request, like [`Gate::admit`], for a server that passes requests
    /// without a route to another server.
    ///
    /// The other server may map further paths to a callback path or to an app address: index files
    /// (`/live/push/index.php` for `/live/push`), script suffixes (`/live/push.php`) and path info
    /// (`/live/push/x`). That server may also take the path from the query (`/?s=/live/push`).
    /// Without `reserve = "exact"` in the config, gatepost refuses these requests too.
    #[must_use]
    pub fn admit_in_proxy(&self, head: &Head<'_>, now: Timestamp) -> Admission {
        let admission = self.admit_lazily(head.uri(), Reach::Subtree, || (*head, now));
        let may_be_in_query = || {
            head.uri().query().is_some_and(may_contain_path)
                // Relaxed: either config may judge a request that arrives during a reload.
                || self.0.reads_queries.load(Ordering::Relaxed)
        };
        if matches!(admission, Admission::Other) && may_be_in_query() {
            return self.admit_query(head, now);
        }
        admission
    }

    #[inline(never)]
    fn admit_query(&self, head: &Head<'_>, now: Timestamp) -> Admission {
        let active = self.0.current.load();
        let target = Target::of(head.uri());
        let lookup = active.routes.find_in_query(&target);
        active.admit(lookup, head, &self.0.memory, false, now)
    }

    /// Judges the head of a request, like [`Gate::admit`], but takes the head and the time from
    /// `arrival`.
    ///
    /// Calls `arrival` only if some server may read the path of `uri` as the path of a route or of
    /// an app address. For all other paths, gatepost does not read the clock.
    #[inline]
    pub(crate) fn admit_lazily<'h>(
        &self,
        uri: &Uri,
        reach: Reach,
        arrival: impl FnOnce() -> (Head<'h>, Timestamp),
    ) -> Admission {
        if self.0.path_filter.rules_out(uri.path()) {
            return Admission::Other;
        }
        self.look_up(uri, reach, arrival)
    }

    // Not inlined, so that `admit_lazily` remains small. Most requests need only that method.
    #[inline(never)]
    fn look_up<'h>(
        &self,
        uri: &Uri,
        reach: Reach,
        arrival: impl FnOnce() -> (Head<'h>, Timestamp),
    ) -> Admission {
        let active = self.0.current.load();
        let target = Target::of(uri);
        let lookup = active.routes.find(&target, reach);
        if matches!(lookup, Lookup::Other) {
            return Admission::Other;
        }
        let (head, now) = arrival();
        active.admit(lookup, &head, &self.0.memory, false, now)
    }

    /// Judges the head of a saved request for `gatepost explain`. The client address may be
    /// unknown.
    pub(crate) fn admit_recorded(&self, head: &Head<'_>, now: Timestamp) -> Admission {
        let active = self.0.current.load();
        let target = Target::of(head.uri());
        let mut lookup = active.routes.find(&target, Reach::Subtree);
        if matches!(lookup, Lookup::Other) {
            lookup = active.routes.find_in_query(&target);
        }
        active.admit(lookup, head, &self.0.memory, true, now)
    }
}

/// A route that [`Gate::find_route`] returned, with the config that contains the route.
pub struct FoundRoute {
    route: RouteIndex,
    /// Byte range of the secret segment in the path; `None` if the route has no secret segment.
    token: Option<Range<usize>>,
    config: Guard<Arc<ActiveConfig>>,
}

print_only! { FoundRoute:; }

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    fn config(path: &str) -> Config {
        let text = format!("[[route]]\npath = '{path}'\nprovider = 'tencent-css'\n");
        text.parse::<Config>().unwrap()
    }

    fn is_callback_path(gate: &Gate, path: &'static str) -> bool {
        let (uri, headers) = (http::Uri::from_static(path), HeaderMap::new());
        let head = Head::new(&Method::POST, &uri, &headers);
        !matches!(gate.admit(&head, Timestamp::from_secs(0)), Admission::Other)
    }

    #[test]
    fn replaced_config_changes_callback_paths() {
        let gate = Gate::new(config("/callbacks/one"));
        assert!(is_callback_path(&gate, "/callbacks/one"));
        assert!(!is_callback_path(&gate, "/hooks/another"));
        gate.replace(config("/hooks/another"));
        assert!(is_callback_path(&gate, "/hooks/another"));
        assert!(!is_callback_path(&gate, "/callbacks/one"));
    }
}
