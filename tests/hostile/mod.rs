//! Hostile HTTP: bytes to send, expected replies, and the requests that the app may receive.
//!
//! The proxy and the layer share one table. Each case runs on a new connection. Afterwards,
//! gatepost must reply to a genuine push, a callback of the kind `push`, on another connection.
//! This reply shows that gatepost still serves clients. If gatepost keeps the connection of the
//! case open, gatepost must reply to a genuine push there, which shows that client and gatepost
//! agree on the end of the hostile request. Otherwise, a genuine push on that connection must not
//! reach the app. The app must receive exactly the requests that the cases list, and the genuine
//! pushes.

mod chunks;
mod connections;
mod framing;
mod heads;
mod http2;
mod slow;
mod targets;
mod wire;

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};

pub use wire::Wire;

/// The proxy or the layer under test, in front of an app that answers every request with status 200
/// and an empty body.
///
/// The config has the Tencent route `/callbacks/tencent`, with [`KEY`] for `push.example.com`, and
/// the Kollus route `/callbacks/kollus/{token}`. The addresses of events are `/live/push` and
/// `/kollus/play`. Requests on all other paths pass to the app.
pub trait Door {
    /// Returns the server that parses the bytes for gatepost.
    fn server(&self) -> Server;

    fn port(&self) -> u16;

    /// Returns the requests that the app has received.
    fn seen(&self) -> Vec<Seen>;
}

pub const KEY: &str = "s1gning-k3y";

#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test program uses one variant")]
pub enum Server {
    Pingora,
    Hyper,
}

/// A request as the app received it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and target, for example `POST /live/push`.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A case of the table.
struct Case {
    name: String,
    sends: Sends,
    /// Name of the live stream in the body of the push, as JSON text without quotes.
    stream: &'static str,
    pingora: Outcome,
    hyper: Outcome,
    /// True if the case cannot run with hyper, because hyper's reply depends on a race.
    is_race_in_hyper: bool,
}

enum Sends {
    /// Bytes, one for each character up to `ÿ`. `{push}` means the body of a genuine push, `{len}`
    /// the length of this body, `{hex}` this length in hex, `{chunks}` this body in one chunk, and
    /// `{genuine}` a complete request with this body.
    Bytes(String),
    /// Frames on an HTTP/2 connection. The outcome applies to the first stream.
    Frames(http2::Frames),
    /// A function, for cases with several connections or steps.
    Scene(fn(&dyn Door) -> Result<(), String>),
}

/// Expected outcome of a case.
#[derive(Clone)]
struct Outcome {
    /// Statuses of the replies, in order.
    gets: Vec<u16>,
    then: Then,
    /// Requests that reach the app.
    app_sees: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The server reads no later byte as a request.
    Closed,
    /// The server replies to the next request.
    Kept,
    /// The server waits for more bytes until the client closes its side.
    Waits,
}

const EVENT: &str = "POST /live/push";

const LENGTH: &str = "content-length: {len}\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";

/// Creates a case. By default, gatepost must refuse the request with 400 and close the connection.
fn case(name: impl Into<String>, bytes: impl Into<String>) -> Case {
    Case::new(name.into(), Sends::Bytes(bytes.into()))
}

/// Creates a case of a request with a host. Each header line in `headers` has a line end.
fn request(name: impl Into<String>, line: &str, headers: &str, body: &str) -> Case {
    case(name, format!("{line}\r\nhost: gate.test\r\n{headers}\r\n{body}"))
}

/// Creates a case of a request to the Tencent route. Each header line in `headers` has a line end.
fn post(name: impl Into<String>, headers: &str, body: &str) -> Case {
    request(name, "POST /callbacks/tencent HTTP/1.1", headers, body)
}

fn scene(name: &str, act: fn(&dyn Door) -> Result<(), String>) -> Case {
    Case::new(name.into(), Sends::Scene(act)).gets(&[])
}

impl Case {
    fn new(mut name: String, sends: Sends) -> Self {
        name.truncate(name.floor_char_boundary(60));
        let outcome = Outcome { gets: vec![400], then: Then::Closed, app_sees: Vec::new() };
        Self {
            name,
            sends,
            stream: "s",
            pingora: outcome.clone(),
            hyper: outcome,
            is_race_in_hyper: false,
        }
    }

    fn both(mut self, change: impl Fn(&mut Outcome)) -> Self {
        change(&mut self.pingora);
        change(&mut self.hyper);
        self
    }

    fn race_in_hyper(mut self) -> Self {
        self.is_race_in_hyper = true;
        self
    }

    fn gets(self, statuses: &[u16]) -> Self {
        self.both(|outcome| outcome.gets = statuses.to_vec())
    }

    /// Expects gatepost to accept the callback and close the connection.
    fn served_last(self) -> Self {
        self.gets(&[200]).closed().app_sees(&[EVENT])
    }

