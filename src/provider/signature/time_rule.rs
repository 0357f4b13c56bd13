//! The signed time: its source, unit and window.

use std::time::Duration;

use super::SignatureError;
use super::part::PartSource;
use crate::time::{Timestamp, Unit};

/// The source, unit and limits of the signed time.
#[derive(Clone, Debug)]
pub(crate) struct TimeRule {
    pub(crate) from: PartSource,
    pub(crate) unit: Unit,
    pub(crate) meaning: TimeMeaning,
    pub(crate) window: Window,
    /// True if gatepost checks the time for every template. If false, gatepost checks the time only
    /// for templates that set a limit.
    pub(crate) is_enforced: bool,
    /// The seconds between the current time and the expiry in a sample callback; 0 for
    /// [`TimeMeaning::Sent`].
    pub(crate) lifetime_secs: i64,
}

impl TimeRule {
    /// Returns the claim that contains the time; `None` if the time is not in a claim.
    pub(super) fn claim(&self) -> Option<&str> {
        if let PartSource::Claim(name) = &self.from { Some(name) } else { None }
    }

    /// Returns the window for a template that sets no limit; `None` if the definition does not
    /// enforce a window.
    pub(crate) fn default_window(&self) -> Option<Window> {
        self.is_enforced.then_some(self.window)
    }

    /// Checks that the time in `text` is within the window around `now`.
    ///
    /// # Errors
    ///
    /// Returns `TimeMalformed` if `text` is `None` or is not a time in the declared unit. Returns
    /// `Expired` or `TooFarAhead` if the time is outside the window.
    pub(crate) fn check(
        &self,
        text: Option<&str>,
        window: Window,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let text = text.ok_or(SignatureError::TimeMalformed)?;
        let at = self.unit.parse(text).ok_or(SignatureError::TimeMalformed)?;
        let secs = at.as_secs().saturating_sub(now.as_secs());
        if secs < -window.past_secs {
            let secs_ago = secs.saturating_neg();
            return Err(SignatureError::Expired { secs_ago, accepted_secs: window.past_secs });
        }
        if secs > window.max_ahead_secs {
            let accepted_secs = window.max_ahead_secs;
            return Err(SignatureError::TooFarAhead { secs, accepted_secs });
        }
        Ok(())
    }
}

/// The meaning of the signed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeMeaning {
    /// The time at which the callback expires.
    Expiry,
    /// The time at which the platform sent the callback.
    Sent,
}

impl TimeMeaning {
    /// The names of the meanings in a definition.
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("expiry", Self::Expiry), ("sent", Self::Sent)];

    /// Returns the config key for the window's limit in the past.
    pub(crate) const fn past_key(self) -> &'static str {
        match self {
            Self::Expiry => "grace_secs",
            Self::Sent => "max_age_secs",
        }
    }
}

/// The config key for a window's limit in the future.
pub(crate) const MAX_AHEAD_KEY: &str = "max_ahead_secs";

/// The limits of the difference between the signed time and the current time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The maximum number of seconds in the past: long enough for the platform's resends.
    pub(crate) past_secs: i64,
    /// The maximum number of seconds in the future, to bound the time for which a client can replay
    /// a recorded callback.
    pub(crate) max_ahead_secs: i64,
}

impl Window {
    /// Returns the longest time for which gatepost accepts one signature: the sum of both limits.
    pub(crate) fn lifetime(&self) -> Duration {
        let secs = self.past_secs.saturating_add(self.max_ahead_secs);
        Duration::from_secs(secs.max(0).unsigned_abs())
    }
}
