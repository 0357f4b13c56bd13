//! Instruction counts by valgrind's callgrind.
//!
//! This program starts itself under callgrind. Callgrind counts only within [`measured`], so the
//! preparation of a bench does not count. Callgrind writes a profile at each call of [`end`].
//!
//! Each run of the same program gives the same counts, because these inputs are fixed:
//!
//! 1. the time, and the keys of hash tables: they come from `seeds.c` instead of the system;
//! 2. the environment and the program's path: they move the stack, and thereby change the alignment
//!    of the data that `memcpy` copies;
//! 3. the C library's functions: [`PLAINEST`] selects the generic variants on every processor.
//!
//! Callgrind does not support SHA instructions. Under callgrind, SHA-256 runs in software, and each
//! block takes thousands of instructions. This program therefore also prints the count without the
//! hash functions.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::Failure;
use crate::baseline::{Baseline, Count};
use crate::bench::Bench;
use crate::stacks::{BY_CALLERS, Stacks};

/// Argument with which this program runs the benches under callgrind.
pub const CHILD: &str = "measure";

/// Number of counted runs of each bench. An equal number of uncounted runs comes first, to exclude
/// the cost of initialization at first use.
const ROUNDS: usize = 16;

/// Name of the profile that callgrind writes when the program ends. To the name of a profile that
/// callgrind writes at a call of `end`, callgrind adds the number of the call, from 1.
pub const PROFILE: &str = "profile";

const PLAINEST: &str = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX,-AVX_Fast_Unaligned_Load,-BMI2,\
                        -ERMS,-FSRM,-MOVBE,-SSE4_1,-SSE4_2,-SSSE3";

/// Runs the measured work. Callgrind finds this function by its name.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    // Keep the call out of tail position: a tail call is a jump to `work`, and callgrind does not
    // count `work` as part of this function after such a jump.
    std::hint::black_box(());
}

/// Marks the end of a bench. Callgrind finds this function by its name.
#[inline(never)]
fn end() {
    std::hint::black_box(());
}

/// Runs every bench, and prints the benches' names in the order of callgrind's profiles.
pub fn measure_all(benches: Vec<Bench>) {
    for mut bench in benches {
        bench.lap(ROUNDS, &mut |work| work());
        // Run each round as a separate lap. A lap of several rounds frees their requests together,
        // but a server frees each request separately.
        for _ in 0..ROUNDS {
            bench.lap(1, &mut measured);
        }
        end();
        println!("{}", bench.name);
    }
}

/// Counts the instructions of the benches whose name contains `filter`.
///
/// # Errors
///
/// Returns an error if valgrind is absent or fails.
pub fn count(filter: &str) -> Result<Baseline, Failure> {
    profiles(filter, &[], |profile| {
        count_of(profile).ok_or_else(|| "expected a total, found none; update valgrind".into())
    })
}

/// Returns the stacks of one run of each bench whose name contains `filter`.
///
/// # Errors
///
/// Returns an error if valgrind is absent or fails.
pub fn stacks(filter: &str) -> Result<Vec<(String, Stacks)>, Failure> {
    profiles(filter, &[BY_CALLERS], |profile| {
        Ok(Stacks::of(own_costs(profile)).below("::callgrind::measured").each(ROUNDS as u64))
    })
}

/// Runs the benches whose name contains `filter`, and reads the profile of each bench.
fn profiles<T, C: FromIterator<(String, T)>>(
    filter: &str,
    options: &[&str],
    read: impl Fn(&str) -> Result<T, Failure>,
) -> Result<C, Failure> {
    let dir = TempDir::new()?;
    let names = run(callgrind(dir.path(), filter, options)?)?;
    let names = String::from_utf8(names.stdout)?;
    let profiles = names.lines().enumerate().map(|(index, name)| {
        let profile = fs::read_to_string(dir.path().join(format!("{PROFILE}.{}", index + 1)))
            .map_err(|why| format!("{name}: expected a profile, found {why}; update valgrind"))?;
        Ok((name.to_owned(), read(&profile)?))
    });
    profiles.collect()
}

