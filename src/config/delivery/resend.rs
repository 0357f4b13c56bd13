//! The key `dedupe`: the kinds for which gatepost replies to resends without asking the app.

use std::time::Duration;

use super::{Entry, TemplateParts};
use crate::config::{ConfigReader, DAY_SECS};
use crate::provider::Kind;
use crate::template::ResendRule;
use crate::toml_reader::{Form, Item};

/// The value of `dedupe`.
pub(in crate::config) struct Dedupe {
    is_on: bool,
    /// Time for which gatepost remembers a callback; `None` if `dedupe` does not set a time.
    window: Option<Duration>,
}

impl Default for Dedupe {
    fn default() -> Self {
        Self { is_on: true, window: None }
    }
}

/// Default window for callbacks whose signature does not expire. This window covers three resends
/// that are five minutes apart.
const DEFAULT_RESEND_WINDOW: Duration = Duration::from_secs(15 * 60);

impl<'f> ConfigReader<'f, '_> {
    /// Reads `dedupe`: `true`, `false`, or a table with the window.
    pub(in crate::config) fn dedupe(&self, item: &Item<'f>) -> Option<Dedupe> {
        if let Form::Table(table) = &item.form {
            let secs = table.duration("window_secs", 1..=DAY_SECS);
            table.finish();
            let window = secs.map(|secs| Duration::from_secs(secs.unsigned_abs()));
            return Some(Dedupe { is_on: true, window });
        }
        Some(Dedupe { is_on: self.switch(item, "window_secs = 900")?, window: None })
    }

    /// Returns the rule for resends; `None` if gatepost asks the app about each resend.
    ///
    /// If the entry sets `dedupe`, this value applies, even to callbacks without an identity.
    /// Otherwise, the template's `dedupe` applies to notifications with an identity. The template's
    /// `dedupe` does not apply to decisions, because a viewer who presses play twice causes two
    /// equal decisions. Neither setting applies to a decision by status: a platform that reads only
    /// the status of the reply sends no callback twice, so two equal callbacks are two requests.
    pub(super) fn resends(
        &self,
        entry: &Entry,
        kind: &Kind,
        template: &TemplateParts<'_>,
    ) -> Option<ResendRule> {
        let is_distinct = kind.decision.is_none() && kind.can_identify();
        let is_by_status = kind.decision.as_ref().is_some_and(|d| d.by_status.is_some());
        let (dedupe, by_content) = match &entry.dedupe {
            Some(of_entry) if is_by_status => {
                self.report_dedupe_of_status(of_entry, entry, kind);
                return None;
            }
            Some(of_entry) if of_entry.is_on => (of_entry, true),
            None if template.dedupe.is_on && is_distinct => (&template.dedupe, false),
            Some(_) | None => return None,
        };
        let kind = template.plan.kind_named(&kind.name);
        let lifetime =
            || template.proof.window_of(template.plan, kind).map(|window| window.lifetime());
        let window = dedupe.window.or(template.dedupe.window);
        let window = window.or_else(lifetime).unwrap_or(DEFAULT_RESEND_WINDOW);
        Some(ResendRule { window, by_content })
    }

    /// Reports `dedupe` in the entry of a decision by status. Accepts `dedupe` in an entry for
    /// several kinds, because the entry may also cover kinds to which `dedupe` applies.
    fn report_dedupe_of_status(&self, dedupe: &Dedupe, entry: &Entry, kind: &Kind) {
        if dedupe.is_on && entry.name == *kind.name {
            let problem = format!(
                "expected no dedupe for {}, because the platform reads the permission from the \
                 status of the reply, found dedupe",
                kind.name
            );
            self.faults.add(&entry.place, problem, "remove dedupe");
        }
    }
}
