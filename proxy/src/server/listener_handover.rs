//! The listeners: bound at start, or taken over from the gatepost that runs.
//!
//! 1. The one that runs waits at its `upgrade_socket`, in a directory that nobody else may write to.
//! 2. A successor connects; each makes sure that the other is the same user, or root.
//! 3. It gets the listening sockets themselves, with whoever waits in their queues, and serves.
//! 4. Once it serves it says so, with one byte, and the other stops when its requests in flight have
//!    ended. Until that byte nothing changes: a successor that fails leaves the other as it was.
//! 5. The successor waits at the `upgrade_socket` in its turn.
//!
//! Pingora has a way of its own, which does not fit: the old process stops even if nobody has taken
//! over, five seconds after `SIGQUIT` in any case; the socket is open to every user; and a successor
//! that finds a fault panics or exits when it has the sockets already.

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

/// As many as fit into one message.
const MAX_LISTENERS: usize = 253;

/// How long the one that runs may take to send its listeners.
const SENDING: Duration = Duration::from_secs(5);

/// How long a successor may take until it serves.
const STARTING: Duration = Duration::from_secs(30);

/// Listening sockets by the address as it is configured.
pub(crate) type Sockets = Vec<(SocketAddr, TcpListener)>;

/// Binds every address: all at once, so that two of them that overlap are found too.
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

/// The gatepost whose listeners were taken over, and which still serves.
pub(crate) struct Predecessor(UnixStream);

impl Predecessor {
    /// Asks the gatepost that waits at `path` for its listeners.
    pub(crate) fn ask(path: &Path) -> io::Result<(Self, Sockets)> {
        check_directory(path)?;
        let stream = UnixStream::connect(path)?;
        check_peer(&stream)?;
        stream.set_read_timeout(Some(SENDING))?;
        let sockets = receive(&stream)?;
        Ok((Self(stream), sockets))
    }

    /// Has it stop, as this process serves now.
    pub(crate) fn dismiss(mut self) -> io::Result<()> {
        self.0.write_all(&[1])
    }
}

/// What a successor is given. Emptied when this process stops, as a listener that is held stays open.
#[derive(Clone, Default)]
pub(crate) struct Offer(Arc<Mutex<Sockets>>);

impl Offer {
    /// An offer of these, which are held twice from now on.
    pub(crate) fn of(sockets: &Sockets) -> io::Result<Self> {
        let twice =
            |(address, listener): &(SocketAddr, TcpListener)| Ok((*address, listener.try_clone()?));
        let sockets = sockets.iter().map(twice).collect::<io::Result<_>>()?;
        Ok(Self(Arc::new(Mutex::new(sockets))))
    }

    /// Lets go of the listeners.
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
        return Err(io::Error::other("it has sent no listeners"));
    }
    Ok(sockets)
}

/// Waits for successors at `path`, on a thread of its own, and says when one of them serves.
pub(crate) fn wait_at(path: &Path, offer: Offer, handed_over: Arc<Notify>) -> io::Result<()> {
    check_directory(path)?;
    let mut door = open_door(path)?;
    let path = path.to_owned();
    let mut own = identity(&path);
    std::thread::spawn(move || {
        while let Err(error) = door.accept().and_then(|(stream, _)| hand_over(&stream, &offer)) {
            tracing::warn!("a successor did not take over, so this one goes on: {error}");
            // Out of file descriptors, it would come again and again.
            std::thread::sleep(Duration::from_millis(100));
            if identity(&path) == own {
                continue;
            }
            // It has put a socket of its own there, and is gone.
            match open_door(&path) {
                Ok(again) => {
                    (door, own) = (again, identity(&path));
                    tracing::info!("waiting for another successor");
                }
                Err(error) => tracing::warn!("no other successor can come: {error}"),
            }
        }
        tracing::info!("a successor has taken the listeners over");
        handed_over.notify_one();
    });
    Ok(())
}

/// What tells a file from another that had its name before; nothing if there is none.
fn identity(path: &Path) -> Option<(u64, i64, i64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.ino(), file.ctime(), file.ctime_nsec()))
}

/// Listens at the path, in the place of whoever did before.
fn open_door(path: &Path) -> io::Result<UnixListener> {
    // A file of another sort stays, and has the binding fail.
    let is_socket = |file: std::fs::Metadata| file.file_type().is_socket();
    if std::fs::symlink_metadata(path).is_ok_and(is_socket) {
        std::fs::remove_file(path)?;
    }
    let door = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(door)
}

/// Gives the listeners away, and waits until the successor serves.
fn hand_over(mut stream: &UnixStream, offer: &Offer) -> io::Result<()> {
    check_peer(stream)?;
    stream.set_read_timeout(Some(STARTING))?;
    offer.send(stream)?;
    stream.read_exact(&mut [0])
}

/// Whether nobody else can put a socket of their own there.
fn check_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let metadata = std::fs::metadata(directory)?;
    let owner = is_ours(metadata.uid());
    if !metadata.is_dir() || !owner || metadata.mode() & 0o022 != 0 {
        let message = "its directory must be one that nobody else may write to";
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

/// A service on sockets that are bound already.
pub(crate) struct Bound<A> {
    service: listening::Service<A>,
    sockets: Sockets,
}

impl<A> Bound<A> {
    /// Every connection holds a buffer of `read_buffer` bytes from its beginning to its end.
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
impl<A: ServerApp + Send + Sync + 'static> Service for Bound<A> {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        shutdown: ShutdownWatch,
        listeners_per_fd: usize,
    ) {
        // Where Pingora looks before it binds an address itself.
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
