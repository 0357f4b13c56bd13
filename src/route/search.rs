//! Looks up a path in all its readings.

use std::iter::once_with;

use super::decode::decode;
use super::path_filter::{folded, has_one_reading};
use super::pieces::{Pieces, cut_spellings, join};
use super::subtree::Owner;
use super::{Lookup, Mode, Route, RouteIndex, Routes, TOKEN};
use crate::template::Reach;

/// Length up to which gatepost reads a path about which servers disagree. A longer path of this
/// kind could be a spelling of any route's path.
///
/// Reading takes up to 0.3 ms for each KiB if the path is encoded many times. By default, nginx and
/// Apache refuse request lines of more than 8 KiB.
const MAX_READ_BYTES: usize = 8 * 1024;

/// A lookup in the routes of a config.
#[derive(Clone, Copy)]
pub(super) struct Search<'r> {
    pub(super) routes: &'r Routes,
    /// Widest reservation that the lookup applies: [`Reach::Exact`] in a layer, [`Reach::Subtree`]
    /// in a proxy.
    pub(super) reach: Reach,
}

impl<'r> Search<'r> {
    // Not inlined, so that `Routes::find` remains small. For most paths, gatepost runs only
    // `Routes::find`.
    #[inline(never)]
    pub(super) fn find<'p>(self, path: &'p str) -> Lookup<'r, 'p> {
        let Ok(matched) = self.routes.exact.at(path) else { return self.find_spelling(path) };
        let found = RouteIndex(*matched.value);
        if self.routes.is_shadow(found) {
            let stricter = self.find_spelling(path);
            if self.must_refuse(&stricter) {
                return stricter;
            }
        }
        Lookup::Callback(found, matched.params.get(TOKEN))
    }

    /// Returns true if a request with this lookup result must not reach the app unverified.
    pub(super) fn must_refuse(self, lookup: &Lookup<'_, '_>) -> bool {
        match lookup {
            Lookup::Ambiguous(found) | Lookup::Callback(found, _) => !self.routes.is_shadow(*found),
            Lookup::Other => false,
            Lookup::Reserved(_) => true,
        }
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
        // Lazy: the lookup ends at the first reading that gatepost must refuse.
        let uncut = once_with(|| self.find_pieces(&Pieces::decoded(path, &whole)));
        let cut = once_with(|| cut_spellings(path, &whole)).flatten();
        let cut = cut.map(|spelling| self.find_pieces(&Pieces::of(&spelling)));
        self.strictest(uncut.chain(cut))
    }

    /// Returns the result for a path that is too long to read: the first enforcing route or address
    /// that a server might find in it.
    fn unread(self) -> Lookup<'r, 'static> {
        let mut found = (0..self.routes.list.len()).map(RouteIndex);
        if let Some(enforcing) = found.find(|found| !self.routes.is_shadow(*found)) {
            return Lookup::Ambiguous(enforcing);
        }
        self.routes.addresses.values().next().map_or(Lookup::Other, Lookup::Reserved)
    }

    /// Returns the first match that must be refused, else the first match of any kind.
    fn strictest(&self, lookups: impl Iterator<Item = Lookup<'r, 'static>>) -> Lookup<'r, 'static> {
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
        self.find_folded(&join(names), names.iter().copied())
    }

    /// Looks up a lower-case path, which consists of `names`.
    fn find_folded<'n>(
        self,
        folded: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Lookup<'r, 'static> {
        if let Ok(matched) = self.routes.enforced.at(folded) {
            return Lookup::Ambiguous(RouteIndex(*matched.value));
        }
        if let Some(address) = self.routes.addresses.get(folded) {
            return Lookup::Reserved(address);
        }
        let shadow = self.routes.shadowed.at(folded).ok();
        let is_literal = shadow.as_ref().is_some_and(|matched| matched.params.is_empty());
        // The operator has written the path of a literal shadow route in full. The route therefore
        // takes precedence over a subtree.
        if self.reach == Reach::Subtree
            && !is_literal
            && let Some(owner) = self.routes.subtrees.find(names)
        {
            return owner.lookup();
        }
        shadow.map_or(Lookup::Other, |matched| Lookup::Ambiguous(RouteIndex(*matched.value)))
    }

    /// Finds a route or an address whose segments occur among the pieces in order.
    fn find_in_order(self, pieces: &Pieces) -> Lookup<'r, 'static> {
        let route_in = |mode| {
            let fits =
                |route: &Route| route.mode == mode && pieces.contain_in_order(&route.pattern);
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
