//! Routes: finds the route of a request's path, in any spelling of the path.
//!
//! A path is a callback path if it equals a route's path byte for byte. A *spelling* of a route's
//! path is a different text that some server reads as the same path: `/a//b` is a spelling of
//! `/a/b`. The app may be such a server, and would then process a callback that gatepost has not
//! verified. gatepost therefore refuses every spelling of a callback path.
//!
//! A *reading* is the list of segments that one particular server finds in a path. Servers decode
//! different encodings, in different orders. gatepost therefore normalises everything that any
//! server normalises: percent-encoding at any depth, `%u002f`, overlong UTF-8, `\` for `/`, empty
//! and `.` segments, parameters (`;x`), control characters, trailing dots and blanks, and case.
//! Then gatepost applies the first of these rules that fits the path:
//!
//! 1. If the path contains `..`, servers disagree about the segments that `..` removes. The other
//!    segments keep their order. gatepost refuses such a path if the path contains a route's
//!    segments in order.
//! 2. Otherwise, gatepost compares each of these readings with the routes:
//!    - the whole path;
//!    - the path up to an encoded NUL, `?` or `#`;
//!    - the path without the authority after `//` (`//host/x`);
//!    - the path up to and including a script's name, the rest of the path, and the path without
//!      that name (`/app/index.php/x`);
//!    - the path without a format suffix (`.json`).
//!
//!    Servers may also disagree about a route's secret segment, `{token}` in the config. Some
//!    servers read `a%2fb` as several segments, or `;x` as no segment. gatepost treats both as
//!    spellings of the route's path.
//!
//! gatepost does not read a path of more than 8 KiB about which servers disagree, because this would
//! take long. Such a path counts as a spelling of a route's path.
//!
//! By the same rules, gatepost reserves the addresses to which it delivers events. gatepost refuses
//! a client's request for a reserved address, in any spelling.
//!
//! In front of a file server, gatepost also reserves the [subtree](subtree) of a path, and the path
//! [in a query](query).
//!
//! On a route in [shadow mode](crate::Shadow), gatepost passes on every spelling of the path, with
//! one exception. If some server could read the spelling as an enforcing route's path or as a
//! reserved address, gatepost refuses the request. Enforcing routes and reserved addresses
//! therefore take precedence over shadow routes in every lookup.

mod cors;
mod decode;
mod path_filter;
mod pieces;
mod printable_path;
mod query;
mod search;
mod subtree;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

#[cfg(feature = "tower")]
use http::uri::PathAndQuery;
use matchit::Router;

pub(crate) use self::cors::{CorsOrigins, as_origin, is_preflight};
pub(crate) use self::path_filter::SharedPathFilter;
use self::path_filter::{PathFilter, has_one_reading, is_plain};
use self::pieces::{Pieces, join};
pub(crate) use self::pieces::{around_token, has_dot_segment};
pub(crate) use self::query::may_contain_path;
use self::search::Search;
use self::subtree::{Owner, Subtrees, bases_of};
use crate::client::{Client, Networks};
use crate::event::{EventSource, Forward};
use crate::limit::{ClientBudgets, Rate, RouteLimit};
use crate::printable::printable;
use crate::provider::Plan;
use crate::secret::Secret;
use crate::template::{Bindings, Reach, Template};
use crate::time::Timestamp;
use crate::verdict::{RefusalCause, RefusalKind};

/// Effect of a refusal: gatepost blocks the request, or only reports the refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    #[default]
    Enforce,
    Shadow,
}

impl Mode {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("enforce", Self::Enforce), ("shadow", Self::Shadow)];
}

