//! Comparison of gatepost with other servers. A peer is gatepost or one of these servers. In one
//! run, all peers that do the same job get the same requests.
//!
//! `tests/benches/compare` builds and starts this program. `--help` lists the options.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![allow(clippy::disallowed_methods, reason = "the program reads files, variables and the clock")]
#![allow(clippy::cast_precision_loss, reason = "averages of counts")]

mod app;
mod busy;
mod inspector;
mod load;
mod measure;
mod nats;
mod outcome;
mod pace;
mod peers;
mod plot;
mod process;
mod progress;
mod qhook;
mod queue;
mod report;
mod rows;
mod scale;
mod stall;
mod table;
mod targets;
mod template;
mod transport;
mod verdict;
mod wire;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use app::App;
use load::Session;
use measure::{CONNECTIONS, Field, Sample, Times};
use pace::Pace;
use peers::{Ground, Kind, Machine};
use process::{Cpu, Memory};
use progress::Progress;
use report::Report;
use rows::{Job, Row};
use stall::{PAUSE, Series};
use template::Template;

/// Compares gatepost with other servers, and prints Markdown tables
#[derive(Debug, Parser)]
struct Options {
    /// Path of the gatepost program to measure
    #[arg(long)]
    gatepost: PathBuf,
    /// Path of the program that runs Pingora alone
    #[arg(long)]
    bare: PathBuf,
    /// Measure only the rows whose name contains this text, and skip the memory; repeatable
    #[arg(long)]
    only: Vec<String>,
    /// Number of rounds per row; the table shows medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of full load per row and round; latency measurements take 0.75 to 5.25 times as long
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Run one short round, to check that every measurement succeeds
    #[arg(long)]
    brief: bool,
    /// Measure only gatepost, with several lengths of bodies and several numbers of connections,
    /// threads, bindings and routes
    #[arg(long)]
    scale: bool,
    /// Write a plot of the figures of `--scale` to this SVG file
    #[arg(long, value_name = "FILE", requires = "scale")]
    plot: Option<PathBuf>,
    /// Measure only pushes that SQLite or NATS queues, pushes with a fixed answer, and synced
    /// appends
    #[arg(long)]
    queue: bool,
    /// Measure only pushes, with and without an open page of callbacks in the console
    #[arg(long)]
    inspector: bool,
    /// Pushes per second with `--inspector`
    #[arg(long, default_value_t = 10_000.0)]
    rate: f64,
    /// Print JSON instead of Markdown tables
    #[arg(long)]
    json: bool,
    /// Measure no latencies
    #[arg(long)]
    cpu: bool,
    /// Raise the priority of the load and the peers above other work on the machine (needs root)
    #[arg(long)]
    urgent: bool,
}

impl Options {
    /// Returns the number of rounds, and the time of full load in each round.
    fn rounds(&self) -> (usize, Duration) {
        let (rounds, seconds) = if self.brief { (1, 0.3) } else { (self.rounds, self.seconds) };
        (rounds, Duration::from_secs_f64(seconds))
    }
}

