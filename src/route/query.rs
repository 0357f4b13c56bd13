//! Paths in the query of a request.
//!
//! Many front controllers take the path of a request from its query: CodeIgniter from
//! `/?/live/push`, ThinkPHP from `/?s=/live/push`, and rewrite rules from a parameter of any name.
//! In front of a file server, gatepost therefore also looks for a reserved path in the name and in
//! the value of each parameter.
//!
//! A name or a value without a slash is not a path. An app may have a parameter `?tab=push` for any
//! reason, so gatepost does not read `push` as the path `/push`.
//!
//! A route may also have parameters in the query: see [`parameters`](super::parameters).

use std::borrow::Cow;
use std::cell::LazyCell;

use super::decode::decode;
use super::pieces::Pieces;
use super::{Lookup, Routes, Target};

impl Routes {
    /// Finds a reserved subtree that the query of a request names as a path, or a route whose
    /// parameters some server can read in the target.
    pub(crate) fn find_in_query(&self, target: &Target<'_>) -> Lookup<'_, 'static> {
        let query = target.query.filter(|query| may_contain_path(query));
        let mut paths = query.into_iter().flat_map(paths_in);
        let found = paths.find_map(|path| self.subtrees.find_in_pieces(&Pieces::of(&path)));
        match found {
            Some(owner) => owner.lookup(),
            None => self.find_front_controller(target),
        }
    }

    /// Finds a route that has parameters, and whose script some server can run for the target.
    fn find_front_controller(&self, target: &Target<'_>) -> Lookup<'_, 'static> {
        let pieces = LazyCell::new(|| Pieces::of(target.path));
        let found = self.front_controllers.iter().find(|front| {
            self.at(front.route).may_have_parameters(target) && front.may_serve(&pieces)
        });
        found.map_or(Lookup::Other, |front| Lookup::Ambiguous(front.route))
    }
}

/// Returns false if the query certainly contains no path. Most queries contain none.
pub(crate) fn may_contain_path(query: &str) -> bool {
    query.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b'%'))
}

/// Returns each parameter name and each parameter value that contains a slash, as a path.
fn paths_in(query: &str) -> impl Iterator<Item = String> {
    let pieces = query.split(['&', ';']).flat_map(|piece| match piece.split_once('=') {
        Some((name, value)) => [Some(name), Some(value)],
        None => [Some(piece), None],
    });
    pieces.flatten().filter(|text| may_contain_path(text)).filter_map(|text| {
        let text = decode(text);
        let text: Cow<'_, str> = text.trim_start().replace('+', " ").into();
        let starts_with_slash = text.starts_with(['/', '\\']);
        text.contains(['/', '\\'])
            .then(|| if starts_with_slash { text.into_owned() } else { format!("/{text}") })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::provider::built_in;
    use crate::template::Reach;

    #[test]
    fn finds_reserved_path_in_name_or_value_of_a_parameter() {
        let plan = Arc::new(built_in().next().unwrap());
        let mut routes = Routes::default();
        routes.reserve("/live/push", Reach::Subtree, &plan);
        routes.reserve("/exact/push", Reach::Exact, &plan);
        for query in [
            "/live/push",
            "/live/push&x=1",
            "s=/live/push",
            "s=live/push",
            "x=1&%73=%2flive%2Fpush",
            "_url=/other&_url=/live//push",
            "r=live%252Fpush",
            "q=live\\push",
            "/LIVE/push.php",
            "/live/push/x",
            "/index.php/live/push",
            "/x/../live/push",
            "a=b;s=/live/push",
        ] {
            assert!(
                matches!(routes.find_in_query(&Target::new("/", Some(query))), Lookup::Reserved(_)),
                "expected a reserved path, found none in {query:?}"
            );
        }
        for query in [
            "",
            "tab=push",
            "live&push",
            "next=https://gate.test/live/push",
            "path=/live",
            "path=/live/pushes",
            "path=/blog/live/push",
            "s=/exact/push",
            "q=%E7%9B%B4%E6%92%AD",
        ] {
            assert!(
                matches!(routes.find_in_query(&Target::new("/", Some(query))), Lookup::Other),
                "expected no reserved path, found one in {query:?}"
            );
        }
    }
}
