//! Test that sends the requests of Http11Probe through the proxy to a lenient upstream.
//!
//! `tests/hostile/http11probe.toml` contains the requests, the outcomes that Http11Probe expects,
//! and the outcomes of gatepost. If gatepost keeps the connection open after a case, the client
//! sends a request for [`SENTINEL`] on this connection. The reply shows that client and gatepost
//! agree where the bytes of the case end.

mod table;
mod upstream;
mod wire;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use self::table::{Case, End, Grade, Outcome};
pub use self::upstream::Upstream;
use self::wire::{Next, Wire};
use crate::support::*;

const SENTINEL: &str = "/sentinel";

/// Number of simultaneous connections.
const CLIENTS: usize = 16;

/// Time without a reply after which the test assumes that gatepost waits for the rest of a request.
/// Only cases with the outcome `waits` take this long.
const QUIET: Duration = Duration::from_millis(300);

/// Maximum number of cases that may fail for a reason in `differs`.
const MOST_EXCUSED: usize = 5;

fn play(port: u16, case: &Case) -> Outcome {
    let mut wire = Wire::connect(port);
    let mut outcome = Outcome { replies: Vec::new(), end: End::Kept };
    let patience = if case.ours == "waits" { QUIET } else { PATIENCE };
    for bytes in case.sends() {
        wire.write(&bytes);
        read_reply(&mut wire, &mut outcome, bytes.starts_with(b"HEAD "), patience);
        if outcome.end != End::Kept {
            break;
        }
    }
    match outcome.end {
        End::Kept => probe_end(&mut wire, &mut outcome),
        End::Waits => wire.finish(),
        End::Closed => {}
    }
    outcome
}

/// Reads interim replies, and the final reply.
fn read_reply(wire: &mut Wire, outcome: &mut Outcome, is_head: bool, patience: Duration) {
    loop {
        match wire.next(is_head, patience) {
            Next::Reply(reply) => outcome.replies.push(reply),
            Next::Closed => outcome.end = End::Closed,
            Next::Nothing => outcome.end = End::Waits,
        }
        if outcome.end != End::Kept || outcome.replies.last().is_some_and(|last| !last.is_interim())
        {
            return;
        }
    }
}

/// Requests the sentinel, and reads replies up to the sentinel's reply.
fn probe_end(wire: &mut Wire, outcome: &mut Outcome) {
    wire.write(format!("GET {SENTINEL} HTTP/1.1\r\nHost: gate.test\r\n\r\n").as_bytes());
    while outcome.end == End::Kept {
        read_reply(wire, outcome, false, PATIENCE);
        let is_last = |reply: &mut wire::Reply| reply.body == SENTINEL.as_bytes();
        if outcome.replies.pop_if(is_last).is_some() {
            return;
        }
    }
}

/// Returns the id and the bytes of each case below 10,000 bytes. The tests of `upstreams` replace
/// the placeholders `{target}` and `{host}`.
pub fn requests() -> Vec<(String, String)> {
    let text = |case: &Case| {
        let text: String = case.sends().concat().iter().map(|byte| char::from(*byte)).collect();
        let text = text.replacen(" / HTTP/", " {target} HTTP/", 1);
        (case.id.clone(), text.replacen("Host: gate.test\r\n", "{host}", 1))
    };
    table::cases().iter().map(text).filter(|(_, text)| text.len() < 10_000).collect()
}

/// Plays all cases, on [`CLIENTS`] connections at a time.
fn run(port: u16, cases: &[Case]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<BTreeMap<usize, Outcome>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(case) = cases.get(index) else { return };
                    let outcome = play(port, case);
                    outcomes.lock().unwrap().insert(index, outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap().into_values().collect()
}

/// Returns the difference between the table and an outcome, or `None` if they agree.
fn fault(case: &Case, outcome: &Outcome) -> Option<String> {
    let found = outcome.text();
    let fails = case.grade(outcome) == Grade::Fails;
    let excused = case.differs.is_some() || case.pending.is_some();
    if found != case.ours {
        return Some(format!("expected {:?}, found {found:?}", case.ours));
    }
    match (fails, excused) {
        (true, false) => {
            Some(format!("expected a pass or a reason, found {found:?}; see {}", case.section))
        }
        (false, true) => Some(format!("expected a failure, found {found:?}; remove the reason")),
        _ => None,
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "prints the number of cases of each grade")]
fn proxy_passes_http11probe_except_for_explained_requests() {
    let upstream = Upstream::start();
    let top = format!("upstream = 'http://127.0.0.1:{}'", upstream.port);
    let gate = Gatepost::serve(&top, &templates(&App::down()));
    let cases = table::cases();
    assert_eq!(cases.len(), 215);
    let outcomes = run(gate.port, &cases);

    let mut faults = String::new();
    let mut sums = [0; 3];
    for (case, outcome) in cases.iter().zip(&outcomes) {
        sums[case.grade(outcome) as usize] += 1;
        if let Some(fault) = fault(case, outcome) {
            _ = writeln!(faults, "{}: {fault}", case.id);
        }
    }
    let [passed, warned, failed] = sums;
    println!("Http11Probe: {passed} pass, {warned} warn, {failed} fail");
    assert!(faults.is_empty(), "expected no fault, found:\n{faults}");
    let replied: usize = outcomes.iter().map(Outcome::replies_of_upstream).sum();
    assert_eq!(replied, upstream.answered(), "responses at the clients, and at the upstream");
    let excused = cases.iter().filter(|case| case.differs.is_some()).count();
    assert!(excused <= MOST_EXCUSED, "expected at most {MOST_EXCUSED} reasons, found {excused}");
}