fn main() -> ExitCode {
    // This program also runs as the app, in another process.
    let result = if std::env::args().nth(1).as_deref() == Some("--serve-app") {
        app::serve()
    } else {
        let options = Options::parse();
        let mut report = Report::default();
        let result = compare(&options, &mut report);
        if let Err(error) = &result {
            report.text(format!("The run ended early: {error}."));
        }
        if options.json {
            println!("{:#}", report.json());
        } else {
            println!("{}", report.markdown());
        }
        result
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the measurements that the options select, and reports the figures. If a measurement fails,
/// reports the earlier figures.
fn compare(options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let lock = File::create(std::env::temp_dir().join("gatepost-compare.lock"))?;
    if lock.try_lock().is_err() {
        eprintln!("waiting for another comparison to end");
        lock.lock()?;
    }
    let machine = prepare()?;
    if options.urgent {
        raise_priority()?;
    }
    let rows = Row::all(&options.only);
    let kinds: BTreeSet<_> = rows.iter().flat_map(|row| row.who.kinds()).collect();
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let tls = transport::issue_certificate(folder.path())?;
    let app = App::start()?;
    let mut ground = Ground {
        folder: folder.path().to_owned(),
        app: app.0.port,
        php: NOWHERE,
        gatepost: options.gatepost.clone(),
        bare: options.bare.clone(),
        machine,
    };
    if options.scale || options.queue || options.inspector {
        return compare_parts(options, &ground, &app, report);
    }
    let memory = if options.only.is_empty() {
        measure_memory(&ground, &kinds, options.rounds().0)?
    } else {
        vec![]
    };
    let mut peers = BTreeMap::new();
    // PHP starts first, because gatepost sends the events of one row to PHP.
    for kind in kinds.iter().rev().copied() {
        let peer = ground.start(kind)?;
        if kind == Kind::Php {
            ground.php = peer.port;
        }
        peers.insert(kind, peer);
    }
    let field = Field { app, peers, tls };
    let started = (Instant::now(), Cpu::machine(), measured(&field));
    let mut series = vec![Series::default(); rows.len()];
    let result = measure_all(options, &field, &rows, &mut series);
    let own = measured(&field) - started.2;
    let others = (Cpu::machine() - started.1 - own) / started.0.elapsed().as_secs_f64();
    table::report_machine(Some(others), report);
    table::report(&rows, &series, &memory, report);
    result
}

/// Runs the measurements of `--scale`, `--queue` and `--inspector`.
fn compare_parts(
    options: &Options,
    ground: &Ground,
    app: &App,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let (rounds, time) = options.rounds();
    table::report_machine(None, report);
    if options.scale {
        let panels = scale::compare(ground, app, rounds, time, report)?;
        if let Some(path) = &options.plot {
            let gatepost = table::version_of(&ground.gatepost);
            fs::write(path, plot::svg(&panels, &scale::caption(&gatepost, rounds))?)?;
        }
    }
    if options.queue {
        queue::compare(ground, app, rounds, time, report)?;
    }
    if options.inspector {
        inspector::compare(ground, rounds, options.rate, time, report)?;
    }
    Ok(())
}

/// Returns the total CPU time of all processes of the comparison, in seconds.
fn measured(field: &Field) -> f64 {
    let peers: Cpu = field.peers.values().map(process::Peer::cpu).sum();
    (peers + field.app.0.cpu() + Cpu::own()).total()
}

/// Pins this thread to the second core, and raises the process's limit of file descriptors. The app
/// inherits both. The peers use the first core. Returns the resources of the machine.
fn prepare() -> Result<Machine, Box<dyn Error>> {
    let available = sched_getaffinity(None)?.count();
    let mut cores = CpuSet::new();
    cores.set(1);
    sched_setaffinity(None, &cores)?;
    let descriptors = rlimit::increase_nofile_limit(u64::MAX)?;
    Ok(Machine { cores: usize::try_from(available)?, descriptors })
}

/// Raises the priority of the peers and the load above all other work. `nice` is not enough if the
/// kernel divides CPU time equally among sessions.
fn raise_priority() -> Result<(), Box<dyn Error>> {
    let own = std::process::id().to_string();
    let status = Command::new("chrt").args(["--rr", "--pid", "1", &own]).status()?;
    if status.success() {
        Ok(())
    } else {
        Err("expected the capability CAP_SYS_NICE, found none; run as root".into())
    }
}

/// Measures every row in each round, and adds the figures to the series of the row.
fn measure_all(
    options: &Options,
    field: &Field,
    rows: &[Row],
    series: &mut [Series<Sample>],
) -> Result<(), Box<dyn Error>> {
    let (rounds, saturating) = options.rounds();
    let times = Times { saturating, scheduled: (!options.cpu).then(|| saturating.mul_f64(0.75)) };
    let progress = Progress::start(rounds);
    // Measure all rows in each round, so that other work on the machine affects all rows equally.
    for round in 1..=rounds {
        for (row, series) in rows.iter().zip(&mut *series) {
            let name = row.name();
            series
                .add(PAUSE, || field.measure(row, times))
                .map_err(|error| format!("{name}: {error}"))?;
            let Some(Some(sample)) = series.rounds.last() else {
                eprintln!("round {round}, {name}: no figures, because the server stalled twice");
                continue;
            };
            let (cpu, rate, busy) = (sample.cpu(), sample.rate, sample.busy * 100.0);
            eprintln!("round {round}, {name}: {cpu:.1} µs, {rate:.0}/s, busy at {busy:.0}%");
        }
        progress.print(round);
    }
    Ok(())
}

/// Memory of a peer in KB.
#[derive(Debug)]
struct Held {
    kind: Kind,
    load: Memory,
    starts: Vec<Fresh>,
}

/// Memory of a peer that has just started, in KB.
#[derive(Clone, Copy, Debug)]
struct Fresh {
    rest: Memory,
    /// Memory per connection, with [`IDLE`] idle connections.
    idle_resident: f64,
    idle_proportional: f64,
}

/// Placeholder for the port of a peer that does not run: the port of the service `discard`.
const NOWHERE: u16 = 9;

const IDLE: usize = 1000;

fn measure_memory(
    ground: &Ground,
    kinds: &BTreeSet<Kind>,
    rounds: usize,
) -> Result<Vec<Held>, Box<dyn Error>> {
    let kinds = kinds.iter().copied().filter(|kind| *kind != Kind::Php && !kind.speaks_tls());
    kinds.chain([Kind::GatepostEquipped]).map(|kind| hold(ground, kind, rounds)).collect()
}

fn hold(ground: &Ground, kind: Kind, rounds: usize) -> Result<Held, Box<dyn Error>> {
    eprintln!("memory, {}", kind.name());
    let job = match kind {
        Kind::BareNginx | Kind::BarePingora | Kind::ForwardingPingora => Job::PassThrough,
        Kind::Haproxy => Job::FixedReply,
        Kind::Gatepost
        | Kind::GatepostCapturing
        | Kind::GatepostEquipped
        | Kind::Lua
        | Kind::Njs
        | Kind::Php => Job::Push,
        Kind::GatepostTls | Kind::LuaTls | Kind::NginxTls => Job::TlsPush,
    };
    let template = Row::of(job, kind).template()?;
    let peer = ground.start(kind)?;
    let mut session = Session::open(peer.port, CONNECTIONS)?;
    session.run(&template, Pace::Saturating { time: Duration::from_secs(1) })?;
    let load = peer.memory();
    drop((session, peer));
    let starts =
        (0..rounds).map(|_| start_and_hold(ground, kind, &template)).collect::<Result<_, _>>()?;
    Ok(Held { kind, load, starts })
}

fn start_and_hold(
    ground: &Ground,
    kind: Kind,
    template: &Template,
) -> Result<Fresh, Box<dyn Error>> {
    let peer = ground.start(kind)?;
    let rest = peer.memory();
    let mut one = Session::open(peer.port, 1)?;
    one.run(template, Pace::Once)?;
    let before = peer.memory();
    let mut idle = Session::open(peer.port, IDLE)?;
    idle.run(template, Pace::Once)?;
    let after = peer.memory();
    let each = |before: u64, after: u64| after.saturating_sub(before) as f64 / IDLE as f64;
    Ok(Fresh {
        rest,
        idle_resident: each(before.resident, after.resident),
        idle_proportional: each(before.proportional, after.proportional),
    })
}
