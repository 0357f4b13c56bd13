//! Tests that send every vector over a socket to a Pingora proxy with a [`GateModule`].

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gatepost::{Gate, Timestamp};
use gatepost_proxy::GateModule;
use pingora::prelude::*;

use crate::support::{Act, App, Client, Response, connect, free_port};
use crate::vectors::{self, Outcome, Seen, Vector};

static NOW: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_secs(NOW.load(Ordering::SeqCst))
}

struct OwnProxy(GateModule);

#[async_trait]
impl ProxyHttp for OwnProxy {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        self.0.request_filter(session).await
    }

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Err(Error::explain(ErrorType::ConnectNoRoute, "expected a callback, found another request"))
    }
}

fn serve(app: &App) -> u16 {
    serve_by(app, clock)
}

/// Serves a [`GateModule`] for the vectors. Each concurrent test needs its own `clock`.
pub fn serve_by(app: &App, clock: fn() -> Timestamp) -> u16 {
    serve_gate(vectors::gate(&app.url("")), clock)
}

/// Serves a gate with `clock`.
pub fn serve_gate(gate: Gate, clock: fn() -> Timestamp) -> u16 {
    let gate = GateModule::new(gate).with_clock(clock);
    let port = free_port();
    std::thread::spawn(move || {
        let mut server = Server::new(None).unwrap();
        server.bootstrap();
        let mut proxy = http_proxy_service(&server.configuration, OwnProxy(gate));
        proxy.add_tcp(&format!("127.0.0.1:{port}"));
        server.add_service(proxy);
        server.run(pingora::server::RunArgs::default());
    });
    port
}

/// Formats the first line and the headers of the vector's request, without the framing headers.
fn head(vector: &Vector) -> String {
    let request = &vector.case.request;
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    // Some platforms sign the host.
    if !request.headers.keys().any(|name| name.eq_ignore_ascii_case("host")) {
        head += "host: gate.test\r\n";
    }
    for (name, value) in request.all_headers() {
        head += &format!("{name}: {value}\r\n");
    }
    head
}

/// Formats the vector's request with this body.
pub fn bytes_with(vector: &Vector, body: &[u8]) -> Vec<u8> {
    let head = head(vector) + &format!("content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn bytes(vector: &Vector) -> Vec<u8> {
    bytes_with(vector, &vector.body)
}

/// Formats the vector's request as a head and chunks of `size` bytes.
fn pieces(vector: &Vector, size: usize) -> Vec<Vec<u8>> {
    let mut pieces = vec![(head(vector) + "transfer-encoding: chunked\r\n\r\n").into_bytes()];
    for chunk in vector.body.chunks(size) {
        pieces.push([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    pieces.push(b"0\r\n\r\n".to_vec());
    pieces
}

/// Sends each vector with `send`, and checks the outcome.
fn check_all(
    port: u16,
    app: &App,
    answer: &Mutex<(u16, &'static str)>,
    vectors: impl IntoIterator<Item = Vector>,
    now: &AtomicI64,
    send: impl Fn(&Vector, &mut Client) -> Response,
) {
    for vector in vectors {
        vector.check_signature();
        now.store(vector.case.now, Ordering::SeqCst);
        let own = vector.app();
        *answer.lock().unwrap() = (own.status, own.body.leak());
        let before = app.seen().len();
        let reply = send(&vector, &mut Client::new(connect(port)));
        let seen = app.seen().into_iter().nth(before).map(|seen| {
            let mut line = seen.line.split(' ').map(str::to_owned);
            Seen {
                method: line.next().unwrap(),
                path: line.next().unwrap(),
                headers: seen.headers,
                body: seen.body,
            }
        });
        vector.check(&Outcome {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
            seen,
        });
    }
}

/// Starts an app that gives the answer in the returned mutex.
fn answering_app() -> (App, Arc<Mutex<(u16, &'static str)>>) {
    let answer: Arc<Mutex<(u16, &'static str)>> = Arc::default();
    let next = Arc::clone(&answer);
    let app = App::start(move |_| {
        let (status, body) = *next.lock().unwrap();
        Act::Answer(status, body)
    });
    (app, answer)
}

#[test]
fn every_vector_has_expected_outcome_through_proxy() {
    let (app, answer) = answering_app();
    let port = serve(&app);
    let send = |vector: &Vector, client: &mut Client| client.send(&bytes(vector));
    check_all(port, &app, &answer, vectors::all(), &NOW, send);
}

#[test]
fn chunking_does_not_change_verdict() {
    static NOW: AtomicI64 = AtomicI64::new(0);
    fn clock() -> Timestamp {
        Timestamp::from_secs(NOW.load(Ordering::SeqCst))
    }
    let (app, answer) = answering_app();
    let port = serve_by(&app, clock);
    // Send every eleventh vector, each in chunks of one of four sizes. Skip large bodies: if
    // gatepost refuses the head, it does not read the body, and the write of the body may fail.
    let some = vectors::all().into_iter().step_by(11);
    let some = some.filter(|vector| vector.body.len() < 4096);
    let next = AtomicUsize::new(0);
    check_all(port, &app, &answer, some, &NOW, |vector, client| {
        let size = [7, 64, 300, 4000][next.fetch_add(1, Ordering::SeqCst) % 4];
        for piece in pieces(vector, size) {
            client.write(&piece);
        }
        client.read()
    });
}
