//! Routes: which paths belong to a provider, however they are spelled.
//!
//! A path is a callback path if it matches a route letter by letter. A path that is another
//! spelling of one, by the reading of any server that may stand behind the gate, is refused: the
//! gate cannot know which reading the app has, and an app that reads it as the callback path would
//! take a callback that nobody verified.
//!
//! Servers differ in what they undo and in which order, so the path is taken apart as far as any of
//! them goes: percent-encoding as often as there is any, `%u002f`, overlong UTF-8, `\` for `/`, empty
//! and `.` segments, parameters (`;x`), controls, trailing dots and blanks, case. Then:
//!
//! 1. With a `..` in it, any order of undoing leaves some of the segments, in their order. If a
//!    route's can be left, the path is refused.
//! 2. Otherwise its readings are compared: whole; cut off at an encoded NUL, `?` or `#`; without an
//!    authority behind `//`; up to a script's name and from there on (`/index.php/x`); without a
//!    format (`.json`). Where a route has a secret segment, a server may see one where others see
//!    several (`a%2fb`) or none (`;x`).
//!
//! The addresses that events are delivered to are the app's own, and reserved in the same way: a
//! request from outside that would reach one is refused.
//!
//! A route in [shadow mode](crate::Shadow) lets every spelling of its path pass, but for those that
//! another server could read as a path that is not to be passed: of all readings, an enforcing
//! route's and a reserved address's come first.

mod decode;
mod path_filter;
mod pieces;

use std::collections::{HashMap, HashSet};
use std::iter::once_with;
use std::sync::Arc;

use matchit::Router;

use self::decode::decode;
pub(crate) use self::path_filter::SharedPathFilter;
use self::path_filter::{PathFilter, folded, has_one_reading, is_plain};
use self::pieces::{Pieces, around_token, cut_spellings, join};
use crate::client::{Client, Networks};
use crate::event::EventSource;
use crate::limit::{ClientBudgets, Rate, RouteLimit};
use crate::provider::Plan;
use crate::secret::Secret;
use crate::template::{Bindings, Template};
use crate::time::Timestamp;
use crate::verdict::RefusalKind;

/// Whether a route keeps out what it refuses.
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

/// One callback path.
#[derive(Debug)]
pub(crate) struct Route {
    /// As configured; safe to log, where the path itself may hold a token.
    pub(crate) pattern: Arc<str>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) token: Option<Secret>,
    /// The kind, where the URL alone tells.
    pub(crate) kind: Option<usize>,
    /// The template, for callbacks without a tenant.
    pub(crate) template: Option<Arc<Template>>,
    pub(crate) bindings: Arc<Bindings>,
    pub(crate) max_body_bytes: usize,
    /// Who may call; everybody, if there are none.
    pub(crate) allow: Networks,
    /// For the app: of genuine callbacks.
    pub(crate) limit: Option<RouteLimit>,
    /// For the gate: of what one sender sends.
    pub(crate) source_limit: Option<Rate>,
    pub(crate) mode: Mode,
}

impl Route {
    /// Whether whoever sends it may call, and not too often.
    pub(crate) fn check_source(
        &self,
        client: &Client,
        senders: Option<&ClientBudgets>,
        now: Timestamp,
    ) -> Result<(), RefusalKind> {
        let is_allowed = |address| self.allow.contain(address);
        if !self.allow.is_empty() && !client.address.is_some_and(is_allowed) {
            return Err(RefusalKind::SourceNotAllowed);
        }
        match (self.source_limit, senders) {
            (Some(rate), Some(senders))
                if !senders.take(rate, &self.pattern, client.address, now) =>
            {
                Err(RefusalKind::RateLimited)
            }
            _ => Ok(()),
        }
    }

    /// The template that judges a tenant's callbacks, and their source.
    pub(crate) fn template(
        &self,
        tenant: Option<&str>,
    ) -> Result<(&Arc<Template>, Arc<EventSource>), RefusalKind> {
        let source = || Arc::new(EventSource::new(&self.plan.name, tenant));
        if let Some(template) = &self.template {
            return Ok((template, source()));
        }
        if let Some(binding) = tenant.and_then(|tenant| self.bindings.find(tenant)) {
            return Ok((&binding.template, Arc::clone(&binding.source)));
        }
        match (self.bindings.everyone_else(), tenant) {
            (Some(template), _) => Ok((template, source())),
            (None, Some(_)) => Err(RefusalKind::TenantUnknown),
            (None, None) => Err(RefusalKind::TenantMissing),
        }
    }
}

