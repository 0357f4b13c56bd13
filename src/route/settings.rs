//! A route with its settings, such as the permitted clients, the rate limits and the template for
//! its callbacks.

use std::borrow::Cow;
use std::sync::Arc;

#[cfg(feature = "tower")]
use http::uri::PathAndQuery;

use super::{CorsOrigins, RouteParameters, Target};
use crate::client::{Client, Networks};
use crate::event::{EventSource, Forward};
use crate::head::Head;
use crate::limit::{ClientBudgets, Rate, RouteLimit};
use crate::printable::printable;
use crate::provider::Plan;
use crate::provider::locator::Received;
use crate::secret::Secret;
use crate::template::{Bindings, Reach, Template};
use crate::time::Timestamp;
use crate::verdict::{RefusalCause, RefusalKind};

/// Effect of a refusal: gatepost blocks the request, or only reports the refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    #[default]
    Enforce,
    Shadow,
}

impl Mode {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("enforce", Self::Enforce), ("shadow", Self::Shadow)];
}

/// A path on which callbacks arrive, with its settings.
#[derive(Debug)]
pub(crate) struct Route {
    /// Path from the config. Safe to log, because `{token}` replaces the secret segment.
    pub(crate) pattern: Arc<str>,
    /// Parameters that the query of a callback must have.
    pub(crate) parameters: RouteParameters,
    /// Path and parameters from the config, for log lines. Identifies the route in its config.
    pub(crate) label: Arc<str>,
    pub(crate) plan: Arc<Plan>,
    /// Secret segment; `None` if the path has no `{token}`.
    pub(crate) token: Option<Secret>,
    /// Path from the config. In the request to the app, this path hides the secret segment. `None`
    /// if the path has no `{token}`.
    #[cfg(feature = "tower")]
    pub(crate) masked: Option<PathAndQuery>,
    /// Index in `plan.kinds` of the kind that the config sets for every callback; `None` if each
    /// callback names its kind.
    pub(crate) kind: Option<usize>,
    /// Template for the callbacks of every tenant; `None` if the tenant selects the template.
    pub(crate) template: Option<Arc<Template>>,
    pub(crate) bindings: Arc<Bindings>,
    pub(crate) max_body_bytes: usize,
    /// Networks of the clients that may send callbacks. An empty list permits every client.
    pub(crate) allow: Networks,
    /// Rate limit on the accepted callbacks of the route. Protects the app.
    pub(crate) limit: Option<RouteLimit>,
    /// Rate limit on the requests of each client. Protects gatepost.
    pub(crate) source_limit: Option<Rate>,
    /// Web pages that may read the replies. They do not affect a verdict.
    pub(crate) cors: CorsOrigins,
    /// Form of the events from this route; `None` if the template sets the form.
    pub(crate) forward: Option<Forward>,
    pub(crate) mode: Mode,
    /// Paths that gatepost reserves together with the route's path.
    pub(crate) reach: Reach,
}

impl Route {
    /// Returns true if every event from the route keeps the path of the callback.
    pub(crate) fn is_passthrough(&self) -> bool {
        self.forward == Some(Forward::Passthrough)
    }

    /// Returns true if some server can read the route's parameters in the target. A route without
    /// parameters matches every query.
    pub(super) fn may_have_parameters(&self, target: &Target<'_>) -> bool {
        self.parameters.is_empty() || self.parameters.may_be_in(target)
    }

