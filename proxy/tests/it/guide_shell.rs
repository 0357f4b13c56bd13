//! A shell that runs the commands of a guide in a temporary folder.
//!
//! The shell replaces a guide's ports with free ports. It skips commands that install packages,
//! because `tests/upstreams/install` or the machine provides the packages. It also skips
//! `cargo new` and `cd`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{free_port, gatepost};

/// File with the standard error of all programs.
const LOG: &str = "standard-error.log";

/// Line that the shell prints after the output of a block.
const END: &str = "-- end of block --";

/// Ports in the guides: callbacks, the admin listener, the app, and both listeners of a second
/// gatepost.
const PORTS: [&str; 5] = ["8080", "9900", "3000", "8081", "9901"];

/// Commands that the shell replaces, each with its replacement.
const REPLACED: [(&str, &str); 1] = [(
    "php artisan serve --port 3000",
    "php -S 127.0.0.1:3000 ROOT/tests/upstreams/apps/laravel.php",
)];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A fenced block of a guide.
#[derive(Debug)]
pub struct Block {
    pub language: String,
    /// Name of the file after `Save this as` in the preceding text.
    pub file: Option<String>,
    pub text: String,
}

/// Returns the text of a guide.
pub fn page(guide: &str) -> String {
    std::fs::read_to_string(root().join(format!("src/manual/guides/{guide}.md"))).unwrap()
}

pub fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut before) = (Vec::new(), String::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let file =
                before.split("Save this as `").nth(1).and_then(|rest| rest.split('`').next());
            let (language, file) = (language.to_owned(), file.map(str::to_owned));
            blocks.push(Block { language, file, text: text.join("\n") });
            before.clear();
        } else if line.is_empty() && !before.contains("Save this as") {
            before.clear();
        } else {
            before = before + " " + line;
        }
    }
    blocks
}

/// A bash process in a temporary folder.
pub struct Shell {
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: TempDir,
    ports: [(&'static str, String); 5],
    /// Name of the example that the shell starts in place of `cargo run`.
    example: &'static str,
    /// Length of the log in bytes at the start of the current block.
    log_start: usize,
}

impl Shell {
    pub fn start(example: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let log = File::create(folder.path().join(LOG)).unwrap();
        let upstreams = root().join("target/upstreams");
        symlink(upstreams.join("node_modules"), folder.path().join("node_modules")).unwrap();
        let program = PathBuf::from(gatepost().get_program());
        let path = [program.parent().unwrap(), &upstreams.join("python/bin")]
            .map(|folder| folder.display().to_string())
            .join(":");
        let mut shell = Command::new("bash")
            .env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap()))
            .env("PYTHONPATH", upstreams.join("python"))
            .current_dir(folder.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let input = shell.stdin.take().unwrap();
        let output = BufReader::new(shell.stdout.take().unwrap());
        let ports = PORTS.map(|port| (port, free_port().to_string()));
        Self { shell, input, output, folder, ports, example, log_start: 0 }
    }

    pub fn with_ports(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (from, to)| replaced(&text, from, to))
    }

