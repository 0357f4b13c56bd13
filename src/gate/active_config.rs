//! The compiled config of a gate, which judges the heads of requests.

use std::sync::Arc;

use super::Admission;
use super::redaction::Redaction;
use crate::breaker::Breaker;
use crate::client::{Arrival, Client, Networks};
use crate::config::{Config, ProxySettings};
use crate::head::Head;
use crate::intake::{Intake, check_head};
use crate::limit::ClientBudgets;
use crate::memory::Memory;
use crate::provider::Plan;
use crate::reply::Reply;
use crate::route::{Lookup, Mode, RouteIndex, Routes};
use crate::template::Template;
use crate::time::Timestamp;
use crate::toml_reader::Fault;
use crate::verdict::{Refusal, RefusalCause, RefusalKind};

/// The compiled config that is in use.
#[derive(Debug)]
pub(super) struct ActiveConfig {
    pub(super) routes: Arc<Routes>,
    pub(super) templates: Vec<Arc<Template>>,
    pub(super) circuits: Vec<Arc<Breaker>>,
    pub(super) trusted: Networks,
    /// State of `source_limit` for each client; `None` until a route has a `source_limit`.
    pub(super) client_budgets: Option<Arc<ClientBudgets>>,
    pub(super) proxy: ProxySettings,
    pub(super) warnings: Vec<Fault>,
    pub(super) own_plans: Vec<Arc<Plan>>,
    /// Secrets that `Gate::redacted` replaces.
    pub(super) secrets: Redaction,
}

impl ActiveConfig {
    pub(super) fn new(config: Config, earlier: Option<&Self>) -> Self {
        let secrets = Redaction::of(&config);
        let Config { mut routes, templates, circuits, trusted, proxy, warnings, own_plans, .. } =
            config;
        if let Some(earlier) = earlier {
            routes.inherit_limits(&earlier.routes);
        }
        let limits_clients = routes.iter().any(|route| route.source_limit.is_some());
        let client_budgets = earlier.and_then(|earlier| earlier.client_budgets.clone());
        let client_budgets = client_budgets.or_else(|| limits_clients.then(Arc::default));
        let routes = Arc::new(routes);
        Self {
            routes,
            templates,
            circuits,
            trusted,
            client_budgets,
            proxy,
            warnings,
            own_plans,
            secrets,
        }
    }

    /// Judges the head of a request.
    pub(super) fn admit(
        &self,
        lookup: Lookup<'_, '_>,
        head: &Head<'_>,
        memory: &Arc<Memory>,
        recorded: bool,
        now: Timestamp,
    ) -> Admission {
        let refused = |cause: RefusalCause, pattern, plan| {
            let client = Client::of(head, &self.trusted);
            Refusal::new(cause, pattern, plan).sent_by(&client)
        };
        let (found, admitted) = match lookup {
            Lookup::Other => return Admission::Other,
            Lookup::Callback(found, token) => {
                if let Some(reply) = self.preflight(found, head) {
                    return self.admit_preflight(found, token, head, reply, now);
                }
                (found, self.admit_callback(found, token, head, memory, recorded, now))
            }
            Lookup::Reserved(address) => {
                let cause = RefusalKind::AddressReserved.into();
                let refusal = refused(cause, &address.path, &address.plan);
                return Admission::Refused(refusal);
            }
            Lookup::Ambiguous(found) => {
                let route = self.routes.at(found);
                let cause = RefusalKind::PathAmbiguous.into();
                (found, Err(refused(cause, &route.label, &route.plan)))
            }
        };
        Admission::on(self.routes.at(found), admitted)
    }

    /// Returns the reply to a CORS preflight; `None` for any other request, and in shadow mode,
    /// because the app's answer is then the reply.
    fn preflight(&self, found: RouteIndex, head: &Head<'_>) -> Option<Reply> {
        let route = self.routes.at(found);
        let reply = route.cors.preflight(head, &route.plan.allow)?;
        (route.mode == Mode::Enforce).then_some(reply)
    }

    /// Checks the client and the secret segment of a preflight in the same way as for a callback.
    /// Without these checks, a client can test tokens with preflights.
    fn admit_preflight(
        &self,
        found: RouteIndex,
        token: Option<&str>,
        head: &Head<'_>,
        reply: Reply,
        now: Timestamp,
    ) -> Admission {
        let route = self.routes.at(found);
        let client = Client::of(head, &self.trusted);
        let checked = route.check_source(&client, self.client_budgets.as_deref(), now);
        let is_known = || route.token_matches(token);
        let checked =
            checked.and_then(|()| is_known().then_some(()).ok_or(RefusalKind::TokenMismatch));
        match checked {
            Ok(()) => Admission::Reply(reply),
            Err(kind) => {
                let refusal = Refusal::new(kind.into(), &route.label, &route.plan);
                let cors = route.cors.allowed(head);
                Admission::Refused(refusal.sent_by(&client).readable_by(cors))
            }
        }
    }

    /// Judges the head of a callback.
    ///
    /// `recorded` is true for a saved request that `gatepost explain` judges. If the client address
    /// of such a request is unknown, skips `allow`. Does not count a saved request against
    /// `source_limit`.
    pub(super) fn admit_callback(
        &self,
        found: RouteIndex,
        token: Option<&str>,
        head: &Head<'_>,
        memory: &Arc<Memory>,
        recorded: bool,
        now: Timestamp,
    ) -> Result<Intake, Refusal> {
        let route = self.routes.at(found);
        let client = Client::of(head, &self.trusted);
        let client_checked = if recorded && client.address.is_none() {
            Ok(())
        } else {
            let budgets = self.client_budgets.as_deref().filter(|_| !recorded);
            route.check_source(&client, budgets, now)
        };
        let checked = client_checked
            .map_err(RefusalCause::from)
            .and_then(|()| check_head(head, route, token));
        match checked {
            Ok(checked) => {
                let arrival = Arrival { at: now, client };
                let (memory, routes) = (Arc::clone(memory), Arc::clone(&self.routes));
                Ok(Intake::new(memory, routes, found, checked, head, arrival))
            }
            Err(cause) => {
                let refusal = Refusal::new(cause, &route.label, &route.plan).sent_by(&client);
                Err(refusal.readable_by(route.cors.allowed(head)))
            }
        }
    }
}
