//! The keys `deliver` and `retry`: the kinds whose events gatepost queues, and the times between
//! the attempts.

use std::time::Duration;

use super::Entry;
use crate::config::ConfigReader;
use crate::event::Forward;
use crate::provider::{Kind, Plan};
use crate::template::RetryRule;
use crate::toml_reader::{FaultKind, Place, Table};

/// Largest value that `first_ms` and `max_ms` accept: one day.
pub(crate) const MAX_RETRY_MS: i64 = 86_400_000;

/// Largest value that `give_up_after_secs` accepts: 30 days.
pub(crate) const MAX_GIVE_UP_SECS: i64 = 30 * 86_400;

/// The value `deliver = "queued"`.
pub(super) struct Queued {
    pub(super) retry: RetryRule,
    place: Place,
}

/// The values of `deliver`: true for `queued`.
const WORDS: [(&str, bool); 2] = [("direct", false), ("queued", true)];

impl<'f> ConfigReader<'f, '_> {
    /// Reads `deliver` and `retry`. Returns `None` if gatepost does not queue the events.
    pub(super) fn queued(&self, table: &Table<'f>) -> Option<Queued> {
        let deliver = table.string("deliver");
        let is_queued = deliver.as_ref().and_then(|word| self.word(word, "value", &WORDS));
        let retry = table.table("retry").map(|table| self.retry(&table));
        if is_queued != Some(true) {
            if retry.is_some() && deliver.is_none_or(|word| word.value == "direct") {
                let problem = "expected deliver = \"queued\" beside retry, found direct delivery";
                let problem = FaultKind::KeyUnused.because(problem);
                self.faults.add(
                    &table.place_of("retry"),
                    problem,
                    "remove retry, or write deliver = \"queued\"",
                );
            }
            return None;
        }
        let place = table.place_of("deliver");
        if !self.has_store {
            let problem = "expected a [store] for queued events, found none";
            let remedy = "add [store] with url = \"sqlite:gatepost.db\"";
            self.faults.add(&place, FaultKind::KeyMissing.because(problem), remedy);
        }
        Some(Queued { retry: retry.unwrap_or_default(), place })
    }

    fn retry(&self, table: &Table<'f>) -> RetryRule {
        let default = RetryRule::default();
        let ms = |key, default| {
            let ms = table.duration(key, 1..=MAX_RETRY_MS);
            ms.map_or(default, |ms| Duration::from_millis(ms.unsigned_abs()))
        };
        let first = ms("first_ms", default.first);
        let max = ms("max_ms", default.max.max(first));
        let give_up = table.duration("give_up_after_secs", 1..=MAX_GIVE_UP_SECS);
        let give_up = give_up.map(|secs| Duration::from_secs(secs.unsigned_abs()));
        table.finish();
        if max < first {
            let problem = "expected max_ms of at least first_ms, found less";
            let problem = FaultKind::NumberOutOfRange.because(problem);
            self.faults.add(&table.place, problem, "raise max_ms, or lower first_ms");
        }
        RetryRule { first, max, give_up_after: give_up.unwrap_or(default.give_up_after) }
    }

    /// Reports `deliver = "queued"` in an entry that applies to a decision, sets passthrough, or
    /// has no `url`.
    pub(super) fn check_queued<'e>(
        &self,
        entry: &'e Entry,
        plan: &Plan,
        resolve: impl Fn(&Kind) -> Option<&'e Entry>,
    ) {
        let Some(Queued { place, .. }) = &entry.queued else { return };
        let unused = |problem: &str, remedy: &str| {
            self.faults.add(place, FaultKind::KeyUnused.because(problem), remedy);
        };
        let is_own = |kind: &&Kind| resolve(kind).is_some_and(|own| std::ptr::eq(own, entry));
        let decision = plan.kinds.iter().filter(is_own).find(|kind| kind.decision.is_some());
        if let Some(kind) = decision {
            let problem = format!(
                "expected notifications, whose reply does not depend on the app, found the decision {}",
                kind.name
            );
            unused(&problem, "remove deliver, or write a separate entry for the decision");
        }
        if entry.forward == Forward::Passthrough {
            let problem =
                "expected a form in which gatepost writes the reply, found \"passthrough\"";
            unused(problem, "write forward = \"raw\", or remove deliver");
        }
        if entry.url.is_none() {
            let problem = "expected a url beside deliver = \"queued\", found none";
            let problem = FaultKind::KeyMissing.because(problem);
            self.faults.add(place, problem, "add the url of the app");
        }
    }
}
