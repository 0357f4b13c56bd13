//! Crash test of a cluster: the program kills gateposts and NATS servers under load, and checks
//! that the cluster loses no acknowledged event.
//!
//! Three gateposts, called machines, share a store on three NATS servers. In each round, the
//! program kills one of these six processes with `SIGKILL`, and starts it again. Clients send
//! callbacks to random machines, and send some acknowledged callbacks a second time. After the
//! rounds, the program suspends a machine while the machine waits for an answer of the app. The
//! suspension is longer than the machine's claim. The program checks that another machine takes
//! over. [`oracle`] has the rules. At the end, [`resends`] checks callbacks that are not queued.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "the load needs a clock")]
#![allow(missing_docs, unreachable_pub, reason = "a program")]

mod app;
mod clients;
mod http;
mod machines;
mod nats;
mod oracle;
mod report;
mod resends;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tempfile::TempDir;

use app::App;
use clients::Clients;
use machines::Machines;
use nats::NatsCluster;
use oracle::Stop;

/// Number of machines, and of NATS servers.
const MACHINES: usize = 3;

/// Longest wait for a start, and for the next delivery at the end. The whole queue may take longer,
/// because each event needs several synced writes on each server.
const PATIENCE: Duration = Duration::from_secs(90);

/// Maximum number of faults that the program prints.
const PRINTED: usize = 20;

struct Options {
    gatepost: PathBuf,
    nats: PathBuf,
    rounds: u32,
    /// Number of times that the program suspends a machine for longer than its claims last.
    stops: u32,
    seed: u64,
}

impl Options {
    fn read() -> Option<Self> {
        let mut arguments = std::env::args().skip(1);
        let (gatepost, nats) = (arguments.next()?.into(), arguments.next()?.into());
        let mut options =
            Self { gatepost, nats, rounds: 50, stops: 1, seed: fastrand::u64(..1_000_000) };
        while let Some(word) = arguments.next() {
            match word.as_str() {
                "--rounds" => options.rounds = arguments.next()?.parse().ok()?,
                "--stops" => options.stops = arguments.next()?.parse().ok()?,
                "--seed" => options.seed = arguments.next()?.parse().ok()?,
                _ => return None,
            }
        }
        Some(options)
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::read() else {
        eprintln!("usage: cluster GATEPOST NATS_SERVER [--rounds N] [--stops N] [--seed N]");
        return ExitCode::FAILURE;
    };
    println!("seed {}, {} rounds", options.seed, options.rounds);
    let faults = run(&options);
    for fault in faults.iter().take(PRINTED) {
        eprintln!("{fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(options: &Options) -> Vec<String> {
    let mut random = Rng::with_seed(options.seed);
    let folder = TempDir::new().unwrap();
    let app = App::start();
    let mut servers = NatsCluster::start(&options.nats, folder.path());
    let mut machines = Machines::start(&options.gatepost, folder.path(), &servers, app.port);
    let clients = Clients::start(machines.ports(), &mut random);
    let (started, mut kills) = (Instant::now(), Vec::new());
    for _ in 0..options.rounds {
        pause(&mut random, 500..1500);
        let victim = random.usize(..MACHINES);
        kills.push(Instant::now());
        if random.bool() {
            machines.kill(victim);
            pause(&mut random, 100..2000);
            machines.restart(victim);
        } else {
            servers.kill(victim);
            pause(&mut random, 100..2000);
            servers.restart(victim);
        }
    }
    let mut faults = Vec::new();
    let stops: Vec<_> = (0..options.stops)
        .map(|_| suspend(&app, &machines, &servers, &mut random, &mut faults))
        .collect();
    let ledger = clients.finish();
    let killed = started.elapsed();
    let mut left = oracle::missing(&ledger, &app.receipts()).len();
    println!("{} kills in {killed:?}; {left} events left", kills.len());
    while left > 0 && wait_until(|| oracle::missing(&ledger, &app.receipts()).len() < left) {
        left = oracle::missing(&ledger, &app.receipts()).len();
    }
    println!("the last events took {:?}", started.elapsed() - killed);
    faults.extend(oracle::judge(&ledger, &app.receipts(), &kills, &stops));
    faults.extend(resends::check(&app, &mut machines, &mut servers, &mut random));
    if !faults.is_empty() {
        report::write(options, folder.path(), &servers);
        println!("the logs, the queue and the leases are in {}", folder.keep().display());
    }
    faults
}

/// Suspends a machine between the request to the app and the answer, for longer than its claim
/// lasts. Another machine must take over its partitions, and deliver the event again. The suspended
/// machine must then find that its claim has ended.
fn suspend(
    app: &App,
    machines: &Machines,
    servers: &NatsCluster,
    random: &mut Rng,
    faults: &mut Vec<String>,
) -> Stop {
    let mut check = |holds: bool, fault: String| {
        if !holds {
            faults.push(fault);
        }
    };
    let machine = random.usize(..MACHINES);
    let all_owners = || report::owners(servers).into_iter().collect::<BTreeSet<_>>();
    let all_own = wait_until(|| all_owners().len() == MACHINES);
    check(all_own, format!("expected partitions of {MACHINES} machines, found {:?}", all_owners()));
    let lost = machines.lost_claims_of(machine);
    app.hold(machine);
    let is_held = wait_until(|| app.held().is_some());
    check(is_held, format!("expected an event from machine {machine}, found none"));
    let at = Instant::now();
    machines.suspend(machine);
    let event = app.held();
    app.release();
    thread::sleep(oracle::LEASE + Duration::from_secs(2));
    let have_moved = || {
        let owners = report::owners(servers);
        let machines = owners.iter().collect::<BTreeSet<_>>().len();
        owners.len() == report::PARTITIONS as usize && machines == MACHINES - 1
    };
    let owners = || report::owners(servers);
    let fault = |found: Vec<String>| {
        format!("expected the leases of machine {machine} to move, found the owners {found:?}")
    };
    check(wait_until(have_moved), fault(owners()));
    let is_again = |receipt: &app::Receipt| {
        let (stream, number) = (&receipt.stream, receipt.number);
        receipt.machine != machine && event.as_ref() == Some(&(stream.clone(), number))
    };
    let is_delivered = wait_until(|| app.receipts().iter().any(is_again));
    check(is_delivered, format!("expected {event:?} from another machine, found no delivery"));
    machines.resume(machine);
    let has_lost = wait_until(|| machines.lost_claims_of(machine) > lost);
    check(has_lost, format!("expected the result lease_lost of machine {machine}, found none"));
    Stop { machine, at }
}

fn pause(random: &mut Rng, millis: std::ops::Range<u64>) {
    thread::sleep(Duration::from_millis(random.u64(millis)));
}

/// Waits until a condition holds. Returns false if it does not hold in time.
fn wait_until(mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}
