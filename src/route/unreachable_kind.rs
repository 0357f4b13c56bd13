//! Kinds whose callbacks gatepost always refuses on a route.

use super::{Mode, Route};

impl Route {
    /// Returns true if gatepost refuses all callbacks of the kind, with the code `tenant_missing`:
    /// the callbacks name no tenant, and neither the route nor a binding of `*` selects a template.
    ///
    /// The sample of the kind shows if callbacks of the kind name a tenant. If the kind has no
    /// sample, the sample of the provider shows this.
    pub(crate) fn lacks_tenant(&self, kind: usize) -> bool {
        let selects = self.template.is_some() || self.bindings.wildcard().is_some();
        let is_judged = self.mode == Mode::Enforce && !selects && !self.plan.tenant.is_empty();
        is_judged && !self.plan.may_name_tenant(kind)
    }

    /// Returns true if gatepost refuses all callbacks of the kind, with the code `kind_missing`:
    /// the callbacks do not name their kind, and the route does not set the kind.
    pub(crate) fn lacks_kind(&self, kind: usize) -> bool {
        self.kind.is_none() && !self.plan.kind_rule.may_find(kind)
    }
}
