//! Estimate of the remaining time of a run, printed after each round.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    started: Instant,
    rounds: usize,
}

impl Progress {
    /// Starts to measure the time of the rounds.
    pub(super) fn start(rounds: usize) -> Self {
        Self { started: Instant::now(), rounds }
    }

    /// Prints the number of finished rounds, and the estimate.
    pub(super) fn print(self, finished: usize) {
        let remaining = remaining(self.started.elapsed(), finished, self.rounds);
        eprintln!("finished round {finished} of {}; about {}", self.rounds, shown(remaining));
    }
}

/// Estimates the time of the remaining rounds from the mean time of the finished rounds.
fn remaining(elapsed: Duration, finished: usize, rounds: usize) -> Duration {
    let left = rounds.saturating_sub(finished) as f64;
    elapsed.mul_f64(left / finished.max(1) as f64)
}

fn shown(remaining: Duration) -> String {
    let seconds = remaining.as_secs_f64().round();
    if seconds < 90.0 {
        format!("{seconds:.0} s remain")
    } else {
        format!("{:.0} min remain", seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimate_uses_mean_of_finished_rounds() {
        let of = |finished| remaining(Duration::from_secs(60), finished, 5);
        assert_eq!([1, 2, 5].map(of), [240, 90, 0].map(Duration::from_secs));
    }

    #[test]
    fn shows_seconds_below_90_and_minutes_from_90() {
        let of = |seconds| shown(Duration::from_secs(seconds));
        assert_eq!(
            [0, 89, 90, 600].map(of).join(", "),
            "0 s remain, 89 s remain, 2 min remain, 10 min remain"
        );
    }
}
