//! Scenarios: each sends a load to gatepost, in most cases while app, log or client fails.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::app::{Act, App};
use super::attack;
use super::heavy::{self, Heavy};
use super::http2;
use super::load::{Kind, Load, MIX, Tally};
use super::process::{Gatepost, Log, Setup, free_port};
use super::tls::{self, Authority};

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
    /// Peak memory of the process, in MB.
    pub peak: f64,
    /// True if `peak` was checked against the sum that `gatepost check` prints.
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

/// Memory limit of the process, in MB, for scenarios with few connections and small bodies. Others
/// have no limit, or the sum that `gatepost check` prints.
const MOST_MEMORY: f64 = 128.0;

impl Run<'_> {
    const fn duration(&self) -> Duration {
        if self.brief { Duration::from_millis(800) } else { Duration::from_secs(8) }
    }

    /// Returns the time that a reply may take in addition to the app's timeout. A brief run allows more time,
    /// because other tests run at the same time.
    const fn slack(&self) -> Duration {
        if self.brief { Duration::from_secs(8) } else { Duration::from_secs(1) }
    }

    fn load<'a>(&self, setup: &Setup<'_>, app: &'a App, timeout: Duration) -> Load<'a> {
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
            seen: &app.seen,
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
        self.check(spared == 0, format!("expected no replies without the app, found {spared}"));
        self.check(self.tally.right > 0, "expected answers, found none");
    }

    /// Checks the memory against the sum that `gatepost check` prints.
    fn expect_memory_within_bound(&mut self, setup: &Setup<'_>, gatepost: &Gatepost) {
        let (peak, bound) = (gatepost.memory("VmHWM"), setup.memory_bound());
        self.notes.push(format!("bound {bound:.0} MB"));
        self.is_within_bound = peak < bound;
        let fault = format!("expected less than {bound} MB, found {peak:.0} MB");
        self.check(self.is_within_bound, fault);
    }

    /// Stops the process, and checks its exit, its memory and its log.
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
        self.check(app.seen.ids_differ(), "expected unique ce-id headers, found two alike");
        self.check(self.tally.sent > 0, "expected sent requests, found none");
    }
}

