//! Real servers that run the apps in `tests/upstreams`.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{PATIENCE, free_port};

/// A running server. Dropping this value stops the server.
pub(crate) struct Server {
    pub(crate) port: u16,
    apps: PathBuf,
    folder: TempDir,
    processes: Vec<Child>,
}

/// Splits a path after its first name.
fn first_name(path: &str) -> (&str, &str) {
    path.split_once('/').expect("expected a folder and a file, found a single name")
}

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

impl Server {
    /// Creates a server without processes. `app` is a path below `tests/upstreams`. The server runs
    /// in the first folder of this path.
    fn new(app: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("handled"), "").unwrap();
        let apps = root().join("tests/upstreams").join(first_name(app).0);
        Self { port: free_port(), apps, folder, processes: Vec::new() }
    }

    fn spawn(&mut self, command: &mut Command) {
        let log = std::fs::File::create(self.path("log")).unwrap();
        command.current_dir(&self.apps);
        command.env("HANDLED", self.path("handled")).env("PORT", self.port.to_string());
        command.env("FOLDER", self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("expected {command:?} to start, found {error}; run tests/run, which installs the program")
        });
        self.processes.push(child);
    }

    /// Starts a server. `command` takes the port, and `app` without its first folder.
    pub(crate) fn start(app: &str, command: impl FnOnce(u16, &str) -> Command) -> Self {
        let mut server = Self::new(app);
        server.spawn(&mut command(server.port, first_name(app).1));
        server.wait_for_listener();
        server
    }

    fn wait_for_listener(&self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = self.log();
            assert!(started.elapsed() < PATIENCE, "expected a listener, found none:\n{log}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns the path of a file in the temporary folder of the server.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the name and the event type of each test request that the handlers have received. A
    /// missing name or type is `-`.
    pub(crate) fn handled(&self) -> Vec<(String, String)> {
        let pair = |line: &String| {
            let (probe, kind) = line.split_once(' ').unwrap_or((line, "-"));
            (probe.to_owned(), kind.to_owned())
        };
        self.lines().iter().map(pair).collect()
    }

    /// Returns the lines of the file into which the handlers write.
    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = std::fs::read(self.path("handled")).unwrap();
        String::from_utf8_lossy(&bytes).lines().map(ToOwned::to_owned).collect()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Serves a folder with `php -S`.
    pub(crate) fn php_files(app: &str) -> Self {
        Self::start(app, |port, files| {
            let mut command = Command::new("php");
            command.args(["-S", &format!("127.0.0.1:{port}"), "-t", files]);
            command
        })
    }

    /// Serves a router script with `php -S`.
    pub(crate) fn php_router(app: &str) -> Self {
        Self::start(app, |port, script| {
            let mut command = Command::new("php");
            command.args(["-S", &format!("127.0.0.1:{port}"), script]);
            command
        })
    }

    /// Serves a folder with nginx and php-fpm, for every value of the header `host`.
    pub(crate) fn nginx(app: &str, try_files: &str) -> Self {
        Self::nginx_on("\"\" ~.", app, try_files, "")
    }

    /// Serves a folder with nginx and php-fpm. For hosts other than `server_name`, nginx responds
    /// with 404. `pool` contains lines for the config of php-fpm.
    pub(crate) fn nginx_on(server_name: &str, app: &str, try_files: &str, pool: &str) -> Self {
        let mut server = Self::new(app);
        let folder = server.folder.path().display().to_string();
        for name in ["nginx.conf", "php-fpm.conf"] {
            let text = std::fs::read_to_string(root().join("tests/upstreams/apps").join(name));
            let text = text.unwrap();
            let text = text
                .replace("{folder}", &folder)
                .replace("{root}", &root().join("tests/upstreams").join(app).display().to_string())
                .replace("{server_name}", server_name)
                .replace("{try_files}", try_files)
                .replace("{port}", &server.port.to_string());
            // If the test runs as root, nginx and php-fpm can read the folder only as root, too.
            let is_root = rustix::process::geteuid().is_root();
            let user = if is_root && name == "nginx.conf" { "user root;\n" } else { "" };
            let pool = match (name, is_root) {
                ("php-fpm.conf", true) => &*format!("user = root\ngroup = root\n{pool}\n"),
                ("php-fpm.conf", false) => pool,
                _ => "",
            };
            std::fs::write(server.path(name), format!("{user}{text}{pool}")).unwrap();
        }
        let mut fpm = Command::new(find_php_fpm());
        fpm.arg("-F").arg("-y").arg(server.path("php-fpm.conf"));
        if rustix::process::geteuid().is_root() {
            fpm.arg("-R");
        }
        server.spawn(&mut fpm);
        let socket = server.path("php-fpm.sock");
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            let log = server.log();
            assert!(started.elapsed() < PATIENCE, "expected a php-fpm socket, found none:\n{log}");
            std::thread::yield_now();
        }
        let mut nginx = Command::new(on_path("nginx").unwrap_or_else(|| "/usr/sbin/nginx".into()));
        nginx.arg("-p").arg(server.folder.path()).arg("-c").arg(server.path("nginx.conf"));
        nginx.arg("-e").arg(server.path("nginx.log"));
        server.spawn(&mut nginx);
        server.wait_for_listener();
        server
    }

    /// Runs a script with Node.
    pub(crate) fn node(app: &str) -> Self {
        Self::start(app, |_, script| {
            let mut command = Command::new("node");
            command.arg(script).env("NODE_PATH", root().join("target/upstreams/node_modules"));
            command
        })
    }

    /// Serves a WSGI app with gunicorn.
    pub(crate) fn gunicorn(app: &str) -> Self {
        Self::start(app, |port, module| {
            let mut command = python();
            command.args(["-m", "gunicorn", "--bind", &format!("127.0.0.1:{port}")]);
            command.args(["--workers", "1", "--threads", "4", "--no-control-socket", module]);
            command
        })
    }

    /// Serves an ASGI app with uvicorn.
    pub(crate) fn uvicorn(app: &str) -> Self {
        Self::start(app, |port, module| {
            let mut command = python();
            command.args(["-m", "uvicorn", "--port", &port.to_string(), module]);
            command
        })
    }

    /// Serves an ASGI app with daphne.
    pub(crate) fn daphne(app: &str) -> Self {
        Self::start(app, |port, module| {
            let mut command = Command::new("daphne");
            command.args(["-b", "127.0.0.1", "-p", &port.to_string(), module]);
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            command
        })
    }

    /// Runs a script with Python.
    pub(crate) fn python(app: &str) -> Self {
        Self::start(app, |_, script| {
            let mut command = python();
            command.arg(script);
            command
        })
    }

    /// Serves a Rack app with Puma.
    pub(crate) fn puma(app: &str) -> Self {
        Self::start(app, |port, script| {
            let mut command = Command::new("puma");
            command.args(["-b", &format!("tcp://127.0.0.1:{port}"), "-t", "1:16", script]);
            command
        })
    }
}

/// Returns a command that runs Python with the pinned packages.
pub(crate) fn python() -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", root().join("target/upstreams/python"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists())
}

/// Finds php-fpm in `PATH`, else in `/usr/sbin`. On Debian, the file name contains the version.
fn find_php_fpm() -> PathBuf {
    let is_fpm = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("php-fpm"))
    };
    let sbin = std::fs::read_dir("/usr/sbin").into_iter().flatten().flatten();
    on_path("php-fpm").or_else(|| sbin.map(|entry| entry.path()).find(is_fpm)).expect(
        "expected php-fpm in PATH or /usr/sbin, found none; run tests/run, which installs it",
    )
}

impl Drop for Server {
    fn drop(&mut self) {
        // On SIGTERM, a master process also stops its workers.
        for child in &self.processes {
            let id = child.id().to_string();
            let _gone = Command::new("kill").args(["-s", "TERM", &id]).status();
        }
        let started = Instant::now();
        for child in &mut self.processes {
            while started.elapsed() < PATIENCE && matches!(child.try_wait(), Ok(None)) {
                std::thread::yield_now();
            }
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}
