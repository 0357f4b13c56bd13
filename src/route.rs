//! Routes: which paths belong to a provider, however they are spelled.
//!
//! A path is a callback path if it matches a route letter by letter. A path that is another
//! spelling of one, by the reading of any server that may stand behind the gate, is refused: the
//! gate cannot know which reading the app has, and an app that reads it as the callback path would
//! take a callback that nobody verified.
//!
//! Servers differ in what they undo and in which order: percent-encoding once or more often, `\`
//! for `/`, parameters (`;x`), empty and dot segments, an authority behind `//`, what follows an
//! encoded NUL, `?` or `#`, trailing dots and blanks, case, what follows a script's name. So the
//! path is taken apart as far as any of them goes, and then:
//!
//! 1. Where nothing in it can make a segment vanish, all servers come to the same segments. They are
//!    compared as they are.
//! 2. Otherwise any order of undoing leaves some of the segments, in their order. If a route's can
//!    be left, the path is refused.
//!
//! The addresses that events are delivered to are the app's own, and reserved in the same way: a
//! request from outside that would reach one is refused.

use std::collections::HashMap;
use std::sync::Arc;

use matchit::Router;

use crate::provider::Plan;
use crate::secret::Secret;
use crate::template::{Bindings, Template};

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
    exact: Router<usize>,
    folded: Router<usize>,
    addresses: HashMap<String, Address>,
}

impl Routes {
    /// Adds a route, unless its path is taken.
    pub(crate) fn add(&mut self, route: Route) -> Result<(), Arc<str>> {
        let index = self.list.len();
        let taken = |_| Arc::clone(&route.pattern);
        let folded = route.pattern.to_lowercase();
        self.exact.insert(&*route.pattern, index).map_err(taken)?;
        self.folded.insert(&*folded, index).map_err(taken)?;
        if folded.rsplit('/').next().is_some_and(|last| last.contains('.')) {
            self.folded.insert(format!("{folded}/{{*rest}}"), index).map_err(taken)?;
        }
        self.list.push(route);
        Ok(())
    }

    /// Keeps everybody else away from an address.
    pub(crate) fn reserve(&mut self, path: &str, plan: &Arc<Plan>) {
        let address = Address { path: path.into(), plan: Arc::clone(plan) };
        self.addresses.entry(Pieces::of(path).join()).or_insert(address);
    }

    /// The route that [`Routes::find`] gave.
    pub(crate) fn at(&self, found: Found) -> &Route {
        // Only `find` makes one, and routes are never removed.
        &self.list[found.0]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.list.iter()
    }

    pub(crate) fn find<'p>(&self, path: &'p str) -> Lookup<'_, 'p> {
        if let Ok(matched) = self.exact.at(path) {
            return Lookup::Callback(Found(*matched.value), matched.params.get(TOKEN));
        }
        if is_plain(path) {
            return self.find_folded(path);
        }
        let pieces = Pieces::of(path);
        if pieces.may_vanish { self.find_left(&pieces) } else { self.find_folded(&pieces.join()) }
    }

    fn find_folded(&self, folded: &str) -> Lookup<'_, 'static> {
        if let Ok(matched) = self.folded.at(folded) {
            return Lookup::Ambiguous(Found(*matched.value));
        }
        self.addresses.get(folded).map_or(Lookup::Other, Lookup::Reserved)
    }

    /// A route or address whose segments can be what is left of the pieces.
    fn find_left(&self, pieces: &Pieces) -> Lookup<'_, 'static> {
        let route = self.list.iter().position(|route| pieces.can_leave(&route.pattern));
        if let Some(route) = route {
            return Lookup::Ambiguous(Found(route));
        }
        let mut addresses = self.addresses.iter();
        let address = addresses.find(|(path, _)| pieces.can_leave(path));
        address.map_or(Lookup::Other, |(_, address)| Lookup::Reserved(address))
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

/// Whether every server reads the path as it stands, which is the rule.
fn is_plain(path: &str) -> bool {
    let mut before = b'x';
    let plain = path.bytes().all(|byte| {
        let fits = match byte {
            b'/' => !matches!(before, b'/' | b'.'),
            b'.' => before != b'/',
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => true,
            _ => false,
        };
        before = byte;
        fits
    });
    plain && path.starts_with('/') && (path.len() == 1 || !path.ends_with(['/', '.']))
}

/// A path, taken apart as far as any server would.
struct Pieces {
    /// In small letters, without what does not name anything.
    names: Vec<String>,
    /// Whether some server would take some of them away.
    may_vanish: bool,
}

impl Pieces {
    fn of(path: &str) -> Self {
        let decoded = decode(path);
        let is_slash = |c| matches!(c, '/' | '\\');
        let ends_name = |c| matches!(c, '\0' | '?' | '#' | ';');
        let is_blank = |c: char| c == ' ' || c.is_control();
        let is_parent = |s: &str| {
            let name = s.split(ends_name).next().unwrap_or_default();
            name.trim_end_matches(is_blank) == ".."
        };
        let may_vanish = decoded.split(is_slash).any(is_parent)
            || decoded.contains(ends_name)
            || decoded.starts_with(is_slash) && decoded[1..].starts_with(is_slash);
        let names = decoded
            .split(|c| is_slash(c) || ends_name(c))
            .map(|name| name.trim_end_matches(|c| c == '.' || is_blank(c)).to_lowercase())
            .filter(|name| !name.is_empty())
            .collect();
        Self { names, may_vanish }
    }

    fn join(&self) -> String {
        self.names.iter().flat_map(|name| ["/", name]).collect()
    }

    /// Whether the pattern's segments stand among the names, in their order.
    fn can_leave(&self, pattern: &str) -> bool {
        let mut names = self.names.iter();
        let mut wanted = pattern.split('/').filter(|segment| !segment.is_empty());
        wanted.all(|segment| {
            names.any(|name| segment == TOKEN_SEGMENT || *name == segment.to_lowercase())
        })
    }
}

/// Decodes until nothing changes, or until it is nobody's honest spelling.
fn decode(path: &str) -> String {
    const ROUNDS: usize = 16;
    let mut text = path.to_owned();
    for _ in 0..ROUNDS {
        let next = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if next == text {
            break;
        }
        text = next;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::built_in;

    fn routes() -> Routes {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = Routes::default();
        for pattern in ["/callbacks/tencent", "/hooks/{token}", "/cb/x.php"] {
            let route = Route {
                pattern: pattern.into(),
                plan: Arc::clone(&plan),
                token: None,
                kind: None,
                template: None,
                bindings: Arc::default(),
                max_body_bytes: 1,
            };
            routes.add(route).unwrap();
        }
        routes.reserve("/live/Push", &plan);
        routes
    }

    const SPELLINGS: [&str; 42] = [
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
    ];

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
        for spelling in ["/hooks/secret/", "/x/../hooks/secret", "/HOOKS/secret", "/cb/x.php/extra"]
        {
            assert!(matches!(routes.find(spelling), Lookup::Ambiguous(_)), "{spelling}");
        }
        for spelling in
            ["/live/Push", "/live/push", "/live//push", "/x/../live/%70ush", "/live/push/"]
        {
            assert!(matches!(routes.find(spelling), Lookup::Reserved(_)), "{spelling}");
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
            "/hooks",
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
            "/a b",
        ] {
            assert!(!is_canonical(path), "{path}");
        }
    }
}
