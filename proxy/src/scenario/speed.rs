//! The speed at which the time of a scenario passes.

use std::str::FromStr;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Speed at which the time of a scenario passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// Multiple of real time.
    Times(f64),
    /// Maximum speed: no wait between the callbacks.
    Max,
}

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
        speed
            .map(Self::Times)
            .ok_or("expected max or a number above 0, found another value; write, for example, 60")
    }
}

impl Speed {
    /// Returns the real time that passes between the start and a time of the scenario.
    fn real(self, at: Duration) -> Duration {
        match self {
            Self::Times(speed) => {
                Duration::try_from_secs_f64(at.as_secs_f64() / speed).unwrap_or(Duration::MAX)
            }
            Self::Max => Duration::ZERO,
        }
    }

    /// Waits until a time of the scenario. `start` is the moment at which the scenario started.
    pub(crate) async fn wait(self, start: Instant, at: Duration) {
        match start.checked_add(self.real(at)) {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_max_or_a_positive_number() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("60".parse(), Ok(Speed::Times(60.0)));
        for text in ["0", "-1", "inf", "NaN", "fast"] {
            assert!(text.parse::<Speed>().is_err(), "expected an error, found none for {text}");
        }
        assert_eq!(Speed::Times(60.0).real(Duration::from_secs(300)), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn speed_divides_the_wait() {
        let start = Instant::now();
        Speed::Times(60.0).wait(start, Duration::from_secs(3600)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        Speed::Max.wait(start, Duration::from_secs(1_000_000)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(60));
    }
}
