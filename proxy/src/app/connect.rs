//! New connections to servers: TCP, TLS over TCP, or a Unix socket.

use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{io, vec};

use gatepost::{AddressGuard, Server};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tower_service::Service;

use super::tls::client_config;
use crate::resolver::Resolver;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Failure to connect to a server. The server has received no byte of a request.
#[derive(Debug, thiserror::Error)]
#[error("expected a connection to the server, found none; start the server")]
pub(crate) struct NotConnected(#[source] BoxError);

/// Opens a connection to a server.
///
/// # Errors
///
/// Returns [`NotConnected`] if gatepost cannot connect to the server.
pub(crate) async fn connect(server: &Server) -> Result<AppStream, NotConnected> {
    let opened = match server.socket() {
        Some(path) => UnixStream::connect(path).await.map(AppStream::unix).map_err(BoxError::from),
        None => connect_tcp(server).await,
    };
    opened.map_err(NotConnected)
}

async fn connect_tcp(server: &Server) -> Result<AppStream, BoxError> {
    let mut tcp = HttpConnector::new_with_resolver(GuardedResolver(server.guard().cloned()));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = client_config(server.tls().filter(|_| server.is_https()))?;
    let mut connector = HttpsConnector::new(tcp, tls, false, Arc::new(server_name(server)?));
    let scheme = if server.is_https() { "https" } else { "http" };
    let url = Uri::builder().scheme(scheme).authority(server.authority().clone());
    poll_fn(|context| connector.poll_ready(context)).await?;
    Ok(AppStream::Tcp(connector.call(url.path_and_query("/").build()?).await?))
}

/// Returns the name that the server's certificate must have.
fn server_name(server: &Server) -> Result<FixedServerNameResolver, BoxError> {
    let name = server.tls().and_then(|tls| tls.server_name());
    // If the server has no TLS, the connector ignores the name. Pass a constant, because the host
    // may be an invalid name.
    let name = if server.is_https() { name.unwrap_or(server.host()) } else { "localhost" };
    Ok(FixedServerNameResolver::new(ServerName::try_from(name.to_owned())?))
}

/// Resolver that returns only the addresses that an address guard permits.
#[derive(Clone)]
struct GuardedResolver(Option<Arc<AddressGuard>>);

impl Service<Name> for GuardedResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guard = self.0.clone();
        Box::pin(async move {
            let found = Resolver::system().resolve(name.as_str(), 0).await?;
            Ok(permitted(guard.as_deref(), found)?.into_iter())
        })
    }
}

/// Removes the addresses that the address guard does not permit.
///
/// # Errors
///
/// Returns an error if the guard permits none of the addresses. An empty list causes no error.
fn permitted(
    guard: Option<&AddressGuard>,
    mut found: Vec<SocketAddr>,
) -> io::Result<Vec<SocketAddr>> {
    let first = found.first().map(SocketAddr::ip);
    found.retain(|address| guard.is_none_or(|guard| guard.permits(address.ip())));
    match first.filter(|_| found.is_empty()) {
        None => Ok(found),
        Some(ip) => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("expected a permitted address, found {ip}; add its network to allow_addresses"),
        )),
    }
}

/// A connection to a server.
#[expect(clippy::large_enum_variant, reason = "each connection is in a box already")]
pub(crate) enum AppStream {
    Tcp(MaybeHttpsStream<TokioIo<TcpStream>>),
    Unix(TokioIo<UnixStream>),
}

impl AppStream {
    fn unix(stream: UnixStream) -> Self {
        Self::Unix(TokioIo::new(stream))
    }
}

impl Read for AppStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl Write for AppStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }
}

#[cfg(test)]
mod tests {
    use gatepost::Config;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 80)).collect()
    }

    /// Returns the address guard of the app `http://app.test` in a config with the lines `top` at
    /// the top level.
    fn guard(top: &str) -> Option<Arc<AddressGuard>> {
        let text = format!(
            "listen = '127.0.0.1:1'\nadmin = '127.0.0.1:2'\n{top}\n\
             [[route]]\npath = '/a'\nprovider = 'mux'\n\
             [[template]]\nname = 'm'\nprovider = 'mux'\nbind = '*'\ninsecure_unsigned = true\n\
             on.'*' = 'http://app.test/e'\n"
        );
        let config: Config = text.parse().unwrap();
        let address = config.app_addresses().next().unwrap();
        address.server().guard().cloned()
    }

    #[test]
    fn never_returns_address_of_metadata_service() {
        let guard = guard("admin_token = 's3cret'");
        let of = |texts| permitted(guard.as_deref(), addresses(texts));
        assert_eq!(of(&["169.254.169.254", "192.0.2.1"]).unwrap(), addresses(&["192.0.2.1"]));
        let error = of(&["169.254.169.254"]).unwrap_err().to_string();
        assert!(error.contains("found 169.254.169.254; add its network"), "{error}");
    }

    #[test]
    fn permits_any_address_without_api_or_for_listed_name() {
        assert!(guard("").is_none());
        assert!(guard("admin_token = 's3cret'\nallow_addresses = 'app.test'").is_none());
        let other = guard("admin_token = 's3cret'\nallow_addresses = ['10.0.0.0/8', 'b.test']");
        let of = |texts| permitted(other.as_deref(), addresses(texts));
        assert!(of(&["10.1.1.1"]).is_ok() && of(&["192.0.2.1"]).is_err());
    }
}
