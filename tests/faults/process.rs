//! The gatepost process under test.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub const TOKEN: &str = "s3cret-t0ken";
pub const KEY: &str = "s1gning-k3y";

/// Reply to a `live_play` callback if the app fails.
pub const FAILED: &str = r#"{"data":{"result":0,"message":"Please try again"}}"#;

/// Time limit for a start, for a stop and for a metrics request.
const PATIENCE: Duration = Duration::from_secs(15);

/// Returns a free port below the system's range of ephemeral ports.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let spread = std::process::id().wrapping_mul(263).wrapping_add(step);
        let port = 10_000 + u16::try_from(spread % 22_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Destination of the log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Log {
    File,
    FullDisk,
    /// A full pipe that no process reads.
    StuckPipe,
}

/// Folder with a config, the ports in the config, and options of the process.
pub struct Setup<'a> {
    pub program: &'a Path,
    pub folder: TempDir,
    pub port: u16,
    pub admin: u16,
    /// Port of the TLS listener, if the config has this listener.
    pub tls_port: Option<u16>,
    pub log: Log,
    /// Limit on file descriptors, as arguments for the shell's `ulimit`.
    pub descriptors: Option<&'static str>,
}

impl<'a> Setup<'a> {
    /// Writes a config for an app on port `app`. The timeout applies to each event.
    pub fn new(program: &'a Path, app: u16, timeout: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let (port, admin) = (free_port(), free_port());
        let timeout = timeout.as_millis();
        let config = format!(
            "listen = ['127.0.0.1:{port}']\nadmin = '127.0.0.1:{admin}'\nthreads = 2\n\
             admin_token = {{ env = 'KOLLUS_TOKEN' }}\n\
             upstream = 'http://127.0.0.1:{app}'\nupgrade_socket = 'upgrade.sock'\n\
             [[route]]\npath = '/callbacks/kollus/{{token}}'\nprovider = 'kollus'\n\
             token = {{ env = 'KOLLUS_TOKEN' }}\n\
             [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
             [[template]]\nname = 'plays'\nprovider = 'kollus'\nbind = ['c']\n\
             [template.on.live_play]\nurl = 'http://127.0.0.1:{app}/kollus/play'\n\
             timeout_ms = {timeout}\non_failure = {{ result = 0, message = 'Please try again' }}\n\
             [[template]]\nname = 'pushes'\nprovider = 'tencent-css'\n\
             keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n\
             [template.on.push]\nurl = 'http://127.0.0.1:{app}/live/push'\ntimeout_ms = {timeout}\n"
        );
        fs::write(folder.path().join("gatepost.toml"), config).unwrap();
        Self { program, folder, port, admin, tls_port: None, log: Log::File, descriptors: None }
    }

    /// Writes lines at the start of the config.
    pub fn prepend(&self, lines: &str) {
        let path = self.folder.path().join("gatepost.toml");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{lines}{config}")).unwrap();
    }

    /// Writes lines at the end of the config.
    pub fn append(&self, lines: &str) {
        let path = self.folder.path().join("gatepost.toml");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{config}{lines}")).unwrap();
    }

    pub fn start(&self) -> Gatepost {
        self.spawn(false)
    }

    /// Starts a second process that takes over the listeners of the running process.
    pub fn upgrade(&self) -> Gatepost {
        self.spawn(true)
    }

    fn spawn(&self, upgrade: bool) -> Gatepost {
        let log_path = self.folder.path().join("log");
        let stderr = match self.log {
            Log::File => {
                Stdio::from(File::options().create(true).append(true).open(&log_path).unwrap())
            }
            Log::FullDisk => Stdio::from(File::options().write(true).open("/dev/full").unwrap()),
            Log::StuckPipe => full_pipe(),
        };
        let limit = self.descriptors.map_or(String::new(), |limit| format!("ulimit {limit}; "));
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{limit}exec \"$0\" \"$@\"")).arg(self.program);
        command.args(["--log-format", "json", "run", "-c"]);
        command.arg(self.folder.path().join("gatepost.toml")).args(upgrade.then_some("--upgrade"));
        command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY).env_remove("GATEPOST_LOG");
        if !matches!(self.log, Log::File) {
            // At this level, gatepost writes a line for each callback.
            command.env("GATEPOST_LOG", "gatepost=debug");
        }
        let child = command.stderr(stderr).stdout(Stdio::null()).spawn().unwrap();
        // gatepost binds its addresses one after the other.
        let ports = [Some(self.port), self.tls_port, Some(self.admin)];
        ports.into_iter().flatten().for_each(wait_for_listener);
        Gatepost { child, admin: self.admin }
    }

    /// Returns the most memory that clients without a key can make gatepost use, in MB, as
    /// `gatepost check` prints it.
    pub fn memory_bound(&self) -> f64 {
        let mut command = Command::new(self.program);
        command.args(["check", "-c"]).arg(self.folder.path().join("gatepost.toml"));
        command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
        let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let line = printed.lines().find_map(|line| line.strip_prefix("memory: at most "));
        let number = line.and_then(|line| line.split(' ').next()?.parse().ok());
        number.expect("expected a line about memory, found none")
    }

    pub fn log_text(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// Creates a full pipe, and leaks its reader so that the pipe stays full and open.
fn full_pipe() -> Stdio {
    const CAPACITY: usize = 65_536;
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(&[b'x'; CAPACITY]).unwrap();
    std::mem::forget(reader);
    writer.into()
}

/// A running gatepost process. Dropping this value kills the process.
pub struct Gatepost {
    child: Child,
    admin: u16,
}

fn wait_for_listener(port: u16) {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            started.elapsed() < PATIENCE,
            "expected a listener on port {port}, found none after {PATIENCE:?}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

impl Gatepost {
    pub fn signal(&self, signal: Signal) {
        let _gone = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Reads a field of `/proc/…/status`, in MB. Returns zero if the field is missing.
    pub fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1024.0
    }

    /// Waits until the process ends.
    ///
    /// # Errors
    ///
    /// Returns an error if the process fails or does not end in time.
    pub fn wait(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(format!("expected gatepost to succeed, found {status}"));
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(format!("expected the process to end, found it running after {PATIENCE:?}"))
    }

    /// Sends `SIGTERM`, and waits until the process ends.
    ///
    /// # Errors
    ///
    /// Returns an error if the process fails or does not end in time.
    pub fn stop(&mut self) -> Result<(), String> {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Reads the metrics.
    ///
    /// # Errors
    ///
    /// Returns an error if the process does not serve the metrics in time.
    pub fn metrics(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        BufReader::new(stream).read_to_string(&mut text)?;
        Ok(text)
    }

    /// Reads the value of a counter that has no labels.
    pub fn counter(&self, name: &str) -> Option<u64> {
        let text = self.metrics().ok()?;
        text.as_bytes()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }
}

impl Drop for Gatepost {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
