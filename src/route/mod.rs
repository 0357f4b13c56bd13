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
//!    - the path up to and including a script's name, and the rest of the path (`/index.php/x`);
//!    - the path without a format suffix (`.json`).
//!
//!    Servers may also disagree about a route's secret segment, `{token}` in the config. Some
//!    servers read `a%2fb` as several segments, or `;x` as no segment. gatepost treats both as
//!    spellings of the route's path.
//!
//! By the same rules, gatepost reserves the addresses to which it delivers events. gatepost refuses
//! a client's request for a reserved address, in any spelling.
//!
//! On a route in [shadow mode](crate::Shadow), gatepost passes on every spelling of the path, with
//! one exception. If some server could read the spelling as an enforcing route's path or as a
//! reserved address, gatepost refuses the request. Enforcing routes and reserved addresses
//! therefore take precedence over shadow routes in every lookup.

mod decode;
mod path_filter;
mod pieces;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::iter::once_with;
use std::sync::Arc;

#[cfg(feature = "tower")]
use http::uri::PathAndQuery;
use matchit::Router;

use self::decode::decode;
pub(crate) use self::path_filter::SharedPathFilter;
use self::path_filter::{PathFilter, folded, has_one_reading, is_plain};
pub(crate) use self::pieces::around_token;
use self::pieces::{Pieces, cut_spellings, join};
use crate::client::{Client, Networks};
use crate::event::EventSource;
use crate::limit::{ClientBudgets, Rate, RouteLimit};
use crate::printable::printable;
use crate::provider::Plan;
use crate::secret::Secret;
use crate::template::{Bindings, Template};
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
    pub(crate) mode: Mode,
}

impl Route {
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
#[derive(Debug)]
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
    path_filter: PathFilter,
}

impl Routes {
    /// Adds a route.
    ///
    /// # Errors
    ///
    /// Returns the pattern of `route` if an earlier route has the same path, apart from case.
    pub(crate) fn add(&mut self, route: Route) -> Result<(), Arc<str>> {
        let index = self.list.len();
        let conflict = |_| Arc::clone(&route.pattern);
        let folded = route.pattern.to_lowercase();
        if self.patterns.contains(&folded) {
            return Err(Arc::clone(&route.pattern));
        }
        self.exact.insert(&*route.pattern, index).map_err(conflict)?;
        let by_mode = match route.mode {
            Mode::Enforce => &mut self.enforced,
            Mode::Shadow => &mut self.shadowed,
        };
        by_mode.insert(&*folded, index).map_err(conflict)?;
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
    pub(crate) fn reserve(&mut self, path: &str, plan: &Arc<Plan>) {
        let normalised = join(&Pieces::of(path).names);
        let is_shadow_path = |route: &Route| {
            route.mode == Mode::Shadow && join(&Pieces::of(&route.pattern).names) == normalised
        };
        if !self.list.iter().any(is_shadow_path) {
            let address = Address { path: path.into(), plan: Arc::clone(plan) };
            self.path_filter.add(&normalised);
            self.addresses.entry(normalised).or_insert(address);
        }
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
    pub(crate) fn find<'p>(&self, path: &'p str) -> Lookup<'_, 'p> {
        if !self.path_filter.may_contain(path) && has_one_reading(path) {
            return Lookup::Other;
        }
        self.find_in_full(path)
    }

    // Not inlined, so that `find` remains small. For most paths, gatepost runs only `find`.
    #[inline(never)]
    fn find_in_full<'p>(&self, path: &'p str) -> Lookup<'_, 'p> {
        let Ok(matched) = self.exact.at(path) else { return self.find_spelling(path) };
        let found = RouteIndex(*matched.value);
        if self.is_shadow(found) {
            let stricter = self.find_spelling(path);
            if self.must_refuse(&stricter) {
                return stricter;
            }
        }
        Lookup::Callback(found, matched.params.get(TOKEN))
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

    /// Returns true if a request with this lookup result must not reach the app unverified.
    fn must_refuse(&self, lookup: &Lookup<'_, '_>) -> bool {
        match lookup {
            Lookup::Ambiguous(found) | Lookup::Callback(found, _) => !self.is_shadow(*found),
            Lookup::Other => false,
            Lookup::Reserved(_) => true,
        }
    }

    /// Looks up every reading of a path. Never returns [`Lookup::Callback`].
    fn find_spelling(&self, path: &str) -> Lookup<'_, 'static> {
        if has_one_reading(path) {
            return self.find_folded(&folded(path));
        }
        self.find_readings(path)
    }

    /// Normalises a path, looks up each reading and returns the strictest result.
    fn find_readings(&self, path: &str) -> Lookup<'_, 'static> {
        let whole = decode(path);
        // Lazy: the lookup ends at the first reading that gatepost must refuse.
        let uncut = once_with(|| self.find_pieces(&Pieces::decoded(path, &whole)));
        let cut = once_with(|| cut_spellings(path, &whole)).flatten();
        let cut = cut.map(|spelling| self.find_pieces(&Pieces::of(&spelling)));
        self.strictest(uncut.chain(cut))
    }

    /// Returns the first match that must be refused, else the first match of any kind.
    fn strictest<'r>(
        &self,
        lookups: impl Iterator<Item = Lookup<'r, 'static>>,
    ) -> Lookup<'r, 'static> {
        let mut first = Lookup::Other;
        for found in lookups {
            if self.must_refuse(&found) {
                return found;
            }
            if matches!(first, Lookup::Other) {
                first = found;
            }
        }
        first
    }

