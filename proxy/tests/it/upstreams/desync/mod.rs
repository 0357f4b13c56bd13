//! Tests that compare the requests that a server records with the requests that gatepost forwards.
//!
//! A tap between gatepost and the server copies the bytes of each connection. The strict `reader`
//! finds the requests in these bytes. The server must refuse each of these requests, or record the
//! request with the same method, target, host and body. The server must record no other request.

#![allow(clippy::print_stdout, reason = "the numbers show that the cases reach the servers")]

mod cases;
mod reader;
mod tap;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use self::cases::{Case, FORGED, probe};
use self::reader::{Request, Sender, Stream, read};
use self::tap::{Copy, Tap};
use super::servers::Server;
use super::wire::{QUIET, send_http_2, send_pieces};
use crate::http11probe::Upstream;
use crate::support::*;

/// Number of simultaneous connections.
const CLIENTS: usize = 16;

/// Size of the pieces for a client that writes all bytes at once.
const WHOLE: usize = usize::MAX;

/// Longest wait for a server to record the last requests.
const SETTLED: Duration = Duration::from_millis(1500);

/// Minimum number of requests that gatepost must forward, and that each server must record behind
/// gatepost.
const LEAST_SEEN: usize = 250;

/// A request as a recorder (an app in `tests/upstreams/recorders`) writes it to a file.
#[derive(Deserialize)]
struct Record {
    probe: String,
    method: String,
    target: String,
    host: String,
    kind: String,
    hidden: String,
    body: String,
}

impl Record {
    fn request(&self) -> Request {
        let byte = |at: usize| u8::from_str_radix(&self.body[at..at + 2], 16).unwrap();
        Request {
            probe: self.probe.clone(),
            method: self.method.clone(),
            target: self.target.clone(),
            host: self.host.clone(),
            is_hidden: self.hidden != "-",
            body: (0..self.body.len()).step_by(2).map(byte).collect(),
        }
    }
}

fn records(server: &Server) -> Vec<Record> {
    let parse = |line: &String| {
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("expected a record, found {line}: {error}"))
    };
    server.lines().iter().map(parse).collect()
}

/// Sends each case, and then a second request, on a connection of its own, in pieces of `piece`
/// bytes. Returns a fault for each connection that received a reply to the request of another
/// connection.
fn send(port: u16, cases: &[Case], piece: usize) -> Vec<String> {
    let faults = Mutex::new(Vec::new());
    in_parallel(cases, |index, case| {
        let bytes = with_second(case, index);
        let got = send_pieces(port, bytes.chunks(piece), QUIET);
        let fault = foreign(&got, index);
        let fault =
            fault.map(|other| format!("{}: expected no reply to {other}, found one", case.name));
        faults.lock().unwrap().extend(fault);
    });
    faults.into_inner().unwrap()
}

/// Sends the cases for HTTP/2, each on a connection of its own.
fn send_over_http_2(port: u16) {
    in_parallel(&cases::http_2(), |index, spelling| send_http_2(port, spelling, &probe(index)));
}

fn in_parallel<T: Sync>(items: &[T], act: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    let run = || {
        loop {
            let index = next.fetch_add(1, Ordering::SeqCst);
            let Some(item) = items.get(index) else { return };
            act(index, item);
        }
    };
    thread::scope(|scope| (0..CLIENTS).for_each(|_| _ = scope.spawn(run)));
}

fn with_second(case: &Case, index: usize) -> Vec<u8> {
    let probe = probe(index);
    let second = format!(
        "GET /s/{probe} HTTP/1.1\r\nHost: gate.test\r\nx-probe: {probe}\r\nConnection: close\r\n\r\n"
    );
    [&case.bytes, second.as_bytes()].concat()
}

/// Returns the first probe of another connection in the received bytes, or `None`.
fn foreign(got: &[u8], index: usize) -> Option<String> {
    let text = String::from_utf8_lossy(got);
    let probes = text.split("probe=").skip(1).filter_map(|rest| rest.split(';').next());
    let is_valid = |probe: &&str| {
        let half = probe.get(..probe.len() / 2).unwrap_or_default();
        half.len() > 1 && half.starts_with('q') && half.repeat(2) == **probe
    };
    probes.filter(is_valid).find(|other| *other != probe(index)).map(ToOwned::to_owned)
}

/// Differences between the requests on the connections and the records of the server.
#[derive(Debug, Default)]
struct Differences {
    /// Faults of the forwarded bytes that are not valid requests.
    invalid: Vec<String>,
    /// Connections with more replies than requests.
    surplus: Vec<String>,
    /// Recorded requests that gatepost did not forward.
    unforwarded: Vec<Request>,
    /// Recorded requests with an event type.
    forged: Vec<Request>,
    /// Number of requests that the server has neither recorded nor refused.
    unseen: usize,
}

