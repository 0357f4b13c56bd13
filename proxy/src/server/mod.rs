//! Start, reload and stop of the proxy.

mod inherited;
mod listen_address;
mod listener_handover;
mod notification;
mod reload;
mod signals;
mod start_error;
mod stop;
mod watchdog;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use gatepost::{AdminAddress, ProxySettings};
use pingora::server::configuration::ServerConf;
use pingora::server::{ExecutionPhase, RunArgs, Server};
use pingora::services::listening;
use pingora::tls::{RootCertStore, load_platform_certs_incl_env_into_store};
use tokio::signal::unix::Signal;
use tokio::sync::Notify;

use self::inherited::{InheritedSockets, SocketKeys, Sockets};
use self::listen_address::ListenAddress;
use self::listener_handover::{self as handover, ListeningService, OfferedSockets, Predecessor};
use self::signals::Stop;
pub(crate) use self::signals::WatchedSignals;
pub(crate) use self::start_error::StartError;
use self::stop::{Stopping, watch_stop};
use self::watchdog::Watchdog;
use crate::admin::{AdminApp, AdminServer};
use crate::descriptors;
use crate::inbound::InboundServer;
use crate::inbound::pingora::{PeerRules, ProxyService, Upstream};
use crate::queue;
use crate::resolver::Resolver;
use crate::served_config::ServedConfig;
use crate::telemetry::{access_log, traces};

/// Size of the read buffer for a PROXY header, in bytes.
const HEADER_BUFFER: usize = 1024;

/// Note about a config without an admin listener.
pub(crate) const NO_ADMIN_NOTE: &str =
    "no metrics, console or captured callbacks; add admin = \"127.0.0.1:9900\" for them";

/// Serves until a stop signal or a handover, then finishes the requests in flight. On `SIGHUP`,
/// reads the config again. With `upgrade`, takes over the listeners of the running gatepost.
pub(crate) fn run(
    served: ServedConfig,
    upgrade: bool,
    signals: WatchedSignals,
) -> Result<(), StartError> {
    let started = Instant::now();
    descriptors::raise_limit();
    let served = Arc::new(served);
    let mut settings = served.gate().proxy_settings();
    let (predecessor, inherited) = inherit(&mut settings, upgrade)?;
    if settings.addresses().is_empty() {
        return Err(StartError::NoListener);
    }
    require_root_certificates()?;
    if let Some(log) = &settings.telemetry.access_log {
        let wrong = |source| StartError::AccessLog { path: log.file.clone(), source };
        access_log::start(log).map_err(wrong)?;
    }
    if let Some(collector) = &settings.telemetry.otlp {
        traces::start(collector)?;
    }
    let keys = inherited.keys;
    let mut sockets = complete(inherited.sockets, &settings)?;
    let rules = PeerRules { idle: settings.upstream_idle, http_2: settings.upstream_http2 };
    let upstream = settings.upstream.clone();
    let upstream =
        upstream.map(|list| Upstream::new(served.gate(), list, rules, &Resolver::system()));
    let mut server = new_server(&settings);
    let offered = offer(&settings, predecessor.is_some(), &sockets, keys)?;
    log_start(&served, &sockets);

    let longest_body = served.gate().longest_body();
    let open = |store| queue::open(store, longest_body);
    let queue = settings.store.as_ref().map(open).transpose()?;
    if let Some(queue) = &queue {
        queue::start(Arc::clone(queue), served.gate().clone()).map_err(StartError::Queue)?;
    }
    let service = ProxyService::new(served.gate().clone(), upstream, queue.clone());
    let app = InboundServer::new(&server.configuration, &service, &settings, served.tls());
    let admin = sockets.split_off(settings.addresses().len());
    let (plain, encrypted) = sockets.split_at(settings.listen.len());
    log_addresses(plain, "listening for callbacks");
    log_addresses(encrypted, "listening for callbacks over TLS");
    let proxy = listening::Service::new("callbacks".into(), app);
    // gatepost reads a PROXY header with several short reads, so a buffer saves system calls.
    // Without PROXY headers, all reads are large.
    let read_buffer = if settings.proxy_protocol { HEADER_BUFFER } else { 0 };
    let watchdog = Watchdog::new(upgrade);
    server.add_service(ListeningService::new(proxy, sockets, read_buffer).watched_by(watchdog));

    if admin.is_empty() {
        tracing::info!("{NO_ADMIN_NOTE}");
    } else {
        log_addresses(&admin, "listening for the operator");
        let tls = matches!(settings.admin, Some(AdminAddress::Tls(_))).then(|| served.tls());
        let app = AdminServer::new(AdminApp::new(Arc::clone(&served), queue.clone()), tls.cloned());
        let mut service = listening::Service::new("admin".into(), app);
        service.threads = Some(1);
        server.add_service(ListeningService::new(service, admin, 0));
    }

    announce(&server, &settings, predecessor, &offered, Arc::clone(&served));
    let stop = Stop::default();
    watch_signals(signals, served, stop.clone(), offered.handed_over);
    let stopping = Stopping { limit: settings.stop_timeout, stop: stop.clone(), started, queue };
    watch_stop(&server, offered.sockets, stopping);
    server.run(RunArgs { shutdown_signal: Box::new(stop) });
    Ok(())
}

/// Returns an error if the machine has no root certificates, because Pingora's connector to the
/// upstream then panics.
fn require_root_certificates() -> Result<(), StartError> {
    let loaded = load_platform_certs_incl_env_into_store(&mut RootCertStore::empty());
    loaded.map_err(|_| StartError::NoRootCertificates)
}