/// The name of the one parameter that a path may hold.
pub(crate) const TOKEN: &str = "token";
pub(crate) const TOKEN_SEGMENT: &str = "{token}";

/// A route that was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found(usize);

/// An address that events are delivered to.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) path: Arc<str>,
    pub(crate) plan: Arc<Plan>,
}

/// What a path is.
#[derive(Clone, Copy)]
pub(crate) enum Lookup<'r, 'p> {
    /// Another spelling of this route's path.
    Ambiguous(Found),
    /// This route's path, with the secret segment if it has one.
    Callback(Found, Option<&'p str>),
    /// Nobody's.
    Other,
    /// An address of events, in whatever spelling.
    Reserved(&'r Address),
}

/// All routes.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    list: Vec<Route>,
    /// Those whose paths have a token.
    with_token: Vec<usize>,
    exact: Router<usize>,
    /// In small letters: all, those that refuse, and those in shadow mode.
    patterns: HashSet<String>,
    folded: Router<usize>,
    shadowed: Router<usize>,
    addresses: HashMap<String, Address>,
    path_filter: PathFilter,
}

impl Routes {
    /// Adds a route, unless its path is taken.
    pub(crate) fn add(&mut self, route: Route) -> Result<(), Arc<str>> {
        let index = self.list.len();
        let taken = |_| Arc::clone(&route.pattern);
        let folded = route.pattern.to_lowercase();
        if self.patterns.contains(&folded) {
            return Err(Arc::clone(&route.pattern));
        }
        self.exact.insert(&*route.pattern, index).map_err(taken)?;
        let of_mode = match route.mode {
            Mode::Enforce => &mut self.folded,
            Mode::Shadow => &mut self.shadowed,
        };
        of_mode.insert(&*folded, index).map_err(taken)?;
        self.path_filter.add(&folded);
        self.with_token.extend(around_token(&route.pattern).map(|_| index));
        self.patterns.insert(folded);
        self.list.push(route);
        Ok(())
    }

    /// Keeps everybody else away from an address, unless it is a shadow route's own path.
    pub(crate) fn reserve(&mut self, path: &str, plan: &Arc<Plan>) {
        let spelled = join(&Pieces::of(path).names);
        let is_own = |route: &Route| {
            route.mode == Mode::Shadow && join(&Pieces::of(&route.pattern).names) == spelled
        };
        if !self.list.iter().any(is_own) {
            let address = Address { path: path.into(), plan: Arc::clone(plan) };
            self.path_filter.add(&spelled);
            self.addresses.entry(spelled).or_insert(address);
        }
    }

    /// The route that [`Routes::find`] gave.
    pub(crate) fn at(&self, found: Found) -> &Route {
        // Only `find` makes one, and routes are never removed.
        &self.list[found.0]
    }

    /// Has the limits go on where they stood in an earlier config.
    pub(crate) fn follow(&mut self, earlier: &Self) {
        for route in &mut self.list {
            let before = earlier.list.iter().find(|before| before.pattern == route.pattern);
            if let (Some(limit), Some(before)) =
                (&mut route.limit, before.and_then(|before| before.limit.as_ref()))
            {
                limit.follow(before);
            }
        }
    }

    /// Has its paths be seen from there.
    pub(crate) fn add_to(&self, path_filter: &SharedPathFilter) {
        path_filter.add(&self.path_filter);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.list.iter()
    }

    pub(crate) fn find<'p>(&self, path: &'p str) -> Lookup<'_, 'p> {
        if !self.path_filter.may_know(path) && has_one_reading(path) {
            return Lookup::Other;
        }
        self.find_slowly(path)
    }

