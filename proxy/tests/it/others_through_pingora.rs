//! Test that sends the vectors of other projects over a socket to a Pingora proxy with a
//! `GateModule`.

use std::sync::atomic::{AtomicI64, Ordering};

use gatepost::{Admission, Gate, Head, Timestamp};

use crate::support::{Act, App, Client, connect};
use crate::table::{self, Case};
use crate::vectors_through_pingora::serve_gate;

static NOW: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_secs(NOW.load(Ordering::SeqCst))
}

/// Returns the status of the core's refusal, or 200 if the core accepts the callback.
fn judged(gate: &Gate, case: &Case) -> u16 {
    let (method, uri, headers) = case.head();
    let now = Timestamp::from_secs(case.now);
    let verdict = match gate.admit(&Head::new(&method, &uri, &headers), now) {
        Admission::Callback(mut intake) => {
            intake.push(case.body.clone().into()).and_then(|()| intake.finish(now))
        }
        Admission::Refused(refusal) => Err(refusal),
        Admission::Other | Admission::Reply(_) | Admission::Shadow(_) => {
            panic!("expected a callback, found none")
        }
    };
    verdict.map_or_else(|refusal| refusal.reply().status().as_u16(), |_| 200)
}

fn bytes(case: &Case) -> Vec<u8> {
    let mut bytes = format!("POST {} HTTP/1.1\r\nhost: gate.test\r\n", case.path).into_bytes();
    for (name, value) in &case.headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", case.body.len()).bytes());
    bytes.extend(&case.body);
    bytes
}

#[test]
fn proxy_gives_same_verdict_as_core_for_every_vector_of_other_projects() {
    let app = App::start(|_| Act::Answer(200, ""));
    let others = table::all();
    let core = others.gate("http://app.test");
    let port = serve_gate(others.gate(&app.url("")), clock);
    for case in &others.cases {
        NOW.store(case.now, Ordering::SeqCst);
        let before = app.seen().len();
        let reply = Client::new(connect(port)).send(&bytes(case));
        let expected = judged(&core, case);
        assert_eq!(reply.status, expected, "{}", case.name);
        let events: Vec<_> = app.seen().into_iter().skip(before).collect();
        assert_eq!(events.len(), usize::from(expected == 200), "{}", case.name);
        events.iter().for_each(|event| case.check_event(&event.body));
    }
}
