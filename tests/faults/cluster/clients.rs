//! Clients that send callbacks as a platform does: they repeat each callback until a machine
//! acknowledges it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::http;

/// Number of streams. Each stream has one client.
const STREAMS: usize = 12;

/// Pauses between two callbacks of a client. With shorter pauses, the clients cause more
/// events than the cluster delivers on a slow disk.
const PAUSES_MS: Range<u64> = 50..300;

/// Longest wait for a reply.
const REPLY: Duration = Duration::from_secs(8);

/// The acknowledged callbacks of each stream, in the order in which the client sent them.
pub type Ledger = BTreeMap<String, Vec<Acknowledged>>;

/// A callback that a machine acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    pub number: u32,
    pub machine: usize,
    pub at: Instant,
}

/// The running clients.
pub struct Clients {
    is_done: Arc<AtomicBool>,
    threads: Vec<JoinHandle<(String, Vec<Acknowledged>)>>,
}

impl Clients {
    pub fn start(ports: &[u16], random: &mut Rng) -> Self {
        let is_done = Arc::<AtomicBool>::default();
        let start = |number| {
            let mut client = Client {
                stream: format!("s{number}"),
                ports: ports.to_vec(),
                random: random.fork(),
                acknowledged: Vec::new(),
            };
            let is_done = Arc::clone(&is_done);
            thread::spawn(move || {
                client.run(&is_done);
                (client.stream, client.acknowledged)
            })
        };
        let threads = (0..STREAMS).map(start).collect();
        Self { is_done, threads }
    }

    /// Stops the clients, and returns their ledger.
    pub fn finish(self) -> Ledger {
        self.is_done.store(true, Ordering::SeqCst);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

struct Client {
    stream: String,
    ports: Vec<u16>,
    random: Rng,
    acknowledged: Vec<Acknowledged>,
}

impl Client {
    fn run(&mut self, is_done: &AtomicBool) {
        let mut number = 0;
        while !is_done.load(Ordering::SeqCst) {
            number += 1;
            let machine = loop {
                if let Some(machine) = self.send(number) {
                    break machine;
                }
                if is_done.load(Ordering::SeqCst) {
                    return;
                }
                thread::sleep(Duration::from_millis(100));
            };
            self.acknowledged.push(Acknowledged { number, machine, at: Instant::now() });
            if self.random.u8(..4) == 0 {
                // Send a copy of an acknowledged callback to a random machine, as a platform does
                // after a lost acknowledgement.
                let earlier = self.acknowledged[self.random.usize(..self.acknowledged.len())];
                self.send(earlier.number);
            }
            thread::sleep(Duration::from_millis(self.random.u64(PAUSES_MS)));
        }
    }

    /// Sends a callback to a random machine. Returns the machine if it acknowledges the callback.
    fn send(&mut self, number: u32) -> Option<usize> {
        let machine = self.random.usize(..self.ports.len());
        send(self.ports[machine], &self.stream, 1, number).then_some(machine)
    }
}

/// Sends a callback whose `event_type` is `kind`: 1 for the kind `push`, 0 for the kind
/// `interruption`. Returns true if the machine acknowledges the callback.
pub fn send(port: u16, stream: &str, kind: u8, number: u32) -> bool {
    let body = format!(
        "{{\"event_type\":{kind},\"app\":\"push.example.com\",\"appname\":\"live\",\
             \"stream_id\":\"{stream}\",\"channel_id\":\"c\",\"event_time\":1703731478,\
             \"sequence\":\"{number}\",\"node\":\"10.0.0.1\",\"user_ip\":\"10.0.0.2\",\
             \"stream_param\":\"\"}}"
    );
    let sent = http::send(port, "POST /callbacks/tencent", &body, REPLY);
    sent.is_ok_and(|(status, _)| status == 200)
}
