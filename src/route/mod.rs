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
mod settings;
mod subtree;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use matchit::Router;

pub(crate) use self::cors::{CorsOrigins, as_origin, is_preflight};
pub(crate) use self::path_filter::SharedPathFilter;
use self::path_filter::{PathFilter, has_one_reading, is_plain};
use self::pieces::{Pieces, join};
pub(crate) use self::pieces::{around_token, has_dot_segment};
pub(crate) use self::query::may_contain_path;
use self::search::Search;
pub(crate) use self::settings::{Mode, Route};
use self::subtree::{Owner, Subtrees, bases_of};
use crate::provider::Plan;
use crate::template::Reach;

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
mod tests;
