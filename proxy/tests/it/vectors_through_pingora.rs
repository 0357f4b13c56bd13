//! Every vector, through a Pingora proxy with a [`GateModule`], over sockets.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use gatepost::Timestamp;
use gatepost_proxy::GateModule;
use pingora::prelude::*;

use crate::support::{Act, App, Client, connect, free_port};
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
        Err(Error::explain(ErrorType::ConnectNoRoute, "every vector is a callback"))
    }
}

fn serve(app: &App) -> u16 {
    let gate = GateModule::new(vectors::gate(&app.url(""))).with_clock(clock);
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

fn bytes(vector: &Vector) -> Vec<u8> {
    let request = &vector.case.request;
    let mut head = format!("{} {} HTTP/1.1\r\nhost: gate.test\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", vector.body.len());
    [head.as_bytes(), &vector.body].concat()
}

#[test]
fn every_vector_passes_the_proxy() {
    let said: std::sync::Arc<std::sync::Mutex<(u16, &'static str)>> = std::sync::Arc::default();
    let next = std::sync::Arc::clone(&said);
    let app = App::start(move |_| {
        let (status, body) = *next.lock().unwrap();
        Act::Answer(status, body)
    });
    let port = serve(&app);
    for vector in vectors::all() {
        vector.check_signature();
        NOW.store(vector.case.now, Ordering::SeqCst);
        let saying = vector.app();
        *said.lock().unwrap() = (saying.status, saying.body.leak());
        let before = app.seen().len();
        let reply = Client::new(connect(port)).send(&bytes(&vector));
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