/// Logs the start: version, config and addresses.
fn log_start(served: &ServedConfig, sockets: &Sockets) {
    let status = served.status();
    let listeners: Vec<_> = sockets.iter().map(|(address, _)| address.to_string()).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %status.file.display(),
        fingerprint = &*status.fingerprint,
        routes = status.routes,
        templates = status.templates,
        listeners = listeners.join(", "),
        watch = served.gate().proxy_settings().watch,
        "starting"
    );
}

/// Takes the sockets of the supervisor. With `upgrade`, takes the sockets of the running gatepost,
/// the predecessor, instead. A socket with a key replaces the addresses of this key.
fn inherit(
    settings: &mut ProxySettings,
    upgrade: bool,
) -> Result<(Option<Predecessor>, InheritedSockets), StartError> {
    let passed = InheritedSockets::take()?;
    if !upgrade {
        passed.apply_to(settings);
        passed.check_uses(settings)?;
        return Ok((None, passed));
    }
    let path = settings.upgrade_socket.as_ref().ok_or(StartError::NoUpgradeSocket)?;
    let (predecessor, taken) = Predecessor::ask(path)
        .map_err(|source| StartError::TakeOver { path: path.clone(), source })?;
    taken.apply_to(settings);
    Ok((Some(predecessor), taken))
}

/// Returns the sockets of `listen` and `listen_tls`, followed by the socket of `admin`. Binds all
/// addresses that `taken` does not contain.
fn complete(mut taken: Sockets, settings: &ProxySettings) -> Result<Sockets, StartError> {
    let addresses = ListenAddress::all(settings);
    taken.retain(|(address, _)| addresses.contains(address));
    let missing = |address: &&ListenAddress| !taken.iter().any(|(known, _)| known == *address);
    let missing: Vec<_> = addresses.iter().filter(missing).cloned().collect();
    let bound = handover::bind(&missing);
    taken.extend(bound.map_err(|(address, source)| StartError::Listen { address, source })?);
    taken.sort_by_key(|(own, _)| addresses.iter().position(|address| address == own));
    Ok(taken)
}

/// Handover to a successor: the sockets to send, and the wake-up that the successor triggers when
/// it serves.
#[derive(Default)]
struct Handover {
    sockets: OfferedSockets,
    handed_over: Arc<Notify>,
}

/// If the config has an `upgrade_socket`, duplicates the sockets for a successor, and listens for
/// the successor. A process with a predecessor listens later, in [`announce`].
fn offer(
    settings: &ProxySettings,
    has_predecessor: bool,
    sockets: &Sockets,
    keys: SocketKeys,
) -> Result<Handover, StartError> {
    let Some(path) = settings.upgrade_socket.clone() else { return Ok(Handover::default()) };
    let wrong = |source| StartError::UpgradeSocket { path: path.clone(), source };
    let offered = Handover {
        sockets: OfferedSockets::of(sockets, keys).map_err(wrong)?,
        ..Handover::default()
    };
    if !has_predecessor {
        let handed_over = Arc::clone(&offered.handed_over);
        handover::wait_at(&path, offered.sockets.clone(), handed_over).map_err(wrong)?;
    }
    Ok(offered)
}

/// Starts a thread that waits until this process serves, and then notifies the supervisor. With a
/// predecessor, the thread also listens for a successor, and dismisses the predecessor.
fn announce(
    server: &Server,
    settings: &ProxySettings,
    predecessor: Option<Predecessor>,
    offered: &Handover,
    served: Arc<ServedConfig>,
) {
    let (sockets, handed_over) = (offered.sockets.clone(), Arc::clone(&offered.handed_over));
    let path = settings.upgrade_socket.clone();
    let mut phases = server.watch_execution_phase();
    std::thread::spawn(move || {
        while !matches!(phases.blocking_recv(), Ok(ExecutionPhase::Running) | Err(_)) {}
        // Name the new main process to the supervisor before the predecessor ends.
        notification::ready(&served.status(), predecessor.is_some());
        let Some(predecessor) = predecessor else { return };
        let listening = path.map(|path| handover::wait_at(&path, sockets, handed_over));
        if let Some(Err(error)) = listening {
            tracing::error!(
                "expected a socket for a successor, found an error: {error}; check upgrade_socket"
            );
        }
        if let Err(error) = predecessor.dismiss() {
            tracing::warn!(
                "expected a predecessor that ends, found an error: {error}; stop that process"
            );
        }
    });
}

fn log_addresses(sockets: &[(ListenAddress, OwnedFd)], what: &str) {
    for (address, _) in sockets {
        tracing::info!(%address, "{what}");
    }
}

/// Opens the access log again at each `SIGUSR1`.
async fn reopen_access_log(mut signal: Signal) {
    while signal.recv().await.is_some() {
        let _done = tokio::task::spawn_blocking(access_log::reopen).await;
    }
}

/// Starts a thread that receives the signals and acts on them.
fn watch_signals(
    signals: WatchedSignals,
    served: Arc<ServedConfig>,
    stop: Stop,
    handed_over: Arc<Notify>,
) {
    let WatchedSignals { runtime, stop: stop_signals, hangup, user } = signals;
    std::thread::spawn(move || {
        runtime.spawn(reload::watch(served, hangup));
        runtime.spawn(reopen_access_log(user));
        runtime.block_on(stop_signals.watch(stop, handed_over));
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
