//! Tests with hostile HTTP requests to the program.

#[path = "../../../tests/hostile/mod.rs"]
mod table;

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use table::{Door, Seen, Server};

use crate::support::*;

struct Proxy {
    gate: Gatepost,
    app: App,
}

impl Proxy {
    fn of(app: App) -> Self {
        // A slow machine must not cause a time-out.
        let templates = templates(&app).replace("timeout_ms = 500", "timeout_ms = 10000");
        // Every case sends the same push. With `dedupe`, gatepost treats each push after the
        // first as a resend.
        let templates = templates.replace("bind = ", "dedupe = false\nbind = ");
        let gate = Gatepost::serve(&format!("upstream = '{}'", app.url("")), &templates);
        Self { gate, app }
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !holds(self) {
            assert!(
                started.elapsed() < PATIENCE,
                "expected {what}, found:\n{}",
                self.gate.metrics()
            );
        }
    }

    /// Returns true if the metrics show no request in flight.
    fn is_at_rest(&self) -> bool {
        self.gate.metrics().contains("\ngatepost_requests_in_flight 0\n")
    }
}

impl Door for Proxy {
    fn server(&self) -> Server {
        Server::Pingora
    }

    fn port(&self) -> u16 {
        self.gate.port
    }

    fn seen(&self) -> Vec<Seen> {
        self.app.seen().into_iter().map(seen).collect()
    }
}

fn seen(request: crate::mock::Seen) -> Seen {
    let line = request.line.rsplit_once(' ').map_or("", |(line, _)| line).to_owned();
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    Seen { line, headers: request.headers.into_iter().map(lower).collect(), body: request.body }
}

#[test]
fn proxy_handles_every_hostile_case_as_table_expects() {
    let proxy = Proxy::of(App::answering(200, ""));
    table::run(&proxy);
    proxy.wait_until("no request in flight", Proxy::is_at_rest);
    let log = proxy.gate.program.log();
    for word in ["panicked", TOKEN, KEY] {
        assert!(!log.contains(word), "expected no {word}, found {log}");
    }
}

#[test]
fn request_ends_if_client_disconnects_before_app_answers() {
    let (release, released) = channel();
    let released = Arc::new(Mutex::new(released));
    let proxy = Proxy::of(App::start(move |_| Act::WaitFor(Arc::clone(&released))));
    let asked =
        |count| proxy.wait_until("requests to the app", |proxy| proxy.app.seen().len() == count);
    let answered = table::abandon(&proxy, asked, || (0..3).for_each(|_| release.send(()).unwrap()));
    answered.unwrap();
    proxy.wait_until("no request in flight", Proxy::is_at_rest);
    assert_eq!(proxy.app.seen().len(), 3);
}