/// A path on which callbacks arrive, with its settings.
#[derive(Debug)]
pub(crate) struct Route {
    /// Path from the config. Safe to log, because `{token}` replaces the secret segment.
    pub(crate) pattern: Arc<str>,
    pub(crate) plan: Arc<Plan>,
    /// Secret segment; `None` if the path has no `{token}`.
    pub(crate) token: Option<Secret>,
    /// Path from the config, as the app may see it; `None` if the path has no `{token}`.
    #[cfg(feature = "tower")]
    pub(crate) masked: Option<PathAndQuery>,
    /// Index in `plan.kinds` of the kind that the config sets for every callback; `None` if each
    /// callback names its kind.
    pub(crate) kind: Option<usize>,
    /// Template for the callbacks of every tenant; `None` if the tenant selects the template.
    pub(crate) template: Option<Arc<Template>>,
    pub(crate) bindings: Arc<Bindings>,
    pub(crate) max_body_bytes: usize,
    /// Networks of the clients that may send callbacks. An empty list permits every client.
    pub(crate) allow: Networks,
    /// Rate limit on the accepted callbacks of the route. Protects the app.
    pub(crate) limit: Option<RouteLimit>,
    /// Rate limit on the requests of each client. Protects gatepost.
    pub(crate) source_limit: Option<Rate>,
    /// Web pages that may read the replies. Has no effect on a verdict.
    pub(crate) cors: CorsOrigins,
    /// Form of the events from this route; `None` if each address sets the form.
    pub(crate) forward: Option<Forward>,
    pub(crate) mode: Mode,
    /// Paths that gatepost reserves for the route in front of a file server.
    pub(crate) reach: Reach,
}

impl Route {
    /// Returns true if every event from the route keeps the path of the callback.
    pub(crate) fn is_passthrough(&self) -> bool {
        self.forward == Some(Forward::Passthrough)
    }

    /// Returns true if the route has no secret segment, or if `token` is the secret segment.
    pub(crate) fn token_matches(&self, token: Option<&str>) -> bool {
        let Some(secret) = &self.token else { return true };
        token.is_some_and(|token| secret.matches(token.as_bytes()))
    }

    /// Checks the client's address against `allow`, then counts the request against `source_limit`.
    pub(crate) fn check_source(
        &self,
        client: &Client,
        budgets: Option<&ClientBudgets>,
        now: Timestamp,
    ) -> Result<(), RefusalKind> {
        let is_allowed = |address| self.allow.contain(address);
        if !self.allow.is_empty() && !client.address.is_some_and(is_allowed) {
            return Err(RefusalKind::SourceNotAllowed);
        }
        match (self.source_limit, budgets) {
            (Some(rate), Some(budgets))
                if !budgets.take(rate, &self.pattern, client.address, now) =>
            {
                Err(RefusalKind::RateLimited)
            }
            _ => Ok(()),
        }
    }

    /// Returns the tenant of a callback, given the names that the callback contains.
    ///
    /// If a callback contains several names, the tenant is the first name that is bound to a
    /// template. A route with a template of its own needs no tenant, so it takes the first name.
    ///
    /// # Errors
    ///
    /// Returns an error if two of the names are bound to different templates. gatepost must not
    /// choose one: the owner of the other template could then send events of this tenant.
    pub(crate) fn choose_tenant<'n>(
        &self,
        mut names: impl Iterator<Item = Cow<'n, str>>,
    ) -> Result<Option<Cow<'n, str>>, RefusalCause> {
        let Some(mut chosen) = names.next() else { return Ok(None) };
        if self.template.is_some() {
            return Ok(Some(chosen).filter(|name| name.len() <= MAX_TENANT_BYTES));
        }
        for name in names {
            match (self.bound_to(&chosen), self.bound_to(&name)) {
                (Some(template), Some(other)) if !Arc::ptr_eq(template, other) => {
                    let [first, second] = [chosen, name].map(|name| printable(&name));
                    let detail = format!("expected one template, found `{first}` and `{second}`");
                    return Err(RefusalCause::with(RefusalKind::TenantAmbiguous, detail));
                }
                (None, Some(_)) => chosen = name,
                (Some(_) | None, _) => {}
            }
        }
        Ok(Some(chosen))
    }

    fn bound_to(&self, tenant: &str) -> Option<&Arc<Template>> {
        let binding = self.bindings.find(tenant).map(|binding| &binding.template);
        binding.or_else(|| self.bindings.wildcard())
    }

    /// Returns the template that applies to the tenant's callbacks, and the source of their events.
    pub(crate) fn template(
        &self,
        tenant: Option<&str>,
    ) -> Result<(&Arc<Template>, Arc<EventSource>), RefusalKind> {
        let source = || Arc::new(EventSource::new(&self.plan.name, tenant));
        if let Some(template) = &self.template {
            return Ok((template, source()));
        }
        if tenant.is_some_and(|tenant| tenant.len() > MAX_TENANT_BYTES) {
            return Err(RefusalKind::TenantUnknown);
        }
        if let Some(binding) = tenant.and_then(|tenant| self.bindings.find(tenant)) {
            return Ok((&binding.template, Arc::clone(&binding.source)));
        }
        match (self.bindings.wildcard(), tenant) {
            (Some(template), _) => Ok((template, source())),
            (None, Some(_)) => Err(RefusalKind::TenantUnknown),
            (None, None) => Err(RefusalKind::TenantMissing),
        }
    }
}

