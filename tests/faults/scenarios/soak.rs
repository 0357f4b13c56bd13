//! A long load, during which the memory of gatepost must grow by less than 5%.

use std::time::{Duration, Instant};

use super::super::app::App;
use super::super::load::Load;
use super::super::process::Setup;
use super::{HEALTHY, LONG, Row, Run};

/// Time from the start of the process until its memory is stable.
const SETTLED: Duration = Duration::from_secs(15);

/// Sends a million requests. After the first ten thousand, the memory of the process must not grow
/// by 5% or more.
pub(super) fn soak(run: &Run<'_>) -> Row {
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
        // The memory of the process grows in the first seconds under any load. The allocator
        // returns memory only while the process handles requests.
        let settled = (started + SETTLED).max(Instant::now() + SETTLED / 3);
        while !run.brief && Instant::now() < settled {
            row.tally.add(load(50));
            std::thread::sleep(Duration::from_millis(500));
        }
        let memory = gatepost.memory("VmRSS");
        row.notes.push(format!("{memory:.1} MB after {} requests", row.tally.sent));
        memory
    });
    // A brief run is too short to judge the growth.
    let growth = format!("expected growth below 5%, found {start:.1} MB, then {end:.1} MB");
    row.check(run.brief || end < start * 1.05, growth);
    row.check(
        row.tally.sent >= steps[2],
        format!("expected {} requests, found {}", steps[2], row.tally.sent),
    );
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    row
}
