//! Tests of the admin listener on a Unix socket and with TLS, and of TLS during an upgrade.

use std::fs;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::authority::presented;
use super::*;

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A folder with a config, and the port of the listener for callbacks.
struct Folder {
    folder: tempfile::TempDir,
    port: u16,
}

impl Folder {
    fn new(top: &str, tables: &str) -> Self {
        let (folder, port) = (tempfile::TempDir::new().unwrap(), free_port());
        let config = format!(
            "listen = '127.0.0.1:{port}'\nthreads = 1\n{top}\n\
             [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n{tables}"
        );
        fs::write(folder.path().join("gatepost.toml"), config).unwrap();
        Self { folder, port }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts gatepost in the folder, with a relative path of the config.
    fn start(&self, arguments: &[&str]) -> Program {
        let mut command = gatepost();
        command.args(["run", "-c", "gatepost.toml"]).args(arguments);
        Program::start(command.current_dir(self.folder.path()).env("TENCENT_KEY", KEY))
    }
}

/// Requests `/healthz` over a Unix socket with curl. Returns the output and the errors of curl.
fn curl(socket: &Path) -> String {
    let output = Command::new("curl")
        .args(["-sS", "--unix-socket"])
        .arg(socket)
        .arg("http://localhost/healthz")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn serves_operator_on_unix_socket_and_replaces_stale_socket() {
    let folder = Folder::new("admin = 'unix:admin.sock'", "");
    let socket = folder.path("admin.sock");
    let mut program = folder.start(&[]);
    program.wait_for_line("listening for the operator");
    assert_eq!(curl(&socket), "ok\n");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);

    let other = Folder::new(&format!("admin = 'unix:{}'", socket.display()), "");
    let mut second = other.start(&[]);
    second.wait_for_line("expected a free address to listen on, found an error: address in use");
    assert_eq!(second.wait(), Some(1));
    assert_eq!(curl(&socket), "ok\n");

    program.signal("KILL");
    program.wait();
    assert!(UnixStream::connect(&socket).is_err());
    let program = folder.start(&[]);
    program.wait_for_line("listening for the operator");
    assert_eq!(curl(&socket), "ok\n");
}

#[test]
fn keeps_other_file_at_path_of_socket() {
    let folder = Folder::new("admin = 'unix:admin.sock'", "");
    fs::write(folder.path("admin.sock"), "precious").unwrap();
    let mut program = folder.start(&[]);
    program.wait_for_line("expected a free address to listen on");
    assert_eq!(program.wait(), Some(1));
    assert_eq!(fs::read_to_string(folder.path("admin.sock")).unwrap(), "precious");
    drop(UnixListener::bind(folder.path("x.sock")).unwrap());
}

#[test]
fn serves_operator_over_tls() {
    let authority = Authority::new();
    let admin = free_port();
    let tables = "[[certificate]]\nchain = 'fullchain.pem'\nkey = { file = 'privkey.pem' }\n";
    let folder = Folder::new(&format!("admin = 'tls:127.0.0.1:{admin}'"), tables);
    authority.issue(&["gate.test"]).write(folder.folder.path());
    let program = folder.start(&[]);
    program.wait_for_line("listening for the operator");
    let mut client = authority.client().connect(admin, "gate.test").unwrap();
    let reply = client.send(HEALTH);
    assert_eq!((reply.status, reply.text().as_str()), (200, "ok\n"));
    let reply = Client::new(connect(admin)).send(HEALTH);
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (400, "expected TLS, found plain HTTP; use https://\n")
    );
    let health = |port, options: &[&str]| {
        let url = format!("https://localhost:{port}/healthz");
        let output = gatepost().args(["health", &url]).args(options).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    fs::write(folder.path("ca.pem"), &authority.pem).unwrap();
    let ca = folder.path("ca.pem");
    authority.issue(&["localhost"]).write(folder.folder.path());
    program.signal("HUP");
    program.wait_for_line("reloaded the config");
    assert_eq!(health(admin, &["--cacert", ca.to_str().unwrap()]), (Some(0), "ok\n".into()));
    assert_eq!(health(admin, &[]), (Some(1), String::new()));
}

#[test]
fn console_cookie_is_secure_over_tls() {
    let (authority, admin) = (Authority::new(), free_port());
    let tables = "[[certificate]]\nchain = 'fullchain.pem'\nkey = { file = 'privkey.pem' }\n";
    let top = format!("admin = 'tls:127.0.0.1:{admin}'\nadmin_token = 's3cret-t0ken'");
    let folder = Folder::new(&top, tables);
    authority.issue(&["localhost"]).write(folder.folder.path());
    let program = folder.start(&[]);
    program.wait_for_line("listening for the operator");
    let mut client = authority.client().connect(admin, "localhost").unwrap();
    let reply = client.send(
        b"POST /console/login HTTP/1.1\r\nhost: localhost\r\norigin: https://localhost\r\n\
          content-length: 18\r\n\r\ntoken=s3cret-t0ken",
    );
    assert_eq!((reply.status, reply.header("location")), (303, Some("./")));
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
}

#[test]
fn upgrade_takes_over_tls_listener_and_unix_socket() {
    let app = App::answering(200, "");
    let authority = Authority::new();
    let port = free_port();
    let tables = format!(
        "[[certificate]]\nchain = 'fullchain.pem'\nkey = {{ file = 'privkey.pem' }}\n{}",
        templates(&app)
    );
    let top = format!(
        "admin = 'unix:admin.sock'\nupgrade_socket = 'upgrade.sock'\nlisten_tls = '127.0.0.1:{port}'"
    );
    let folder =
        Folder::new(&top, &tables.replace("provider = 'kollus'", "provider = 'tencent-css'"));
    let tables = fs::read_to_string(folder.path("gatepost.toml")).unwrap();
    let (before, kollus) = tables.split_once("[[template]]").unwrap();
    let (_, tencent) = kollus.split_once("[[template]]").unwrap();
    fs::write(folder.path("gatepost.toml"), format!("{before}[[template]]{tencent}")).unwrap();
    authority.issue(&["gate.test"]).write(folder.folder.path());
    let mut first = folder.start(&[]);
    first.wait_for_line("listening for the operator");
    let client = authority.client();
    assert_eq!(client.connect(port, "gate.test").unwrap().send(&pushed()).status, 200);
    let renewed = authority.issue(&["gate.test"]);
    renewed.write(folder.folder.path());
    let second = folder.start(&["--upgrade"]);
    assert_eq!(first.wait(), Some(0));
    let mut after = client.connect(port, "gate.test").unwrap();
    assert_eq!(presented(&after), renewed.first());
    assert_eq!(after.send(&pushed()).status, 200);
    assert_eq!(curl(&folder.path("admin.sock")), "ok\n");
    let mut admin =
        Client::new_from(BufReader::new(UnixStream::connect(folder.path("admin.sock")).unwrap()));
    assert_eq!(admin.send(HEALTH).status, 200);
    assert_eq!(Client::new(connect(folder.port)).send(&pushed()).status, 200);
    drop(second);
}
