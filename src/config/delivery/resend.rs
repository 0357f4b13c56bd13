//! `dedupe`: whether a resend of what the app has taken is answered without it.

use std::time::Duration;

use super::{Entry, TemplateParts};
use crate::config::{ConfigReader, DAY_SECS};
use crate::provider::Kind;
use crate::toml_reader::{Form, Item};

/// Whether a resend is answered without the app, and for how long.
pub(in crate::config) struct Dedupe {
    is_on: bool,
    window: Option<Duration>,
}

impl Default for Dedupe {
    fn default() -> Self {
        Self { is_on: true, window: None }
    }
}

/// How long a callback is known whose signature does not end: three retries, five minutes apart.
const DEFAULT_RESEND_WINDOW: Duration = Duration::from_secs(15 * 60);

impl<'f> ConfigReader<'f, '_> {
    /// `true`, `false`, or a table that says for how long.
    pub(in crate::config) fn dedupe(&self, item: &Item<'f>) -> Option<Dedupe> {
        if let Form::Table(table) = &item.form {
            let secs = table.integer("window_secs", 1..=DAY_SECS);
            table.finish();
            let window = secs.map(|secs| Duration::from_secs(secs.unsigned_abs()));
            return Some(Dedupe { is_on: true, window });
        }
        Some(Dedupe { is_on: self.switch(item, "window_secs = 900")?, window: None })
    }

    /// On for notifications, unless two of the kind may say the same; off for decisions, as a viewer
    /// may press play twice.
    pub(super) fn resend(
        &self,
        entry: &Entry,
        kind: &Kind,
        template: &TemplateParts<'_>,
    ) -> Option<Duration> {
        let tells = kind.decision.is_none() && !kind.repeats;
        let dedupe = match &entry.dedupe {
            Some(own) if own.is_on => own,
            None if template.dedupe.is_on && tells => &template.dedupe,
            Some(_) | None => return None,
        };
        let kind = template.plan.kind_named(&kind.name);
        let life = || template.proof.window_of(template.plan, kind).map(|window| window.lifetime());
        let window = dedupe.window.or(template.dedupe.window);
        Some(window.or_else(life).unwrap_or(DEFAULT_RESEND_WINDOW))
    }
}
