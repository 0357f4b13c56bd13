//! Start, reload and stop of the proxy.

mod listener_handover;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use gatepost::ProxySettings;
use pingora::server::configuration::ServerConf;
use pingora::server::{ExecutionPhase, RunArgs, Server, ShutdownSignal, ShutdownSignalWatch};
use pingora::services::listening;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, Notify};

use self::listener_handover::{
    self as handover, ListeningService, OfferedSockets, Predecessor, Sockets,
};
use crate::admin::AdminApp;
use crate::descriptors;
use crate::inbound::pingora::{PeerRules, ProxyService, Upstream};
use crate::inbound::{IDLE_GRACE, InboundServer};
use crate::resolver::Resolver;
use crate::served_config::ServedConfig;
use crate::telemetry::log;
use crate::telemetry::metrics::METRICS;

/// Size of the read buffer for a PROXY header, in bytes.
const HEADER_BUFFER: usize = 1024;

/// Reason why the proxy does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{address}: cannot listen on this address: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("expected a `listen` address, found none; add listen = [\"127.0.0.1:8080\"]")]
    NoListener,
    #[error(
        "expected `upgrade_socket` for --upgrade, found none; add upgrade_socket = \"upgrade.sock\""
    )]
    NoUpgradeSocket,
    #[error("cannot receive signals: {0}")]
    Signals(io::Error),
    #[error("{path}: cannot take over listeners: {source}")]
    TakeOver { path: PathBuf, source: io::Error },
    #[error("{path}: cannot listen for a successor: {source}")]
    UpgradeSocket { path: PathBuf, source: io::Error },
}

/// Serves until a stop signal. After `SIGTERM` or `SIGQUIT`, finishes the requests in flight. After
/// `SIGINT`, drops them. On `SIGHUP`, reads the config again. With `upgrade`, takes over the
/// listeners of the running gatepost.
pub(crate) fn run(
    served: ServedConfig,
    upgrade: bool,
    signals: WatchedSignals,
) -> Result<(), StartError> {
    descriptors::raise_limit();
    let WatchedSignals { runtime, stop, hangup } = signals;
    let served = Arc::new(served);
    let settings = served.gate().proxy_settings();
    if settings.listen.is_empty() {
        return Err(StartError::NoListener);
    }
    let rules = PeerRules { idle: settings.upstream_idle, http_2: settings.upstream_http2 };
    let upstream = settings.upstream.clone();
    let upstream =
        upstream.map(|list| Upstream::new(served.gate(), list, rules, &Resolver::system()));
    let (predecessor, mut sockets) = sockets(&settings, upgrade)?;
    let mut server = new_server(&settings);
    let offer = offer(&server, &settings, predecessor, &sockets)?;

    let service = ProxyService::new(served.gate().clone(), upstream);
    let app = InboundServer::new(&server.configuration, &service, settings.proxy_protocol);
    let admin = sockets.split_off(settings.listen.len());
    log_addresses(&sockets, "listening for callbacks");
    let proxy = listening::Service::new("callbacks".into(), app);
    // gatepost reads a PROXY header in small pieces, so a buffer saves system calls. Without PROXY
    // headers, all reads are large.
    let read_buffer = if settings.proxy_protocol { HEADER_BUFFER } else { 0 };
    server.add_service(ListeningService::new(proxy, sockets, read_buffer));

    if !admin.is_empty() {
        log_addresses(&admin, "listening for the operator");
        let mut service =
            listening::Service::new("admin".into(), AdminApp::new(Arc::clone(&served)));
        service.threads = Some(1);
        server.add_service(ListeningService::new(service, admin, 0));
    }

    watch_reload(runtime, hangup, served);
    watch_stop(&server, settings.stop_timeout, offer.sockets);
    let stop_signals = StopSignals { signals: stop.into(), handed_over: offer.handed_over };
    server.run(RunArgs { shutdown_signal: Box::new(stop_signals) });
    Ok(())
}

/// Returns the sockets of `listen`, followed by the socket of `admin`. With `upgrade`, takes over
/// the sockets of the running gatepost, the predecessor. Binds all other addresses.
fn sockets(
    settings: &ProxySettings,
    upgrade: bool,
) -> Result<(Option<Predecessor>, Sockets), StartError> {
    let (predecessor, mut taken) = if upgrade {
        let path = settings.upgrade_socket.as_ref().ok_or(StartError::NoUpgradeSocket)?;
        let (predecessor, sockets) = Predecessor::ask(path)
            .map_err(|source| StartError::TakeOver { path: path.clone(), source })?;
        (Some(predecessor), sockets)
    } else {
        (None, Sockets::new())
    };
    let addresses: Vec<_> = settings.listen.iter().chain(&settings.admin).copied().collect();
    taken.retain(|(address, _)| addresses.contains(address));
    let missing = |address: &&SocketAddr| !taken.iter().any(|(known, _)| known == *address);
    let missing: Vec<_> = addresses.iter().filter(missing).copied().collect();
    let bound = handover::bind(&missing);
    taken.extend(bound.map_err(|(address, source)| StartError::Listen { address, source })?);
    taken.sort_by_key(|(own, _)| addresses.iter().position(|address| address == own));
    Ok((predecessor, taken))
}

/// Handover to a successor: the sockets to send, and the wake-up that the successor triggers when it
/// serves.
#[derive(Default)]
struct Handover {
    sockets: OfferedSockets,
    handed_over: Arc<Notify>,
}

