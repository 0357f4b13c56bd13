//! Instruction counts of a push (a `push` callback) in the running program `gatepost`, without and
//! with captured callbacks.
//!
//! A count is the difference per push between two runs under callgrind, of which one serves more
//! pushes. The difference does not contain the start and the stop of the program. One client sends
//! the pushes one after the other on one connection, to a gatepost with one worker thread.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use md5::{Digest as _, Md5};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::Failure;
use crate::baseline::{Baseline, Count};
use crate::callgrind;
use crate::cases::push;
use crate::stacks::{BY_CALLERS, Stacks};

/// Number of pushes of the shorter run. At its end, the ring of captured callbacks is full.
const SHORTER: u64 = 300;
/// Number of pushes of the longer run.
const LONGER: u64 = 1_300;

/// Name of each count, and the first lines of gatepost's config for this count.
const PROXIES: [(&str, &str); 2] = [
    ("proxy/push", ""),
    (
        "proxy/push_captured",
        "admin = '127.0.0.1:@ADMIN@'\nadmin_token = 'bench-token'\n[inspector]\nkeep = 100\n",
    ),
];

const KEY: &str = "secret";
const PATH: &str = "/callbacks/tencent";
const REPLY: &[u8] = b"{\"code\":0}";

/// Time limit for the start of the program.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts the instructions of a push, for each entry of [`PROXIES`] whose name contains `filter`.
///
/// # Errors
///
/// Returns an error for a failure of cargo or valgrind, and for an unexpected reply.
pub fn count(filter: &str) -> Result<Baseline, Failure> {
    let named = PROXIES.iter().filter(|(name, _)| name.contains(filter));
    let mut named = named.peekable();
    if named.peek().is_none() {
        return Ok(Baseline::default());
    }
    let program = build()?;
    let counts = named.map(|(name, top)| {
        let total = |pushes| {
            callgrind::total_of(&run(&program, top, pushes, &[])?)
                .ok_or_else(|| Failure::from("expected a total, found none; update valgrind"))
        };
        let (shorter, longer) = (total(SHORTER)?, total(LONGER)?);
        let each = |longer: u64, shorter: u64| longer.saturating_sub(shorter) / (LONGER - SHORTER);
        let all = each(longer.all, shorter.all);
        Ok(((*name).to_owned(), Count { all, unhashed: each(longer.unhashed, shorter.unhashed) }))
    });
    counts.collect()
}

/// Returns the name of the first entry of [`PROXIES`], and the stacks of one push to a gatepost
/// with the config of this entry, which captures no callbacks.
///
/// # Errors
///
/// Returns an error for a failure of cargo or valgrind, and for an unexpected reply.
pub fn stacks() -> Result<(String, Stacks), Failure> {
    let [(name, top), _] = PROXIES;
    let program = build()?;
    let stacks = |pushes| {
        let profile = run(&program, top, pushes, &[BY_CALLERS])?;
        Ok::<_, Failure>(Stacks::of(callgrind::own_costs(&profile)))
    };
    let (shorter, longer) = (stacks(SHORTER)?, stacks(LONGER)?);
    Ok((name.to_owned(), longer.less(&shorter).each(LONGER - SHORTER)))
}

/// Builds the program, and returns its path.
fn build() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "-q", "--release", "-p", "gatepost-proxy", "--bin", "gatepost"]);
    if !build.current_dir(env!("CARGO_MANIFEST_DIR")).status()?.success() {
        return Err("expected a build of gatepost, found errors; correct them".into());
    }
    Ok(std::env::current_exe()?.with_file_name("gatepost"))
}

/// Returns the profile of a run that serves this number of pushes.
fn run(program: &Path, top: &str, pushes: u64, options: &[&str]) -> Result<String, Failure> {
    let dir = TempDir::new()?;
    let (port, admin) = (free_port()?, free_port()?);
    let config = config(top, port, admin, start_app()?);
    fs::write(dir.path().join("gatepost.toml"), config)?;
    let mut command = callgrind::valgrind(dir.path(), program, options)?;
    command.args(["run", "-c"]).arg(dir.path().join("gatepost.toml"));
    // `seeds.c` stops the clock, but a server needs a clock that runs.
    command.env_remove("LD_PRELOAD");
    command.env("GATEPOST_LOG", "off").stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = Running(command.spawn()?);
    send(&mut running.connect(port)?, pushes)?;
    running.stop()?;
    Ok(fs::read_to_string(dir.path().join(callgrind::PROFILE))?)
}

fn config(top: &str, port: u16, admin: u16, app: u16) -> String {
    let top = top.replace("@ADMIN@", &admin.to_string());
    format!(
        "listen = ['127.0.0.1:{port}']\nthreads = 1\n{top}\
         [[route]]\npath = '{PATH}'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['{KEY}']\nbind = ['*']\n\
         on.push = 'http://127.0.0.1:{app}/live/push'\n"
    )
}

fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The program under callgrind. Dropping this value ends the program.
struct Running(Child);

impl Running {
    /// Connects as soon as the program listens.
    fn connect(&mut self, port: u16) -> Result<TcpStream, Failure> {
        let started = Instant::now();
        loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => return Ok(stream),
                Err(_) if started.elapsed() > PATIENCE => {
                    return Err("expected gatepost to listen, found no listener".into());
                }
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
            if let Some(status) = self.0.try_wait()? {
                return Err(format!("expected gatepost to run, found {status}").into());
            }
        }
    }

    /// Stops the program. Callgrind then writes the profile.
    fn stop(&mut self) -> Result<(), Failure> {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::INT)?;
        let status = self.0.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("expected gatepost to stop, found {status}").into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Sends pushes, each after the reply to the previous push.
fn send(stream: &mut TcpStream, pushes: u64) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 800;
    let mut reply = [0; 4096];
    for number in 0..pushes {
        let body = signed(number, expires)?;
        let length = body.len();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nhost: gate.test\r\nuser-agent: bench\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        let length = stream.read(&mut reply)?;
        if !reply[..length].ends_with(REPLY) {
            let found = String::from_utf8_lossy(&reply[..length]).into_owned();
            return Err(format!("expected a reply to push {number}, found {found:?}").into());
        }
    }
    Ok(())
}

/// Returns the body of push `number`, with a signature that is valid now.
fn signed(number: u64, expires: u64) -> Result<String, Failure> {
    let mut event: Value = serde_json::from_str(push::BODY)?;
    let sign = Md5::digest(format!("{KEY}{expires}"));
    event["t"] = expires.into();
    event["sign"] = data_encoding::HEXLOWER.encode(&sign).into();
    event["sequence"] = format!("{number:019}").into();
    Ok(event.to_string())
}

/// Starts an app that answers every event with `{}`. Returns its port.
fn start_app() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

/// Answers the events on a connection until gatepost closes it.
fn serve(stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut events = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            events.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("content-length", value)) => {
                    length = value.parse().map_err(|_| ErrorKind::InvalidData)?;
                }
                Some(_) => {}
                None if line == "\r\n" => break,
                None if line.is_empty() => return Ok(()),
                None => {}
            }
        }
        events.read_exact(&mut vec![0; length])?;
        answers.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        )?;
    }
}
