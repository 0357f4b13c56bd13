//! Replies 503 and 504, which are correct if other work stalls the machine. After such a reply, the
//! program repeats the measurement once. If the repetition also gets such a reply, the program
//! continues without figures for that round.

use std::error::Error;
use std::fmt::{Display, Formatter, Result as FmtResult};
use std::thread;
use std::time::Duration;

/// Time before a repetition. gatepost's circuit breaker closes in this time.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

/// Error for a reply 503 or 504 in a measurement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stalled(pub(super) String);

impl Display for Stalled {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(&self.0)
    }
}

impl Error for Stalled {}

/// Figures of all rounds of a measurement.
#[derive(Clone, Debug)]
pub(super) struct Series<T> {
    /// The figures of each round, or `None` if the server stalled in both attempts.
    pub(super) rounds: Vec<Option<T>>,
    /// The stall of the last round that has no figures.
    pub(super) stall: Option<Stalled>,
}

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self { rounds: Vec::new(), stall: None }
    }
}

impl<T: Copy> Series<T> {
    /// Returns the figures of all rounds that have figures.
    pub(super) fn figures(&self) -> Vec<T> {
        self.rounds.iter().copied().flatten().collect()
    }

    /// Measures a round. If the server stalls, repeats the measurement once, after a pause.
    ///
    /// # Errors
    /// Returns an error if a measurement fails for another reason.
    pub(super) fn add(
        &mut self,
        pause: Duration,
        mut measure: impl FnMut() -> Result<T, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let attempt = measure().or_else(|error| {
            let stall = error.downcast::<Stalled>()?;
            eprintln!("{stall}; repeating the measurement");
            thread::sleep(pause);
            measure()
        });
        let figures = match attempt {
            Ok(figures) => Some(figures),
            Err(error) => {
                self.stall = Some(*error.downcast::<Stalled>()?);
                None
            }
        };
        self.rounds.push(figures);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stalled(reason: &str) -> Result<u8, Box<dyn Error>> {
        Err(Stalled(reason.into()).into())
    }

    fn series(results: Vec<Result<u8, Box<dyn Error>>>) -> (Series<u8>, bool) {
        let mut results = results.into_iter();
        let mut series = Series::default();
        let result = series.add(Duration::ZERO, || results.next().unwrap());
        assert!(results.next().is_none(), "expected another attempt, found none");
        (series, result.is_ok())
    }

    #[test]
    fn measurement_repeats_once_after_stall() {
        let (once, is_ok) = series(vec![stalled("first"), Ok(1)]);
        assert_eq!((once.rounds, once.stall, is_ok), (vec![Some(1)], None, true));
        let (twice, is_ok) = series(vec![stalled("first"), stalled("second")]);
        assert_eq!(twice.figures(), Vec::<u8>::new());
        assert_eq!(twice.rounds, [None]);
        assert_eq!((twice.stall, is_ok), (Some(Stalled("second".into())), true));
    }

    #[test]
    fn wrong_reply_ends_measurement() {
        let wrong = || Err("expected 200, found 500".into());
        assert!(!series(vec![wrong()]).1);
        let (series, is_ok) = series(vec![stalled("first"), wrong()]);
        assert!(!is_ok && series.rounds.is_empty());
    }
}
