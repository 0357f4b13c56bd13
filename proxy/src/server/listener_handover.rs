//! Listeners that gatepost binds at start or takes over from a running gatepost process.
//!
//! 1. The running process listens on its `upgrade_socket`, in a directory that no other user may
//!    write to.
//! 2. A new process, the successor, connects. Each process checks that the other process runs as
//!    the same user or as root.
//! 3. The running process sends its listening sockets, including the connections that it has not
//!    accepted yet. The successor starts to serve.
//! 4. The successor listens on the `upgrade_socket` for the next successor, and sends one byte to
//!    the running process.
//! 5. After this byte, the running process finishes its requests in flight and stops. If the
//!    successor fails before it sends the byte, the running process keeps serving.
//!
//! gatepost does not use Pingora's handover, for three reasons. Pingora stops the old process five
//! seconds after `SIGQUIT`, even without a successor. Every user can connect to Pingora's upgrade
//! socket. With Pingora, a successor that fails to start panics or exits after it has taken the
//! sockets.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, IntoRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::ServerApp;
use pingora::listeners::L4BufferSettings;
use pingora::server::{ListenFds, ShutdownWatch};
use pingora::services::{Service, listening};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg, sockopt,
};
use tokio::sync::Notify;

use super::inherited::{InheritedSockets, SocketKey, SocketKeys, Sockets};
use super::listen_address::ListenAddress;
use super::watchdog::Watchdog;

/// Maximum number of file descriptors in one message.
const MAX_LISTENERS: usize = 253;

/// Byte for a socket that has no key, because the config contains the address of the socket. A
/// handover has one byte for each socket.
const NO_KEY: u8 = 1;

/// Time limit for the running process to send its listeners.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit for a successor to start serving.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Binds all addresses. Keeps each listener open, so binding an overlapping address fails.
pub(crate) fn bind(addresses: &[ListenAddress]) -> Result<Sockets, (ListenAddress, io::Error)> {
    let bind = |address: &ListenAddress| match address.bind() {
        Ok(socket) => Ok((address.clone(), socket)),
        Err(error) => Err((address.clone(), error)),
    };
    addresses.iter().map(bind).collect()
}

/// The running process, which has sent its listeners to this process and still serves.
pub(crate) struct Predecessor(UnixStream);

impl Predecessor {
    /// Requests the listeners of the process that listens on the socket at `path`.
    pub(super) fn ask(path: &Path) -> io::Result<(Self, InheritedSockets)> {
        check_directory(path)?;
        let stream = UnixStream::connect(path)?;
        check_peer(&stream)?;
        stream.set_read_timeout(Some(SEND_TIMEOUT))?;
        let inherited = receive(&stream)?;
        Ok((Self(stream), inherited))
    }

    /// Sends the byte after which the running process stops. Call this method as soon as this
    /// process serves.
    pub(crate) fn dismiss(mut self) -> io::Result<()> {
        self.0.write_all(&[1])
    }
}

/// Duplicates of the listeners, for a successor. The ports stay open until
/// [`OfferedSockets::withdraw`] closes the duplicates.
#[derive(Clone, Default)]
pub(crate) struct OfferedSockets(Arc<Mutex<Sockets>>, Arc<SocketKeys>);

impl OfferedSockets {
    /// Duplicates the listeners.
    pub(super) fn of(sockets: &Sockets, keys: SocketKeys) -> io::Result<Self> {
        let duplicate = |(address, socket): &(ListenAddress, OwnedFd)| {
            Ok((address.clone(), socket.try_clone()?))
        };
        let sockets = sockets.iter().map(duplicate).collect::<io::Result<_>>()?;
        Ok(Self(Arc::new(Mutex::new(sockets)), Arc::new(keys)))
    }

    /// Closes the duplicates.
    pub(crate) fn withdraw(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn key_byte(&self, address: &ListenAddress) -> u8 {
        let key = self.1.iter().find(|(own, _)| own == address);
        key.map_or(NO_KEY, |(_, key)| key.to_byte())
    }

    fn send(&self, stream: &UnixStream) -> io::Result<()> {
        let sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listeners: Vec<_> = sockets.iter().map(|(_, listener)| listener.as_fd()).collect();
        let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_LISTENERS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if listeners.is_empty() || !control.push(SendAncillaryMessage::ScmRights(&listeners)) {
            let (max, count) = (MAX_LISTENERS, listeners.len());
            return Err(io::Error::other(format!("expected 1 to {max} listeners, found {count}")));
        }
        let keys: Vec<_> = sockets.iter().map(|(address, _)| self.key_byte(address)).collect();
        sendmsg(stream, &[IoSlice::new(&keys)], &mut control, SendFlags::empty())?;
        Ok(())
    }
}

fn receive(stream: &UnixStream) -> io::Result<InheritedSockets> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_LISTENERS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; MAX_LISTENERS];
    recvmsg(stream, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets = Sockets::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            for socket in received {
                sockets.push((ListenAddress::of(&socket)?, socket));
            }
        }
    }
    if sockets.is_empty() {
        return Err(io::Error::other("expected listeners, found a message without listeners"));
    }
    let keys = sockets.iter().zip(bytes);
    let keys = keys
        .filter_map(|((address, _), byte)| Some((address.clone(), SocketKey::from_byte(byte)?)));
    Ok(InheritedSockets { keys: keys.collect(), sockets })
}

