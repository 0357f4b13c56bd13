//! The key `breaker`: the rule by which gatepost opens a circuit breaker and then probes the app.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Addresses;
use crate::breaker::{Breaker, BreakerRule};
use crate::toml_reader::{FaultKind, Faults, Form, Table};

/// The circuit breakers of a config: one for each address or list of addresses, and one for each
/// template with kinds that have no address. All kinds with the same address share a breaker.
pub(in crate::config) struct Breakers {
    /// Rule for every breaker; `None` if the operator has turned breakers off.
    rule: Option<BreakerRule>,
    by_address: RefCell<HashMap<String, Arc<Breaker>>>,
}

/// Reads `breaker`: `true`, `false`, or a table.
pub(in crate::config) fn read(table: &Table<'_>, faults: &Faults<'_>) -> Breakers {
    let default = BreakerRule::default();
    let rule = match table.any("breaker") {
        None => Some(default),
        Some(item) => match (&item.form, item.boolean()) {
            (Form::Table(table), _) => {
                let failures = table.integer("failures", 1..=1_000_000);
                let retry = table.duration("retry_ms", 1..=600_000);
                table.finish();
                let failures = failures.and_then(|n| u32::try_from(n).ok());
                let retry = retry.map(|ms| Duration::from_millis(ms.unsigned_abs()));
                Some(BreakerRule {
                    failures: failures.unwrap_or(default.failures),
                    retry: retry.unwrap_or(default.retry),
                })
            }
            (_, Some(is_on)) => is_on.then_some(default),
            (Form::String(_) | Form::Other(_), None) => {
                let remedy = "write true, false, or { failures = 5, retry_ms = 1000 }";
                let problem = format!("expected a boolean or a table, found {}", item.form.name());
                faults.add(&item.place, FaultKind::TypeMismatch.because(problem), remedy);
                None
            }
        },
    };
    Breakers { rule, by_address: RefCell::default() }
}

impl Breakers {
    /// Returns the breaker of an app, or the breaker of the template if `app` is `None`.
    ///
    /// Returns `None` if the operator has turned breakers off.
    pub(in crate::config) fn of(
        &self,
        app: Option<&Addresses>,
        template: &str,
    ) -> Option<Arc<Breaker>> {
        let rule = self.rule?;
        let address = match app {
            Some(app) => app.to_string(),
            None => format!("template {template}"),
        };
        let mut by_address = self.by_address.borrow_mut();
        let new = || Arc::new(Breaker::new(rule, address.as_str().into()));
        Some(Arc::clone(by_address.entry(address.clone()).or_insert_with(new)))
    }

    /// Returns all breakers, sorted by address.
    pub(in crate::config) fn all(&self) -> Vec<Arc<Breaker>> {
        let mut all: Vec<_> =
            self.by_address.borrow().iter().map(|(a, b)| (a.clone(), Arc::clone(b))).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(_, breaker)| breaker).collect()
    }
}
