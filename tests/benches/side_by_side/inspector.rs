//! Compares the latencies of pushes with and without an open page of callbacks in the console, and
//! measures the memory of gatepost.
//!
//! Instead of a browser, a client sends the requests of the page's script: it logs in, waits for
//! the next callbacks, reads at most 200 of them, and repeats this after a pause.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::load::{Outcome, Pace, Session, Template};
use super::measure::{CONNECTIONS, Latency};
use super::peers::{GATEPOST, Ground, INSPECTOR, TOKEN};
use super::process::{Cpu, Peer, free_port};
use super::table::{median, middle};
use super::work::Work;

/// Time for which the page's script waits after a response.
const PAUSE: Duration = Duration::from_millis(250);

/// Nice value of the page's thread.
const LOWEST_PRIORITY: i32 = 19;

/// Maximum ratio between the 99th percentiles with and without a page.
const MAX_RATIO: f64 = 1.1;

/// Maximum growth of the resident memory after the first round, in KB.
const MAX_GROWTH: u64 = 4096;

/// Figures of one round.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    closed: Figures,
    open: Figures,
    /// Callbacks that the page has received.
    shown: u64,
    /// Callbacks that arrived too fast for the page.
    missed: u64,
    /// Resident memory at the end, in KB.
    resident: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    latency: Latency,
    /// CPU time of gatepost per push, in microseconds, including the requests of the page.
    cpu: f64,
    pushes: u64,
}

/// Measures each round with and without a page, and prints the table.
///
/// # Errors
/// Returns an error if a reply is wrong or missing, or if the page receives no callbacks.
pub(super) fn compare(
    ground: &Ground,
    rounds: usize,
    rate: f64,
    time: Duration,
) -> Result<(), Box<dyn Error>> {
    let admin = free_port()?;
    let config = INSPECTOR.replace("@ADMIN@", &admin.to_string()) + GATEPOST;
    let peer = ground.gatepost("inspector.toml", &config, "0")?;
    let template = Work::Push.template("/callbacks/tencent", "push.example.com", "secret")?;
    let template = template.expecting(200, Some("{\"code\":0}"));
    let pace = Pace::Scheduled { rate, time };
    let cookie = log_in(admin)?;
    // The first load fills the ring and opens the connections to the app.
    load(&peer, &template, pace)?;
    let mut measured = Vec::new();
    for round in 1..=rounds {
        // The order alternates, because the load on the machine may grow or fall during a round.
        let closed_first = round % 2 == 1;
        let mut of_round = Round::default();
        for with_page in [!closed_first, closed_first] {
            if with_page {
                let page = Page::open(admin, &cookie);
                of_round.open = load(&peer, &template, pace)?;
                (of_round.shown, of_round.missed) = page.close()?;
            } else {
                of_round.closed = load(&peer, &template, pace)?;
            }
        }
        of_round.resident = peer.memory().resident;
        eprintln!("round {round}: {of_round:?}");
        measured.push(of_round);
    }
    print(&measured, rate);
    Ok(())
}

fn load(peer: &Peer, template: &Template, pace: Pace) -> Result<Figures, Box<dyn Error>> {
    let before = peer.cpu();
    let outcome: Outcome = Session::open(peer.port, CONNECTIONS)?.run(template, pace)?;
    if let Some(complaint) = outcome.complaint {
        return Err(complaint.into());
    }
    let cpu: Cpu = peer.cpu() - before;
    let pushes = outcome.replies;
    let latency = Latency::of_histogram(&outcome.latency);
    Ok(Figures { latency, cpu: cpu.total() * 1e6 / pushes as f64, pushes })
}

fn print(rounds: &[Round], rate: f64) {
    println!(
        "Pushes at {rate:.0} per second with the inspector on. Latencies in µs from the scheduled time, medians of {} \
         paired rounds. gatepost has one core; load, app and page share the other.\n",
        rounds.len()
    );
    println!("| page of callbacks | p50 | p99 | p99.9 | CPU µs per push |");
    println!("|---|--:|--:|--:|--:|");
    let closed: Vec<_> = rounds.iter().map(|round| round.closed).collect();
    let open: Vec<_> = rounds.iter().map(|round| round.open).collect();
    for (name, figures) in [("closed", closed), ("open", open)] {
        let latencies: Vec<_> = figures.iter().map(|figures| figures.latency).collect();
        let Latency { p50, p99, p999 } = Latency::median(&latencies).unwrap_or_default();
        let cpu = median(&figures, |figures| figures.cpu);
        println!("| {name} | {p50:.0} | {p99:.0} | {p999:.0} | {cpu:.1} |");
    }
    let ratio = |round: &Round| round.open.latency.p99 / round.closed.latency.p99;
    let ratio = middle(rounds.iter().map(ratio).collect());
    let sum = |of: fn(&Round) -> u64| rounds.iter().map(of).sum::<u64>();
    let pushes = sum(|round| round.closed.pushes + round.open.pushes);
    let memory = |round: Option<&Round>| round.map_or(0, |round| round.resident);
    let (first, last) = (memory(rounds.first()), memory(rounds.last()));
    let (shown, missed) = (sum(|round| round.shown), sum(|round| round.missed));
    println!("\nThe page received {shown} callbacks; {missed} arrived too fast for it.\n");
    println!("| target | figure | limit | result |");
    println!("|---|--:|--:|---|");
    let result = |is_kept: bool| if is_kept { "pass" } else { "miss" };
    println!(
        "| p99: open / closed | {ratio:.2} | {MAX_RATIO:.2} | {} |",
        result(ratio <= MAX_RATIO)
    );
    let growth = last.saturating_sub(first);
    println!(
        "| memory after {pushes} pushes / after the first round, MB | {:.1} / {:.1} | + {:.1} | {} |",
        last as f64 / 1000.0,
        first as f64 / 1000.0,
        MAX_GROWTH as f64 / 1000.0,
        result(growth <= MAX_GROWTH)
    );
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

    /// Closes the page. Returns the numbers of received and of missed callbacks.
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
