//! Result of a load, and its unexpected replies.

use std::error::Error;
use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};

use super::stall::Stalled;

/// Statuses with which a server replies if the app does not answer in time.
const STALLED: [u16; 2] = [503, 504];

/// Result of a load.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) replies: u64,
    pub(super) elapsed: Duration,
    /// Latencies in nanoseconds.
    pub(super) latency: Histogram<u64>,
    /// Unexpected replies other than 503 and 504.
    pub(super) wrong: Faults,
    /// Unexpected replies 503 and 504.
    pub(super) stalled: Faults,
    /// Number of connections that the server closed after a reply.
    pub(super) reconnects: u64,
}

/// Unexpected replies.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) count: u64,
    /// Description of the first unexpected reply.
    first: Option<String>,
}

impl Outcome {
    /// Creates a result that contains no replies yet.
    ///
    /// # Errors
    /// Returns the error of [`Histogram::new`].
    pub(super) fn new() -> Result<Self, CreationError> {
        Ok(Self {
            replies: 0,
            elapsed: Duration::ZERO,
            latency: Histogram::new(3)?,
            wrong: Faults::default(),
            stalled: Faults::default(),
            reconnects: 0,
        })
    }

    /// Counts an unexpected reply.
    pub(super) fn add_fault(&mut self, status: u16, complaint: String) {
        let faults = if STALLED.contains(&status) { &mut self.stalled } else { &mut self.wrong };
        faults.count += 1;
        faults.first.get_or_insert(complaint);
    }

    /// Checks that the server sent no unexpected reply.
    ///
    /// # Errors
    /// Returns [`Stalled`] if all unexpected replies had the status 503 or 504. Returns another
    /// error if an unexpected reply had another status.
    pub(super) fn check(&self) -> Result<(), Box<dyn Error>> {
        if let Faults { count, first: Some(first) } = &self.wrong {
            return Err(format!("expected no wrong reply, found {count}: {first}").into());
        }
        match &self.stalled {
            Faults { count, first: Some(first) } => {
                Err(Stalled(format!("expected no 503 or 504, found {count}: {first}")).into())
            }
            Faults { first: None, .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(statuses: &[u16]) -> Result<(), Box<dyn Error>> {
        let mut outcome = Outcome::new().unwrap();
        for status in statuses {
            outcome.add_fault(*status, format!("found {status}"));
        }
        outcome.check()
    }

    #[test]
    fn only_503_and_504_are_stalls() {
        checked(&[]).unwrap();
        assert!(checked(&[503, 504]).unwrap_err().is::<Stalled>());
        assert!(!checked(&[502]).unwrap_err().is::<Stalled>());
        assert!(!checked(&[200]).unwrap_err().is::<Stalled>());
    }

    #[test]
    fn reports_wrong_reply_rather_than_stall() {
        let error = checked(&[503, 200]).unwrap_err();
        assert_eq!(error.to_string(), "expected no wrong reply, found 1: found 200");
    }
}
