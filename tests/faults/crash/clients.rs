//! Clients that repeat each callback until its acknowledgement, and record acknowledged events.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use md5::{Digest as _, Md5};

use super::points::{Point, Trigger};
use super::process::KEY;

/// Number of clients. Each client sends callbacks of [`SUBJECTS`] streams at a time.
const CLIENTS: u64 = 8;

const SUBJECTS: usize = 4;

/// An event: its subject (a stream), and its number among the events of this subject.
pub type Event = (String, u32);

/// The acknowledged events of all clients.
pub type Ledger = Vec<Event>;

pub struct Clients {
    threads: Vec<JoinHandle<Ledger>>,
    ends: Arc<AtomicBool>,
    gives_up: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
}

impl Clients {
    pub fn start(port: u16, trigger: &Arc<Trigger>, mut random: Rng) -> Self {
        let [ends, gives_up] = [(); 2].map(|()| Arc::<AtomicBool>::default());
        let acknowledged = Arc::<AtomicU64>::default();
        let start = |number: u64| {
            let client = Client {
                number,
                port,
                trigger: Arc::clone(trigger),
                ends: Arc::clone(&ends),
                gives_up: Arc::clone(&gives_up),
                acknowledged: Arc::clone(&acknowledged),
                random: random.fork(),
            };
            thread::spawn(|| client.run())
        };
        Self { threads: (0..CLIENTS).map(start).collect(), ends, gives_up, acknowledged }
    }

    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits for at most `limit` until gatepost has acknowledged the last callback of each client.
    /// Returns the ledger, and true if gatepost has acknowledged all last callbacks.
    pub fn finish(self, limit: Duration) -> (Ledger, bool) {
        self.ends.store(true, Ordering::Relaxed);
        let started = Instant::now();
        let is_complete = || self.threads.iter().all(JoinHandle::is_finished);
        while !is_complete() && started.elapsed() < limit {
            thread::sleep(Duration::from_millis(50));
        }
        let is_complete = is_complete();
        self.gives_up.store(true, Ordering::Relaxed);
        let ledger = self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        (ledger, is_complete)
    }
}

struct Client {
    number: u64,
    port: u16,
    trigger: Arc<Trigger>,
    ends: Arc<AtomicBool>,
    /// True if the client must stop repeating its callback.
    gives_up: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    random: Rng,
}

impl Client {
    fn run(mut self) -> Ledger {
        let (mut ledger, mut connection, mut generation) = (Ledger::new(), None, 0);
        let mut subjects: [Event; SUBJECTS] = Default::default();
        while !self.ends.load(Ordering::Relaxed) {
            let (subject, next) = &mut subjects[self.random.usize(..SUBJECTS)];
            // Begin a new subject from time to time. A killed process may still have a claim on the
            // first event of an old subject, and this claim delays the later events.
            if subject.is_empty() || self.random.u32(..40) == 0 {
                (*subject, *next) = (format!("c{}-{generation}", self.number), 0);
                generation += 1;
            }
            let request = request(subject, *next, self.number, generation);
            while !self.is_acknowledged(&mut connection, &request) {
                if self.gives_up.load(Ordering::Relaxed) {
                    return ledger;
                }
            }
            ledger.push((subject.clone(), *next));
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
            *next += 1;
        }
        ledger
    }

    /// Sends a request. Returns false if gatepost does not acknowledge the request. The client then
    /// sends the request again, as a platform does.
    fn is_acknowledged(
        &self,
        connection: &mut Option<BufReader<TcpStream>>,
        request: &[u8],
    ) -> bool {
        let Some(mut stream) = connection.take().or_else(|| self.connect()) else { return false };
        let Ok(status) = self.exchange(&mut stream, request) else { return false };
        if status != 503 {
            assert_eq!(status, 200, "expected status 200 or 503, found {status}");
        }
        *connection = Some(stream);
        status == 200
    }

    fn connect(&self) -> Option<BufReader<TcpStream>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port));
        if stream.is_err() {
            thread::sleep(Duration::from_millis(2));
        }
        let stream = stream.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(BufReader::new(stream))
    }

    /// Sends a request, and returns the status of the reply.
    fn exchange(&self, stream: &mut BufReader<TcpStream>, request: &[u8]) -> io::Result<u16> {
        stream.get_mut().write_all(request)?;
        self.trigger.reach(Point::RequestSent);
        let (mut status, mut length, mut line) = (0, 0, String::new());
        while !line.ends_with("\r\n") || line.len() > 2 {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        if status == 200 {
            self.trigger.reach(Point::Acknowledged);
        }
        Ok(status)
    }
}

/// Formats a `push` callback of Tencent CSS. A client repeats the same bytes until gatepost
/// acknowledges the callback.
fn request(subject: &str, number: u32, client: u64, generation: u64) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let t = now + 600;
    let sign = Md5::digest(format!("{KEY}{t}").as_bytes());
    let sign: String = sign.iter().map(|byte| format!("{byte:02x}")).collect();
    let body = format!(
        "{{\"app\":\"push.example.com\",\"appid\":1,\"appname\":\"live\",\"channel_id\":\"{subject}\",\
         \"event_time\":{now},\"event_type\":1,\"node\":\"10.0.0.1\",\
         \"sequence\":\"{number}00{client}00{generation}\",\"stream_id\":\"{subject}\",\
         \"stream_param\":\"number={number}\",\"user_ip\":\"10.0.0.2\",\"t\":{t},\"sign\":\"{sign}\"}}"
    );
    let head = "POST /callbacks/tencent HTTP/1.1\r\nhost: gate.test\r\ncontent-length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}
