//! Tests of gatepost with a store on NATS: queued delivery, shared state, and several machines.
//! `tests/peers/install` installs the NATS server in `target/peers`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::nats_server::{NatsServer, SYNCED};
use crate::outgoing_tls::Authority;
use crate::shared_state::{end_of, sessions, stale_ends, templates as shared_templates};
use crate::support::*;
use crate::template_api::{TOKEN_LINE, call};

fn config(server: &NatsServer, app: &App, more: &str) -> String {
    format!(
        "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\n\
         keys = [{{ env = 'TENCENT_KEY' }}]\nbind = ['push.example.com']\n\
         [template.on]\n\
         push = {{ url = '{}', timeout_ms = 500, budget_ms = 4000, deliver = 'queued', \
         retry = {{ first_ms = 20, max_ms = 100 }} }}\n\
         [store]\nurl = '{}'\nreplicas = 1\nmonitor = ['{}']\n{more}\n",
        app.url("/live/push"),
        server.url,
        server.monitor,
    )
}

/// Starts a NATS server that accepts the largest body of a callback.
fn server() -> NatsServer {
    NatsServer::with(&format!("{SYNCED}\nmax_payload: 4MB"))
}

fn serve(server: &NatsServer, app: &App) -> Gatepost {
    Gatepost::serve("breaker = { failures = 5, retry_ms = 100 }", &config(server, app, ""))
}

fn push_of(stream: &str) -> Vec<u8> {
    let body = push().replace("\"stream_id\":\"s\"", &format!("\"stream_id\":\"{stream}\""));
    post("/callbacks/tencent", &body)
}

