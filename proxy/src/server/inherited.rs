//! Listening sockets that a supervisor passes to this process (systemd's socket activation).
//!
//! 1. `LISTEN_FDS` is the number of sockets. If `LISTEN_PID` names another process, the sockets are
//!    not for this process.
//! 2. A socket called `listen` or `admin` in `LISTEN_FDNAMES` replaces the addresses of this key in
//!    the config.
//! 3. Any other socket must have an address that the config contains, so that no connection waits
//!    for ever.

use std::io;
use std::net::{SocketAddr, TcpListener};

use gatepost::ProxySettings;
use listenfd::ListenFd;

use super::StartError;

/// Config key whose addresses a socket replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SocketKey {
    Admin,
    Listen,
}

impl SocketKey {
    const ALL: [Self; 2] = [Self::Admin, Self::Listen];

    const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Listen => "listen",
        }
    }

    /// Returns the byte that names the key in a hand-over.
    pub(super) const fn to_byte(self) -> u8 {
        match self {
            Self::Admin => b'a',
            Self::Listen => b'l',
        }
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.to_byte() == byte)
    }
}

/// Listening sockets, each with its configured address.
pub(crate) type Sockets = Vec<(SocketAddr, TcpListener)>;

/// Keys of the sockets that have one, by address.
pub(super) type SocketKeys = Vec<(SocketAddr, SocketKey)>;

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
            let Some(listener) = passed.take_tcp_listener(index).map_err(StartError::Inherited)?
            else {
                continue;
            };
            let address = prepare(&listener).map_err(StartError::Inherited)?;
            let key = SocketKey::ALL.into_iter().find(|key| key.name() == name);
            inherited.keys.extend(key.map(|key| (address, key)));
            inherited.sockets.push((address, listener));
        }
        Ok(inherited)
    }

    /// Replaces the addresses of each key that has a socket.
    pub(super) fn apply_to(&self, settings: &mut ProxySettings) {
        let of = |wanted| self.keys.iter().filter(move |(_, key)| *key == wanted).map(|(a, _)| *a);
        let listen: Vec<_> = of(SocketKey::Listen).collect();
        if !listen.is_empty() {
            settings.listen = listen;
        }
        settings.admin = of(SocketKey::Admin).next().or(settings.admin);
    }

    /// Returns an error for a socket without a use.
    pub(super) fn check_uses(&self, settings: &ProxySettings) -> Result<(), StartError> {
        let is_used = |address| settings.listen.iter().chain(&settings.admin).any(|a| a == address);
        match self.sockets.iter().find(|(address, _)| !is_used(address)) {
            Some((address, _)) => Err(StartError::UnusedSocket { address: *address }),
            None => Ok(()),
        }
    }
}

fn prepare(listener: &TcpListener) -> io::Result<SocketAddr> {
    listener.set_nonblocking(true)?;
    listener.local_addr()
}
