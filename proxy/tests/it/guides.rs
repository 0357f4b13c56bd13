//! Runs the guides of the manual word for word: writes their files, runs their commands in one
//! shell, and compares the output with the page.
//!
//! The tests replace a guide's ports by free ports. They skip installations, and use the packages
//! of `tests/upstreams/install` and of the machine instead.

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

/// Line after the output of a block.
const END: &str = "-- end of block --";

/// The app of the guide for axum, beside the program `gatepost`.
const EXAMPLE: &str = "examples/recordings";

/// Ports in the guides: callbacks, the admin listener, and the app.
const PORTS: [&str; 3] = ["8080", "9900", "3000"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A fenced block of a guide.
#[derive(Debug)]
struct Block {
    language: String,
    /// Name of the file, if the text before says `Save this as`.
    file: Option<String>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
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
            before.push_str(line);
        }
    }
    blocks
}

/// A shell that runs the commands of a guide, in a folder of its own.
struct Shell {
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: TempDir,
    ports: [(&'static str, String); 3],
}

impl Shell {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
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
            .spawn()
            .unwrap();
        let input = shell.stdin.take().unwrap();
        let output = BufReader::new(shell.stdout.take().unwrap());
        let ports = PORTS.map(|port| (port, free_port().to_string()));
        Self { shell, input, output, folder, ports }
    }

    fn with_ports(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (from, to)| replaced(&text, from, to))
    }

    /// Runs a block, and returns its standard output.
    fn run(&mut self, block: &str) -> String {
        let lines = block.lines().filter(|line| !is_installation(line));
        let block = self.with_ports(&lines.collect::<Vec<_>>().join("\n"));
        let block = block.replace("cargo run &", &format!("{} &", self.example()));
        // A program in the background must not write into the output of the block.
        let block = block.replace(" &\n", " >&2 &\n");
        let block = block.strip_suffix(" &").map(|rest| format!("{rest} >&2 &")).unwrap_or(block);
        writeln!(self.input, "{block}\necho '{END}'").unwrap();
        let mut output = String::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "expected output of {block}");
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

    /// Returns the command that runs the app of the guide for axum.
    fn example(&self) -> String {
        let program = PathBuf::from(gatepost().get_program());
        let program = program.parent().unwrap().join(EXAMPLE);
        format!("{} 127.0.0.1:{}", program.display(), self.ports[0].1)
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
        let layer = block.contains(EXAMPLE);
        let is_app = |line: &str| line.ends_with(">&2 &") && !line.contains("gatepost run");
        let app = !layer && block.lines().any(is_app);
        let ports = [(0, gatepost || layer), (1, gatepost), (2, app)];
        let limit = Instant::now() + Duration::from_secs(60);
        for (at, _) in ports.into_iter().filter(|(_, waits)| *waits) {
            let address = format!("127.0.0.1:{}", self.ports[at].1);
            while TcpStream::connect(&address).is_err() {
                assert!(Instant::now() < limit, "expected a program on {address} after {block}");
                yield_now();
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("-{}", self.shell.id());
        // The programs in the background belong to the group of the shell.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.shell.wait();
    }
}

/// Replaces a number, except inside a longer number.
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

fn is_installation(line: &str) -> bool {
    ["npm install", "pip install", "gem install", "cargo new", "cargo add", "cd "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Runs a guide. Returns the number of outputs that it compared.
fn run(guide: &str) -> usize {
    let path = root().join(format!("src/manual/guides/{guide}.md"));
    let blocks = blocks(&std::fs::read_to_string(path).unwrap());
    let mut shell = Shell::start();
    let (mut last, mut compared) = (String::new(), 0);
    for Block { language, file, text } in blocks {
        match (language.as_str(), file) {
            ("sh", _) => last = shell.run(&text),
            ("text", _) => {
                assert_eq!(last, shell.with_ports(&text), "{guide}");
                compared += 1;
            }
            (_, Some(file)) => {
                let text = shell.with_ports(&text) + "\n";
                std::fs::write(shell.folder.path().join(file), text).unwrap();
            }
            _ => {}
        }
    }
    compared
}

#[test]
fn guide_for_php_works_word_for_word() {
    assert_eq!(run("php"), 4);
}

#[test]
fn guide_for_node_works_word_for_word() {
    assert_eq!(run("node"), 3);
}

#[test]
fn guide_for_kollus_works_word_for_word() {
    assert_eq!(run("kollus"), 1);
}

#[test]
fn guide_for_keys_works_word_for_word() {
    assert_eq!(run("keys"), 2);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn guide_for_express_works_word_for_word() {
    assert_eq!(run("express"), 1);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn guide_for_python_works_word_for_word() {
    assert_eq!(run("python"), 3);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn guide_for_fastapi_works_word_for_word() {
    assert_eq!(run("fastapi"), 1);
}

#[test]
#[ignore = "needs puma and Rack"]
fn guide_for_ruby_works_word_for_word() {
    assert_eq!(run("ruby"), 1);
}

/// Runs the guide for axum, whose app is `examples/recordings.rs`. Needs a built workspace.
#[test]
#[ignore = "needs the examples of the workspace"]
fn guide_for_axum_works_word_for_word() {
    assert_eq!(run("axum"), 2);
}

#[test]
fn app_of_guide_for_axum_is_the_example() {
    let example = std::fs::read_to_string(root().join("examples/recordings.rs")).unwrap();
    let page = std::fs::read_to_string(root().join("src/manual/guides/axum.md")).unwrap();
    let app = blocks(&page).into_iter().find(|block| block.language == "rust,no_run").unwrap();
    let (_, code) = example.split_once("\n\n").unwrap();
    assert_eq!(app.text, code.trim_end());
}

#[test]
fn config_in_kubernetes_manifest_has_no_faults() {
    let manifest =
        std::fs::read_to_string(root().join("examples/kubernetes/gatepost.yaml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != "  gatepost.toml: |").skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    let config: Vec<_> = lines.map(|line| line.strip_prefix("    ").unwrap_or_default()).collect();
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("tencent-css.key");
    std::fs::write(&keys, "a-key-of-32-letters-and-digits-01").unwrap();
    let config = config.join("\n").replace("/etc/gatepost-keys", folder.path().to_str().unwrap());
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, config).unwrap();
    let output = gatepost().args(["check", "-c"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
