//! Filters of captured callbacks, set by the parameters of a query string.

use super::callback::CapturedCallback;

/// Conditions on a callback. The filter admits a callback only if the callback meets all of them.
/// `None` permits any value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CaptureFilter {
    pub(crate) provider: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) verdict: Option<VerdictWord>,
    pub(crate) code: Option<String>,
    pub(crate) tenant: Option<String>,
    /// Text in the masked request, in the id or the data of the event, or in the body of the answer
    /// or the reply. The search ignores the case of ASCII letters.
    pub(crate) text: Option<String>,
}

/// Verdict in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VerdictWord {
    Accepted,
    Refused,
}

impl VerdictWord {
    pub(crate) const fn of(callback: &CapturedCallback) -> Self {
        if callback.is_accepted() { Self::Accepted } else { Self::Refused }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// Error for an invalid value of a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilterError {
    #[error("verdict: expected accepted or refused, found another word; write one of the two")]
    Verdict,
    #[error("{0}: expected at most {MAX_VALUE_BYTES} bytes, found more; write a shorter value")]
    TooLong(&'static str),
}

/// Maximum length of a value, in bytes.
const MAX_VALUE_BYTES: usize = 256;

impl CaptureFilter {
    /// Sets the condition called `name`. An empty value removes the condition. Returns false for an
    /// unknown name.
    ///
    /// # Errors
    ///
    /// Returns an error for an invalid value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<bool, FilterError> {
        let given = Some(value).filter(|value| !value.is_empty());
        if name == "verdict" {
            self.verdict = match given {
                None => None,
                Some("accepted") => Some(VerdictWord::Accepted),
                Some("refused") => Some(VerdictWord::Refused),
                Some(_) => return Err(FilterError::Verdict),
            };
            return Ok(true);
        }
        let texts = self.texts_mut();
        let Some((known, text)) = texts.into_iter().find(|(known, _)| *known == name) else {
            return Ok(false);
        };
        if value.len() > MAX_VALUE_BYTES {
            return Err(FilterError::TooLong(known));
        }
        *text = given.map(ToOwned::to_owned);
        Ok(true)
    }

    fn texts_mut(&mut self) -> [(&'static str, &mut Option<String>); 6] {
        [
            ("provider", &mut self.provider),
            ("template", &mut self.template),
            ("kind", &mut self.kind),
            ("code", &mut self.code),
            ("tenant", &mut self.tenant),
            ("text", &mut self.text),
        ]
    }

    /// Returns the name and the value of each condition.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let verdict = self.verdict.map(VerdictWord::as_str);
        let all = [
            ("text", self.text.as_deref()),
            ("verdict", verdict),
            ("provider", self.provider.as_deref()),
            ("template", self.template.as_deref()),
            ("kind", self.kind.as_deref()),
            ("tenant", self.tenant.as_deref()),
            ("code", self.code.as_deref()),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Returns true if a callback meets all conditions other than `text`.
    pub(super) fn admits(&self, callback: &CapturedCallback) -> bool {
        let facts = callback.facts();
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        self.verdict.is_none_or(|wanted| wanted == VerdictWord::of(callback))
            && is(&self.provider, Some(facts.provider))
            && is(&self.template, facts.template)
            && is(&self.kind, facts.kind)
            && is(&self.code, Some(facts.code))
            && is(&self.tenant, facts.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::super::callback::tests::refused;
    use super::*;

    fn filter(name: &str, value: &str) -> CaptureFilter {
        let mut filter = CaptureFilter::default();
        assert_eq!(filter.set(name, value), Ok(true), "{name}");
        filter
    }

    #[test]
    fn admits_callbacks_that_meet_all_conditions() {
        let callback = refused("{}");
        for (name, value, expected) in [
            ("verdict", "refused", true),
            ("verdict", "accepted", false),
            ("verdict", "", true),
            ("provider", "tencent-css", true),
            ("provider", "mux", false),
            ("kind", "push", false),
            ("tenant", "", true),
            ("code", callback.facts().code, true),
            ("code", "body_missing", false),
        ] {
            assert_eq!(filter(name, value).admits(&callback), expected, "{name}={value}");
        }
        let mut both = filter("verdict", "refused");
        both.set("provider", "mux").unwrap();
        assert!(!both.admits(&callback));
    }

    #[test]
    fn accepts_only_known_conditions_of_limited_length() {
        let mut filter = CaptureFilter::default();
        assert_eq!(filter.set("colour", "x"), Ok(false));
        assert_eq!(filter.set("verdict", "maybe"), Err(FilterError::Verdict));
        assert_eq!(filter.set("text", &"x".repeat(257)), Err(FilterError::TooLong("text")));
    }
}
