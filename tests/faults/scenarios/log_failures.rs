//! Loads while requests flood the log, or while gatepost cannot write the log.

use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use super::super::app::{Act, App};
use super::super::load::Load;
use super::super::process::{Log, Setup};
use super::{HEALTHY, LONG, Row, Run, while_loaded};

/// Sends a load and, at the same time, many requests that each cause a log line.
pub(super) fn log_flood(run: &Run<'_>) -> Row {
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
    row.check((log as f64) < limit, format!("expected under {limit} bytes of log, found {log}"));
    row.expect_all_right();
    row.finish(&setup, &mut gatepost, &app);
    let stopped = setup.log_text().contains("\"message\":\"stopped\"");
    row.check(stopped, "expected the log line `stopped`, found none");
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

/// Sends a request. If its head is complete, also reads the start of the reply.
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
pub(super) fn unwritable_log(run: &Run<'_>, name: &'static str, log: Log) -> Row {
    let app = App::start();
    let setup = Setup { log, ..Setup::new(run.program, app.port, HEALTHY) };
    let mut gatepost = setup.start();
    let mut tally = run.load(&setup, &app, HEALTHY).run();
    // Send so many requests that the log lines fill the buffer of gatepost.
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
