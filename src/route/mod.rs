//! Routes, and the lookup of a request's path, in any spelling of the path.
//!
//! A callback path is a path that equals a route's path byte for byte, with or without a slash at
//! the end. A *spelling* of a route's path is a different text that some server reads as the same
//! path: `/a//b` is a spelling of `/a/b`. The app may be such a server, and then processes a
//! callback that gatepost has not verified. gatepost therefore refuses every spelling of a callback
//! path.
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
//! If servers disagree about a path of more than 8 KiB, gatepost does not compare the readings,
//! because judging such a path takes long. Such a path counts as a spelling of a route's path.
//!
//! By the same rules, gatepost reserves the addresses to which it delivers events. gatepost refuses
//! a client's request for a reserved address, in any spelling.
//!
//! In front of a file server, gatepost also reserves the [subtree](subtree) of a path, and the path
//! [in a query](query).
//!
//! On a route in [shadow mode](crate::Shadow), gatepost passes on every spelling of the path, with
//! one exception. If some server can read the spelling as an enforcing route's path or as a
//! reserved address, gatepost refuses the request. Enforcing routes and reserved addresses
//! therefore take precedence over shadow routes in every lookup.

mod cors;
mod decode;
mod parameters;
mod path_filter;
mod pieces;
mod printable_path;
mod query;
mod reserved;
mod search;
mod settings;
mod subtree;
mod target;
mod unreachable_kind;

use std::collections::HashMap;
use std::sync::Arc;

use matchit::Router;

pub(crate) use self::cors::{CorsOrigins, as_origin, is_preflight};
pub(crate) use self::parameters::{RouteParameters, is_parameter_name, is_parameter_text};
pub(crate) use self::path_filter::SharedPathFilter;
use self::path_filter::{PathFilter, has_one_reading, is_plain};
pub(crate) use self::pieces::{around_token, has_dot_segment};
pub(crate) use self::query::may_contain_path;
use self::reserved::FrontController;
pub(crate) use self::reserved::has_base;
use self::search::Search;
pub(crate) use self::settings::{Mode, Route};
use self::subtree::Subtrees;
pub(crate) use self::target::Target;
use crate::provider::Plan;
use crate::template::Reach;

/// Name of the only placeholder that a route's path may contain.
pub(crate) const TOKEN: &str = "token";
pub(crate) const TOKEN_SEGMENT: &str = "{token}";

/// Index of a route in [`Routes`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteIndex(usize);

/// A reserved address: a path to which gatepost delivers events, and the plan of the provider.
#[derive(Clone, Debug)]
pub(crate) struct ReservedAddress {
    pub(crate) path: Arc<str>,
    pub(crate) plan: Arc<Plan>,
}

/// Result of a path lookup.
#[derive(Clone, Copy)]
pub(crate) enum Lookup<'r, 'p> {
    /// A target other than this route's path that some server can map to this path.
    Ambiguous(RouteIndex),
    /// Exactly this route's path, with or without a slash at the end. The second field is the
    /// secret segment; `None` if the route has no token.
    Callback(RouteIndex, Option<&'p str>),
    /// Neither a route nor a reserved address.
    Other,
    /// A reserved address, in any spelling.
    Reserved(&'r ReservedAddress),
}

/// The routes and the reserved addresses of a config.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    list: Vec<Route>,
    /// For each route in `list`, the index of the next route on the same path. Only routes with
    /// parameters share a path.
    next_on_path: Vec<Option<usize>>,
    /// Indices in `list` of the routes with `{token}` in their path.
    with_token: Vec<usize>,
    /// Index in `list` of the first route on each path, with and without a slash at the end.
    exact: Router<usize>,
    /// Index in `list` of the first route on each lower-case path without a slash at the end.
    patterns: HashMap<String, usize>,
    /// Index in `list` of the first enforcing route on each lower-case path.
    enforced: Router<usize>,
    /// Index in `list` of the first shadow route on each lower-case path.
    shadowed: Router<usize>,
    /// Reserved addresses, by lower-case path.
    addresses: HashMap<String, ReservedAddress>,
    /// Paths that servers map to a route or to a reserved address.
    subtrees: Subtrees,
    /// Routes with parameters, each with the paths that servers map to its path.
    front_controllers: Vec<FrontController>,
    path_filter: PathFilter,
}

impl Routes {
    /// Adds a route.
    ///
    /// # Errors
    ///
    /// Returns the label of an earlier route that has the same path, apart from case and a slash at
    /// the end. Two routes may share a path only with the same case in both, and only if no query
    /// can have the parameters of both.
    pub(crate) fn add(&mut self, route: Route) -> Result<(), Arc<str>> {
        let index = self.list.len();
        let path = without_slash(&route.pattern);
        let folded = path.to_lowercase();
        if let Some(first) = self.patterns.get(&folded).copied() {
            self.check_apart(first, &route)?;
            self.append(first, index);
        } else {
            let unexpected = |_| Arc::clone(&route.label);
            self.exact.insert(path, index).map_err(unexpected)?;
            if path != "/" {
                self.exact.insert(format!("{path}/"), index).map_err(unexpected)?;
            }
        }
        let by_mode = match route.mode {
            Mode::Enforce => &mut self.enforced,
            Mode::Shadow => &mut self.shadowed,
        };
        // Fails if an earlier route in this mode has the path. Lookups find this route through the
        // earlier route.
        let _is_first = by_mode.insert(&*folded, index);
        self.path_filter.add(&folded);
        self.with_token.extend(around_token(path).map(|_| index));
        self.patterns.entry(folded).or_insert(index);
        self.list.push(route);
        self.next_on_path.push(None);
        Ok(())
    }

