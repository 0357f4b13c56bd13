//! Scenarios: each sends a load to gatepost, in most cases while the app, the log or a client
//! fails.

mod app_failures;
mod heavy_bodies;
mod log_failures;
mod many_connections;
mod operations;
mod soak;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use super::app::{Act, App, Seen};
use super::attack;
use super::load::{Load, MIX, Tally};
use super::process::{Gatepost, Log, Setup};
use app_failures::{refusing, restarting};
use heavy_bodies::heavy_bodies;
use log_failures::{log_flood, unwritable_log};
use many_connections::{connections, descriptors, idle, open_streams, unfinished};
use operations::{operations, reload, reload_tls, stop, upgrade};
use soak::soak;

/// The program under test, and the choice between long and brief scenarios.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub program: &'a Path,
    pub brief: bool,
}

/// Result of a scenario.
#[derive(Debug, Default)]
pub struct Row {
    pub name: &'static str,
    pub tally: Tally,
    /// Peak memory of gatepost, in MB.
    pub peak: f64,
    /// True if [`Self::expect_memory_within_bound`] has found the peak memory below its limit.
    is_within_bound: bool,
    pub notes: Vec<String>,
    /// Failed checks, without the complaints in `tally`.
    pub faults: Vec<String>,
}

pub type Scenario = fn(&Run<'_>) -> Row;

pub const ALL: [(&str, Scenario); 27] = [
    ("steady", |run| run.with_app("steady", HEALTHY, &[Act::Answers])),
    ("slow", |run| run.with_app("slow", HURRIED, &[Act::Answers, Act::Slow, Act::Answers])),
    ("refusing", refusing),
    ("resetting", |run| {
        run.with_app("resetting", HURRIED, &[Act::Answers, Act::ResetsAtOnce, Act::ResetsInHead])
    }),
    ("closing", |run| {
        run.with_app("closing", HURRIED, &[Act::Answers, Act::Closes, Act::ClosesInBody])
    }),
    ("garbage", |run| run.with_app("garbage", HURRIED, &GARBAGE)),
    ("huge-body", |run| run.with_app("huge-body", HURRIED, &[Act::Answers, Act::HugeBody])),
    ("endless-body", |run| {
        run.with_app("endless-body", HURRIED, &[Act::Answers, Act::EndlessBody])
    }),
    ("endless-head", |run| {
        run.with_app("endless-head", HURRIED, &[Act::Answers, Act::EndlessHead])
    }),
    ("endless-interim", |run| {
        run.with_app("endless-interim", HURRIED, &[Act::Answers, Act::EndlessInterim])
    }),
    ("restarting", restarting),
    ("log-flood", log_flood),
    ("log-full-disk", |run| unwritable_log(run, "log-full-disk", Log::FullDisk)),
    ("log-stuck-pipe", |run| unwritable_log(run, "log-stuck-pipe", Log::StuckPipe)),
    ("descriptors", descriptors),
    ("stop", stop),
    ("upgrade", upgrade),
    ("reload", reload),
    ("reload-tls", reload_tls),
    ("operations", operations),
    ("heavy-bodies", heavy_bodies),
    ("idle", idle),
    ("unfinished-bodies", |run| {
        unfinished(run, "unfinished-bodies", |port| attack::send(port, 600, &attack::body()))
    }),
    ("unfinished-heads", |run| {
        unfinished(run, "unfinished-heads", |port| attack::send(port, 2000, &attack::head()))
    }),
    ("unfinished-streams", |run| unfinished(run, "unfinished-streams", open_streams)),
    ("connections", connections),
    ("soak", soak),
];

const GARBAGE: [Act; 5] =
    [Act::Answers, Act::NoHttp, Act::ShortLength, Act::LongLength, Act::BadJson];

/// Timeout for a healthy app, long enough for a busy machine.
const HEALTHY: Duration = Duration::from_secs(5);

/// Timeout for a failing app.
const HURRIED: Duration = Duration::from_millis(500);

/// Time limit of loads that end after a number of requests.
const LONG: Duration = Duration::from_secs(900);

/// Number of connections of a load.
const CONNECTIONS: usize = 32;

/// Memory limit of gatepost, in MB, for scenarios with few connections and small bodies. Other
/// scenarios have no limit, or the limit that `gatepost check` prints.
const MOST_MEMORY: f64 = 128.0;

impl Run<'_> {
    const fn duration(&self) -> Duration {
        if self.brief { Duration::from_millis(800) } else { Duration::from_secs(8) }
    }

    /// Returns the time that a reply may take in addition to the app's timeout. A brief run allows
    /// more time, because other tests run at the same time.
    const fn slack(&self) -> Duration {
        if self.brief { Duration::from_secs(8) } else { Duration::from_secs(1) }
    }

    fn load<'a>(&self, setup: &Setup<'_>, app: &'a App, timeout: Duration) -> Load<'a> {
        self.load_seen_by(&app.seen, setup, timeout)
    }

    /// Returns a load for an app that records the received requests in `seen`.
    fn load_seen_by<'a>(&self, seen: &'a Seen, setup: &Setup<'_>, timeout: Duration) -> Load<'a> {
        Load {
            port: setup.port,
            tls: None,
            connections: CONNECTIONS,
            acts: &[Act::Answers],
            kinds: &MIX,
            source: Ipv4Addr::LOCALHOST,
            requests: u64::MAX,
            duration: self.duration(),
            patience: timeout + self.slack(),
            may_end: &NEVER,
            seen,
            established: AtomicUsize::new(0),
        }
    }

    /// Runs a load with an app that carries out these acts in turn.
    fn with_app(&self, name: &'static str, timeout: Duration, acts: &[Act]) -> Row {
        let app = App::start();
        let setup = Setup::new(self.program, app.port, timeout);
        let mut gatepost = setup.start();
        let tally = Load { acts, ..self.load(&setup, &app, timeout) }.run();
        let mut row = Row { name, tally, ..Row::default() };
        if acts.iter().all(|act| *act == Act::Answers) {
            row.expect_all_right();
        }
        row.finish(&setup, &mut gatepost, &app);
        row
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Row {
    fn check(&mut self, good: bool, fault: impl Into<String>) {
        if !good {
            self.faults.push(fault.into());
        }
    }

    /// Returns the failed checks and the complaints of the load.
    pub fn all_faults(&self) -> Vec<String> {
        let lost = (self.tally.lost > 0)
            .then(|| format!("expected no lost replies, found {}", self.tally.lost));
        self.faults.iter().cloned().chain(lost).chain(self.tally.complaints.clone()).collect()
    }

    /// Checks that gatepost used every answer of the app.
    fn expect_all_right(&mut self) {
        let spared = self.tally.spared;
        self.check(
            spared == 0,
            format!("expected no replies of gatepost alone while the app answers, found {spared}"),
        );
        self.check(
            self.tally.right > 0,
            "expected replies that follow from the app's answers, found none",
        );
    }

    /// Checks that the peak memory is below the limit that `gatepost check` prints.
    fn expect_memory_within_bound(&mut self, setup: &Setup<'_>, gatepost: &Gatepost) {
        let (peak, bound) = (gatepost.memory("VmHWM"), setup.memory_bound());
        self.notes.push(format!("memory limit {bound:.0} MB"));
        self.is_within_bound = peak < bound;
        let fault = format!("expected less than {bound:.0} MB of memory, found {peak:.0} MB");
        self.check(self.is_within_bound, fault);
    }

    /// Stops gatepost, and checks its exit, its memory and its log.
    fn finish(&mut self, setup: &Setup<'_>, gatepost: &mut Gatepost, app: &App) {
        self.peak = self.peak.max(gatepost.memory("VmHWM"));
        let peak = self.peak;
        self.check(peak > 0.0, "expected a running process, found none");
        let fault = format!("expected less than {MOST_MEMORY} MB of memory, found {peak:.0} MB");
        let has_limit = !self.is_within_bound && !matches!(self.name, "heavy-bodies" | "idle");
        self.check(peak < MOST_MEMORY || !has_limit, fault);
        if let Err(error) = gatepost.stop() {
            self.faults.push(error);
        }
        self.look_back(setup, app);
    }

    fn look_back(&mut self, setup: &Setup<'_>, app: &App) {
        self.check(!setup.log_text().contains("panicked"), "expected no panic, found one");
        let forged = app.seen.forged.load(Ordering::Relaxed);
        self.check(forged == 0, format!("expected no forged requests, found {forged}"));
        self.check(app.seen.ids_differ(), "expected unique ce-id headers, found two equal headers");
        self.check(self.tally.sent > 0, "expected sent requests, found none");
    }
}

/// Runs the load, and repeats `act` until the load ends.
fn while_loaded(load: &Load<'_>, mut act: impl FnMut()) -> Tally {
    thread::scope(|scope| {
        let load: ScopedJoinHandle<'_, Tally> = scope.spawn(|| load.run());
        while !load.is_finished() {
            act();
        }
        load.join().unwrap()
    })
}
