//! Program that measures the CPU cost of gatepost. A bench is one measured piece of work.
//!
//! ```sh
//! cargo run --release -p gatepost-benches -- counts           # prints counts beside the baseline
//! cargo run --release -p gatepost-benches -- counts lookup/   # benches with `lookup/` in the name
//! cargo run --release -p gatepost-benches -- counts --check   # fails if a count grows too much
//! cargo run --release -p gatepost-benches -- counts --write   # writes the baseline
//! cargo run --release -p gatepost-benches -- compare          # compares benches with references
//! cargo run --release -p gatepost-benches -- compare typed    # benches with `typed` in the name
//! cargo run --release -p gatepost-benches -- in-flight        # 10,000 callbacks at once
//! cargo run --release -p gatepost-benches -- stacks FOLDER    # stacks of a push, for flame graphs
//! ```
//!
//! `counts`, `compare` and `stacks` need valgrind. The baseline, `tests/benches/instructions.txt`,
//! lists the instructions per run of each bench: in total, and without the hash functions.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench may panic")]
#![allow(clippy::disallowed_methods, reason = "the program reads files and the clock")]
#![allow(missing_docs, unreachable_pub, reason = "a program that shares a module with tests")]

mod baseline;
mod bench;
mod callgrind;
mod cases;
mod compare;
mod in_flight;
mod running_proxy;
mod stacks;
#[allow(dead_code, reason = "only the tests check vectors")]
#[path = "../../it/vectors.rs"]
mod vectors;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use baseline::{Baseline, Mode};
use tokio::runtime::Builder;

/// Error that the program prints.
type Failure = Box<dyn Error>;

const USAGE: &str = "usage: gatepost-benches compare [FILTER] | in-flight | stacks FOLDER | \
                     counts [--check | --write | FILTER]";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode, Failure> {
    if arguments == ["in-flight"] {
        return in_flight::print().map(|()| ExitCode::SUCCESS);
    }
    // The layer's timers need a runtime, although no timer fires.
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let _entered = runtime.enter();
    match arguments {
        ["compare"] => compare(""),
        ["compare", filter] if !filter.starts_with('-') => compare(filter),
        ["counts"] => counts(Mode::Print, ""),
        ["counts", "--check"] => counts(Mode::Check, ""),
        ["counts", "--write"] => counts(Mode::Write, ""),
        ["counts", filter] if !filter.starts_with('-') => counts(Mode::Print, filter),
        ["stacks", folder] => write_stacks(folder.as_ref()).map(|()| ExitCode::SUCCESS),
        // The module `callgrind` starts this command under callgrind.
        [callgrind::CHILD, filter] => {
            callgrind::measure_all(cases::all(filter));
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(USAGE.into()),
    }
}

fn compare(filter: &str) -> Result<ExitCode, Failure> {
    let counts = callgrind::count(filter)?;
    compare::print(filter, &counts, &mut cases::all(filter)).map(|()| ExitCode::SUCCESS)
}

fn counts(mode: Mode, filter: &str) -> Result<ExitCode, Failure> {
    let measured = count(filter)?;
    match mode {
        Mode::Check => check(&measured),
        Mode::Print => {
            print!("{}", measured.beside(&Baseline::read()?));
            Ok(ExitCode::SUCCESS)
        }
        Mode::Write => measured.write().map(|()| ExitCode::SUCCESS),
    }
}

/// Counts the instructions of the benches whose name contains `filter`, both in this program and in
/// the running proxy.
fn count(filter: &str) -> Result<Baseline, Failure> {
    Ok(callgrind::count(filter)?.with(running_proxy::count(filter)?))
}

/// Writes the stacks of a `push` callback: through the layer, through an app without gatepost, and
/// through the proxy.
fn write_stacks(folder: &Path) -> Result<(), Failure> {
    let mut all = callgrind::stacks("push_typed")?;
    all.push(running_proxy::stacks()?);
    for (name, stacks) in all {
        let file = folder.join(format!("{}.folded", name.replace('/', "_")));
        fs::write(file, stacks.to_string())?;
    }
    Ok(())
}

fn check(measured: &Baseline) -> Result<ExitCode, Failure> {
    let baseline = Baseline::read()?;
    print!("{}", measured.beyond(&baseline).beside(&baseline));
    let measured = measured.with_repeated(&baseline, count)?;
    let faults = measured.faults(&baseline);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err("expected no faults, found some; to accept these counts, run `counts --write`".into())
}
