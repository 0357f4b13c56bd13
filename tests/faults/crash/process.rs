//! The gatepost process, and its folder.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub const KEY: &str = "s1gning-k3y";

/// Time limit for a start, for a stop, and for the delivery of the last events.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Folder with config, store and log.
pub struct Setup {
    program: PathBuf,
    disk: PathBuf,
    folder: TempDir,
    pub port: u16,
    admin: u16,
}

impl Setup {
    pub fn new(program: &Path, disk: &Path, app: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let [port, admin] = free_ports();
        let config = format!(
            "listen = ['127.0.0.1:{port}']\nadmin = '127.0.0.1:{admin}'\nthreads = 2\n\
             upgrade_socket = 'upgrade.sock'\n\
             [store]\nurl = 'sqlite:store/gatepost.db'\nretention = {{ delivered_secs = 5 }}\n\
             [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
             [[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
             keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n\
             [template.on]\n\
             push = {{ url = 'http://127.0.0.1:{app}/push', timeout_ms = 2000, \
             deliver = 'queued', retry = {{ first_ms = 20, max_ms = 200 }} }}\n"
        );
        fs::write(folder.path().join("gatepost.toml"), config).unwrap();
        fs::create_dir(folder.path().join("store")).unwrap();
        fs::create_dir(folder.path().join("synced")).unwrap();
        Self { program: program.into(), disk: disk.into(), folder, port, admin }
    }

    /// Keeps the folder after the end of the program. Returns its path.
    pub fn keep(&mut self) -> &Path {
        self.folder.disable_cleanup(true);
        self.folder.path()
    }

    /// Returns the folder of the store.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store").canonicalize().unwrap()
    }

    /// Returns the folder with a copy of each file of the store, as of the last sync of the file.
    pub fn synced(&self) -> PathBuf {
        self.folder.path().join("synced")
    }

    /// Starts gatepost. `disk_rule` is the value of `DISK_KILL`.
    pub fn spawn(&self, disk_rule: Option<String>) -> Gatepost {
        self.spawn_with(disk_rule, None)
    }

    /// Starts a process that takes over the listeners of the running process.
    pub fn upgrade(&self) -> Gatepost {
        self.spawn_with(None, Some("--upgrade"))
    }

    fn spawn_with(&self, disk_rule: Option<String>, option: Option<&str>) -> Gatepost {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"));
        let mut command = Command::new(&self.program);
        command.args(["run", "-c"]).arg(self.folder.path().join("gatepost.toml")).args(option);
        command.env("TENCENT_KEY", KEY).env("LD_PRELOAD", &self.disk);
        command.env("DISK_FOLDER", self.store()).env("DISK_SYNCED", self.synced());
        command.envs(disk_rule.map(|rule| ("DISK_KILL", rule)));
        let child = command.stdout(Stdio::null()).stderr(log.unwrap()).spawn().unwrap();
        Gatepost { child, port: self.port, admin: self.admin, log: self.folder.path().join("log") }
    }
}

impl Drop for Setup {
    /// Keeps the folder after a failed assertion, because the store shows the cause.
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("store and log: {}", self.keep().display());
        }
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    // Choose ports below the range that the system uses for outgoing connections.
    listeners.map(|listener| {
        let start = 10_000 + listener.local_addr().unwrap().port() % 20_000;
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        (start..32_000).find(is_free).expect("expected a free port, found none")
    })
}

pub struct Gatepost {
    child: Child,
    port: u16,
    admin: u16,
    log: PathBuf,
}

impl Gatepost {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn wait_until_it_listens(&self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                started.elapsed() < PATIENCE,
                "expected a listener, found none; log:\n{}",
                self.log_end()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the process ends. Returns false if the process still runs `limit` after it began
    /// to listen.
    pub fn wait_for_end(&mut self, limit: Duration) -> bool {
        let (started, mut listens) = (Instant::now(), None);
        while listens.is_none_or(|since: Instant| since.elapsed() < limit) {
            assert!(
                started.elapsed() < PATIENCE,
                "expected a listener, found none; log:\n{}",
                self.log_end()
            );
            if listens.is_none() && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                listens = Some(Instant::now());
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                // A process that a signal ends has no exit code.
                assert_eq!(
                    status.code(),
                    None,
                    "expected gatepost to end by a signal, found an exit code; log:\n{}",
                    self.log_end()
                );
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        false
    }

    pub fn kill(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }

    /// Waits until the queue has no pending event, at most [`PATIENCE`].
    ///
    /// # Errors
    ///
    /// Returns the metrics of the queue if the queue then has a pending event or a dead letter.
    pub fn wait_until_empty(&self) -> Result<(), String> {
        self.wait_until_it_listens();
        let started = Instant::now();
        loop {
            let metrics = self.metrics();
            let has = |text: &str| metrics.contains(text);
            let is_delivered = has("gatepost_queue_events{state=\"pending\"} 0\n");
            if is_delivered && has("gatepost_queue_events{state=\"dead\"} 0\n") {
                return Ok(());
            }
            if is_delivered || started.elapsed() >= PATIENCE {
                let of_queue = |line: &&str| {
                    line.starts_with("gatepost_queue_") || line.starts_with("gatepost_store_up")
                };
                return Err(metrics.lines().filter(of_queue).collect::<Vec<_>>().join("\n"));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.admin)) else { return text };
        let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        if stream.write_all(request).is_ok() {
            let _incomplete = stream.read_to_string(&mut text);
        }
        text
    }

    /// Stops the process. Returns true if the exit code is 0.
    pub fn stop(&mut self) -> bool {
        let _gone = kill_process(self.pid(), Signal::TERM);
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        false
    }

    /// Returns the last 20 lines of the log.
    pub fn log_end(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Gatepost {
    fn drop(&mut self) {
        self.kill();
    }
}