/// Starts a thread that listens at `path` for a successor. The thread notifies `handed_over` when
/// the successor serves.
pub(crate) fn wait_at(
    path: &Path,
    offer: OfferedSockets,
    handed_over: Arc<Notify>,
) -> io::Result<()> {
    check_directory(path)?;
    let mut socket = bind_upgrade_socket(path)?;
    let path = path.to_owned();
    let mut own = identity(&path);
    std::thread::spawn(move || {
        while let Err(error) = socket.accept().and_then(|(stream, _)| hand_over(&stream, &offer)) {
            tracing::warn!(
                "expected a successor that takes over, found an error: {error}; start the \
                 successor again; this process continues"
            );
            // Pause, because without a free file descriptor, `accept` fails at once.
            std::thread::sleep(Duration::from_millis(100));
            if identity(&path) == own {
                continue;
            }
            // The failed successor or another program has replaced or removed the socket at `path`.
            match bind_upgrade_socket(&path) {
                Ok(again) => {
                    (socket, own) = (again, identity(&path));
                    tracing::info!("waiting for another successor");
                }
                Err(error) => tracing::warn!(
                    "expected a socket for a successor, found an error: {error}; check upgrade_socket"
                ),
            }
        }
        tracing::info!("a successor has taken over the listeners");
        handed_over.notify_one();
    });
    Ok(())
}

/// Returns numbers that change if another file replaces the file at `path`; `None` without a file.
fn identity(path: &Path) -> Option<(u64, i64, i64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.ino(), file.ctime(), file.ctime_nsec()))
}

/// Listens on a Unix socket at `path`, and replaces an existing socket.
fn bind_upgrade_socket(path: &Path) -> io::Result<UnixListener> {
    // Remove only a socket. If another type of file exists at `path`, `bind` fails.
    let is_socket = |file: std::fs::Metadata| file.file_type().is_socket();
    if std::fs::symlink_metadata(path).is_ok_and(is_socket) {
        std::fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// Sends the listeners, and waits until the successor serves.
fn hand_over(mut stream: &UnixStream, offer: &OfferedSockets) -> io::Result<()> {
    check_peer(stream)?;
    stream.set_read_timeout(Some(START_TIMEOUT))?;
    offer.send(stream)?;
    stream.read_exact(&mut [0])
}

/// Returns an error for a directory in which another user can replace the socket.
fn check_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let metadata = std::fs::metadata(directory)?;
    let owner = is_ours(metadata.uid());
    if !metadata.is_dir() || !owner || metadata.mode() & 0o022 != 0 {
        let message = "expected a directory that no other user can write to, found a directory of \
                       another user or with other permissions; use another path";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

fn check_peer(stream: &UnixStream) -> io::Result<()> {
    if is_ours(sockopt::socket_peercred(stream)?.uid.as_raw()) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "expected a peer that runs as this user, found another user; run both as one user",
    ))
}

fn is_ours(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

/// A Pingora service on bound sockets.
pub(crate) struct ListeningService<A> {
    service: listening::Service<A>,
    sockets: Sockets,
    watchdog: Option<Watchdog>,
}

impl<A> ListeningService<A> {
    /// Wraps a service. Each connection has a read buffer of `read_buffer` bytes.
    pub(crate) fn new(
        mut service: listening::Service<A>,
        sockets: Sockets,
        read_buffer: usize,
    ) -> Self {
        let buffer = L4BufferSettings::default().read(read_buffer);
        for (address, _) in &sockets {
            service.add_listener(address.config().l4_buffer(buffer));
        }
        Self { service, sockets, watchdog: None }
    }

    /// Adds a watchdog, which reports while the threads of this service can run tasks.
    pub(super) fn watched_by(self, watchdog: Watchdog) -> Self {
        Self { watchdog: Some(watchdog), ..self }
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> Service for ListeningService<A> {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        shutdown: ShutdownWatch,
        listeners_per_fd: usize,
    ) {
        self.watchdog.iter().for_each(Watchdog::start);
        // Pingora looks for a listener in `fds` before it binds the address itself.
        for (address, listener) in self.sockets.drain(..) {
            if let Some(fds) = &fds {
                fds.lock().add(address.to_string(), listener.into_raw_fd());
            }
        }
        self.service.start_service(fds, shutdown, listeners_per_fd).await;
    }

    fn name(&self) -> &str {
        self.service.name()
    }

    fn threads(&self) -> Option<usize> {
        self.service.threads
    }
}
