//! Crash test: the program kills gatepost repeatedly under load, and checks that gatepost loses
//! no acknowledged event.
//!
//! `tests/faults/crash.sh [--rounds N] [--seed N] [--power-loss]` runs this program. In each round,
//! clients send callbacks, an app receives events, and the program kills gatepost at a
//! [point](points). Each client repeats a callback until gatepost acknowledges it. At the end,
//! gatepost runs without a kill until the queue is empty. [`oracle`] has the rules for the result.
//!
//! With `--power-loss`, the program discards unsynced writes after each kill: all of them, or a
//! random half of their sectors.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "the load needs a clock")]
#![allow(missing_docs, unreachable_pub, reason = "a program")]

mod app;
mod clients;
mod oracle;
mod points;
mod power;
mod process;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use app::App;
use clients::Clients;
use oracle::{Claims, Verdict};
use points::{POINTS, Point, Trigger};
use process::{Gatepost, PATIENCE, Setup};

struct Options {
    program: PathBuf,
    disk: PathBuf,
    rounds: u32,
    seed: u64,
    power_loss: bool,
}

fn main() -> ExitCode {
    let Some(options) = Options::read() else {
        eprintln!("usage: crash GATEPOST DISK_LIBRARY [--rounds N] [--seed N] [--power-loss]");
        return ExitCode::FAILURE;
    };
    println!("seed {}, {} rounds", options.seed, options.rounds);
    let verdict = run(&options);
    verdict.print();
    if verdict.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Options {
    fn read() -> Option<Self> {
        let mut arguments = std::env::args().skip(1);
        let (program, disk) = (arguments.next()?.into(), arguments.next()?.into());
        let seed = fastrand::u64(..1_000_000);
        let mut options = Self { program, disk, rounds: 25, seed, power_loss: false };
        while let Some(word) = arguments.next() {
            match word.as_str() {
                "--power-loss" => options.power_loss = true,
                "--rounds" => options.rounds = arguments.next()?.parse().ok()?,
                "--seed" => options.seed = arguments.next()?.parse().ok()?,
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Longest load in a round. Afterwards, the program kills gatepost even if gatepost has not reached
/// the point.
const LONGEST: Duration = Duration::from_secs(3);

/// Starts a process that takes over from `old`, and kills both, one shortly after the other.
/// Returns the id of the new process.
fn kill_during_upgrade(setup: &Setup, old: &mut Gatepost, random: &mut Rng) -> u32 {
    let pause = |random: &mut Rng, longest| {
        thread::sleep(Duration::from_millis(random.u64(1..longest)));
    };
    old.wait_until_it_listens();
    pause(random, 300);
    let mut new = setup.upgrade();
    pause(random, 600);
    let is_old_first = random.bool();
    if is_old_first {
        old.kill();
    } else {
        new.kill();
    }
    // The pause is shorter than a claim, so the store still has the claims of the first killed
    // process.
    pause(random, 1000);
    old.kill();
    new.kill();
    new.id()
}

fn run(options: &Options) -> Verdict {
    let mut random = Rng::with_seed(options.seed);
    let trigger = Arc::new(Trigger::default());
    let app = App::start(Arc::clone(&trigger));
    let mut setup = Setup::new(&options.program, &options.disk, app.port);
    let clients = Clients::start(setup.port, &trigger, random.fork());
    let (started, mut claims) = (Instant::now(), Claims::default());
    let mut reached = [0; POINTS.len()];
    for round in 0..options.rounds {
        let index = round as usize % POINTS.len();
        let point = POINTS[index];
        let mut gatepost = setup.spawn(point.disk_rule(&mut random));
        let mut killed = vec![gatepost.id()];
        let is_reached = if point == Point::Upgrade {
            killed.push(kill_during_upgrade(&setup, &mut gatepost, &mut random));
            true
        } else {
            trigger.arm(point, &gatepost, &mut random);
            gatepost.wait_for_end(LONGEST)
        };
        reached[index] += u32::from(is_reached);
        gatepost.kill();
        trigger.disarm();
        if options.power_loss {
            power::lose(&setup, &mut random);
        }
        killed.iter().for_each(|process| claims.add(&setup, *process));
        if round % 50 == 49 {
            println!("round {}, {} acknowledged", round + 1, clients.acknowledged());
        }
    }
    for (point, reached) in POINTS.iter().zip(reached) {
        println!("{point:?}: {reached} kills");
    }
    let mut gatepost = setup.spawn(None);
    gatepost.wait_until_it_listens();
    let (ledger, is_complete) = clients.finish(PATIENCE);
    let emptied = gatepost.wait_until_empty();
    let took = started.elapsed();
    let stopped = gatepost.stop();
    let mut verdict = oracle::judge(&ledger, &app.receipts(), &claims, (stopped, took));
    if let Err(metrics) = emptied {
        let fault = "expected an empty queue without dead letters, found events";
        let log = gatepost.log_end();
        verdict.faults.insert(0, format!("{fault}:\n{metrics}\nend of gatepost's log:\n{log}"));
    }
    if !is_complete {
        let fault =
            "expected an acknowledgement for each client, found a client that waits for one";
        verdict.faults.push(format!("{fault}; end of gatepost's log:\n{}", gatepost.log_end()));
    }
    if !verdict.faults.is_empty() {
        eprintln!("store and log: {}", setup.keep().display());
    }
    verdict
}
