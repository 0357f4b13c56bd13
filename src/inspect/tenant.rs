//! Kinds that name no tenant.

use crate::config::Config;
use crate::inspect::sample::Sample;
use crate::route::{Mode, Route};
use crate::toml_reader::list;

impl Config {
    /// Returns each route whose callbacks of some kinds name no tenant, with these kinds. gatepost
    /// refuses such a callback (`tenant_missing`), because neither the route nor a binding of `*`
    /// selects a template.
    ///
    /// Judges a kind by its sample. If the platform documents no sample, omits the kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use gatepost::Config;
    ///
    /// let config = |tenant: &str| {
    ///     let text = format!(
    ///         "[[route]]\npath = '/t'\nprovider = 'tencent-css'\n[[template]]\nname = 'a'\n\
    ///          provider = 'tencent-css'\ninsecure_unsigned = true\nbind = ['{tenant}']"
    ///     );
    ///     Config::from_text(&text, "gatepost.toml").unwrap()
    /// };
    /// let one = config("push.example.com");
    /// let (path, kinds) = one.kinds_without_tenant().next().unwrap();
    /// assert_eq!(path, "/t");
    /// assert!(kinds.contains(&"relay") && !kinds.contains(&"push"));
    /// assert!(config("*").kinds_without_tenant().next().is_none());
    /// ```
    pub fn kinds_without_tenant(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let needs_tenant = |route: &&Route| {
            let selects = route.template.is_some() || route.bindings.wildcard().is_some();
            route.mode == Mode::Enforce && !selects && !route.plan.tenant.is_empty()
        };
        self.routes.iter().filter(needs_tenant).filter_map(|route| {
            let kinds = route.plan.kinds.iter().enumerate();
            let is_sent = |index| route.kind.is_none_or(|kind| kind == index);
            let without: Vec<_> = kinds
                .filter(|(index, _)| is_sent(*index))
                .filter(|(index, _)| !Sample::new(&route.plan, *index).may_name_tenant())
                .map(|(_, kind)| &*kind.name)
                .collect();
            (!without.is_empty()).then_some((&*route.label, without))
        })
    }

    /// Returns a problem and a remedy for each route of [`Config::kinds_without_tenant`], with the
    /// code [`FaultKind::TenantUnnamed`](crate::FaultKind::TenantUnnamed).
    pub fn tenant_warnings(&self) -> impl Iterator<Item = (String, &'static str)> {
        self.kinds_without_tenant().map(|(route, kinds)| {
            let kinds = list(&kinds);
            let problem = format!(
                "expected a tenant in each callback on the route {route}, found none in these kinds, which \
                 gatepost refuses: {kinds}"
            );
            (problem, "bind \"*\" in a template, or set template on a route for these kinds")
        })
    }
}
