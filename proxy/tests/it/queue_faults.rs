//! Tests of the queue with a disk that fails, and with a store whose file is missing or unusable.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::support::*;

const STORE: &str = "[store]\nurl = 'sqlite:gatepost.db'\n";

fn templates(app: &App) -> String {
    format!(
        "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n[template.on]\n\
         push = {{ url = '{}', timeout_ms = 500, deliver = 'queued', \
         retry = {{ first_ms = 20, max_ms = 100 }} }}\n{STORE}",
        app.url("/live/push"),
    )
}

/// Returns a command in which another program starts gatepost.
fn through(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(env!("CARGO_BIN_EXE_gatepost"));
    command.env_remove("GATEPOST_LOG");
    command
}

const ROUTE: &str = "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";

fn serve(command: Command, app: &App, prepare: impl FnOnce(&Path)) -> Gatepost {
    Gatepost::serve_by(command, &format!("{ROUTE}{}", templates(app)), prepare)
}

/// Creates a store with one pending event, so that gatepost needs no sync at its start.
fn with_an_event(folder: &Path) {
    let app = App::down();
    let mut gate = serve(gatepost(), &app, |_| {});
    assert_eq!(gate.send(&pushed()).status, 200);
    gate.program.signal("KILL");
    gate.program.wait();
    for name in ["gatepost.db", "gatepost.db-wal"] {
        fs::copy(gate.folder.path().join(name), folder.join(name)).unwrap();
    }
}

fn count(folder: &Path) -> i64 {
    let db = Connection::open(folder.join("gatepost.db")).unwrap();
    db.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
}

#[test]
fn failed_write_stops_the_queue_until_a_restart() {
    let app = App::down();
    // The shell ignores SIGXFSZ, so a write beyond the limit of 64 KiB fails.
    let limited = through("bash", &["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]);
    let mut gate = serve(limited, &app, with_an_event);
    let mut taken = 1;
    let refused = (0..200).find(|_| {
        let status = gate.send(&pushed()).status;
        taken += i64::from(status == 200);
        status == 503
    });
    assert!(refused.is_some(), "expected a 503 at the file size limit, found none");
    let line = gate.program.wait_for_line("store_unavailable");
    assert!(line.contains("repair the disk, then restart gatepost"), "{line}");
    assert_eq!(gate.send(&pushed()).status, 503);
    assert_eq!(gate.counted("gatepost_store_up", ""), 0);
    assert!(gate.counted("gatepost_store_errors_total", "failed") > 0);
    gate.program.signal("KILL");
    gate.program.wait();
    assert_eq!(count(gate.folder.path()), taken, "events in the store");
}

/// Returns the commands of the manual that save the events of a removed file.
fn commands_for_a_removed_file(process: u32) -> String {
    let manual = include_str!("../../../src/manual/queue.md");
    let (_, section) = manual.split_once("\n## Removed file\n").unwrap();
    let (_, commands) = section.split_once("```console\n").unwrap();
    let (commands, _) = commands.split_once("```").unwrap();
    commands.replace("$(pidof gatepost)", &process.to_string())
}

#[test]
fn removed_file_stops_the_queue_until_a_restart() {
    let app = App::down();
    let mut gate = serve(gatepost(), &app, |_| {});
    assert_eq!(gate.send(&pushed()).status, 200);
    let list = || {
        let mut command = gatepost();
        command.args(["queue", "list", "-c"]).arg(gate.folder.path().join("gatepost.toml"));
        let output = command.env("TENCENT_KEY", KEY).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    // `gatepost queue list` closes the file, and leaves the write-ahead log in place.
    list();
    assert_eq!(gate.send(&pushed()).status, 200);
    fs::remove_file(gate.folder.path().join("gatepost.db")).unwrap();
    assert_eq!(gate.send(&pushed()).status, 503);
    let line = gate.program.wait_for_line("store_unavailable");
    assert!(line.contains("gatepost.db as gatepost opened it, found another file"), "{line}");
    assert!(line.contains("stop gatepost, put the file and its log back"), "{line}");
    assert_eq!(gate.counted("gatepost_store_up", ""), 0);
    assert!(gate.counted("gatepost_store_errors_total", "removed") > 0);
    let commands = commands_for_a_removed_file(gate.program.id());
    let saved = Command::new("bash").args(["-ec", &commands]).current_dir(&gate.folder).status();
    assert!(saved.unwrap().success(), "{commands}");
    gate.program.signal("TERM");
    gate.program.wait();
    for (saved, name) in [("saved.db", "gatepost.db"), ("saved.db-wal", "gatepost.db-wal")] {
        fs::rename(gate.folder.path().join(saved), gate.folder.path().join(name)).unwrap();
    }
    assert!(count(gate.folder.path()) >= 2, "expected the acknowledged events, found fewer");
}

#[test]
fn folder_that_is_not_writable_prevents_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    let app = App::down();
    let store = templates(&app).replace("sqlite:gatepost.db", "sqlite:/proc/gatepost.db");
    fs::write(&path, format!("listen = ['127.0.0.1:{}']\n{ROUTE}{store}", free_port())).unwrap();
    let mut command = gatepost();
    let mut program = Program::start(command.args(["run", "-c"]).arg(path).env("TENCENT_KEY", KEY));
    program.wait_for_line("/proc/gatepost.db: expected a file that gatepost can create");
    assert!(program.log().contains("let gatepost write to the folder"), "{}", program.log());
    program.wait_for_line("code: store_file_unusable (`gatepost help store_file_unusable`");
    assert_eq!(program.wait(), Some(1));
}

/// A function that makes a store unusable.
type Prepare = fn(&Path);

#[test]
fn unusable_store_prevents_the_start_with_a_code() {
    let newer = |path: &Path| {
        let db = Connection::open(path).unwrap();
        db.execute_batch("PRAGMA application_id = 1735422836; PRAGMA user_version = 99;").unwrap();
    };
    let foreign = |path: &Path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE other (a)").unwrap();
    };
    let damaged = |path: &Path| {
        with_an_event(path.parent().unwrap());
        Connection::open(path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let mut bytes = fs::read(path).unwrap();
        bytes[4096..].fill(0xff);
        fs::write(path, bytes).unwrap();
    };
    let (newer, foreign, damaged): (Prepare, Prepare, Prepare) = (newer, foreign, damaged);
    for (prepare, code) in
        [(newer, "store_schema_unknown"), (foreign, "store_foreign"), (damaged, "store_damaged")]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatepost.toml");
        prepare(&folder.path().join("gatepost.db"));
        let config = format!("listen = ['127.0.0.1:{}']\n{ROUTE}", free_port());
        fs::write(&path, config + &templates(&App::down())).unwrap();
        let mut command = gatepost();
        command.args(["--log-format", "json", "run", "-c"]).arg(path).env("TENCENT_KEY", KEY);
        let mut program = Program::start(&mut command);
        program.wait_for_line(&format!("\"code\":\"{code}\""));
        assert_eq!(program.wait(), Some(1), "{code}");
    }
}

#[test]
fn file_that_is_not_writable_prevents_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let path = folder.path().join("gatepost.toml");
    let config = format!("listen = ['127.0.0.1:{}']\n{ROUTE}", free_port());
    fs::write(&path, config + &templates(&App::down())).unwrap();
    fs::write(folder.path().join("gatepost.db"), "").unwrap();
    open(&folder.path().join("gatepost.db"), 0o444);
    open(folder.path(), 0o777);
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    // File modes do not apply to root. If root runs this test, gatepost runs as another user.
    let mut command = match is_root {
        true => through("setpriv", &["--reuid=65534", "--regid=65534", "--clear-groups"]),
        false => gatepost(),
    };
    let mut program = Program::start(command.args(["run", "-c"]).arg(path).env("TENCENT_KEY", KEY));
    program.wait_for_line("gatepost.db: expected a file that gatepost can create and write");
    assert!(program.log().contains("let gatepost write to the folder"), "{}", program.log());
    assert_eq!(program.wait(), Some(1));
}

