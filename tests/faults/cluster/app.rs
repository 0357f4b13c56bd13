//! An app that accepts every event, and records a receipt for each queued event.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

/// A queued event that the app has received.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Number of the machine that delivered the event.
    pub machine: usize,
    /// Stream of the callback, and the number of the callback in the stream.
    pub stream: String,
    pub number: u32,
    /// Value of the header `ce-id`.
    pub id: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    pub at: Instant,
}

/// Requests that the app has received.
#[derive(Debug, Default)]
struct Answered {
    receipts: Vec<Receipt>,
    /// Number of requests for each unqueued callback.
    unqueued: HashMap<u32, usize>,
}

/// The answer that the app holds back.
#[derive(Debug, Default)]
enum Hold {
    /// The app answers at once.
    #[default]
    Off,
    /// The app holds back its next answer to this machine.
    Next(usize),
    /// The app holds back the answer to this event: its stream and number.
    Held(String, u32),
}

/// State that the connections share.
#[derive(Debug, Default)]
struct Shared {
    answered: Mutex<Answered>,
    hold: Mutex<Hold>,
    released: Condvar,
}

/// A running app.
pub struct App {
    pub port: u16,
    shared: Arc<Shared>,
}

impl App {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let of_connections = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_connections);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    /// Holds back the next answer to a machine.
    pub fn hold(&self, machine: usize) {
        *self.shared.hold.lock().unwrap() = Hold::Next(machine);
    }

    /// Returns the event whose answer the app holds back: its stream and number.
    pub fn held(&self) -> Option<(String, u32)> {
        match &*self.shared.hold.lock().unwrap() {
            Hold::Held(stream, number) => Some((stream.clone(), *number)),
            Hold::Off | Hold::Next(_) => None,
        }
    }

    /// Sends the answer that the app holds back.
    pub fn release(&self) {
        *self.shared.hold.lock().unwrap() = Hold::Off;
        self.shared.released.notify_all();
    }

    pub fn receipts(&self) -> Vec<Receipt> {
        self.shared.answered.lock().unwrap().receipts.clone()
    }

    /// Returns the number of requests for an unqueued callback.
    pub fn unqueued(&self, number: u32) -> usize {
        self.shared.answered.lock().unwrap().unqueued.get(&number).copied().unwrap_or_default()
    }
}

impl Shared {
    /// Waits for [`App::release`] if the app holds back its next answer to the machine.
    fn wait_while_held(&self, machine: usize, (stream, number): (String, u32)) {
        let mut hold = self.hold.lock().unwrap();
        if !matches!(&*hold, Hold::Next(held) if *held == machine) {
            return;
        }
        *hold = Hold::Held(stream, number);
        while matches!(&*hold, Hold::Held(..)) {
            hold = self.released.wait(hold).unwrap();
        }
    }
}

/// Answers the requests on a connection until the connection closes.
fn serve(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let at = Instant::now();
        let machine = line.split('/').nth(1)?.parse().ok()?;
        let mut headers = HashMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        let text = |name: &str| {
            let start = body.split_once(&format!("\"{name}\":\""))?.1;
            start.split_once('"').map(|(text, _)| text.to_owned())
        };
        let number = text("sequence")?.parse().ok()?;
        if let Some(attempt) = headers.get("gatepost-delivery") {
            let (stream, id) = (text("stream_id")?, headers.get("ce-id")?.clone());
            let attempt = attempt.parse().ok()?;
            let event = (stream.clone(), number);
            let receipt = Receipt { machine, stream, number, id, attempt, at };
            shared.answered.lock().unwrap().receipts.push(receipt);
            shared.wait_while_held(machine, event);
        } else {
            *shared.answered.lock().unwrap().unqueued.entry(number).or_default() += 1;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}
