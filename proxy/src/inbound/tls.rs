//! Connections to `listen_tls`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gatepost::{ProxySettings, Reply, report};
use pingora::protocols::Stream;

use super::connections::{ConnectionState, OpenConnection};
use super::http1::ClientConnection;
use super::proxy_protocol;
use crate::clock;
use crate::telemetry::metrics::METRICS;
use crate::tls::{HandshakeError, ServedTls};

/// Addresses of `listen` and `listen_tls`, and the certificates.
pub(super) struct TlsListeners {
    served: Arc<ServedTls>,
    plain: Vec<SocketAddr>,
    encrypted: Vec<SocketAddr>,
}

impl TlsListeners {
    /// Returns the listeners of a config; `None` if no address has TLS.
    pub(super) fn of(settings: &ProxySettings, served: &Arc<ServedTls>) -> Option<Self> {
        let (plain, encrypted) = (settings.listen.clone(), settings.listen_tls.clone());
        (!encrypted.is_empty()).then(|| Self { served: Arc::clone(served), plain, encrypted })
    }

    /// Returns true if the client has connected to an address with TLS. Reads the local address
    /// only if there are also addresses without TLS.
    pub(super) fn has_accepted(&self, stream: &Stream) -> bool {
        if self.plain.is_empty() {
            return true;
        }
        let digest = stream.get_socket_digest();
        let local = digest.as_ref().and_then(|digest| digest.local_addr()?.as_inet());
        local.is_some_and(|local| self.is_encrypted(*local))
    }

    fn is_encrypted(&self, local: SocketAddr) -> bool {
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        let is_exact = |listener: &SocketAddr| {
            listener.ip().to_canonical() == local.ip() && listener.port() == local.port()
        };
        let is_any = |listener: &SocketAddr| {
            listener.ip().is_unspecified() && listener.port() == local.port()
        };
        self.encrypted.iter().any(is_exact)
            || (!self.plain.iter().any(is_exact) && self.encrypted.iter().any(is_any))
    }

    /// Performs the handshake. During the handshake, the connection counts as unfinished: beyond
    /// `max_connections`, gatepost closes it rather than a connection with a callback. Returns
    /// `None` if the handshake fails.
    pub(super) async fn shake_hands(
        &self,
        stream: Stream,
        open: &OpenConnection,
    ) -> Option<Stream> {
        open.connection().set(ConnectionState::Unfinished);
        let peer = proxy_protocol::peer(&stream).map(|peer| peer.ip());
        let shaken = finish(self.served.accept_callbacks(stream), peer).await;
        open.connection().set(ConnectionState::Idle);
        shaken
    }
}

/// Waits for a handshake. Counts and logs a failure that has a code, and replies to plain HTTP.
pub(crate) async fn finish(
    handshake: impl Future<Output = Result<Stream, HandshakeError>>,
    peer: Option<IpAddr>,
) -> Option<Stream> {
    let error = match handshake.await {
        Ok(stream) => return Some(stream),
        Err(error) => error,
    };
    if let Some(code) = error.code() {
        METRICS.requests.closed(code);
        report::closed(code.as_str(), &error, peer, clock::now());
    }
    if let HandshakeError::PlainHttp(stream) = error {
        ClientConnection::new(stream).refuse(&Reply::https_expected()).await;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listener_of_exact_address_comes_before_listener_of_all_addresses() {
        let addresses = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        let listeners = TlsListeners {
            served: Arc::default(),
            plain: addresses(&["10.0.0.1:443", "127.0.0.1:80"]),
            encrypted: addresses(&["[::]:443", "127.0.0.1:8443"]),
        };
        for (local, expected) in [
            ("10.0.0.2:443", true),
            ("[::ffff:10.0.0.2]:443", true),
            ("[2001:db8::1]:443", true),
            ("127.0.0.1:8443", true),
            ("10.0.0.1:443", false),
            ("[::ffff:10.0.0.1]:443", false),
            ("127.0.0.1:80", false),
        ] {
            assert_eq!(listeners.is_encrypted(local.parse().unwrap()), expected, "{local}");
        }
    }
}
