//! The bindings that assign tenants to templates.

use std::collections::HashMap;
use std::sync::Arc;

use super::Template;
use crate::event::EventSource;

/// The bindings of one provider: the template of each tenant.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    tenants: HashMap<Box<str>, Binding>,
    /// Template of tenants without a binding of their own; `None` if no template binds `*`.
    wildcard: Option<Arc<Template>>,
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) template: Arc<Template>,
    /// The CloudEvents source of the tenant's events. Shared, so that gatepost formats the source
    /// once.
    pub(crate) source: Arc<EventSource>,
}

/// The tenant name that binds every tenant without a binding of its own.
pub(crate) const WILDCARD_TENANT: &str = "*";

impl Bindings {
    /// Binds a tenant to a template.
    ///
    /// # Errors
    ///
    /// Returns the template to which the tenant is already bound.
    pub(crate) fn bind(
        &mut self,
        tenant: &str,
        template: &Arc<Template>,
    ) -> Result<(), Arc<Template>> {
        let tenant = &*template.plan.tenant_case.fold(tenant.into());
        if tenant == WILDCARD_TENANT {
            return match &self.wildcard {
                Some(bound) => Err(Arc::clone(bound)),
                None => {
                    self.wildcard = Some(Arc::clone(template));
                    Ok(())
                }
            };
        }
        if let Some(bound) = self.tenants.get(tenant) {
            return Err(Arc::clone(&bound.template));
        }
        let source = Arc::new(EventSource::new(&template.plan.name, Some(tenant)));
        let binding = Binding { template: Arc::clone(template), source };
        self.tenants.insert(tenant.into(), binding);
        Ok(())
    }

    /// Returns the tenants of a template, sorted; the wildcard comes last.
    pub(crate) fn tenants_of(&self, template: &Template) -> Vec<Box<str>> {
        let is_own = |bound: &Arc<Template>| std::ptr::eq(&raw const **bound, template);
        let bound = self.tenants.iter().filter(|(_, binding)| is_own(&binding.template));
        let mut tenants: Vec<_> = bound.map(|(tenant, _)| tenant.clone()).collect();
        tenants.sort_unstable();
        let wildcard = self.wildcard.as_ref().filter(|bound| is_own(bound));
        tenants.extend(wildcard.map(|_| WILDCARD_TENANT.into()));
        tenants
    }

    /// Returns true if a tenant other than the wildcard is bound.
    pub(crate) fn has_tenants(&self) -> bool {
        !self.tenants.is_empty()
    }

    pub(crate) fn find(&self, tenant: &str) -> Option<&Binding> {
        self.tenants.get(tenant)
    }

    pub(crate) const fn wildcard(&self) -> Option<&Arc<Template>> {
        self.wildcard.as_ref()
    }
}
