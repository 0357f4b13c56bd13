//! Lookup of a path in all its readings.

use std::iter::once_with;

use super::decode::decode;
use super::path_filter::{folded, has_one_reading};
use super::pieces::{Pieces, cut_spellings, join};
use super::subtree::Owner;
use super::{Lookup, Mode, Route, RouteIndex, Routes, TOKEN, Target};
use crate::template::Reach;

/// Maximum length, in bytes, of a path about which servers disagree and whose readings gatepost
/// compares. A longer path of this sort counts as a spelling of a route's path.
///
/// For a path with many layers of encoding, the lookup takes up to 0.3 ms for each KiB. By default,
/// nginx and Apache refuse request lines of more than 8 KiB.
const MAX_READ_BYTES: usize = 8 * 1024;

/// A lookup of a target in the routes of a config.
#[derive(Clone, Copy)]
pub(super) struct Search<'r, 's, 'p> {
    pub(super) routes: &'r Routes,
    pub(super) target: &'s Target<'p>,
    /// Widest reservation that the lookup applies: [`Reach::Exact`] in the layer,
    /// [`Reach::Subtree`] in the proxy.
    pub(super) reach: Reach,
}

impl<'r, 'p> Search<'r, '_, 'p> {
    // Do not inline, so that `Routes::find` remains small. For most paths, gatepost runs only
    // `Routes::find`.
    #[inline(never)]
    pub(super) fn find(self) -> Lookup<'r, 'p> {
        let path = self.target.path;
        let Ok(matched) = self.routes.exact.at(path) else { return self.find_spelling(path) };
        let Some(found) = self.routes.with_query(*matched.value, self.target.query) else {
            // The path may also belong to a route with a secret segment, or be a reserved address.
            return self.find_readings(path);
        };
        if self.routes.is_shadow(found) {
            let stricter = self.find_spelling(path);
            if self.routes.must_refuse(&stricter) {
                return stricter;
            }
        }
        Lookup::Callback(found, matched.params.get(TOKEN))
    }

    /// Looks up every reading of a path. Never returns [`Lookup::Callback`].
    fn find_spelling(self, path: &str) -> Lookup<'r, 'static> {
        if has_one_reading(path) {
            let folded = folded(path);
            return self.find_folded(&folded, folded.split('/').skip(1));
        }
        self.find_readings(path)
    }

    /// Normalises a path, looks up each reading and returns the strictest result.
    pub(super) fn find_readings(self, path: &str) -> Lookup<'r, 'static> {
        if path.len() > MAX_READ_BYTES {
            return self.unread();
        }
        let whole = decode(path);
        // The iterators are lazy: the lookup ends at the first reading that gatepost must refuse.
        let uncut = once_with(|| self.find_pieces(&Pieces::decoded(path, &whole)));
        let cut = once_with(|| cut_spellings(path, &whole)).flatten();
        let cut = cut.map(|spelling| self.find_pieces(&Pieces::of(&spelling)));
        self.strictest(uncut.chain(cut))
    }

    /// Returns the result for a path that is too long to read: the first enforcing route whose
    /// parameters some server can read in the target, else a reserved address.
    fn unread(self) -> Lookup<'r, 'static> {
        let mut found = (0..self.routes.list.len()).map(RouteIndex);
        let may_be = |found: &RouteIndex| self.routes.at(*found).may_have_parameters(self.target);
        if let Some(enforcing) = found.find(|found| !self.routes.is_shadow(*found) && may_be(found))
        {
            return Lookup::Ambiguous(enforcing);
        }
        self.routes.addresses.values().next().map_or(Lookup::Other, Lookup::Reserved)
    }

    /// Returns the first match that must be refused, else the first match of any kind.
    fn strictest(&self, lookups: impl Iterator<Item = Lookup<'r, 'static>>) -> Lookup<'r, 'static> {
        let mut first = Lookup::Other;
        for found in lookups {
            if self.routes.must_refuse(&found) {
                return found;
            }
            if matches!(first, Lookup::Other) {
                first = found;
            }
        }
        first
    }

    /// Looks up every reading of a path, split into [`Pieces`], and returns the strictest result.
    fn find_pieces(self, pieces: &Pieces) -> Lookup<'r, 'static> {
        if pieces.has_parent {
            return self.find_in_order(pieces);
        }
        let readings = pieces.readings();
        let read = readings.iter().map(|names| self.find_names(names));
        let with_token = once_with(|| self.find_split_token(pieces, &readings)).flatten();
        self.strictest(read.chain(with_token))
    }

    /// Finds a route whose secret segment some server reads as several segments, or as none.
    /// Prefers an enforcing route.
    fn find_split_token(
        &self,
        pieces: &Pieces,
        readings: &[Vec<&str>],
    ) -> Option<Lookup<'r, 'static>> {
        let fits = |route: &Route| {
            readings.iter().any(|names| pieces.fits_split_token(names, &route.pattern))
                && route.may_have_parameters(self.target)
        };
        let found = |wanted: Mode| {
            let mut routes = self.routes.with_token.iter().map(|index| RouteIndex(*index));
            routes
                .find(|found| self.routes.at(*found).mode == wanted && fits(self.routes.at(*found)))
        };
        found(Mode::Enforce).or_else(|| found(Mode::Shadow)).map(Lookup::Ambiguous)
    }

    /// Looks up lower-case names.
    fn find_names(self, names: &[&str]) -> Lookup<'r, 'static> {
        let path = if names.is_empty() { "/".to_owned() } else { join(names) };
        self.find_folded(&path, names.iter().copied())
    }

    /// Looks up a lower-case path, which consists of `names`.
    fn find_folded<'n>(
        self,
        folded: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Lookup<'r, 'static> {
        let with_parameters = |first| self.routes.with_parameters(first, self.target);
        let enforced = self.routes.enforced.at(folded).ok();
        if let Some(found) = enforced.and_then(|matched| with_parameters(*matched.value)) {
            return Lookup::Ambiguous(found);
        }
        if let Some(address) = self.routes.addresses.get(folded) {
            return Lookup::Reserved(address);
        }
        let shadow = self.routes.shadowed.at(folded).ok().and_then(|matched| {
            Some((with_parameters(*matched.value)?, matched.params.is_empty()))
        });
        let is_literal = shadow.is_some_and(|(_, is_literal)| is_literal);
        // The operator has written the path of a literal shadow route in full. The route therefore
        // takes precedence over a subtree.
        if self.reach == Reach::Subtree
            && !is_literal
            && let Some(owner) = self.routes.subtrees.find(names)
        {
            return owner.lookup();
        }
        shadow.map_or(Lookup::Other, |(found, _)| Lookup::Ambiguous(found))
    }

    /// Finds a route or an address whose segments occur in order among the names of the path.
    fn find_in_order(self, pieces: &Pieces) -> Lookup<'r, 'static> {
        let route_in = |mode| {
            let fits = |route: &Route| {
                route.mode == mode
                    && pieces.contain_in_order(&route.pattern)
                    && route.may_have_parameters(self.target)
            };
            Some(Lookup::Ambiguous(RouteIndex(self.routes.list.iter().position(fits)?)))
        };
        let address = || {
            let fits = |(path, _): &(&String, _)| pieces.contain_in_order(path);
            let (_, address) = self.routes.addresses.iter().find(fits)?;
            Some(Lookup::Reserved(address))
        };
        let below = || {
            let is_below = self.reach == Reach::Subtree;
            is_below.then(|| self.routes.subtrees.find_in_order(pieces)).flatten()
        };
        let refused =
            route_in(Mode::Enforce).or_else(address).or_else(|| below().map(Owner::lookup));
        refused.or_else(|| route_in(Mode::Shadow)).unwrap_or(Lookup::Other)
    }
}
