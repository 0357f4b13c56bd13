//! Probes of servers that are down.
//!
//! A server of a list is down after a failed connection or several failures in a row. gatepost then
//! waits [`PROBE_INTERVAL`] before each probe of the server. After the first probe that succeeds,
//! gatepost uses the server again. gatepost does not probe servers that are up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Server, report};
use http::Request;
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::connect::BoxError;
use super::connection::HostHeader;
use super::connection_pool::ReadyConnection;
use crate::clock;

const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Time limit of a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Logs that a server is down, and probes the server until it is up.
pub(crate) fn probe_until_up(server: &Arc<Server>) {
    let message = format_args!("{server} is down; gatepost probes it and uses the other addresses");
    report::warned("server_down", &message, None, clock::now());
    let server = Arc::clone(server);
    // If there is no runtime, gatepost is stopping, and needs no probe.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(probes(server));
    }
}

async fn probes(server: Arc<Server>) {
    // If no config refers to the server any more, as after a reload, end the probes.
    while Arc::strong_count(&server) > 1 {
        sleep(PROBE_INTERVAL).await;
        let probed = timeout(PROBE_TIMEOUT, probe(&server)).await;
        if server.is_up() || probed.is_ok_and(|probed| probed.is_ok()) {
            server.answered();
            tracing::info!(%server, "the server is up again");
            return;
        }
    }
}

/// Connects to a server. If the server has a `health_path`, also sends a request, and expects a
/// status below 400.
async fn probe(server: &Arc<Server>) -> Result<(), BoxError> {
    let connection = ReadyConnection::new(server).await?;
    let Some(path) = server.health_path() else { return Ok(()) };
    let request = Request::new(Full::<Bytes>::default());
    let (head, _) = connection.send(Some(path), request, HostHeader::OfAddress).await?;
    let status = head.status;
    if status.is_success() || status.is_redirection() {
        return Ok(());
    }
    Err(format!("expected a status below 400, found {status}; check the server").into())
}
