//! Paths that a file server maps to the path of a route or of an address.
//!
//! Many servers find a script by several paths. For `/live/push`, some servers run
//! `/live/push/index.php` or `/live/push.php`, and pass the rest of a longer path to that script as
//! its path info (`/live/push/x`). A front controller in a folder, such as `/ev/index.php`, serves
//! all of `/ev`. gatepost therefore reserves the *base* of a path and everything below it.
//!
//! The base of a path is the path without script and format suffixes, and without an index name at
//! its end: `/live/push` for `/live/push.php`, and `/ev` for `/ev/index.php`. gatepost compares the
//! names of a request's path in the same form, and ignores any suffix after the last name of the
//! base: Rails runs the action of `/live/push` also for `/live/push.bak`. The root has no base,
//! because all paths are below the root. For `/` and `/index.php`, gatepost reserves only these
//! paths themselves.
//!
//! If a path continues after a script, the server runs that script for any continuation. The base
//! of `/live/flat.php/ev` is therefore `/live/flat`. A script in the root usually serves the whole
//! app, so gatepost does not reserve the subtree of the script. Such a front controller also serves
//! `/index.php/live/push` as `/live/push`. `/index.php/live/push` therefore has a second base: the
//! names after the script.
//!
//! The layer passes requests to services in the same process. Such services map no files, so the
//! layer applies only [`Reach::Exact`](crate::template::Reach::Exact).

use std::collections::HashMap;

use super::pieces::{Pieces, join};
use super::{FORMATS, Lookup, ReservedAddress, RouteIndex, SCRIPTS};

/// Address or route for which gatepost reserves a subtree.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    Address(ReservedAddress),
    Route(RouteIndex),
}

impl Owner {
    pub(super) const fn lookup(&self) -> Lookup<'_, 'static> {
        match self {
            Self::Address(address) => Lookup::Reserved(address),
            Self::Route(route) => Lookup::Ambiguous(*route),
        }
    }
}

/// Reserved subtrees, keyed by base.
#[derive(Debug, Default)]
pub(super) struct Subtrees {
    by_base: HashMap<String, Owner>,
    /// Maximum number of names in a base.
    depth: usize,
}

impl Subtrees {
    /// Adds the subtree of a base. Keeps a subtree that the base already has.
    pub(super) fn add(&mut self, base: String, owner: Owner) {
        self.depth = self.depth.max(base.matches('/').count());
        self.by_base.entry(base).or_insert(owner);
    }

    pub(super) fn bases(&self) -> impl Iterator<Item = &str> {
        self.by_base.keys().map(String::as_str)
    }

    /// Finds the subtree that contains a path of lower-case names.
    pub(super) fn find<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<&Owner> {
        let mut base = String::new();
        names.take(self.depth).find_map(|name| {
            base.push('/');
            let parent = base.len();
            base.push_str(stem(name));
            self.by_base.get(&base).or_else(|| self.find_without_format(&base[..parent], name))
        })
    }

    /// Finds a subtree for a name with any suffix. Rails, for example, reads any suffix as the
    /// format of the response.
    fn find_without_format(&self, parent: &str, name: &str) -> Option<&Owner> {
        let mut dots = name.rmatch_indices('.').filter(|(at, _)| *at > 0);
        dots.find_map(|(at, _)| self.by_base.get(&[parent, &name[..at]].concat()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_base.is_empty()
    }

    /// Finds the subtree that contains a path, in any reading of the path.
    pub(super) fn find_in_pieces(&self, pieces: &Pieces) -> Option<&Owner> {
        if pieces.has_parent {
            return self.find_in_order(pieces);
        }
        pieces.readings().iter().find_map(|names| self.find(names.iter().copied()))
    }

    pub(super) fn contain<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        self.find(names).is_some()
    }

    /// Finds a subtree whose base occurs in order among the names of a path. Covers paths with
    /// `..`.
    pub(super) fn find_in_order(&self, pieces: &Pieces) -> Option<&Owner> {
        let occurs = |base: &str| {
            let mut names = pieces.names.iter();
            base.split('/').skip(1).all(|wanted| names.any(|name| stem(name) == wanted))
        };
        self.by_base.iter().find(|(base, _)| occurs(base)).map(|(_, owner)| owner)
    }
}

/// Returns the bases of a path of lower-case names, as described in the module documentation.
pub(super) fn bases_of(names: &[String]) -> impl Iterator<Item = String> {
    let is_script = |name: &String| SCRIPTS.iter().any(|suffix| name.ends_with(suffix));
    let (path, after_root_script) = match names.iter().position(is_script) {
        Some(0) => (names, names.get(1..)),
        Some(script) => (names.get(..=script).unwrap_or(names), None),
        None => (names, None),
    };
    base_of(path).into_iter().chain(after_root_script.and_then(base_of))
}

/// Returns the base of a path without a script in the middle; `None` for the root and for a script
/// that a server runs for the root.
fn base_of(names: &[String]) -> Option<String> {
    let mut stems: Vec<_> = names.iter().map(|name| stem(name)).collect();
    if stems.last().is_some_and(|last| matches!(*last, "index" | "default")) {
        stems.pop();
    }
    (!stems.is_empty()).then(|| join(&stems))
}

/// Returns the name without its script and format suffixes.
pub(super) fn stem(name: &str) -> &str {
    let suffixes = || SCRIPTS.iter().chain(&FORMATS);
    let mut stem = name;
    while let Some(shorter) = suffixes().find_map(|suffix| stem.strip_suffix(suffix))
        && !shorter.is_empty()
    {
        stem = shorter;
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_is_path_without_suffixes_and_index_name() {
        for (path, base) in [
            ("/live/push", Some("/live/push")),
            ("/live/push.php", Some("/live/push")),
            ("/live/push.json.php", Some("/live/push")),
            ("/live/push/index.php", Some("/live/push")),
            ("/ev/index", Some("/ev")),
            ("/ev/Default.aspx", Some("/ev")),
            ("/app.php/live/push", Some("/app/live/push")),
            ("/ev/indexes", Some("/ev/indexes")),
            ("/.php", Some("/.php")),
            ("/", None),
            ("/index.php", None),
            ("/index", None),
        ] {
            let bases: Vec<_> = bases_of(&Pieces::of(path).names).collect();
            assert_eq!(bases.first().map(String::as_str), base, "{path}");
        }
    }

    #[test]
    fn script_in_folder_sets_base_and_script_in_root_adds_second_base() {
        for (path, bases) in [
            ("/live/flat.php/ev", &["/live/flat"][..]),
            ("/live/push/index.php/v1/ev", &["/live/push"]),
            ("/index.php/live/rec", &["/index/live/rec", "/live/rec"]),
            ("/app.php/live/rec.php", &["/app/live/rec", "/live/rec"]),
            ("/live/push.php", &["/live/push"]),
            ("/index.php", &[]),
        ] {
            let found: Vec<_> = bases_of(&Pieces::of(path).names).collect();
            assert_eq!(found, bases, "{path}");
        }
    }
}
