//! `breaker`: when an app counts as down, and for how long it is left alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use crate::breaker::{Breaker, BreakerRule};
use crate::toml_reader::{Faults, Form, Table};

/// One circuit breaker for each address, however many kinds go there.
pub(in crate::config) struct Breakers {
    /// Without one there are none.
    rule: Option<BreakerRule>,
    made: RefCell<HashMap<String, Arc<Breaker>>>,
}

/// `false`, or a table.
pub(in crate::config) fn read(table: &Table<'_>, faults: &Faults<'_>) -> Breakers {
    let usual = BreakerRule::default();
    let rule = match table.any("breaker") {
        None => Some(usual),
        Some(item) => match (&item.form, item.boolean()) {
            (Form::Table(table), _) => {
                let failures = table.integer("failures", 1..=1_000_000);
                let retry = table.integer("retry_ms", 1..=600_000);
                table.finish();
                let failures = failures.and_then(|n| u32::try_from(n).ok());
                let retry = retry.map(|ms| Duration::from_millis(ms.unsigned_abs()));
                Some(BreakerRule {
                    failures: failures.unwrap_or(usual.failures),
                    retry: retry.unwrap_or(usual.retry),
                })
            }
            (_, Some(is_on)) => is_on.then_some(usual),
            (Form::String(_) | Form::Other(_), None) => {
                let remedy = "write false, or { failures = 5, retry_ms = 1000 }";
                faults.add(&item.place, format!("this is {}", item.form.name()), remedy);
                None
            }
        },
    };
    Breakers { rule, made: RefCell::default() }
}

impl Breakers {
    /// The breaker of an address; without one, that of the template.
    pub(in crate::config) fn of(&self, url: Option<&Uri>, template: &str) -> Option<Arc<Breaker>> {
        let rule = self.rule?;
        let address = match url {
            Some(url) => without_query(url),
            None => format!("template {template}"),
        };
        let mut made = self.made.borrow_mut();
        let new = || Arc::new(Breaker::new(rule, address.as_str().into()));
        Some(Arc::clone(made.entry(address.clone()).or_insert_with(new)))
    }

    /// All of them, by address.
    pub(in crate::config) fn all(&self) -> Vec<Arc<Breaker>> {
        let mut all: Vec<_> =
            self.made.borrow().iter().map(|(a, b)| (a.clone(), Arc::clone(b))).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(_, breaker)| breaker).collect()
    }
}

/// A query may hold anything.
fn without_query(url: &Uri) -> String {
    let text = url.to_string();
    text.split_once('?').map_or(text.clone(), |(before, _)| before.to_owned())
}
