//! Comparison of pushes that gatepost queues in SQLite or NATS with pushes that have a fixed
//! answer, and with appends to a file, each followed by a sync. Each push is of a different stream,
//! except in the rows for pushes of one stream.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::app::App;
use super::load::Session;
use super::measure::{CONNECTIONS, Latency};
use super::nats::{self, Cluster};
use super::outcome::Outcome;
use super::pace::Pace;
use super::peers::{GATEPOST, Ground};
use super::process::Peer;
use super::progress::Progress;
use super::qhook;
use super::report::{Cell, Report, Table};
use super::table::median;
use super::verdict::Target;
use super::work::Work;

/// Time limit for the delivery of the last event.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ratio of the measuring time to the warm-up. In the warm-up, gatepost creates the files and
/// connections of the store.
const WARM_UP: u32 = 4;

/// Time without an event at the app after which the program considers the queue empty.
const IDLE: Duration = Duration::from_millis(500);

/// Time in which the load sends pushes of one stream.
const ONE_STREAM: Duration = Duration::from_millis(250);

/// Length of each record that [`append`] writes, in bytes: about the length of an event in the
/// store.
const RECORD_BYTES: usize = 1024;

/// Figures of one row in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    latency: Option<Latency>,
    rate: f64,
}

/// Figures of one store in one round.
#[derive(Clone, Copy, Debug)]
struct StoreFigures {
    /// Pushes whose events wait, because no app listens.
    paused: Figures,
    /// Latency of pushes with a fixed answer, at half of the rate of `paused`.
    fixed: Latency,
    /// Pushes whose events the app accepts.
    open: Figures,
    /// Events per second, until the app has received the last one.
    delivered: f64,
    /// Events of one stream per second, until the app has received the last one. gatepost delivers
    /// these events one after the other.
    of_one_stream: f64,
}

/// Figures of one round.
#[derive(Clone, Copy, Debug)]
struct RoundFigures {
    append: Figures,
    fixed: Figures,
    sqlite: StoreFigures,
    /// Figures of NATS, or `None` if the NATS server is not installed.
    nats: Option<StoreFigures>,
    /// Figures of qhook, or `None` if qhook is not installed.
    qhook: Option<Figures>,
}

/// Measures each row in each round, and reports the figures. If an error occurs, reports the
/// figures of the complete rounds.
///
/// # Errors
/// Returns an error for a wrong or missing reply, and for an event that does not reach the app.
pub(super) fn compare(
    ground: &Ground,
    app: &App,
    rounds: usize,
    time: Duration,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    if !nats::is_installed() {
        eprintln!("expected a NATS server, found none; run tests/peers/install to measure it");
    }
    if !qhook::is_installed() {
        eprintln!(
            "expected qhook, found none; run \
             `cargo install --root target/peers/qhook qhook@0.6.1` to measure it"
        );
    }
    let mut all = Vec::with_capacity(rounds);
    let progress = Progress::start(rounds);
    let result = (1..=rounds).try_for_each(|round| {
        all.push(measure(ground, app, round, time)?);
        progress.print(round);
        Ok(())
    });
    self::report(&all, report);
    result
}

fn measure(
    ground: &Ground,
    app: &App,
    round: usize,
    time: Duration,
) -> Result<RoundFigures, Box<dyn Error>> {
    let append = append(&ground.folder, time)?;
    let sqlite = |use_of: &str| format!("[store]\nurl = 'sqlite:{use_of}-{round}.db'\n");
    let sqlite = measure_store(ground, app, sqlite, time)?;
    let nats = if nats::is_installed() {
        let cluster = Cluster::start(ground, &format!("nats-{round}"))?;
        Some(measure_store(ground, app, |use_of| cluster.store(use_of), time)?)
    } else {
        None
    };
    let fixed = start(ground, "fixed", "{ answer = {} }", "")?;
    let fixed = Figures { latency: Some(sqlite.fixed), rate: rate(&saturate(&fixed, time)?) };
    let qhook = if qhook::is_installed() {
        Some(measure_qhook(&qhook::start(ground, &format!("qhook-{round}"))?, time)?)
    } else {
        None
    };
    Ok(RoundFigures { append, fixed, sqlite, nats, qhook })
}

/// Measures the pushes that qhook stores.
fn measure_qhook(peer: &Peer, time: Duration) -> Result<Figures, Box<dyn Error>> {
    let template = Work::PushOfStream.template(qhook::PATH, "push.example.com", "secret")?;
    let run = |pace| -> Result<Outcome, Box<dyn Error>> {
        let outcome = Session::open(peer.port, CONNECTIONS)?.run(&template, pace)?;
        outcome.check()?;
        Ok(outcome)
    };
    run(Pace::Saturating { time: time / WARM_UP })?;
    let rate = rate(&run(Pace::Saturating { time })?);
    let latency = Latency::of(&run(Pace::Scheduled { rate: rate / 2.0, time })?);
    Ok(Figures { latency: Some(latency), rate })
}

