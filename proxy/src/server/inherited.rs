//! Listening sockets that a supervisor passes to this process (systemd's socket activation).
//!
//! 1. `LISTEN_FDS` is the number of sockets. If `LISTEN_PID` names another process, the sockets are
//!    not for this process.
//! 2. A socket called `listen`, `listen_tls` or `admin` in `LISTEN_FDNAMES` replaces the addresses
//!    of the config key with the same name.
//! 3. Any other socket must have an address that the config contains, because gatepost accepts
//!    connections only on these addresses.

use std::io;
use std::os::fd::OwnedFd;

use gatepost::{AdminAddress, ProxySettings};
use listenfd::ListenFd;
use rustix::io::ioctl_fionbio;

use super::listen_address::ListenAddress;
use super::start_error::StartError;

/// Config key whose addresses a socket replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SocketKey {
    Admin,
    Listen,
    ListenTls,
}

impl SocketKey {
    const ALL: [Self; 3] = [Self::Admin, Self::Listen, Self::ListenTls];

    const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Listen => "listen",
            Self::ListenTls => "listen_tls",
        }
    }

    /// Returns the byte that names the key in a handover.
    pub(super) const fn to_byte(self) -> u8 {
        match self {
            Self::Admin => b'a',
            Self::Listen => b'l',
            Self::ListenTls => b't',
        }
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.to_byte() == byte)
    }
}

/// Listening sockets, each with its address.
pub(crate) type Sockets = Vec<(ListenAddress, OwnedFd)>;

/// Config keys whose addresses a socket replaces, each with the address of the socket.
pub(super) type SocketKeys = Vec<(ListenAddress, SocketKey)>;

/// Sockets that this process did not bind.
#[derive(Default)]
pub(super) struct InheritedSockets {
    pub(super) sockets: Sockets,
    pub(super) keys: SocketKeys,
}

impl InheritedSockets {
    /// Takes the sockets of the supervisor. Call this method once, before another thread starts.
    pub(super) fn take() -> Result<Self, StartError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut passed = ListenFd::from_env();
        let mut names = names.split(':');
        let mut inherited = Self::default();
        for index in 0..passed.len() {
            let name = names.next().unwrap_or_default();
            let socket = take(&mut passed, index).map_err(StartError::Inherited)?;
            let Some(socket) = socket else { continue };
            let address = prepare(&socket).map_err(StartError::Inherited)?;
            let key = SocketKey::ALL.into_iter().find(|key| key.name() == name);
            inherited.keys.extend(key.map(|key| (address.clone(), key)));
            inherited.sockets.push((address, socket));
        }
        Ok(inherited)
    }

    /// Replaces the addresses of each key that has a socket.
    pub(super) fn apply_to(&self, settings: &mut ProxySettings) {
        let of = |wanted| self.keys.iter().filter(move |(_, key)| *key == wanted).map(|(a, _)| a);
        let lists = [
            (SocketKey::Listen, &mut settings.listen),
            (SocketKey::ListenTls, &mut settings.listen_tls),
        ];
        for (key, list) in lists {
            let addresses: Vec<_> = of(key).filter_map(ListenAddress::tcp).collect();
            if !addresses.is_empty() {
                *list = addresses;
            }
        }
        if let Some(address) = of(SocketKey::Admin).next() {
            settings.admin = Some(admin_at(address, settings.admin.as_ref()));
        }
    }

    /// Returns an error for a socket whose address is not in `settings`.
    pub(super) fn check_uses(&self, settings: &ProxySettings) -> Result<(), StartError> {
        let addresses = ListenAddress::all(settings);
        let is_used = |address| addresses.contains(address);
        match self.sockets.iter().find(|(address, _)| !is_used(address)) {
            Some((address, _)) => Err(StartError::UnusedSocket { address: address.clone() }),
            None => Ok(()),
        }
    }
}

/// Takes the TCP or Unix socket with this index; `None` if an earlier call has taken the socket.
fn take(passed: &mut ListenFd, index: usize) -> io::Result<Option<OwnedFd>> {
    match passed.take_tcp_listener(index) {
        Ok(listener) => Ok(listener.map(OwnedFd::from)),
        Err(_) => Ok(passed.take_unix_listener(index)?.map(OwnedFd::from)),
    }
}

/// Returns the address of the admin listener on a socket at `address`. On TCP, keeps the config's
/// choice of TLS.
fn admin_at(address: &ListenAddress, configured: Option<&AdminAddress>) -> AdminAddress {
    match (address, configured) {
        (ListenAddress::Unix(path), _) => AdminAddress::Unix(path.clone()),
        (ListenAddress::Tcp(address), Some(AdminAddress::Tls(_))) => AdminAddress::Tls(*address),
        (ListenAddress::Tcp(address), _) => AdminAddress::Tcp(*address),
    }
}

fn prepare(socket: &OwnedFd) -> io::Result<ListenAddress> {
    ioctl_fionbio(socket, true)?;
    ListenAddress::of(socket)
}