/// Listens for a successor. If there is a predecessor, starts a thread instead: the thread waits
/// until this process serves, listens for a successor, and dismisses the predecessor.
fn offer(
    server: &Server,
    settings: &ProxySettings,
    predecessor: Option<Predecessor>,
    sockets: &Sockets,
) -> Result<Handover, StartError> {
    let Some(path) = settings.upgrade_socket.clone() else { return Ok(Handover::default()) };
    let wrong = |source| StartError::UpgradeSocket { path: path.clone(), source };
    let offered =
        Handover { sockets: OfferedSockets::of(sockets).map_err(wrong)?, ..Handover::default() };
    let Some(predecessor) = predecessor else {
        let word = Arc::clone(&offered.handed_over);
        handover::wait_at(&path, offered.sockets.clone(), word).map_err(wrong)?;
        return Ok(offered);
    };
    let (sockets, word) = (offered.sockets.clone(), Arc::clone(&offered.handed_over));
    let mut phases = server.watch_execution_phase();
    std::thread::spawn(move || {
        while !matches!(phases.blocking_recv(), Ok(ExecutionPhase::Running) | Err(_)) {}
        if let Err(error) = handover::wait_at(&path, sockets, word) {
            tracing::error!("cannot listen for a successor: {error}");
        }
        if let Err(error) = predecessor.dismiss() {
            tracing::warn!("cannot dismiss the predecessor: {error}");
        }
    });
    Ok(offered)
}

fn log_addresses(sockets: &Sockets, what: &str) {
    for (address, _) in sockets {
        tracing::info!(%address, "{what}");
    }
}

/// Signals that this process handles. By default, each of these signals ends a process at once.
pub(crate) struct WatchedSignals {
    /// Runtime that receives the signals.
    runtime: Runtime,
    stop: [Signal; 3],
    hangup: Signal,
}

impl WatchedSignals {
    /// Watches the signals. Call this function before all other work, because the operator may send
    /// a signal as soon as this process exists. The server handles a signal as soon as it runs.
    pub(crate) fn watch() -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(StartError::Signals)?;
        let watched = runtime.block_on(async { watch_signals() });
        let (stop, hangup) = watched.map_err(StartError::Signals)?;
        Ok(Self { runtime, stop, hangup })
    }
}

fn watch_signals() -> io::Result<([Signal; 3], Signal)> {
    // Without a receiver, these signals have no effect. Tools such as log rotation send them.
    for kind in [SignalKind::user_defined1(), SignalKind::user_defined2()] {
        drop(signal(kind)?);
    }
    let term = signal(SignalKind::terminate())?;
    let stop = [term, signal(SignalKind::quit())?, signal(SignalKind::interrupt())?];
    Ok((stop, signal(SignalKind::hangup())?))
}

/// Signals that stop the process. In Pingora's own implementation, `SIGQUIT` starts Pingora's
/// handover.
struct StopSignals {
    signals: Mutex<[Signal; 3]>,
    handed_over: Arc<Notify>,
}

#[async_trait]
impl ShutdownSignalWatch for StopSignals {
    async fn recv(&self) -> ShutdownSignal {
        let mut signals = self.signals.lock().await;
        let [term, quit, interrupt] = &mut *signals;
        tokio::select! {
            _ = term.recv() => ShutdownSignal::GracefulTerminate,
            _ = quit.recv() => ShutdownSignal::GracefulTerminate,
            () = self.handed_over.notified() => ShutdownSignal::GracefulTerminate,
            _ = interrupt.recv() => ShutdownSignal::FastShutdown,
        }
    }
}

/// Starts a thread that reads the config again at each `SIGHUP`. Uses a separate thread, because
/// reading files blocks.
fn watch_reload(runtime: Runtime, mut hangup: Signal, served: Arc<ServedConfig>) {
    std::thread::spawn(move || {
        runtime.block_on(async {
            while hangup.recv().await.is_some() {
                served.reload();
            }
        });
    });
}

fn new_server(settings: &ProxySettings) -> Server {
    let cores = std::thread::available_parallelism();
    let threads = settings.threads.or(cores.ok()).map_or(1, std::num::NonZero::get);
    let conf = ServerConf {
        threads,
        work_stealing: false,
        grace_period_seconds: Some(settings.stop_timeout.as_secs()),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    server
}

/// Starts a thread that ends the process after a stop signal. The thread waits until no request is
/// in flight, for at most `limit`.
/// Pingora would wait for the whole grace period.
fn watch_stop(server: &Server, limit: Duration, offer: OfferedSockets) {
    const TICK: Duration = Duration::from_millis(20);
    let mut phases = server.watch_execution_phase();
    std::thread::spawn(move || {
        while let Ok(phase) = phases.blocking_recv() {
            if matches!(phase, ExecutionPhase::ShutdownGracePeriod) {
                break;
            }
        }
        offer.withdraw();
        let deadline = Instant::now() + limit;
        std::thread::sleep(IDLE_GRACE.min(limit));
        let mut quiet = 0;
        // Check twice: gatepost may have read a request that the metric does not count yet.
        while quiet < 2 && Instant::now() < deadline {
            std::thread::sleep(TICK);
            quiet = if METRICS.in_flight.get() == 0 { quiet + 1 } else { 0 };
        }
        tracing::info!("stopped");
        log::finish();
        std::process::exit(0);
    });
}