    fn closed(self) -> Self {
        self.both(|outcome| outcome.then = Then::Closed)
    }

    fn kept(self) -> Self {
        self.both(|outcome| outcome.then = Then::Kept)
    }

    fn waits(self) -> Self {
        self.both(|outcome| outcome.then = Then::Waits)
    }

    fn app_sees(self, lines: &[&str]) -> Self {
        self.both(|outcome| outcome.app_sees = lines.iter().map(ToString::to_string).collect())
    }

    /// Expects gatepost to accept the callback and keep the connection.
    fn served(self) -> Self {
        self.gets(&[200]).kept().app_sees(&[EVENT])
    }

    /// Expects gatepost to pass the request to the app, because its path is not a callback path.
    fn passed(self, line: &str) -> Self {
        self.gets(&[200]).kept().app_sees(&[line])
    }

    /// Sets the stream name in the body of the push to this JSON text.
    const fn of_stream(mut self, stream: &'static str) -> Self {
        self.stream = stream;
        self
    }

    /// Changes the expected outcome for hyper only.
    fn with_hyper(mut self, change: impl FnOnce(Self) -> Self) -> Self {
        let pingora = self.pingora.clone();
        self = change(self);
        self.pingora = pingora;
        self
    }

    const fn outcome(&self, server: Server) -> &Outcome {
        match server {
            Server::Pingora => &self.pingora,
            Server::Hyper => &self.hyper,
        }
    }

    /// Sends the case, and checks the replies.
    fn play(&self, door: &dyn Door) -> Result<(), String> {
        let outcome = self.outcome(door.server());
        match &self.sends {
            Sends::Bytes(text) => play_bytes(door, &expand(text, self.stream), outcome),
            Sends::Frames(frames) => http2::play(door, *frames, outcome),
            Sends::Scene(act) => act(door),
        }
    }
}

fn play_bytes(door: &dyn Door, bytes: &[u8], outcome: &Outcome) -> Result<(), String> {
    let mut wire = Wire::connect(door.port());
    wire.to_head = bytes.starts_with(b"HEAD ");
    wire.write(bytes);
    if outcome.then == Then::Waits {
        wire.finish();
    }
    let mut got = Vec::new();
    while got.len() < outcome.gets.len() {
        let Some(response) = wire.response()? else { break };
        response.check()?;
        got.push(response.status);
    }
    same("statuses of the replies", &got, &outcome.gets)?;
    wire.to_head = false;
    if outcome.then == Then::Kept {
        wire.write(&genuine());
        let next = wire.status()?;
        return same("status of a genuine push on the same connection", &next, &Some(200));
    }
    if outcome.then == Then::Closed {
        wire.write(&genuine());
        wire.finish();
    }
    // hyper may parse leftover bytes of a body as a request, and reply 400.
    let no_request = |status: &u16| door.server() == Server::Hyper && *status == 400;
    let late = wire.status()?.filter(|status| !no_request(status));
    same("status of a further reply", &late, &None)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Result<(), String> {
    if is == should { Ok(()) } else { Err(format!("{what}: expected {should:?}, found {is:?}")) }
}

fn table() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("framing", framing::cases()),
        ("chunks", chunks::cases()),
        ("heads", heads::cases()),
        ("targets", targets::cases()),
        ("connections", connections::cases()),
        ("http2", http2::cases()),
        ("slow", slow::cases()),
    ]
}

/// Runs every case, and prints the counts of each group of cases. If a case fails, panics with a
/// list of all failures.
#[allow(clippy::print_stdout, reason = "the README quotes the sums")]
pub fn run(door: &dyn Door) {
    let mut faults = String::new();
    let mut sums = String::from("group         cases  refused  app saw nothing\n");
    let mut expected = Vec::new();
    for (group, mut cases) in table() {
        cases.retain(|case| !case.is_race_in_hyper || door.server() != Server::Hyper);
        let count = |is: fn(&Outcome) -> bool| {
            cases.iter().filter(|case| is(case.outcome(door.server()))).count()
        };
        let refused =
            count(|outcome| outcome.gets.iter().all(|status| !(200..300).contains(status)));
        let unseen = count(|outcome| outcome.app_sees.is_empty());
        _ = writeln!(sums, "{group:<12} {:>6} {refused:>8} {unseen:>16}", cases.len());
        for case in cases {
            if let Err(fault) = check(door, &case, &mut expected) {
                _ = writeln!(faults, "{group}: {}: {fault}", case.name);
            }
        }
    }
    let seen: Vec<_> = door.seen().into_iter().map(|seen| seen.line).collect();
    if faults.is_empty() && seen != expected {
        _ = writeln!(faults, "expected no further request at the app, found {seen:?}");
    }
    println!("{sums}");
    assert!(faults.is_empty(), "\n{faults}");
}

