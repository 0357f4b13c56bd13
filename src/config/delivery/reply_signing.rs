//! Reply signing of a template: the choice of plain or signed replies, and the key from the
//! settings.

use http::HeaderValue;

use super::{Entry, TemplateParts};
use crate::config::ConfigReader;
use crate::provider::Kind;
use crate::provider::decision::{Decision, ReplyForm, ReplyFormRule, ReplySigning, TOKEN_DIGEST};
use crate::template::Delivery;
use crate::toml_reader::{FaultKind, list};

impl ConfigReader<'_, '_> {
    /// Compiles the reply signing of a decision.
    ///
    /// # Errors
    ///
    /// Returns the names of the settings that gatepost needs to sign the replies, but that have no
    /// value.
    pub(super) fn reply_signing(
        &self,
        decision: &Decision,
        template: &TemplateParts<'_>,
    ) -> Result<ReplySigning, Vec<String>> {
        let rule = &decision.reply_signing;
        let value = |index: usize| template.settings.get(index).and_then(Option::as_ref);
        let form = match &rule.form {
            ReplyFormRule::Always(form) => *form,
            ReplyFormRule::Setting(index) => {
                let word = value(*index).map(|word| word.expose().to_vec()).unwrap_or_default();
                let found = ReplyForm::WORDS.iter().find(|(name, _)| name.as_bytes() == word);
                found.map_or(ReplyForm::Plain, |(_, form)| *form)
            }
        };
        let is_signed = form == ReplyForm::Jwt;
        let needed = rule.key.iter().chain(rule.headers.iter().map(|(_, index)| index));
        let missing = needed.filter(|index| value(**index).is_none());
        let missing: Vec<_> = missing
            .filter_map(|index| template.plan.settings.get(*index))
            .map(|setting| format!("`{}`", setting.name))
            .collect();
        if is_signed && !missing.is_empty() {
            return Err(missing);
        }
        let headers = rule.headers.iter().filter_map(|(name, index)| {
            let mut value = HeaderValue::from_bytes(value(*index)?.expose()).ok();
            if value.is_none() {
                let setting = template.plan.settings.get(*index).map_or("", |found| &found.name);
                let problem =
                    format!("expected `{setting}` to fit into a header, found a control character");
                let problem = FaultKind::SecretInvalid.because(problem);
                let remedy = "copy the value from the platform's console";
                self.faults.add(&template.settings_place, problem, remedy);
            }
            value.iter_mut().for_each(|value| value.set_sensitive(true));
            Some((name.clone(), value?))
        });
        let key = rule.key.and_then(value).map(|key| TOKEN_DIGEST.key(key.clone()));
        let headers: Vec<_> = headers.collect();
        Ok(ReplySigning { is_signed, key, headers: (!headers.is_empty()).then(|| headers.into()) })
    }

    /// Reports the missing settings of reply signing if the config lists the kind by name.
    pub(super) fn report_missing_reply_key(
        &self,
        missing: &[String],
        entry: Option<&Entry>,
        kind: &Kind,
    ) {
        if let Some(entry) = entry.filter(|entry| entry.name == *kind.name) {
            let (kind, missing_list) = (&kind.name, missing.join(" or "));
            let problem =
                format!("expected settings to sign the reply to {kind}, found no {missing_list}");
            let remedy = format!("set {} under [template.settings]", missing.join(" and "));
            self.faults.add(&entry.place, FaultKind::SecretMissing.because(problem), remedy);
        }
    }

    /// Warns of kinds whose replies gatepost cannot sign. A missing key is not a fault, because the
    /// platform may never send a kind that the config does not list.
    pub(super) fn warn_of_missing_reply_keys(
        &self,
        deliveries: &[Delivery],
        template: &TemplateParts<'_>,
    ) {
        let kinds = template.plan.kinds.iter().zip(deliveries);
        let is_unsigned = |delivery| matches!(delivery, &Delivery::MissingReplyKey { .. });
        let unsigned = kinds.filter(|(_, delivery)| is_unsigned(delivery));
        let names: Vec<_> = unsigned.map(|(kind, _)| &*kind.name).collect();
        if !names.is_empty() {
            let problem =
                format!("expected keys to sign the replies to {}, found none", list(&names));
            let remedy = "set the platform's keys under [template.settings], or list under \
                          [template.on] the kinds that the platform sends";
            let problem = FaultKind::ReplyUnsigned.because(problem);
            self.warnings.add(&template.on_place, problem, remedy);
        }
    }
}
