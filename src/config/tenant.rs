//! Warnings about kinds whose callbacks name no tenant.

use super::ConfigReader;
use crate::route::{Route, Routes};
use crate::toml_reader::{FaultKind, Table};

impl<'f> ConfigReader<'f, '_> {
    /// Warns of each route on which gatepost refuses the callbacks of some kinds because they name
    /// no tenant.
    pub(super) fn warn_of_kinds_without_tenant(&self, tables: &[Table<'f>], routes: &Routes) {
        // Another warning covers a provider without a bound tenant.
        let is_bound = |(_, route): &(_, &Route)| route.bindings.has_tenants();
        for (table, route) in tables.iter().zip(routes.iter()).filter(is_bound) {
            let refused: Vec<_> = refused_kinds(route, routes).collect();
            if refused.is_empty() {
                continue;
            }
            let names = |kinds: &mut dyn Iterator<Item = &usize>| {
                let names = kinds.filter_map(|kind| route.plan.kinds.get(*kind));
                names.map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ")
            };
            let problem = format!(
                "expected a tenant in each callback on the route {}, found none in these kinds, \
                 which gatepost refuses: {}",
                route.label,
                names(&mut refused.iter())
            );
            let remedy = "bind \"*\" in a template, or set `template` on a route for these kinds";
            let unnamed = names(&mut refused.iter().filter(|kind| route.lacks_kind(**kind)));
            let remedy = match unnamed.is_empty() {
                true => remedy.to_owned(),
                false => format!(
                    "{remedy}; callbacks of the following kinds do not name their kind, so each \
                     of these kinds needs a route with `kind`, as the platform's page in the \
                     gatepost manual shows: {unnamed}"
                ),
            };
            let problem = FaultKind::TenantUnnamed.because(problem);
            self.warnings.add(&table.place_of("path"), problem, remedy);
        }
    }
}

/// Returns the kinds that gatepost refuses on a route because their callbacks name no tenant.
/// Omits a kind with a route of its own if callbacks do not name this kind.
fn refused_kinds<'r>(route: &'r Route, routes: &'r Routes) -> impl Iterator<Item = usize> + 'r {
    let has_own_route = |kind: usize| {
        let is_own = |other: &Route| other.kind == Some(kind);
        route.lacks_kind(kind)
            && routes.iter().any(|other| other.plan.name == route.plan.name && is_own(other))
    };
    (0..route.plan.kinds.len())
        .filter(|kind| route.kind.is_none_or(|own| own == *kind))
        .filter(|kind| route.lacks_tenant(*kind))
        .filter(move |kind| !has_own_route(*kind))
}
