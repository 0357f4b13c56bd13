//! Routes: which paths belong to a provider, however they are spelled.
//!
//! A path is a callback path if it matches a route letter by letter. A path that is another
//! spelling of one, by the reading of any server that may stand behind the gate, is refused: the
//! gate cannot know which reading the app has, and an app that reads it as the callback path would
//! take a callback that nobody verified. The spellings, undone in this order:
//!
//! 1. percent-encoding, also of percent-encoding (`%2563`);
//! 2. `\` for `/`;
//! 3. what a server cuts off: from a NUL, `?` or `#` that was encoded;
//! 4. parameters (`;x`) and trailing dots and spaces of a segment;
//! 5. empty, `.` and `..` segments, and a trailing slash;
//! 6. case.

use std::borrow::Cow;
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

/// What a path is.
#[derive(Debug)]
pub(crate) enum Lookup<'p> {
    /// Another spelling of this route's path.
    Ambiguous(Found),
    /// This route's path, with the secret segment if it has one.
    Callback(Found, Option<&'p str>),
    /// Nobody's.
    Other,
}

/// All routes.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    list: Vec<Route>,
    exact: Router<usize>,
    folded: Router<usize>,
}

impl Routes {
    /// Adds a route, unless its path is taken.
    pub(crate) fn add(&mut self, route: Route) -> Result<(), Arc<str>> {
        let index = self.list.len();
        let taken = |_| Arc::clone(&route.pattern);
        self.exact.insert(&*route.pattern, index).map_err(taken)?;
        self.folded.insert(fold(&route.pattern), index).map_err(taken)?;
        self.list.push(route);
        Ok(())
    }

    /// The route that [`Routes::find`] gave.
    pub(crate) fn at(&self, found: Found) -> &Route {
        // Only `find` makes one, and routes are never removed.
        &self.list[found.0]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.list.iter()
    }

    pub(crate) fn find<'p>(&self, path: &'p str) -> Lookup<'p> {
        if let Ok(matched) = self.exact.at(path) {
            return Lookup::Callback(Found(*matched.value), matched.params.get(TOKEN));
        }
        match self.folded.at(&fold(path)) {
            Ok(matched) => Lookup::Ambiguous(Found(*matched.value)),
            Err(_) => Lookup::Other,
        }
    }
}

/// Whether a configured path is in the one spelling that cannot be mistaken.
pub(crate) fn is_canonical(pattern: &str) -> bool {
    let literal = pattern.replace(TOKEN_SEGMENT, "token");
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    literal.bytes().all(unreserved) && fold(&literal) == literal.to_lowercase()
}

/// Undoes every other spelling. Borrows when there is nothing to undo, which is the rule.
fn fold(path: &str) -> Cow<'_, str> {
    if is_plain(path) {
        return Cow::Borrowed(path);
    }
    let decoded = decode(path).replace('\\', "/");
    let cut = decoded.split(['\0', '?', '#']).next().unwrap_or_default();
    let mut segments: Vec<&str> = Vec::new();
    for segment in cut.split('/') {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            named => segments.push(named.trim_end_matches(['.', ' '])),
        }
    }
    Cow::Owned(format!("/{}", segments.join("/")).to_lowercase())
}

fn is_plain(path: &str) -> bool {
    let mut before = b'x';
    let plain = path.bytes().all(|byte| {
        let fits = match byte {
            b'/' => !matches!(before, b'/' | b'.'),
            b'.' => before != b'/',
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'{' | b'}' => true,
            _ => false,
        };
        before = byte;
        fits
    });
    plain && path.starts_with('/') && (path.len() == 1 || !path.ends_with(['/', '.']))
}

/// Decodes until nothing changes, or until the nesting is nobody's honest spelling.
fn decode(path: &str) -> String {
    const ROUNDS: usize = 4;
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

    #[test]
    fn every_spelling_folds_to_one() {
        let spellings = [
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
        ];
        for spelling in spellings {
            assert_eq!(fold(spelling), "/callbacks/tencent", "{spelling}");
        }
    }

    #[test]
    fn other_paths_stay_others() {
        for path in [
            "/",
            "/callbacks",
            "/callbacks/tencent/x",
            "/callbacks/tencentx",
            "/callbacks-tencent",
            "/a.b/c.png",
        ] {
            assert_ne!(fold(path), "/callbacks/tencent", "{path}");
        }
        assert!(matches!(fold("/live/push.php"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_configured_path_has_one_spelling() {
        for path in ["/callbacks/tencent", "/Callbacks/Kollus/{token}", "/a.b/c"] {
            assert!(is_canonical(path), "{path}");
        }
        for path in
            ["callbacks", "/a//b", "/a/", "/a/../b", "/%61", "/a;b", "/{other}", "/{*rest}", "/a b"]
        {
            assert!(!is_canonical(path), "{path}");
        }
    }
}