/// Sends one push over HTTP/1.1 and one over HTTP/2, and abandons both before the app answers.
/// Checks that gatepost replies to a third push.
///
/// `wait_until_asked(count)` waits until the app has received `count` events in total. `answer_all`
/// lets the app answer all events.
///
/// # Errors
///
/// Returns an error if gatepost does not reply to the third push.
#[allow(dead_code, reason = "only the test of the proxy has a slow app")]
pub fn abandon(
    door: &dyn Door,
    wait_until_asked: impl Fn(usize),
    answer_all: impl FnOnce(),
) -> Result<(), String> {
    let mut wire = Wire::connect(door.port());
    wire.write(&genuine());
    wait_until_asked(1);
    drop(wire);
    let mut wire = http2::ask(door);
    wait_until_asked(2);
    http2::cancel(&mut wire);
    let mut next = Wire::connect(door.port());
    next.write(&genuine());
    wait_until_asked(3);
    answer_all();
    same("status of the third push", &next.status()?, &Some(200))
}

/// Runs a case, then sends a genuine push on a new connection. Adds the requests that the app
/// receives to `expected`.
fn check(door: &dyn Door, case: &Case, expected: &mut Vec<String>) -> Result<(), String> {
    let before = door.seen().len();
    let played = case.play(door);
    let mut wire = Wire::connect(door.port());
    wire.write(&genuine());
    let next = wire.status()?;
    let mut should = case.outcome(door.server()).app_sees.clone();
    if case.outcome(door.server()).then == Then::Kept {
        should.push(EVENT.into());
    }
    should.push(EVENT.into());
    let seen = door.seen().split_off(before);
    let lines: Vec<_> = seen.iter().map(|seen| seen.line.clone()).collect();
    expected.extend(lines.iter().cloned());
    played?;
    same("status of a genuine push afterwards", &next, &Some(200))?;
    same("requests at the app", &lines, &should)?;
    seen.iter().try_for_each(|seen| seen.check(door.server()))
}

impl Seen {
    /// Checks a request that the app received: only events may have reserved headers.
    fn check(&self, server: Server) -> Result<(), String> {
        let count = |name| self.headers.iter().filter(|(n, _)| *n == name).count();
        if self.headers.iter().any(|(name, value)| value == "forged" || name == "x-injected") {
            return Err(format!("expected no forged header, found {self:?}"));
        }
        let h2c = |(n, value): &(String, String)| n == "upgrade" && value.contains("h2c");
        if server == Server::Pingora && self.headers.iter().any(h2c) {
            return Err(format!("expected no upgrade to HTTP/2, found {self:?}"));
        }
        if self.line != EVENT {
            let reserved = |name: &str| name.starts_with("ce-") || name.starts_with("gatepost-");
            let any = self.headers.iter().any(|(name, _)| reserved(name));
            return same("reserved header in a request that is not an event", &any, &false);
        }
        for once in ["ce-type", "ce-id", "ce-subject", "gatepost-template", "content-length"] {
            same(once, &count(once), &1)?;
        }
        same("transfer-encoding", &count("transfer-encoding"), &0)?;
        let body: serde_json::Value =
            serde_json::from_slice(&self.body).map_err(|error| error.to_string())?;
        same("member `app` of the event", &body["app"].as_str(), &Some("push.example.com"))
    }
}

/// Returns the body of a genuine push of Tencent CSS. The signature expires in ten minutes.
fn push(stream: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let t = now + 600;
    let sign = Md5::digest(format!("{KEY}{t}").as_bytes());
    let sign = sign.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!(
        "{{\"app\":\"push.example.com\",\"appid\":1,\"appname\":\"live\",\"channel_id\":\"s\",\
         \"event_time\":1703731478,\"event_type\":1,\"node\":\"10.0.0.1\",\
         \"sequence\":\"2210464508206756938\",\"stream_id\":\"{stream}\",\"stream_param\":\"\",\
         \"user_ip\":\"10.0.0.2\",\"t\":{t},\"sign\":\"{sign}\"}}"
    )
}

/// Formats a complete request with a genuine push.
fn genuine() -> Vec<u8> {
    expand("{genuine}", "s")
}

fn expand(text: &str, stream: &str) -> Vec<u8> {
    let genuine = "POST /callbacks/tencent HTTP/1.1\r\nhost: gate.test\r\n\
                   content-length: {len}\r\n\r\n{push}";
    let push = push(stream);
    let text = text
        .replace("{genuine}", genuine)
        .replace("{chunks}", "{hex}\r\n{push}\r\n0\r\n\r\n")
        .replace("{len}", &push.len().to_string())
        .replace("{hex}", &format!("{:x}", push.len()))
        .replace("{push}", &push);
    text.chars()
        .map(|c| u8::try_from(c).expect("expected Latin-1, found another character"))
        .collect()
}
