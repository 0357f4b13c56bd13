//! The bindings that assign tenants to templates.

use std::collections::HashMap;
use std::sync::Arc;

use super::Template;
use crate::event::EventSource;

/// The bindings of one provider: the templates of each tenant.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    tenants: HashMap<Box<str>, TenantBindings>,
    /// Template of tenants without a binding of their own; `None` if no template binds `*`.
    wildcard: Option<Arc<Template>>,
    /// True if at least one application of a tenant has a binding of its own.
    has_apps: bool,
}

/// The bindings of one tenant.
#[derive(Debug)]
struct TenantBindings {
    /// Template of the applications without a binding of their own; `None` if only applications of
    /// the tenant are bound.
    template: Option<Arc<Template>>,
    /// The applications with a binding of their own. A list, because a tenant has few of them.
    apps: Vec<(Box<str>, Arc<Template>)>,
    /// The CloudEvents source of the tenant's events. Shared, so that gatepost formats the source
    /// once.
    source: Arc<EventSource>,
}

impl TenantBindings {
    /// Returns the template of an application, or else the template of the tenant. For a callback
    /// that names no application, returns the template of the tenant, or else the template that all
    /// applications share.
    fn template_of(&self, app: Option<&str>) -> Option<&Arc<Template>> {
        let template = self.template.as_ref();
        let Some(app) = app else {
            return template.or_else(|| {
                let (_, first) = self.apps.first()?;
                self.apps.iter().all(|(_, other)| Arc::ptr_eq(other, first)).then_some(first)
            });
        };
        let own = self.apps.iter().find(|(own, _)| **own == *app).map(|(_, template)| template);
        own.or(template)
    }
}

/// The tenant name that binds every tenant without a binding of its own.
pub(crate) const WILDCARD_TENANT: &str = "*";

impl Bindings {
    /// Binds a tenant, or one application of a tenant, to a template.
    ///
    /// # Errors
    ///
    /// Returns the template to which the tenant or the application is already bound.
    pub(crate) fn bind(
        &mut self,
        tenant: &str,
        app: Option<&str>,
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
        let bindings = self.tenants.entry(tenant.into()).or_insert_with(|| TenantBindings {
            template: None,
            apps: Vec::new(),
            source: Arc::new(EventSource::new(&template.plan.name, Some(tenant))),
        });
        let bound = match app {
            Some(app) => bindings.apps.iter().find(|(own, _)| **own == *app).map(|(_, own)| own),
            None => bindings.template.as_ref(),
        };
        if let Some(bound) = bound {
            return Err(Arc::clone(bound));
        }
        match app {
            Some(app) => {
                bindings.apps.push((app.into(), Arc::clone(template)));
                self.has_apps = true;
            }
            None => bindings.template = Some(Arc::clone(template)),
        }
        Ok(())
    }

    /// Returns the tenants of a template, sorted; the wildcard comes last. A bound application has
    /// the form `TENANT/APPLICATION`.
    pub(crate) fn tenants_of(&self, template: &Template) -> Vec<Box<str>> {
        let is_own = |bound: &Arc<Template>| std::ptr::eq(&raw const **bound, template);
        let mut tenants = Vec::new();
        for (tenant, bindings) in &self.tenants {
            tenants.extend(
                bindings.template.as_ref().filter(|own| is_own(own)).map(|_| tenant.clone()),
            );
            let apps = bindings.apps.iter().filter(|(_, own)| is_own(own));
            tenants.extend(apps.map(|(app, _)| format!("{tenant}/{app}").into()));
        }
        tenants.sort_unstable();
        let wildcard = self.wildcard.as_ref().filter(|bound| is_own(bound));
        tenants.extend(wildcard.map(|_| WILDCARD_TENANT.into()));
        tenants
    }

    /// Returns true if a tenant other than the wildcard is bound.
    pub(crate) fn has_tenants(&self) -> bool {
        !self.tenants.is_empty()
    }

    /// Returns true if at least one application of a tenant has a binding of its own. If not, the
    /// template does not depend on the application that a callback names.
    pub(crate) const fn has_apps(&self) -> bool {
        self.has_apps
    }

    /// Returns the template of a tenant's application, and the source of the tenant's events.
    pub(crate) fn find(
        &self,
        tenant: &str,
        app: Option<&str>,
    ) -> Option<(&Arc<Template>, &Arc<EventSource>)> {
        let bindings = self.tenants.get(tenant)?;
        Some((bindings.template_of(app)?, &bindings.source))
    }

    pub(crate) const fn wildcard(&self) -> Option<&Arc<Template>> {
        self.wildcard.as_ref()
    }
}
