//! Reasons why the proxy does not start.

use std::io;
use std::path::PathBuf;

use gatepost_store::OpenError;

use super::listen_address::ListenAddress;
use crate::telemetry::traces::TracesError;

/// Returns the remedy for a failure to listen.
fn listen_remedy(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::AddrInUse {
        "stop the program that uses this port or socket (`ss -ltnxp` shows it), or change the address"
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "for a port, use one above 1023, or give gatepost the capability CAP_NET_BIND_SERVICE; for a \
         Unix socket, let gatepost write to its folder"
    } else {
        "write an address of this machine"
    }
}

/// Reason why the proxy does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(
        "{path}: expected a file for the access log, found an error: {source}; check the folder and \
         its permissions"
    )]
    AccessLog { path: PathBuf, source: io::Error },
    #[error("expected TCP or Unix listeners in LISTEN_FDS, found an error: {0}; pass such sockets")]
    Inherited(io::Error),
    #[error(
        "{address}: expected a free address to listen on, found an error: {source}; {}",
        listen_remedy(source)
    )]
    Listen { address: ListenAddress, source: io::Error },
    #[error("expected a `listen` address, found none; add listen = [\"127.0.0.1:8080\"]")]
    NoListener,
    #[error(
        "expected root certificates of the system, found none that gatepost can read; install \
         ca-certificates, or set SSL_CERT_FILE to a file of root certificates"
    )]
    NoRootCertificates,
    #[error(
        "expected `upgrade_socket` for --upgrade, found none; add upgrade_socket = \"upgrade.sock\""
    )]
    NoUpgradeSocket,
    #[error(
        "expected a thread that delivers queued events, found an error: {0}; check the process limits"
    )]
    Queue(io::Error),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("expected a handler of signals, found an error: {0}; check the process limits")]
    Signals(io::Error),
    #[error(transparent)]
    Traces(#[from] TracesError),
    #[error(
        "{path}: expected listeners from the running gatepost, found an error: {source}; check \
         upgrade_socket, or start without --upgrade"
    )]
    TakeOver { path: PathBuf, source: io::Error },
    #[error(
        "{address}: expected a socket of LISTEN_FDS that `listen`, `listen_tls` or `admin` uses, found \
         another; write FileDescriptorName=listen, listen_tls or admin in the socket unit, or add the \
         address to the config"
    )]
    UnusedSocket { address: ListenAddress },
    #[error(
        "{path}: expected a socket for a successor, found an error: {source}; check the folder and \
         its permissions"
    )]
    UpgradeSocket { path: PathBuf, source: io::Error },
}

impl StartError {
    /// Returns the stable code; `None` for an error without a code.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("address_in_use")
            }
            Self::Store(error) => Some(error.code()),
            Self::AccessLog { .. }
            | Self::Inherited(_)
            | Self::Listen { .. }
            | Self::NoListener
            | Self::NoRootCertificates
            | Self::NoUpgradeSocket
            | Self::Queue(_)
            | Self::Signals(_)
            | Self::Traces(_)
            | Self::TakeOver { .. }
            | Self::UnusedSocket { .. }
            | Self::UpgradeSocket { .. } => None,
        }
    }
}