    /// Writes a file of the guide.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, self.with_ports(text) + "\n").unwrap();
    }

    /// Returns the standard error of all programs since the start of the current block.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.folder.path().join(LOG)).unwrap();
        String::from_utf8_lossy(&log[self.log_start..]).into_owned()
    }

    /// Waits for a log line that contains the parts of `pattern` between the ellipses, in this
    /// order.
    pub fn wait_for_log(&self, pattern: &str) {
        let limit = Instant::now() + Duration::from_secs(30);
        let pattern = format!("…{}…", self.with_ports(pattern).trim_end_matches('…'));
        while !self.log().lines().any(|line| fits(&pattern, line)) {
            assert!(Instant::now() < limit, "expected {pattern}, found:\n{}", self.log());
            yield_now();
        }
    }

    /// Runs a block, and returns its standard output.
    pub fn run(&mut self, block: &str) -> String {
        self.log_start = std::fs::metadata(self.folder.path().join(LOG)).unwrap().len() as usize;
        let lines = block.lines().filter(|line| !is_installation(line));
        let mut block = lines.collect::<Vec<_>>().join("\n");
        for (command, other) in REPLACED {
            block = block.replace(command, &other.replace("ROOT", root().to_str().unwrap()));
        }
        let block = self.with_ports(&block);
        let block = block.replace("cargo run &", &format!("{} &", self.example()));
        // Keep the output of background programs out of the output of the block.
        let block = block.replace(" &\n", " >&2 &\n");
        let block = block.strip_suffix(" &").map(|rest| format!("{rest} >&2 &")).unwrap_or(block);
        writeln!(self.input, "{block}\necho '{END}'").unwrap();
        let mut output = String::new();
        loop {
            let mut line = String::new();
            assert!(
                self.output.read_line(&mut line).unwrap() > 0,
                "expected the end of the block, found the end of the shell in {block}"
            );
            if line.trim_end() == END {
                break;
            }
            output.push_str(&line);
        }
        self.use_own_ports();
        if block.contains(">&2 &") {
            self.wait_for_listeners(&block);
        }
        output.trim_end().to_owned()
    }

    /// Returns the command that runs the app of a guide for Rust.
    pub fn example(&self) -> String {
        let program = PathBuf::from(gatepost().get_program());
        let program = program.parent().unwrap().join("examples").join(self.example);
        let [(_, listen), _, (_, app), ..] = &self.ports;
        format!("{} 127.0.0.1:{listen} 127.0.0.1:{app}", program.display())
    }

    /// Replaces the ports in the config that `gatepost init` has written.
    fn use_own_ports(&self) {
        let path = self.folder.path().join("gatepost.toml");
        if let Ok(config) = std::fs::read_to_string(&path) {
            let own = self.with_ports(&config);
            if own != config {
                std::fs::write(path, own).unwrap();
            }
        }
    }

    /// Waits until the programs that a block starts accept connections.
    fn wait_for_listeners(&self, block: &str) {
        let gatepost = block.contains("gatepost run");
        let is_example = |line: &str| line.contains("/examples/") && !self.example.is_empty();
        let layer = block.lines().any(is_example);
        let is_app = |line: &str| {
            line.ends_with(">&2 &") && !line.contains("gatepost run") && !is_example(line)
        };
        let app = block.lines().any(is_app);
        let second = block.contains("second.toml &");
        let second = second || block.contains("second.toml >&2 &");
        let ports = [(0, gatepost || layer), (1, gatepost), (2, app), (3, second), (4, second)];
        let limit = Instant::now() + Duration::from_secs(60);
        for (at, _) in ports.into_iter().filter(|(_, waits)| *waits) {
            let address = format!("127.0.0.1:{}", self.ports[at].1);
            while TcpStream::connect(&address).is_err() {
                assert!(
                    Instant::now() < limit,
                    "expected a listener on {address} after {block}, found none"
                );
                yield_now();
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("-{}", self.shell.id());
        // The background programs belong to the process group of the shell.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.shell.wait();
    }
}

/// Replaces the number `from`, but no part of a longer number.
fn replaced(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split(from);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_digit = |letter: Option<char>| letter.is_some_and(|one| one.is_ascii_digit());
        let inside = is_digit(out.chars().last()) || is_digit(part.chars().next());
        out.push_str(if inside { from } else { to });
        out.push_str(part);
    }
    out
}

/// Returns true if `text` matches `pattern`, in which each ellipsis represents any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = "";
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        (rest, last) = (after, part);
    }
    rest.is_empty() || (last.is_empty() && pattern.ends_with('…'))
}

fn is_installation(line: &str) -> bool {
    ["npm install", "pip install", "gem install", "cargo new", "cargo add", "cd "]
        .iter()
        .any(|start| line.starts_with(start))
}