/// Requests that the tap has forwarded, on all connections.
#[derive(Default)]
struct Forwarded {
    whole: Vec<Request>,
    parts: Vec<Request>,
    /// Number of requests without a response that contains `x-recorded`.
    refused: usize,
}

fn compare(copies: &[Copy], records: &[Record]) -> Differences {
    let mut differences = Differences::default();
    let mut forwarded = Forwarded::default();
    for copy in copies {
        forwarded.add(copy, &mut differences);
    }
    for record in records {
        let seen = record.request();
        if !forwarded.remove(&seen) {
            differences.unforwarded.push(seen.clone());
        }
        if record.kind != "-" {
            differences.forged.push(seen);
        }
    }
    differences.unseen = forwarded.whole.len().saturating_sub(forwarded.refused);
    differences
}

impl Forwarded {
    fn add(&mut self, copy: &Copy, differences: &mut Differences) {
        let Stream { whole, part, fault } = read(&copy.to_server, Sender::Gatepost);
        differences.invalid.extend(fault);
        let replies = count_replies(&copy.from_server);
        if replies > whole.len() + usize::from(part.is_some()) {
            differences.surplus.push(format!("{replies} to {whole:?} and {part:?}"));
        }
        self.refused += whole.len().saturating_sub(count(&copy.from_server, b"x-recorded:"));
        self.whole.extend(whole);
        self.parts.extend(part);
    }

    /// Removes a request that the server has recorded. Returns false if gatepost did not forward
    /// this request.
    fn remove(&mut self, seen: &Request) -> bool {
        let is_same = |request: &Request| is_begun(request, seen) && request.body == seen.body;
        if let Some(at) = self.whole.iter().position(is_same) {
            self.whole.swap_remove(at);
            return true;
        }
        self.parts.iter().any(|part| is_begun(part, seen))
    }
}

impl Stream {
    /// Returns true if the client sent this request. Ignores the host.
    fn has(&self, request: &Request) -> bool {
        self.whole.iter().any(|sent| {
            let sent = Request { host: request.host.clone(), ..sent.clone() };
            is_begun(&sent, request) && sent.body == request.body
        })
    }
}

impl Request {
    fn is_of(&self, probe: &str) -> bool {
        self.probe == probe || self.target.contains(probe)
    }
}

/// Returns true if `seen` is the forwarded request, or its start: a server may record a request
/// before the body ends.
fn is_begun(forwarded: &Request, seen: &Request) -> bool {
    forwarded.method == seen.method
        && forwarded.target == seen.target
        && forwarded.host == seen.host
        && forwarded.is_hidden == seen.is_hidden
        && forwarded.body.starts_with(&seen.body)
}

/// Returns the number of final replies in the bytes of a server.
fn count_replies(bytes: &[u8]) -> usize {
    let is_final = |at: &[u8]| at.starts_with(b"HTTP/1.") && at[8] == b' ' && at[9] != b'1';
    bytes.windows(10).filter(|at| is_final(at)).count()
}

fn count(bytes: &[u8], text: &[u8]) -> usize {
    bytes.windows(text.len()).filter(|at| at.eq_ignore_ascii_case(text)).count()
}

impl Differences {
    fn text(&self) -> String {
        let Self { invalid, surplus, unforwarded, forged, unseen } = self;
        let mut text = String::new();
        for (what, list) in [("forwarded an invalid", invalid), ("got too many replies:", surplus)]
        {
            list.iter().for_each(|fault| _ = writeln!(text, "gatepost {what} {fault}"));
        }
        for (what, list) in [
            ("recorded a request that gatepost did not forward:", unforwarded),
            ("recorded a request with `ce-type`:", forged),
        ] {
            list.iter().for_each(|request| _ = writeln!(text, "the server {what} {request:?}"));
        }
        if *unseen > 0 {
            _ = writeln!(text, "the server neither recorded nor refused {unseen} requests");
        }
        text
    }
}

/// Waits until there are no differences, or until [`SETTLED`] has elapsed. Returns the differences.
fn settled(tap: &Tap, server: &Server) -> Differences {
    let started = Instant::now();
    loop {
        let differences = compare(&tap.copies(), &records(server));
        if differences.text().is_empty() || started.elapsed() > SETTLED {
            return differences;
        }
        thread::yield_now();
    }
}