    /// Returns the query of a callback without the route's own parameters; `None` for a callback
    /// without a query, or for a platform that writes no values into the query.
    pub(crate) fn query_of<'h>(&self, head: &Head<'h>) -> Option<Cow<'h, str>> {
        let query = head.uri().query().filter(|_| self.plan.reads_query)?;
        Some(self.parameters.removed_from(query))
    }

    /// Returns true if `token` is the secret segment. On a route without a secret segment, returns
    /// true for every `token`.
    pub(crate) fn token_matches(&self, token: Option<&str>) -> bool {
        let Some(secret) = &self.token else { return true };
        token.is_some_and(|token| secret.matches(token.as_bytes()))
    }

    /// Checks the client's address against `allow`, then counts the request against `source_limit`.
    pub(crate) fn check_source(
        &self,
        client: &Client,
        budgets: Option<&ClientBudgets>,
        now: Timestamp,
    ) -> Result<(), RefusalKind> {
        let is_allowed = |address| self.allow.contain(address);
        if !self.allow.is_empty() && !client.address.is_some_and(is_allowed) {
            return Err(RefusalKind::SourceNotAllowed);
        }
        match (self.source_limit, budgets) {
            (Some(rate), Some(budgets))
                if !budgets.take(rate, &self.label, client.address, now) =>
            {
                Err(RefusalKind::RateLimited)
            }
            _ => Ok(()),
        }
    }

    /// Returns the tenant of a callback. `names` are the names of tenants that the callback
    /// contains. `app` is the application that the callback names.
    ///
    /// If a callback contains several names, the tenant is the first name that is bound to a
    /// template, else the first name. On a route with a template of its own, the tenant is the
    /// first name; `None` if this name is too long.
    ///
    /// # Errors
    ///
    /// Returns an error if two of the names are bound to different templates. gatepost must not
    /// choose one of the templates: a client with the key of the chosen template can then send
    /// callbacks for the tenant of the other template.
    pub(crate) fn choose_tenant<'n>(
        &self,
        mut names: impl Iterator<Item = Cow<'n, str>>,
        app: Option<&str>,
    ) -> Result<Option<Cow<'n, str>>, RefusalCause> {
        let Some(mut chosen) = names.next() else { return Ok(None) };
        if self.template.is_some() {
            return Ok(Some(chosen).filter(|name| name.len() <= MAX_TENANT_BYTES));
        }
        for name in names {
            match (self.bound_to(&chosen, app), self.bound_to(&name, app)) {
                (Some(template), Some(other)) if !Arc::ptr_eq(template, other) => {
                    let [first, second] = [chosen, name].map(|name| printable(&name));
                    let detail = format!(
                        "expected tenants of one template, found `{first}` and `{second}` of two \
                         templates"
                    );
                    return Err(RefusalCause::with(RefusalKind::TenantAmbiguous, detail));
                }
                (None, Some(_)) => chosen = name,
                (Some(_) | None, _) => {}
            }
        }
        Ok(Some(chosen))
    }

    fn bound_to(&self, tenant: &str, app: Option<&str>) -> Option<&Arc<Template>> {
        let binding = self.bindings.find(tenant, app).map(|(template, _)| template);
        binding.or_else(|| self.bindings.wildcard())
    }

    /// Returns the application that the callback names; `None` if no binding names an application.
    pub(crate) fn application<'r>(&self, received: &Received<'r>) -> Option<Cow<'r, str>> {
        let locator = self.plan.tenant_app.as_ref().filter(|_| self.bindings.has_apps())?;
        locator.text(received).filter(|app| !app.is_empty())
    }

    /// Returns the template that applies to the callbacks of a tenant's application, and the source
    /// of their events.
    pub(crate) fn template(
        &self,
        tenant: Option<&str>,
        app: Option<&str>,
    ) -> Result<(&Arc<Template>, Arc<EventSource>), RefusalCause> {
        let source = || Arc::new(EventSource::new(&self.plan.name, tenant));
        if let Some(template) = &self.template {
            return Ok((template, source()));
        }
        if tenant.is_some_and(|tenant| tenant.len() > MAX_TENANT_BYTES) {
            return Err(RefusalKind::TenantUnknown.into());
        }
        if let Some((template, source)) = tenant.and_then(|tenant| self.bindings.find(tenant, app))
        {
            return Ok((template, Arc::clone(source)));
        }
        match (self.bindings.wildcard(), tenant) {
            (Some(template), _) => Ok((template, source())),
            (None, Some(_)) => Err(unknown_tenant(app)),
            (None, None) => Err(RefusalKind::TenantMissing.into()),
        }
    }
}

/// Returns the cause of the refusal for a tenant without a template. Names the application of the
/// callback if the template depends on the application.
fn unknown_tenant(app: Option<&str>) -> RefusalCause {
    match app {
        Some(app) => {
            let problem = format!(
                "expected a tenant with a template, found none for the application `{}`",
                printable(app)
            );
            RefusalCause::with(RefusalKind::TenantUnknown, problem)
        }
        None => RefusalKind::TenantUnknown.into(),
    }
}

/// Maximum length of a tenant in bytes, equal to the maximum length of a domain name.
const MAX_TENANT_BYTES: usize = 253;
