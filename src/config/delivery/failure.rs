//! The keys `on_failure` and `last_good`: the reply to a decision if the app gives no usable
//! answer.
//!
//! The *last good reply* is the reply from the app's latest usable answer about the same viewer and
//! content.

use std::time::Duration;

use super::{Entry, JsonText};
use crate::config::{ConfigReader, DAY_SECS};
use crate::provider::Kind;
use crate::provider::decision::{Decision, ReplyField};
use crate::toml_reader::{FaultKind, Form, Located, Place, Table};

/// The value of `on_failure`: the reply if the app gives no usable answer.
pub(super) enum OnFailure {
    Fields(JsonText),
    Word(FailureWord, Place),
}

#[derive(Clone, Copy)]
pub(super) enum FailureWord {
    Allow,
    Deny,
    LastGood,
}

const FAILURE_WORDS: [(&str, FailureWord); 3] = [
    ("allow", FailureWord::Allow),
    ("deny", FailureWord::Deny),
    ("last_good", FailureWord::LastGood),
];

impl OnFailure {
    pub(super) const fn place(&self) -> &Place {
        match self {
            Self::Fields(JsonText { place, .. }) | Self::Word(_, place) => place,
        }
    }
}

/// The value of `last_good`: the maximum age of a last good reply that gatepost sends again.
pub(super) struct LastGood {
    max_age: Duration,
    pub(super) place: Place,
}

/// Default of `max_age_secs`: ten minutes, because a viewer's rights rarely change in this time.
const DEFAULT_MAX_AGE_SECS: i64 = 600;

impl<'f> ConfigReader<'f, '_> {
    /// Reads `on_failure`: a word, or a table with the fields of a reply.
    pub(super) fn on_failure(&self, table: &Table<'f>) -> Option<OnFailure> {
        const KEY: &str = "on_failure";
        let item = table.any(KEY)?;
        match &item.form {
            Form::String(word) => {
                let word = Located { value: *word, place: item.place.clone() };
                let word = self.word(&word, "value", &FAILURE_WORDS)?;
                Some(OnFailure::Word(word, item.place))
            }
            Form::Table(_) | Form::Other(_) => {
                let fields = table.table(KEY)?;
                Some(OnFailure::Fields(self.json(&fields)?))
            }
        }
    }

    /// Reads `last_good`: a boolean, or a table with the maximum age.
    pub(super) fn last_good(
        &self,
        table: &Table<'f>,
        on_failure: Option<&OnFailure>,
    ) -> Option<LastGood> {
        let item = table.any("last_good")?;
        let secs = match &item.form {
            Form::Table(table) => {
                let secs = table.duration("max_age_secs", 1..=DAY_SECS);
                table.finish();
                secs.unwrap_or(DEFAULT_MAX_AGE_SECS)
            }
            Form::String(_) | Form::Other(_) => {
                let is_on = self.switch(&item, "max_age_secs = 600")?;
                if !is_on && matches!(on_failure, Some(OnFailure::Word(FailureWord::LastGood, _))) {
                    let problem =
                        "expected last_good = true beside on_failure = \"last_good\", found false";
                    let problem = FaultKind::KeyUnused.because(problem);
                    self.faults.add(&item.place, problem, "remove last_good or on_failure");
                }
                is_on.then_some(DEFAULT_MAX_AGE_SECS)?
            }
        };
        let max_age = Duration::from_secs(secs.unsigned_abs());
        Some(LastGood { max_age, place: item.place })
    }

    /// Returns the fields of gatepost's reply if there is neither a usable answer nor a last good
    /// reply.
    pub(super) fn failure_fields(&self, entry: &Entry, decision: &Decision) -> Vec<ReplyField> {
        match &entry.on_failure {
            Some(OnFailure::Fields(json)) => self.fixed_fields(json, decision),
            Some(OnFailure::Word(FailureWord::Allow, _)) => decision.allow.clone(),
            Some(OnFailure::Word(FailureWord::Deny | FailureWord::LastGood, _)) | None => {
                decision.deny.clone()
            }
        }
    }

    /// Returns the maximum age of a last good reply; `None` if gatepost sends no such reply.
    ///
    /// Either `last_good` or `on_failure = "last_good"` enables last good replies.
    pub(super) fn last_good_max_age(&self, entry: &Entry, kind: &Kind) -> Option<Duration> {
        kind.decision.as_ref()?;
        let word_place = match &entry.on_failure {
            Some(OnFailure::Word(FailureWord::LastGood, place)) => Some(place),
            Some(OnFailure::Word(..) | OnFailure::Fields(_)) | None => None,
        };
        let place = entry.last_good.as_ref().map(|last_good| &last_good.place).or(word_place)?;
        if kind.viewer.0.is_empty() {
            // An entry for a group of kinds or for "*" may also cover kinds that name a viewer.
            if entry.name == *kind.name {
                let remedy = match &entry.last_good {
                    Some(_) => "remove last_good",
                    None => "write \"deny\", \"allow\", or the fields of a reply",
                };
                let problem = format!("expected a kind that names a viewer, found {}", kind.name);
                self.faults.add(place, FaultKind::KeyUnused.because(problem), remedy);
            }
            return None;
        }
        let default = Duration::from_secs(DEFAULT_MAX_AGE_SECS.unsigned_abs());
        Some(entry.last_good.as_ref().map_or(default, |last_good| last_good.max_age))
    }
}
