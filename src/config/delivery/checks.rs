//! Checks that compare the entries of `[template.on]` with the kinds that they cover.

use super::Entry;
use super::failure::OnFailure;
use crate::config::ConfigReader;
use crate::provider::Plan;
use crate::reply::REPLY_MARGIN;
use crate::toml_reader::FaultKind;

impl ConfigReader<'_, '_> {
    /// Reports settings without effect: an entry for a challenge, reply settings in entries that
    /// cover only notifications, and `unclear_answer` in entries that cover only decisions. No
    /// reply setting changes the acknowledgement of a notification.
    pub(super) fn check_uses(&self, entries: &[Entry], plan: &Plan) {
        for entry in entries {
            if plan.kinds.iter().any(|kind| kind.challenge.is_some() && *kind.name == entry.name) {
                let problem = "expected a kind for the app, found a challenge";
                let remedy = "remove this entry: gatepost replies to a challenge itself";
                self.faults.add(&entry.place, FaultKind::KeyUnused.because(problem), remedy);
            }
            let covered = || plan.kinds.iter().filter(|kind| entry.covers(kind));
            if covered().next().is_none() {
                continue;
            }
            if covered().all(|kind| kind.decision.is_some())
                && let Some((_, place)) = &entry.unclear_answer
            {
                let remedy = "remove this key; for a decision, on_failure sets the reply after an unclear answer";
                let problem = "expected a notification, found a decision";
                self.faults.add(place, FaultKind::KeyUnused.because(problem), remedy);
            }
            if covered().any(|kind| kind.decision.is_some()) {
                continue;
            }
            let on_failure = entry.on_failure.iter().map(OnFailure::place);
            let last_good = entry.last_good.iter().map(|last_good| &last_good.place);
            let reply = entry.reply.iter().map(|json| &json.place);
            let empty_answer = entry.empty_answer.iter().map(|(_, place)| place);
            for place in on_failure.chain(last_good).chain(reply).chain(empty_answer) {
                let remedy = "remove this key; if the app does not accept the event, gatepost \
                              replies 503, so that the platform sends the callback again";
                let problem = "expected a decision, found a notification";
                self.faults.add(place, FaultKind::KeyUnused.because(problem), remedy);
            }
            if let Some(answer) = entry.answer.as_ref().filter(|answer| answer.text != "{}") {
                let remedy = "write answer = {} to acknowledge without an app";
                let problem = "expected answer = {}, found a table with fields";
                self.faults.add(&answer.place, FaultKind::ReplyInvalid.because(problem), remedy);
            }
        }
    }

    /// Warns if `timeout_ms` is longer than the longest budget of the entry's kinds, less
    /// [`REPLY_MARGIN`].
    pub(super) fn warn_of_late_timeout(&self, entry: &Entry, plan: &Plan) {
        let Some(timeout) = entry.timeout else { return };
        let covered = plan.kinds.iter().filter(|kind| entry.covers(kind));
        let budgets = covered.map(|kind| entry.budget.unwrap_or(kind.times.budget));
        let Some(budget) = budgets.max() else { return };
        let longest = budget.saturating_sub(REPLY_MARGIN);
        if timeout > longest {
            let (wait, longest) = (budget.as_millis(), longest.as_millis());
            let problem = format!(
                "expected at most {longest} ms, because {} waits {wait} ms for the reply, found {} ms",
                plan.title,
                timeout.as_millis()
            );
            let remedy = format!("write timeout_ms = {longest}, or set a longer budget_ms");
            self.warnings.add(&entry.place, FaultKind::TimeoutTooLong.because(problem), remedy);
        }
    }
}
