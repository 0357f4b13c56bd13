//! Check that each server syncs each write.
//!
//! A NATS server does not report `sync_interval` to clients. Its monitor reports the setting over
//! HTTP, as `sync_always` in `/varz`.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::NatsError;

/// Time limit of a request to a monitor. A server may be down when gatepost starts.
const PATIENCE: Duration = Duration::from_secs(2);

/// Maximum size of the response, in bytes.
const MAX_RESPONSE: usize = 1024 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Returns an error for a server that does not sync each write, and for a malformed address of a
/// monitor. Logs a warning without a monitor, and for each monitor whose setting gatepost cannot
/// read.
pub(super) async fn check(monitors: &[String]) -> Result<(), NatsError> {
    if monitors.is_empty() {
        tracing::warn!(
            "expected `monitor`, which gatepost needs to check sync_interval: always of the NATS \
             servers, found none; add monitor to [store]"
        );
    }
    for monitor in monitors {
        let server: Uri = monitor.parse().map_err(|_| NatsError::Monitor(monitor.clone()))?;
        let Some(authority) = server.authority() else {
            return Err(NatsError::Monitor(monitor.clone()));
        };
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(8222));
        match timeout(PATIENCE, read(&address)).await {
            Ok(Ok(answer)) => check_answer(monitor, &answer)?,
            Ok(Err(error)) => tracing::warn!(
                "{monitor}: expected the server's sync_interval, found an error: {error}; check \
                 monitor"
            ),
            Err(_) => tracing::warn!(
                "{monitor}: expected the server's sync_interval, found no response in time; check \
                 monitor"
            ),
        }
    }
    Ok(())
}

async fn read(address: &str) -> Result<Value, BoxError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/varz").header("host", address).body(Empty::<Bytes>::new())?;
    let body = sender.send_request(request).await?.into_body();
    let body = Limited::new(body, MAX_RESPONSE).collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}

fn check_answer(monitor: &str, answer: &Value) -> Result<(), NatsError> {
    let config = &answer["jetstream"]["config"];
    if config["sync_always"] == true {
        return Ok(());
    }
    let found = match config["sync_interval"].as_u64() {
        Some(nanos) => format!("sync_interval: {:?}", Duration::from_nanos(nanos)),
        None => "no JetStream".to_owned(),
    };
    Err(NatsError::NotSynced { monitor: monitor.to_owned(), found })
}
