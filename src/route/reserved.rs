//! Reservations: the paths on which gatepost accepts only callbacks from clients.

use std::sync::Arc;

use super::pieces::{Pieces, around_token, join};
use super::settings::{Mode, Route};
use super::subtree::{Owner, Subtrees, bases_of};
use super::{ReservedAddress, RouteIndex, Routes};
use crate::provider::Plan;
use crate::template::Reach;

impl Routes {
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
        let address = ReservedAddress { path: path.into(), plan: Arc::clone(plan) };
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
                let (names, found) = (Pieces::of(base).names, RouteIndex(index));
                if route.parameters.is_empty() {
                    self.reserve_below(&names, &Owner::Route(found));
                } else {
                    self.front_controllers.push(FrontController::new(&names, found));
                }
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

    /// Returns each path that gatepost reserves together with the parameters of a route, as in
    /// `/app/*?c=play`.
    pub(crate) fn reserved_with_parameters(&self) -> impl Iterator<Item = String> {
        self.front_controllers.iter().flat_map(|front| {
            let bases: Vec<_> = front.below.bases().collect();
            let bases = if bases.is_empty() { vec![""] } else { bases };
            let parameters = &self.at(front.route).parameters;
            bases.into_iter().map(move |base| format!("{base}/*{parameters}"))
        })
    }

    /// Returns true if gatepost, in front of a file server, must read the query of every request.
    pub(crate) fn has_front_controllers(&self) -> bool {
        !self.front_controllers.is_empty()
    }
}

/// A route with parameters, for a gatepost in front of a file server.
///
/// The server may run the route's script for other paths: for the folder of an index script, and
/// for the paths below the script. The script in the root may serve every path. gatepost refuses a
/// request for such a path if some server can read the route's parameters in the request.
#[derive(Debug)]
pub(super) struct FrontController {
    pub(super) route: RouteIndex,
    /// Paths that the server maps to the script; empty if the server may map every path.
    pub(super) below: Subtrees,
}

impl FrontController {
    fn new(names: &[String], route: RouteIndex) -> Self {
        let mut below = Subtrees::default();
        bases_of(names).for_each(|base| below.add(base, Owner::Route(route)));
        Self { route, below }
    }

    pub(super) fn may_serve(&self, pieces: &Pieces) -> bool {
        self.below.is_empty() || self.below.find_in_pieces(pieces).is_some()
    }
}

/// Returns true if gatepost can reserve the subtree of the path: false for `/` and `/index.php`.
pub(crate) fn has_base(path: &str) -> bool {
    bases_of(&Pieces::of(path).names).next().is_some()
}