/// Sends every case through gatepost to the server.
fn check(name: &str, server: &Server) {
    let cases = cases::all();
    let tap = Tap::start(server.port);
    let gate = serve_behind(&tap);
    let foreign = send(gate.port, &cases, WHOLE);
    send_over_http_2(gate.port);
    let faults = settled(&tap, server).text();
    let seen = server.lines().len();
    println!("{name} behind gatepost: {seen} requests of {} cases", cases.len());
    assert!(
        foreign.is_empty(),
        "{name}: expected no reply to the request of another connection, found:\n{}",
        foreign.join("\n")
    );
    assert!(faults.is_empty(), "{name}: expected no differences, found\n{faults}");
    assert!(seen >= LEAST_SEEN, "{name}: expected at least {LEAST_SEEN} requests, found {seen}");
}

fn serve_behind(tap: &Tap) -> Gatepost {
    let top = format!("upstream = 'http://127.0.0.1:{}'", tap.port);
    Gatepost::serve(&top, &templates(&App::down()))
}

/// Sends the cases of the table to the server without gatepost, as a control. The server must
/// accept at least one hidden request, and the comparison must find this request.
fn check_control(name: &str, server: &Server) {
    let cases = cases::table();
    let before = server.lines().len();
    let tap = Tap::start(server.port);
    send(tap.port, &cases, WHOLE);
    let records = records(server).split_off(before);
    let is_forged = |record: &&Record| record.kind == FORGED;
    let hidden: BTreeSet<_> =
        records.iter().filter(is_forged).map(|record| &record.probe).collect();
    let differences = compare(&tap.copies(), &records);
    println!(
        "{name} without gatepost: {} of {} cases smuggle a request; the reader misses {} requests",
        hidden.len(),
        cases.len(),
        differences.unforwarded.len()
    );
    assert!(!differences.forged.is_empty(), "{name}: expected a hidden request, found none");
}

fn check_both(name: &str, server: &Server) {
    check(name, server);
    check_control(name, server);
}

/// Sends every case through gatepost, in pieces of `piece` bytes. Returns the requests that
/// gatepost forwards.
fn forwarded(cases: &[Case], piece: usize) -> Vec<Request> {
    let upstream = Upstream::start();
    let tap = Tap::start(upstream.port);
    let gate = serve_behind(&tap);
    assert_eq!(send(gate.port, cases, piece), [""; 0]);
    let requests = |copy: Copy| {
        let stream = read(&copy.to_server, Sender::Gatepost);
        assert_eq!(stream.fault, None);
        stream.whole
    };
    tap.copies().into_iter().flat_map(requests).collect()
}

// gatepost may forward only requests that the reader finds in the bytes of the client.
#[test]
fn gatepost_forwards_only_requests_that_rfc_9112_permits() {
    let cases = cases::all();
    let sent = |(index, case)| read(&with_second(case, index), Sender::Client);
    let sent: Vec<Stream> = cases.iter().enumerate().map(sent).collect();
    for piece in [WHOLE, 1] {
        let requests = forwarded(&cases, piece);
        let mut faults = String::new();
        for request in requests.iter().filter(|one| !sent.iter().any(|stream| stream.has(one))) {
            let case = cases.iter().enumerate().find(|(index, _)| request.is_of(&probe(*index)));
            let name = case.map_or("another case", |(_, case)| &case.name);
            _ = writeln!(faults, "{request:?}\n  from {name}");
        }
        assert!(faults.is_empty(), "expected only requests of the client, found\n{faults}");
        assert!(
            requests.len() >= LEAST_SEEN,
            "expected at least {LEAST_SEEN} requests, found {}",
            requests.len()
        );
    }
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn php_records_only_requests_that_gatepost_forwards() {
    // There is no control. PHP's server closes each connection after one reply, so it never runs a
    // hidden request. Without gatepost, some cases make this server crash.
    check("php", &Server::php_router("recorders/front/index.php"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn nginx_and_php_fpm_record_only_requests_that_gatepost_forwards() {
    check_both("nginx", &Server::nginx("recorders/front", "/none /index.php"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn node_records_only_requests_that_gatepost_forwards() {
    check_both("node", &Server::node("recorders/node.cjs"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn express_records_only_requests_that_gatepost_forwards() {
    check_both("express", &Server::node("recorders/express.cjs"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn gunicorn_records_only_requests_that_gatepost_forwards() {
    check_both("gunicorn", &Server::gunicorn("recorders/record:wsgi"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn daphne_records_only_requests_that_gatepost_forwards() {
    check_both("daphne", &Server::daphne("recorders/record:asgi"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn uvicorn_records_only_requests_that_gatepost_forwards() {
    check_both("uvicorn", &Server::uvicorn("recorders/record:asgi"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn puma_records_only_requests_that_gatepost_forwards() {
    check_both("puma", &Server::puma("recorders/config.ru"));
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn python_http_server_records_only_requests_that_gatepost_forwards() {
    check_both("http.server", &Server::python("recorders/record.py"));
}
