//! Tests of TLS listeners with clients over sockets.

mod admin;
mod authority;
mod recipes;
mod reload;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use self::authority::{Authority, Issued, TlsClient, presented};
use crate::service::{ROUTE, TEMPLATE, listener, start_with};
use crate::support::*;

/// A gatepost with a TLS listener, and the authority of its certificate.
struct TlsGate {
    gate: Gatepost,
    port: u16,
    authority: Authority,
    issued: Issued,
}

impl TlsGate {
    /// Serves a certificate for `gate.test`. `top` and `tables` are further keys and tables of the
    /// config.
    fn serve(top: &str, tables: &str) -> Self {
        let authority = Authority::new();
        let issued = authority.issue(&["gate.test"]);
        Self::serve_as(authority, issued, top, tables, |_| {})
    }

    /// Serves the certificate `issued`. Before the start, calls `prepare` with the folder of the
    /// config.
    fn serve_as(
        authority: Authority,
        issued: Issued,
        top: &str,
        tables: &str,
        prepare: impl Fn(&std::path::Path),
    ) -> Self {
        let port = free_port();
        let top = format!("listen_tls = ['127.0.0.1:{port}']\n{top}");
        let table = "[[certificate]]\nchain = 'tls/fullchain.pem'\n\
                     key = { file = 'tls/privkey.pem' }\n";
        let gate = Gatepost::serve_prepared(&top, &format!("{table}{tables}"), |folder| {
            issued.write(&folder.join("tls"));
            prepare(folder);
        });
        Self { gate, port, authority, issued }
    }

    fn connect(&self) -> TlsClient {
        self.authority.client().connect(self.port, "gate.test").unwrap()
    }
}

#[test]
fn path_without_route_has_a_line_over_tls() {
    let tls = TlsGate::serve("", "");
    assert_eq!(tls.connect().send(&post("/other", "")).status, 404);
    let line = tls.gate.program.wait_for_line("route_not_found");
    assert!(line.contains("\"request\":\"POST /other\""), "{line}");
}

#[test]
fn fast_path_serves_callbacks_over_tls() {
    let app = App::answering(200, "");
    let tls = TlsGate::serve("", &templates(&app));
    let mut client = tls.connect();
    for _ in 0..3 {
        assert_eq!(client.send(&pushed()).status, 200);
    }
    let forged = with_flipped_sign(&push());
    assert_eq!(client.send(&post("/callbacks/tencent", &forged)).status, 401);
    assert_eq!(tls.gate.send(&pushed()).status, 200);
    assert_eq!(app.seen().len(), 4);
    let metrics = tls.gate.metrics();
    for line in [
        "gatepost_callback_paths_total{path=\"fast\",tls=\"yes\"} 4\n",
        "gatepost_callback_paths_total{path=\"fast\",tls=\"no\"} 1\n",
        "gatepost_callback_paths_total{path=\"pingora\",tls=\"yes\"} 0\n",
        "gatepost_tls_handshakes_total{version=\"TLSv1_3\"} 1\n",
    ] {
        assert!(metrics.contains(line), "expected {line}, found {metrics}");
    }
}

// The supervisor names each socket after a config key. The sockets of a key replace its addresses.
#[test]
fn serves_tls_on_sockets_of_supervisor_and_hands_them_over() {
    let (folder, authority) = (tempfile::TempDir::new().unwrap(), Authority::new());
    let [(one, plain), (two, first), (three, second)] = [(); 3].map(|()| listener());
    let unused = free_port();
    let config = format!(
        "threads = 2\nupgrade_socket = 'upgrade.sock'\nlisten_tls = '127.0.0.1:{unused}'\n\
         [[certificate]]\nchain = 'fullchain.pem'\nkey = {{ file = 'privkey.pem' }}\n{ROUTE}{TEMPLATE}"
    );
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, config).unwrap();
    let issued = authority.issue(&["gate.test"]);
    issued.write(folder.path());
    let served = |expected: &rustls::pki_types::CertificateDer<'_>| {
        for port in [first, second] {
            let mut client = authority.client().connect(port, "gate.test").unwrap();
            assert_eq!(presented(&client), *expected);
            assert_eq!(client.send(&pushed()).status, 200);
            let reply = Client::new(connect(port)).send(&pushed());
            assert_eq!(reply.text(), "expected TLS, found plain HTTP; use https://\n");
        }
        assert_eq!(Client::new(connect(plain)).send(&pushed()).status, 200);
    };
    let run = |more: &[&str]| {
        let mut command = gatepost();
        command.args(["run", "-c"]).arg(&path).args(more).env("TENCENT_KEY", KEY);
        command
    };
    let names = "listen_tls:listen:listen_tls";
    let mut gate = start_with(&[&two, &one, &three], names, &run(&[]));
    gate.wait_for_line("listening for callbacks");
    drop((one, two, three));
    served(&issued.first());
    assert!(std::net::TcpListener::bind(("127.0.0.1", unused)).is_ok());

    let renewed = authority.issue(&["gate.test"]);
    renewed.write(folder.path());
    gate.signal("HUP");
    gate.wait_for_line("reloaded the config");
    served(&renewed.first());

    let successor = Program::start(&mut run(&["--upgrade"]));
    successor.wait_for_line("listening for callbacks");
    assert_eq!(gate.wait(), Some(0));
    served(&renewed.first());
}

