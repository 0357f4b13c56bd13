//! Tests of gatepost as a service: messages to systemd, sockets from systemd, and signals.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use crate::support::*;

/// A socket that receives the messages of gatepost, as systemd does.
struct Supervisor {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Supervisor {
    fn new() -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, folder }
    }

    /// Returns the lines of the next message. Skips reports to the watchdog.
    fn next(&self) -> Vec<String> {
        loop {
            let mut bytes = [0; 4096];
            let length = self.socket.recv(&mut bytes).expect("expected a message, found none");
            let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
            if text != "WATCHDOG=1\n" {
                return text.lines().map(str::to_owned).collect();
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = gatepost();
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
        command
    }
}

pub(crate) const TEMPLATE: &str = "[[template]]\nname = 'a'\nprovider = 'tencent-css'\n\
                        keys = [{ env = 'TENCENT_KEY' }]\nbind = ['push.example.com']\n\
                        on.push = { answer = {} }\n";
pub(crate) const ROUTE: &str = "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";

/// Writes a config that contains the lines of `top`. Returns the path of the file.
fn config(folder: &tempfile::TempDir, top: &str) -> std::path::PathBuf {
    let path = folder.path().join("gatepost.toml");
    fs::write(&path, format!("threads = 2\n{top}{ROUTE}{TEMPLATE}")).unwrap();
    path
}

fn push_to(port: u16) -> u16 {
    Client::new(connect(port)).send(&pushed()).status
}

#[test]
fn notifies_supervisor_of_start_reload_and_stop() {
    let supervisor = Supervisor::new();
    let port = free_port();
    let path = config(&supervisor.folder, &format!("listen = '127.0.0.1:{port}'\n"));
    let mut gate = Program::start(supervisor.command().args(["run", "-c"]).arg(&path));
    let ready = supervisor.next();
    assert_eq!(ready[0], "READY=1");
    assert!(ready[1].starts_with("STATUS=serving 1 route, 1 template; config "), "{ready:?}");
    // `READY=1` means that gatepost accepts connections.
    assert_eq!(std::net::TcpStream::connect(("127.0.0.1", port)).map(drop).ok(), Some(()));
    assert_eq!(push_to(port), 200);

    let reload = || {
        gate.signal("HUP");
        let begin = supervisor.next();
        assert_eq!(begin[0], "RELOADING=1");
        let time = begin[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse::<u64>().unwrap();
        assert!(time > 0);
        supervisor.next()
    };
    let end = reload();
    assert_eq!(end[0], "READY=1");
    assert!(end[1].ends_with("generation 2"), "expected `generation 2` at the end, found {end:?}");
    fs::write(&path, "colour = 1").unwrap();
    let end = reload();
    assert_eq!(end.len(), 2, "expected a status of one line, found {end:?}");
    assert_eq!(end[0], "READY=1");
    assert!(end[1].contains("the last reload failed: expected a valid config"), "{end:?}");

    gate.signal("TERM");
    assert_eq!(supervisor.next()[0], "STOPPING=1");
    assert_eq!(gate.wait(), Some(0));
}

#[test]
fn reports_to_watchdog_while_workers_respond() {
    let supervisor = Supervisor::new();
    let path = config(&supervisor.folder, &format!("listen = '127.0.0.1:{}'\n", free_port()));
    let mut command = supervisor.command();
    command.env("WATCHDOG_USEC", "200000").args(["run", "-c"]).arg(&path);
    let _gate = Program::start(&mut command);
    let mut reports = 0;
    while reports < 4 {
        let mut bytes = [0; 4096];
        let length = supervisor.socket.recv(&mut bytes).unwrap();
        reports += usize::from(bytes[..length] == *b"WATCHDOG=1\n");
    }
}

#[test]
fn successor_notifies_supervisor_and_predecessor_does_not() {
    let supervisor = Supervisor::new();
    let port = free_port();
    let top = format!("listen = '127.0.0.1:{port}'\nupgrade_socket = 'upgrade.sock'\n");
    let path = config(&supervisor.folder, &top);
    let mut first = Program::start(supervisor.command().args(["run", "-c"]).arg(&path));
    assert_eq!(supervisor.next()[0], "READY=1");
    let mut command = supervisor.command();
    // A successor inherits the environment of its predecessor.
    command.env("WATCHDOG_USEC", "200000").env("WATCHDOG_PID", "1");
    let mut second = Program::start(command.args(["run", "--upgrade", "-c"]).arg(&path));
    let ready = supervisor.next();
    assert_eq!((&*ready[0], &*ready[1]), (&*format!("MAINPID={}", second.id()), "READY=1"));
    assert_eq!(first.wait(), Some(0));
    let line = first.wait_for_line("stopped");
    assert!(line.contains("upgrade"), "expected `upgrade`, found {line}");
    assert_eq!(push_to(port), 200);
    second.signal("TERM");
    assert_eq!(supervisor.next()[0], "STOPPING=1", "message after SIGTERM");
    assert_eq!(second.wait(), Some(0));
}

/// Starts gatepost with `listeners`, as systemd does. `names` is the value of `LISTEN_FDNAMES`. A
/// script sets `LISTEN_PID` to its own process id, then replaces itself with gatepost.
pub(crate) fn start_with(listeners: &[&TcpListener], names: &str, command: &Command) -> Program {
    let count = listeners.len();
    let mut shell = Command::new("python3");
    // The listeners are the descriptors from 3 on, without close-on-exec.
    let script = "import os, sys\n\
        count = int(sys.argv[1])\n\
        fds = [int(fd) for fd in sys.argv[2].split(',')]\n\
        high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]\n\
        for i, fd in enumerate(high): os.dup2(fd, 3 + i, inheritable=True)\n\
        os.closerange(3 + count, 200)\n\
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))\n\
        if sys.argv[3]: os.environ['LISTEN_FDNAMES'] = sys.argv[3]\n\
        os.execv(sys.argv[4], sys.argv[4:])\n";
    let copies: Vec<_> = listeners.iter().map(|l| rustix::io::dup(l).unwrap()).collect();
    let fds: Vec<_> =
        copies.iter().map(|fd| std::os::fd::AsRawFd::as_raw_fd(fd).to_string()).collect();
    shell.args(["-c", script, &count.to_string(), &fds.join(","), names]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env_remove("GATEPOST_LOG").env("TENCENT_KEY", KEY);
    shell.stdout(std::process::Stdio::null());
    Program::start(&mut shell)
}

pub(crate) fn listener() -> (TcpListener, u16) {
    let port = free_port();
    (TcpListener::bind(("127.0.0.1", port)).unwrap(), port)
}

#[test]
fn serves_on_sockets_of_supervisor_by_name_and_hands_them_over() {
    let folder = tempfile::TempDir::new().unwrap();
    let [(one, first), (two, second), (three, admin)] = [listener(), listener(), listener()];
    let unused = free_port();
    let top = format!("listen = '127.0.0.1:{unused}'\nupgrade_socket = 'upgrade.sock'\n");
    let path = config(&folder, &top);
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(&path);
    let mut gate = start_with(&[&one, &three, &two], "listen:admin:listen", &command);
    gate.wait_for_line("listening for the operator");
    drop((one, two, three));
    for port in [first, second] {
        assert_eq!(push_to(port), 200);
    }
    let ready = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(Client::new(connect(admin)).send(ready).status, 200);
    assert!(
        TcpListener::bind(("127.0.0.1", unused)).is_ok(),
        "expected a free address, found an address in use"
    );

    let mut command = gatepost();
    command.args(["run", "--upgrade", "-c"]).arg(&path).env("TENCENT_KEY", KEY);
    let successor = Program::start(&mut command);
    successor.wait_for_line("listening for the operator");
    assert_eq!(gate.wait(), Some(0));
    for port in [first, second] {
        assert_eq!(push_to(port), 200);
    }
    assert_eq!(Client::new(connect(admin)).send(ready).status, 200);
}

#[test]
fn serves_on_socket_of_supervisor_by_address_and_refuses_an_unused_socket() {
    let folder = tempfile::TempDir::new().unwrap();
    let ((one, port), (other, unknown)) = (listener(), listener());
    let path = config(&folder, &format!("listen = '127.0.0.1:{port}'\n"));
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(&path);
    let gate = start_with(&[&one], "gatepost.socket", &command);
    gate.wait_for_line("listening for callbacks");
    assert_eq!(push_to(port), 200);
    drop(gate);
    let mut gate = start_with(&[&one, &other], "", &command);
    let line = gate.wait_for_line("expected a socket of LISTEN_FDS");
    assert!(line.contains(&format!("127.0.0.1:{unknown}: ")), "{line}");
    assert_eq!(gate.wait(), Some(1));
}

#[test]
fn start_fails_with_address_and_cause_if_port_is_in_use() {
    let (socket, port) = listener();
    for key in ["listen", "admin"] {
        let folder = tempfile::TempDir::new().unwrap();
        let other = free_port();
        let top = format!("listen = '127.0.0.1:{other}'\nadmin = '127.0.0.1:{port}'\n");
        let top = if key == "admin" { top } else { format!("listen = '127.0.0.1:{port}'\n") };
        let path = config(&folder, &top);
        let mut command = gatepost();
        let mut gate =
            Program::start(command.args(["run", "-c"]).arg(path).env("TENCENT_KEY", KEY));
        let line = gate.wait_for_line("expected a free address to listen on");
        assert!(
            line.contains(&format!("127.0.0.1:{port}: ")),
            "{key}: expected `127.0.0.1:{port}:`, found {line}"
        );
        assert!(line.contains("in use"), "{key}: expected `in use`, found {line}");
        assert_eq!(gate.wait(), Some(1));
    }
    drop(socket);
}

#[test]
fn finishes_request_after_any_stop_signal_and_drops_request_after_second_signal() {
    for name in ["TERM", "INT", "QUIT"] {
        let app = App::start(|_| Act::Hold(b""));
        let config = templates(&app).replace("timeout_ms = 500", "timeout_ms = 1500");
        let mut gate = Gatepost::serve("", &config);
        let mut client = gate.connect();
        client.write(&play());
        gate.wait_for_in_flight(1);
        gate.program.signal(name);
        assert_eq!(client.read().text(), FAILED, "{name}");
        assert_eq!(gate.program.wait(), Some(0), "{name}");
        let line = gate.program.wait_for_line("stopped");
        assert!(line.contains(&format!("SIG{name}")) && line.contains("took_ms"), "{line}");
    }
    let app = App::start(|_| Act::Hold(b""));
    let config = templates(&app).replace("timeout_ms = 500", "timeout_ms = 20000");
    let mut gate = Gatepost::serve("", &config);
    let mut client = gate.connect();
    client.write(&play());
    gate.wait_for_in_flight(1);
    gate.program.signal("TERM");
    gate.program.wait_for_line("stopping");
    gate.program.signal("TERM");
    assert_eq!(gate.program.wait(), Some(1));
    gate.program.wait_for_line("stopped immediately");
    assert!(client.is_closed());
}

#[test]
fn start_line_names_version_config_and_listeners() {
    let gate = Gatepost::serve("", TEMPLATE);
    let line = gate.program.wait_for_line("\"starting\"");
    let config = gate.folder.path().join("gatepost.toml");
    for part in [
        &format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION")),
        &format!("\"config\":\"{}\"", config.display()),
        &format!("\"listeners\":\"127.0.0.1:{}, 127.0.0.1:{}\"", gate.port, gate.admin),
        "\"routes\":2,\"templates\":1",
        "\"fingerprint\":\"",
    ] {
        assert!(line.contains(part), "expected {part}, found {line}");
    }
}
