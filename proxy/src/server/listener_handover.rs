//! Listeners, bound at start or taken over from the gatepost that runs.
//!
//! 1. The running process waits at its `upgrade_socket`, in a directory that no other user may
//!    write to.
//! 2. A successor connects. Each side makes sure that the other runs as the same user, or as root.
//! 3. The successor gets the listening sockets themselves, with the connections in their queues,
//!    and serves.
//! 4. Once it serves it sends one byte, and the old process stops when its requests in flight have
//!    ended. Before that byte nothing changes: a successor that fails leaves the old process as it
//!    was.
//! 5. The successor waits at the `upgrade_socket` in its turn.
//!
//! Pingora's own handover does not fit: five seconds after `SIGQUIT` the old process stops even
//! without a successor; the socket is open to every user; and a successor that finds a fault panics
//! or exits after it has taken the sockets.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, IntoRawFd as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::ServerApp;
use pingora::listeners::{L4BufferSettings, ListenerConfig};
use pingora::server::{ListenFds, ShutdownWatch};
use pingora::services::{Service, listening};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg, sockopt,
};
use tokio::sync::Notify;

/// Most descriptors that fit into one message.
const MAX_LISTENERS: usize = 253;

/// Time limit for the running process to send its listeners.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit for a successor to start serving.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Listening sockets, each with its configured address.
pub(crate) type Sockets = Vec<(SocketAddr, TcpListener)>;

/// Binds every address. All stay bound until the last is, so that two that overlap fail.
pub(crate) fn bind(addresses: &[SocketAddr]) -> Result<Sockets, (SocketAddr, io::Error)> {
    let bind = |&address: &SocketAddr| {
        let listener = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((address, listener))
        });
        listener.map_err(|error| (address, error))
    };
    addresses.iter().map(bind).collect()
}

/// The process whose listeners were taken over, and which still serves.
pub(crate) struct Predecessor(UnixStream);

impl Predecessor {
    /// Asks the process that waits at `path` for its listeners.
    pub(crate) fn ask(path: &Path) -> io::Result<(Self, Sockets)> {
        check_directory(path)?;
        let stream = UnixStream::connect(path)?;
        check_peer(&stream)?;
        stream.set_read_timeout(Some(SEND_TIMEOUT))?;
        let sockets = receive(&stream)?;
        Ok((Self(stream), sockets))
    }

    /// Tells it to stop, because this process serves now.
    pub(crate) fn dismiss(mut self) -> io::Result<()> {
        self.0.write_all(&[1])
    }
}

/// Listeners for a successor. Emptied when this process stops: a listener that is held stays open.
#[derive(Clone, Default)]
pub(crate) struct OfferedSockets(Arc<Mutex<Sockets>>);

impl OfferedSockets {
    /// Duplicates the listeners.
    pub(crate) fn of(sockets: &Sockets) -> io::Result<Self> {
        let duplicate =
            |(address, listener): &(SocketAddr, TcpListener)| Ok((*address, listener.try_clone()?));
        let sockets = sockets.iter().map(duplicate).collect::<io::Result<_>>()?;
        Ok(Self(Arc::new(Mutex::new(sockets))))
    }

    /// Closes the duplicates.
    pub(crate) fn withdraw(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn send(&self, stream: &UnixStream) -> io::Result<()> {
        let sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listeners: Vec<_> = sockets.iter().map(|(_, listener)| listener.as_fd()).collect();
        let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_LISTENERS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if listeners.is_empty() || !control.push(SendAncillaryMessage::ScmRights(&listeners)) {
            return Err(io::Error::other("there are no listeners, or too many"));
        }
        sendmsg(stream, &[IoSlice::new(&[1])], &mut control, SendFlags::empty())?;
        Ok(())
    }
}

fn receive(stream: &UnixStream) -> io::Result<Sockets> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_LISTENERS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            for listener in received.map(TcpListener::from) {
                sockets.push((listener.local_addr()?, listener));
            }
        }
    }
    if sockets.is_empty() {
        return Err(io::Error::other("the running gatepost sent no listeners"));
    }
    Ok(sockets)
}

/// Waits for successors at `path`, on a thread of its own, and notifies when one of them serves.
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
            tracing::warn!("a successor did not take over, so this process keeps serving: {error}");
            // Without a pause, running out of file descriptors would be a busy loop.
            std::thread::sleep(Duration::from_millis(100));
            if identity(&path) == own {
                continue;
            }
            // The failed successor had put a socket of its own there.
            match bind_upgrade_socket(&path) {
                Ok(again) => {
                    (socket, own) = (again, identity(&path));
                    tracing::info!("waiting for another successor");
                }
                Err(error) => tracing::warn!("waiting for another successor failed: {error}"),
            }
        }
        tracing::info!("a successor has taken the listeners over");
        handed_over.notify_one();
    });
    Ok(())
}

/// Identifies a file across a replacement under the same name; `None` if there is no file.
fn identity(path: &Path) -> Option<(u64, i64, i64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.ino(), file.ctime(), file.ctime_nsec()))
}

/// Listens at the path, and replaces a socket that is there.
fn bind_upgrade_socket(path: &Path) -> io::Result<UnixListener> {
    // Any other file stays, and makes the bind fail.
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

/// Refuses a directory where another user could put a socket of their own.
fn check_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let metadata = std::fs::metadata(directory)?;
    let owner = is_ours(metadata.uid());
    if !metadata.is_dir() || !owner || metadata.mode() & 0o022 != 0 {
        let message = "other users can write to its directory; put it in a private one";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

fn check_peer(stream: &UnixStream) -> io::Result<()> {
    if is_ours(sockopt::socket_peercred(stream)?.uid.as_raw()) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user is at the other end"))
}

fn is_ours(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

/// A Pingora service on sockets that are already bound.
pub(crate) struct ListeningService<A> {
    service: listening::Service<A>,
    sockets: Sockets,
}

impl<A> ListeningService<A> {
    /// Wraps a service. Each of its connections holds a buffer of `read_buffer` bytes to its end.
    pub(crate) fn new(
        mut service: listening::Service<A>,
        sockets: Sockets,
        read_buffer: usize,
    ) -> Self {
        let buffer = L4BufferSettings::default().read(read_buffer);
        for (address, _) in &sockets {
            service.add_listener(ListenerConfig::tcp(address.to_string()).l4_buffer(buffer));
        }
        Self { service, sockets }
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
        // Pingora looks here before it binds an address itself.
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
