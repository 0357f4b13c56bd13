//! Tests of settings that only the proxy uses.

use std::path::Path;

use gatepost::{Capture, Gate, LogCallbacks};

use super::{ROUTES, TEMPLATE, build, errors, other_warnings, with};

#[test]
fn reports_invalid_proxy_settings() {
    let template = "[[template]]\nname = 'a'\nprovider = 'kollus'\nbind = ['*']\n";
    let cases = [
        (
            "listen = ['127.0.0.1:1', '127.0.0.1:1']\nupstream = 'http://x'",
            "expected an unused address, found 127.0.0.1:1 twice",
        ),
        (
            "listen = '127.0.0.1:1'\nadmin = '127.0.0.1:1'\nupstream = 'http://x'",
            "expected an unused address, found 127.0.0.1:1 twice",
        ),
        ("listen = '127.0.0.1:1'\nupstream = 'http://127.0.0.1:99999'", "expected a valid URL"),
        ("listen = '127.0.0.1:1'", "expected an address for each kind"),
        ("upstream = 'http://x'\nupstream_idle_ms = 0", "expected a number from 1 to 3600000"),
        ("upstream = 'http://x'\nupstream_idle_ms = '4s'", "upstream_idle_ms: expected"),
        ("listen = '0.0.0.0:81'\nupstream = 'http://localhost:81'", "the proxy's address"),
        ("max_connections = 0", "expected a number from 1 to 1000000, found 0"),
        (
            "max_unjudged_bytes = 65536",
            "expected a number from 1048576 to 1099511627776, found 65536",
        ),
    ];
    for (top, expected) in cases {
        let faults = errors(&format!("{top}\n{ROUTES}{template}"));
        assert_eq!(faults.len(), 1, "{top}\n{faults:#?}");
        assert!(faults[0].contains(expected), "{top}: expected {expected}, found {faults:#?}");
    }
    build(&format!("listen = '[::]:1'\nupstream = 'http://[::1]:80'\n{ROUTES}{template}")).unwrap();
}

#[test]
fn compares_admin_token_and_never_shows_it() {
    let config =
        format!("admin = '127.0.0.1:1'\nadmin_token = {{ env = 'KEY' }}\n{}", with(TEMPLATE));
    let build = |key: &str| Gate::builder().toml(&*config).variable("KEY", key).build();
    let gate = build("s3cret-key").unwrap();
    let token = gate.proxy_settings().admin_token.unwrap();
    assert!(token.matches(b"s3cret-key"));
    assert!(!token.matches(b"s3cret-kez"));
    assert_eq!(format!("{token:?}"), "AdminToken([redacted])");
    assert_eq!(other_warnings(&gate), [""; 0]);
    assert!(!format!("{gate:?}").contains("s3cret-key"));
    for unfit in ["a b", "b\u{e9}"] {
        let faults = build(unfit).unwrap_err().to_string();
        assert!(
            faults.contains("admin_token: expected a token of printable ASCII"),
            "expected a fault about the characters of the token, found {faults}"
        );
    }
}

#[test]
fn reads_hosts_and_key_folders_of_admin_listener() {
    let settings = |hosts: &str| {
        let top = format!("admin_hosts = {hosts}\nkey_dirs = ['keys', '/etc/gatepost']");
        build(&format!("{top}\n{}", with(TEMPLATE))).map(|gate| gate.proxy_settings())
    };
    let read = settings("['Gate.Example.com.', 'ops']").unwrap();
    assert_eq!(read.admin_hosts, ["gate.example.com", "ops"]);
    assert_eq!(read.key_dirs, [Path::new("keys"), Path::new("/etc/gatepost")]);
    for wrong in ["https://a", "a:80", "a/b", "*.a", "", "a..b", "ä", "a b", "."] {
        let fault = settings(&format!("['{wrong}']")).unwrap_err().to_string();
        assert!(
            fault.contains("admin_hosts[0]: expected a host name"),
            "{wrong}: expected a fault about the host name, found {fault}"
        );
    }
}

#[test]
fn reads_settings_of_log_and_traces() {
    let settings = |top: &str| {
        let gate = build(&format!("{top}\n{}", with(TEMPLATE)));
        gate.map(|gate| gate.proxy_settings().telemetry).map_err(|fault| fault.to_string())
    };
    let default = settings("").unwrap();
    assert_eq!(default.log_callbacks, LogCallbacks::Refused);
    assert!(default.access_log.is_none() && default.otlp.is_none());
    let read = settings(
        "log_callbacks = 'all'\n[telemetry]\naccess_log = { file = 'a.log', sample = 0.25 }\n\
         otlp = 'http://127.0.0.1:4318'",
    )
    .unwrap();
    assert_eq!(read.log_callbacks, LogCallbacks::All);
    let log = read.access_log.unwrap();
    assert_eq!((log.file.as_path(), log.sample), (Path::new("a.log"), 0.25));
    assert_eq!(read.otlp.unwrap().port_u16(), Some(4318));
    for (wrong, fault) in [
        ("log_callbacks = 'some'", "log_callbacks: expected a known value, found \"some\""),
        ("log_callbacks = true", "log_callbacks: expected a string"),
        ("telemetry = 1", "telemetry: expected a table"),
        ("[telemetry]\naccess_log = {}", "telemetry.access_log: expected `file`, found none"),
        (
            "[telemetry]\naccess_log = { file = 'a', sample = 2 }",
            "sample: expected a number from 0 to 1",
        ),
        (
            "[telemetry]\naccess_log = { file = 'a', sample = nan }",
            "sample: expected a number from 0 to 1",
        ),
        (
            "[telemetry]\naccess_log = { file = 'a', sample = 'x' }",
            "sample: expected a number from 0 to 1, found a string",
        ),
        ("[telemetry]\notlp = '127.0.0.1:4318'", "telemetry.otlp: expected a valid URL"),
        ("[telemetry]\notlp = 'http://x/v1/traces'", "telemetry.otlp: expected no path"),
        ("[telemetry]\ncolour = 1", "telemetry.colour: expected a known key"),
    ] {
        let found = settings(wrong).unwrap_err();
        assert!(found.contains(fault), "{wrong}: expected {fault}, found {found}");
    }
}

