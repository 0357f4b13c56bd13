//! Starting and stopping.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use gatepost::ProxySettings;
use pingora::server::configuration::ServerConf;
use pingora::server::{ExecutionPhase, RunArgs, Server, ShutdownSignal, ShutdownSignalWatch};
use pingora::services::listening;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::admin::Admin;
use crate::entrance::Entrance;
use crate::metrics::METRICS;
use crate::service::{Service, Upstream};
use crate::templates::Served;

/// Why the proxy did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{address}: cannot listen here: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("`listen` is missing; add listen = [\"127.0.0.1:8080\"]")]
    NoListener,
    #[error("`upstream` cannot be looked up: {0}")]
    Upstream(std::io::Error),
}

/// Serves until a signal: `SIGTERM` and `SIGQUIT` let requests in flight end, `SIGINT` does not.
/// `SIGHUP` has the config read again.
pub(crate) fn run(served: Served) -> Result<(), StartError> {
    let served = Arc::new(served);
    let settings = served.gate().proxy_settings();
    check_listeners(&settings)?;
    let upstream = settings.upstream.as_ref().map(Upstream::resolve).transpose();
    let upstream = upstream.map_err(StartError::Upstream)?;
    let mut server = new_server(&settings)?;

    let service = Service::new(served.gate().clone(), upstream);
    let gate = served.gate().clone();
    let app = Entrance::new(&server.configuration, &service, gate, settings.proxy_protocol);
    let mut proxy = listening::Service::new("callbacks".into(), app);
    for address in &settings.listen {
        proxy.add_tcp(&address.to_string());
        tracing::info!(%address, "listening for callbacks");
    }
    server.add_service(proxy);

    if let Some(address) = settings.admin {
        let mut admin = listening::Service::new("admin".into(), Admin::new(Arc::clone(&served)));
        admin.threads = Some(1);
        admin.add_tcp(&address.to_string());
        tracing::info!(%address, "listening for the operator");
        server.add_service(admin);
    }

    watch_reload(served);
    watch_stop(&server, settings.stop_timeout);
    server.run(RunArgs { shutdown_signal: Box::new(StopSignals) });
    Ok(())
}

/// Pingora's own `SIGQUIT` hands the listeners over to whoever has opened a socket in `/tmp`.
struct StopSignals;

#[async_trait]
impl ShutdownSignalWatch for StopSignals {
    async fn recv(&self) -> ShutdownSignal {
        let [mut term, mut quit, mut interrupt] =
            [SignalKind::terminate(), SignalKind::quit(), SignalKind::interrupt()]
                .map(|kind| signal(kind).ok());
        tokio::select! {
            () = received(&mut term) => ShutdownSignal::GracefulTerminate,
            () = received(&mut quit) => ShutdownSignal::GracefulTerminate,
            () = received(&mut interrupt) => ShutdownSignal::FastShutdown,
        }
    }
}

/// Has the config read again at each `SIGHUP`, on a thread of its own: it reads files.
fn watch_reload(served: Arc<Served>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    std::thread::spawn(move || {
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let mut hangup = signal(SignalKind::hangup()).ok();
            while let Some(signal) = &mut hangup {
                signal.recv().await;
                served.reload();
            }
        });
    });
}

/// Waits for a signal; for ever, if it cannot be watched.
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Finds out now what Pingora would panic of later.
fn check_listeners(settings: &ProxySettings) -> Result<(), StartError> {
    if settings.listen.is_empty() {
        return Err(StartError::NoListener);
    }
    // All at once, so that two of them that overlap are found too.
    let addresses = settings.listen.iter().chain(&settings.admin);
    let bind = |&address| {
        TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })
    };
    addresses.map(bind).collect::<Result<Vec<_>, _>>().map(drop)
}

fn new_server(settings: &ProxySettings) -> Result<Server, StartError> {
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
    Ok(server)
}

/// Pingora waits out the whole grace period; this ends it when nothing is in flight any more.
fn watch_stop(server: &Server, limit: Duration) {
    const TICK: Duration = Duration::from_millis(20);
    let mut phases = server.watch_execution_phase();
    std::thread::spawn(move || {
        while let Ok(phase) = phases.blocking_recv() {
            if matches!(phase, ExecutionPhase::ShutdownGracePeriod) {
                break;
            }
        }
        let deadline = Instant::now() + limit;
        let mut quiet = 0;
        // Twice quiet in a row: a request may just have been read but not counted yet.
        while quiet < 2 && Instant::now() < deadline {
            std::thread::sleep(TICK);
            quiet = if METRICS.in_flight.get() == 0 { quiet + 1 } else { 0 };
        }
        tracing::info!("stopped");
        std::process::exit(0);
    });
}