    /// Checks that the path of `route` has the same case as in each earlier route on the path, and
    /// that no query can have the parameters of both routes.
    fn check_apart(&self, first: usize, route: &Route) -> Result<(), Arc<str>> {
        let is_apart = |earlier: &Route| {
            without_slash(&earlier.pattern) == without_slash(&route.pattern)
                && earlier.parameters.exclude(&route.parameters)
        };
        let mut earlier = self.on_path(first).map(|index| &self.list[index]);
        earlier.find(|earlier| !is_apart(earlier)).map_or(Ok(()), |found| Err(found.label.clone()))
    }

    fn append(&mut self, first: usize, index: usize) {
        if let Some(last) = self.on_path(first).last() {
            self.next_on_path[last] = Some(index);
        }
    }

    /// Yields the index of a route, and of each later route on the same path.
    fn on_path(&self, first: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(first), |index| self.next_on_path[*index])
    }

    /// Of the routes on the path of `first`, returns the one whose parameters are in the query.
    fn with_query(&self, first: usize, query: Option<&str>) -> Option<RouteIndex> {
        if self.list[first].parameters.is_empty() {
            return Some(RouteIndex(first));
        }
        let has_query = |index: &usize| self.list[*index].parameters.are_in(query);
        self.on_path(first).find(has_query).map(RouteIndex)
    }

    /// Returns the first route on the path of `first`, in the mode of `first`, whose parameters
    /// some server can read in the target.
    fn with_parameters(&self, first: usize, target: &Target<'_>) -> Option<RouteIndex> {
        let mode = self.list[first].mode;
        let may_be = |route: &Route| route.mode == mode && route.may_have_parameters(target);
        self.on_path(first).find(|index| may_be(&self.list[*index])).map(RouteIndex)
    }

    /// Returns the route that a lookup in these routes found.
    pub(crate) fn at(&self, found: RouteIndex) -> &Route {
        // In bounds, because each index is of a route in the list, and no method removes a route.
        &self.list[found.0]
    }

    /// Takes over the state of each route's rate limit from the route with the same label in
    /// `earlier`.
    pub(crate) fn inherit_limits(&mut self, earlier: &Self) {
        for route in &mut self.list {
            let same = earlier.list.iter().find(|earlier| earlier.label == route.label);
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

    /// Looks up a target, first by exact text, then in every reading.
    pub(crate) fn find<'p>(&self, target: &Target<'p>, reach: Reach) -> Lookup<'_, 'p> {
        if !self.path_filter.may_contain(target.path) && has_one_reading(target.path) {
            return Lookup::Other;
        }
        Search { routes: self, reach, target }.find()
    }

    /// Finds the enforcing route with exactly this path, whose parameters are in the query, and the
    /// secret segment of the path.
    pub(crate) fn find_exact<'p>(
        &self,
        path: &'p str,
        query: Option<&str>,
    ) -> Option<(RouteIndex, Option<&'p str>)> {
        let matched = self.exact.at(path).ok()?;
        let found = self.with_query(*matched.value, query)?;
        (!self.is_shadow(found)).then(|| (found, matched.params.get(TOKEN)))
    }

    /// Returns true if a request with this lookup result must not reach the app unverified.
    fn must_refuse(&self, lookup: &Lookup<'_, '_>) -> bool {
        match lookup {
            Lookup::Ambiguous(found) | Lookup::Callback(found, _) => !self.is_shadow(*found),
            Lookup::Other => false,
            Lookup::Reserved(_) => true,
        }
    }

    fn is_shadow(&self, found: RouteIndex) -> bool {
        self.at(found).mode == Mode::Shadow
    }
}

/// Returns a path without the slash at its end. Returns `/` unchanged.
pub(crate) fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path)
}

/// Returns true if every server reads the configured path in the same way, apart from case and from
/// a slash at the end.
pub(crate) fn is_canonical(pattern: &str) -> bool {
    let path = without_slash(pattern);
    let literal = path.replacen("/{token}", "/token", 1);
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    // The path may contain `{token}` once, as a whole segment.
    let token_is_segment =
        pattern.split('/').filter(|s| *s == TOKEN_SEGMENT).count() == usize::from(literal != path);
    let is_doubled = pattern.ends_with("//");
    !is_doubled
        && token_is_segment
        && literal.bytes().all(unreserved)
        && is_plain(&literal.to_lowercase())
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
