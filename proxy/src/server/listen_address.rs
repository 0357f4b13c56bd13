//! Addresses of listening sockets.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use gatepost::{AdminAddress, ProxySettings};
use pingora::listeners::ListenerConfig;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

/// Permissions of the Unix socket of a listener: the socket's owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// Maximum number of connections to a Unix socket that wait until gatepost accepts them.
const BACKLOG: i32 = 1024;

/// Address of a listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    Tcp(SocketAddr),
    /// Absolute path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Returns the addresses of `listen`, `listen_tls` and `admin`, in this order.
    pub(super) fn all(settings: &ProxySettings) -> Vec<Self> {
        let callbacks = settings.addresses().into_iter().map(Self::Tcp);
        callbacks.chain(settings.admin.as_ref().map(Self::of_admin)).collect()
    }

    /// Returns the address of the admin listener. Makes a path absolute, because a successor may
    /// run in another directory.
    fn of_admin(admin: &AdminAddress) -> Self {
        match admin {
            AdminAddress::Tcp(address) | AdminAddress::Tls(address) => Self::Tcp(*address),
            AdminAddress::Unix(path) => {
                Self::Unix(std::path::absolute(path).unwrap_or_else(|_| path.clone()))
            }
        }
    }

    /// Returns the address of a bound socket.
    pub(super) fn of(socket: &OwnedFd) -> io::Result<Self> {
        let duplicate = socket.try_clone()?;
        if sockopt::socket_domain(socket)? == AddressFamily::UNIX {
            let address = UnixListener::from(duplicate).local_addr()?;
            return Ok(Self::Unix(address.as_pathname().unwrap_or_else(|| Path::new("")).into()));
        }
        Ok(Self::Tcp(TcpListener::from(duplicate).local_addr()?))
    }

    pub(super) fn bind(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Tcp(address) => {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(listener.into())
            }
            Self::Unix(path) => bind_unix(path),
        }
    }

    pub(super) const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// Returns this address in Pingora's form. Includes the permissions of a Unix socket, because
    /// Pingora sets them again.
    pub(super) fn config(&self) -> ListenerConfig {
        match self {
            Self::Tcp(address) => ListenerConfig::tcp(address.to_string()),
            Self::Unix(path) => ListenerConfig::uds(path.to_string_lossy())
                .permissions(std::fs::Permissions::from_mode(SOCKET_MODE)),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Binds a Unix socket. Replaces the socket of a process that has ended, but no other file. Sets
/// the permissions before clients can connect.
fn bind_unix(path: &Path) -> io::Result<OwnedFd> {
    let is_socket = |file: std::fs::Metadata| file.file_type().is_socket();
    if std::fs::symlink_metadata(path).is_ok_and(is_socket) {
        match UnixStream::connect(path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
            }
            Err(error) => return Err(error),
        }
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}
