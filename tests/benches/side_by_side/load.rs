//! The load: one thread that sends requests on keep-alive connections and checks every reply. Each
//! request contains a unique number.
//!
//! The load sends requests as fast as replies arrive, or on a schedule. The latency of a scheduled
//! request counts from the scheduled time. It therefore includes the delay that an earlier stall
//! causes.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConfig;

use super::outcome::Outcome;
use super::pace::{Pace, TIMER, Timer};
use super::template::{DIGITS, Template};
use super::transport::Transport;
use super::wire;

/// Maximum number of concurrent requests at each pace except [`Pace::Scheduled`].
pub(super) const IN_FLIGHT: usize = 32;

/// Maximum time to wait for the next I/O event or tick of the timer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Number of the next request. No two requests have the same number.
static NEXT: AtomicU64 = AtomicU64::new(2_210_000_000_000_000_000);

/// Keep-alive connections to one server.
#[derive(Debug)]
pub(super) struct Session {
    poll: Poll,
    server: SocketAddr,
    /// TLS settings, or `None` for plain connections.
    tls: Option<Arc<ClientConfig>>,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: Transport,
    number: u64,
    /// Number of sent bytes of the request.
    sent: usize,
    awaits: bool,
    since: Instant,
    /// Received bytes of an incomplete reply.
    received: Vec<u8>,
}

impl Session {
    /// Opens plain connections to the server on a local port.
    ///
    /// # Errors
    /// Returns an error if a connection fails.
    pub(super) fn open(port: u16, connections: usize) -> io::Result<Self> {
        Self::open_with(None, port, connections)
    }

    /// Opens connections to the server on a local port. With `tls`, the connections use TLS.
    ///
    /// # Errors
    /// Returns an error if a connection fails.
    pub(super) fn open_with(
        tls: Option<Arc<ClientConfig>>,
        port: u16,
        connections: usize,
    ) -> io::Result<Self> {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let poll = Poll::new()?;
        let connections = (0..connections)
            .map(|at| Connection::open(server, tls.as_ref(), &poll, Token(at)))
            .collect::<io::Result<_>>()?;
        Ok(Self { poll, server, tls, connections })
    }

    /// Sends requests at this pace, and waits for the last reply.
    ///
    /// # Errors
    /// Returns an error if a connection ends before a complete reply. Also returns an error after
    /// [`PATIENCE`] without an I/O event or tick.
    pub(super) fn run(
        &mut self,
        template: &Template,
        pace: Pace,
    ) -> Result<Outcome, Box<dyn Error>> {
        let timer = match pace {
            Pace::Scheduled { rate, .. } => Some(Timer::start(rate, &self.poll)?),
            Pace::Once | Pace::Saturating { .. } => None,
        };
        let mut run = Run {
            idle: (0..self.connections.len()).collect(),
            session: self,
            template: template.clone(),
            pace,
            started: Instant::now(),
            issued: 0,
            due: 0,
            awaited: 0,
            timer,
            scratch: vec![0; 1 << 16],
            outcome: Outcome::new()?,
        };
        run.send_all()?;
        run.outcome.elapsed = run.started.elapsed();
        Ok(run.outcome)
    }
}

impl Connection {
    fn open(
        server: SocketAddr,
        tls: Option<&Arc<ClientConfig>>,
        poll: &Poll,
        token: Token,
    ) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream: Transport::new(stream, tls)?,
            number: 0,
            sent: 0,
            awaits: false,
            since: Instant::now(),
            received: Vec::new(),
        })
    }

    fn flush(&mut self, template: &mut Template) -> io::Result<()> {
        if self.sent < template.number_at + DIGITS {
            template.write_number(self.number);
        }
        while let Some(rest) = template.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.stream.flush()
    }
}

struct Run<'a> {
    session: &'a mut Session,
    template: Template,
    pace: Pace,
    started: Instant,
    /// Number of requests that the load has sent.
    issued: u64,
    /// Number of requests that the schedule requires up to now.
    due: u64,
    awaited: usize,
    idle: VecDeque<usize>,
    timer: Option<Timer>,
    scratch: Vec<u8>,
    outcome: Outcome,
}

