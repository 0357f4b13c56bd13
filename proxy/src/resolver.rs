//! Resolution of host names.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

/// Future with the addresses of a host, or with the error of the resolution.
type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Resolver of host names. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<dyn Fn(String, u16) -> Resolving + Send + Sync>);

impl Resolver {
    /// Returns the resolver of the machine.
    pub(crate) fn system() -> Self {
        Self::from_fn(|host, port| async move {
            Ok(tokio::net::lookup_host((host, port)).await?.collect())
        })
    }

    pub(crate) fn from_fn<F>(resolve: impl Fn(String, u16) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self(Arc::new(move |host, port| Box::pin(resolve(host, port))))
    }

    /// Returns the addresses of a host, at least one.
    pub(crate) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = (self.0)(host.to_owned(), port).await?;
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "expected an address, found none"));
        }
        Ok(found)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
