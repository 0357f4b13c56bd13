//! Tests of upgrades of a running gatepost: a successor takes over the listeners. `faults.rs` tests
//! that gatepost loses no request during an upgrade.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

use crate::support::*;

const SOCKET: &str = "upgrade_socket = 'upgrade.sock'\n";

fn successor(gate: &Gatepost, config: &str) -> Program {
    let mut command = gatepost();
    command.args(["run", "--upgrade", "-c"]).arg(gate.folder.path().join(config));
    Program::start(command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY))
}

fn config_of(gate: &Gatepost) -> String {
    fs::read_to_string(gate.folder.path().join("gatepost.toml")).unwrap()
}

fn assert_fails_and_changes_nothing(gate: &Gatepost, config: &str, why: &str) {
    fs::write(gate.folder.path().join("successor.toml"), config).unwrap();
    let mut successor = successor(gate, "successor.toml");
    successor.wait_for_line(why);
    assert_eq!(successor.wait(), Some(1));
    assert_eq!(gate.send(&pushed()).status, 200);
}

#[test]
fn each_successor_replaces_running_process() {
    let app = App::answering(200, "");
    let mut gate = Gatepost::serve(SOCKET, &templates(&app));
    let mut second = successor(&gate, "gatepost.toml");
    assert_eq!(gate.program.wait(), Some(0));
    assert_eq!(gate.send(&pushed()).status, 200);
    assert!(gate.metrics().contains("gatepost_requests_in_flight"));
    let _third = successor(&gate, "gatepost.toml");
    assert_eq!(second.wait(), Some(0));
    assert_eq!(gate.send(&pushed()).status, 200);
    let socket = fs::metadata(gate.folder.path().join("upgrade.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
}

#[test]
fn process_keeps_serving_if_successor_fails() {
    let app = App::answering(200, "");
    let mut gate = Gatepost::serve(SOCKET, &templates(&app));
    let config = config_of(&gate);
    let taken = format!("'127.0.0.1:{}', '127.0.0.1:{}'", gate.port, app.port);
    let own = format!("'127.0.0.1:{}'", gate.port);
    let more = config.replacen(&own, &taken, 1).replace(&app.url(""), "http://127.0.0.1:9");
    assert_fails_and_changes_nothing(&gate, &more, "expected a free address to listen on");
    gate.program.wait_for_line("expected a successor that takes over");
    assert_fails_and_changes_nothing(
        &gate,
        &config.replace(SOCKET, ""),
        "expected `upgrade_socket`",
    );
    let elsewhere = config.replace("upgrade.sock", "other.sock");
    assert_fails_and_changes_nothing(
        &gate,
        &elsewhere,
        "expected listeners from the running gatepost",
    );
    let _second = successor(&gate, "gatepost.toml");
    assert_eq!(gate.program.wait(), Some(0));
    assert_eq!(gate.send(&pushed()).status, 200);
}

#[test]
fn successor_that_dies_during_handover_does_not_block_next_successor() {
    let app = App::answering(200, "");
    let mut gate = Gatepost::serve(SOCKET, &templates(&app));
    let path = gate.folder.path().join("upgrade.sock");
    // This successor replaces the upgrade socket with its own socket, then closes its own socket.
    let dying = UnixStream::connect(&path).unwrap();
    fs::remove_file(&path).unwrap();
    drop((UnixListener::bind(&path).unwrap(), dying));
    gate.program.wait_for_line("expected a successor that takes over");
    gate.program.wait_for_line("waiting for another successor");
    let _second = successor(&gate, "gatepost.toml");
    assert_eq!(gate.program.wait(), Some(0));
    assert_eq!(gate.send(&pushed()).status, 200);
}

#[test]
fn does_not_start_with_upgrade_socket_in_directory_that_others_can_write_to() {
    let app = App::answering(200, "");
    let gate = Gatepost::serve(SOCKET, &templates(&app));
    let folder = gate.folder.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let why = "expected a directory that no other user can write to";
    assert_fails_and_changes_nothing(&gate, &config_of(&gate), why);
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(folder.join("successor.toml"));
    let free = config_of(&gate)
        .replace(&gate.port.to_string(), &free_port().to_string())
        .replace(&gate.admin.to_string(), &free_port().to_string());
    fs::write(folder.join("successor.toml"), free).unwrap();
    let mut program = Program::start(command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY));
    program.wait_for_line(why);
    assert_eq!(program.wait(), Some(1));
}
