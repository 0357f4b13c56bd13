//! The app: takes each event, and keeps a receipt.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// An event that the app took.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Number of the machine that delivered the event.
    pub machine: usize,
    /// Stream and number that the client has put into the callback.
    pub stream: String,
    pub number: u32,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    pub at: Instant,
}

/// A running app.
pub struct App {
    pub port: u16,
    receipts: Arc<Mutex<Vec<Receipt>>>,
}

impl App {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let receipts = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&receipts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { port, receipts }
    }

    pub fn receipts(&self) -> Vec<Receipt> {
        self.receipts.lock().unwrap().clone()
    }
}

/// Answers the requests of a connection until it closes.
fn serve(mut stream: TcpStream, receipts: &Mutex<Vec<Receipt>>) -> Option<()> {
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
        let receipt = Receipt {
            machine,
            stream: text("stream_id")?,
            number: text("sequence")?.parse().ok()?,
            attempt: headers.get("gatepost-delivery")?.parse().ok()?,
            at,
        };
        receipts.lock().unwrap().push(receipt);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}