    #[inline(never)]
    fn find_slowly<'p>(&self, path: &'p str) -> Lookup<'_, 'p> {
        let Ok(matched) = self.exact.at(path) else { return self.find_spelled(path) };
        let found = Found(*matched.value);
        if self.lets_pass(found) {
            let other = self.find_spelled(path);
            if self.keeps_out(&other) {
                return other;
            }
        }
        Lookup::Callback(found, matched.params.get(TOKEN))
    }

    /// Finds the enforcing route whose path this is, letter by letter.
    pub(crate) fn find_exact<'p>(&self, path: &'p str) -> Option<(Found, Option<&'p str>)> {
        let matched = self.exact.at(path).ok()?;
        let found = Found(*matched.value);
        (!self.lets_pass(found)).then(|| (found, matched.params.get(TOKEN)))
    }

    fn lets_pass(&self, found: Found) -> bool {
        self.at(found).mode == Mode::Shadow
    }

    /// Whether it is a reading that must not be passed on.
    fn keeps_out(&self, lookup: &Lookup<'_, '_>) -> bool {
        match lookup {
            Lookup::Ambiguous(found) | Lookup::Callback(found, _) => !self.lets_pass(*found),
            Lookup::Other => false,
            Lookup::Reserved(_) => true,
        }
    }

    /// What the path may be taken for, whatever it is letter by letter.
    fn find_spelled(&self, path: &str) -> Lookup<'_, 'static> {
        if has_one_reading(path) {
            return self.find_folded(&folded(path));
        }
        self.find_read(path)
    }

    /// What any of its readings is.
    fn find_read(&self, path: &str) -> Lookup<'_, 'static> {
        let whole = decode(path);
        let as_it_stands = once_with(|| self.find_taken_apart(&Pieces::decoded(path, &whole)));
        let cut = once_with(|| cut_spellings(path, &whole)).flatten();
        let cut = cut.map(|spelling| self.find_taken_apart(&Pieces::of(&spelling)));
        self.strongest(as_it_stands.chain(cut))
    }

    /// What keeps the request out, if one of them does; otherwise the first that is somebody's.
    fn strongest<'r>(
        &self,
        lookups: impl Iterator<Item = Lookup<'r, 'static>>,
    ) -> Lookup<'r, 'static> {
        let mut weaker = Lookup::Other;
        for found in lookups {
            if self.keeps_out(&found) {
                return found;
            }
            if matches!(weaker, Lookup::Other) {
                weaker = found;
            }
        }
        weaker
    }

    fn find_taken_apart(&self, pieces: &Pieces) -> Lookup<'_, 'static> {
        if pieces.has_parent {
            return self.find_left(pieces);
        }
        let readings = pieces.readings();
        let read = readings.iter().map(|names| self.find_folded(&join(names)));
        let with_token = once_with(|| self.find_token(pieces, &readings)).flatten();
        self.strongest(read.chain(with_token))
    }

    /// A route whose secret segment can be several names, or none, by the reading of a server that
    /// splits the path elsewhere; an enforcing one first.
    fn find_token(&self, pieces: &Pieces, readings: &[Vec<&str>]) -> Option<Lookup<'_, 'static>> {
        let fits = |route: &Route| readings.iter().any(|n| pieces.can_be(n, &route.pattern));
        let found = |wanted: Mode| {
            let mut routes = self.with_token.iter().map(|index| Found(*index));
            routes.find(|found| self.at(*found).mode == wanted && fits(self.at(*found)))
        };
        found(Mode::Enforce).or_else(|| found(Mode::Shadow)).map(Lookup::Ambiguous)
    }

    fn find_folded(&self, folded: &str) -> Lookup<'_, 'static> {
        if let Ok(matched) = self.folded.at(folded) {
            return Lookup::Ambiguous(Found(*matched.value));
        }
        if let Some(address) = self.addresses.get(folded) {
            return Lookup::Reserved(address);
        }
        let shadow = self.shadowed.at(folded);
        shadow.map_or(Lookup::Other, |matched| Lookup::Ambiguous(Found(*matched.value)))
    }

    /// A route or address whose segments can be what is left of the pieces.
    fn find_left(&self, pieces: &Pieces) -> Lookup<'_, 'static> {
        let route_in = |mode| {
            let leaves = |route: &Route| route.mode == mode && pieces.can_leave(&route.pattern);
            Some(Lookup::Ambiguous(Found(self.list.iter().position(leaves)?)))
        };
        let address = || {
            let (_, address) = self.addresses.iter().find(|(path, _)| pieces.can_leave(path))?;
            Some(Lookup::Reserved(address))
        };
        let kept_out = route_in(Mode::Enforce).or_else(address);
        kept_out.or_else(|| route_in(Mode::Shadow)).unwrap_or(Lookup::Other)
    }
}

