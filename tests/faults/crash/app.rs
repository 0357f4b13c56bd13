//! An app that records each event, and answers 500 to some events.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::clients::Event;
use super::points::{Point, Trigger};

/// An event that the app has read.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub event: Event,
    pub id: String,
    /// True if the app answers 500, so that gatepost sends the event again.
    pub is_refused: bool,
}

pub struct App {
    pub port: u16,
    receipts: Arc<Mutex<Vec<Receipt>>>,
}

impl App {
    pub fn start(trigger: Arc<Trigger>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let receipts = Arc::<Mutex<Vec<Receipt>>>::default();
        let noted = Arc::clone(&receipts);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("expected a connection, found an error");
                let (noted, trigger) = (Arc::clone(&noted), Arc::clone(&trigger));
                thread::spawn(move || serve(stream, &noted, &trigger));
            }
        });
        Self { port, receipts }
    }

    pub fn receipts(&self) -> Vec<Receipt> {
        self.receipts.lock().unwrap().clone()
    }
}

/// Serves a connection until gatepost closes it, or the test kills gatepost.
fn serve(stream: TcpStream, receipts: &Mutex<Vec<Receipt>>, trigger: &Trigger) {
    let mut stream = BufReader::new(stream);
    while let Ok(receipt) = read(&mut stream) {
        let is_refused = receipt.is_refused;
        receipts.lock().unwrap().push(receipt);
        trigger.reach(Point::EventRead);
        thread::sleep(Duration::from_micros(fastrand::u64(..3000)));
        let status = if is_refused { "500 Internal Server Error" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
        trigger.reach(Point::EventAnswered);
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Receipt> {
    let (mut line, mut length, mut id, mut subject) = (String::new(), 0, None, None);
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("ce-id", value)) => id = Some(value.to_owned()),
            Some(("ce-subject", value)) => subject = value.strip_prefix("live/").map(str::to_owned),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    let number = body.split_once("number=").expect("expected a number, found none").1;
    let number = number.split_once('"').unwrap().0.parse().unwrap();
    let event = (subject.expect("expected a subject, found none"), number);
    Ok(Receipt {
        event,
        id: id.expect("expected an id, found none"),
        is_refused: fastrand::u32(..30) == 0,
    })
}