#[test]
#[ignore = "needs strace"]
fn syncs_event_before_its_acknowledgement() {
    let app = App::answering(200, "");
    let folder = tempfile::tempdir().unwrap();
    let calls = folder.path().join("calls");
    let traced = "trace=read,recvfrom,fsync,fdatasync,write,writev,sendto,sendmsg";
    let calls_text = calls.to_str().unwrap();
    // With `-D`, gatepost is the child of this test, and strace ends when gatepost ends.
    let strace = through("strace", &["-D", "-f", "-s", "60", "-e", traced, "-o", calls_text]);
    let gate = serve(strace, &app, |_| {});
    for _ in 0..20 {
        assert_eq!(gate.send(&pushed()).status, 200);
    }
    let is_reply =
        |line: &str| line.contains("\"HTTP/1.1 200 OK") && line.contains("application/json");
    let log = || fs::read_to_string(&calls).unwrap();
    eventually("20 replies", || log().lines().filter(|line| is_reply(line)).count() >= 20);
    let (mut is_synced, mut replies) = (true, 0);
    for line in log().lines() {
        if line.contains("\"POST /callbacks/tencent") {
            is_synced = false;
        } else if line.contains("sync") && line.ends_with("= 0") {
            is_synced = true;
        } else if is_reply(line) {
            assert!(is_synced, "expected a sync before the reply, found none in\n{}", log());
            replies += 1;
        }
    }
    assert!(replies > 0, "expected replies, found none in\n{}", log());
}

#[test]
#[ignore = "needs strace"]
fn failed_sync_stops_the_queue_until_a_restart() {
    let app = App::down();
    let fails = "inject=fdatasync,fsync:error=EIO";
    let strace = through("strace", &["-D", "-f", "-e", fails, "-o", "/dev/null"]);
    let mut gate = serve(strace, &app, with_an_event);
    assert_eq!(gate.send(&pushed()).status, 503);
    let line = gate.program.wait_for_line("store_unavailable");
    assert!(line.contains("repair the disk, then restart gatepost"), "{line}");
    assert_eq!(gate.send(&pushed()).status, 503);
    assert_eq!(gate.counted("gatepost_store_up", ""), 0);
    gate.program.signal("KILL");
    gate.program.wait();
    assert!(count(gate.folder.path()) >= 1, "expected the acknowledged event, found none");
}