/// Sends a load while no app listens.
fn refusing(run: &Run<'_>) -> Row {
    let app = App::absent(free_port());
    let setup = Setup::new(run.program, app.port, HURRIED);
    let mut gatepost = setup.start();
    let tally = run.load(&setup, &app, HURRIED).run();
    let mut row = Row { name: "refusing", tally, ..Row::default() };
    row.check(row.tally.right == 0, "expected no answers, found some");
    row.finish(&setup, &mut gatepost, &app);
    row
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

/// Restarts the app repeatedly during the load.
fn restarting(run: &Run<'_>) -> Row {
    let mut app = App::start();
    let setup = Setup::new(run.program, app.port, HURRIED);
    let mut gatepost = setup.start();
    let seen = std::sync::Arc::clone(&app.seen);
    let load = Load {
        port: setup.port,
        tls: None,
        connections: CONNECTIONS,
        acts: &[Act::Answers],
        kinds: &MIX,
        source: Ipv4Addr::LOCALHOST,
        requests: u64::MAX,
        duration: run.duration(),
        patience: HURRIED + run.slack(),
        may_end: &NEVER,
        seen: &seen,
        established: AtomicUsize::new(0),
    };
    let mut restarts = 0;
    let tally = while_loaded(&load, || {
        thread::sleep(Duration::from_millis(150));
        app.restart(Duration::from_millis(30));
        restarts += 1;
    });
    let mut row = Row { name: "restarting", tally, ..Row::default() };
    row.notes.push(format!("{restarts} restarts"));
    row.check(row.tally.right > 0, "expected answers, found none");
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Sends a load beside requests that would fill the log.
fn log_flood(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let mut gatepost = setup.start();
    let started = Instant::now();
    let mut floods = 0;
    let tally = while_loaded(&run.load(&setup, &app, HEALTHY), || {
        let requests = flood(&setup);
        thread::scope(|scope| {
            for (port, request) in &requests {
                scope.spawn(|| (0..25).for_each(|_| flood_once(*port, request)));
            }
        });
        floods += 25 * requests.len();
    });
    let elapsed = started.elapsed();
    let mut row = Row { name: "log-flood", tally, ..Row::default() };
    let log = setup.log_text().len();
    row.notes.push(format!("{floods} requests wrote {} KB of log", log / 1024));
    let limit = (256.0 + 64.0 * elapsed.as_secs_f64()) * 1024.0;
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    row.check((log as f64) < limit, format!("expected {limit} bytes of log, found {log}"));
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    let stopped = setup.log_text().contains("\"message\":\"stopped\"");
    row.check(stopped, "expected the line about the stop, found none");
    row
}

/// Returns requests that cause a log line, with the port for each.
fn flood(setup: &Setup<'_>) -> Vec<(u16, Vec<u8>)> {
    let failing = format!("/page/act-{}-0", Act::ResetsAtOnce.code());
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes()
    };
    let long = "x".repeat(60_000);
    let http_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\xff\xff\xff\x04\0\0\0\0\0";
    vec![
        (setup.port, get(&format!("{failing}/{long}"), "")),
        (setup.port, get(&failing, "")),
        (setup.port, format!("GET /{long}\r\nhost\r\n\r\n").into_bytes()),
        (setup.port, b"GET / HT".to_vec()),
        (setup.port, get("/", "host: other\r\n")),
        (setup.port, get("/callbacks/kollus/wrong", "")),
        (setup.port, http_2.to_vec()),
        (setup.admin, get("/api/templates", "authorization: Bearer wrong\r\n")),
        (setup.admin, get(&format!("/{long}"), "")),
        (setup.admin, b"GET / HT".to_vec()),
    ]
}

/// Sends a request, and reads the start of the reply, if any.
fn flood_once(port: u16, request: &[u8]) {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let _closed = stream.write_all(request);
    if request.ends_with(b"\r\n\r\n") {
        let _no_reply =
            stream.set_read_timeout(Some(HEALTHY)).and_then(|()| stream.read(&mut [0; 64]));
    }
}

/// Sends a load while standard error fails or blocks.
fn unwritable_log(run: &Run<'_>, name: &'static str, log: Log) -> Row {
    let app = App::start();
    let setup = Setup { log, ..Setup::new(run.program, app.port, HEALTHY) };
    let mut gatepost = setup.start();
    let mut tally = run.load(&setup, &app, HEALTHY).run();
    // Send so many requests that the log lines fill the pipe and the buffer.
    let rest = Load { requests: 90_000, duration: LONG, ..run.load(&setup, &app, HEALTHY) };
    if !run.brief {
        tally.add(rest.run());
    }
    let mut row = Row { name, tally, ..Row::default() };
    row.expect_all_right();
    let dropped = gatepost.counter("gatepost_log_lines_dropped_total").unwrap_or_default();
    row.notes.push(format!("{dropped} log lines dropped"));
    row.check(
        dropped > 0 || log == Log::StuckPipe && run.brief,
        "expected dropped log lines, found none",
    );
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Sends a load while another client opens as many connections as gatepost has file descriptors.
/// Then sends a second load.
fn descriptors(run: &Run<'_>) -> Row {
    let app = App::start();
    // With this limit, gatepost permits 80 connections. The load has fewer than half of them.
    let setup = Setup { descriptors: Some("-n 192"), ..Setup::new(run.program, app.port, HEALTHY) };
    let mut gatepost = setup.start();
    // If gatepost closes a connection, the client may be unable to connect again.
    let full = AtomicBool::new(true);
    let load = Load { may_end: &full, ..run.load(&setup, &app, HEALTHY) };
    let mut others = Vec::new();
    let mut tally = thread::scope(|scope| {
        let sending = scope.spawn(|| load.run());
        load.wait_until_established(&sending);
        others.extend((0..192).filter_map(|_| attack::open(setup.port)));
        sending.join().unwrap()
    });
    let spared = std::mem::take(&mut tally.spared);
    drop(others);
    let after = run.load(&setup, &app, HEALTHY).run();
    let mut row = Row { name: "descriptors", tally: after, ..Row::default() };
    row.notes.push(format!("{spared} replies by failure policy, for lack of descriptors"));
    row.expect_all_right();
    row.tally.add(tally);
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Sends SIGTERM to gatepost during the load.
fn stop(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let mut row = Row { name: "stop", ..Row::default() };
    let rounds = if run.brief { 1 } else { 8 };
    for _ in 0..rounds {
        let stopping = AtomicBool::new(false);
        let mut gatepost = setup.start();
        let load = Load { may_end: &stopping, ..run.load(&setup, &app, HEALTHY) };
        let tally = thread::scope(|scope| {
            let sending = scope.spawn(|| load.run());
            load.wait_until_established(&sending);
            thread::sleep(run.duration() / 8);
            row.peak = row.peak.max(gatepost.memory("VmHWM"));
            stopping.store(true, Ordering::Relaxed);
            if let Err(error) = gatepost.stop() {
                row.faults.push(error);
            }
            sending.join().unwrap()
        });
        row.tally.add(tally);
    }
    row.notes.push(format!("{rounds} stops"));
    row.expect_all_right();
    row.look_back(&setup, &app);
    row
}

/// Replaces the process with a successor repeatedly during the load.
fn upgrade(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let mut gatepost = setup.start();
    let load = run.load(&setup, &app, HEALTHY);
    let mut row = Row { name: "upgrade", ..Row::default() };
    let mut upgrades = 0;
    let tally = while_loaded(&load, || {
        row.peak = row.peak.max(gatepost.memory("VmHWM"));
        let successor = setup.upgrade();
        if let Err(error) = gatepost.wait() {
            row.faults.push(error);
        }
        if let Err(error) = successor.metrics() {
            row.faults.push(format!("expected metrics, found {error}"));
        }
        gatepost = successor;
        upgrades += 1;
    });
    row.tally = tally;
    row.notes.push(format!("{upgrades} upgrades"));
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Edits the config and sends SIGHUP to gatepost repeatedly during the load.
fn reload(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let mut gatepost = setup.start();
    let config = setup.folder.path().join("gatepost.toml");
    let text = fs::read_to_string(&config).unwrap();
    let mut edits = 0;
    let tally = while_loaded(&run.load(&setup, &app, HEALTHY), || {
        edits += 1;
        let described = format!("name = 'plays'\ndescription = '{edits}'\n");
        fs::write(&config, text.replace("name = 'plays'\n", &described)).unwrap();
        gatepost.signal(Signal::HUP);
        thread::sleep(Duration::from_millis(10));
    });
    let mut row = Row { name: "reload", tally, ..Row::default() };
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    let reloads = setup.log_text().matches("reloaded the config").count();
    row.notes.push(format!("{reloads} reloads"));
    row.check(reloads > 0, "expected at least one reload, found none");
    row
}

/// Sends one load over TLS and one over plain HTTP. Reloads repeatedly, every second time with
/// another certificate.
fn reload_tls(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let (authority, folder, port) = (Authority::new(), setup.folder.path(), free_port());
    setup.prepend(&format!("listen_tls = '127.0.0.1:{port}'\n"));
    setup.append(tls::TABLES);
    authority.swap(folder, 0);
    let mut gatepost = setup.start();
    let load = run.load(&setup, &app, HEALTHY);
    let encrypted = Load { port, tls: Some(authority.client()), ..run.load(&setup, &app, HEALTHY) };
    let mut steps = 0;
    let tally = thread::scope(|scope| {
        let plain = scope.spawn(|| load.run());
        let mut tally = while_loaded(&encrypted, || {
            steps += 1;
            if steps % 2 == 0 {
                authority.swap(folder, steps / 2);
            }
            gatepost.signal(Signal::HUP);
            thread::sleep(Duration::from_millis(10));
        });
        tally.add(plain.join().unwrap());
        tally
    });
    let mut row = Row { name: "reload-tls", tally, ..Row::default() };
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    let log = setup.log_text();
    let reloads = log.matches("reloaded the config").count();
    let certificates = log.matches("serving a certificate").count();
    // A reload during a swap may read the files of two versions.
    let kept = log.matches("kept the earlier config").count();
    row.notes.push(format!("{reloads} reloads, {certificates} certificates, {kept} kept"));
    let least = if run.brief { 2 } else { 50 };
    row.check(certificates > least, format!("expected more certificates, found {certificates}"));
    row
}

/// Reloads, swaps certificates and upgrades during three loads: plain HTTP, HTTP/1.1 over TLS, and
/// HTTP/2 over TLS.
fn operations(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let (authority, folder, port) = (Authority::new(), setup.folder.path(), free_port());
    setup.prepend(&format!("listen_tls = '127.0.0.1:{port}'\n"));
    setup.append(tls::TABLES);
    authority.swap(folder, 0);
    let mut gatepost = setup.start();
    let duration = if run.brief { run.duration() } else { Duration::from_secs(60) };
    let load = || Load { duration, connections: 8, ..run.load(&setup, &app, HEALTHY) };
    let over_tls = || Load { port, tls: Some(authority.client()), ..load() };
    let (plain, encrypted, multiplexed) = (load(), over_tls(), over_tls());
    let mut row = Row { name: "operations", ..Row::default() };
    let (mut steps, mut upgrades) = (0, 0);
    let tally = thread::scope(|scope| {
        let others = [scope.spawn(|| encrypted.run()), scope.spawn(|| http2::run(&multiplexed))];
        let mut tally = while_loaded(&plain, || {
            steps += 1;
            if steps % 2 == 0 {
                authority.swap(folder, steps / 2);
            }
            gatepost.signal(Signal::HUP);
            thread::sleep(Duration::from_millis(100));
            if steps % 20 == 0 {
                row.peak = row.peak.max(gatepost.memory("VmHWM"));
                let successor = setup.upgrade();
                row.faults.extend(gatepost.wait().err());
                gatepost = successor;
                upgrades += 1;
            }
        });
        others.into_iter().for_each(|load| tally.add(load.join().unwrap()));
        tally
    });
    row.tally = tally;
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    let log = setup.log_text();
    let reloads = log.matches("reloaded the config").count();
    let certificates = log.matches("serving a certificate").count();
    row.notes.push(format!("{reloads} reloads, {certificates} certificates, {upgrades} upgrades"));
    let enough = run.brief || reloads >= 100 && certificates >= 50 && upgrades >= 10;
    row.check(enough, "expected 100 reloads, 50 certificates and 10 upgrades, found fewer");
    row
}

/// Length of a heavy body: the default of `max_body_bytes`.
const HEAVY: usize = 1 << 20;

/// Length of the largest heavy body, for which the scenario raises `max_body_bytes`.
const HEAVIEST: usize = 15_000_000;

/// Limit of the 99th percentile of the reply times beside heavy bodies, in milliseconds.
const MOST_MILLIS: f64 = 50.0;

/// Sends genuine pushes from one address while another address sends heavy bodies, one sort after
/// the other.
fn heavy_bodies(run: &Run<'_>) -> Row {
    let mut row = Row { name: "heavy-bodies", ..Row::default() };
    // A debug build takes much longer to judge a body.
    let shorter = if run.brief { 8 } else { 1 };
    let heavy = Heavy::ALL.map(|kind| (kind, kind.request(HEAVY / shorter)));
    let load = |(kind, request)| (format!("{kind:?}"), vec![request; CONNECTIONS]);
    let loads = heavy.each_ref().map(|(kind, request)| load((kind, &**request)));
    beside_heavy_bodies(run, &mut row, "", &loads);
    let heaviest = Heavy::Escapes.request(HEAVIEST / shorter);
    let mixed = heavy.iter().map(|(_, request)| &**request).cycle();
    let mixed = [&*heaviest].into_iter().chain(mixed).take(CONNECTIONS).collect();
    let loads = [("15 MB".to_owned(), mixed)];
    beside_heavy_bodies(run, &mut row, "max_body_bytes = 16777216\n", &loads);
    row
}

/// Runs gatepost with an additional line of config. Sends each load of heavy requests, each request
/// on its own connection, and pushes beside them.
fn beside_heavy_bodies(run: &Run<'_>, row: &mut Row, line: &str, loads: &[(String, Vec<&[u8]>)]) {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let config = setup.folder.path().join("gatepost.toml");
    fs::write(&config, line.to_owned() + &fs::read_to_string(&config).unwrap()).unwrap();
    let mut gatepost = setup.start();
    let pushes = Load {
        connections: 2,
        kinds: &[Kind::Push],
        source: Ipv4Addr::new(127, 0, 0, 2),
        requests: if run.brief { 50 } else { 1_250 },
        duration: LONG,
        ..run.load(&setup, &app, HEALTHY)
    };
    for (name, requests) in loads {
        let (ends, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        let flood = |request: &[u8]| heavy::send_until(setup.port, request, &ends, &sent);
        let tally = thread::scope(|scope| {
            let floods = requests.iter().map(|request| scope.spawn(|| flood(request)));
            let floods: Vec<_> = floods.collect();
            let tally = pushes.run();
            ends.store(true, Ordering::Relaxed);
            row.faults.extend(floods.into_iter().flat_map(|flood| flood.join().unwrap()));
            tally
        });
        let (p99, sent) = (tally.p99(), sent.into_inner());
        row.notes.push(format!("{name}: {sent} bodies, p99 {p99:.1} ms"));
        row.check(
            run.brief || p99 < MOST_MILLIS,
            format!("{name}: expected p99 below {MOST_MILLIS} ms, found {p99:.1} ms"),
        );
        row.tally.add(tally);
    }
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
}

/// Sends a load, opens many connections with one request each, then sends a second load.
fn idle(run: &Run<'_>) -> Row {
    let _most_allowed = rlimit::increase_nofile_limit(u64::MAX);
    let count = if run.brief { 300 } else { 10_000 };
    let app = App::start();
    // gatepost must raise this soft limit.
    let low = Some("-S -n 256");
    let setup = Setup { descriptors: low, ..Setup::new(run.program, app.port, HEALTHY) };
    let mut gatepost = setup.start();
    let mut tally = run.load(&setup, &app, HEALTHY).run();
    let before = gatepost.memory("VmRSS");
    let mut row = Row { name: "idle", ..Row::default() };
    let waiting: Vec<_> = (0..count).map_while(|_| visit(setup.port)).collect();
    row.check(waiting.len() == count, format!("expected {count} idle, found {}", waiting.len()));
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = (gatepost.memory("VmRSS") - before) * 1024.0 / waiting.len().max(1) as f64;
    tally.add(run.load(&setup, &app, HEALTHY).run());
    row.tally = tally;
    row.notes.push(format!("{} idle connections, {each:.1} KB each", waiting.len()));
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Sends a load while another client sends requests that it does not finish. No reply to the load
/// may be 503.
fn unfinished(run: &Run<'_>, name: &'static str, attack: fn(u16) -> Vec<TcpStream>) -> Row {
    let _most_allowed = rlimit::increase_nofile_limit(u64::MAX);
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let mut gatepost = setup.start();
    let load = run.load(&setup, &app, HEALTHY);
    let mut held = Vec::new();
    let tally = while_loaded(&load, || {
        if held.is_empty() {
            held = attack(setup.port);
        }
        thread::sleep(Duration::from_millis(10));
    });
    let mut row = Row { name, tally, ..Row::default() };
    row.check(!held.is_empty(), "expected connections of the attacker, found none");
    row.expect_all_right();
    row.expect_memory_within_bound(&setup, &gatepost);
    // gatepost would wait for the unfinished requests before it stops.
    drop(held);
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Opens 100 streams with unfinished bodies on each of four HTTP/2 connections.
fn open_streams(port: u16) -> Vec<TcpStream> {
    let senders = [(); 4].map(|()| {
        thread::spawn(move || {
            let mut stream = attack::open(port)?;
            attack::send_streams(&mut stream, Duration::from_secs(6));
            Some(stream)
        })
    });
    senders.into_iter().filter_map(|sender| sender.join().unwrap()).collect()
}

/// Sends a load while another client opens more connections than `max_connections`.
fn connections(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    // The limit is more than twice the connections of the load. The other client therefore always
    // has more connections than the load.
    const LIMIT: usize = 128;
    const ROUNDS: u32 = 10;
    setup.prepend(&format!("max_connections = {LIMIT}\n"));
    let mut gatepost = setup.start();
    let (mut held, mut opened) = (Vec::new(), 0);
    let mut row = Row { name: "connections", ..Row::default() };
    // On a busy machine, a load may end before the other client has exceeded the limit.
    for _ in 0..ROUNDS {
        let load = run.load(&setup, &app, HEALTHY);
        row.tally.add(while_loaded(&load, || {
            let before = held.len();
            held.extend((0..100).filter_map(|_| attack::open(setup.port)));
            opened += held.len() - before;
            held.drain(..held.len().saturating_sub(200));
        }));
        if opened > LIMIT {
            break;
        }
    }
    row.notes.push(format!("{opened} connections of another client, at most {LIMIT} at once"));
    row.check(opened > LIMIT, "expected more connections than the limit, found fewer");
    row.expect_all_right();
    row.expect_memory_within_bound(&setup, &gatepost);
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Opens a connection, and sends one push that gatepost refuses.
fn visit(port: u16) -> Option<TcpStream> {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(HEALTHY)).ok()?;
    stream
        .write_all(b"POST /callbacks/tencent HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        .ok()?;
    let mut reply = [0; 512];
    let length = stream.read(&mut reply).ok()?;
    reply[..length].ends_with(b"refused\n").then_some(stream)
}

/// Time until the memory of the process is stable.
const SETTLED: Duration = Duration::from_secs(15);

/// Sends a million requests. After the first ten thousand, the memory of the idle process may grow
/// by less than 5%.
fn soak(run: &Run<'_>) -> Row {
    let steps = if run.brief { [500, 2_000, 4_000] } else { [10_000, 100_000, 1_000_000] };
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    let mut gatepost = setup.start();
    let mut row = Row { name: "soak", ..Row::default() };
    let load = |requests| {
        let whole = run.load(&setup, &app, HEALTHY);
        Load { requests, duration: LONG, ..whole }.run()
    };
    let started = Instant::now();
    let [start, _, end] = steps.map(|step: u64| {
        row.tally.add(load(step.saturating_sub(row.tally.sent)));
        // The process grows in its first seconds under any load. The allocator returns memory only
        // while the process handles requests.
        let settled = (started + SETTLED).max(Instant::now() + SETTLED / 3);
        while !run.brief && Instant::now() < settled {
            row.tally.add(load(50));
            std::thread::sleep(Duration::from_millis(500));
        }
        let memory = gatepost.memory("VmRSS");
        row.notes.push(format!("{memory:.1} MB after {}", row.tally.sent));
        memory
    });
    // A brief run is too short to judge the growth.
    row.check(run.brief || end < start * 1.05, "expected growth below 5%, found more");
    row.check(
        row.tally.sent >= steps[2],
        format!("expected {} requests, found {}", steps[2], row.tally.sent),
    );
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    row
}
