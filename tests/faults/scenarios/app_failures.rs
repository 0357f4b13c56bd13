//! Loads while the app is absent or restarts.

use std::thread;
use std::time::Duration;

use super::super::app::App;
use super::super::process::{Setup, free_port};
use super::{HURRIED, Row, Run, while_loaded};

/// Sends a load while no app listens.
pub(super) fn refusing(run: &Run<'_>) -> Row {
    let app = App::absent(free_port());
    let setup = Setup::new(run.program, app.port, HURRIED);
    let mut gatepost = setup.start();
    let tally = run.load(&setup, &app, HURRIED).run();
    let mut row = Row { name: "refusing", tally, ..Row::default() };
    row.check(row.tally.right == 0, "expected no answers, found some");
    row.finish(&setup, &mut gatepost, &app);
    row
}

/// Restarts the app repeatedly during the load.
pub(super) fn restarting(run: &Run<'_>) -> Row {
    let mut app = App::start();
    let setup = Setup::new(run.program, app.port, HURRIED);
    let mut gatepost = setup.start();
    let seen = std::sync::Arc::clone(&app.seen);
    let load = run.load_seen_by(&seen, &setup, HURRIED);
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
