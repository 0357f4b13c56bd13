//! The baseline (the committed instruction counts), and checks against the baseline.
//!
//! A bench fails the check if
//!
//! 1. a count exceeds the count in the baseline by more than [`GROWTH_PERCENT`], both after other
//!    benches and alone in a process (other benches change the work of the allocator, and this
//!    change can exceed the limit for a short bench);
//! 2. the baseline does not contain the bench;
//! 3. only the baseline contains the bench.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Failure;

/// Growth, in percent, above which a count fails the check.
const GROWTH_PERCENT: u64 = 5;

/// Inverse of the noise limit: a difference of less than 1/200, or half a percent, is noise.
const NEAR: u64 = 200;

const HEAD: &str = "\
# Instructions per run of each bench: in total, and without the hash functions.
# Written by `cargo run --release -p gatepost-benches -- counts --write`.
";

/// Mode of the command `counts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Check,
    Print,
    Write,
}

/// Instructions per run of a bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub all: u64,
    /// Instructions without the hash functions, whose cost depends on the processor.
    pub unhashed: u64,
}

impl Count {
    fn exceeds(self, baseline: Self) -> bool {
        let grew = |now: u64, before: u64| now * 100 > before * (100 + GROWTH_PERCENT);
        grew(self.all, baseline.all) || grew(self.unhashed, baseline.unhashed)
    }

    fn min(self, other: Self) -> Self {
        Self { all: self.all.min(other.all), unhashed: self.unhashed.min(other.unhashed) }
    }

    fn is_near(self, other: Self) -> bool {
        let near = |one: u64, other: u64| one.abs_diff(other) * NEAR < one;
        near(self.all, other.all) && near(self.unhashed, other.unhashed)
    }
}

/// Count of each bench, keyed by the bench's name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<String, Count>);

impl Baseline {
    fn path() -> PathBuf {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../instructions.txt").into()
    }

    /// Reads the committed counts.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is absent or malformed.
    pub fn read() -> Result<Self, Failure> {
        fs::read_to_string(Self::path())
            .map_err(|why| format!("expected a baseline, found {why}; run `counts --write`"))?
            .parse()
    }

    /// Writes these counts as the new baseline.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not writable.
    pub fn write(&self) -> Result<(), Failure> {
        let before = Self::read().unwrap_or_default();
        Ok(fs::write(Self::path(), self.following(&before).to_string())?)
    }

    /// Returns the counts for a new baseline. If a difference from `before` is noise, the new
    /// baseline keeps the count of `before`, so that a diff shows only real changes. For example, a
    /// new bench changes the memory layout, and so changes the counts of all other benches by a few
    /// instructions.
    fn following(&self, before: &Self) -> Self {
        let kept = |name: &str, count: Count| {
            before.count(name).filter(|before| before.is_near(count)).unwrap_or(count)
        };
        self.0.iter().map(|(name, count)| (name.clone(), kept(name, *count))).collect()
    }

    /// Returns the count of a bench.
    pub fn count(&self, name: &str) -> Option<Count> {
        self.0.get(name).copied()
    }

    /// Returns these counts and those of `other`.
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns the counts that `other` lacks, and the counts that differ by more than noise.
    pub fn beyond(&self, other: &Self) -> Self {
        let is_near = |name: &str, count| other.count(name).is_some_and(|c| c.is_near(count));
        let others = self.0.iter().filter(|(name, count)| !is_near(name, **count));
        others.map(|(name, count)| (name.clone(), *count)).collect()
    }

    /// Repeats each bench whose count exceeds the limit, alone in a process. Returns all counts:
    /// for a repeated bench, the lower of its two counts.
    ///
    /// # Errors
    ///
    /// Returns an error if a measurement fails.
    pub fn with_repeated(
        &self,
        baseline: &Self,
        measure: impl Fn(&str) -> Result<Self, Failure>,
    ) -> Result<Self, Failure> {
        let counts = self.0.iter().map(|(name, &count)| {
            let has_grown = baseline.count(name).is_some_and(|before| count.exceeds(before));
            let alone = if has_grown { measure(name)?.count(name) } else { None };
            Ok((name.clone(), alone.map_or(count, |alone| count.min(alone))))
        });
        counts.collect()
    }

    /// Formats a table of the counts, with the changes since `before`.
    pub fn beside(&self, before: &Self) -> String {
        let mut table = String::from(
            "| bench | instructions | change | without hashing | change |\n|---|--:|--:|--:|--:|\n",
        );
        for (name, Count { all, unhashed }) in &self.0 {
            let before = before.0.get(name);
            let of_all = change(*all, before.map(|count| count.all));
            let of_unhashed = change(*unhashed, before.map(|count| count.unhashed));
            let row = format!("| {name} | {all} | {of_all} | {unhashed} | {of_unhashed} |");
            table.push_str(&row);
            table.push('\n');
        }
        table
    }