/// Whether a configured path is in the one spelling that cannot be mistaken.
pub(crate) fn is_canonical(pattern: &str) -> bool {
    let literal = pattern.replacen("/{token}", "/token", 1);
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let whole = pattern.split('/').filter(|s| *s == TOKEN_SEGMENT).count()
        == usize::from(literal != pattern);
    whole && literal.bytes().all(unreserved) && is_plain(&literal.to_lowercase())
}

const SCRIPTS: [&str; 10] =
    [".asp", ".aspx", ".cgi", ".fcgi", ".jsp", ".php", ".phtml", ".pl", ".py", ".rb"];
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
    fn every_spelling_is_within_the_horizon_of_what_was_ever_known() {
        let (routes, path_filter) = (routes(), SharedPathFilter::default());
        routes.add_to(&path_filter);
        Routes::default().add_to(&path_filter);
        for spelling in SPELLINGS.into_iter().chain(["/live/push", "/hooks/x", "/Hooks/x"]) {
            assert!(!path_filter.is_beyond(spelling), "{spelling}");
        }
        for other in ["/", "/api/users/7", "/assets/app.3f2a91.js", "/callbacks"] {
            assert!(path_filter.is_beyond(other), "{other}");
        }
    }

    #[test]
    fn a_token_in_front_may_begin_with_any_letter() {
        let (mut routes, path_filter) = (Routes::default(), SharedPathFilter::default());
        let plan = Arc::new(built_in().next().unwrap());
        routes.add(route("/{token}", Mode::Enforce, &plan)).unwrap();
        routes.add_to(&path_filter);
        for letter in ["a", "Z", "0", "~", "-"] {
            assert!(!path_filter.is_beyond(&format!("/{letter}any")), "{letter}");
        }
    }

    #[test]
    fn every_spelling_is_refused() {
        let routes = routes();
        for spelling in SPELLINGS {
            match routes.find(spelling) {
                Lookup::Callback(..) => assert_eq!(spelling, "/callbacks/tencent"),
                Lookup::Ambiguous(_) => {}
                Lookup::Other | Lookup::Reserved(_) => panic!("{spelling} goes through"),
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

    /// What passes in shadow mode is what no other reading keeps out.
    #[test]
    fn a_shadow_route_opens_nothing_but_its_own_path() {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = routes();
        for pattern in ["/shadow", "/shadow/{token}", "/live/{token}", "/live/shadow"] {
            routes.add(route(pattern, Mode::Shadow, &plan)).unwrap();
        }
        routes.reserve("/live/shadow", &plan);
        for path in ["/shadow", "/shadow/any", "/shadow/%2e", "/live/other", "/live/shadow"] {
            let Lookup::Callback(found, _) = routes.find(path) else { panic!("{path}") };
            assert!(routes.lets_pass(found) && routes.find_exact(path).is_none(), "{path}");
        }
        assert!(routes.find_exact("/callbacks/tencent").is_some());
        for path in ["/SHADOW", "//shadow", "/x/../shadow", "/shadow/", "/live//shadow"] {
            let Lookup::Ambiguous(found) = routes.find(path) else { panic!("{path}") };
            assert!(routes.lets_pass(found), "{path}");
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
            assert!(routes.keeps_out(&routes.find(path)), "{path}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 4096,
            failure_persistence: None,
            ..Default::default()
        })]

        /// One look at a path tells what taking it apart tells.
        #[test]
        fn a_path_of_one_reading_is_what_its_readings_are(
            path in "(/(callbacks|tencent|Live|push|LIVE|hooks|x|cb|v1.2|a..b|b.js|c.json|D.PHP|é|_~-|)){0,4}[/.;%]?",
        ) {
            let routes = routes();
            let found = |lookup: Lookup<'_, '_>| match lookup {
                Lookup::Ambiguous(found) | Lookup::Callback(found, _) => format!("{found:?}"),
                Lookup::Other => "other".to_owned(),
                Lookup::Reserved(address) => address.path.to_string(),
            };
            let read = found(routes.find_read(&path));
            proptest::prop_assert_eq!(found(routes.find(&path)), &*read, "{}", path);
            let path_filter = SharedPathFilter::default();
            routes.add_to(&path_filter);
            proptest::prop_assert!(!path_filter.is_beyond(&path) || read == "other", "{}", path);
        }
    }

    #[test]
    fn other_paths_stay_others() {
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
    fn a_configured_path_has_one_spelling() {
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
