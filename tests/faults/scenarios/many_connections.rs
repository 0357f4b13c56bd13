//! Loads while other clients hold many connections or unfinished requests.

use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use super::super::app::App;
use super::super::attack;
use super::super::load::Load;
use super::super::process::Setup;
use super::{HEALTHY, Row, Run, while_loaded};

/// Sends a load while another client opens as many connections as gatepost has file descriptors.
/// Then sends a second load.
pub(super) fn descriptors(run: &Run<'_>) -> Row {
    let app = App::start();
    // With this limit, gatepost permits 80 connections. The load has fewer than 40.
    let setup = Setup { descriptors: Some("-n 192"), ..Setup::new(run.program, app.port, HEALTHY) };
    let mut gatepost = setup.start();
    // If gatepost closes a connection of the load, the load may be unable to connect again.
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

/// Sends a load, opens many connections with one request each, then sends a second load.
pub(super) fn idle(run: &Run<'_>) -> Row {
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
    row.check(
        waiting.len() == count,
        format!("expected {count} idle connections, found {}", waiting.len()),
    );
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = (gatepost.memory("VmRSS") - before) * 1024.0 / waiting.len().max(1) as f64;
    tally.add(run.load(&setup, &app, HEALTHY).run());
    row.tally = tally;
    row.notes.push(format!("{} idle connections, {each:.1} KB each", waiting.len()));
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Sends a load while another client sends requests that it does not finish. gatepost must not
/// reply to the load with a 503.
pub(super) fn unfinished(
    run: &Run<'_>,
    name: &'static str,
    attack: fn(u16) -> Vec<TcpStream>,
) -> Row {
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
    // If the requests stay unfinished, gatepost waits for them before it stops.
    drop(held);
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Opens 100 streams with unfinished bodies on each of four HTTP/2 connections.
pub(super) fn open_streams(port: u16) -> Vec<TcpStream> {
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
pub(super) fn connections(run: &Run<'_>) -> Row {
    let app = App::start();
    let setup = Setup::new(run.program, app.port, HEALTHY);
    // The limit is more than twice the number of connections of the load. At the limit, the other
    // client therefore has more connections than the load.
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
    row.check(opened > LIMIT, format!("expected over {LIMIT} connections, found {opened}"));
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
