//! Comparison of the figures of several rounds with a limit.
//!
//! On a machine with other work, the median of a few rounds may be on the wrong side of a limit.
//! This module therefore computes an interval that contains the true median with a probability of
//! at least 90 %. Unless the whole interval is on one side of the limit, the result is `undecided`.

use serde_json::{Value, json};

use super::table::middle;

/// Probability with which an [`Interval`] contains the true median.
const CONFIDENCE: f64 = 0.9;

/// A limit for a figure.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: String,
    /// The figure of each round.
    pub(super) figures: Vec<f64>,
    pub(super) limit: Limit,
    /// Reason why the result is undecided regardless of the figures, or `None`.
    doubt: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Pass,
    Miss,
    /// No result, because of too few rounds, an interval that contains the limit, or a doubt.
    Undecided,
}

/// Interval of the median, from order statistics: the probability does not depend on the
/// distribution of the figures.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Interval {
    low: f64,
    high: f64,
}

impl Target {
    pub(super) fn at_most(name: impl Into<String>, figures: Vec<f64>, limit: f64) -> Self {
        Self { name: name.into(), figures, limit: Limit::AtMost(limit), doubt: None }
    }

    pub(super) fn at_least(name: impl Into<String>, figures: Vec<f64>, limit: f64) -> Self {
        Self { name: name.into(), figures, limit: Limit::AtLeast(limit), doubt: None }
    }

    /// Makes the result undecided if `doubt` is `Some`.
    pub(super) fn undecided_if(self, doubt: Option<String>) -> Self {
        Self { doubt, ..self }
    }

    /// Returns true if the run has neither figures nor a reason for their absence.
    pub(super) fn is_unknown(&self) -> bool {
        self.figures.is_empty() && self.doubt.is_none()
    }

    pub(super) fn verdict(&self) -> Verdict {
        if self.doubt.is_some() {
            return Verdict::Undecided;
        }
        let Some(Interval { low, high }) = Interval::of(&self.figures) else {
            return Verdict::Undecided;
        };
        let (is_kept, is_missed) = match self.limit {
            Limit::AtMost(limit) => (high <= limit, low > limit),
            Limit::AtLeast(limit) => (low >= limit, high < limit),
        };
        match (is_kept, is_missed) {
            (true, _) => Verdict::Pass,
            (_, true) => Verdict::Miss,
            _ => Verdict::Undecided,
        }
    }

    fn interval(&self) -> String {
        Interval::of(&self.figures).map_or_else(
            || "fewer than 5 rounds".into(),
            |Interval { low, high }| format!("{} to {}", shown(low), shown(high)),
        )
    }

    fn markdown(&self) -> String {
        let (word, limit) = match self.limit {
            Limit::AtMost(limit) => ("≤", limit),
            Limit::AtLeast(limit) => ("≥", limit),
        };
        let figure = self.median().map_or_else(|| "–".into(), shown);
        let (name, interval, verdict) = (&self.name, self.interval(), self.verdict().as_str());
        let doubt = self.doubt.as_ref().map_or_else(String::new, |doubt| format!(": {doubt}"));
        format!("| {name} | {figure} | {interval} | {word} {} | {verdict}{doubt} |", shown(limit))
    }

    fn median(&self) -> Option<f64> {
        (!self.figures.is_empty()).then(|| middle(self.figures.clone()))
    }

    pub(super) fn json(&self) -> Value {
        let (word, limit) = match self.limit {
            Limit::AtMost(limit) => ("at_most", limit),
            Limit::AtLeast(limit) => ("at_least", limit),
        };
        let interval = Interval::of(&self.figures).map(|found| [found.low, found.high]);
        json!({
            "target": self.name,
            "median": self.median(),
            "interval": interval,
            "rounds": self.figures,
            word: limit,
            "verdict": self.verdict().as_str(),
            "doubt": self.doubt,
        })
    }
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Miss => "miss",
            Self::Undecided => "undecided",
        }
    }
}

/// Returns the table of the targets.
pub(super) fn markdown(targets: &[Target]) -> String {
    let lines = targets.iter().map(Target::markdown);
    let head = "| target | median | 90 % interval | limit | result |\n|---|--:|--:|--:|---|";
    [head.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// Formats a figure: with two decimals below 100, else with none.
fn shown(figure: f64) -> String {
    if figure.abs() < 100.0 { format!("{figure:.2}") } else { format!("{figure:.0}") }
}

impl Interval {
    /// Returns the narrowest interval from the `k`-th lowest to the `k`-th highest figure that
    /// contains the true median with a probability of at least [`CONFIDENCE`]. Returns `None` for
    /// fewer than five figures.
    fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = u32::try_from(sorted.len()).ok()?;
        // Each figure is below the true median with a probability of one half. If at most `k`
        // figures are on one side of the median, the interval from `sorted[k]` misses the median.
        let mut fewer = 0.0;
        let mut ways = 1.0;
        let mut rank = None;
        for k in 0..count / 2 {
            fewer += ways * 0.5_f64.powi(count.cast_signed());
            if 1.0 - 2.0 * fewer < CONFIDENCE {
                break;
            }
            rank = Some(k as usize);
            ways = ways * f64::from(count - k) / f64::from(k + 1);
        }
        let rank = rank?;
        let low = *sorted.get(rank)?;
        let high = *sorted.get(sorted.len() - 1 - rank)?;
        Some(Self { low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(count: u32) -> Option<(f64, f64)> {
        let figures: Vec<_> = (1..=count).rev().map(f64::from).collect();
        Interval::of(&figures).map(|found| (found.low, found.high))
    }

    #[test]
    fn interval_has_ranks_of_published_tables() {
        // Ranks of the 90 % interval of the sign test.
        assert_eq!(
            [4, 5, 7, 8, 9, 15, 25].map(interval),
            [
                None,
                Some((1.0, 5.0)),
                Some((1.0, 7.0)),
                Some((2.0, 7.0)),
                Some((2.0, 8.0)),
                Some((4.0, 12.0)),
                Some((8.0, 18.0)),
            ]
        );
    }

    #[test]
    fn result_is_undecided_if_interval_contains_limit() {
        let verdict =
            |figures: &[f64], limit| Target::at_most("", figures.to_vec(), limit).verdict();
        let figures = [1.02, 1.04, 1.06, 1.08, 1.20];
        assert_eq!(verdict(&figures, 1.2), Verdict::Pass);
        assert_eq!(verdict(&figures, 1.1), Verdict::Undecided);
        assert_eq!(verdict(&figures, 1.0), Verdict::Miss);
        assert_eq!(verdict(&figures[..4], 2.0), Verdict::Undecided);
        assert_eq!(Target::at_least("", figures.to_vec(), 1.3).verdict(), Verdict::Miss);
        assert_eq!(Target::at_least("", figures.to_vec(), 1.0).verdict(), Verdict::Pass);
    }

    #[test]
    fn result_is_undecided_if_there_is_a_doubt() {
        let target = |figures| {
            Target::at_most("push", figures, 1.1).undecided_if(Some("found a 503".into()))
        };
        assert_eq!(target(vec![1.0; 5]).verdict(), Verdict::Undecided);
        assert_eq!(
            markdown(&[target(vec![])]).lines().last(),
            Some("| push | – | fewer than 5 rounds | ≤ 1.10 | undecided: found a 503 |")
        );
        assert_eq!(target(vec![]).json()["doubt"], "found a 503");
        assert!(!target(vec![]).is_unknown() && Target::at_most("", vec![], 1.0).is_unknown());
    }
}