/// Returns the command that runs the benches of this program under callgrind.
fn callgrind(dir: &Path, filter: &str, options: &[&str]) -> Result<Command, Failure> {
    const MEASURED: [&str; 2] =
        ["--toggle-collect=*::callgrind::measured", "--dump-after=*::callgrind::end"];
    let options: Vec<_> = MEASURED.iter().chain(options).copied().collect();
    let mut command = valgrind(dir, &std::env::current_exe()?, &options)?;
    command.args([CHILD, filter]);
    Ok(command)
}

/// Returns the command that runs a program under callgrind in a fixed environment. Callgrind writes
/// the profile to the file [`PROFILE`] in `dir`.
pub fn valgrind(dir: &Path, program: &Path, options: &[&str]) -> Result<Command, Failure> {
    let seeds = dir.join("seeds.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds.c");
    let mut compiler = Command::new("cc");
    run({
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&seeds).arg(source);
        compiler
    })?;
    let (Some(folder), Some(name)) = (program.parent(), program.file_name()) else {
        return Err("expected a folder in the program's path, found none".into());
    };
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .args(options)
        .arg(format!("--callgrind-out-file={}", dir.join(PROFILE).display()))
        .arg(Path::new(".").join(name))
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GLIBC_TUNABLES", PLAINEST)
        .env("LD_PRELOAD", seeds);
    Ok(command)
}

fn run(mut command: Command) -> Result<Output, Failure> {
    let name = command.get_program().display().to_string();
    let output =
        command.output().map_err(|why| format!("expected {name}, found {why}; install {name}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("expected {name} to succeed, found an error: {error}").into())
}

/// Reads the instructions per run from a profile.
fn count_of(profile: &str) -> Option<Count> {
    let Count { all, unhashed } = total_of(profile)?;
    let each = |instructions: u64| instructions / ROUNDS as u64;
    Some(Count { all: each(all), unhashed: each(unhashed) })
}

/// Reads the total number of instructions from a profile.
pub fn total_of(profile: &str) -> Option<Count> {
    let all: u64 = profile.lines().find_map(|l| l.strip_prefix("totals: "))?.parse().ok()?;
    let hashing = own_costs(profile).filter(|(name, _)| is_hashing(name));
    let hashing: u64 = hashing.map(|(_, own)| own).sum();
    Some(Count { all, unhashed: all.checked_sub(hashing)? })
}

/// Returns each function of a profile with its cost, without the cost of called functions. A cost
/// line contains a position and a number of instructions. The cost line after a `calls=` line
/// belongs to the called function.
pub fn own_costs(profile: &str) -> impl Iterator<Item = (&str, u64)> {
    let (mut function, mut is_callee) = ("", false);
    profile.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        }
        let was_callee = std::mem::replace(&mut is_callee, line.starts_with("calls="));
        let (position, own) = line.split_once(' ')?;
        let is_own = !was_callee && position.bytes().all(|byte| byte.is_ascii_digit());
        is_own.then_some((function, own.parse().ok()?))
    })
}

/// Returns true if the function belongs to a hash crate.
fn is_hashing(function: &str) -> bool {
    ["md5::", "sha1::", "sha2::"].iter().any(|hash| function.starts_with(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unhashed_count_excludes_only_hash_functions() {
        let profile = "positions: line\nevents: Ir\n\n\
                       fn=gatepost::event::identity\n0 160\n\
                       cfn=sha2::sha256::compress256\ncalls=16 0\n0 3200\n0 320\n\n\
                       fn=sha2::sha256::compress256\n0 3200\n\
                       cfn=memcpy\ncalls=16 0\n0 1600\n\n\
                       fn=memcpy\n0 1600\n\ntotals: 5280\n";
        assert_eq!(count_of(profile), Some(Count { all: 330, unhashed: 130 }));
        assert_eq!(count_of("fn=a\n0 1\n"), None);
    }
}