#[test]
#[ignore = "needs tests/peers/install"]
fn machines_deliver_each_event_once() {
    let (server, app) = (server(), App::answering(200, ""));
    let machines = [serve(&server, &app), serve(&server, &app)];
    for number in 0..20 {
        let push = push_of(&format!("s{number}"));
        for machine in &machines {
            assert_eq!(machine.send(&push).status, 200);
        }
    }
    eventually("each event", || {
        machines[0].counted("gatepost_queue_events", "state=\"delivered\"") == 20
    });
    let mut counts = BTreeMap::new();
    for seen in app.seen() {
        *counts.entry(seen.header("ce-id").unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!((counts.len(), counts.values().max()), (20, Some(&1)));
}

#[test]
#[ignore = "needs tests/peers/install"]
fn another_machine_delivers_the_event_of_a_killed_machine() {
    let (server, app) = (server(), App::down());
    let mut first = serve(&server, &app);
    assert_eq!(first.send(&push_of("a")).status, 200);
    first.program.signal("KILL");
    first.program.wait();
    let app = App::answering_on(app.port, 200, "");
    let _second = serve(&server, &app);
    eventually("the event", || app.seen().len() == 1);
}

#[test]
#[ignore = "needs tests/peers/install"]
fn end_at_another_machine_is_stale_if_a_newer_session_has_started() {
    for deliver in ["direct", "queued"] {
        let (server, app) = (server(), App::answering(200, ""));
        let store = format!(
            "[store]\nurl = '{}'\nreplicas = 1\nmonitor = ['{}']\n",
            server.url, server.monitor
        );
        let config = sessions(&app, deliver) + &store;
        let [one, other] = [(); 2].map(|()| Gatepost::serve("", &config));
        let (old, new) = (push(), push());
        for (machine, push) in [(&one, &old), (&other, &new)] {
            assert_eq!(machine.send(&post("/callbacks/tencent", push)).status, 200);
        }
        for (machine, push) in [(&one, &old), (&one, &new)] {
            assert_eq!(machine.send(&end_of(push)).status, 200);
        }
        eventually("both ends", || stale_ends(&app).len() == 2);
        assert_eq!(stale_ends(&app), [Some("true".to_owned()), None], "{deliver}");
        assert_eq!(one.counted("gatepost_shared_state_missed_total", ""), 0);
    }
}

/// Starts gatepost for each of two machines, without queued delivery. `extra` is a line of the
/// template for Tencent CSS.
fn two_machines(server: &NatsServer, app: &App, extra: &str) -> [Gatepost; 2] {
    let store = format!(
        "[store]\nurl = '{}'\nreplicas = 1\nmonitor = ['{}']\n",
        server.url, server.monitor
    );
    [(); 2].map(|()| Gatepost::serve("", &(shared_templates(app, extra) + &store)))
}

#[test]
#[ignore = "needs tests/peers/install"]
fn other_machine_refuses_a_reused_signature() {
    let (server, app) = (server(), App::answering(200, ""));
    let [one, other] = two_machines(&server, &app, "signature_reuse = 'refuse'");
    // Both callbacks have the same signature, which covers only the key and the time.
    let body = push();
    let second = body.replace("\"stream_id\":\"s\"", "\"stream_id\":\"b\"");
    assert_eq!(one.send(&post("/callbacks/tencent", &body)).status, 200);
    assert_eq!(other.send(&post("/callbacks/tencent", &second)).status, 401);
    other.program.wait_for_line("signature_reused");
    assert_eq!(app.seen().len(), 1);
}

#[test]
#[ignore = "needs tests/peers/install"]
fn other_machine_repeats_the_last_good_reply() {
    let status = Arc::new(AtomicU16::new(200));
    let answered = Arc::clone(&status);
    let app = App::start(move |_| Act::Answer(answered.load(Ordering::SeqCst), "{\"allow\":true}"));
    let server = server();
    let [one, other] = two_machines(&server, &app, "");
    let play = post(
        &format!("/callbacks/kollus/{TOKEN}"),
        "kind=100&client_user_id=u&media_content_key=m&channel_key=c",
    );
    let first = one.send(&play);
    status.store(500, Ordering::SeqCst);
    let again = other.send(&play);
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert_eq!(other.counted("gatepost_callbacks_total", "origin=\"last_good\""), 1);
}

#[test]
#[ignore = "needs tests/peers/install"]
fn missing_or_silent_monitor_is_a_warning() {
    let (server, app) = (server(), App::answering(200, ""));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let monitor = format!("monitor = ['{}']", server.monitor);
    for (lines, expected) in [
        (String::new(), "expected `monitor`, which gatepost needs to check sync_interval"),
        (format!("monitor = ['{silent}']"), "found no response in time; check monitor"),
        ("monitor = ['http://127.0.0.1:9']".into(), "found an error: Connection refused"),
    ] {
        let gate = Gatepost::serve("", &config(&server, &app, "").replace(&monitor, &lines));
        gate.program.wait_for_line(expected);
        assert_eq!(gate.send(&push_of(&free_port().to_string())).status, 200);
    }
}

#[test]
#[ignore = "needs tests/peers/install"]
fn stream_with_fewer_replicas_prevents_the_start() {
    let (server, app) = (server(), App::answering(200, ""));
    let mut gate = serve(&server, &app);
    gate.program.signal("TERM");
    gate.program.wait();
    let path = gate.folder.path().join("gatepost.toml");
    let config = std::fs::read_to_string(&path).unwrap().replace("replicas = 1", "replicas = 3");
    std::fs::write(&path, config).unwrap();
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(&path).env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
    let mut program = Program::start(&mut command);
    program.wait_for_line("expected 3 replicas, found 1; start 3 servers as one cluster");
    assert_eq!(program.wait(), Some(1));
}

#[test]
#[ignore = "needs tests/peers/install"]
fn unsuitable_server_after_a_reconnect_is_a_warning() {
    let (server, app) = (server(), App::answering(200, ""));
    let gate = serve(&server, &app);
    // After its restart, the server has the default of max_payload, 1 MiB.
    let _server = server.restart();
    let line = gate.program.wait_for_line("nats_server_unsuitable");
    assert!(line.contains("expected max_payload of at least"), "{line}");
    assert!(line.contains("\"count\":1"), "{line}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn operator_waits_at_most_three_seconds_for_a_silent_server() {
    let (server, app) = (server(), App::answering(200, ""));
    let gate = Gatepost::serve(TOKEN_LINE, &config(&server, &app, ""));
    assert_eq!(gate.send(&push_of("a")).status, 200);
    server.suspend();
    let limit = Duration::from_millis(4500);
    let listed = within(limit, || {
        let mut command = gatepost();
        command.args(["queue", "list", "-c"]).arg(gate.folder.path().join("gatepost.toml"));
        command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY).output().unwrap()
    });
    assert_eq!(listed.status.code(), Some(1));
    let text = String::from_utf8(listed.stderr).unwrap();
    assert!(text.contains("within 3 s, found none; check that the servers run"), "{text}");
    let (status, body) =
        within(limit, || call(&gate, "GET", "/api/queue", &serde_json::Value::Null));
    assert_eq!(status, 503, "{body}");
    assert!(body.to_string().contains("store_unavailable"), "{body}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn machines_share_a_rate_limit() {
    let (server, app) = (server(), App::answering(200, ""));
    let route = "[[route]]\npath = '/limited'\nprovider = 'tencent-css'\n\
                 limit = { per_second = 1, burst = 5, shared = true }\n";
    let config = config(&server, &app, route).replace(", deliver = 'queued'", "");
    let config = config.replace(", retry = { first_ms = 20, max_ms = 100 }", "");
    let machines = [(); 2].map(|()| Gatepost::serve("", &config));
    let mut accepted = 0;
    for number in 0..8 {
        let body = push().replace("\"stream_id\":\"s\"", &format!("\"stream_id\":\"s{number}\""));
        for machine in &machines {
            let body = body.replace("\"user_ip\":\"", &format!("\"user_ip\":\"{}", machine.port));
            accepted += u32::from(machine.send(&post("/limited", &body)).status == 200);
        }
    }
    // The limit permits five callbacks at once, and one more in each second of the test. Separate
    // limits permit ten at once.
    assert!((5..9).contains(&accepted), "expected 5 to 8 accepted callbacks, found {accepted}");
    let missed = machines[0].counted("gatepost_shared_state_missed_total", "use=\"limit\"");
    assert_eq!((app.seen().len(), missed), (accepted as usize, 0));
}

#[test]
#[ignore = "needs tests/peers/install"]
fn replies_503_while_nats_is_down() {
    let (server, app) = (server(), App::answering(200, ""));
    let gate = serve(&server, &app);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    drop(server);
    assert_eq!(gate.send(&push_of("b")).status, 503);
    gate.program.wait_for_line("store_unavailable");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn serves_metrics_while_the_server_does_not_respond() {
    let (server, app) = (server(), App::answering(200, ""));
    let gate = serve(&server, &app);
    assert!(gate.metrics().contains("gatepost_store_up 1"), "{}", gate.metrics());
    server.suspend();
    let metrics = within(Duration::from_millis(1500), || gate.metrics());
    assert!(metrics.contains("gatepost_store_up 0"), "{metrics}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn operator_lists_shows_and_drops_events() {
    let (server, app) = (server(), App::down());
    let gate = serve(&server, &app);
    assert_eq!(gate.send(&push_of("a")).status, 200);
    eventually("an attempt", || {
        gate.counted("gatepost_queue_attempts_total", "result=\"failed\"") > 0
    });
    let queue = |arguments: &[&str]| {
        let mut command = gatepost();
        command.arg("queue").args(arguments);
        command.arg("-c").arg(gate.folder.path().join("gatepost.toml"));
        let output = command.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let listed = queue(&["list"]);
    assert!(listed.contains("prod-live/push") && listed.contains("app_unreachable"), "{listed}");
    assert!(queue(&["show", "1"]).contains("\"stream_param\": \"***\""));
    // During an attempt, the event has a claim, so the operator cannot drop it.
    eventually("the drop of the event", || queue(&["drop", "1"]).contains("dropped 1 event"));
    assert!(!queue(&["list"]).contains("prod-live/push"));
}

#[test]
#[ignore = "needs tests/peers/install"]
fn unsuitable_server_prevents_the_start() {
    for (lines, more, expected) in [
        (
            "jetstream { store_dir: 'FOLDER' }\nmax_payload: 4MB",
            "",
            "expected sync_interval: always",
        ),
        (SYNCED, "", "expected max_payload of at least 1118208 bytes, found 1048576"),
        (
            &format!("{SYNCED}\nauthorization {{ token: right }}"),
            "token = { env = 'NATS_TOKEN' }",
            "authorization violation",
        ),
    ] {
        let (server, app) = (NatsServer::with(lines), App::answering(200, ""));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatepost.toml");
        let routes = "listen = ['127.0.0.1:0']\n[[route]]\npath = '/callbacks/tencent'\n\
                      provider = 'tencent-css'\n";
        std::fs::write(&path, routes.to_owned() + &config(&server, &app, more)).unwrap();
        let mut command = gatepost();
        command.args(["run", "-c"]).arg(&path).env("TENCENT_KEY", KEY).env("NATS_TOKEN", "wr0ng");
        let mut program = Program::start(&mut command);
        let line = program.wait_for_line(expected);
        assert!(!line.contains("wr0ng"), "expected no `wr0ng`, found {line}");
        assert_eq!(program.wait(), Some(1));
    }
}

/// Starts a NATS server that accepts only TLS, requires a client certificate and a password, and
/// accepts the largest body of a callback. Returns the server and the folder with the files that
/// gatepost needs.
fn server_with_tls(authority: &Authority) -> (NatsServer, tempfile::TempDir) {
    let (folder, own) = (tempfile::tempdir().unwrap(), authority.sign("localhost"));
    let client = authority.sign("gatepost");
    for (name, text) in [
        ("ca.pem", &authority.pem),
        ("own.pem", &own.chain),
        ("own.key", &own.key),
        ("client.pem", &client.chain),
        ("client.key", &client.key),
        ("password", &"right\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let files = folder.path().display();
    let server = NatsServer::with(&format!(
        "{SYNCED}\nmax_payload: 4MB\nauthorization {{ user: gatepost, password: right }}\n\
         tls {{ cert_file: '{files}/own.pem', key_file: '{files}/own.key', \
         ca_file: '{files}/ca.pem', verify: true }}"
    ));
    (server, folder)
}

/// Returns the table `[store]` for a server with TLS.
fn store_with_tls(server: &NatsServer, files: &std::path::Path) -> String {
    let (_, port) = server.url.rsplit_once(':').unwrap();
    format!(
        "[store]\nurl = 'tls://localhost:{port}'\nreplicas = 1\nmonitor = ['{}']\n\
         user = 'gatepost'\npassword = {{ file = '{}/password' }}\n",
        server.monitor,
        files.display()
    )
}

#[test]
#[ignore = "needs tests/peers/install"]
fn queues_events_over_tls_with_client_certificate_and_password() {
    let (authority, app) = (Authority::new(), App::answering(200, ""));
    let (server, folder) = server_with_tls(&authority);
    let files = folder.path().display();
    let tls = format!(
        "[[outgoing_tls]]\nhosts = 'localhost'\nca = '{files}/ca.pem'\n\
         certificate = '{files}/client.pem'\nkey = {{ file = '{files}/client.key' }}\n"
    );
    let config = config(&server, &app, "");
    let (template, _) = config.split_once("[store]").unwrap();
    let store = store_with_tls(&server, folder.path());
    let gate = Gatepost::serve("", &format!("{template}{store}{tls}"));
    assert_eq!(gate.send(&push_of("a")).status, 200);
    eventually("the event", || app.seen().len() == 1);
}

#[test]
#[ignore = "needs tests/peers/install"]
fn unknown_certificate_authority_of_nats_prevents_the_start() {
    let (authority, app) = (Authority::new(), App::answering(200, ""));
    let (server, files) = server_with_tls(&authority);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    let config = config(&server, &app, "");
    let (template, _) = config.split_once("[store]").unwrap();
    let routes = "listen = ['127.0.0.1:0']\n[[route]]\npath = '/callbacks/tencent'\n\
                  provider = 'tencent-css'\n";
    let store = store_with_tls(&server, files.path());
    std::fs::write(&path, format!("{routes}{template}{store}")).unwrap();
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(&path).env("TENCENT_KEY", KEY);
    let mut program = Program::start(&mut command);
    let line = program.wait_for_line("expected a connection to one of tls://localhost");
    assert!(line.contains("UnknownIssuer") && !line.contains("right"), "{line}");
    assert_eq!(program.wait(), Some(1));
}

#[test]
#[ignore = "needs tests/peers/install"]
fn authenticates_to_nats_with_the_nkey_in_a_file() {
    // The key pair in the documentation of NATS.
    const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let app = App::answering(200, "");
    let server = NatsServer::with(&format!(
        "{SYNCED}\nmax_payload: 4MB\nauthorization {{ users: [ {{ nkey: {PUBLIC} }} ] }}"
    ));
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("gatepost.nk");
    std::fs::write(&seed, format!("{SEED}\n")).unwrap();
    let more = format!("nkey = {{ file = '{}' }}", seed.display());
    let gate = Gatepost::serve("", &config(&server, &app, &more));
    assert_eq!(gate.send(&push_of("a")).status, 200);
    eventually("the event", || app.seen().len() == 1);
}

#[test]
fn logs_at_start_that_gatepost_waits_for_a_silent_server() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = silent.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    let config = format!(
        "listen = ['127.0.0.1:{}']\n[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
         [store]\nurl = 'nats://{server}'\nreplicas = 1\n",
        free_port()
    );
    std::fs::write(&path, config).unwrap();
    let program = Program::start(gatepost().args(["run", "-c"]).arg(&path));
    let line = program.wait_for_line("waiting for NATS");
    assert!(line.contains(&server.to_string()) && line.contains("within 10 s, gatepost"), "{line}");
}