/// Measures pushes that gatepost queues. `store` returns the table `[store]` for the use `paused`
/// or `open`.
fn measure_store(
    ground: &Ground,
    app: &App,
    store: impl Fn(&str) -> String,
    time: Duration,
) -> Result<StoreFigures, Box<dyn Error>> {
    let queued = |address: &str| format!("{{ url = '{address}/live/push', deliver = 'queued' }}");
    // No program listens on port 1.
    let paused = start(ground, "paused", &queued("http://127.0.0.1:1"), &store("paused"))?;
    saturate(&paused, time / WARM_UP)?;
    let received = saturate(&paused, time)?;
    let scheduled = Pace::Scheduled { rate: rate(&received) / 2.0, time };
    let paused_latency = Latency::of(&load(&paused, scheduled)?);
    drop(paused);
    let fixed = start(ground, "fixed", "{ answer = {} }", "")?;
    let fixed_latency = Latency::of(&load(&fixed, scheduled)?);
    drop(fixed);
    let address = format!("http://127.0.0.1:{}", ground.app);
    let open = start(ground, "open", &queued(&address), &store("open"))?;
    let asked = app.seen()?.requests;
    let asked = asked + saturate(&open, time / WARM_UP)?.replies;
    wait_for(app, asked)?;
    let started = Instant::now();
    let outcome = saturate(&open, time)?;
    let arrived = rate(&outcome);
    wait_for(app, asked + outcome.replies)?;
    let delivered = outcome.replies as f64 / started.elapsed().as_secs_f64();
    let half = Pace::Scheduled { rate: delivered / 2.0, time };
    let open_latency = Latency::of(&load(&open, half)?);
    wait_for_queue(app)?;
    let of_one_stream = deliver_one_stream(app, &open, delivered)?;
    Ok(StoreFigures {
        paused: Figures { latency: Some(paused_latency), rate: rate(&received) },
        fixed: fixed_latency,
        open: Figures { latency: Some(open_latency), rate: arrived },
        delivered,
        of_one_stream,
    })
}

/// Waits until the app receives no events for [`IDLE`].
fn wait_for_queue(app: &App) -> Result<(), Box<dyn Error>> {
    let mut seen = app.seen()?.requests;
    loop {
        thread::sleep(IDLE);
        let now = app.seen()?.requests;
        if std::mem::replace(&mut seen, now) == now {
            return Ok(());
        }
    }
}

/// Sends some pushes of one stream, and returns the number of their events per second until the app
/// has received the last one.
fn deliver_one_stream(app: &App, peer: &Peer, rate: f64) -> Result<f64, Box<dyn Error>> {
    let asked = app.seen()?.requests;
    let pace = Pace::Scheduled { rate, time: ONE_STREAM };
    let started = Instant::now();
    let sent = load_with(Work::Push, peer, pace)?.replies;
    wait_for(app, asked + sent)?;
    Ok(sent as f64 / started.elapsed().as_secs_f64())
}

/// Starts gatepost. `push` is the value of `on.push`, and `store` is the table `[store]`.
fn start(ground: &Ground, name: &str, push: &str, store: &str) -> Result<Peer, Box<dyn Error>> {
    let before = "\"http://127.0.0.1:@APP@/live/push\"";
    let config = GATEPOST.replace(before, push);
    let config = config.replacen("[[route]]", &format!("{store}[[route]]"), 1);
    ground.gatepost(&format!("{name}.toml"), &config, "0")
}

fn rate(outcome: &Outcome) -> f64 {
    outcome.replies as f64 / outcome.elapsed.as_secs_f64()
}

fn saturate(peer: &Peer, time: Duration) -> Result<Outcome, Box<dyn Error>> {
    load(peer, Pace::Saturating { time })
}

fn load(peer: &Peer, pace: Pace) -> Result<Outcome, Box<dyn Error>> {
    load_with(Work::PushOfStream, peer, pace)
}

fn load_with(work: Work, peer: &Peer, pace: Pace) -> Result<Outcome, Box<dyn Error>> {
    let template = work.template("/callbacks/tencent", "push.example.com", "secret")?;
    let template = template.expecting(200, Some("{\"code\":0}"));
    let outcome = Session::open(peer.port, CONNECTIONS)?.run(&template, pace)?;
    outcome.check()?;
    Ok(outcome)
}

