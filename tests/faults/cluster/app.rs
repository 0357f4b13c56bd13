//! An app that accepts every event, and records a receipt for each.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// A queued event that the app accepted.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Number of the machine that delivered the event.
    pub machine: usize,
    /// Stream of the callback, and its number in the stream.
    pub stream: String,
    pub number: u32,
    /// Value of the header `ce-id`.
    pub id: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    pub at: Instant,
}

/// Requests that the app answered.
#[derive(Debug, Default)]
struct Answered {
    receipts: Vec<Receipt>,
    /// Number of requests for each callback that is not queued.
    unqueued: HashMap<u32, usize>,
}

/// A running app.
pub struct App {
    pub port: u16,
    answered: Arc<Mutex<Answered>>,
}

impl App {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answered = Arc::<Mutex<Answered>>::default();
        let shared = Arc::clone(&answered);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answered = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &answered));
            }
        });
        Self { port, answered }
    }

    pub fn receipts(&self) -> Vec<Receipt> {
        self.answered.lock().unwrap().receipts.clone()
    }

    /// Returns the number of requests for a callback that is not queued.
    pub fn unqueued(&self, number: u32) -> usize {
        self.answered.lock().unwrap().unqueued.get(&number).copied().unwrap_or_default()
    }
}

/// Answers the requests of a connection until it closes.
fn serve(mut stream: TcpStream, answered: &Mutex<Answered>) -> Option<()> {
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
            let receipt = Receipt { machine, stream, number, id, attempt, at };
            answered.lock().unwrap().receipts.push(receipt);
        } else {
            *answered.lock().unwrap().unqueued.entry(number).or_default() += 1;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}
