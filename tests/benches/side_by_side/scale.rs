//! Measures the cost of a push in gatepost with more workers, connections, bindings and routes.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use super::app::App;
use super::busy::Wait;
use super::load::{IN_FLIGHT, Pace, Session};
use super::peers::{GATEPOST, Ground};
use super::process::{Cpu, Peer};
use super::progress::Progress;
use super::report::{Cell, Report, Table};
use super::stall::{PAUSE, Series};
use super::table::median;
use super::work::Work;

/// Size of one gatepost under test, which is one row of the table.
#[derive(Clone, Copy, Debug)]
struct Size {
    workers: usize,
    connections: usize,
    bindings: usize,
    routes: usize,
}

const BASE: Size = Size { workers: 1, connections: IN_FLIGHT, bindings: 1, routes: 1 };

fn sizes() -> Vec<Size> {
    let crowds = [1, 10, 100, 1000, 10_000];
    let connections =
        [1, 2].map(|workers| crowds.map(|connections| Size { workers, connections, ..BASE }));
    let bindings = [1, 100, 10_000].map(|bindings| Size { bindings, ..BASE });
    let routes = [1, 100, 1000].map(|routes| Size { routes, ..BASE });
    [connections.concat(), bindings.into(), routes.into()].concat()
}

impl Size {
    fn config(&self) -> String {
        let mut config = GATEPOST.replace("threads  = 1", &format!("threads = {}", self.workers));
        for other in 1..self.routes {
            let _written = write!(
                config,
                "\n[[route]]\npath = '/callbacks/tencent/{other}'\nprovider = 'tencent-css'\n"
            );
        }
        let others: String =
            (1..self.bindings).map(|other| format!("'push{other}.example.com', ")).collect();
        config.replace("[\"push.example.com\"]", &format!("[{others}'push.example.com']"))
    }

    /// Returns the cores for gatepost: both cores for several workers, the first core for one.
    fn cores(&self) -> &'static str {
        if self.workers > 1 { "0,1" } else { "0" }
    }
}

/// Figures of one round.
#[derive(Clone, Copy, Debug)]
struct Sample {
    user: f64,
    system: f64,
    rate: f64,
}

/// Measures all sizes round by round, and reports the figures.
///
/// # Errors
/// Returns an error if a reply is wrong or missing, or if the app does not receive one event per
/// push.
pub(super) fn compare(
    ground: &Ground,
    app: &App,
    rounds: usize,
    time: Duration,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let start = |(at, size): (usize, &Size)| {
        ground.gatepost(&format!("gatepost-{at}.toml"), &size.config(), size.cores())
    };
    let sizes = sizes();
    let peers = sizes.iter().enumerate().map(start).collect::<Result<Vec<_>, _>>()?;
    let mut series = vec![Series::default(); sizes.len()];
    let progress = Progress::start(rounds);
    let result = (1..=rounds).try_for_each(|round| {
        for ((size, peer), series) in sizes.iter().zip(&peers).zip(&mut series) {
            eprintln!("round {round}, {size:?}");
            let measured = series.add(PAUSE, || measure(app, peer, size.connections, time));
            measured.map_err(|error| format!("{size:?}: {error}"))?;
        }
        progress.print(round);
        Ok::<_, Box<dyn Error>>(())
    });
    self::report(&sizes, &series.iter().map(Series::figures).collect::<Vec<_>>(), report);
    result
}

fn measure(
    app: &App,
    peer: &Peer,
    connections: usize,
    time: Duration,
) -> Result<Sample, Box<dyn Error>> {
    let template = Work::Push.template("/callbacks/tencent", "push.example.com", "secret")?;
    let template = template.expecting(200, Some("{\"code\":0}"));
    let asked = app.seen()?.requests;
    let mut session = Session::open(peer.port, connections)?;
    let first = session.run(&template, Pace::Once)?;
    let pace = Pace::Saturating { time };
    app.wait(pace.wait())?;
    let before = peer.cpu();
    let outcome = session.run(&template, pace)?;
    let cpu: Cpu = peer.cpu() - before;
    app.wait(Wait::Asleep)?;
    first.check()?;
    outcome.check()?;
    let (asked, sent) = (app.seen()?.requests - asked, first.replies + outcome.replies);
    if asked != sent {
        return Err(format!("expected {sent} requests to the app, found {asked}").into());
    }
    let micros = |seconds: f64| seconds * 1e6 / outcome.replies as f64;
    let rate = outcome.replies as f64 / outcome.elapsed.as_secs_f64();
    Ok(Sample { user: micros(cpu.user), system: micros(cpu.system), rate })
}

fn report(sizes: &[Size], samples: &[Vec<Sample>], report: &mut Report) {
    report.text(format!(
        "CPU time in µs per push of 430 B. At most {IN_FLIGHT} requests are in flight. The load uses the connections in turn."
    ));
    let columns =
        ["workers", "connections", "bindings", "routes", "CPU", "user", "system", "requests/s"];
    let mut table = Table::new("scale", &columns);
    for (size, samples) in sizes.iter().zip(samples) {
        let count = |number: usize| Cell::Figure(number as f64, 0);
        table.row([
            count(size.workers),
            count(size.connections),
            count(size.bindings),
            count(size.routes),
            Cell::Figure(median(samples, |sample| sample.user + sample.system), 1),
            Cell::Figure(median(samples, |sample| sample.user), 1),
            Cell::Figure(median(samples, |sample| sample.system), 1),
            Cell::Figure(median(samples, |sample| sample.rate), 0),
        ]);
    }
    report.table(table);
}