    /// Returns a message for each bench that fails the check.
    pub fn faults(&self, baseline: &Self) -> Vec<String> {
        let grown = self.0.iter().filter_map(|(name, count)| match baseline.0.get(name) {
            Some(before) if count.exceeds(*before) => {
                let (all, unhashed) = (before.all, before.unhashed);
                let now = format!("{} ({} without hashing)", count.all, count.unhashed);
                Some(format!("{name}: expected {all} ({unhashed}) instructions, found {now}"))
            }
            Some(_) => None,
            None => Some(format!("{name}: expected a count in the baseline, found none")),
        });
        let gone = baseline.0.keys().filter(|name| !self.0.contains_key(*name));
        grown.chain(gone.map(|name| format!("{name}: expected a bench, found none"))).collect()
    }
}

/// Formats a change such as `+1.5%`. Returns `new` without an earlier count, and an empty
/// string for an unchanged count.
fn change(now: u64, before: Option<u64>) -> String {
    match before {
        None => "new".into(),
        Some(before) if before == now => String::new(),
        Some(before) => format!("{:+.1}%", (now as f64 / before as f64 - 1.0) * 100.0),
    }
}

impl FromIterator<(String, Count)> for Baseline {
    fn from_iter<I: IntoIterator<Item = (String, Count)>>(counts: I) -> Self {
        Self(counts.into_iter().collect())
    }
}

/// Formats one line per bench, sorted by name, so that a changed bench changes one line.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for (name, Count { all, unhashed }) in &self.0 {
            writeln!(f, "{name:<60} {all:>8} {unhashed:>8}")?;
        }
        Ok(())
    }
}

impl FromStr for Baseline {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let counts = lines.map(|line| {
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            let [name, all, unhashed] = words[..] else {
                return Err(format!(
                    "expected a name and two counts, found {line}; run `counts --write`"
                )
                .into());
            };
            Ok((name.to_owned(), Count { all: all.parse()?, unhashed: unhashed.parse()? }))
        });
        counts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "push 1000 100\nplay 2000 2000\n";

    fn faults(now: &str) -> Vec<String> {
        let now: Baseline = now.parse().unwrap();
        now.faults(&BEFORE.parse().unwrap())
    }

    #[test]
    fn fails_one_instruction_above_allowed_growth() {
        assert!(faults("push 1050 105\nplay 1 1\n").is_empty());
        assert_eq!(
            faults("push 1051 100\nplay 2000 2000\n"),
            ["push: expected 1000 (100) instructions, found 1051 (100 without hashing)"]
        );
        assert_eq!(faults("push 1000 106\nplay 2000 2000\n").len(), 1);
    }

    #[test]
    fn measures_bench_again_if_count_has_grown() {
        let now: Baseline = "play 2000 2000\npush 1051 100\n".parse().unwrap();
        let again = |count: &'static str| {
            move |name: &str| {
                assert_eq!(name, "push");
                count.parse()
            }
        };
        let baseline = BEFORE.parse().unwrap();
        let repeated = |count| now.with_repeated(&baseline, again(count)).unwrap();
        assert!(repeated("push 1000 101").faults(&baseline).is_empty());
        assert_eq!(repeated("push 1060 101"), now);
    }

    #[test]
    fn fails_on_missing_or_unknown_bench() {
        let now = "push 1000 100\nplays 2000 2000\n";
        assert_eq!(
            faults(now),
            [
                "plays: expected a count in the baseline, found none",
                "play: expected a bench, found none"
            ]
        );
    }

    #[test]
    fn new_baseline_keeps_counts_within_noise() {
        let now: Baseline = "new 1 1\npush 1004 100\nplay 2010 2000\n".parse().unwrap();
        let written = now.following(&BEFORE.parse().unwrap());
        assert_eq!(written, "new 1 1\npush 1000 100\nplay 2010 2000\n".parse().unwrap());
        let now: Baseline = "push 1000 101".parse().unwrap();
        assert_eq!(now.following(&BEFORE.parse().unwrap()), now);
    }

    #[test]
    fn parses_formatted_baseline() {
        let baseline: Baseline = BEFORE.parse().unwrap();
        assert_eq!(baseline.to_string().parse::<Baseline>().unwrap(), baseline);
        assert!("push 1000\n".parse::<Baseline>().is_err());
    }

    #[test]
    fn table_shows_changes() {
        let now: Baseline = "new 1 1\npush 1100 100".parse().unwrap();
        let table = now.beside(&BEFORE.parse().unwrap());
        assert!(
            table.ends_with("| new | 1 | new | 1 | new |\n| push | 1100 | +10.0% | 100 |  |\n")
        );
        let far = now.beyond(&"new 1 1\npush 1 1".parse().unwrap());
        assert_eq!(far, "push 1100 100".parse().unwrap());
    }
}
