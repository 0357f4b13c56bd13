//! NATS servers for tests. `tests/peers/install` installs the program in `target/peers`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gatepost_store::{NatsLogin, NatsOptions};
use tempfile::TempDir;

/// A running server. Dropping this value kills the server.
pub(crate) struct NatsServer {
    child: Child,
    pub(crate) url: String,
    pub(crate) monitor: String,
    folder: TempDir,
}

/// A JetStream block for the config. [`NatsServer::run`] replaces `FOLDER` with the path of the
/// server's folder.
pub(crate) const SYNCED: &str = "jetstream { store_dir: 'FOLDER', sync_interval: always }";

fn program() -> PathBuf {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut installed = folders.map(|folder| folder.join("target/peers/python/bin/nats-server"));
    installed.find(|path| path.exists()).unwrap_or_else(|| "nats-server".into())
}

impl NatsServer {
    /// Starts a server with JetStream that syncs each write.
    pub(crate) fn start() -> Self {
        Self::with(SYNCED)
    }

    /// Starts a server with these lines in its config.
    pub(crate) fn with(lines: &str) -> Self {
        Self::run(TempDir::new().unwrap(), lines, "127.0.0.1:-1")
    }

    /// Kills the server, and starts it again at the same address with the same data. The new config
    /// has [`SYNCED`] in place of the lines that the test gave to [`Self::with`].
    pub(crate) fn restart(mut self) -> Self {
        self.kill();
        let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap());
        let address = self.url.strip_prefix("nats://").unwrap().to_owned();
        Self::run(folder, SYNCED, &address)
    }

    fn run(folder: TempDir, lines: &str, address: &str) -> Self {
        let path = folder.path().display().to_string();
        let config = format!(
            "server_name: test\nlisten: '{address}'\nhttp: '127.0.0.1:-1'\n\
             ports_file_dir: '{path}'\n{}\n",
            lines.replace("FOLDER", &path)
        );
        let file = folder.path().join("nats.conf");
        fs::write(&file, config).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program());
        command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(log);
        let child =
            command.spawn().expect("expected nats-server, found none; run tests/peers/install");
        let ports = folder.path().join(format!("nats-server_{}.ports", child.id()));
        let started = Instant::now();
        let ports: serde_json::Value = loop {
            let read = fs::read(&ports).ok();
            if let Some(ports) = read.and_then(|text| serde_json::from_slice(&text).ok()) {
                break ports;
            }
            let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            let is_in_time = started.elapsed() < Duration::from_secs(20);
            assert!(is_in_time, "expected the ports of the server, found none; its log: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        };
        let url = ports["nats"][0].as_str().unwrap().to_owned();
        let monitor = ports["monitoring"][0].as_str().unwrap().to_owned();
        Self { child, url, monitor, folder }
    }

    /// Suspends the process. The system then accepts connections, but the server does not respond.
    pub(crate) fn suspend(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "STOP", &id]).status().unwrap().success());
    }

    fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    pub(crate) fn options(&self) -> NatsOptions {
        NatsOptions {
            servers: vec![self.url.clone()],
            login: NatsLogin::None,
            tls: None,
            prefix: "gatepost".into(),
            replicas: 1,
            largest_event: 65_536,
            monitors: vec![self.monitor.clone()],
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}