fn wait_for(app: &App, requests: u64) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    loop {
        let seen = app.seen()?.requests;
        if seen >= requests {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("expected {requests} events at the app, found {seen}").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Appends records to a file, and syncs the file after each record.
fn append(folder: &Path, time: Duration) -> Result<Figures, Box<dyn Error>> {
    let path = folder.join("append");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let (record, mut latency) = ([b'x'; RECORD_BYTES], Histogram::<u64>::new(3)?);
    let started = Instant::now();
    while started.elapsed() < time {
        let begun = Instant::now();
        file.write_all(&record)?;
        file.sync_data()?;
        latency.record(u64::try_from(begun.elapsed().as_nanos())?)?;
    }
    let rate = latency.len() as f64 / started.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(Figures { latency: Some(Latency::of_histogram(&latency)), rate })
}

fn report(rounds: &[RoundFigures], report: &mut Report) {
    report.text(
        "Latencies in µs. If the app is paused, it does not listen, and the load sends pushes at \
         half of the rate at which gatepost acknowledges pushes at saturation. If the app accepts \
         events, the load sends pushes at half of the rate of deliveries. gatepost and qhook have one core; the load, the app and the three NATS servers \
         share a second core.",
    );
    let mut table = Table::new("queue", &["", "p50 / p99 / p99.9", "per second"]);
    let mut row = |name: &str, of: &dyn Fn(&RoundFigures) -> Option<Figures>| {
        let figures: Vec<_> = rounds.iter().filter_map(of).collect();
        if figures.is_empty() {
            return;
        }
        let latencies: Vec<_> = figures.iter().filter_map(|figures| figures.latency).collect();
        let rate = Cell::Figure(median(&figures, |figures| figures.rate), 0);
        table.row([name.into(), Latency::median(&latencies).into(), rate]);
    };
    row("append of 1 KiB + fdatasync, one at a time", &|round| Some(round.append));
    row("push, fixed answer", &|round| Some(round.fixed));
    for (name, of) in STORES {
        let delivered = |rate| Figures { latency: None, rate };
        row(&format!("push, queued in {name}, app paused"), &|round| Some(of(round)?.paused));
        row(&format!("push, queued in {name}, app accepts events"), &|round| Some(of(round)?.open));
        row(&format!("push, queued in {name}, until the app has received it"), &|round| {
            Some(delivered(of(round)?.delivered))
        });
        row(
            &format!("push of one stream, queued in {name}, until the app has received it"),
            &|round| Some(delivered(of(round)?.of_one_stream)),
        );
    }
    row("push without a check of its signature, stored by qhook in SQLite", &|round| round.qhook);
    report.table(table);
    for (name, of) in STORES {
        report_added(name, &rounds.iter().filter_map(of).collect::<Vec<_>>(), report);
    }
    report.targets(targets(rounds));
}

type OfStore = fn(&RoundFigures) -> Option<StoreFigures>;

/// Name of each store, and the function that returns its figures in a round.
const STORES: [(&str, OfStore); 2] =
    [("SQLite", |round| Some(round.sqlite)), ("NATS", |round| round.nats)];

/// Returns the targets of the stores. For the figures of NATS, one machine runs all three servers.
fn targets(rounds: &[RoundFigures]) -> [Target; 4] {
    let each = |of: &dyn Fn(&RoundFigures) -> Option<f64>| rounds.iter().filter_map(of).collect();
    [
        Target::at_least(
            "SQLite, accepted pushes per second, app paused",
            each(&|round| Some(round.sqlite.paused.rate)),
            15_000.0,
        ),
        Target::at_least(
            "SQLite, pushes per second, until the app has received them",
            each(&|round| Some(round.sqlite.delivered)),
            5_000.0,
        ),
        Target::at_most(
            "SQLite, added p99 less p99 of append and fdatasync, µs",
            each(&|round| {
                Some(round.sqlite.added(|latency| latency.p99)? - round.append.latency?.p99)
            }),
            3_000.0,
        ),
        Target::at_most(
            "NATS, p99 of an accepted push, µs",
            each(&|round| Some(round.nats?.paused.latency?.p99)),
            20_000.0,
        ),
    ]
}

impl StoreFigures {
    /// Returns the latency that the store adds to an accepted push.
    fn added(&self, field: fn(&Latency) -> f64) -> Option<f64> {
        Some(field(self.paused.latency.as_ref()?) - field(&self.fixed))
    }
}

/// Reports the latency that a store adds to an accepted push.
fn report_added(name: &str, figures: &[StoreFigures], report: &mut Report) {
    if figures.is_empty() {
        return;
    }
    let added =
        |field: fn(&Latency) -> f64| median(figures, |store| store.added(field).unwrap_or(0.0));
    report.text(format!(
        "{name} adds to an accepted push: p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs.",
        added(|latency| latency.p50),
        added(|latency| latency.p99),
        added(|latency| latency.p999)
    ));
}