/// Maximum length of a tenant, equal to the maximum length of a domain name.
const MAX_TENANT_BYTES: usize = 253;

/// Name of the only parameter that a route's path may contain.
pub(crate) const TOKEN: &str = "token";
pub(crate) const TOKEN_SEGMENT: &str = "{token}";

/// Index of a route in [`Routes`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteIndex(usize);

/// A reserved address: a path to which gatepost delivers events, and the plan of the provider.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) path: Arc<str>,
    pub(crate) plan: Arc<Plan>,
}

/// Result of a path lookup.
#[derive(Clone, Copy)]
pub(crate) enum Lookup<'r, 'p> {
    /// Another spelling of this route's path.
    Ambiguous(RouteIndex),
    /// Exactly this route's path. The second field is the secret segment; `None` if the route has
    /// no token.
    Callback(RouteIndex, Option<&'p str>),
    /// Neither a route nor a reserved address.
    Other,
    /// A reserved address, in any spelling.
    Reserved(&'r Address),
}

/// The routes and the reserved addresses of a config.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    list: Vec<Route>,
    /// Indices in `list` of the routes with `{token}` in their path.
    with_token: Vec<usize>,
    /// Indices in `list`, by exact path.
    exact: Router<usize>,
    /// Lower-case paths of all routes.
    patterns: HashSet<String>,
    /// Indices in `list` of enforcing routes, by lower-case path.
    enforced: Router<usize>,
    /// Indices in `list` of shadow routes, by lower-case path.
    shadowed: Router<usize>,
    /// Reserved addresses, by lower-case path.
    addresses: HashMap<String, Address>,
    /// Paths that servers map to a route or to a reserved address.
    subtrees: Subtrees,
    path_filter: PathFilter,
}

impl Routes {
    /// Adds a route.
    ///
    /// # Errors
    ///
    /// If an earlier route has the same path, apart from case, returns the pattern of that route.
    pub(crate) fn add(&mut self, route: Route) -> Result<(), Arc<str>> {
        let index = self.list.len();
        let folded = route.pattern.to_lowercase();
        let existing = || {
            let mut earlier = self.list.iter();
            let same = earlier.find(|earlier| earlier.pattern.to_lowercase() == folded);
            Arc::clone(&same.unwrap_or(&route).pattern)
        };
        if self.patterns.contains(&folded) {
            return Err(existing());
        }
        self.exact.insert(&*route.pattern, index).map_err(|_| existing())?;
        let by_mode = match route.mode {
            Mode::Enforce => &mut self.enforced,
            Mode::Shadow => &mut self.shadowed,
        };
        by_mode.insert(&*folded, index).map_err(|_| existing())?;
        self.path_filter.add(&folded);
        self.with_token.extend(around_token(&route.pattern).map(|_| index));
        self.patterns.insert(folded);
        self.list.push(route);
        Ok(())
    }

    /// Reserves the path of an app address. Skips a path that is also the path of a shadow route.
    ///
    /// In shadow mode, callbacks reach the app on the route's path, so gatepost must not block that
    /// path.
    pub(crate) fn reserve(&mut self, path: &str, reach: Reach, plan: &Arc<Plan>) {
        let names = Pieces::of(path).names;
        let normalised = join(&names);
        let is_shadow_path = |route: &Route| {
            route.mode == Mode::Shadow && join(&Pieces::of(&route.pattern).names) == normalised
        };
        if self.list.iter().any(is_shadow_path) {
            return;
        }
        let address = Address { path: path.into(), plan: Arc::clone(plan) };
        if reach == Reach::Subtree {
            self.reserve_below(&names, &Owner::Address(address.clone()));
        }
        self.path_filter.add(&normalised);
        self.addresses.entry(normalised).or_insert(address);
    }

