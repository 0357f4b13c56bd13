//! Comparison of the latencies of pushes with and without an open page of callbacks in the console,
//! and a measurement of the memory of gatepost.
//!
//! Instead of a browser, a client sends the requests of the page's script. It logs in once. Then it
//! repeats three steps: it waits for the next callbacks, reads at most 200 of them, and pauses.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;

use super::load::Session;
use super::measure::{CONNECTIONS, Latency};
use super::pace::Pace;
use super::peers::{GATEPOST, Ground, INSPECTOR, TOKEN};
use super::process::{Peer, free_port};
use super::progress::Progress;
use super::report::{Cell, Report, Table};
use super::table::median;
use super::template::Template;
use super::verdict::Target;
use super::work::Work;

/// Time for which the page's script waits after a response.
const PAUSE: Duration = Duration::from_millis(250);

/// Nice value of the page's thread.
const LOWEST_PRIORITY: i32 = 19;

/// Maximum ratio between the 99th percentiles with and without a page.
const MAX_RATIO: f64 = 1.1;

/// Maximum growth of the resident memory after the first round, in MB.
const MAX_GROWTH: f64 = 4.0;

/// Slices of a round, each with or without a page, in the order of the Thue-Morse sequence. If
/// other work on the machine grows or falls during a round, this order makes the slices with and
/// without a page slow down equally.
const SLICES: [bool; 8] = [false, true, true, false, true, false, false, true];

/// Figures of one round.
#[derive(Clone, Debug)]
struct Round {
    closed: Figures,
    open: Figures,
    /// Number of callbacks that the page has received.
    shown: u64,
    /// Number of callbacks that arrived too fast for the page.
    missed: u64,
    /// Resident memory at the end, in KB.
    resident: u64,
}

impl Round {
    fn new() -> Result<Self, Box<dyn Error>> {
        let (closed, open) = (Figures::new()?, Figures::new()?);
        Ok(Self { closed, open, shown: 0, missed: 0, resident: 0 })
    }
}

/// Sums over the slices with a page, or over the slices without a page.
#[derive(Clone, Debug)]
struct Figures {
    latency: Histogram<u64>,
    /// CPU time of gatepost in seconds, including the requests of the page.
    cpu: f64,
    pushes: u64,
}

impl Figures {
    fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self { latency: Histogram::new(3)?, cpu: 0.0, pushes: 0 })
    }

    /// Sends pushes, and adds the figures of this load.
    fn add(
        &mut self,
        peer: &Peer,
        session: &mut Session,
        template: &Template,
        pace: Pace,
    ) -> Result<(), Box<dyn Error>> {
        let before = peer.cpu();
        let outcome = session.run(template, pace)?;
        outcome.check()?;
        self.cpu += (peer.cpu() - before).total();
        self.pushes += outcome.replies;
        self.latency.add(&outcome.latency)?;
        Ok(())
    }

    fn percentiles(&self) -> Latency {
        Latency::of_histogram(&self.latency)
    }

    fn cpu_per_push(&self) -> f64 {
        self.cpu * 1e6 / self.pushes as f64
    }
}

/// Measures each round with and without a page, and reports the figures. If an error occurs,
/// reports the figures of the earlier rounds.
///
/// # Errors
/// Returns an error for a wrong or missing reply, and for a page that receives no callbacks.
pub(super) fn compare(
    ground: &Ground,
    rounds: usize,
    rate: f64,
    time: Duration,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let admin = free_port()?;
    let config = INSPECTOR.replace("@ADMIN@", &admin.to_string()) + GATEPOST;
    let peer = ground.gatepost("inspector.toml", &config, "0")?;
    let template = Work::Push.template("/callbacks/tencent", "push.example.com", "secret")?;
    let template = template.expecting(200, Some("{\"code\":0}"));
    let pace = Pace::Scheduled { rate, time };
    let cookie = log_in(admin)?;
    let mut session = Session::open(peer.port, CONNECTIONS)?;
    // The first load fills the ring and opens the connections to the app.
    Figures::new()?.add(&peer, &mut session, &template, pace)?;
    let mut measured = Vec::new();
    let progress = Progress::start(rounds);
    let result = (1..=rounds).try_for_each(|round| {
        let mut figures = Round::new()?;
        for with_page in SLICES {
            let page = with_page.then(|| Page::open(admin, &cookie));
            let slice = if with_page { &mut figures.open } else { &mut figures.closed };
            slice.add(&peer, &mut session, &template, pace)?;
            let (shown, missed) = page.map_or(Ok((0, 0)), Page::close)?;
            figures.shown += shown;
            figures.missed += missed;
        }
        figures.resident = peer.memory().resident;
        let (without, with) = (figures.closed.percentiles(), figures.open.percentiles());
        eprintln!("round {round}: p99 {:.0} µs closed, {:.0} µs open", without.p99, with.p99);
        measured.push(figures);
        progress.print(round);
        Ok(())
    });
    self::report(&measured, rate, report);
    result
}

