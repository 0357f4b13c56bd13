//! Loads while an operator stops, upgrades or reloads gatepost.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::super::app::App;
use super::super::http2;
use super::super::load::Load;
use super::super::process::{Setup, free_port};
use super::super::tls::{self, Authority};
use super::{HEALTHY, Row, Run, while_loaded};

/// Sends SIGTERM to gatepost during the load.
pub(super) fn stop(run: &Run<'_>) -> Row {
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
pub(super) fn upgrade(run: &Run<'_>) -> Row {
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
pub(super) fn reload(run: &Run<'_>) -> Row {
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

/// Sends one load over TLS and one over plain HTTP. Reloads the config repeatedly, every second
/// time with a new certificate.
pub(super) fn reload_tls(run: &Run<'_>) -> Row {
    let app = App::start();
    let mut setup = Setup::new(run.program, app.port, HEALTHY);
    let authority = Authority::new();
    let port = add_tls_listener(&mut setup, &authority);
    let folder = setup.folder.path();
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
    row.notes
        .push(format!("{reloads} reloads, {certificates} certificates, {kept} failed reloads"));
    let least = if run.brief { 2 } else { 50 };
    row.check(
        certificates > least,
        format!("expected over {least} certificates, found {certificates}"),
    );
    row
}

/// Reloads and upgrades gatepost and swaps its certificate during three loads: plain HTTP, HTTP/1.1
/// over TLS, and HTTP/2 over TLS.
pub(super) fn operations(run: &Run<'_>) -> Row {
    let app = App::start();
    let mut setup = Setup::new(run.program, app.port, HEALTHY);
    let authority = Authority::new();
    let port = add_tls_listener(&mut setup, &authority);
    let folder = setup.folder.path();
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

/// Adds a TLS listener with a certificate of `authority` to the config. Returns the listener's
/// port.
fn add_tls_listener(setup: &mut Setup<'_>, authority: &Authority) -> u16 {
    let port = free_port();
    setup.tls_port = Some(port);
    setup.prepend(&format!("listen_tls = '127.0.0.1:{port}'\n"));
    setup.append(tls::TABLES);
    authority.swap(setup.folder.path(), 0);
    port
}
