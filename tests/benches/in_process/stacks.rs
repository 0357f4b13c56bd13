//! Stacks of calls with their instructions, in the folded form that flame graph programs read.
//! `tests/benches/flamegraphs` draws these stacks.
//!
//! With [`BY_CALLERS`], callgrind counts the instructions of a function separately for each chain
//! of callers, and names the function `inner'caller'outermost`. If a function calls itself,
//! callgrind adds the depth, as in `inner'2'caller`.

use std::collections::BTreeMap;
use std::fmt;

/// Option of callgrind that separates the instructions of a function by its callers.
pub const BY_CALLERS: &str = "--separate-callers=200";

/// Instructions of each stack. A stack lists the functions from the outermost to the innermost.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stacks(BTreeMap<Vec<String>, u64>);

impl Stacks {
    /// Reads the stacks from the functions of a profile and their own instructions.
    pub fn of<'p>(costs: impl Iterator<Item = (&'p str, u64)>) -> Self {
        let mut stacks = Self::default();
        for (chain, own) in costs {
            let calls = chain.split('\'').filter(|name| !is_depth(name)).map(frame);
            let mut stack: Vec<_> = calls.collect();
            stack.reverse();
            *stacks.0.entry(stack).or_default() += own;
        }
        stacks
    }

    /// Keeps the stacks that contain the function whose name ends with `outermost`, and omits that
    /// function and its callers.
    pub fn below(self, outermost: &str) -> Self {
        let stacks = self.0.into_iter().filter_map(|(mut stack, own)| {
            let place = stack.iter().position(|name| name.ends_with(outermost))?;
            Some((stack.split_off(place + 1), own))
        });
        Self(stacks.filter(|(stack, _)| !stack.is_empty()).collect())
    }

    /// Subtracts the instructions of `other`.
    pub fn less(self, other: &Self) -> Self {
        let rest = |(stack, own): (Vec<String>, u64)| {
            let less = other.0.get(&stack).copied().unwrap_or_default();
            (stack, own.saturating_sub(less))
        };
        Self(self.0.into_iter().map(rest).collect())
    }

    /// Returns the instructions of one of `runs` equal runs.
    pub fn each(self, runs: u64) -> Self {
        let each = self.0.into_iter().map(|(stack, own)| (stack, own / runs));
        Self(each.filter(|(_, own)| *own > 0).collect())
    }
}

fn is_depth(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the name of a function with commas in place of semicolons, because semicolons separate
/// the functions of a stack.
fn frame(name: &str) -> String {
    name.replace(';', ",")
}

/// Formats one line per stack: the functions, separated by semicolons, and the instructions.
impl fmt::Display for Stacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(stack, own)| writeln!(f, "{} {own}", stack.join(";")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_lists_callers_before_the_function() {
        let costs = [("scan'2'read'main", 8), ("scan'read'main", 2), ("[u8; 4]::new'main", 6)];
        let stacks = Stacks::of(costs.into_iter());
        assert_eq!(stacks.to_string(), "main;[u8, 4]::new 6\nmain;read;scan 10\n");
    }

    #[test]
    fn below_omits_callers_and_other_stacks() {
        let costs = [("f'x::measured'main", 8), ("x::measured'main", 2), ("g'main", 6)];
        let stacks = Stacks::of(costs.into_iter()).below("::measured");
        assert_eq!(stacks.to_string(), "f 8\n");
    }

    #[test]
    fn difference_of_two_runs_excludes_the_start() {
        let run = |push| Stacks::of([("start'main", 100), ("push'main", push)].into_iter());
        assert_eq!(run(400).less(&run(100)).each(10).to_string(), "main;push 30\n");
    }
}
