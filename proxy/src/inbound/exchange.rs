//! The exchange of a request and its reply on a connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Accepted, ClientActivity, Conclusion, Disconnected, Head, Reply};

use super::connections::Connection;
use super::host_upstream::HostUpstream;

/// Maximum number of unread body bytes that gatepost reads and drops after a refusal.
///
/// Closing a socket with unread bytes resets the connection, and the client can lose the reply. If
/// gatepost reads the bytes, the connection can also carry the next request.
pub(crate) const DRAIN_BYTES: usize = 256 * 1024;
/// Time limit for reading and dropping unread bytes.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A request whose head gatepost has read, and the connection of the request.
pub(crate) trait Exchange: Send {
    fn head(&self) -> Head<'_>;

    /// Returns true if the connection uses TLS.
    fn is_encrypted(&self) -> bool;

    /// Sends `100 Continue` if the client expects it.
    fn send_continue(&mut self) -> impl Future<Output = Result<(), Disconnected>> + Send {
        async { Ok(()) }
    }

    /// Reads the next chunk of the body; `None` after the last chunk.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Disconnected>> + Send;

    /// Reads and drops the rest of the body, up to [`DRAIN_BYTES`].
    fn drain(&mut self) -> impl Future<Output = ()> + Send {
        async {
            let mut left = DRAIN_BYTES;
            while let Ok(Some(chunk)) = self.next_chunk().await {
                let Some(rest) = left.checked_sub(chunk.len()) else { return };
                left = rest;
            }
        }
    }

    /// Returns the memory of the request without its body, in bytes.
    fn head_bytes(&self) -> usize;

    /// Returns the state of the connection, or of the HTTP/2 stream.
    fn connection(&self) -> Option<Arc<Connection>>;

    /// Waits until the client sends bytes or disconnects. The caller must have read the whole body.
    fn client_activity(&mut self) -> impl Future<Output = ClientActivity> + Send;

    /// Writes a reply after gatepost has read the body. Ignores a client that has disconnected.
    fn write(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Writes a reply even if gatepost has not read the whole body.
    fn write_unread(&mut self, reply: &Reply) -> impl Future<Output = ()> + Send;

    /// Closes the connection after this request.
    fn close(&mut self);

    /// Returns the upstream of the host proxy; `None` if gatepost itself is the proxy.
    fn host_upstream(&mut self) -> Option<HostUpstream> {
        None
    }

    /// Receives an accepted callback and its conclusion, after the reply.
    fn concluded(&mut self, _accepted: &Accepted, _conclusion: &Conclusion) {}
}

/// Returns the URL scheme of a connection.
pub(crate) const fn scheme(is_encrypted: bool) -> &'static str {
    if is_encrypted { "https" } else { "http" }
}