fn report(rounds: &[Round], rate: f64, report: &mut Report) {
    if rounds.is_empty() {
        return;
    }
    report.text(format!(
        "Pushes at {rate:.0} per second with the inspector on. Latencies in µs from the scheduled time, medians of {} \
         paired rounds of {} slices. gatepost has one core; load, app and page share the other.",
        rounds.len(),
        SLICES.len()
    ));
    let columns = ["page of callbacks", "p50 / p99 / p99.9", "CPU µs per push"];
    let mut table = Table::new("inspector", &columns);
    let closed: Vec<_> = rounds.iter().map(|round| &round.closed).collect();
    let open: Vec<_> = rounds.iter().map(|round| &round.open).collect();
    for (name, figures) in [("closed", closed), ("open", open)] {
        let latencies: Vec<_> = figures.iter().map(|figures| figures.percentiles()).collect();
        let cpu = median(&figures, |figures| figures.cpu_per_push());
        table.row([name.into(), Latency::median(&latencies).into(), Cell::Figure(cpu, 1)]);
    }
    report.table(table);
    let sum = |of: fn(&Round) -> u64| rounds.iter().map(of).sum::<u64>();
    let pushes = sum(|round| round.closed.pushes + round.open.pushes);
    let (shown, missed) = (sum(|round| round.shown), sum(|round| round.missed));
    report.text(format!(
        "The page received {shown} of all {pushes} callbacks; {missed} arrived too fast for the \
         page."
    ));
    let ratio = |round: &Round| round.open.percentiles().p99 / round.closed.percentiles().p99;
    let first = rounds.first().map_or(0, |round| round.resident);
    let growth = |round: &Round| round.resident.saturating_sub(first) as f64 / 1000.0;
    report.targets([
        Target::at_most("p99: open / closed", rounds.iter().map(ratio).collect(), MAX_RATIO),
        Target::at_most(
            "memory since the first round, MB",
            rounds.iter().map(growth).collect(),
            MAX_GROWTH,
        ),
    ]);
}

/// An open page of callbacks.
struct Page {
    is_open: Arc<AtomicBool>,
    reader: JoinHandle<Result<(u64, u64), String>>,
}

impl Page {
    fn open(admin: u16, cookie: &str) -> Self {
        let is_open = Arc::new(AtomicBool::new(true));
        let (open, cookie) = (Arc::clone(&is_open), cookie.to_owned());
        let reader = thread::spawn(move || {
            // A browser runs on another machine, so the page must not take time from the load.
            rustix::process::setpriority_process(None, LOWEST_PRIORITY)
                .map_err(|error| error.to_string())?;
            read_while(&open, admin, &cookie).map_err(|error| error.to_string())
        });
        Self { is_open, reader }
    }

    /// Closes the page. Returns the counts of received and of missed callbacks.
    fn close(self) -> Result<(u64, u64), Box<dyn Error>> {
        self.is_open.store(false, Ordering::Relaxed);
        let read = self.reader.join().map_err(|_| "expected counts of the page, found a panic")?;
        let (shown, missed) = read?;
        if shown == 0 {
            return Err("expected callbacks on the page, found none".into());
        }
        Ok((shown, missed))
    }
}

fn read_while(
    is_open: &AtomicBool,
    admin: u16,
    cookie: &str,
) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut last, mut shown, mut missed) = (newest(admin, cookie)?, 0, 0);
    while is_open.load(Ordering::Relaxed) {
        let page = feed(admin, cookie, &format!("after={last}&wait=1"))?;
        last = page["last"].as_u64().unwrap_or_default();
        missed += page["missed"].as_u64().unwrap_or_default();
        shown += page["callbacks"].as_array().map_or(0, |rows| rows.len() as u64);
        thread::sleep(PAUSE);
    }
    Ok((shown, missed))
}

fn newest(admin: u16, cookie: &str) -> Result<u64, Box<dyn Error>> {
    Ok(feed(admin, cookie, "limit=1")?["last"].as_u64().unwrap_or_default())
}

fn feed(admin: u16, cookie: &str, query: &str) -> Result<Value, Box<dyn Error>> {
    let request = format!("GET /console/feed?{query} HTTP/1.1\r\ncookie: {cookie}\r\n");
    let response = exchange(admin, &request, "")?;
    let body = response.split_once("\r\n\r\n").ok_or("expected a body, found none")?.1;
    Ok(serde_json::from_str(body)?)
}

/// Logs in to the console, and returns the cookie.
fn log_in(admin: u16) -> Result<String, Box<dyn Error>> {
    let head = format!("POST /console/login HTTP/1.1\r\norigin: http://127.0.0.1:{admin}\r\n");
    let response = exchange(admin, &head, &format!("token={TOKEN}"))?;
    let mut lines = response.lines();
    let cookie = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
    });
    Ok(cookie.ok_or("expected a cookie after the login, found none")?.to_owned())
}

/// Sends a request on a new connection, and returns the response. `head` has no empty line at its
/// end.
fn exchange(admin: u16, head: &str, body: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, admin))?;
    let length = body.len();
    let rest = format!("host: 127.0.0.1:{admin}\r\nconnection: close\r\ncontent-length: {length}");
    stream.write_all(format!("{head}{rest}\r\n\r\n{body}").as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}
