//! Checks of the source tree: imports, floors of modules, names, wording and links.
//!
//! ```sh
//! cargo run -p gatepost-layout -- report         # figures of each crate
//! cargo run -p gatepost-layout -- check          # all findings; exit code 1 if there are any
//! cargo run -p gatepost-layout -- check circles  # the findings of one rule
//! cargo test -p gatepost-layout                  # unit tests, and each rule on this source tree
//! cargo test -p gatepost-layout -- --skip on_checkout  # only the unit tests
//! ```
//!
//! `phrases.txt` lists the forbidden phrases; `allow.txt` lists the exceptions with their reasons.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints findings")]
#![allow(clippy::disallowed_methods, reason = "reads the source tree")]
#![allow(unreachable_pub, reason = "a program has no public API")]

mod circles;
mod floors;
mod imports;
mod links;
mod modules;
mod phrases;
mod report;
mod rules;
mod tokens;
mod workspace;

use std::process::ExitCode;

use rules::{RULES, Rule};
use workspace::{Failure, Workspace};

const USAGE: &str = "usage: gatepost-layout report | check [RULE]";

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
    match arguments {
        ["report"] => {
            print!("{}", report::report(&Workspace::read()?));
            Ok(ExitCode::SUCCESS)
        }
        ["check"] => check(RULES),
        ["check", name] => match RULES.iter().find(|rule| rule.name == *name) {
            Some(rule) => check(std::slice::from_ref(rule)),
            None => Err(unknown_rule(name)),
        },
        _ => Err(USAGE.into()),
    }
}

fn unknown_rule(name: &str) -> Failure {
    let names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    format!("expected a rule, found {name}; use one of {}", names.join(", ")).into()
}

fn check(rules: &[Rule]) -> Result<ExitCode, Failure> {
    let workspace = Workspace::read()?;
    let mut clean = true;
    for rule in rules {
        let findings = rule.findings(&workspace)?;
        clean &= findings.is_empty();
        println!("{}: findings: {}", rule.name, findings.len());
        findings.iter().for_each(|finding| println!("  {finding}"));
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
