//! Compares a queued push with an append and sync of a file, and with a push that has a fixed
//! answer.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::app::App;
use super::load::{Outcome, Pace, Session};
use super::measure::{CONNECTIONS, Latency};
use super::peers::{GATEPOST, Ground};
use super::process::Peer;
use super::table::median;
use super::work::Work;

/// Time limit for the delivery of the last event.
const PATIENCE: Duration = Duration::from_secs(120);

/// Length of the record that [`append`] writes, about the length of an event in the store.
const RECORD_BYTES: usize = 1024;

/// Names of the rows of the table.
const ROWS: [&str; 5] = [
    "append of 1 KiB + fdatasync, one at a time",
    "push, fixed answer",
    "push, queued, app paused",
    "push, queued, app accepts events",
    "push, queued, until the app has received it",
];

/// Figures of one row in one round.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    latency: Option<Latency>,
    rate: f64,
}

/// Measures each row in each round, and prints the table.
///
/// # Errors
/// Returns an error if a reply is wrong or missing, or if an event does not reach the app.
pub(super) fn compare(
    ground: &Ground,
    app: &App,
    rounds: usize,
    time: Duration,
) -> Result<(), Box<dyn Error>> {
    let mut rows = ROWS.map(|_| Vec::new());
    for round in 1..=rounds {
        eprintln!("round {round}");
        for (row, figures) in rows.iter_mut().zip(measure(ground, app, round, time)?) {
            row.push(figures);
        }
    }
    print(&rows);
    Ok(())
}

fn measure(
    ground: &Ground,
    app: &App,
    round: usize,
    time: Duration,
) -> Result<[Figures; ROWS.len()], Box<dyn Error>> {
    let bare = append(&ground.folder, time)?;
    let address = format!("http://127.0.0.1:{}", ground.app);
    let gatepost = |name: &str, push: &str| {
        let before = "\"http://127.0.0.1:@APP@/live/push\"";
        let store = format!("[store]\nurl = 'sqlite:{name}-{round}.db'\n");
        let config =
            GATEPOST.replace(before, push).replacen("[[route]]", &(store + "[[route]]"), 1);
        ground.gatepost(&format!("{name}-{round}.toml"), &config, "0")
    };
    let queued = |address: &str| format!("{{ url = '{address}/live/push', deliver = 'queued' }}");
    // No program listens on port 1.
    let paused = gatepost("paused", &queued("http://127.0.0.1:1"))?;
    let received = saturate(&paused, time)?;
    let scheduled = Pace::Scheduled { rate: rate(&received) / 2.0, time };
    let paused_latency = Latency::of(&load(&paused, scheduled)?);
    drop(paused);
    let fixed = gatepost("fixed", "{ answer = {} }")?;
    let fixed_latency = Latency::of(&load(&fixed, scheduled)?);
    let fixed_rate = rate(&saturate(&fixed, time)?);
    drop(fixed);
    let open = gatepost("open", &queued(&address))?;
    let asked = app.seen()?.requests;
    let started = Instant::now();
    let outcome = saturate(&open, time)?;
    let arrived = rate(&outcome);
    wait_for(app, asked + outcome.replies)?;
    let delivered = outcome.replies as f64 / started.elapsed().as_secs_f64();
    let half = Pace::Scheduled { rate: delivered / 2.0, time };
    let open_latency = Latency::of(&load(&open, half)?);
    Ok([
        bare,
        Figures { latency: Some(fixed_latency), rate: fixed_rate },
        Figures { latency: Some(paused_latency), rate: rate(&received) },
        Figures { latency: Some(open_latency), rate: arrived },
        Figures { latency: None, rate: delivered },
    ])
}

fn rate(outcome: &Outcome) -> f64 {
    outcome.replies as f64 / outcome.elapsed.as_secs_f64()
}

fn saturate(peer: &Peer, time: Duration) -> Result<Outcome, Box<dyn Error>> {
    load(peer, Pace::Saturating { time })
}

fn load(peer: &Peer, pace: Pace) -> Result<Outcome, Box<dyn Error>> {
    let template = Work::Push.template("/callbacks/tencent", "push.example.com", "secret")?;
    let template = template.expecting(200, Some("{\"code\":0}"));
    let outcome = Session::open(peer.port, CONNECTIONS)?.run(&template, pace)?;
    match outcome.complaint {
        Some(complaint) => Err(complaint.into()),
        None => Ok(outcome),
    }
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

fn print(rows: &[Vec<Figures>; ROWS.len()]) {
    println!(
        "Latencies in µs at half of the rate of accepted pushes with a paused app; while the app \
         accepts events, at half of the rate of deliveries. gatepost has one core; the load and \
         the app share the other.\n"
    );
    println!("| | p50 | p99 | p99.9 | per second |");
    println!("|---|--:|--:|--:|--:|");
    for (name, figures) in ROWS.iter().zip(rows) {
        let latencies: Vec<_> = figures.iter().filter_map(|figures| figures.latency).collect();
        let shown = match Latency::median(&latencies) {
            Some(Latency { p50, p99, p999 }) => format!("{p50:.0} | {p99:.0} | {p999:.0}"),
            None => "– | – | –".into(),
        };
        println!("| {name} | {shown} | {:.0} |", median(figures, |figures| figures.rate));
    }
    let added = |field: fn(&Latency) -> f64| {
        let of = |row: usize| median(&rows[row], |f| f.latency.as_ref().map_or(0.0, field));
        of(2) - of(1)
    };
    println!(
        "\nAdded to an accepted push: p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs.",
        added(|latency| latency.p50),
        added(|latency| latency.p99),
        added(|latency| latency.p999)
    );
}
