//! Load test of the program `gatepost` while the app, the log or the clients fail.
//!
//! `tests/faults/run.sh [--brief] [SCENARIO…]` prints a table. The script fails after a failed
//! check or a lost reply. A lost reply is missing, late, malformed or meant for another request, or
//! acknowledges an event that the app never received.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]

#[path = "harness.rs"]
mod harness;

use std::path::Path;
use std::process::ExitCode;

use harness::{ALL, Run};

const HEAD: &str = "\
| scenario | sent | by the app | by policy | lost | p99, ms | peak, MB | note |
|---|--:|--:|--:|--:|--:|--:|---|";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: faults PROGRAM [--brief] [SCENARIO…]");
        return ExitCode::FAILURE;
    };
    let (options, names): (Vec<_>, Vec<_>) = arguments.partition(|word| word == "--brief");
    if let Some(name) = names.iter().find(|name| ALL.iter().all(|(own, _)| own != name)) {
        eprintln!(
            "expected a scenario, found {name}; use a name from tests/faults/scenarios/mod.rs"
        );
        return ExitCode::FAILURE;
    }
    let run = Run { program: Path::new(&program), brief: !options.is_empty() };
    println!("{HEAD}");
    let mut good = true;
    for (name, scenario) in ALL {
        if !names.is_empty() && names.iter().all(|wanted| wanted != name) {
            continue;
        }
        let row = scenario(&run);
        let (p99, tally) = (row.tally.p99(), &row.tally);
        let (sent, right, policy, lost) = (tally.sent, tally.right, tally.policy, tally.lost);
        let (peak, notes) = (row.peak, row.notes.join("; "));
        println!(
            "| {name} | {sent} | {right} | {policy} | {lost} | {p99:.1} | {peak:.0} | {notes} |"
        );
        for fault in row.all_faults() {
            eprintln!("{name}: {fault}");
            good = false;
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