    /// Reserves the paths that servers map to a route.
    ///
    /// A file server may run the script at the path before `{token}`, with the secret segment as
    /// the path info. If the app receives events at the route's own path, gatepost therefore
    /// reserves the path before `{token}`.
    pub(crate) fn reserve_routes(&mut self, receives_events: impl Fn(&Route) -> bool) {
        for index in 0..self.list.len() {
            let route = &self.list[index];
            let base = match around_token(&route.pattern) {
                None => &*route.pattern,
                Some((parent, _)) if receives_events(route) => parent,
                Some(_) => continue,
            };
            if route.mode == Mode::Enforce && route.reach == Reach::Subtree {
                let names = Pieces::of(base).names;
                self.reserve_below(&names, &Owner::Route(RouteIndex(index)));
            }
        }
    }

    fn reserve_below(&mut self, names: &[String], owner: &Owner) {
        for base in bases_of(names) {
            self.path_filter.add_prefix(&base);
            self.subtrees.add(base, owner.clone());
        }
    }

    /// Returns each reserved path in lower case, with the reach of the reservation.
    pub(crate) fn reserved(&self) -> Vec<(&str, Reach)> {
        let exact = self.addresses.keys().map(|path| (&**path, Reach::Exact));
        let exact = exact.filter(|(path, _)| !self.subtrees.contain(path.split('/').skip(1)));
        let below = self.subtrees.bases().map(|base| (base, Reach::Subtree));
        let mut reserved: Vec<_> = exact.chain(below).collect();
        reserved.sort_unstable_by_key(|(path, _)| *path);
        reserved
    }

    /// Returns the route that a lookup in these routes found.
    pub(crate) fn at(&self, found: RouteIndex) -> &Route {
        // In bounds, because only lookups create indices and no method removes a route.
        &self.list[found.0]
    }

    /// Takes over the state of each route's rate limit from the route with the same path in
    /// `earlier`.
    pub(crate) fn inherit_limits(&mut self, earlier: &Self) {
        for route in &mut self.list {
            let same = earlier.list.iter().find(|earlier| earlier.pattern == route.pattern);
            if let (Some(limit), Some(earlier)) =
                (&mut route.limit, same.and_then(|earlier| earlier.limit.as_ref()))
            {
                limit.inherit(earlier);
            }
        }
    }

    /// Adds the paths of all routes and reserved addresses to `path_filter`.
    pub(crate) fn add_to(&self, path_filter: &SharedPathFilter) {
        path_filter.add(&self.path_filter);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.list.iter()
    }

    /// Looks up a path, first by exact text, then in every reading.
    pub(crate) fn find<'p>(&self, path: &'p str, reach: Reach) -> Lookup<'_, 'p> {
        if !self.path_filter.may_contain(path) && has_one_reading(path) {
            return Lookup::Other;
        }
        Search { routes: self, reach }.find(path)
    }

    /// Finds the enforcing route with exactly this path, and the secret segment of the path.
    pub(crate) fn find_exact<'p>(&self, path: &'p str) -> Option<(RouteIndex, Option<&'p str>)> {
        let matched = self.exact.at(path).ok()?;
        let found = RouteIndex(*matched.value);
        (!self.is_shadow(found)).then(|| (found, matched.params.get(TOKEN)))
    }

    fn is_shadow(&self, found: RouteIndex) -> bool {
        self.at(found).mode == Mode::Shadow
    }
}

/// Returns true if gatepost can reserve the subtree of the path: false for `/` and `/index.php`.
pub(crate) fn has_base(path: &str) -> bool {
    bases_of(&Pieces::of(path).names).next().is_some()
}

/// Returns true if every server reads the configured path in the same way, apart from case.
pub(crate) fn is_canonical(pattern: &str) -> bool {
    let literal = pattern.replacen("/{token}", "/token", 1);
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    // The path may contain `{token}` once, as a whole segment.
    let token_is_segment = pattern.split('/').filter(|s| *s == TOKEN_SEGMENT).count()
        == usize::from(literal != pattern);
    token_is_segment && literal.bytes().all(unreserved) && is_plain(&literal.to_lowercase())
}