#[test]
fn reads_settings_of_inspector() {
    let settings = |top: &str| {
        let gate = build(&format!("{top}\n{}", with(TEMPLATE)));
        gate.map(|gate| gate.proxy_settings()).map_err(|fault| fault.to_string())
    };
    let inspector = |top: &str| settings(top).unwrap().inspector;
    let admin = "admin = '127.0.0.1:9900'";
    assert_eq!(inspector("").capture, Capture::None);
    assert_eq!(inspector("[inspector]\ncapture = 'full'").capture, Capture::None);
    for token in ["admin_token", "admin_read_token"] {
        let default = inspector(&format!("{admin}\n{token} = 's3cret'"));
        assert_eq!(default.capture, Capture::Masked);
        assert_eq!((default.keep.get(), default.max_bytes.get()), (1000, 16 << 20));
    }
    let read = format!(
        "{admin}\nadmin_token = 's3cret'\n\
         [inspector]\nkeep = 5\nmax_bytes = 1048576\ncapture = 'full'"
    );
    let read = settings(&read).unwrap();
    let inspector = read.inspector;
    assert_eq!((inspector.keep.get(), inspector.max_bytes.get()), (5, 1 << 20));
    assert_eq!(inspector.capture, Capture::Full);
    let other = settings(&format!("{admin}\nadmin_token = 's3cret'")).unwrap();
    assert_eq!(
        read.restart_keys(&other),
        [""; 0],
        "expected no key that needs a restart, found one"
    );
    for (wrong, fault) in [
        ("keep = 0", "inspector.keep: expected a number from 1 to 100000"),
        ("max_bytes = 5", "inspector.max_bytes: expected a number from 1048576"),
        ("capture = 'some'", "inspector.capture: expected a known mode, found \"some\""),
        ("colour = 1", "inspector.colour: expected a known key"),
    ] {
        let found = settings(&format!("[inspector]\n{wrong}")).unwrap_err();
        assert!(found.contains(fault), "{wrong}: expected {fault}, found {found}");
    }
}

#[test]
fn change_of_table_telemetry_needs_restart_but_change_of_log_callbacks_does_not() {
    let settings =
        |top: &str| build(&format!("{top}\n{}", with(TEMPLATE))).unwrap().proxy_settings();
    let old = settings("");
    assert_eq!(old.restart_keys(&settings("log_callbacks = 'none'")), [""; 0]);
    for changed in ["access_log = { file = 'a' }", "otlp = 'http://127.0.0.1:4318'"] {
        let new = settings(&format!("[telemetry]\n{changed}"));
        assert_eq!(old.restart_keys(&new), ["telemetry"], "{changed}");
    }
}

#[test]
fn names_each_changed_key_that_needs_a_restart() {
    let settings =
        |top: &str| build(&format!("{top}\n{}", with(TEMPLATE))).unwrap().proxy_settings();
    let new = "threads = 3\nmax_connections = 500\nwatch = true\nstop_timeout_secs = 7";
    assert_eq!(
        settings("").restart_keys(&settings(new)),
        ["threads", "max_connections", "stop_timeout_secs"]
    );
}

#[test]
fn warns_of_exposed_or_unused_admin_token() {
    let warnings = |top: &str| {
        let gate = build(&format!("{top}\n{}", with(TEMPLATE))).unwrap();
        gate.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let reachable = "expected TLS or a local address";
    assert!(warnings("admin = '0.0.0.0:1'\nadmin_token = { env = 'KEY' }").contains(reachable));
    for local in ["'[::1]:1'", "'127.0.0.1:1'"] {
        let top = format!("admin = {local}\nadmin_token = {{ env = 'KEY' }}");
        assert!(!warnings(&top).contains(reachable));
    }
    assert!(!warnings("admin = '0.0.0.0:1'").contains(reachable));
    assert!(
        warnings("admin_token = { env = 'KEY' }")
            .contains("expected `admin` beside the token, found none")
    );
    assert!(warnings("admin_token = 'hunter2'").contains("found a literal secret"));
}