impl Run<'_> {
    fn send_all(&mut self) -> Result<(), Box<dyn Error>> {
        let mut events = Events::with_capacity(1024);
        self.started = Instant::now();
        self.send_on_idle()?;
        while !self.is_over() {
            self.pace.wait().poll(&mut self.session.poll, &mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(format!("expected {} more replies, found none", self.awaited).into());
            }
            for event in &events {
                if event.token() == TIMER {
                    self.due += self.timer.as_ref().map_or(0, Timer::ticks);
                    self.send_on_idle()?;
                    continue;
                }
                let at = event.token().0;
                if event.is_writable() {
                    self.flush(at)?;
                }
                if event.is_readable() {
                    // A closed connection is also readable.
                    while self.receive(at)? && event.is_read_closed() {}
                }
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let sent = match self.pace {
            Pace::Once => true,
            Pace::Saturating { time } => self.started.elapsed() >= time,
            Pace::Scheduled { .. } => self.issued >= self.planned(),
        };
        sent && self.awaited == 0
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    fn planned(&self) -> u64 {
        match self.pace {
            Pace::Once => self.session.connections.len() as u64,
            Pace::Saturating { .. } => u64::MAX,
            Pace::Scheduled { rate, time } => (rate * time.as_secs_f64()) as u64,
        }
    }

    /// Returns the time from which the latency of the next request counts, or `None` if no request
    /// is due.
    fn next(&self, now: Instant) -> Option<Instant> {
        let is_due = match self.pace {
            Pace::Once => self.issued < self.planned(),
            Pace::Saturating { time } => now - self.started < time,
            Pace::Scheduled { .. } => self.issued < self.due.min(self.planned()),
        };
        is_due.then(|| self.pace.moment(self.issued, self.started, now))
    }

    /// Sends the due requests, one on each idle connection.
    fn send_on_idle(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let most = match self.pace {
            Pace::Once | Pace::Saturating { .. } => IN_FLIGHT,
            Pace::Scheduled { .. } => usize::MAX,
        };
        while self.awaited < most
            && let Some(at) = self.idle.front().copied()
        {
            let Some(since) = self.next(now) else { break };
            self.idle.pop_front();
            self.send(at, since)?;
        }
        Ok(())
    }

    fn send(&mut self, at: usize, since: Instant) -> io::Result<()> {
        let Some(connection) = self.session.connections.get_mut(at) else { return Ok(()) };
        connection.number = NEXT.fetch_add(1, Ordering::Relaxed);
        connection.sent = 0;
        connection.awaits = true;
        connection.since = since;
        self.issued += 1;
        self.awaited += 1;
        connection.flush(&mut self.template)
    }

    fn flush(&mut self, at: usize) -> io::Result<()> {
        let connection = self.session.connections.get_mut(at);
        match connection.filter(|connection| connection.awaits) {
            Some(connection) => connection.flush(&mut self.template),
            None => Ok(()),
        }
    }

    /// Reads available bytes. Returns true if the socket may have more bytes.
    fn receive(&mut self, at: usize) -> Result<bool, Box<dyn Error>> {
        let Some(connection) = self.session.connections.get_mut(at) else { return Ok(false) };
        let length = match connection.stream.read(&mut self.scratch) {
            Ok(0) if connection.awaits => {
                return Err("expected a reply, found a closed connection".into());
            }
            Ok(0) => return self.reconnect(at).map(|()| false),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let fresh = self.scratch.get(..length).unwrap_or_default();
        let whole = if connection.received.is_empty() {
            wire::parse_reply(fresh)?
        } else {
            connection.received.extend_from_slice(fresh);
            wire::parse_reply(&connection.received)?
        };
        let Some(reply) = whole else {
            if connection.received.is_empty() {
                connection.received.extend_from_slice(fresh);
            }
            return Ok(true);
        };
        let (fault, status, closes) = (self.template.fault(&reply), reply.status, reply.closes);
        connection.received.clear();
        if let Some(complaint) = fault {
            self.outcome.add_fault(status, complaint);
        }
        self.conclude(at)?;
        if closes {
            self.reconnect(at)?;
        }
        self.idle.push_back(at);
        self.send_on_idle()?;
        Ok(!closes)
    }

    fn conclude(&mut self, at: usize) -> Result<(), Box<dyn Error>> {
        let Some(connection) = self.session.connections.get_mut(at) else { return Ok(()) };
        connection.awaits = false;
        self.awaited -= 1;
        self.outcome.replies += 1;
        let took = connection.since.elapsed().as_nanos();
        self.outcome.latency.record(u64::try_from(took)?)?;
        Ok(())
    }

    fn reconnect(&mut self, at: usize) -> Result<(), Box<dyn Error>> {
        self.outcome.reconnects += 1;
        let Session { poll, server, tls, .. } = &*self.session;
        let fresh = Connection::open(*server, tls.as_ref(), poll, Token(at))?;
        if let Some(connection) = self.session.connections.get_mut(at) {
            *connection = fresh;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{Shutdown, TcpListener};
    use std::thread;

    use super::*;

    const BODY: &str = "{\"sequence\":\"0000000000000000000\"}";

    fn template() -> Template {
        Template::new("/x", BODY, "application/json").unwrap().expecting(200, Some("good"))
    }

    /// Serves one connection with these replies in turn, and closes the connection after [`CUT`].
    /// Returns the port, and the thread, which returns the connection and the received bodies.
    fn server(
        replies: &'static [&'static str],
    ) -> (u16, thread::JoinHandle<(std::net::TcpStream, Vec<String>)>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bodies = Vec::new();
            for reply in replies {
                let mut request = vec![0; template().len()];
                stream.read_exact(&mut request).unwrap();
                let at = request.len() - BODY.len();
                bodies.push(String::from_utf8(request.split_off(at)).unwrap());
                stream.write_all(reply.as_bytes()).unwrap();
            }
            if replies == [CUT] {
                stream.shutdown(Shutdown::Both).unwrap();
            }
            (stream, bodies)
        };
        (port, thread::spawn(serve))
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
    const BAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
    const CUT: &str = "HTTP/1.1 200";
    const LATE: &str = "HTTP/1.1 504 Late\r\ncontent-length: 0\r\n\r\n";
    const UNWANTED: &str = "HTTP/1.1 401 No\r\ncontent-length: 4\r\n\r\ngood";

    #[test]
    fn each_request_has_its_own_number() {
        let (port, server) = server(&[GOOD, GOOD, GOOD]);
        let mut session = Session::open(port, 1).unwrap();
        for _ in 0..3 {
            session.run(&template(), Pace::Once).unwrap();
        }
        let (_open, bodies) = server.join().unwrap();
        assert!(bodies.iter().all(|body| body.len() == BODY.len() && body != BODY));
        assert_eq!(bodies.iter().collect::<BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn counts_unexpected_body_or_status_as_wrong() {
        let (port, server) = server(&[GOOD, BAD, UNWANTED]);
        let mut session = Session::open(port, 1).unwrap();
        let wrong = [0, 1, 1].map(|wrong| {
            let outcome = session.run(&template(), Pace::Once).unwrap();
            assert_eq!(outcome.check().is_err(), wrong == 1);
            outcome.wrong.count == wrong
        });
        assert_eq!(wrong, [true; 3]);
        server.join().unwrap();
    }

    #[test]
    fn counts_503_and_504_as_stalls_unless_expected() {
        let (port, server) = server(&[BUSY, LATE, BUSY]);
        let mut session = Session::open(port, 1).unwrap();
        for _ in 0..2 {
            let outcome = session.run(&template(), Pace::Once).unwrap();
            assert_eq!((outcome.stalled.count, outcome.wrong.count), (1, 0));
        }
        let outcome = session.run(&template().expecting(503, Some("")), Pace::Once).unwrap();
        outcome.check().unwrap();
        server.join().unwrap();
    }

    #[test]
    fn fails_if_connection_closes_before_complete_reply() {
        let (port, server) = server(&[CUT]);
        let mut session = Session::open(port, 1).unwrap();
        session.run(&template(), Pace::Once).unwrap_err();
        server.join().unwrap();
    }
}