    /// Looks up every reading of a path, split into [`Pieces`], and returns the strictest result.
    fn find_pieces(&self, pieces: &Pieces) -> Lookup<'_, 'static> {
        if pieces.has_parent {
            return self.find_in_order(pieces);
        }
        let readings = pieces.readings();
        let read = readings.iter().map(|names| self.find_folded(&join(names)));
        let with_token = once_with(|| self.find_split_token(pieces, &readings)).flatten();
        self.strictest(read.chain(with_token))
    }

    /// Finds a route whose secret segment some server reads as several segments, or as none.
    /// Prefers an enforcing route.
    fn find_split_token(
        &self,
        pieces: &Pieces,
        readings: &[Vec<&str>],
    ) -> Option<Lookup<'_, 'static>> {
        let fits = |route: &Route| {
            readings.iter().any(|names| pieces.fits_split_token(names, &route.pattern))
        };
        let found = |wanted: Mode| {
            let mut routes = self.with_token.iter().map(|index| RouteIndex(*index));
            routes.find(|found| self.at(*found).mode == wanted && fits(self.at(*found)))
        };
        found(Mode::Enforce).or_else(|| found(Mode::Shadow)).map(Lookup::Ambiguous)
    }

    /// Looks up a lower-case path.
    fn find_folded(&self, folded: &str) -> Lookup<'_, 'static> {
        if let Ok(matched) = self.enforced.at(folded) {
            return Lookup::Ambiguous(RouteIndex(*matched.value));
        }
        if let Some(address) = self.addresses.get(folded) {
            return Lookup::Reserved(address);
        }
        let shadow = self.shadowed.at(folded);
        shadow.map_or(Lookup::Other, |matched| Lookup::Ambiguous(RouteIndex(*matched.value)))
    }

    /// Finds a route or a reserved address whose segments occur in the path in order.
    fn find_in_order(&self, pieces: &Pieces) -> Lookup<'_, 'static> {
        let route_in = |mode| {
            let fits =
                |route: &Route| route.mode == mode && pieces.contain_in_order(&route.pattern);
            Some(Lookup::Ambiguous(RouteIndex(self.list.iter().position(fits)?)))
        };
        let address = || {
            let fits = |(path, _): &(&String, _)| pieces.contain_in_order(path);
            let (_, address) = self.addresses.iter().find(fits)?;
            Some(Lookup::Reserved(address))
        };
        let refused = route_in(Mode::Enforce).or_else(address);
        refused.or_else(|| route_in(Mode::Shadow)).unwrap_or(Lookup::Other)
    }
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
const SCRIPTS: [&str; 10] =
    [".asp", ".aspx", ".cgi", ".fcgi", ".jsp", ".php", ".phtml", ".pl", ".py", ".rb"];
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
            mode,
        }
    }

    fn routes() -> Routes {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = Routes::default();
        for pattern in ["/callbacks/tencent", "/hooks/{token}", "/cb/x.php"] {
            routes.add(route(pattern, Mode::Enforce, &plan)).unwrap();
        }
        routes.reserve("/live/Push", &plan);
        routes
    }

    const SPELLINGS: [&str; 57] = [
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
    ];

    #[test]
    fn shared_filter_never_rules_out_a_spelling_of_a_known_path() {
        let (routes, path_filter) = (routes(), SharedPathFilter::default());
        routes.add_to(&path_filter);
        Routes::default().add_to(&path_filter);
        for spelling in SPELLINGS.into_iter().chain(["/live/push", "/hooks/x", "/Hooks/x"]) {
            assert!(!path_filter.rules_out(spelling), "{spelling}");
        }
        for other in ["/", "/api/users/7", "/assets/app.3f2a91.js", "/callbacks"] {
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
    fn refuses_every_spelling_except_the_exact_path() {
        let routes = routes();
        for spelling in SPELLINGS {
            match routes.find(spelling) {
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
            assert!(matches!(routes.find(spelling), Lookup::Ambiguous(_)), "{spelling}");
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
            assert!(matches!(routes.find(spelling), Lookup::Reserved(_)), "{spelling}");
        }
    }

    #[test]
    fn shadow_route_does_not_unblock_enforced_or_reserved_path() {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = routes();
        for pattern in ["/shadow", "/shadow/{token}", "/live/{token}", "/live/shadow"] {
            routes.add(route(pattern, Mode::Shadow, &plan)).unwrap();
        }
        routes.reserve("/live/shadow", &plan);
        for path in ["/shadow", "/shadow/any", "/shadow/%2e", "/live/other", "/live/shadow"] {
            let Lookup::Callback(found, _) = routes.find(path) else {
                panic!("expected a callback path, found {path}")
            };
            assert!(routes.is_shadow(found) && routes.find_exact(path).is_none(), "{path}");
        }
        assert!(routes.find_exact("/callbacks/tencent").is_some());
        for path in ["/SHADOW", "//shadow", "/x/../shadow", "/shadow/", "/live//shadow"] {
            let Lookup::Ambiguous(found) = routes.find(path) else {
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
            assert!(routes.must_refuse(&routes.find(path)), "{path}");
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
            path in "(/(callbacks|tencent|Live|push|LIVE|hooks|x|cb|v1.2|a..b|b.js|c.json|D.PHP|é|_~-|)){0,4}[/.;%]?",
        ) {
            let routes = routes();
            let found = |lookup: Lookup<'_, '_>| match lookup {
                Lookup::Ambiguous(found) | Lookup::Callback(found, _) => format!("{found:?}"),
                Lookup::Other => "other".to_owned(),
                Lookup::Reserved(address) => address.path.to_string(),
            };
            let expected = found(routes.find_readings(&path));
            proptest::prop_assert_eq!(found(routes.find(&path)), &*expected, "{}", path);
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
            assert!(matches!(routes.find(path), Lookup::Other), "{path}");
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
