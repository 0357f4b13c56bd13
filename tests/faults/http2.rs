//! The load over HTTP/2: each connection carries several requests at the same time.

use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use h2::Reason;
use h2::client::{ResponseFuture, SendRequest};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::load::{Load, Reply, Request, Tally, connect_from};
use super::tls::NAME;

/// Number of requests that a connection carries at the same time.
const STREAMS: usize = 4;

type Failure = Box<dyn Error + Send + Sync>;

/// Sends requests until the duration of the load is over. The load must have TLS settings.
pub fn run(load: &Load<'_>) -> Tally {
    let config = Arc::new(over_http2(load));
    let until = Instant::now() + load.duration;
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let send = || {
            let config = TlsConnector::from(Arc::clone(&config));
            scope.spawn(move || on_runtime(Sender { load, config }.send_until(until)))
        };
        let senders: Vec<_> = (0..load.connections).map(|_| send()).collect();
        for sender in senders {
            tally.add(sender.join().unwrap());
        }
    });
    tally
}

fn over_http2(load: &Load<'_>) -> ClientConfig {
    let config = load.tls.as_deref().expect("expected TLS settings, found none");
    let mut config = config.clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

fn on_runtime(send: impl Future<Output = Tally>) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(send)
}

struct Sender<'a> {
    load: &'a Load<'a>,
    config: TlsConnector,
}

impl Sender<'_> {
    async fn send_until(&self, until: Instant) -> Tally {
        let mut tally = Tally::default();
        let mut connection = None;
        while Instant::now() < until {
            let requests: [_; STREAMS] =
                std::array::from_fn(|_| Request::next(self.load.acts, self.load.kinds));
            let mut waiting: Vec<_> =
                requests.into_iter().map(|request| (request, Instant::now())).collect();
            while !waiting.is_empty() {
                waiting = self.exchange(&mut connection, waiting, &mut tally).await;
            }
        }
        tally
    }

    /// Sends requests on `connection`, and counts the replies and the lost requests. Returns the
    /// requests that gatepost has not processed. The caller sends these requests again (RFC 9113,
    /// section 8.7).
    async fn exchange(
        &self,
        connection: &mut Option<SendRequest<Bytes>>,
        requests: Vec<(Request, Instant)>,
        tally: &mut Tally,
    ) -> Vec<(Request, Instant)> {
        let mut responses = Vec::new();
        let mut unprocessed = Vec::new();
        for (request, started) in requests {
            match self.send(connection, &request).await {
                Ok(response) => responses.push((request, started, response)),
                Err(error) => {
                    tally.sent += 1;
                    tally.lose(format!("HTTP/2: expected a connection, found an error: {error}"));
                }
            }
        }
        for (request, started, response) in responses {
            match timeout(self.load.patience, read(response)).await {
                Ok(Ok(reply)) => {
                    tally.sent += 1;
                    self.load.count(tally, &request, &reply, started.elapsed());
                }
                Ok(Err(error)) if is_unprocessed(&error) => {
                    *connection = None;
                    unprocessed.push((request, started));
                }
                Ok(Err(error)) => {
                    *connection = None;
                    tally.sent += 1;
                    tally.lose(format!("HTTP/2: expected a reply, found an error: {error}"));
                }
                Err(_) => {
                    tally.sent += 1;
                    tally.lose(format!(
                        "HTTP/2: expected a reply within {:?}, found none",
                        self.load.patience
                    ));
                }
            }
        }
        unprocessed
    }

    /// Sends a request. If `connection` is `None` or no longer accepts requests, opens a new
    /// connection.
    async fn send(
        &self,
        connection: &mut Option<SendRequest<Bytes>>,
        request: &Request,
    ) -> Result<ResponseFuture, Failure> {
        let ready = match connection.take() {
            Some(client) => client.ready().await.ok(),
            None => None,
        };
        let mut client = match ready {
            Some(client) => client,
            None => self.connect().await?.ready().await?,
        };
        let uri = format!("https://x{}", request.path);
        let head = http::Request::builder().method(request.method()).uri(uri);
        let (response, mut body) = client.send_request(head.body(())?, request.body.is_none())?;
        if let Some(bytes) = &request.body {
            // If gatepost has reset the stream, `response` returns the error.
            let _reset = body.send_data(Bytes::copy_from_slice(bytes.as_bytes()), true);
        }
        *connection = Some(client);
        Ok(response)
    }

    async fn connect(&self) -> Result<SendRequest<Bytes>, Failure> {
        let socket = connect_from(self.load.source, self.load.port)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let socket = TcpStream::from_std(socket)?;
        let stream = self.config.connect(NAME.try_into()?, socket).await?;
        let (client, connection) = h2::client::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

async fn read(response: ResponseFuture) -> Result<Reply, Failure> {
    let (head, mut stream) = response.await?.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        stream.flow_control().release_capacity(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status: head.status.as_u16(), body: String::from_utf8(body)? })
}

/// Returns true if gatepost has not processed the request. In this case, gatepost resets the stream
/// with `REFUSED_STREAM`, or sends a `GOAWAY` with `NO_ERROR`.
fn is_unprocessed(error: &Failure) -> bool {
    error.downcast_ref::<h2::Error>().is_some_and(|error| {
        error.reason() == Some(Reason::REFUSED_STREAM)
            || error.is_go_away() && error.is_remote() && error.reason() == Some(Reason::NO_ERROR)
    })
}
