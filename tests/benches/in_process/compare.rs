//! Comparison of benches of gatepost with reference benches, by instructions and by CPU time.
//!
//! Callgrind counts the instructions. The CPU time is the time of this thread outside of callgrind,
//! where the hash crates can use the processor's SHA instructions. A bench and its reference
//! run alternately, in laps of many runs. The table shows the medians of the lap times and of the
//! ratios.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Failure;
use crate::baseline::{Baseline, Count};
use crate::bench::Bench;

/// Number of laps of each bench.
const LAPS: usize = 101;
/// Number of runs in a lap.
const ROUNDS: usize = 200;

/// A comparison: title, bench of gatepost, reference bench and allowed distance.
struct Figure(&'static str, &'static str, &'static str, Limit);

/// Allowed distance from the reference.
enum Limit {
    /// Maximum number of additional instructions.
    Added(u64),
    /// Maximum ratio of CPU times.
    Cpu(f64),
    /// Maximum ratio of instructions.
    Instructions(f64),
    /// Maximum ratio of instructions without the hash functions.
    Unhashed(f64),
    /// No limit: the program only prints the figures.
    None,
}

use Limit::{Added, Cpu, Instructions, Unhashed};

const FIGURES: [Figure; 15] = [
    Figure("push as JSON / by hand", "layer/push_value", "by_hand/push_value", Cpu(1.75)),
    Figure("push as a type / by hand", "layer/push_typed", "by_hand/push_typed", Cpu(1.6)),
    Figure("play as a type / by hand", "layer/play", "by_hand/play", Cpu(1.4)),
    Figure("GitHub push / `webhook-verify`", "layer/github", "webhook-verify/github", Limit::None),
    Figure(
        "GitHub push as a type / `webhook-verify` and `serde_json`",
        "layer/github_typed",
        "webhook-verify/github_value",
        Cpu(1.5),
    ),
    Figure(
        "other path of axum / no layer",
        "other_path/axum_layer",
        "other_path/axum_bare",
        Added(150),
    ),
    Figure(
        "other path of axum / empty layer",
        "other_path/axum_layer",
        "other_path/axum_empty_layer",
        Limit::None,
    ),
    Figure(
        "other path of tower / no layer",
        "other_path/tower_layer",
        "other_path/tower_bare",
        Added(600),
    ),
    Figure(
        "path with a dot / no layer",
        "other_path/tower_layer_dotted",
        "other_path/tower_bare_dotted",
        Added(150),
    ),
    Figure("push to event / by hand", "push/to_event", "by_hand/push_and_back", Unhashed(0.58)),
    Figure("bad signature / genuine push", "refusal/signature_mismatch", "push/whole", Cpu(0.6)),
    Figure("10,000 bindings / 1", "lookup/bindings_10000", "lookup/bindings_1", Instructions(1.1)),
    Figure(
        "100 routes / 1",
        "lookup/routes_100_callback_path",
        "lookup/routes_1_callback_path",
        Limit::None,
    ),
    Figure(
        "1,000 routes / 1",
        "lookup/routes_1000_callback_path",
        "lookup/routes_1_callback_path",
        Limit::None,
    ),
    Figure(
        "other path, 1,000 routes / 1",
        "lookup/routes_1000_other_path",
        "lookup/routes_1_other_path",
        Limit::None,
    ),
];

const HEAD: &str = "\
| bench / reference | instructions | reference | ratio | ratio without hashing | CPU, ns | reference | ratio | limit |
|---|--:|--:|--:|--:|--:|--:|--:|---|";

/// Prints every figure for which both benches have `filter` in their names.
///
/// # Errors
///
/// Returns an error if a bench of a figure is absent.
pub fn print(filter: &str, counts: &Baseline, benches: &mut [Bench]) -> Result<(), Failure> {
    println!("{HEAD}");
    let named = FIGURES.iter().filter(|figure| {
        let Figure(_, ours, other, _) = figure;
        ours.contains(filter) && other.contains(filter)
    });
    for Figure(name, ours, other, limit) in named {
        let (count, against) = (count(counts, ours)?, count(counts, other)?);
        let laps = laps(benches, ours, other)?;
        let instructions = ratio(count.all, against.all);
        let unhashed = ratio(count.unhashed, against.unhashed);
        let cpu = median(laps.iter().map(|(ours, other)| ours / other));
        println!(
            "| {name} | {} | {} | {instructions:.2} | {unhashed:.2} | {:.0} | {:.0} | {cpu:.2} | {} |",
            count.all,
            against.all,
            median(laps.iter().map(|(ours, _)| *ours)),
            median(laps.iter().map(|(_, other)| *other)),
            limit.judge(count.all.saturating_sub(against.all), [instructions, unhashed, cpu]),
        );
    }
    Ok(())
}

fn ratio(ours: u64, other: u64) -> f64 {
    ours as f64 / other as f64
}

impl Limit {
    /// Formats the limit, with a mark if a figure exceeds the limit. The ratios are those of the
    /// instructions, of the instructions without the hash functions, and of the CPU time.
    fn judge(&self, added: u64, [instructions, unhashed, cpu]: [f64; 3]) -> String {
        let (limit, is_kept) = match self {
            Added(most) => (format!("{most} more instructions"), added <= *most),
            Cpu(most) => (format!("{most} of the CPU time"), cpu <= *most),
            Instructions(most) => (format!("{most} of the instructions"), instructions <= *most),
            Unhashed(most) => {
                (format!("{most} of the instructions without hashing"), unhashed <= *most)
            }
            Self::None => return String::new(),
        };
        if is_kept { limit } else { format!("{limit}: MISSED") }
    }
}

fn count(counts: &Baseline, name: &str) -> Result<Count, Failure> {
    counts.count(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Failure {
    format!("expected a bench {name}, found none; correct `FIGURES`").into()
}

/// Measures the laps of both benches, in nanoseconds per run.
fn laps(benches: &mut [Bench], ours: &str, other: &str) -> Result<Vec<(f64, f64)>, Failure> {
    let place =
        |name| benches.iter().position(|bench| bench.name == name).ok_or_else(|| missing(name));
    let [ours, other] = benches.get_disjoint_mut([place(ours)?, place(other)?])?;
    // Skip the first laps, which include initialization at first use.
    Ok((0..=LAPS).map(|_| (time(ours), time(other))).skip(1).collect())
}

fn time(bench: &mut Bench) -> f64 {
    let mut taken = Duration::ZERO;
    bench.lap(ROUNDS, &mut |work| {
        let begun = cpu_time();
        work();
        taken = cpu_time().saturating_sub(begun);
    });
    taken.as_nanos() as f64 / ROUNDS as f64
}

/// Returns the CPU time of this thread.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_figure_equal_to_limit() {
        assert_eq!(Added(150).judge(150, [9.0; 3]), "150 more instructions");
        assert_eq!(Added(150).judge(151, [0.0; 3]), "150 more instructions: MISSED");
        assert_eq!(Cpu(1.1).judge(9, [9.0, 9.0, 1.1]), "1.1 of the CPU time");
        assert_eq!(Cpu(1.1).judge(0, [0.0, 0.0, 1.11]), "1.1 of the CPU time: MISSED");
        assert_eq!(Instructions(0.6).judge(9, [0.6, 9.0, 9.0]), "0.6 of the instructions");
        assert_eq!(Instructions(0.6).judge(0, [0.61, 0.0, 0.0]), "0.6 of the instructions: MISSED");
        let unhashed = |ratio| Unhashed(0.6).judge(9, [9.0, ratio, 9.0]);
        assert_eq!(unhashed(0.6), "0.6 of the instructions without hashing");
        assert_eq!(unhashed(0.61), "0.6 of the instructions without hashing: MISSED");
    }

    #[test]
    fn median_returns_middle_value() {
        assert!((median([9.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!(median(std::iter::empty()).is_nan());
    }
}
