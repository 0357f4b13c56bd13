//! Growth of the CPU time of a push in gatepost with the length of the body, and with the numbers
//! of connections, worker threads, bindings and routes.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use super::app::App;
use super::busy::Wait;
use super::load::{IN_FLIGHT, Session};
use super::pace::Pace;
use super::peers::{GATEPOST, Ground, Machine};
use super::plot::{Panel, Point};
use super::process::{Cpu, Peer};
use super::progress::Progress;
use super::report::{Cell, Report, Table};
use super::stall::{PAUSE, Series};
use super::table::{self, median};
use super::work::Work;

/// Core of the load and of the app.
const LOAD_CORE: usize = 1;

/// Number of file descriptors for purposes other than the connections of the load. gatepost serves
/// at most one connection for every two remaining descriptors.
const OTHER_DESCRIPTORS: u64 = 200;

/// Size of one gatepost process under test, and of its load. The table has one row for each size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Size {
    /// Length of the body in bytes.
    body: usize,
    connections: usize,
    workers: usize,
    bindings: usize,
    routes: usize,
}

const BASE: Size = Size { body: 430, connections: IN_FLIGHT, workers: 1, bindings: 1, routes: 1 };

/// A quantity that the program varies. All other quantities have the values of [`BASE`].
struct Quantity {
    title: &'static str,
    unit: &'static str,
    values: Vec<usize>,
    size: fn(usize) -> Size,
}

impl Quantity {
    /// Returns the quantities of the plot, with the values that the machine permits.
    fn all(Machine { cores, descriptors }: Machine) -> [Self; 4] {
        let connections = descriptors.saturating_sub(OTHER_DESCRIPTORS) / 2;
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        [
            Self {
                title: "Length of the body",
                unit: "KB of 1,024 bytes",
                values: vec![1, 4, 16, 64],
                size: |kilobytes| Size { body: kilobytes << 10, ..BASE },
            },
            Self {
                title: "Connections",
                unit: "connections, used in turn",
                values: [1, 10, 100, 1000, 10_000].map(|count| connections.min(count)).into(),
                size: |connections| Size { connections, ..BASE },
            },
            Self {
                title: "Threads",
                unit: "worker threads, each with a core",
                values: [1, 2, 4, 8].into_iter().filter(|workers| *workers <= cores).collect(),
                size: |workers| Size { workers, ..BASE },
            },
            Self {
                title: "Bindings",
                unit: "bindings",
                values: vec![1, 100, 10_000],
                size: |bindings| Size { bindings, ..BASE },
            },
        ]
    }

    fn sizes(&self) -> impl Iterator<Item = Size> {
        self.values.iter().copied().map(self.size)
    }

    fn panel(&self, measured: &[(Size, Vec<Sample>)]) -> Panel {
        let point = |quantity: &usize| {
            let size = (self.size)(*quantity);
            let found = measured.iter().find(|(measured, _)| *measured == size);
            let samples = found.map_or(&[][..], |(_, samples)| samples);
            Point {
                quantity: *quantity,
                all: samples.iter().map(|sample| sample.user + sample.system).collect(),
                kernel: samples.iter().map(|sample| sample.system).collect(),
            }
        };
        let points = self.values.iter().map(point).collect();
        Panel { title: self.title, unit: self.unit, points }
    }
}

/// Returns the sizes of all quantities, and the sizes with 1, 100 and 1,000 routes. Each size
/// occurs once.
fn sizes(quantities: &[Quantity]) -> Vec<Size> {
    let routes = [1, 100, 1000].map(|routes| Size { routes, ..BASE });
    let mut sizes = Vec::new();
    for size in quantities.iter().flat_map(Quantity::sizes).chain(routes) {
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    }
    sizes
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

    /// Returns the cores for gatepost: one for each worker. The core of the load is the last
    /// choice.
    fn cores(&self, available: usize) -> String {
        let free = (0..available).filter(|core| *core != LOAD_CORE).chain([LOAD_CORE]);
        let cores: Vec<_> = free.take(self.workers).map(|core| core.to_string()).collect();
        cores.join(",")
    }
}

/// Figures of one round.
#[derive(Clone, Copy, Debug)]
struct Sample {
    user: f64,
    system: f64,
    rate: f64,
}

/// Measures all sizes in each round, and reports the figures. If an error occurs, reports the
/// earlier figures. Returns the panels of the plot.
///
/// # Errors
/// Returns an error for a wrong or missing reply, and for an app that does not receive one event
/// per push.
pub(super) fn compare(
    ground: &Ground,
    app: &App,
    rounds: usize,
    time: Duration,
    report: &mut Report,
) -> Result<Vec<Panel>, Box<dyn Error>> {
    let start = |(at, size): (usize, &Size)| {
        ground.gatepost(
            &format!("gatepost-{at}.toml"),
            &size.config(),
            &size.cores(ground.machine.cores),
        )
    };
    let quantities = Quantity::all(ground.machine);
    let sizes = sizes(&quantities);
    let peers = sizes.iter().enumerate().map(start).collect::<Result<Vec<_>, _>>()?;
    let mut series = vec![Series::default(); sizes.len()];
    let progress = Progress::start(rounds);
    let result = (1..=rounds).try_for_each(|round| {
        for ((size, peer), series) in sizes.iter().zip(&peers).zip(&mut series) {
            eprintln!("round {round}, {size:?}");
            let measured = series.add(PAUSE, || measure(app, peer, *size, time));
            measured.map_err(|error| format!("{size:?}: {error}"))?;
        }
        progress.print(round);
        Ok::<_, Box<dyn Error>>(())
    });
    self::report(&sizes, &series, report);
    result?;
    let measured: Vec<_> = sizes.into_iter().zip(series.iter().map(Series::figures)).collect();
    Ok(quantities.iter().map(|quantity| quantity.panel(&measured)).collect())
}