/// Endings of script names. A server may pass the rest of the path to the script as an argument.
const SCRIPTS: [&str; 17] = [
    ".asp", ".aspx", ".cgi", ".fcgi", ".jsp", ".phar", ".php", ".php3", ".php4", ".php5", ".php7",
    ".php8", ".pht", ".phtml", ".pl", ".py", ".rb",
];
/// Format suffixes that a server may remove from the last segment.
const FORMATS: [&str; 3] = [".html", ".json", ".xml"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::built_in;

    fn route(pattern: &str, mode: Mode, plan: &Arc<Plan>) -> Route {
        Route {
            pattern: pattern.into(),
            plan: Arc::clone(plan),
            token: None,
            #[cfg(feature = "tower")]
            masked: None,
            kind: None,
            template: None,
            bindings: Arc::default(),
            max_body_bytes: 1,
            allow: Networks::default(),
            limit: None,
            source_limit: None,
            cors: CorsOrigins::default(),
            forward: None,
            mode,
            reach: Reach::Subtree,
        }
    }

    fn routes() -> Routes {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = Routes::default();
        for pattern in ["/callbacks/tencent", "/hooks/{token}", "/cb/x.php"] {
            routes.add(route(pattern, Mode::Enforce, &plan)).unwrap();
        }
        routes.reserve("/live/Push", Reach::Subtree, &plan);
        routes.reserve_routes(|_| false);
        routes
    }

    const SPELLINGS: [&str; 59] = [
        "/callbacks/x/.%09./tencent",
        "/callbacks/ten%00cent",
        "/callbacks/ten%09cent",
        "/callbacks/tencent%C2%A0",
        "/.//h/callbacks/tencent",
        "/callbacks/tencent.json",
        "/index.php/callbacks/tencent",
        "/callbacks/tencent",
        "//callbacks/tencent",
        "/callbacks//tencent",
        "/callbacks/tencent/",
        "/./callbacks/./tencent",
        "/x/../callbacks/tencent",
        "/../callbacks/tencent",
        "/callbacks/tencent/.",
        "/callbacks/tencent/x/..",
        "/CallBacks/TENCENT",
        "/%63allbacks/tencent",
        "/callbacks%2ftencent",
        "/callbacks%2Ftencent",
        "/%2563allbacks/tencent",
        "/callbacks/%2e/tencent",
        "/callbacks/%2e%2e/callbacks/tencent",
        "/callbacks;v=1/tencent",
        "/callbacks/tencent;jsessionid=1",
        "/callbacks\\tencent",
        "/callbacks%5ctencent",
        "/callbacks/tencent%00.png",
        "/callbacks/tencent%3fx=1",
        "/callbacks/tencent%20",
        "/callbacks/tencent.",
        "/callbacks/x/..;/tencent",
        "/callbacks/tencent%2f",
        "callbacks/tencent",
        "/callbacks./tencent",
        "/x%3f/../callbacks/tencent",
        "/x%23/../callbacks/tencent",
        "/x%00/../callbacks/tencent",
        "/callbacks/;/../tencent",
        "/callbacks/.;/../tencent",
        "/callbacks//../tencent",
        "/callbacks/%2f../tencent",
        "/callbacks/%5c/../tencent",
        "/callbacks/x/..%20/tencent",
        "/callbacks/.../tencent",
        "/callbacks/tencent%09",
        "/callbacks/tencent%0d%0a",
        "/callbacks/%25252525252574encent",
        "/callbacks/a\\b/../tencent",
        "/callbacks/tencent;%2fx",
        "/callbacks/tencent;%5cx",
        "/callbacks/tencent%3b%252fx",
        "/callbacks;a%2fb/tencent",
        "/callbacks;x/tencent%3b%252fx",
        "/callbacks/%%37%34encent",
        "/callbacks/%25252525252525252525252525252525252574encent",
        "//a%2fb/callbacks/tencent",
        "/%5cx%00;../callbacks/tencent",
        "//x%3f/callbacks/tencent",
    ];

    #[test]
    fn shared_filter_never_rules_out_a_spelling_of_a_known_path() {
        let (routes, path_filter) = (routes(), SharedPathFilter::default());
        routes.add_to(&path_filter);
        Routes::default().add_to(&path_filter);
        for spelling in SPELLINGS.into_iter().chain(["/live/push", "/hooks/x", "/Hooks/x"]) {
            assert!(!path_filter.rules_out(spelling), "{spelling}");
        }
        for other in ["/", "/api/users/7", "/assets/app.3f2a91.js", "/login"] {
            assert!(path_filter.rules_out(other), "{other}");
        }
    }

    #[test]
    fn shared_filter_allows_any_first_byte_of_a_token() {
        let (mut routes, path_filter) = (Routes::default(), SharedPathFilter::default());
        let plan = Arc::new(built_in().next().unwrap());
        routes.add(route("/{token}", Mode::Enforce, &plan)).unwrap();
        routes.add_to(&path_filter);
        for letter in ["a", "Z", "0", "~", "-"] {
            assert!(!path_filter.rules_out(&format!("/{letter}any")), "{letter}");
        }
    }

    #[test]
    fn refuses_long_path_about_which_servers_disagree() {
        let plan = Arc::new(built_in().next().unwrap());
        let of = |mode| {
            let mut routes = Routes::default();
            routes.add(route("/callbacks/tencent", mode, &plan)).unwrap();
            routes
        };
        let (enforcing, shadow) = (of(Mode::Enforce), of(Mode::Shadow));
        let find = |routes: &Routes, unit: &str, length: usize| {
            let path = format!("/x{}", unit.repeat(length / unit.len()));
            match routes.find(&path, Reach::Exact) {
                Lookup::Ambiguous(_) => "ambiguous",
                Lookup::Reserved(_) => "reserved",
                Lookup::Other => "other",
                Lookup::Callback(..) => "callback",
            }
        };
        for unit in ["%41", "//", "/%2525252541;", "/..", "%00a"] {
            assert_eq!(find(&enforcing, unit, 8_000), "other", "{unit}");
            assert_eq!(find(&enforcing, unit, 9_000), "ambiguous", "{unit}");
            assert_eq!(find(&shadow, unit, 9_000), "other", "{unit}");
        }
        assert_eq!(find(&enforcing, "/x", 60_000), "other");
        let mut addresses = Routes::default();
        addresses.reserve("/live/push", Reach::Exact, &plan);
        assert_eq!(find(&addresses, "%41", 9_000), "reserved");
    }

    #[test]
    fn refuses_every_spelling_except_the_exact_path() {
        let routes = routes();
        for spelling in SPELLINGS {
            match routes.find(spelling, Reach::Exact) {
                Lookup::Callback(..) => assert_eq!(spelling, "/callbacks/tencent"),
                Lookup::Ambiguous(_) => {}
                Lookup::Other | Lookup::Reserved(_) => panic!("expected a route for {spelling}"),
            }
        }
        for spelling in [
            "/hooks/secret/",
            "/x/../hooks/secret",
            "/HOOKS/secret",
            "/cb/x.php/extra",
            "//hooks/a%5cb",
            "/Hooks/a%2fb",
            "/Hooks/a%252fb/",
            "/Hooks/.",
            "/Hooks/%00",
            "/hooks/;x/",
            "/x/../hooks/%3f",
            "//x/hooks/a\\b",
            "/index.php/hooks/a\\b",
            "/Hooks/a;%2fb",
            "/callbacks/tencent.%20",
            "/index.min.php/callbacks/tencent",
            "/INDEX.PHP/callbacks/tencent",
        ] {
            assert!(
                matches!(routes.find(spelling, Reach::Exact), Lookup::Ambiguous(_)),
                "{spelling}"
            );
        }
        for spelling in [
            "/live/Push",
            "/live/push",
            "/live//push",
            "/x/../live/%70ush",
            "/live/push/",
            "/index.php/live/push",
            "/live/push;a=b",
            "/live/push%3Fa",
        ] {
            assert!(
                matches!(routes.find(spelling, Reach::Exact), Lookup::Reserved(_)),
                "{spelling}"
            );
        }
    }

    #[test]
    fn shadow_route_does_not_unblock_enforced_or_reserved_path() {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = routes();
        for pattern in ["/shadow", "/shadow/{token}", "/live/{token}", "/live/shadow"] {
            routes.add(route(pattern, Mode::Shadow, &plan)).unwrap();
        }
        routes.reserve("/live/shadow", Reach::Subtree, &plan);
        for path in ["/shadow", "/shadow/any", "/shadow/%2e", "/live/other", "/live/shadow"] {
            let Lookup::Callback(found, _) = routes.find(path, Reach::Exact) else {
                panic!("expected a callback path, found {path}")
            };
            assert!(routes.is_shadow(found) && routes.find_exact(path).is_none(), "{path}");
        }
        assert!(routes.find_exact("/callbacks/tencent").is_some());
        for path in ["/SHADOW", "//shadow", "/x/../shadow", "/shadow/", "/live//shadow"] {
            let Lookup::Ambiguous(found) = routes.find(path, Reach::Exact) else {
                panic!("expected an ambiguous path, found {path}")
            };
            assert!(routes.is_shadow(found), "{path}");
        }
        for path in [
            "/live/push",
            "/live/Push",
            "/shadow/..%2fcallbacks%2ftencent",
            "/shadow/x%2f..%2f..%2fcallbacks%2ftencent",
            "/shadow/../callbacks/tencent",
            "/shadow/..%2flive%2fpush",
            "/shadow/index.php%2fcallbacks%2ftencent",
            "/live/push.json",
        ] {
            assert!(
                Search { routes: &routes, reach: Reach::Exact }
                    .must_refuse(&routes.find(path, Reach::Exact)),
                "{path}"
            );
        }
    }

    const BELOW: [&str; 26] = [
        "/live/push.png",
        "/live/push.bak",
        "/live/push.x/y",
        "/live/push.tar.gz",
        "/live/push/x",
        "/live/push/index.php",
        "/LIVE/push/Index.php/x",
        "/live/push.php",
        "/live/push.PHP/x",
        "/live/push.phtml",
        "/live/push.php.json",
        "/live.php/push",
        "/live/push/a/b/c",
        "/live/push/x.js",
        "/live//push/x",
        "/live/%70ush/x",
        "/live/push;a/x",
        "/live/push.php%00.png",
        "/live/push.php./x",
        "/x/../live/push.php",
        "/x/../live/push/x",
        "/index.php/live/push.php",
        "/index.php/live/push/x",
        "//evil.test/live/push/x",
        "/live/push%2fx",
        "/live\\push\\x",
    ];

    #[test]
    fn reserves_subtree_of_address_in_front_of_file_server_only() {
        let routes = routes();
        let (path_filter, exact) = (SharedPathFilter::default(), Reach::Exact);
        routes.add_to(&path_filter);
        for path in BELOW {
            assert!(!path_filter.rules_out(path), "{path}");
            let found = routes.find(path, Reach::Subtree);
            assert!(matches!(found, Lookup::Reserved(_)), "{path}");
        }
        for path in ["/live/push/x", "/live/push.png", "/live/push.php"] {
            assert!(matches!(routes.find(path, exact), Lookup::Other), "{path}");
        }
        for path in
            ["/live/pushes", "/live.png/push", "/live", "/live/x", "/push/x", "/live/index.php"]
        {
            assert!(matches!(routes.find(path, Reach::Subtree), Lookup::Other), "{path}");
        }
    }

    #[test]
    fn reserves_subtree_of_route_in_front_of_file_server_only() {
        let routes = routes();
        for path in ["/callbacks/tencent/x", "/callbacks/tencent.php", "/cb/x/index.php", "/cb/x"] {
            let found = routes.find(path, Reach::Subtree);
            assert!(matches!(found, Lookup::Ambiguous(_)), "{path}");
            assert!(matches!(routes.find(path, Reach::Exact), Lookup::Other), "{path}");
        }
        for path in ["/hooks", "/hooks/", "/hooks/index.php"] {
            assert!(!matches!(routes.find(path, Reach::Subtree), Lookup::Reserved(_)), "{path}");
        }
        assert!(matches!(routes.find("/hooks/x", Reach::Subtree), Lookup::Callback(..)));
    }

    #[test]
    fn reserves_parent_of_secret_segment_if_app_receives_events_there() {
        let plan = Arc::new(built_in().next().unwrap());
        for (pattern, path, is_reserved) in [
            ("/hooks/{token}", "/hooks/", true),
            ("/hooks/{token}", "/hooks", true),
            ("/hooks/{token}", "/hooks/index.php/x", true),
            ("/hooks/{token}", "/hooks/a/b", true),
            ("/hooks/{token}", "/hook", false),
            ("/{token}", "/a/b", false),
        ] {
            let mut routes = Routes::default();
            routes.add(route(pattern, Mode::Enforce, &plan)).unwrap();
            routes.reserve_routes(|_| true);
            let found = routes.find(path, Reach::Subtree);
            assert_eq!(matches!(found, Lookup::Ambiguous(_)), is_reserved, "{path}");
        }
    }

    #[test]
    fn index_script_reserves_its_folder_but_not_the_root() {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = Routes::default();
        for address in ["/ev/index.php", "/index.php", "/exact/push"] {
            let is_exact = address.starts_with("/exact");
            let reach = if is_exact { Reach::Exact } else { Reach::Subtree };
            routes.reserve(address, reach, &plan);
        }
        for path in
            ["/ev", "/ev/", "/ev/x", "/ev/index.php", "/ev.php", "/index.php", "/exact/push"]
        {
            let found = routes.find(path, Reach::Subtree);
            assert!(matches!(found, Lookup::Reserved(_)), "{path}");
        }
        for path in ["/", "/index.html", "/evil", "/exact/push/x", "/exact/push.php"] {
            assert!(matches!(routes.find(path, Reach::Subtree), Lookup::Other), "{path}");
        }
        let reserved =
            [("/ev", Reach::Subtree), ("/exact/push", Reach::Exact), ("/index.php", Reach::Exact)];
        assert_eq!(routes.reserved(), reserved);
    }

    #[test]
    fn literal_shadow_route_stays_open_below_reserved_path() {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = routes();
        for pattern in ["/live/push/new", "/live/push/{token}"] {
            routes.add(route(pattern, Mode::Shadow, &plan)).unwrap();
        }
        for (path, is_open) in [
            ("/live/push/new", true),
            ("/live/push//new", true),
            ("/live/push/x", false),
            ("/live/push/index.php", false),
        ] {
            let search = Search { routes: &routes, reach: Reach::Subtree };
            assert_eq!(!search.must_refuse(&search.find(path)), is_open, "{path}");
        }
    }

    #[test]
    fn finds_path_behind_script_in_a_folder() {
        let mut routes = routes();
        let plan = Arc::new(built_in().next().unwrap());
        routes.reserve("/app/live/end", Reach::Exact, &plan);
        for path in ["/app/index.php/live/end", "/x.php/index.php/live/push"] {
            assert!(matches!(routes.find(path, Reach::Exact), Lookup::Reserved(_)), "{path}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 4096,
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn filters_agree_with_a_full_lookup(
            path in "(/(callbacks|tencent|Live|push|LIVE|hooks|x|cb|v1.2|a..b|b.js|c.json|D.PHP|é|_~-|push.php|index.php|)){0,4}[/.;%]?",
            is_subtree: bool,
        ) {
            let routes = routes();
            let reach = if is_subtree { Reach::Subtree } else { Reach::Exact };
            let found = |lookup: Lookup<'_, '_>| match lookup {
                Lookup::Ambiguous(found) | Lookup::Callback(found, _) => format!("{found:?}"),
                Lookup::Other => "other".to_owned(),
                Lookup::Reserved(address) => address.path.to_string(),
            };
            let expected = found(Search { routes: &routes, reach }.find_readings(&path));
            proptest::prop_assert_eq!(found(routes.find(&path, reach)), &*expected, "{}", path);
            let path_filter = SharedPathFilter::default();
            routes.add_to(&path_filter);
            let is_other = expected == "other";
            proptest::prop_assert!(!path_filter.rules_out(&path) || is_other, "{}", path);
        }
    }

    #[test]
    fn finds_nothing_for_unrelated_paths() {
        let routes = routes();
        for path in [
            "/",
            "*",
            "/callbacks",
            "/callbacks/tencent/x",
            "/callbacks/tencentx",
            "/a.b/c.png",
            "/callbacks/tencent/My%20File",
            "/Docs/callbacks/tencent",
            "/a;b=c/d",
            "/a/../b",
            "/live",
            "/live/pushed",
            "/blog/live/tips/push;v=1",
            "/videos/live%3F/push",
            "/blog/c%23/live/push",
            "/v1.2/live/push",
            "/live/push.png",
            "/hooks",
            "/hooks/",
            "//hooks/a/b",
            "/Hooks/a/b%2fc",
        ] {
            assert!(matches!(routes.find(path, Reach::Exact), Lookup::Other), "{path}");
        }
    }

    #[test]
    fn canonical_path_has_only_one_spelling() {
        for path in ["/callbacks/tencent", "/Callbacks/Kollus/{token}", "/a.b/c"] {
            assert!(is_canonical(path), "{path}");
        }
        for path in [
            "callbacks",
            "/a//b",
            "/a/",
            "/a/../b",
            "/%61",
            "/a;b",
            "/{other}",
            "/{*rest}",
            "/a{token}",
            "/{token}.json",
            "/.a",
            "/a b",
        ] {
            assert!(!is_canonical(path), "{path}");
        }
    }
}