// If the name of a socket is not a config key, gatepost finds the key by the address of the socket.
#[test]
fn serves_tls_on_socket_of_supervisor_by_address() {
    let (folder, authority) = (tempfile::TempDir::new().unwrap(), Authority::new());
    let (socket, port) = listener();
    let config = format!(
        "threads = 2\nlisten_tls = '127.0.0.1:{port}'\n[[certificate]]\nchain = 'fullchain.pem'\n\
         key = {{ file = 'privkey.pem' }}\n{ROUTE}{TEMPLATE}"
    );
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, config).unwrap();
    authority.issue(&["gate.test"]).write(folder.path());
    let mut command = gatepost();
    command.args(["run", "-c"]).arg(&path);
    let gate = start_with(&[&socket], "gatepost.socket", &command);
    gate.wait_for_line("listening for callbacks");
    let mut client = authority.client().connect(port, "gate.test").unwrap();
    assert_eq!(client.send(&pushed()).status, 200);
}

#[test]
fn passes_other_requests_with_scheme_of_the_client() {
    let app = App::answering(200, "ok");
    let top = format!("upstream = '{}'", app.url(""));
    let tls = TlsGate::serve(&top, &templates(&app));
    let mut client = tls.connect();
    assert_eq!(client.send(&post("/other", "x")).text(), "ok");
    assert_eq!(client.send(&pushed()).status, 200);
    assert_eq!(client.send(&post("/other", "x")).text(), "ok");
    for seen in app.seen() {
        assert_eq!(seen.header("x-forwarded-proto"), Some("https"), "{seen:?}");
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"), "{seen:?}");
    }
}

/// Sends a callback to the TLS port with curl. Returns curl's output: the version of HTTP and the
/// status.
fn curl(tls: &TlsGate, arguments: &[&str]) -> String {
    let authority = tls.gate.folder.path().join("authority.pem");
    std::fs::write(&authority, &tls.authority.pem).unwrap();
    let output = Command::new("curl")
        .args(["-sS", "--cacert"])
        .arg(authority)
        .args(["--resolve", &format!("gate.test:{}:127.0.0.1", tls.port)])
        .args(["-o", "/dev/null", "-w", "%{http_version} %{http_code}", "-d", &push()])
        .args(arguments)
        .arg(format!("https://gate.test:{}/callbacks/tencent", tls.port))
        .output()
        .unwrap();
    let (out, err) = (output.stdout, output.stderr);
    String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap()
}

#[test]
fn serves_http_2_by_alpn() {
    let app = App::answering(200, "");
    let tls = TlsGate::serve("", &templates(&app));
    assert_eq!(curl(&tls, &[]), "2 200");
    assert_eq!(curl(&tls, &["--http1.1"]), "1.1 200");
    assert_eq!(curl(&tls, &["--no-alpn"]), "1.1 200");
    let metrics = tls.gate.metrics();
    let line = "gatepost_callback_paths_total{path=\"pingora\",tls=\"yes\"} 1\n";
    assert!(metrics.contains(line), "expected {line}, found:\n{metrics}");
}

#[test]
fn refuses_http_2_preface_if_alpn_selects_http_1() {
    let tls = TlsGate::serve("", "");
    let mut client = tls.connect();
    client.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(client.read().status, 400);
}

#[test]
fn presents_first_certificate_if_none_has_the_requested_name() {
    let authority = Authority::new();
    let [first, exact, wildcard] = [&["gate.test"], &["play.example.com"], &["*.example.com"]]
        .map(|names| authority.issue(names));
    let (second, third) = (exact.first(), wildcard.first());
    let tables = "[[certificate]]\nchain = '1/fullchain.pem'\nkey = { file = '1/privkey.pem' }\n\
                  [[certificate]]\nchain = '2/fullchain.pem'\nkey = { file = '2/privkey.pem' }\n";
    let tls = TlsGate::serve_as(authority, first, "", tables, |folder| {
        exact.write(&folder.join("1"));
        wildcard.write(&folder.join("2"));
    });
    let client = tls.authority.client();
    let presented_to = |name: &str| presented(&client.connect(tls.port, name).unwrap());
    assert_eq!(presented_to("gate.test"), tls.issued.first());
    assert_eq!(presented_to("play.example.com"), second);
    assert_eq!(presented_to("push.example.com"), third);
    let error = client.connect(tls.port, "other.test").err().unwrap();
    assert!(error.to_string().contains("certificate not valid for name"), "{error}");
    let line = tls.gate.program.wait_for_line("tls_certificate_not_accepted");
    assert!(line.contains("expected a client that accepts the certificate"), "{line}");
}