fn measure(app: &App, peer: &Peer, size: Size, time: Duration) -> Result<Sample, Box<dyn Error>> {
    let work = Work::LongPush(size.body);
    let template = work.template("/callbacks/tencent", "push.example.com", "secret")?;
    let template = template.expecting(200, Some("{\"code\":0}"));
    let asked = app.seen()?.requests;
    let mut session = Session::open(peer.port, size.connections)?;
    let first = session.run(&template, Pace::Once)?;
    first.check()?;
    let pace = Pace::Saturating { time };
    app.wait(pace.wait())?;
    let before = peer.cpu();
    let outcome = session.run(&template, pace)?;
    let cpu: Cpu = peer.cpu() - before;
    app.wait(Wait::Asleep)?;
    outcome.check()?;
    let (asked, sent) = (app.seen()?.requests - asked, first.replies + outcome.replies);
    if asked != sent {
        return Err(format!("expected {sent} requests to the app, found {asked}").into());
    }
    let micros = |seconds: f64| seconds * 1e6 / outcome.replies as f64;
    let rate = outcome.replies as f64 / outcome.elapsed.as_secs_f64();
    Ok(Sample { user: micros(cpu.user), system: micros(cpu.system), rate })
}

/// Returns the lines below the plot. `gatepost` is the name and the version of the program.
pub(super) fn caption(gatepost: &str, rounds: usize) -> [String; 2] {
    let Size { body, connections, workers, bindings, .. } = BASE;
    [
        format!("{gatepost}; {}; {}; median of {rounds} rounds.", table::machine(), table::date()),
        format!(
            "Each panel has its own scale, from 0. Other quantities: body of {body} bytes, {connections} connections, \
             {workers} thread, {bindings} binding. At most {IN_FLIGHT} pushes at once."
        ),
    ]
}

fn report(sizes: &[Size], series: &[Series<Sample>], report: &mut Report) {
    report.text(format!(
        "CPU time in µs per push. At most {IN_FLIGHT} requests are in flight. The load uses the connections in turn. If \
         gatepost has as many workers as the machine has cores, the load shares a core with gatepost."
    ));
    let columns = [
        "body",
        "connections",
        "workers",
        "bindings",
        "routes",
        "CPU",
        "user",
        "system",
        "requests/s",
    ];
    let mut table = Table::new("scale", &columns);
    for (size, series) in sizes.iter().zip(series) {
        let samples = series.figures();
        let count = |number: usize| Cell::Figure(number as f64, 0);
        let figure = |field: fn(&Sample) -> f64, decimals| {
            if samples.is_empty() {
                Cell::None
            } else {
                Cell::Figure(median(&samples, field), decimals)
            }
        };
        table.row([
            count(size.body),
            count(size.connections),
            count(size.workers),
            count(size.bindings),
            count(size.routes),
            figure(|sample| sample.user + sample.system, 1),
            figure(|sample| sample.user, 1),
            figure(|sample| sample.system, 1),
            figure(|sample| sample.rate, 0),
        ]);
    }
    report.table(table);
    for (size, series) in sizes.iter().zip(series) {
        if let Some(stall) = &series.stall {
            report.text(format!("{size:?}: a round has no figures: {stall}."));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { cores: 2, descriptors: 1 << 20 };

    #[test]
    fn each_size_occurs_once() {
        let sizes = sizes(&Quantity::all(MACHINE));
        // 4 lengths of bodies, 5 numbers of connections, 2 numbers of threads, 2 more numbers of
        // bindings, and 2 more numbers of routes.
        assert_eq!(sizes.len(), 4 + 5 + 2 + 2 + 2);
        assert!(sizes.iter().all(|size| sizes.iter().filter(|other| *other == size).count() == 1));
    }

    #[test]
    fn starts_no_more_threads_than_cores() {
        let most = |cores| Quantity::all(Machine { cores, ..MACHINE })[2].values.clone();
        assert_eq!([1, 2, 7, 8].map(most), [vec![1], vec![1, 2], vec![1, 2, 4], vec![1, 2, 4, 8]]);
    }

    #[test]
    fn connections_are_less_than_half_of_descriptors() {
        let most = |descriptors| {
            Quantity::all(Machine { descriptors, ..MACHINE })[1].values.last().copied()
        };
        assert_eq!([20_000, 20_200, 1 << 20].map(most), [9_900, 10_000, 10_000].map(Some));
    }

    #[test]
    fn gatepost_uses_core_of_load_last() {
        let cores = |workers, available| Size { workers, ..BASE }.cores(available);
        assert_eq!(cores(1, 2), "0");
        assert_eq!(cores(2, 2), "0,1");
        assert_eq!(cores(2, 4), "0,2");
        assert_eq!(cores(4, 4), "0,2,3,1");
    }

    #[test]
    fn panel_has_figures_of_its_quantity() {
        let sample = |user| Sample { user, system: 2.0, rate: 0.0 };
        let measured =
            [(BASE, vec![sample(1.0)]), (Size { bindings: 100, ..BASE }, vec![sample(3.0)])];
        let [.., bindings] = Quantity::all(MACHINE);
        let panel = bindings.panel(&measured);
        let all: Vec<_> = panel.points.iter().map(|point| (point.quantity, &*point.all)).collect();
        assert_eq!(all, [(1, &[3.0][..]), (100, &[5.0]), (10_000, &[])]);
        assert_eq!(panel.points[1].kernel, [2.0]);
    }
}
