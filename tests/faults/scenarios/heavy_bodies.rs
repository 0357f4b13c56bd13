//! Loads of pushes while other clients send bodies that take long to judge.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::super::app::App;
use super::super::heavy::{self, Heavy};
use super::super::load::{Kind, Load};
use super::super::process::Setup;
use super::{CONNECTIONS, HEALTHY, LONG, Row, Run};

/// Length of a heavy body: the default of `max_body_bytes`.
const HEAVY: usize = 1 << 20;

/// Length of the largest heavy body, for which the scenario raises `max_body_bytes`.
const HEAVIEST: usize = 15_000_000;

/// Limit of the 99th percentile of the reply times while other clients send heavy bodies, in
/// milliseconds.
const MOST_MILLIS: f64 = 50.0;

/// Sends genuine pushes from one address while clients at another address send heavy bodies: first
/// each shape in turn, then all shapes together.
pub(super) fn heavy_bodies(run: &Run<'_>) -> Row {
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

/// Runs gatepost with an additional line of config. For each load, sends each heavy request on its
/// own connection repeatedly, and sends pushes at the same time.
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
