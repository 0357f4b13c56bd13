//! Bounds on a request whose next bytes have not arrived.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost::report;
use tokio::time::{Instant, sleep_until};

use super::connections::{Connection, ConnectionState};
use super::unjudged::HeldBytes;
use crate::telemetry::metrics::{CloseCode, METRICS};

/// Time that a head or a body may take in addition to its time at [`LEAST_RATE`].
const GRACE: Duration = Duration::from_secs(5);

/// Minimum rate of a head or a body, in bytes per second.
const LEAST_RATE: usize = 1024;

/// Reason why gatepost closes a connection, or an unfinished request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Bound {
    #[error("expected at most `max_connections` connections, found more; check the clients")]
    Connections,
    #[error("expected at least 1 KiB per second, found less; check the client and its network")]
    LeastRate,
    #[error(
        "expected at most `max_unjudged_bytes`, or an eighth of it for one client, found more; raise \
         this key if the requests are genuine"
    )]
    UnjudgedBytes,
}

impl Bound {
    const fn code(self) -> CloseCode {
        match self {
            Self::Connections => CloseCode::TooManyConnections,
            Self::LeastRate => CloseCode::RequestTooSlow,
            Self::UnjudgedBytes => CloseCode::TooManyUnjudgedBytes,
        }
    }

    /// Counts and logs the end of a connection or request.
    pub(crate) fn report(self, from: Option<IpAddr>) {
        METRICS.requests.closed(self.code());
        report::closed(self.code().as_str(), &self, from, crate::clock::now());
    }
}

/// A head or a body that is incomplete.
pub(crate) struct Unfinished {
    held: HeldBytes,
    since: Instant,
    connection: Option<Arc<Connection>>,
}

impl Unfinished {
    /// Begins to wait for the next bytes of a request.
    pub(crate) fn start(held: HeldBytes, connection: Option<Arc<Connection>>) -> Self {
        if let Some(connection) = &connection {
            connection.set(ConnectionState::Unfinished);
        }
        Self { held, since: Instant::now(), connection }
    }

    /// Returns true after the signal to close the request.
    pub(crate) fn is_closed(&self) -> bool {
        self.held.is_closed()
    }

    /// Sets the memory of the request, in bytes.
    pub(crate) fn set(&self, bytes: usize) {
        self.held.set(bytes);
    }

    /// Waits for the next bytes of a request of which `received` bytes have arrived.
    pub(crate) async fn wait<T>(
        &self,
        received: usize,
        read: impl Future<Output = T>,
    ) -> Result<T, Bound> {
        let seconds = u64::try_from(received / LEAST_RATE).unwrap_or(u64::MAX);
        tokio::select! {
            biased; // A client whose bytes are always ready must not delay the signal to close.
            () = self.held.closed() => Err(Bound::UnjudgedBytes),
            read = read => Ok(read),
            () = sleep_until(self.since + GRACE + Duration::from_secs(seconds)) => {
                Err(Bound::LeastRate)
            }
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.work();
        }
    }
}