#[test]
fn requires_client_certificate_of_authority() {
    let [clients, strangers] = [Authority::new(), Authority::new()];
    let tables = "[tls]\nclient_ca = 'clients.pem'\n";
    let app = App::answering(200, "");
    let tables = format!("{tables}{}", templates(&app));
    let authority = Authority::new();
    let issued = authority.issue(&["gate.test"]);
    let tls = TlsGate::serve_as(authority, issued, "", &tables, |folder| {
        std::fs::write(folder.join("clients.pem"), &clients.pem).unwrap();
    });
    let mut client = tls.authority.client();
    for own in [None, Some(strangers.issue(&["client.test"]))] {
        client.certificate = own;
        // In TLS 1.3, the client receives the alert only at its first read after the handshake.
        let refused = match client.connect(tls.port, "gate.test") {
            Ok(mut client) => client.is_closed(),
            Err(_) => true,
        };
        assert!(refused, "expected a closed connection, found an open one");
    }
    let lines = tls.gate.program.wait_for_lines("tls_client_certificate_refused", 2);
    assert!(lines.contains("expected a client certificate of an authority in `client_ca`"));
    client.certificate = Some(clients.issue(&["client.test"]));
    let mut client = client.connect(tls.port, "gate.test").unwrap();
    assert_eq!(client.send(&pushed()).status, 200);
}

#[test]
fn refuses_versions_below_minimum() {
    let tls = TlsGate::serve("", "[tls]\nmin_version = '1.3'\n");
    let mut client = tls.authority.client();
    client.versions = vec![&rustls::version::TLS12];
    let error = client.connect(tls.port, "gate.test").err().unwrap();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    let hello = [&[0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1][..], &[7; 32], &[0, 0, 2, 0, 47, 1, 0]];
    let mut old = connect(tls.port);
    old.write_all(&hello.concat()).unwrap();
    let mut alert = Vec::new();
    old.read_to_end(&mut alert).unwrap();
    assert_eq!(alert.first(), Some(&0x15), "expected an alert, found {alert:?}");
    tls.gate.program.wait_for_lines("tls_version_refused", 2);
    let count = "gatepost_connections_closed_total{code=\"tls_version_refused\"} 2\n";
    assert!(tls.gate.metrics().contains(count));
}

#[test]
fn logs_right_listener_for_plain_http_on_tls_port_and_for_tls_on_plain_port() {
    let tls = TlsGate::serve("", "");
    let mut plain = Client::new(connect(tls.port));
    let reply = plain.send(&pushed());
    assert_eq!(reply.status, 400);
    assert_eq!(reply.text(), "expected TLS, found plain HTTP; use https://\n");
    assert!(plain.is_closed());
    let line = tls.gate.program.wait_for_line("tls_expected");
    assert!(
        line.contains("expected TLS, found plain HTTP; send such requests to `listen`"),
        "{line}"
    );
    assert!(tls.authority.client().connect(tls.gate.port, "gate.test").is_err());
    let line = tls.gate.program.wait_for_line("request_unreadable");
    assert!(
        line.contains("expected plain HTTP, found TLS; send such requests to `listen_tls`"),
        "{line}"
    );
}

#[test]
fn reads_proxy_header_before_handshake() {
    let app = App::answering(200, "ok");
    let top = format!(
        "upstream = '{}'\nproxy_protocol = true\ntrusted_proxies = ['127.0.0.1']",
        app.url("")
    );
    let tls = TlsGate::serve(&top, &templates(&app));
    let mut stream = connect(tls.port);
    stream.write_all(b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n").unwrap();
    let mut client = tls.authority.client().handshake(stream, "gate.test").unwrap();
    assert_eq!(client.send(&post("/other", "x")).status, 200);
    assert_eq!(client.send(&pushed()).status, 200);
    for seen in app.seen() {
        assert_eq!(seen.header("x-forwarded-for"), Some("203.0.113.7"), "{seen:?}");
    }
    assert!(tls.authority.client().connect(tls.port, "gate.test").is_err());
    tls.gate.program.wait_for_line("proxy_protocol_broken");
}

#[test]
fn serves_callbacks_despite_unfinished_handshakes() {
    let app = App::answering(200, "");
    let tls = TlsGate::serve("max_connections = 20\n", &templates(&app));
    let hold = |bytes: &[u8]| {
        let mut stream = connect_from([127, 0, 0, 2], tls.port);
        let _closed = stream.write_all(bytes);
        stream
    };
    let mut genuine = tls.connect();
    let mut held: Vec<TcpStream> = Vec::new();
    for round in 0..3 {
        held.extend((0..20).map(|_| hold(&[0x16, 3, 1])));
        assert_eq!(genuine.send(&pushed()).status, 200, "{round}");
        assert_eq!(tls.connect().send(&pushed()).status, 200, "{round}");
    }
    let metrics = tls.gate.metrics();
    assert!(metrics.contains("gatepost_connections_closed_total{code=\"too_many_connections\"}"));
}
